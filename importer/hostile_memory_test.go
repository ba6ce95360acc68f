package importer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// hostile is a source that is made to harm anybody who reads it.
type hostile struct {
	what, format string
	write        func(say func(format string, args ...any))
	issues       int   // that are read anyway
	bad          []int // lines that are named
	skipped      int   // rows
	ends         string
}

// many is a text of n bytes or a little less.
func many(piece string, n int) string { return strings.Repeat(piece, n/len(piece)) }

const (
	nearly = MaxRow - 1<<10
	before = `{"id":"a","title":"one"}` + "\n"
	behind = "\n" + `{"id":"z","title":"last"}` + "\n"
)

// between puts a row of beads between two good ones.
func between(row ...string) func(func(string, ...any)) {
	return func(say func(string, ...any)) {
		say("%s", before)
		for _, part := range row {
			say("%s", strings.Replace(part, "LONG", many("x", nearly), 1))
		}
		say("%s", behind)
	}
}

// listOf is a row with a list that is as long as a row may be.
func listOf(member, element string) func(func(string, ...any)) {
	return func(say func(string, ...any)) {
		say(`%s{"id":"b","title":"two","%s":[%s%s]}%s`, before, member, many(element+",", nearly), element, behind)
	}
}

func hostiles() []hostile {
	rows := 100_000
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		rows = 1_000_000
	}
	all := []hostile{
		{"a million labels", "beads", listOf("labels", `"a"`), 2, []int{2}, 1, ""},
		{"a million dependencies", "beads", listOf("dependencies", `{}`), 2, []int{2}, 1, ""},
		{"a million comments", "beads", listOf("comments", `{}`), 2, []int{2}, 1, ""},
		{"a million members", "beads", func(say func(string, ...any)) {
			say(`%s{"id":"b"`, before)
			for n := range nearly / 10 {
				say(`,"%x":1`, n)
			}
			say("}%s", behind)
		}, 2, []int{2}, 1, ""},
		{"a long id", "beads", between(`{"id":"LONG"}`), 2, []int{2}, 1, ""},
		{"a long text", "beads", between(`{"id":"b","title":"LONG"}`), 3, nil, 0, ""},
		{"a long member", "beads", between(`{"id":"b","title":"two","x":"LONG"}`), 3, nil, 0, ""},
		{"a line that is too long", "beads", between(`{"id":"b","title":"LONG`, `LONG"}`), 2, []int{2}, 1, ""},
		{"a line without an end", "beads", between(`{"id":"b","title":"LONG`, "LONG", "LONG", "LONG"), 2, []int{2}, 1, ""},
		{"deep nesting", "beads", func(say func(string, ...any)) { say(`%s{"id":"b","x":%s}%s`, before, many("[", nearly), behind) }, 2, []int{2}, 1, ""},
		{"types of other members", "beads", func(say func(string, ...any)) {
			say(`{"id":1}` + "\n" + `{"id":"b","title":7}` + "\n" + `{"id":"c","labels":"x"}` + "\n" + `{"id":"d","dependencies":[1]}` + "\n" + `[]` + "\n" + `null` + "\n" + `"x"` + "\n" + `{"id":"e","priority":"high"}` + behind)
		}, 1, []int{1, 2, 3, 4, 5, 6, 7, 8}, 8, ""},
		{"control characters", "beads", func(say func(string, ...any)) {
			say(`{"id":"\u0000\u001b[2J","title":"\u0000\u001b]0;x\u0007\u202e\u0085","labels":["\u0001"],"comments":[{"text":"\u0000"}]}` + "\n" + "{\"id\":\"b\",\"title\":\"\xff\xfe\"}\n" + "{\"id\":\"c\",\"title\":\"\x01\"}" + behind)
		}, 3, []int{3}, 1, ""},
		{"a chain of parents and a cycle", "beads", func(say func(string, ...any)) {
			for n := range rows {
				say(`{"id":"k%d","title":"t","dependencies":[{"issue_id":"k%d","depends_on_id":"k%d","type":"parent-child"},{"issue_id":"k%d","depends_on_id":"k%d","type":"blocks"}]}`+"\n", n, n, (n+1)%rows, n, (n+1)%rows)
			}
		}, rows, nil, 0, ""},
		{"a file of rows that are none", "beads", func(say func(string, ...any)) {
			say(before)
			for range rows {
				say("{\n")
			}
		}, 1, nil, rows, ""},
		{"an array", "github", func(say func(string, ...any)) {
			say("[")
			for n := range rows {
				say(`{"number":%d,"title":"t","labels":[{"name":"a"}],"milestone":{"title":"m%d"}},`, n+1, n)
			}
			say(`{"number":%d,"title":"t"}]`, rows+1)
		}, rows + 1, nil, 0, ""},
		{"a million assignees", "github", func(say func(string, ...any)) {
			say(`[{"number":1,"title":"t"},{"number":2,"assignees":[%s{}]},{"number":3,"title":"t"}]`, many("{},", nearly))
		}, 2, []int{2}, 1, ""},
		{"a long element", "github", func(say func(string, ...any)) {
			say(`[{"number":1,"title":"t"},{"number":2,"title":"%s%s"},{"number":3}]`, many("x", nearly), many("x", nearly))
		}, 1, nil, 0, "element 2 of the array is longer than 16 MiB"},
		{"a million columns", "csv", func(say func(string, ...any)) { say("title%s\nx\n", many(",", nearly)) }, 0, nil, 0, "more than 1000 columns"},
		{"a million cells", "csv", func(say func(string, ...any)) { say("id,title\n1,one\n2%s\n3,three\n", many(",", nearly)) }, 2, []int{3}, 1, ""},
		{"a long cell of labels", "csv", func(say func(string, ...any)) {
			say("id,title,labels,parent\n1,one,\"%s\",\n2,two,\"%s\",\"%s\"\n", many(`""x,`, nearly), many("a;", nearly/2), many("b;", nearly/4))
		}, 2, nil, 0, ""},
		{"a long row", "csv", func(say func(string, ...any)) { say("id,title\n1,one\n2,\"%s%s", many("x", nearly), many("x", nearly)) }, 1, nil, 0, "longer than 16 MiB"},
		{"rows", "csv", func(say func(string, ...any)) {
			say("id,title,parent,blocked_by,milestone\n")
			for n := range rows {
				say("%d,t,%d,%d,m%d\n", n, n+1, n+1, n)
			}
		}, rows, nil, 0, ""},
		{"many long texts", "csv", func(say func(string, ...any)) { // of which only the ids are kept
			say("id,title,description,milestone\n")
			for n := range 5000 {
				say("%d,t,%s,m%d\n", n, many("x", 64<<10), n)
			}
		}, 5000, nil, 0, ""},
		{"tasks below tasks", "markdown", func(say func(string, ...any)) {
			for n := range rows {
				say("%s- [ ] task %d\n", many(" ", n%1000), n)
			}
		}, rows, nil, 0, ""},
		{"long headings and texts", "markdown", func(say func(string, ...any)) {
			for range 3 {
				say("# %s\n- [ ] task\n  %s\n  %s\n", many("x", nearly), many("x", nearly), many("x", nearly))
			}
		}, 3, nil, 0, ""},
		{"rows of an export", "crosslink", func(say func(string, ...any)) {
			say(`{"_type":"header","v":1}` + "\n")
			for n := range rows {
				say(`{"_type":"issue","uuid":"00000000-0000-4000-8000-%012x","title":"t","priority":"low","parent":"00000000-0000-4000-8000-%012x"}`+"\n", n, (n+1)%rows)
			}
		}, rows, nil, 0, ""},
		{"a million links", "crosslink", func(say func(string, ...any)) {
			say(`{"_type":"header","v":1}` + "\n" + `{"_type":"issue","uuid":"00000000-0000-4000-8000-000000000001","title":"t","priority":"low","links":[` + many("{},", nearly) + `{}]}` + "\n" +
				`{"_type":"issue","uuid":"00000000-0000-4000-8000-000000000002","title":"t","priority":"low"}`)
		}, 1, []int{2}, 1, ""},
	}
	return all
}

