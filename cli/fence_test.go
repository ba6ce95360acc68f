package cli

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// TestHandoffFence: what a hand-off holds never leaves the fence in which a program
// reads it; nor does the name of who wrote it.
func TestHandoffFence(t *testing.T) {
	w := newWorld(t)
	u := w.hub.MintUUID()
	w.put(&event.IssueCreated{UUID: u, Title: "work", Priority: event.High, CreatedBy: "eve"})
	w.hub.numbers[u] = 1
	all := testkit.Injections("EVIL")
	for n, evil := range all {
		text := evil
		if n > 0 {
			text += "\n" + all[n-1]
		}
		e := &event.Envelope{V: 3, Agent: "eve" + evil, Seq: uint64(len(w.hub.lines) + 1), Time: event.TimeOf(w.time) + event.Time(len(w.hub.lines)),
			Body: &event.CommentAdded{Issue: u, Comment: w.hub.MintUUID(), Author: evil, Content: text, CreatedAt: event.TimeOf(w.time), Kind: "handoff"}}
		w.hub.state.Apply(e)
		w.hub.lines = append(w.hub.lines, e)
		out := w.ok("session", "handoff", "1").out
		if bad := testkit.Unfenced(out, "EVIL"); bad != "" {
			t.Errorf("%q: %s:\n%s", text, bad, out)
		}
		if n := strings.Count(out, "EVIL"); n < 2 {
			t.Errorf("%q: shown %d times:\n%s", text, n, out)
		}
	}
	if len(all) < 100 {
		t.Errorf("only %d injections", len(all))
	}
	w.person = true // who sees no marks
	if out := w.ok("session", "handoff", "1").out; strings.Contains(out, "<<<") && !strings.Contains(all[len(all)-1], "<<<") {
		t.Errorf("a person sees the fence:\n%s", out)
	}
}
