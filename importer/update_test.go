package importer

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// world is a tracker with one import agent and one person.
type world struct {
	all, imported *reducer.State
	seq           map[string]uint64
	time          event.Time
}

func newWorld() *world { return &world{reducer.New(), reducer.New(), map[string]uint64{}, 1} }

func (w *world) say(t *testing.T, agent string, bodies ...event.Body) {
	t.Helper()
	for _, b := range bodies {
		w.seq[agent]++
		w.time++
		e := &event.Envelope{V: 4, Hub: "5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e", Agent: agent, Seq: w.seq[agent], Time: w.time, Body: b}
		if w.seq[agent] > 1 {
			e.Prev = event.Hash([]byte(agent))
		}
		if _, err := event.Encode(e); err != nil {
			t.Fatalf("%#v: %v", b, err)
		}
		if err := w.all.Check(agent, b); err != nil {
			t.Fatalf("%#v: %v", b, err)
		}
		w.all.Apply(e)
		if agent == "import-beads-x2fa" {
			w.imported.Apply(e)
		}
	}
}

func side(s *reducer.State, u event.UUID) *Side {
	own := &Side{OwnIssue: s.OwnIssue(u), Comments: map[event.UUID]string{}}
	for _, id := range s.Objects().Comments {
		if c := s.OwnComment(id); c.Added && !c.Deleted && c.Issue == u {
			own.Comments[id] = c.Comment.Content
			own.Issue.Comments = append(own.Issue.Comments, c.Comment)
		}
	}
	return own
}

// imports brings a dump of one issue, as an importer does.
func (w *world) imports(t *testing.T, i *Issue, preferSource bool) []Conflict {
	t.Helper()
	names := Names{"beads", "s"}
	i.Fit(now, &Report{})
	dump := newWorld()
	for _, l := range names.Create(i) {
		dump.say(t, "import-beads-x2fa", l.Body)
	}
	u := names.Issue(i.Key)
	if !w.all.OwnIssue(u).Shown && !w.all.OwnIssue(u).Deleted {
		for _, l := range names.Create(i) {
			w.say(t, "import-beads-x2fa", l.Body)
		}
		return nil
	}
	bodies, conflicts := Update(side(w.imported, u), side(w.all, u), side(dump.all, u), preferSource)
	w.say(t, "import-beads-x2fa", bodies...)
	return conflicts
}

func TestUpdate(t *testing.T) {
	i := func() *Issue {
		return &Issue{Key: "bd-1", Title: "one", Description: "d", Priority: event.Low, Author: "ann", Labels: []string{"a", "b"},
			Assignees: []string{"bob"}, BlockedBy: []string{"bd-2"}, Relations: []Relation{{event.Related, "bd-3"}},
			Comments: []Comment{{Key: "1", Author: "ann", Text: "hello", Created: 5}}}
	}
	u := Names{"beads", "s"}.Issue("bd-1")
	w := newWorld()
	w.imports(t, i(), false)
	before := w.time
	if w.imports(t, i(), false); w.time != before {
		t.Fatalf("the same dump again wrote %d events", w.time-before)
	}

	// A person closes it, takes a label away and renames it; the source does other things.
	title := "a person's title"
	w.say(t, "ann", &event.IssueUpdated{UUID: u, Title: &title}, &event.StatusChanged{UUID: u, NewStatus: event.Closed, ClosedAt: 9, Reason: "r"},
		&event.LabelRemoved{Issue: u, Label: "a"}, &event.LabelAdded{Issue: u, Label: "own"})
	next := i()
	next.Title, next.Description, next.Labels, next.BlockedBy = "the source's title", "d2", []string{"a", "c"}, nil
	next.Due = 77
	next.Comments = append(next.Comments, Comment{Key: "2", Author: "bob", Text: "new", Created: 6})
	next.Comments[0].Text = "hello, edited"
	conflicts := w.imports(t, next, false)
	got := side(w.all, u)
	switch {
	case got.Issue.Title != title || got.Issue.Description != "d2" || got.Issue.DueAt != 77:
		t.Errorf("fields: %+v", got.Issue)
	case !slices.Equal(got.Issue.Labels, []string{"c", "own"}):
		t.Errorf("labels %q, want c (new there) and own; b went there, a went here", got.Issue.Labels)
	case len(got.Blockers) != 0 || got.Issue.Status != event.Closed:
		t.Errorf("blockers %v, status %s", got.Blockers, got.Issue.Status)
	case len(got.Comments) != 2:
		t.Errorf("comments %v", got.Comments)
	case len(conflicts) != 1 || conflicts[0].Field != "title" || conflicts[0].Kept != "local":
		t.Errorf("conflicts %+v", conflicts)
	}
	for _, text := range got.Comments {
		if text != "hello, edited" && text != "new" {
			t.Errorf("comment %q", text)
		}
	}
	if c := w.imports(t, next, true); len(c) != 1 || c[0].Kept != "source" || side(w.all, u).Issue.Title != "the source's title" {
		t.Errorf("preferring the source: %+v, title %q", c, side(w.all, u).Issue.Title)
	}

	// Deleted here stays deleted.
	w.say(t, "ann", &event.IssueDeleted{UUID: u})
	before = w.time
	next.Title = "again"
	if w.imports(t, next, true); w.time != before {
		t.Error("a deleted issue was written to")
	}
}