// hostileMemory is how much memory a reader may take, in MB: some copies of the
// longest row, or 300 bytes for each of many rows.
const hostileMemory = 250

type hostileReport struct {
	Issues, Skipped int
	Bad             []int
	Err             string
	MB              int // the most memory it had; 0 where the system does not tell
}

const hostileEnv = "CROSSLINK_TEST_HOSTILE"

// TestHostileMemory reads hostile sources in processes of their own: what can be
// read is read, what cannot is named by its line, and the memory stays bounded.
func TestHostileMemory(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hostiles() {
		t.Run(h.format+"/"+h.what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "source")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			w := bufio.NewWriter(f)
			h.write(func(format string, args ...any) { fmt.Fprintf(w, format, args...) })
			if err := errors.Join(w.Flush(), f.Close()); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(exe, "-test.run=^TestHostileChild$")
			cmd.Env = append(os.Environ(), hostileEnv+"="+h.format+" "+path)
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %.2000s", err, out)
			}
			line, _, _ := strings.Cut(string(out), "\n")
			var got hostileReport
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatalf("%v: %.500s", err, out)
			}
			if got.Issues != h.issues || got.Skipped != h.skipped || h.bad != nil && !slices.Equal(got.Bad, h.bad) || !strings.Contains(got.Err, h.ends) || h.ends == "" && got.Err != "" {
				t.Errorf("%d issues, %d skipped, bad lines %.100v, error %q; want %d, %d, %v, %q", got.Issues, got.Skipped, got.Bad, got.Err, h.issues, h.skipped, h.bad, h.ends)
			}
			t.Logf("%d MB, %v", got.MB, cmd.ProcessState.UserTime())
			if got.MB > hostileMemory {
				t.Errorf("%d MB of memory, want at most %d", got.MB, hostileMemory)
			}
		})
	}
}

// TestHostileChild is the reader of TestHostileMemory.
func TestHostileChild(t *testing.T) {
	format, path, ok := strings.Cut(os.Getenv(hostileEnv), " ")
	if !ok {
		return // only a child has something to do
	}
	source, err := openTestSource(path)
	if err != nil {
		t.Fatal(err)
	}
	rep, got := &Report{}, hostileReport{}
	names := Names{format, "here"}
	err = formats[format](source, Options{}, &Sink{
		Report: rep,
		Issue: func(i *Issue) error {
			i.Fit(now, rep)
			for _, l := range names.Create(i) {
				if err := event.Check(l.Body); err != nil {
					return err
				}
			}
			got.Issues++
			return nil
		},
		Milestone: func(m *Milestone) error { names.Founding(m); return nil },
	})
	if err != nil {
		got.Err = err.Error()
	}
	for _, n := range rep.Skipped {
		got.Skipped += n
	}
	for _, w := range rep.Warnings {
		if w.Name == "bad-row" {
			got.Bad = append(got.Bad, w.Line)
		}
	}
	status, _ := os.ReadFile("/proc/self/status")
	if _, peak, ok := strings.Cut(string(status), "VmHWM:"); ok {
		fmt.Sscan(peak, &got.MB)
		got.MB >>= 10
	}
	json.NewEncoder(os.Stdout).Encode(got)
}

type testSource struct {
	*os.File
	size int64
}

func (s testSource) Size() int64 { return s.size }

func openTestSource(path string) (Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	return testSource{f, info.Size()}, err
}
