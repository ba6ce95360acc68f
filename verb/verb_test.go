package verb

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// world is a state that plans are applied to.
type world struct {
	t     *testing.T
	state *reducer.State
	lines []*event.Envelope
	locks map[event.UUID]store.Lock
	names map[event.UUID]uint64
}

func newWorld(t *testing.T, titles ...string) *world {
	w := &world{t: t, state: reducer.New(), names: map[event.UUID]uint64{}}
	for k, title := range titles {
		w.apply(&event.IssueCreated{UUID: id(k + 1), Title: title, Priority: event.Medium, CreatedBy: "me"})
		w.names[id(k+1)] = uint64(k + 1)
	}
	return w
}

func id(n int) event.UUID {
	return uuid.MustParse(fmt.Sprintf("%05da00-0000-4000-8000-000000000000", n))
}

// apply applies events, which must obey the rules.
func (w *world) apply(bodies ...event.Body) {
	w.t.Helper()
	if _, err := Check(bodies, nil); err != nil {
		w.t.Fatal(err)
	}
	for _, b := range bodies {
		if err := w.state.Check("me", b); err != nil {
			w.t.Fatalf("%s: %v", b.Type(), err)
		}
		seq := uint64(len(w.lines) + 1)
		e := &event.Envelope{V: 1, Agent: "me", Seq: seq, Time: event.Time(seq), Body: b}
		w.lines = append(w.lines, e)
		w.state.Apply(e)
	}
}

func (w *world) view() tracker.Projection {
	return store.NewMemory(w.state.Clone(), w.lines, w.names).WithDecided(store.Decided{Locks: w.locks})
}

func (w *world) issue(n int) *store.Issue {
	w.t.Helper()
	i, err := Resolve(w.view(), fmt.Sprint(n))
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

// does checks what a plan does, and applies it.
func (w *world) does(p Plan, err error, effects, types string) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	var whats, names []string
	for _, e := range p.Effects {
		whats = append(whats, string(e.What))
	}
	for _, b := range p.Bodies {
		names = append(names, b.Type())
	}
	if got := strings.Join(whats, " "); got != effects {
		w.t.Errorf("effects %q, want %q", got, effects)
	}
	if got := strings.Join(names, " "); got != types {
		w.t.Errorf("events %q, want %q", got, types)
	}
	w.apply(p.Bodies...)
}

// TestSets: each set is added to and removed from once; doing it again emits
// nothing.
func TestSets(t *testing.T) {
	w := newWorld(t, "a", "b")
	ok := func(p Plan) (Plan, error) { return p, nil }
	for _, c := range []struct {
		do             func() (Plan, error)
		effects, again string
		types          string
	}{
		{func() (Plan, error) { return ok(Labels.Add(w.issue(1), []string{"x", "y"})) }, "label-added label-added", "label-already label-already", "LabelAdded LabelAdded"},
		{func() (Plan, error) { return ok(Labels.Remove(w.issue(1), []string{"x"})) }, "label-removed", "no-label", "LabelRemoved"},
		{func() (Plan, error) { return ok(Assignees.Add(w.issue(1), []string{"bob"})) }, "assigned", "assigned-already", "AssigneeAdded"},
		{func() (Plan, error) { return ok(Assignees.Remove(w.issue(1), []string{"bob"})) }, "unassigned", "not-assigned", "AssigneeRemoved"},
		{func() (Plan, error) { return Block(w.view(), w.issue(1), []*store.Issue{w.issue(2)}) }, "blocked", "blocked-already", "DependencyAdded"},
		{func() (Plan, error) { return ok(Unblock(w.issue(1), []*store.Issue{w.issue(2)})) }, "unblocked", "not-blocked", "DependencyRemoved"},
		{func() (Plan, error) { return Relate(w.issue(1), w.issue(2), event.Duplicates) }, "related", "related-already", "RelationAdded"},
		{func() (Plan, error) { return ok(Unrelate(w.issue(2), w.issue(1), "")) }, "unrelated", "not-related", "RelationRemoved"},
		{func() (Plan, error) { return SetParent(w.view(), w.issue(1), w.issue(2)) }, "parent-set", "parent-already", "ParentChanged"},
		{func() (Plan, error) { return SetParent(w.view(), w.issue(1), nil) }, "parent-removed", "no-parent", "ParentChanged"},
		{func() (Plan, error) { due := event.Time(7); return ok(Schedule(w.issue(1), &due, nil)) }, "due-set", "dates-already", "ScheduleChanged"},
	} {
		p, err := c.do()
		w.does(p, err, c.effects, c.types)
		p, err = c.do()
		w.does(p, err, c.again, "")
	}
}

