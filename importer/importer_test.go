package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

const now = event.Time(1_800_000_000e9)

type formatFunc = func(Source, Options, *Sink) error

var formats = map[string]formatFunc{
	"beads": Beads, "github": GitHub, "csv": CSV, "gitlab": GitLab, "jira": Jira, "markdown": Markdown, "crosslink": Crosslink,
}

// read imports a source and checks what holds for every source: the report adds
// up, and every line obeys the rules of events.
func read(t testing.TB, format, source string, o Options) (issues []*Issue, rep *Report, err error) {
	t.Helper()
	rep = &Report{}
	names := Names{format, "here"}
	lines := 0
	check := func(all []Line) {
		for _, l := range all {
			lines++
			if err := event.Check(l.Body); err != nil {
				t.Fatalf("%s: %#v: %v", format, l.Body, err)
			}
		}
	}
	err = formats[format](strings.NewReader(source), o, &Sink{
		Issue: func(i *Issue) error {
			i.Fit(now, rep)
			check(names.Create(i))
			issues = append(issues, i)
			return nil
		},
		Milestone: func(m *Milestone) error { check(names.Founding(m)); return nil },
		Report:    rep,
	})
	if err != nil {
		return issues, rep, err
	}
	skipped := 0
	for _, n := range rep.Skipped {
		skipped += n
	}
	if rep.Read != len(issues)+skipped {
		t.Fatalf("%s: %d rows were read, but %d issues and %d skipped", format, rep.Read, len(issues), skipped)
	}
	if lines < len(issues) {
		t.Fatalf("%s: %d issues made %d lines", format, len(issues), lines)
	}
	return issues, rep, nil
}

// TestGolden reads small sources of every format, which were written for this test like the
// output of these systems, and compares all results.
func TestGolden(t *testing.T) {
	sources, err := filepath.Glob("testdata/*.in")
	if err != nil || len(sources) < 8 {
		t.Fatalf("sources: %v, %v", sources, err)
	}
	for _, path := range sources {
		t.Run(filepath.Base(path), func(t *testing.T) {
			in, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			format, _, _ := strings.Cut(filepath.Base(path), "-")
			o := Options{Path: "TODO.md", Authors: map[string]string{"mallory": "mal"}, All: strings.Contains(path, "-all")}
			if b, err := os.ReadFile(strings.TrimSuffix(path, ".in") + ".comments"); err == nil {
				o.Comments = bytes.NewReader(b)
			}
			issues, rep, err := read(t, format, string(in), o)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for _, i := range issues {
				fmt.Fprintf(&got, "%s line %d\n", i.Key, i.Line)
				for _, l := range (Names{format, "here"}).Create(i) {
					b, _ := json.Marshal(l.Body)
					fmt.Fprintf(&got, "  %s %s\n    at %s\n", l.Body.Type(), b, l.Wall)
				}
			}
			b, _ := json.MarshalIndent(rep, "", "  ")
			fmt.Fprintf(&got, "%s\n", b)
			golden := strings.TrimSuffix(path, ".in") + ".golden"
			if os.Getenv("UPDATE_GOLDEN") != "" {
				os.WriteFile(golden, got.Bytes(), 0o644)
			}
			want, _ := os.ReadFile(golden)
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("got:\n%s\nwant:\n%s", got.Bytes(), want)
			}
		})
	}
}

func TestNotTheFormat(t *testing.T) {
	for format, source := range map[string]string{
		"beads": `{"name":"x"}`, "github": `[{"id":1}]`, "csv": "a,b\n1,2\n", "jira": "", "gitlab": "Title only,x\n", "crosslink": `{"id":"x"}`, "markdown": "# heading\n",
	} {
		_, _, err := read(t, format, source, Options{})
		if _, ok := err.(*FormatError); !ok {
			t.Errorf("%s of %q: %v, want a FormatError", format, source, err)
		}
	}
}

// The export of a program that is newer in a way that matters is refused whole.
func TestOtherVersions(t *testing.T) {
	issue := `{"_type":"issue","uuid":"0f2d71ab-1197-8caa-8427-01caba19d5df","title":"x","priority":"low"}`
	for _, v := range []string{`"v":2`, `"v":0`, `"v":"1"`, `"v":1.5`, `"x":1`} {
		_, _, err := read(t, "crosslink", `{"_type":"header",`+v+"}\n"+issue, Options{})
		if _, ok := err.(*FormatError); !ok {
			t.Errorf("a header with %s: %v, want a FormatError", v, err)
		}
	}
	if issues, _, err := read(t, "crosslink", `{"_type":"header","v":1,"more":2}`+"\n"+issue, Options{}); err != nil || len(issues) != 1 {
		t.Errorf("%d issues, %v", len(issues), err)
	}
}

// A line beyond the bound is named, and the others continue.
func TestLongLine(t *testing.T) {
	long := `{"id":"bd-2","title":"` + strings.Repeat("x", MaxRow) + `"}`
	issues, rep, err := read(t, "beads", `{"id":"bd-1","title":"one"}`+"\n"+long+"\n"+`{"id":"bd-3","title":"three"}`, Options{})
	if err != nil || len(issues) != 2 || rep.Bad != 1 || rep.Warnings[0].Line != 2 {
		t.Fatalf("%d issues, %+v, %v", len(issues), rep, err)
	}
}

