package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/shell"
)

// edits lets git's editor be a script.
func edits(t *testing.T, script string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ed it or")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_EDITOR", shell.Quote(path))
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	t.Setenv("TMPDIR", t.TempDir())
}

func TestEditorMakesAnIssue(t *testing.T) {
	w := newWorld(t)
	edits(t, `grep -q 'first line is the title' "$1" || exit 1
	{ echo 'from the editor'; echo; echo '# a heading stays'; cat "$1"; } > "$1.new" && mv "$1.new" "$1"`)
	w.ok("new", "--edit", "-d", "given")
	c := w.last()[0].(*event.IssueCreated)
	check(t, "title", c.Title, "from the editor")
	check(t, "description", c.Description, "# a heading stays\n\n\ngiven")
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil {
		t.Fatal(err)
	}
	check(t, "drafts left", len(left), 0)
}

func TestEditorLeftEmpty(t *testing.T) {
	w := newWorld(t)
	edits(t, `: > "$1"`)
	r := w.run("new", "--edit")
	check(t, "status", r.code, frame.ExitFatal)
	contains(t, "stderr", r.err, "error: the text is empty: nothing was written")
	edits(t, "exit 3")
	r = w.run("new", "x", "--edit")
	check(t, "status", r.code, frame.ExitFatal)
	contains(t, "stderr", r.err, "failed", "hint: your text is kept in '")
}

func TestDraftSurvivesARefusal(t *testing.T) {
	w := newWorld(t)
	edits(t, `echo 'precious' > "$1"`)
	w.hub.failWith = &fail.Error{Kind: fail.Denied, Code: "x", Message: "not you"}
	r := w.run("new", "--edit")
	check(t, "status", r.code, frame.ExitDenied)
	_, path, _ := strings.Cut(r.err, "kept in '")
	path, _, _ = strings.Cut(path, "'")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "draft", string(b), "precious\n")
}

func TestEditorOnAnIssue(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "old title", "-d", "old text")
	edits(t, `sed -i -e 's/old title/new title/' "$1"`)
	w.ok("edit", "1", "--edit")
	u := w.last()[0].(*event.IssueUpdated)
	check(t, "title", *u.Title, "new title")
	check(t, "description", u.Description == nil, true)
}

// TestDashIsNoText: somebody who writes '-' means stdin, whose text would be lost.
func TestDashIsNoText(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "first")
	before := len(w.hub.emitted)
	for _, words := range [][]string{{"comment", "1", "-"}, {"new", "second", "-d", "-"}, {"edit", "1", "-d", "-"}, {"session", "end", "-m", "-"}, {"milestone", "new", "m", "-d", "-"}} {
		w.in = "the text"
		r := w.run(words...)
		check(t, strings.Join(words, " "), r.code, frame.ExitUsage)
		contains(t, strings.Join(words, " "), r.err, "error: '-' is not a text", "hint: read the text from stdin: -F -")
	}
	check(t, "written", len(w.hub.emitted), before)
}

func TestFilesOfText(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "f")
	r := w.run("new", "x", "-F", path)
	check(t, "status", r.code, frame.ExitFatal)
	contains(t, "stderr", r.err, "error: cannot read '"+path+"': no such file or directory")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", frame.MaxText+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	contains(t, "too long", w.run("new", "x", "-F", path).err, "longer than the limit for texts")
	check(t, "two sources", w.run("new", "x", "-F", path, "-d", "y").code, frame.ExitUsage)
}
