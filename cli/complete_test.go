package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// indexedRepo is a clone with an index; the test stands in it.
func indexedRepo(t testing.TB, lines ...string) {
	t.Helper()
	dir := t.TempDir()
	home := filepath.Join(dir, ".git", "crosslink")
	if err := os.MkdirAll(home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(indexPath(home), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "sub", "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	if tt, ok := t.(*testing.T); ok {
		tt.Chdir(filepath.Join(dir, "sub", "dir"))
	} else if err := os.Chdir(dir); err != nil {
		t.Fatal(err)
	}
}

func TestComplete(t *testing.T) {
	indexedRepo(t,
		"12\t3f9a1c2\topen\tFix the flux",
		"7\ta89195f\tclosed\tpaint the door",
		"b07514a\tb07514a\topen\tno number yet",
		"1\t1e57a5d\topen\tevil \x1b[31m\u202e $(touch x) `y`",
		"a line that is none", "\tx\topen\tno name", "")
	w := newWorld(t)
	for _, c := range []struct{ words, want string }{
		{"show|", "12 b07514a 1 7"}, // those closed come last
		{"show|1", "12 1"},
		{"show|1e", "1"}, // the beginning of a uuid has a letter
		{"show|3f9", "12"},
		{"show|#12", "12"},
		{"show|FLUX", "12"}, // by a word of the title
		{"show|nothing", ""},
		{"close|", "12 b07514a 1"},
		{"reopen|", "7"},
		{"close|12|", "12 b07514a 1"},
		{"issue|close|7", "7"},
		{"comment|", "edit delete 12 b07514a 1 7"},
		{"comment|12|", ""}, // a text
		{"comment|edit|", ""},
		{"block|12|pai", "7"},
		{"parent|12|fl", "12"},
		{"parent|12|7|", ""},
		{"lock|", "list check 12 b07514a 1"},
		{"lock|list|", ""},
		{"lock|check|12", "12"},
		{"new|", ""},
		{"label|12|", ""},
		{"tree|7", "7"},
		{"-q|show|12", "12"},
		{"show|--color|never|12", "12"},
		{"show|--|12", "12"},
		{"cl", "close"},
		{"issue|cl", "close"},
		{"hoo", "hooks"},
		{"hook|", ""}, // no command of people's
		{"hooks|", "install uninstall status"},
		{"list|--status|", "open closed archived all"},
		{"list|--status=|", ""},
		{"list|--status=cl", "--status=closed"},
		{"list|--status|=|cl", "closed"}, // as bash parts it
		{"list|--status|=", "open closed archived all"},
		{"new|-p|h", "high"},
		{"new|--priority=h", "--priority=high"},
		{"list|--sor", "--sort="},
		{"relate|--kind|d", "discovered-from duplicates"},
		{"list|--no-p", ""},
		{"list|--pag", "--no-pager"},
		{"nonsense|12|", ""},
		{"", "new"},
	} {
		r := w.run(append([]string{frame.CompleteVerb}, strings.Split(c.words, "|")...)...)
		var got []string
		for line := range strings.Lines(r.out) {
			word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			got = append(got, word)
		}
		if all := strings.Join(got, " "); r.code != 0 || r.err != "" || all != c.want && (c.words != "" || got[0] != c.want) {
			t.Errorf("%s: %q (status %d, stderr %q), want %q", c.words, all, r.code, r.err, c.want)
		}
	}
	contains(t, "notes", w.run(frame.CompleteVerb, "show", "").out, "12\tFix the flux\n", "7\tpaint the door (closed)\n", `1	evil \x1b[31m\u202e $(touch x)`)
	if out := w.run(frame.CompleteVerb, "show", "").out; strings.ContainsAny(out, "\x1b\u202e") {
		t.Errorf("a terminal must not see this: %q", out)
	}
}

// TestEveryArgumentIsKnown: an id is completed wherever a usage names one.
func TestEveryArgumentIsKnown(t *testing.T) {
	n := 0
	var walk func(c *urfave.Command)
	walk = func(c *urfave.Command) {
		for _, s := range c.Subcommands {
			walk(s)
		}
		for _, line := range frame.UsageLines(c) {
			if words := strings.Fields(strings.TrimPrefix(line, frame.CommandName(c))); len(c.Subcommands) == 0 && strings.Contains(line, "<id>") {
				n++
				first := ""
				for _, w := range words {
					if !strings.HasPrefix(w, "[<options>") && !strings.HasPrefix(w, "-") && w != "<text>" {
						first = w
						break
					}
				}
				if strings.Contains(first, "<id>") && !frame.TakesIssue(c, 0) {
					t.Errorf("'%s' takes an id, and none is completed", line)
				}
			}
		}
	}
	walk(tree(&command.Env{Terminal: &frame.Terminal{}}))
	if n < 15 {
		t.Errorf("only %d usages name an id", n)
	}
}

func TestCompletionPrintsItsScript(t *testing.T) {
	w := newWorld(t)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		b, err := completions.ReadFile("completion/" + shell)
		if err != nil {
			t.Fatal(err)
		}
		check(t, shell, w.ok("completion", shell).out, string(b))
	}
	check(t, "another shell", w.run("completion", "csh").code, frame.ExitUsage)
	check(t, "none", w.run("completion").code, frame.ExitUsage)
}