// No text is lost, however long it is.
func TestLongTexts(t *testing.T) {
	long := strings.Repeat("a line of text €\n", 20_000) // 380 KB
	title := strings.Repeat("t", 600)
	row, _ := json.Marshal(map[string]any{
		"id": "bd-1", "title": title, "description": long, "labels": []string{strings.Repeat("l", 200), strings.Repeat("l", 201)},
		"comments": []map[string]any{{"id": 7, "author": "bob", "text": long, "created_at": "2026-01-02T03:04:05Z"}},
	})
	issues, rep, err := read(t, "beads", string(row), Options{})
	if err != nil {
		t.Fatal(err)
	}
	i := issues[0]
	if len(i.Title) > event.MaxTitle || !strings.HasPrefix(i.Description, title+"\n\n") {
		t.Errorf("the title has %d bytes; the description begins with %.50q", len(i.Title), i.Description)
	}
	if len(i.Labels) != 2 || i.Labels[0] == i.Labels[1] {
		t.Errorf("labels %q", i.Labels)
	}
	var all strings.Builder
	all.WriteString(i.Description)
	for _, c := range i.Comments {
		_, page, ok := strings.Cut(c.Text, ")\n")
		if !strings.HasPrefix(c.Text, "(") || !ok {
			page = c.Text
		}
		all.WriteString(page)
	}
	got := strings.ReplaceAll(all.String(), "\n", "")
	want := strings.ReplaceAll(title+long+long, "\n", "")
	if got != want {
		t.Errorf("%d bytes of %d are left", len(got), len(want))
	}
	if rep.Cut != 5 {
		t.Errorf("%d texts were cut, want 5: title, description, comment and two labels", rep.Cut)
	}
}

func FuzzBeads(f *testing.F) {
	fuzz(f, "beads", `{"id":"a.1","title":"x","dependencies":[{"depends_on_id":"a","type":"blocks"}],"metadata":{"crosslink":"0f2d71ab-1197-8caa-8427-01caba19d5df"}}`)
}
func FuzzGitHub(f *testing.F) {
	fuzz(f, "github", `[{"number":1,"title":"x","state":"closed","comments":[{"id":"c"}]}]`)
}
func FuzzCSV(f *testing.F) {
	fuzz(f, "csv", "id,title,parent,uuid\n1,x,,\n2,y,1,0f2d71ab-1197-8caa-8427-01caba19d5df\n")
}
func FuzzJira(f *testing.F) {
	fuzz(f, "jira", "Issue key,Summary,Comment,Comment\nA-1,x,01/Jan/26 1:02 AM;bob;hi,\n")
}
func FuzzGitLab(f *testing.F) {
	fuzz(f, "gitlab", "Issue ID,URL,Title,State,Author,Assignee Username,Time Spent\n1,https://x/y/-/issues/1,x,Closed,bo,ann,60\n")
}

// sources are the sources in testdata by name, one of git-bug, and some without times.
func sources(t *testing.T) map[string]func(*Sink) error {
	t.Helper()
	all := map[string]func(*Sink) error{
		"git-bug": func(out *Sink) error {
			return GitBug(bugs{[]GitBugPack{
				{0, gitBugVersion, []byte(`{"author":{"id":"a"},"ops":[{"type":1,"timestamp":1700000000,"title":"x","message":"y","files":["f"]},{"type":3,"timestamp":0,"message":"said"},{"type":4,"timestamp":0,"status":2}]}`)},
			}, []byte(`{"login":"bo"}`)}, Options{}, out)
		},
	}
	plain := map[string]string{
		"csv-undated":       "id,title,status,comment,milestone,labels,blocked_by\n1,one,closed,said,soon,a,2\n2,two,open,more,later,b,\n",
		"csv-unnamed":       "title,comment\nsame,said\nsame,more\n",
		"csv-future":        "id,title,status,created_at,updated_at,closed_at,comment\n1,one,closed,2190-01-01,2190-01-02,2190-01-03,said\n",
		"jira-undated":      "Issue key,Summary,Status,Comment,Comment\nA-1,one,Done,plain words,2190-01-01;ann;later\n",
		"github-undated":    `[{"number":1,"title":"x","state":"CLOSED","body":"b","author":{"login":"ann"},"url":"https://github.com/a/b/issues/1","reactions":{"+1":2},"milestone":{"number":1,"title":"m","state":"closed"},"closed_by":{"login":"eve"},"comments":[{"author":{"login":"bo"},"body":"said","createdAt":""},{"author":{"login":"bo"},"body":"said","createdAt":"2190-01-01T00:00:00Z"}]}]`,
		"beads-undated":     `{"id":"b-1","title":"x","status":"closed","foo":1,"comments":[{"text":"a"},{"text":"a"},{"id":"3","text":"b"},{"id":"4","text":"c","created_at":"2190-01-01T00:00:00Z"}]}`,
		"crosslink-undated": `{"_type":"milestone","uuid":"0f2d71ab-1197-8caa-8427-01caba19d5dd","name":"m","status":"closed"}` + "\n" + `{"_type":"issue","uuid":"0f2d71ab-1197-8caa-8427-01caba19d5df","title":"x","status":"closed","priority":"low","comments":[{"uuid":"0f2d71ab-1197-8caa-8427-01caba19d5de","author":"ann","kind":"note","content":"y"}]}`,
		"markdown-long":     "# h\n- [x] a\n  " + strings.Repeat("words ", 20_000) + "\n",
	}
	paths, err := filepath.Glob("testdata/*.in")
	if err != nil || len(paths) < 8 {
		t.Fatalf("sources: %v, %v", paths, err)
	}
	for _, path := range paths {
		in, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		plain[filepath.Base(path)] = string(in)
	}
	for name, in := range plain {
		format, _, _ := strings.Cut(name, "-")
		all[name] = func(out *Sink) error {
			o := Options{Path: "TODO.md", All: true}
			if b, err := os.ReadFile("testdata/" + strings.TrimSuffix(name, ".in") + ".comments"); err == nil {
				o.Comments = bytes.NewReader(b)
			}
			return formats[format](strings.NewReader(in), o, out)
		}
	}
	return all
}

