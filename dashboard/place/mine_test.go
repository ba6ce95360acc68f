package place

import (
	"fmt"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// TestMentions: a comment or description that addresses the operator by id, name or a part of it is
// a fact until the operator comments or the issue is closed. Nobody is taken for somebody else.
func TestMentions(t *testing.T) {
	w := newWorld(t)
	a, b := w.Clone("a"), w.Clone("b")
	w.Git("-C", a, "config", "crosslink.name", "Alice Liddell")
	w.Git("-C", b, "config", "crosslink.name", "Bob")
	one := w.Create(a, "one", nil)
	o := w.options()
	o.Environ = append(o.Environ, "GIT_CROSSLINK_AGENT=agent-a")
	p, err := Open(t.Context(), a, o)
	if err != nil {
		t.Fatal(err)
	}
	n := byte(0)
	say := func(dir, text string) {
		t.Helper()
		n++
		w.Emit(dir, func(tracker.Projection) []event.Body {
			return []event.Body{&event.CommentAdded{Issue: one, Comment: event.UUID{n, 6: 0x40, 8: 0x80}, Author: "x", Content: text, CreatedAt: event.Time(n), Kind: "note"}}
		})
		w.Sync(a)
	}
	look := func(want string) {
		t.Helper()
		w.moved(p, true)
		var got []string
		for _, m := range w.facts(p).Mentions {
			got = append(got, fmt.Sprintf("%s %s %s: %s", m.By, facts.Ref(m.Name), m.Title, m.Text))
		}
		if s := strings.Join(got, "; "); s != want {
			t.Errorf("%q, want %q", s, want)
		}
	}
	say(b, "hello @bob, mail alice@example.com about @alicia")
	look("")
	say(b, "  @alice, look\nat this")
	look("agent-b #1 one: @alice, look")
	say(b, "it is urgent")
	look("agent-b #1 one: @alice, look")
	say(a, "I have seen it, @agent-b")
	look("")
	say(b, "and again, @agent-a: "+strings.Repeat("x", 200))
	look("agent-b #1 one: and again, @agent-a: " + strings.Repeat("x", maxQuestion-len("and again, @agent-a: ")) + "…")
	w.Emit(b, func(tracker.Projection) []event.Body {
		return []event.Body{&event.StatusChanged{UUID: one, NewStatus: event.Closed},
			&event.IssueCreated{UUID: event.UUID{9, 6: 0x40, 8: 0x80}, Title: "two", Description: "for @Alice", Priority: event.Low, CreatedBy: "b"}}
	})
	w.Sync(a)
	look("agent-b #2 two: for @Alice")
}

// TestRefusals: an event of the operator that has no effect is a fact; one of somebody else is not.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	a, b := w.Clone("a"), w.Clone("b")
	one := w.Create(a, "one", nil)
	o := w.options()
	o.Environ = append(o.Environ, "GIT_CROSSLINK_AGENT=agent-a")
	p, err := Open(t.Context(), a, o)
	if err != nil {
		t.Fatal(err)
	}
	comment := func(dir string) {
		w.Emit(dir, func(tracker.Projection) []event.Body {
			return []event.Body{&event.CommentAdded{Issue: one, Comment: event.UUID{1, 6: 0x40, 8: 0x80}, Author: "x", Content: "twice, in " + dir, CreatedAt: 1, Kind: "note"}}
		})
	}
	if f := w.facts(p); len(f.Rejected) != 0 {
		t.Errorf("%+v", f.Rejected)
	}
	w.Sync(b)
	w.Git("-C", b, "config", "crosslink.sync", "manual")
	comment(b) // nobody else knows of it yet
	comment(a)
	w.Git("-C", b, "config", "--unset", "crosslink.sync")
	w.Sync(b)
	w.Sync(a)
	w.moved(p, true)
	f := w.facts(p)
	if len(f.Rejected) != 1 || f.Rejected[0].Agent != "agent-a" || f.Rejected[0].Type != "CommentAdded" || f.Rejected[0].Name != "1" || f.Rejected[0].Title != "one" || f.Rejected[0].Detail == "" || f.Rejected[0].At == 0 {
		t.Errorf("%+v", f.Rejected)
	}
}
