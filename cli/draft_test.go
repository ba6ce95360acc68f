package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/shell"
)

// copies is an editor that keeps what it was given, then runs a script.
func copies(t *testing.T, script string) (seen func() string) {
	t.Helper()
	at := filepath.Join(t.TempDir(), "seen")
	edits(t, `cp "$1" `+shell.Quote(at)+"\n"+script)
	return func() string {
		b, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}

// put lets somebody else's event in, whatever it holds.
func (w *world) put(b event.Body) {
	e := &event.Envelope{V: 3, Agent: "eve", Seq: uint64(len(w.hub.lines) + 1), Time: event.TimeOf(w.time) + event.Time(len(w.hub.lines)), Body: b}
	w.hub.state.Apply(e)
	w.hub.lines = append(w.hub.lines, e)
}

// TestDraftShowsNothingHidden: an editor gets a foreign text as fit for a
// terminal, and editing one word changes that word only.
func TestDraftShowsNothingHidden(t *testing.T) {
	w := newWorld(t)
	u := w.hub.MintUUID()
	w.put(&event.IssueCreated{UUID: u, Title: "old \u202etitle", Description: "a\u200db c\\u2066d \u2066x", Priority: event.Low, CreatedBy: "eve"})
	w.hub.numbers[u] = 1
	seen := copies(t, `sed -i -e 's/old/new/' "$1"`)
	w.ok("edit", "1", "--edit")
	if !fit(seen()) || !strings.HasPrefix(seen(), "old \\u202etitle\n\na\\u200db c\\u2066d \\u2066x\n") {
		t.Errorf("the editor was given %q", seen())
	}
	up := w.last()[0].(*event.IssueUpdated)
	check(t, "title", *up.Title, "new \u202etitle")
	// the text also contains \u2066 as six ASCII characters, so it is not turned back
	check(t, "description", *up.Description, "a\u200db c\\u2066d \\u2066x")

	w.put(&event.IssueCreated{UUID: w.hub.MintUUID(), Title: "x\x1b[31m", Description: "\xff\u009b\x00", Priority: event.Low, CreatedBy: "eve"})
	seen = copies(t, `sed -i -e 's/^x/y/' "$1"`)
	w.ok("edit", "00002a0", "--edit")
	if !fit(seen()) {
		t.Errorf("the editor was given %q", seen())
	}
	check(t, "control characters stay escaped", *w.last()[0].(*event.IssueUpdated).Title, `y\x1b[31m`)
}

// TestForeignScissorsCutNothing: a description that holds the scissors line is
// edited whole.
func TestForeignScissorsCutNothing(t *testing.T) {
	w := newWorld(t)
	text := "above\n# " + frame.Scissors + "\nbelow"
	w.ok("new", "title", "-d", text)
	edits(t, `sed -i -e 's/title/name/' "$1"`)
	w.ok("edit", "1", "--edit")
	check(t, "nothing lost", types(w.last()), "IssueUpdated")
	check(t, "description is as it was", w.last()[0].(*event.IssueUpdated).Description == nil, true)
	// somebody who deletes the lower part, our scissors with it
	edits(t, `head -5 "$1" | sed -e 's/below/beneath/' >"$1.new" && mv "$1.new" "$1"`)
	w.ok("edit", "1", "--edit")
	check(t, "description", *w.last()[0].(*event.IssueUpdated).Description, "above\n# "+frame.Scissors+"\nbeneath")
}

// TestCommentChar: the lines about the text begin as the user likes.
func TestCommentChar(t *testing.T) {
	for mark, want := range map[string]string{";": ";", "//": "//", "auto": "#", "\n": "#", "": "#"} {
		w := newWorld(t)
		w.hub.config = map[string]string{"core.commentchar": mark}
		w.ok("new", "a", "-d", "# a heading")
		seen := copies(t, `sed -i -e 's/^a$/b/' "$1"`)
		w.ok("edit", "1", "--edit")
		contains(t, mark, seen(), "\n"+want+" "+frame.Scissors+"\n"+want+" The first line is the title")
		check(t, mark, w.last()[0].(*event.IssueUpdated).Description == nil, true)
	}
}