// TestUpdateSettles draws dumps and changes by people: a second import of the same dump writes
// nothing, and fields that nobody has changed here equal those of the dump.
func TestUpdateSettles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(all ...string) (some []string) {
		for _, s := range all {
			if r.IntN(2) == 0 {
				some = append(some, s)
			}
		}
		return some
	}
	draw := func() *Issue {
		i := &Issue{Key: "k", Title: "t" + string(rune('a'+r.IntN(3))), Author: "ann", Priority: []event.Priority{event.Low, event.High}[r.IntN(2)],
			Labels: pick("a", "b", "c"), Assignees: pick("x", "y"), BlockedBy: pick("b1", "b2"), Due: event.Time(r.IntN(3))}
		if r.IntN(2) == 0 {
			i.Status, i.ClosedAt = event.Closed, 5
		}
		if r.IntN(2) == 0 {
			i.Parent = "p" + string(rune('a'+r.IntN(2)))
		}
		for _, k := range pick("1", "2", "3") {
			i.Comments = append(i.Comments, Comment{Key: k, Author: "a", Text: "text" + string(rune('a'+r.IntN(2))), Created: 3})
		}
		return i
	}
	changed, conflicts := 0, 0
	for range 2000 {
		w := newWorld()
		w.imports(t, draw(), false)
		u := Names{"beads", "s"}.Issue("k")
		touched := r.IntN(2) == 0
		if touched {
			title := "own"
			w.say(t, "ann", &event.IssueUpdated{UUID: u, Title: &title}, &event.LabelAdded{Issue: u, Label: "b"})
		}
		prefer := r.IntN(2) == 0
		next := draw()
		before := w.time
		conflicts += len(w.imports(t, next, prefer))
		if w.time > before {
			changed++
		}
		before = w.time
		if w.imports(t, next, prefer); w.time != before {
			t.Fatalf("the same dump again wrote %d events", w.time-before)
		}
		if got := side(w.all, u); !touched && (got.Issue.Title != next.Title || got.Issue.Priority != next.Priority || !slices.Equal(got.Issue.Labels, next.Labels) || status(&got.Issue) != status(&reducer.Issue{Status: next.Status, Reason: next.Reason})) {
			t.Fatalf("the tracker has %+v, the dump says %+v", got.Issue, next)
		}
	}
	if changed < 1000 || conflicts < 100 {
		t.Errorf("%d of 2000 dumps changed something, with %d conflicts: too few to say much", changed, conflicts)
	}
}
