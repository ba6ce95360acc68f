package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// projection is what a Memory and a File have in common (tracker.Projection).
type projection interface {
	Resolve(id string) (event.UUID, error)
	ResolveComment(id string) (comment, issue event.UUID, err error)
	CommentShort(event.UUID) string
	Issue(event.UUID) (*store.Issue, error)
	Row(event.UUID) (*store.Issue, error)
	List(store.Filter) ([]*store.Issue, int, error)
	Search(string, store.Filter) ([]*store.Issue, int, error)
	Newest(store.LineFilter) ([]*event.Envelope, error)
	Latest(string, int) ([]store.Named, error)
	Roots(open bool) ([]event.UUID, error)
	History(event.UUID) ([]*event.Envelope, error)
	Locked() ([]*store.Issue, error)
	Aliases() map[uint64]uint64
	store.Records
	Rejections() []reducer.Rejection
	store.Signs
	Check(string, event.Body) error
	Hash() string
}

// a world is lines and the decisions about them: everything that a Memory is made from.
type world struct {
	lines   []*event.Envelope
	numbers map[event.UUID]uint64
	decided store.Decided
	marks   uint64 // which lines are marked

	oneMark bool // all in one way
	mark    string

	counts map[string]int // lines of each log that count; nil is all
}

// newWorld draws lines of all kinds, and decisions about some of their issues.
func newWorld(rng *rand.Rand, events int) *world {
	w := &world{lines: testkit.History(rng, testkit.HistoryOptions{Agents: 2 + rng.IntN(5), Events: events, Invalid: true}), marks: rng.Uint64()}
	w.decide(rng)
	return w
}

// decide draws numbers, locks and aliases for the issues there are.
func (w *world) decide(rng *rand.Rand) {
	w.numbers = map[event.UUID]uint64{}
	w.decided = store.Decided{Milestones: map[event.UUID]uint64{}, Aliases: map[uint64]uint64{}, Locks: map[event.UUID]store.Lock{}, Queue: map[event.UUID][]store.Waiter{}}
	n := uint64(0)
	for _, e := range w.lines {
		var u event.UUID
		switch b := e.Body.(type) {
		case *event.IssueCreated:
			u = b.UUID
		case *event.IssueDeleted:
			u = b.UUID
		case *event.MilestoneCreated:
			if w.decided.Milestones[b.UUID] == 0 {
				w.decided.Milestones[b.UUID] = uint64(len(w.decided.Milestones)) + 1
			}
			continue
		default:
			continue
		}
		if w.numbers[u] != 0 || rng.IntN(4) == 0 {
			continue
		}
		n++
		w.numbers[u] = n
		if rng.IntN(5) == 0 {
			n++
			w.decided.Aliases[n] = w.numbers[u]
		}
		if rng.IntN(3) == 0 {
			w.decided.Locks[u] = store.Lock{Holder: e.Agent, Token: n, Since: e.Time, Branch: "b", Confirmed: rng.IntN(2) == 0, Ending: rng.IntN(3) == 0}
			w.decided.Queue[u] = []store.Waiter{{Agent: "zoe", Since: e.Time, Confirmed: true}}
		}
	}
}

// until is the world as it was when only the first n lines were known.
func (w *world) until(n int) *world {
	x := *w
	x.lines = w.lines[:n]
	return &x
}

// logs are the lines that count, by agent.
func (w *world) logs() map[string][]*event.Envelope {
	all := map[string][]*event.Envelope{}
	for _, e := range w.lines {
		if w.counts == nil || len(all[e.Agent]) < w.counts[e.Agent] {
			all[e.Agent] = append(all[e.Agent], e)
		}
	}
	return all
}

func (w *world) rule(agent string, seq uint64) string {
	if w.oneMark {
		return w.mark
	}
	return []string{"", "", "unsigned", "unapproved"}[(w.marks>>(seq/5%16*4)^uint64(agent[0]))&3]
}

// marked are the marks of a log of so many lines, from one on.
func (w *world) marked(agent string, from, lines int) (all []delta.Mark) {
	for seq := from; seq <= lines+1; seq++ {
		all = append(all, delta.Mark{Seq: uint64(seq), Rule: w.rule(agent, uint64(seq))})
	}
	return all
}

// memory projects the world, log by log as the tracker does.
func (w *world) memory() *store.Memory {
	s := reducer.New()
	logs := w.logs()
	var lines []*event.Envelope
	for _, id := range slices.Sorted(maps.Keys(logs)) {
		for _, e := range logs[id] {
			s.Apply(e)
		}
		lines = append(lines, logs[id]...)
	}
	return store.NewMemory(s, lines, w.numbers).WithDecided(w.decided).WithMarks(func(agent string, seq uint64) string {
		if n := uint64(len(logs[agent])); n == 0 {
			return ""
		} else {
			return w.rule(agent, min(seq, n+1)) // what follows is marked as the first line that does not count
		}
	})
}

