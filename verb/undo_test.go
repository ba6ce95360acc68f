package verb

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// past is a random history of several agents, to which commands of 'me' are added.
type past struct {
	*rand.Rand
	state  *reducer.State
	lines  []*event.Envelope
	chains map[string]*event.Chain
}

func newPast(rng *rand.Rand) *past {
	p := &past{Rand: rng, state: reducer.New(), chains: map[string]*event.Chain{}}
	p.lines = testkit.History(rng, testkit.HistoryOptions{Hub: "5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e", Agents: 3, Events: 120, Start: 1e18})
	for _, e := range p.lines {
		p.state.Apply(e)
	}
	return p
}

// write adds a command of an agent, after all that is there.
func (p *past) write(t *testing.T, agent string, bodies ...event.Body) (lines []*event.Envelope) {
	t.Helper()
	c := p.chains[agent]
	if c == nil {
		c = &event.Chain{Hub: "5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e", Agent: agent}
		p.chains[agent] = c
	}
	for _, b := range bodies {
		line, err := c.Stamp(&event.Envelope{Body: b}, p.state.Newest(), p.state.Newest())
		if err != nil {
			t.Fatalf("%s: %v", b.Type(), err)
		}
		e, err := event.Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		p.lines, lines = append(p.lines, e), append(lines, e)
		p.state.Apply(e)
	}
	return lines
}

func (p *past) view() *store.Memory { return store.NewMemory(p.state.Clone(), p.lines, nil) }

// command draws the events of one command, none that has no effect.
func (p *past) command() []event.Body {
	var all []*store.Issue
	rows, _, _ := p.view().List(store.Filter{Status: "all"})
	for _, i := range rows {
		if i, err := p.view().Issue(i.UUID); err == nil {
			all = append(all, i)
		}
	}
	if len(all) < 2 {
		return nil
	}
	i, o := all[p.IntN(len(all))], all[p.IntN(len(all))]
	word := fmt.Sprintf("word %d", p.IntN(4))
	at := event.Time(1e18 + p.Int64N(1e15))
	var plan Plan
	switch p.IntN(16) {
	case 0:
		plan = Labels.Add(i, []string{word, "bug"})
	case 1:
		plan = Labels.Remove(i, i.Labels)
	case 2:
		plan = Assignees.Add(i, []string{word})
	case 3:
		plan = Assignees.Remove(i, i.Assignees)
	case 4:
		plan, _, _ = SetStatus(p.view(), "mine", []string{i.UUID.String(), o.UUID.String()}, []event.Status{event.Open, event.Closed, event.Archived}[p.IntN(3)], &word)
	case 5:
		high := event.High
		return Edit{Title: &word, Description: &word, Priority: &high}.Apply(i)
	case 6:
		plan = Schedule(i, &at, nil)
	case 7:
		plan, _ = Block(p.view(), i, []*store.Issue{o})
	case 8:
		for _, b := range Shown(p.view(), i.BlockedBy) {
			plan = Unblock(i, []*store.Issue{b})
		}
	case 9:
		plan, _ = Relate(i, o, []event.RelationKind{event.Related, event.Duplicates}[p.IntN(2)])
	case 10:
		plan = Unrelate(i, o, "")
	case 11, 12:
		plan, _, _ = Delete(p.view(), "a", []string{i.UUID.String(), o.UUID.String()}, uuid.New)
	case 13:
		plan, _ = SetParent(p.view(), i, o)
	case 14:
		n := &NewIssue{UUID: uuid.New(), Title: word, Priority: event.Low, Labels: []string{word}, Parent: i.UUID.String(), BlockedBy: []string{o.UUID.String()}, DiscoveredFrom: o.UUID.String()}
		bodies, _ := Create(p.view(), "mine", n)
		return bodies
	case 15:
		return []event.Body{&event.CommentAdded{Issue: i.UUID, Comment: uuid.New(), Author: "me", Content: word, CreatedAt: at, Kind: "note"}}
	}
	return plan.Bodies
}

// readable is what readers see of the issues, without when and by whom it was
// changed last.
func (p *past) readable() map[event.UUID]reducer.Issue {
	all := map[event.UUID]reducer.Issue{}
	for u, i := range p.state.Clone().View().Issues {
		v := *i
		v.UpdatedAt, v.StatusBy, v.Links = 0, "", slices.Clone(v.Links)
		for k := range v.Links {
			v.Links[k].By = ""
		}
		all[u] = v
	}
	return all
}

// different lists the fields in which two states differ.
func different(a, b map[event.UUID]reducer.Issue) (all []string) {
	for u, i := range a {
		j, there := b[u]
		if !there {
			all = append(all, u.String()+" is gone")
			continue
		}
		x, y := reflect.ValueOf(i), reflect.ValueOf(j)
		for k := range x.NumField() {
			v, w := x.Field(k), y.Field(k)
			if !reflect.DeepEqual(v.Interface(), w.Interface()) && (v.Kind() != reflect.Slice || v.Len()+w.Len() > 0) {
				all = append(all, fmt.Sprintf("%s %s: %v, %v", u, x.Type().Field(k).Name, v.Interface(), w.Interface()))
			}
		}
	}
	for u := range b {
		if _, there := a[u]; !there {
			all = append(all, u.String()+" is new")
		}
	}
	return all
}

