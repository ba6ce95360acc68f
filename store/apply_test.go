package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// sameDump fails unless a store that was brought to a world holds what one does
// that is made from it.
func sameDump(t testing.TB, s *store.Store, w *world) {
	t.Helper()
	anew := files(t)
	if _, err := w.bring(anew); err != nil {
		t.Fatal(err)
	}
	got, want := store.Dump(s), store.Dump(anew)
	for table := range want {
		if !slices.Equal(got[table], want[table]) {
			for _, r := range want[table] {
				if !slices.Contains(got[table], r) {
					t.Logf("%s lacks %s", table, r)
				}
			}
			for _, r := range got[table] {
				if !slices.Contains(want[table], r) {
					t.Logf("%s has %s", table, r)
				}
			}
			t.Fatalf("what the store holds in %s is not what one holds that was made anew", table)
		}
	}
}

// Histories of all kinds of events that come in deliveries, out of order between
// logs, lose lines again, and are numbered, locked and marked meanwhile: after each
// Delta both stores answer as a projection that is made of all of it, and hold the
// same rows as one.
func TestApply(t *testing.T) {
	kinds, lost, came := map[string]int{}, 0, 0
	seeds(t, 24, 0, func(t *testing.T, rng *rand.Rand) {
		w := newWorld(rng, 20+rng.IntN(150))
		w.chatter(t, rng, 60)
		logs := w.logs()
		s, m := files(t), &store.Memory{}
		counts := map[string]int{}
		var was *world
		var open *store.File // of was, every other time
		for step := range 12 {
			now := w.until(len(w.lines))
			now.counts = maps.Clone(counts)
			for id, lines := range logs {
				switch n := counts[id]; rng.IntN(6) {
				case 0, 1, 2:
					now.counts[id] = min(len(lines), n+rng.IntN(1+rng.IntN(8)))
				case 3:
					now.counts[id] = min(len(lines), n+rng.IntN(1+len(lines)))
				case 4:
					now.counts[id] = rng.IntN(n + 1)
				}
				if d := now.counts[id] - counts[id]; d < 0 {
					lost++
				} else {
					for _, e := range lines[counts[id]:now.counts[id]] {
						kinds[e.Body.Type()]++
						came++
					}
				}
			}
			counts = now.counts
			if rng.IntN(4) == 0 {
				now.decide(rng)
				w.numbers, w.decided = now.numbers, now.decided
			}
			if rng.IntN(6) == 0 {
				now.marks = rng.Uint64()
				w.marks = now.marks
			}
			got, err := now.bringFrom(open, s, was)
			if err != nil || step > 0 && !got.Followed {
				t.Fatalf("%+v, %v", got, err)
			}
			if err := m.Apply(now.to(was)); err != nil {
				t.Fatal(err)
			}
			want := now.memory()
			f := mustFile(t, s, now)
			if h := want.Hash(); f.Hash() != h || m.Hash() != h {
				t.Fatalf("the hash is %s and %s, not %s", f.Hash(), m.Hash(), h)
			}
			if rng.IntN(4) == 0 || step == 11 {
				sameAnswers(t, want, m)
				sameAnswers(t, want, f)
			}
			sameDump(t, s, now)
			if was, open = now, f; rng.IntN(2) == 0 {
				f.Close()
				open = nil
			}
		}
	})
	t.Logf("%d lines came, logs lost lines %d times; %v", came, lost, kinds)
	if os.Getenv("CROSSLINK_SEED") == "" && (came < 1500 || lost < 50 || len(kinds) < 30) {
		t.Fatalf("too few of a kind: %d lines came, logs lost lines %d times; %v", came, lost, kinds)
	}
}