// digest stands for all a world's answers follow from.
func (w *world) digest() []byte {
	h := sha256.New()
	for _, e := range w.lines {
		h.Write(e.Raw)
	}
	fmt.Fprint(h, w.numbers, w.decided, w.marks, w.oneMark, w.mark, w.counts)
	return h.Sum(nil)
}

// delta leads from a world to w; nil is the empty one.
func (w *world) delta(was *world) *delta.Delta {
	d := &delta.Delta{To: w.digest(), Header: []byte("header"), Numbers: map[event.UUID]uint64{}, Aliases: w.decided.Aliases, Locks: map[event.UUID]delta.Lock{}}
	if was == nil {
		d.Index = []byte("index") // it stays
		was = &world{counts: map[string]int{}}
	} else {
		d.From = was.digest()
	}
	old, logs := was.logs(), w.logs()
	var all []delta.Log
	for _, id := range slices.Sorted(maps.Keys(logs)) {
		lines := logs[id]
		kept := min(len(old[id]), len(lines))
		for n := range kept {
			if !bytes.Equal(old[id][n].Raw, lines[n].Raw) {
				kept = n
				break
			}
		}
		l := delta.Log{Agent: id, Kept: uint64(kept), Counted: uint64(len(lines)), Lines: store.EachLine(lines[kept:]...), Cursor: fmt.Appendf(nil, "%d", len(lines))}
		switch {
		case old[id] == nil || was.marks != w.marks || was.oneMark != w.oneMark || was.mark != w.mark:
			l.MarksFrom, l.Marks = 1, w.marked(id, 1, len(lines))
		case len(old[id]) != len(lines):
			l.MarksFrom, l.Marks = uint64(kept)+1, w.marked(id, kept+1, len(lines))
		case kept == len(lines):
			continue
		}
		all = append(all, l)
	}
	for id := range old {
		if logs[id] == nil {
			all = append(all, delta.Log{Agent: id})
		}
	}
	d.Logs = store.EachLog(all...)
	w.redecide(was, d)
	return d
}

// redecide puts into a Delta what was decided since.
func (w *world) redecide(was *world, d *delta.Delta) {
	for u, n := range was.numbers {
		d.Renumbered = d.Renumbered || w.numbers[u] != n
	}
	if !maps.Equal(was.decided.Milestones, w.decided.Milestones) || d.From == nil {
		d.Milestones = maps.Clone(w.decided.Milestones)
	}
	for u, n := range w.numbers {
		if d.Renumbered || was.numbers[u] != n {
			d.Numbers[u] = n
		}
	}
	locks, before := w.decided.Locks, was.decided.Locks
	for _, u := range slices.Concat(slices.Collect(maps.Keys(locks)), slices.Collect(maps.Keys(before))) {
		is, held := locks[u]
		if x, had := before[u]; held == had && is == x && slices.Equal(w.decided.Queue[u], was.decided.Queue[u]) {
			continue
		}
		l := delta.Lock{Holder: is.Holder, Token: is.Token, Since: is.Since, Branch: is.Branch, Confirmed: is.Confirmed, Ending: is.Ending}
		for _, q := range w.decided.Queue[u] {
			l.Queue = append(l.Queue, delta.Waiter(q))
		}
		d.Locks[u] = l
	}
}

// to makes the Deltas that lead to w from whatever a store is of: one of the worlds
// that are known, or nothing.
func (w *world) to(known ...*world) store.Next {
	return func(was store.Saved) (*delta.Delta, error) {
		if was.Inputs() == nil {
			return w.delta(nil), nil
		}
		for _, k := range known {
			if bytes.Equal(k.digest(), was.Inputs()) {
				return w.delta(k), nil
			}
		}
		return nil, store.ErrNeedsRebuild
	}
}

// bring brings a store to w.
func (w *world) bring(s *store.Store, known ...*world) (store.Written, error) {
	return w.bringFrom(nil, s, known...)
}

// bringFrom is bring by somebody who has the store open.
func (w *world) bringFrom(was *store.File, s *store.Store, known ...*world) (store.Written, error) {
	f, wrote, err := s.Apply(context.Background(), was, w.to(known...), func() (*store.Memory, error) { return nil, errors.New("the file did not answer") }, nil)
	if err == nil {
		f.Close()
	}
	return wrote, err
}

// files is a store in a directory of its own.
func files(t testing.TB) *store.Store { return storeAt(filepath.Join(t.TempDir(), "store.db")) }

func storeAt(path string) *store.Store {
	return &store.Store{
		Path: path,
		Lock: func(bool) (func(), bool) { return func() {}, true },
	}
}