// TestUndo: after a command and its undo readers see what they saw before, and
// after a second undo what they saw between.
func TestUndo(t *testing.T) {
	did, undone := map[string]int{}, 0
	for seed := range uint64(400) {
		p := newPast(rand.New(rand.NewPCG(seed, 16)))
		bodies := p.command()
		if len(bodies) == 0 {
			continue
		}
		before := p.readable()
		lines := p.write(t, "mine", bodies...)
		between := p.readable()
		plan, err := Undo(p.view(), lines, uuid.New)
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, bodies[0].Type(), err)
		}
		again := p.write(t, "mine", plan.Bodies...)
		if diff := different(before, p.readable()); diff != nil {
			t.Fatalf("seed %d: %s and undo differ:\n%s", seed, bodies[0].Type(), strings.Join(diff, "\n"))
		}
		undone++
		for _, b := range bodies {
			did[b.Type()]++
		}
		if len(again) == 0 {
			continue
		}
		if plan, err = Undo(p.view(), again, uuid.New); err != nil {
			if _, comment := again[0].Body.(*event.CommentDeleted); !comment {
				t.Fatalf("seed %d: undo of the undo of %s: %v", seed, bodies[0].Type(), err)
			}
			continue
		}
		p.write(t, "mine", plan.Bodies...)
		if diff := different(between, p.readable()); diff != nil {
			t.Fatalf("seed %d: %s, undo and undo differ:\n%s", seed, bodies[0].Type(), strings.Join(diff, "\n"))
		}
	}
	for _, name := range []string{"LabelAdded", "LabelRemoved", "AssigneeAdded", "AssigneeRemoved", "StatusChanged", "IssueUpdated", "ScheduleChanged", "DependencyAdded", "DependencyRemoved",
		"RelationAdded", "RelationRemoved", "IssueDeleted", "ParentChanged", "IssueCreated", "CommentAdded"} {
		if did[name] == 0 {
			t.Errorf("no %s was undone", name)
		}
	}
	t.Logf("%d commands undone: %v", undone, did)
}

// TestUndoOfWhatChanged: what somebody else changed since is not undone, what they
// changed beside it stays.
func TestUndoOfWhatChanged(t *testing.T) {
	refused, beside := 0, 0
	for seed := range uint64(400) {
		p := newPast(rand.New(rand.NewPCG(seed, 17)))
		mine := p.command()
		if len(mine) == 0 {
			continue
		}
		before := p.readable()
		lines := p.write(t, "mine", mine...)
		between := p.readable()
		theirs := p.command()
		p.write(t, "other", theirs...)
		same := slices.ContainsFunc(mine, func(b event.Body) bool {
			return slices.ContainsFunc(fieldsOf(b), func(f field) bool {
				return slices.ContainsFunc(theirs, func(b event.Body) bool { return slices.Contains(fieldsOf(b), f) })
			})
		})
		plan, err := Undo(p.view(), lines, uuid.New)
		if err != nil {
			if e := (*fail.Error)(nil); !errors.As(err, &e) || e.Kind != fail.No && e.Code != "cycle" {
				t.Fatalf("seed %d: %v", seed, err)
			}
			refused++
			continue
		}
		if same {
			t.Fatalf("seed %d: both wrote one field, and %s was undone", seed, mine[0].Type())
		}
		p.write(t, "mine", plan.Bodies...)
		if len(different(between, before)) > 0 {
			beside++
		}
		for _, b := range theirs { // it is as they left it
			for _, f := range fieldsOf(b) {
				if f.what == "deletion" || f.what == "comment" || f.what == "creation" {
					continue
				}
				if i := p.state.OwnIssue(f.issue); !i.Shown {
					t.Fatalf("seed %d: undo hid an issue that somebody has changed", seed)
				}
			}
		}
	}
	if refused < 10 || beside < 100 {
		t.Errorf("%d refused, %d undone beside other changes", refused, beside)
	}
}

// TestUndoRefuses names each reason.
func TestUndoRefuses(t *testing.T) {
	for _, x := range []struct {
		code   string
		bodies []event.Body
	}{
		{"nothing-to-undo", []event.Body{&event.AgentIntroduced{Kind: event.Person}}},
		{"not-undoable/claim", []event.Body{&event.LockClaimed{Issue: id(1)}}},
		{"not-undoable/lock", []event.Body{&event.LockReleased{Issue: id(1)}}},
		{"not-undoable", []event.Body{&event.CommentDeleted{Comment: id(1)}}},
		{"not-undoable", []event.Body{&event.TimeEntryDeleted{Entry: id(1)}}},
		{"not-undoable", []event.Body{&event.LabelAdded{Issue: id(1), Label: "x"}, &event.SessionStarted{Session: id(3)}}},
		{"not-undoable", []event.Body{&event.IssueDeleted{UUID: id(1)}}}, // without a name
	} {
		w := newWorld(t, "a")
		first := len(w.lines)
		w.apply(x.bodies...)
		plan, err := Undo(w.view(), w.lines[first:], uuid.New)
		if e := (*fail.Error)(nil); !errors.As(err, &e) || string(e.Code) != x.code || plan.Bodies != nil {
			t.Errorf("%s: %v, want %s", x.bodies[0].Type(), err, x.code)
		}
	}
}