// chatter lets agents of the world change its issues, with clocks that disagree.
func (w *world) chatter(t *testing.T, rng *rand.Rand, events int) {
	t.Helper()
	chains := map[string]*event.Chain{}
	for _, e := range w.lines {
		chains[e.Agent] = &event.Chain{Hub: e.Hub, Agent: e.Agent, Seq: e.Seq, Hash: event.Hash(e.Raw), Time: e.Time}
	}
	var agents []string
	for id := range chains {
		agents = append(agents, id)
	}
	slices.Sort(agents)
	m := w.memory()
	rows, _, err := m.List(store.Filter{Status: "all"})
	if err != nil || len(rows) == 0 {
		return
	}
	var comments []event.UUID
	for _, i := range rows {
		for _, c := range i.Comments {
			comments = append(comments, c.UUID)
		}
	}
	title := func() string { return fmt.Sprintf("title %d", rng.IntN(5)) }
	dead := map[event.UUID]bool{} // mostly left alone
	var deleted []*event.IssueDeleted
	for range events {
		u := rows[rng.IntN(len(rows))].UUID
		if dead[u] && rng.IntN(10) > 0 {
			continue
		}
		var b event.Body
		other := rows[rng.IntN(len(rows))].UUID
		if dead[other] {
			continue
		}
		switch text := title(); rng.IntN(21) {
		case 0:
			b = &event.IssueUpdated{UUID: u, Title: &text}
		case 1:
			p := event.High
			b = &event.IssueUpdated{UUID: u, Description: &text, Priority: &p}
		case 2:
			b = &event.StatusChanged{UUID: u, NewStatus: []event.Status{event.Open, event.Closed, event.Archived}[rng.IntN(3)], Reason: text}
		case 3:
			b = &event.ScheduleChanged{Issue: u, DueAt: event.Time(rng.Int64N(1e18))}
		case 4:
			b = &event.LabelAdded{Issue: u, Label: text}
		case 5:
			b = &event.LabelRemoved{Issue: u, Label: text}
		case 6:
			b = &event.AssigneeAdded{Issue: u, Assignee: agents[rng.IntN(len(agents))]}
		case 7:
			b = &event.AssigneeRemoved{Issue: u, Assignee: agents[rng.IntN(len(agents))]}
		case 8:
			var c event.UUID
			for k := range c {
				c[k] = byte(rng.Uint32())
			}
			c[6], c[8] = c[6]&0x0f|0x40, c[8]&0x3f|0x80
			comments = append(comments, c)
			b = &event.CommentAdded{Issue: u, Comment: c, Author: "x", Content: text, CreatedAt: event.Time(rng.Int64N(1e18)), Kind: "note"}
		case 10, 11:
			var u event.UUID
			for k := range u {
				u[k] = byte(rng.Uint32())
			}
			u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
			c := &event.IssueCreated{UUID: u, Title: text, Priority: event.Low, CreatedBy: "x", Labels: []string{"bug"}}
			rows = append(rows, &store.Issue{Issue: &reducer.Issue{UUID: u}})
			if b = c; rng.IntN(4) == 0 {
				c.Parent = rows[rng.IntN(len(rows))].UUID
			}
			if c.Parent == u {
				c.Parent = event.UUID{}
			}
		case 9:
			if len(comments) == 0 {
				continue
			}
			b = &event.CommentEdited{Comment: comments[rng.IntN(len(comments))], Content: text}
		case 18:
			if d := (&event.IssueDeleted{UUID: u}); rng.IntN(3) > 0 {
				d.Deletion, deleted = event.UUID{0xde, 1: byte(rng.IntN(4)), 6: 0x40, 8: 0x80}, append(deleted, d)
				b = d
			} else {
				b, dead[u] = d, true
			}
		case 20:
			if len(deleted) == 0 {
				continue
			}
			d := deleted[rng.IntN(len(deleted))]
			b = &event.IssueUndeleted{UUID: d.UUID, Deletion: d.Deletion}
		case 19:
			if len(comments) == 0 {
				continue
			}
			b = &event.CommentDeleted{Comment: comments[rng.IntN(len(comments))]}
		case 12, 13:
			b = &event.DependencyAdded{Blocked: u, Blocker: other}
		case 14:
			b = &event.DependencyRemoved{Blocked: u, Blocker: other}
			for _, i := range rows { // rather one that is there
				if len(i.BlockedBy) > 0 && rng.IntN(3) == 0 {
					b = &event.DependencyRemoved{Blocked: i.UUID, Blocker: i.BlockedBy[0]}
				}
			}
		case 15:
			b = &event.RelationAdded{A: u, B: other, Kind: []event.RelationKind{event.Related, event.Supersedes}[rng.IntN(2)]}
		case 16:
			b = &event.RelationRemoved{A: u, B: other, Kind: event.Related}
		case 17:
			if b = (&event.ParentChanged{Issue: u, Parent: other}); rng.IntN(4) == 0 {
				b = &event.ParentChanged{Issue: u}
			}
		}
		if u == other && b.Type() != "IssueCreated" && len(uuidsIn(b)) > 1 {
			continue
		}
		c := chains[agents[rng.IntN(len(agents))]]
		raw, err := c.Stamp(&event.Envelope{Body: b}, c.Time+event.Time(rng.Int64N(1e12)), 0)
		if err != nil {
			t.Fatal(err)
		}
		e, err := event.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		w.lines = append(w.lines, e)
	}
}