// mustFile opens the store for a world and fails if memory was asked.
func mustFile(t testing.TB, s *store.Store, w *world) *store.File {
	t.Helper()
	f, _, err := s.Open(w.digest(), func() (*store.Memory, error) { return nil, errors.New("the file did not answer") }, nil)
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// filters are lists as commands ask for them.
func filters(m *store.Memory) []store.Filter {
	fs := []store.Filter{{}, {Status: "nonsense"}, {Sort: "nonsense"}}
	rows, _, _ := m.List(store.Filter{Status: "all"})
	now := event.Time(1772359200000000000) + event.Time(3600e9)
	for _, sort := range store.Sorts {
		for _, status := range store.Statuses {
			fs = append(fs, store.Filter{Status: status, Sort: sort}, store.Filter{Status: status, Sort: sort, Limit: 3})
		}
	}
	for _, p := range []event.Priority{event.Low, event.Medium, event.High, event.Critical} {
		fs = append(fs, store.Filter{Status: "all", Priority: p, Limit: 2})
	}
	for _, l := range [][]string{{"bug"}, {"ü"}, {"zz top"}, {"bug", "flux"}, {"zz"}, {""}, {"(62)"}, {"bug", ""}, {"u\u0308"}, {" bug\t"}} {
		fs = append(fs, store.Filter{Status: "all", Labels: l}, store.Filter{Labels: l, Sort: "updated", Limit: 1})
	}
	fs = append(fs, store.Filter{Since: now, Status: "all", Sort: "updated"}, store.Filter{Since: 1, Blocked: true}, store.Filter{Since: event.MaxTime}, store.Filter{Ready: true, Now: now}, store.Filter{Blocked: true}, store.Filter{Overdue: true, Now: now, Status: "all"},
		store.Filter{Ready: true, Now: event.MaxTime, Sort: "priority", Limit: 4}, store.Filter{Blocked: true, Ready: true}, store.Filter{Overdue: true, Now: event.MaxTime})
	for _, f := range []store.Filter{
		{Without: []string{"bug"}}, {Without: []string{"u\u0308", "zz top"}, Labels: []string{"bug"}}, {Without: []string{""}}, {NoLabel: true}, {NoLabel: true, Labels: []string{"bug"}},
		{Priority: event.High, AtLeast: true}, {Priority: event.Low, AtLeast: true}, {AtLeast: true}, {Unassigned: true}, {Locked: true}, {Unlocked: true}, {Locked: true, Unlocked: true},
		{Blocked: true, Unlocked: true}, {Connected: true}, {Connected: true, Sort: "priority", Limit: 2}, {DueBy: now}, {DueBy: 1}, {DueBy: event.MaxTime}, {ClosedSince: 1}, {ClosedSince: now}, {ClosedSince: event.MaxTime}, {Issue: event.UUID{1}}, {After: event.UUID{1}}, {Authors: []string{"nobody"}},
	} {
		for _, f.Status = range []string{"", "all"} {
			fs = append(fs, f)
			f.Limit, f.Sort = 2, "updated"
			fs = append(fs, f)
			f.Limit, f.Sort = 0, ""
		}
	}
	for n, i := range rows {
		sort := store.Sorts[n%len(store.Sorts)]
		fs = append(fs, store.Filter{Sort: sort, Reverse: n%2 == 0, After: i.UUID, Status: "all", Limit: n % 4}, store.Filter{Sort: sort, After: i.UUID, Except: []event.UUID{rows[n/2].UUID, i.UUID}}, store.Filter{Sort: sort, Reverse: true, Skip: n, Limit: 3})
		fs = append(fs, store.Filter{Status: "all", Authors: []string{i.CreatedBy}}, store.Filter{Issue: i.UUID}, store.Filter{Status: "all", Issue: i.UUID, Unassigned: true}, store.Filter{Status: "all", Parent: i.UUID}, store.Filter{Parent: i.Parent, Milestone: i.Milestone, Status: "all"})
		for _, a := range i.Assignees {
			fs = append(fs, store.Filter{Status: "all", Assignees: []string{a}}, store.Filter{Status: "all", Assignees: []string{"nobody", a}, Authors: []string{"nobody", i.CreatedBy}})
		}
		if i.Lock != nil {
			fs = append(fs, store.Filter{Ready: true, Now: now, Me: i.Lock.Holder}, store.Filter{Status: "all", LockedBy: []string{"nobody", i.Lock.Holder}})
		}
	}
	return fs
}

// awkward are searches that an index of words may get wrong.
var awkward = []string{
	"title", "TITLE 3", "e", "3", "ti", "desc", "comment", "nothing like it", "", "  ", `"`, `""`, `"title`, "title*", "title AND description", "OR", "NOT title",
	"NEAR(title, 3)", "text:title", "(title", "^title", `"title 1"`, `"title  1" desc`, `"desc`, `x"title 3"`, "#3", "#1 title", "title #2", `"#3"`, "#99", "#0", "#3 #1", "#", "#1x", `""" title`, "ti'tle", "title 1 title 2 title 3", "a\x00b", "\xff\xfe", "ß", "İ", "ÜMLAUT", "straße", "日本語", "日本", "日", "👩‍🚀", "\u00e9", "e\u0301", "caf\u00c9", "CAFE\u0301", "\u0301", "�",
	"%", "_", "-", "--", ";", "tit\\le", strings.Repeat("title ", 40), strings.Repeat("x", 500),
}
