package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// follow brings a store to a world by its lines from the n-th on.
func follow(s *store.Store, w *world, n int) (*store.File, store.Written, error) {
	f, _, wrote, err := s.Follow(func(store.State) (store.State, store.News, error) {
		by := map[string]int{}
		var tails []store.Tail
		for _, e := range w.lines[n:] {
			at, there := by[e.Agent]
			if !there {
				at = len(tails)
				by[e.Agent] = at
				tails = append(tails, store.Tail{Mark: w.mark})
			}
			tails[at].Lines = append(tails[at].Lines, e)
		}
		return store.State{Digest: w.digest()}, store.News{Tails: tails, Numbers: w.decidedNow, Decided: w.decided}, nil
	}, func() (*store.Memory, error) { return nil, errors.New("the file did not answer") }, nil)
	return f, wrote, err
}

// Histories that come in deliveries: a store that follows by what is new answers
// as memory that is made of all of it, at each step.
func TestFollowedAsMade(t *testing.T) {
	followed, whole := 0, 0
	kinds := map[string]int{}
	seeds(t, 12, 0, func(t *testing.T, rng *rand.Rand) {
		w := newWorld(rng, 30+rng.IntN(150))
		w.oneMark, w.mark = true, []string{"", "unapproved"}[rng.IntN(2)]
		s := files(t)
		n := len(w.lines) / 2
		w.chatter(t, rng, 60)
		start := w.until(n)
		if _, err := s.Update(start.memory(), store.State{Digest: start.digest()}); err != nil {
			t.Fatal(err)
		}
		for n < len(w.lines) {
			to := min(len(w.lines), n+1+rng.IntN(2)*rng.IntN(3))
			now := w.until(to)
			if now.decidedNow = nil; rng.IntN(3) == 0 {
				now.decidedNow = now.decideOne()
			}
			m := now.memory()
			f, _, err := follow(s, now, n)
			switch {
			case err == nil:
				followed++
				for _, e := range now.lines[n:] {
					kinds[e.Body.Type()]++
				}
				if rng.IntN(6) == 0 || to == len(w.lines) {
					sameAnswers(t, m, f)
				}
				for _, e := range now.lines[n:] { // what was touched, in any case
					for _, u := range uuidsIn(e.Body) {
						x, xerr := m.Issue(u)
						y, yerr := f.Issue(u)
						if (xerr == nil) != (yerr == nil) {
							t.Fatalf("issue %s: %v, %v", u, xerr, yerr)
						}
						if xerr == nil {
							sameRow(t, x, y)
						}
					}
				}
				f.Close()
				if rng.IntN(12) == 0 { // what it wrote is what is written when all is
					if again, err := s.Update(m, store.State{Digest: now.digest()}); err != nil || again.Anew || len(again.Rows) != 1 {
						t.Fatalf("a store that followed differs from one that was made in %+v, %v", again, err)
					}
				}
			case errors.Is(err, store.ErrWhole):
				whole++
				if _, err := s.Update(m, store.State{Digest: now.digest()}); err != nil {
					t.Fatal(err)
				}
			default:
				t.Fatal(err)
			}
			n = to
		}
	})
	t.Logf("%d deliveries were followed, %d took everything; %v", followed, whole, kinds)
	if os.Getenv("CROSSLINK_SEED") == "" && (followed < 100 || whole < 20 || len(kinds) < 8) {
		t.Fatalf("too few of a kind: %d deliveries were followed, %d took everything; %v", followed, whole, kinds)
	}
}