// Two clones that import one source at once write the same events, whatever their
// clocks say: times, authors and uuids follow from the source alone.
func TestSameInEveryClone(t *testing.T) {
	for name, source := range sources(t) {
		t.Run(name, func(t *testing.T) {
			format, _, _ := strings.Cut(name, "-")
			if name == "git-bug" {
				format = name
			}
			names := Names{format, "here"}
			clone := func(clock event.Time) (said []string) {
				write := func(lines []Line) {
					for _, l := range lines {
						b, err := json.Marshal(l.Body)
						if err != nil || event.Check(l.Body) != nil {
							t.Fatalf("%#v: %v, %v", l.Body, err, event.Check(l.Body))
						}
						said = append(said, fmt.Sprintf("%s %s at %d", l.Body.Type(), b, l.Wall))
					}
				}
				err := source(&Sink{
					Issue: func(i *Issue) error {
						i.Fit(clock, &Report{})
						write(names.Create(i))
						return nil
					},
					Milestone: func(m *Milestone) error { write(names.Founding(m)); return nil },
					Report:    &Report{},
				})
				if err != nil {
					t.Fatal(err)
				}
				return said
			}
			one, other := clone(now), clone(now+36*3600e9)
			if len(one) == 0 || len(one) != len(other) {
				t.Fatalf("one clone writes %d events, the other %d", len(one), len(other))
			}
			for n := range one {
				if one[n] != other[n] {
					t.Errorf("one clone writes\n%s\nthe other\n%s", one[n], other[n])
				}
			}
		})
	}
}

// bugs is a repository of git-bug with one bug, whose commits hold one pack each.
type bugs struct {
	packs    []GitBugPack
	identity []byte
}

func (b bugs) Bugs() iter.Seq2[[]GitBugPack, error] {
	return func(yield func([]GitBugPack, error) bool) { yield(b.packs, nil) }
}
func (b bugs) Identity(string) ([]byte, error) { return b.identity, nil }

func FuzzGitBug(f *testing.F) {
	create := `{"author":{"id":"a"},"ops":[{"type":1,"timestamp":1700000000,"title":"x","message":"y","files":["f"]},{"type":3,"timestamp":1700000001,"message":"said"}]}`
	f.Add([]byte(create), []byte(`{"author":{"id":"a"},"ops":[{"type":4,"timestamp":1700000002,"status":2},{"type":5,"added":["b"],"removed":["c"]},{"type":6,"target":"t"}]}`), []byte(`{"login":"bo"}`), 1, 4)
	f.Add([]byte(create), []byte(`{"ops":[{"type":99,"timestamp":-1}]}`), []byte(`{`), 2, 3)
	f.Fuzz(func(t *testing.T, first, second, identity []byte, parents, version int) {
		formats["git-bug"] = func(_ Source, o Options, out *Sink) error {
			return GitBug(bugs{[]GitBugPack{{0, gitBugVersion, first}, {parents, version, second}}, identity}, o, out)
		}
		read(t, "git-bug", "", Options{})
	})
}

func FuzzMarkdown(f *testing.F) {
	fuzz(f, "markdown", "# h\n- [ ] a\n  text\n  - [x] b\n```\n- [ ] no\n```\n")
}

func FuzzCrosslink(f *testing.F) {
	fuzz(f, "crosslink", `{"_type":"issue","uuid":"0f2d71ab-1197-8caa-8427-01caba19d5df","title":"x","priority":"low","comments":[{"uuid":"0f2d71ab-1197-8caa-8427-01caba19d5de","content":"y"}]}`)
}

func fuzz(f *testing.F, format, seed string) {
	f.Add(seed)
	sources, _ := filepath.Glob("testdata/" + format + "*.in")
	for _, s := range sources {
		b, _ := os.ReadFile(s)
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, source string) { read(t, format, source, Options{All: len(source)%2 == 0}) })
}