func TestIndex(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "fix\u202e the flux")
	w.ok("new", "paint")
	w.ok("close", "2")
	path := filepath.Join(t.TempDir(), "completion")
	if err := writeIndex(path, w.hub.project()); err != nil {
		t.Fatal(err)
	}
	got := readIndex(filepath.Dir(path))
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	for _, i := range got {
		if i.closed != (i.name == "2") || i.name == "1" && i.title != `fix\u202e the flux` {
			t.Errorf("%+v", i)
		}
	}
	// a write puts what changed last in front, and leaves the index
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.ok("new", "sweep")
	w.ok("reopen", "2")
	if err := updateIndex(path, w.hub.project()); err != nil {
		t.Fatal(err)
	}
	if got := readIndex(filepath.Dir(path)); len(got) != 3 || got[0].name != "2" || got[0].closed || got[1].name != "3" || got[2].name != "1" {
		t.Errorf("%+v", got)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the index is\n%s\n%v", after, err)
	}
	if err := writeIndex(path, w.hub.project()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(newerPath(path)); !os.IsNotExist(err) {
		t.Errorf("what changed is left when all is written: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "completion-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// BenchmarkComplete is one key press in a clone with as many issues as are
// indexed; a person waits about 50 ms.
func BenchmarkComplete(b *testing.B) {
	var lines []string
	for i := range maxIndexed {
		lines = append(lines, fmt.Sprintf("%d\t%07xa\topen\tissue %d of many with a title of usual length", i+1, i, i))
	}
	indexedRepo(b, lines...)
	for b.Loop() {
		e := &command.Env{Terminal: &frame.Terminal{Streams: frame.Streams{Out: discard{}}, System: frame.System{Getenv: os.Getenv}}}
		if e.Complete(completer(b.Context(), e), []string{"show", "many"}) != frame.ExitDone {
			b.Fatal("failed")
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// TestHostileIndex: an index can hold anything. Offered are ids as they are
// written, each once.
func TestHostileIndex(t *testing.T) {
	const uuid = "3f9a1c2"
	for _, line := range []string{
		"$(touch pwned)\t" + uuid + "\topen\tx", "`id`\t" + uuid + "\topen\tx", "1;id\t" + uuid + "\topen\tx", "-rf\t" + uuid + "\topen\tx",
		"01\t" + uuid + "\topen\tx", "1\t$(touch pwned)\topen\tx", "1\tabc\topen\tx", "1\t" + uuid + "\t$(id)\tx", "1\t" + uuid + "\topen\tx\ty",
		"1\t" + uuid + "\topen", strings.Repeat("1", 21) + "\t" + uuid + "\topen\tx", "1 2\t" + uuid + "\topen\tx", "\t" + uuid + "\topen\tx",
		"--open-files-in-pager=id\t" + uuid + "\topen\tx", "a\t" + uuid + "\topen\tx", uuid + "\t" + uuid[1:] + "\topen\tx",
	} {
		if got := parseIndex(line + "\n"); len(got) != 0 {
			t.Errorf("%q is read as %+v", line, got)
		}
	}
	indexedRepo(t, "1\t"+uuid+"\topen\t$(touch pwned)", "1\t"+uuid+"\topen\t$(touch pwned) too", uuid+"a\t"+uuid+"a\topen\t"+strings.Repeat("long ", 1000)+"\x1b[2J")
	var out bytes.Buffer
	e := &command.Env{Terminal: &frame.Terminal{Streams: frame.Streams{Out: &out}, System: frame.System{Getenv: os.Getenv}}}
	check(t, "status", e.Complete(completer(t.Context(), e), []string{"show", ""}), frame.ExitDone)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "1\t") || !strings.HasPrefix(lines[1], uuid+"a\t") {
		t.Errorf("offered: %q", lines)
	}
	if len(out.String()) > 600 || strings.Contains(out.String(), "\x1b") {
		t.Errorf("a note is too long, or not fit: %q", out.String())
	}
}