// Short ids of issues that come together are distinguished from each other, and grow
// shorter when comments near them go.
func TestNearIDsComeTogether(t *testing.T) {
	t.Parallel()
	w, _ := crowd(t, 5)
	s := files(t)
	if _, err := w.bring(s); err != nil {
		t.Fatal(err)
	}
	was := w.until(len(w.lines))
	step := func() {
		t.Helper()
		if got, err := w.bring(s, was); err != nil || !got.Followed {
			t.Fatal(got, err)
		}
		was = w.until(len(w.lines))
		sameAnswers(t, w.memory(), mustFile(t, s, w))
		sameDump(t, s, w)
	}
	var us []event.UUID
	for last := byte(1); last <= 3; last++ {
		us = append(us, event.UUID{0xee, 0xff, 0xee, 0xff, last})
		w.say(t, &event.IssueCreated{UUID: us[last-1], Title: "near", Priority: event.Low, CreatedBy: "alice"})
		for k := byte(1); k <= 2; k++ {
			w.say(t, &event.CommentAdded{Issue: us[last-1], Comment: event.UUID{0xcc, 0xcc, 0xcc, 0xcc, last, k}, Author: "alice", Content: "x", CreatedAt: 1, Kind: "note"})
		}
	}
	step()
	w.say(t, &event.CommentDeleted{Comment: event.UUID{0xcc, 0xcc, 0xcc, 0xcc, 1, 1}})
	step()
	w.say(t, &event.IssueDeleted{UUID: us[1]})
	step()
	w.say(t, &event.IssueDeleted{UUID: us[2]})
	step()
	w.say(t, &event.CommentDeleted{Comment: event.UUID{0xcc, 0xcc, 0xcc, 0xcc, 1, 2}})
	step()
}