// TestCyclesAreRefused: neither blockers nor parents close a circle.
func TestCyclesAreRefused(t *testing.T) {
	w := newWorld(t, "a", "b", "c")
	p, err := Block(w.view(), w.issue(1), []*store.Issue{w.issue(2)})
	w.does(p, err, "blocked", "DependencyAdded")
	p, err = Block(w.view(), w.issue(2), []*store.Issue{w.issue(3)})
	w.does(p, err, "blocked", "DependencyAdded")
	_, cyclic := Block(w.view(), w.issue(3), []*store.Issue{w.issue(1)})
	_, itself := Block(w.view(), w.issue(3), []*store.Issue{w.issue(3)})
	p, err = SetParent(w.view(), w.issue(1), w.issue(2))
	w.does(p, err, "parent-set", "ParentChanged")
	_, parents := SetParent(w.view(), w.issue(2), w.issue(1))
	_, related := Relate(w.issue(1), w.issue(1), event.Related)
	for code, err := range map[string]error{"cycle 1": cyclic, "self-edge 1": itself, "cycle 2": parents, "self-edge 2": related} {
		var f *fail.Error
		if !errors.As(err, &f) || string(f.Code) != strings.Fields(code)[0] {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// TestNamesAreNoIssues: what names an issue becomes no label, unless it is one.
func TestNamesAreNoIssues(t *testing.T) {
	w := newWorld(t, "a", "b")
	w.apply(&event.LabelAdded{Issue: id(1), Label: "2"})
	var refused *NameError
	err := Labels.CheckNames(w.view(), nil, []string{"bug", "#2", "00001a0"})
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%s is %s, %v, %v", refused.Word, refused.Called, refused.Shown, refused.Names); got != "#2 is 2, [2 1], [bug]" {
		t.Error(got)
	}
	if err := Labels.CheckNames(w.view(), w.issue(1), []string{"2", "bug"}); err != nil {
		t.Error(err)
	}
}

// TestEndOfAnIssue: a lock ends with its issue, no matter who holds it.
func TestEndOfAnIssue(t *testing.T) {
	w := newWorld(t, "a", "b")
	w.locks = map[event.UUID]store.Lock{
		id(1): {Holder: "me", Token: 3, Confirmed: true},
		id(2): {Holder: "bob", Token: 4, Confirmed: true},
	}
	p, rows, err := SetStatus(w.view(), "me", []string{"1", "2", "1"}, event.Closed, nil)
	if len(rows) != 2 {
		t.Errorf("%d issues", len(rows))
	}
	w.does(p, err, "status-set own-lock-ended status-set lock-ended", "StatusChanged LockReleased StatusChanged LockBroken")
	p, _, err = SetStatus(w.view(), "me", []string{"2"}, event.Closed, nil)
	if err != nil || p.Effects[0].What != StatusAlready {
		t.Errorf("again: %v, %v", p.Effects, err)
	}
}

// TestUnlock: one's own lock is released, another's is refused without a reason
// to break it.
func TestUnlock(t *testing.T) {
	w := newWorld(t, "a", "b", "c")
	w.locks = map[event.UUID]store.Lock{
		id(1): {Holder: "me", Token: 3, Confirmed: true},
		id(2): {Holder: "bob", Token: 4, Confirmed: true},
	}
	var held *HeldError
	if _, err := Unlock(w.view(), "me", []*store.Issue{w.issue(2)}, ""); !errors.As(err, &held) || held.Issue.Number != 2 {
		t.Errorf("another's: %v", err)
	}
	p, err := Unlock(w.view(), "me", []*store.Issue{w.issue(1), w.issue(2), w.issue(3)}, "gone")
	w.does(p, err, "lock-released lock-broken no-lock", "LockReleased LockBroken")
}

// TestDelete: what is already deleted is named and emits nothing.
func TestDelete(t *testing.T) {
	w := newWorld(t, "a", "b")
	w.apply(&event.CommentAdded{Issue: id(2), Comment: id(9), Author: "me", Content: "x", CreatedAt: 1, Kind: "note"})
	p, rows, err := Delete(w.view(), "me", []string{"1", "00001a0"}, uuid.New)
	if len(rows) != 1 {
		t.Errorf("%d issues", len(rows))
	}
	w.does(p, err, "deleted", "IssueDeleted")
	p, _, err = Delete(w.view(), "me", []string{"1", "1"}, uuid.New)
	w.does(p, err, "deleted-already", "")
	if _, _, err = Delete(w.view(), "me", []string{"2", "7"}, uuid.New); !Unknown(err) {
		t.Errorf("an unknown one: %v", err)
	}
	p, err = DeleteComments(w.view(), []string{"00009a0", "00009a0"})
	w.does(p, err, "deleted", "CommentDeleted")
	p, err = DeleteComments(w.view(), []string{"00009a0"})
	w.does(p, err, "deleted-already", "")
}

// TestEdit: only what differs is written.
func TestEdit(t *testing.T) {
	w := newWorld(t, "a")
	same, other, high := "a", "b", event.High
	if got := (Edit{Title: &same}).Apply(w.issue(1)); got != nil {
		t.Errorf("the same title: %v", got)
	}
	bodies := Edit{Title: &other, Priority: &high}.Apply(w.issue(1))
	w.apply(bodies...)
	if i := w.issue(1); i.Title != "b" || i.Priority != high || len(bodies) != 1 {
		t.Errorf("%+v", i)
	}
}