// decideOne gives a number to an issue that has none.
func (w *world) decideOne() map[event.UUID]uint64 {
	top := uint64(0)
	for _, n := range w.numbers {
		top = max(top, n)
	}
	for lost := range w.decided.Aliases {
		top = max(top, lost)
	}
	for _, e := range w.lines {
		if c, ok := e.Body.(*event.IssueCreated); ok && w.numbers[c.UUID] == 0 {
			w.numbers[c.UUID] = top + 1
			return map[event.UUID]uint64{c.UUID: top + 1}
		}
	}
	return nil
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
		switch text := title(); rng.IntN(20) {
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
			b, dead[u] = &event.IssueDeleted{UUID: u}, true
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

// To follow writes the rows of one issue and reads no other.
func TestFollowWritesOneIssue(t *testing.T) {
	t.Parallel()
	w, issue := crowd(t, 2000)
	s := files(t)
	if _, err := s.Update(w.memory(), store.State{Digest: w.digest()}); err != nil {
		t.Fatal(err)
	}
	say := func(want int, b event.Body) {
		t.Helper()
		n := len(w.lines)
		w.say(t, b)
		f, wrote, err := follow(s, w, n)
		if err != nil {
			t.Fatalf("%s: %v", b.Type(), err)
		}
		defer f.Close()
		sum := 0
		for _, rows := range wrote.Rows {
			sum += rows
		}
		if sum != want || wrote.Rows["issue"] != 1 || wrote.Rows["line"] != 1 {
			t.Fatalf("%s writes %+v", b.Type(), wrote.Rows)
		}
	}
	c := event.UUID{0xcc, 1}
	say(6, &event.CommentAdded{Issue: issue, Comment: c, Author: "alice", Content: "x", CreatedAt: 1, Kind: "note"})
	say(5, &event.CommentEdited{Comment: c, Content: "y"})
	say(5, &event.StatusChanged{UUID: issue, NewStatus: event.Closed})
	say(5, &event.LabelAdded{Issue: issue, Label: "bug"})
	fresh := event.UUID{0xee, 0xff, 0xee}
	w.numbers[fresh] = 2001
	w.decidedNow = map[event.UUID]uint64{fresh: 2001}
	say(6, &event.IssueCreated{UUID: fresh, Title: "new", Priority: event.Low, CreatedBy: "alice"})
	again, err := s.Update(w.memory(), store.State{Digest: w.digest()})
	if err != nil || len(again.Rows) != 1 {
		t.Fatalf("all rows written again: %+v, %v", again, err)
	}
}

// What reaches beyond its issue is not followed, and nothing is written.
func TestNotFollowed(t *testing.T) {
	t.Parallel()
	w, issue := crowd(t, 5)
	other := w.lines[0].Body.(*event.IssueCreated).UUID
	c := event.UUID{0xcc, 9}
	w.say(t, &event.CommentAdded{Issue: other, Comment: c, Author: "alice", Content: "x", CreatedAt: 1, Kind: "note"})
	spoken, named := event.UUID{0xdd, 1}, event.UUID{0xdd, 2}
	w.say(t, &event.LabelAdded{Issue: spoken, Label: "early"})
	w.say(t, &event.ParentChanged{Issue: other, Parent: named})
	s := files(t)
	if _, err := s.Update(w.memory(), store.State{Digest: w.digest()}); err != nil {
		t.Fatal(err)
	}
	nobody := event.UUID{0xee, 1}
	for _, b := range []event.Body{
		&event.IssueCreated{UUID: issue, Title: "again", Priority: event.Low, CreatedBy: "alice"},
		&event.IssueCreated{UUID: nobody, Title: "x", Priority: event.Low, CreatedBy: "alice", Parent: spoken},
		&event.IssueCreated{UUID: event.UUID{0, 0, 0xaa, 1}, Title: "near another", Priority: event.Low, CreatedBy: "alice"},
		&event.IssueCreated{UUID: spoken, Title: "spoken of before", Priority: event.Low, CreatedBy: "alice"},
		&event.IssueCreated{UUID: named, Title: "named as a parent before", Priority: event.Low, CreatedBy: "alice"},
		&event.IssueDeleted{UUID: nobody},
		&event.ParentChanged{Issue: issue, Parent: spoken},
		&event.DependencyAdded{Blocked: issue, Blocker: spoken},
		&event.RelationAdded{A: issue, B: nobody, Kind: event.Related},
		&event.CommentDeleted{Comment: nobody},
		&event.CommentEdited{Comment: nobody, Content: "not here yet"},
		&event.CommentAdded{Issue: issue, Comment: c, Author: "alice", Content: "another's uuid", CreatedAt: 1, Kind: "note"},
		&event.StatusChanged{UUID: nobody, NewStatus: event.Closed},
		&event.MilestoneAssigned{Issue: issue, Milestone: nobody},
		&event.AgentIntroduced{Kind: event.Machine},
		&event.KeyRotated{PublicKey: "x"},
	} {
		x := *w
		n := len(x.lines)
		if err := x.try(b); err != nil {
			t.Logf("%s: %v", b.Type(), err)
			continue
		}
		if _, _, err := follow(s, &x, n); !errors.Is(err, store.ErrWhole) {
			t.Errorf("%s is followed: %v", b.Type(), err)
		}
		mustFile(t, s, w).Close() // as it was
	}
	sameAnswers(t, w.memory(), mustFile(t, s, w))
}

// Short ids of issues that come together are told from each other, too.
func TestNearIssuesComeTogether(t *testing.T) {
	t.Parallel()
	w, _ := crowd(t, 5)
	s := files(t)
	if _, err := s.Update(w.memory(), store.State{Digest: w.digest()}); err != nil {
		t.Fatal(err)
	}
	n := len(w.lines)
	for last := byte(1); last <= 2; last++ {
		w.say(t, &event.IssueCreated{UUID: event.UUID{0xee, 0xff, 0xee, 0xff, last}, Title: "near", Priority: event.Low, CreatedBy: "alice"})
	}
	if f, _, err := follow(s, w, n); err == nil {
		sameAnswers(t, w.memory(), f)
		f.Close()
		t.Fatal("it was followed")
	} else if !errors.Is(err, store.ErrWhole) {
		t.Fatal(err)
	}
}