// A hub may begin with a base, which is part of the state, and continues from it.
func TestApplyBase(t *testing.T) {
	t.Parallel()
	w, issue := crowd(t, 4)
	a, b, gone := event.UUID{0xba, 1}, event.UUID{0xba, 2}, event.UUID{0xba, 3}
	base := &event.Base{
		Issues: []event.BaseIssue{
			{UUID: a, Number: 7, Title: "from the checkpoint", Description: "text", Status: event.Closed, Priority: event.High, Parent: b, CreatedBy: "ann", CreatedAt: 10, UpdatedAt: 50, ClosedAt: 40,
				Labels: []string{"bug"}, Assignees: []string{"bob"}, Blockers: []event.UUID{b}, Related: []event.UUID{b}, Milestone: event.UUID{0xda},
				Comments: []event.BaseComment{{UUID: event.UUID{0xca}, Author: "ann", Content: "said", CreatedAt: 20, Kind: "note"}},
				Time:     []event.BaseTime{{UUID: event.UUID{0xea}, StartedAt: 21}}},
			{UUID: b, Title: "b", Status: event.Open, Priority: event.Low, CreatedBy: "bob", CreatedAt: 11, UpdatedAt: 12},
		},
		Milestones: []event.BaseMilestone{{UUID: event.UUID{0xda}, Name: "m", Status: event.Open, CreatedAt: 5}},
		Deleted:    []event.UUID{gone},
	}
	w.say(t, &event.CommentAdded{Issue: a, Comment: event.UUID{0xcb}, Author: "alice", Content: "later", CreatedAt: 1, Kind: "note"})
	w.say(t, &event.CommentEdited{Comment: event.UUID{0xca}, Content: "edited"})
	w.say(t, &event.DependencyAdded{Blocked: b, Blocker: issue})
	w.numbers[a] = 7000
	state := reducer.New()
	state.ApplyBase(base)
	for _, e := range w.lines {
		state.Apply(e)
	}
	want := store.NewMemory(state, w.lines, w.numbers).WithMarks(func(string, uint64) string { return "" })
	next := func(was store.Saved) (*delta.Delta, error) {
		d := w.delta(nil)
		d.Base = base
		return d, nil
	}
	s, m := files(t), &store.Memory{}
	f, _, err := s.Apply(context.Background(), nil, next, func() (*store.Memory, error) { return want, nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Apply(next); err != nil {
		t.Fatal(err)
	}
	sameAnswers(t, want, m)
	sameAnswers(t, want, f)
	if i, err := f.Issue(a); err != nil || i.Number != 7000 || len(i.Comments) != 2 || i.Description != "text" || !slices.Equal(i.Assignees, []string{"bob"}) {
		t.Fatalf("%+v, %v", i, err)
	}
	if lines, err := f.History(a); err != nil || len(lines) != 2 {
		t.Fatalf("a base has no history: %v, %v", lines, err)
	}
	f.Close()

	// Later events about its objects are applied without a rebuild.
	was := w.until(len(w.lines))
	for _, b := range []event.Body{
		&event.CommentDeleted{Comment: event.UUID{0xca}},
		&event.CommentEdited{Comment: event.UUID{0xcb}, Content: "edited too"},
		&event.TimeEntryDeleted{Entry: event.UUID{0xea}},
		&event.LabelRemoved{Issue: a, Label: "bug"},
		&event.AssigneeRemoved{Issue: a, Assignee: "bob"},
		&event.RelationRemoved{A: a, B: b, Kind: event.Related},
		&event.StatusChanged{UUID: a, NewStatus: event.Open},
		&event.MilestoneUpdated{UUID: event.UUID{0xda}, Name: new("renamed")},
		&event.IssueDeleted{UUID: b},
	} {
		w.say(t, b)
		state.Apply(w.lines[len(w.lines)-1])
	}
	want = store.NewMemory(state, w.lines, w.numbers).WithMarks(func(string, uint64) string { return "" })
	next = func(store.Saved) (*delta.Delta, error) { return w.delta(was), nil }
	f, got, err := s.Apply(context.Background(), nil, next, func() (*store.Memory, error) { return want, nil }, nil)
	if err != nil || got.Anew {
		t.Fatalf("%+v, %v", got, err)
	}
	defer f.Close()
	if err := m.Apply(next); err != nil {
		t.Fatal(err)
	}
	sameAnswers(t, want, m)
	sameAnswers(t, want, f)
}

// A Delta from the empty state takes the place of what a store holds.
func TestApplyWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(rand.New(rand.NewPCG(9, 8)), 80)
	s, m := files(t), &store.Memory{}
	for _, n := range []int{80, 30, 60} {
		now, asked := w.until(n), 0
		next := func(store.Saved) (*delta.Delta, error) { asked++; return now.delta(nil), nil }
		f, got, err := s.Apply(context.Background(), nil, next, nil, nil)
		if err != nil || !got.Anew || asked != 1 {
			t.Fatalf("%+v, %v, asked %d times", got, err, asked)
		}
		if err := m.Apply(next); err != nil {
			t.Fatal(err)
		}
		sameAnswers(t, now.memory(), f)
		sameAnswers(t, now.memory(), m)
		f.Close()
	}
}

// The source of a Delta may fail at any point. Then no part of the Delta is kept.
func TestApplyFails(t *testing.T) {
	t.Parallel()
	w, _ := crowd(t, 5)
	s, m := files(t), &store.Memory{}
	if _, err := w.bring(s); err != nil {
		t.Fatal(err)
	}
	if err := m.Apply(w.to()); err != nil {
		t.Fatal(err)
	}
	was, broken := w.until(len(w.lines)), errors.New("no object")
	w.say(t, &event.IssueCreated{UUID: event.UUID{0xee}, Title: "new", Priority: event.Low, CreatedBy: "alice"})
	d := w.delta(was)
	for name, next := range map[string]store.Next{
		"at once": func(store.Saved) (*delta.Delta, error) { return nil, broken },
		"between logs": func(store.Saved) (*delta.Delta, error) {
			x := *d
			x.Logs = func(yield func(delta.Log, error) bool) {
				for l, err := range d.Logs {
					if !yield(l, err) {
						return
					}
				}
				yield(delta.Log{}, broken)
			}
			return &x, nil
		},
		"between lines": func(store.Saved) (*delta.Delta, error) {
			x := *d
			x.Logs = store.EachLog(delta.Log{Agent: "alice", Kept: 5, Counted: 7, Cursor: []byte{}, Lines: func(yield func(*event.Envelope, error) bool) {
				if yield(w.lines[5], nil) {
					yield(nil, broken)
				}
			}})
			return &x, nil
		},
	} {
		if _, _, err := s.Apply(context.Background(), nil, next, nil, nil); !errors.Is(err, broken) {
			t.Fatalf("%s: %v", name, err)
		}
		if err := m.Apply(next); !errors.Is(err, broken) {
			t.Fatalf("%s: %v", name, err)
		}
		sameAnswers(t, was.memory(), mustFile(t, s, was))
		sameAnswers(t, was.memory(), m)
	}
}

// What the Delta before left is there for the next one, in both stores.
func TestSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(rand.New(rand.NewPCG(6, 8)), 60)
	s, m := files(t), &store.Memory{}
	check := func(was store.Saved) error {
		header, err := was.Header()
		if err != nil || string(header) != "header" {
			return fmt.Errorf("the header is %q, %v", header, err)
		}
		index, err := was.Index()
		if err != nil || string(index) != "index" {
			return fmt.Errorf("the index is %q, %v", index, err)
		}
		for id, lines := range w.logs() {
			c, err := was.Cursor(id)
			if want := fmt.Sprint(len(lines)); err != nil || string(c) != want {
				return fmt.Errorf("the cursor of %s is %q, %v", id, c, err)
			}
		}
		if c, err := was.Cursor("nobody"); err != nil || c != nil {
			return fmt.Errorf("the cursor of nobody is %q, %v", c, err)
		}
		return nil
	}
	for _, apply := range []func(store.Next) error{
		m.Apply,
		func(next store.Next) error {
			f, _, err := s.Apply(context.Background(), nil, next, nil, nil)
			if err == nil {
				defer f.Close()
				if index, err := f.Index(); err != nil || string(index) != "index" {
					return fmt.Errorf("the index is %q, %v", index, err)
				}
			}
			return err
		},
	} {
		if err := apply(w.to()); err != nil {
			t.Fatal(err)
		}
		if err := apply(func(was store.Saved) (*delta.Delta, error) {
			if err := check(was); err != nil {
				return nil, err
			}
			return w.delta(w), nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// If another process is creating the store, a command waits for it only if there is no store
// that could be updated.
func TestApplyWaitsForARebuild(t *testing.T) {
	t.Parallel()
	w := newWorld(rand.New(rand.NewPCG(6, 9)), 20)
	s := files(t)
	var asked []bool
	s.Lock = func(rebuild bool) (func(), bool) {
		asked = append(asked, rebuild)
		return func() {}, rebuild
	}
	f, _, err := s.Apply(context.Background(), nil, w.to(), nil, nil)
	if err != nil || !slices.Equal(asked, []bool{false, true}) {
		t.Fatalf("%v, asked %v", err, asked)
	}
	f.Close()
	asked = nil
	if _, _, err := s.Apply(context.Background(), nil, w.to(), nil, nil); !errors.Is(err, store.ErrBusy) || !slices.Equal(asked, []bool{false}) {
		t.Errorf("%v, asked %v", err, asked)
	}
}

// The end of the context ends a rebuild and an update wherever they are: what was
// there before is there after, and nothing else.
func TestApplyEndsWithItsContext(t *testing.T) {
	t.Parallel()
	all := newWorld(rand.New(rand.NewPCG(7, 9)), 90)
	was := all.until(60)
	for _, rebuild := range []bool{true, false} {
		s := files(t)
		if !rebuild {
			if _, err := was.bring(s); err != nil {
				t.Fatal(err)
			}
		}
		names := func() (all []string) {
			entries, err := os.ReadDir(filepath.Dir(s.Path))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				all = append(all, e.Name())
			}
			return all
		}
		before, ended := names(), 0
		for at := 0; ; at = at*3/2 + 1 {
			ctx, end := stoppedAt(at)
			f, _, err := s.Apply(ctx, nil, all.to(was), nil, nil)
			end()
			if err == nil {
				f.Close()
				break
			}
			if ended++; !errors.Is(err, context.Canceled) || !slices.Equal(names(), before) {
				t.Fatalf("rebuild %v, ended after %d looks: %v; files %q, before %q", rebuild, at, err, names(), before)
			}
			if !rebuild {
				sameAnswers(t, was.memory(), mustFile(t, s, was))
			}
		}
		if ended < 10 {
			t.Errorf("rebuild %v was ended at %d places only", rebuild, ended)
		}
		sameAnswers(t, all.memory(), mustFile(t, s, all))
	}
}

// stopping is a context that ends when it was looked at so many times.
type stopping struct {
	context.Context
	left *int
	end  func()
}

func stoppedAt(looks int) (context.Context, func()) {
	ctx, end := context.WithCancel(context.Background())
	return stopping{ctx, &looks, end}, end
}

func (c stopping) Err() error {
	if *c.left--; *c.left < 0 {
		c.end()
	}
	return c.Context.Err()
}
