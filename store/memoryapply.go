package store

import (
	"bytes"
	"maps"
	"slices"
	"sort"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// kept is the data from which Apply makes a Memory.
type kept struct {
	inputs, header []byte
	index          []byte // of the logs
	logs           map[string]*keptLog
	numbers        map[event.UUID]uint64
	miles          map[event.UUID]uint64 // numbers of milestones
	locks          map[event.UUID]*lockRow
	base           *event.Base
}

type keptLog struct {
	lines  []*event.Envelope // that count
	marks  []delta.Mark
	cursor []byte
}

// Apply brings the projection to the state that next's Delta leads to; see
// Store.Apply. After an error it is as it was. What it answered before is not
// changed.
func (m *Memory) Apply(next Next) error {
	d, err := next(savedKept{&m.kept})
	if err != nil {
		return err
	}
	is := kept{inputs: d.To, header: d.Header, index: d.Index, base: d.Base, logs: map[string]*keptLog{}, numbers: map[event.UUID]uint64{}, locks: map[event.UUID]*lockRow{}}
	if d.From != nil {
		if !bytes.Equal(d.From, m.inputs) || d.Base != nil {
			return ErrNeedsRebuild
		}
		is.base, is.miles = m.base, m.miles
		if is.index == nil {
			is.index = m.index
		}
		maps.Copy(is.logs, m.logs)
		maps.Copy(is.locks, m.locks)
		if !d.Renumbered {
			maps.Copy(is.numbers, m.kept.numbers)
		}
	}
	if d.Logs != nil {
		for l, err := range d.Logs {
			if err == nil {
				err = is.log(&l)
			}
			if err != nil {
				return err
			}
		}
	}
	maps.Copy(is.numbers, d.Numbers)
	if d.Milestones != nil {
		is.miles = maps.Clone(d.Milestones)
	}
	for u, l := range d.Locks {
		if is.locks[u] = lockOf(l); is.locks[u] == nil {
			delete(is.locks, u)
		}
	}
	p := is.project(maps.Clone(d.Aliases))
	p.presence = m.presence
	*m = *p
	return nil
}

// log takes over what changed in one log.
func (k *kept) log(d *delta.Log) error {
	l := &keptLog{}
	if was := k.logs[d.Agent]; was != nil {
		*l = *was
	}
	if d.Kept > uint64(len(l.lines)) {
		return ErrNeedsRebuild
	}
	l.lines = slices.Clip(l.lines[:d.Kept])
	if d.Lines != nil {
		for e, err := range d.Lines {
			if err != nil {
				return err
			}
			l.lines = append(l.lines, e)
		}
	}
	if d.MarksFrom > 0 {
		n := sort.Search(len(l.marks), func(n int) bool { return l.marks[n].Seq >= d.MarksFrom })
		l.marks = append(slices.Clip(l.marks[:n]), runs(ruleAt(l.marks[:n], d.MarksFrom), d.Marks)...)
	}
	l.cursor = d.Cursor
	if k.logs[d.Agent] = l; d.Cursor == nil {
		delete(k.logs, d.Agent)
	}
	return nil
}

func (k *kept) project(aliases map[uint64]uint64) *Memory {
	s := reducer.New()
	if k.base != nil {
		s.ApplyBase(k.base)
	}
	var lines []*event.Envelope
	if k.base != nil {
		lines = slices.Clone(k.base.Lines)
	}
	for _, id := range slices.Sorted(maps.Keys(k.logs)) {
		for _, e := range k.logs[id].lines {
			s.Apply(e)
		}
		lines = append(lines, k.logs[id].lines...)
	}
	d := Decided{Milestones: k.miles, Aliases: aliases, Locks: map[event.UUID]Lock{}, Queue: map[event.UUID][]Waiter{}}
	for u, l := range k.locks {
		d.Locks[u], d.Queue[u] = l.Lock, l.Queue
	}
	m := NewMemory(s, lines, k.numbers).WithDecided(d).WithMarks(k.mark)
	m.kept = *k
	return m
}

func (k *kept) mark(agent string, seq uint64) string {
	l := k.logs[agent]
	if l == nil {
		return ""
	}
	return ruleAt(l.marks, seq)
}

// ruleAt is what marks say of a line.
func ruleAt(marks []delta.Mark, seq uint64) string {
	n := sort.Search(len(marks), func(n int) bool { return marks[n].Seq > seq })
	if n == 0 {
		return ""
	}
	return marks[n-1].Rule
}

type savedKept struct{ *kept }

func (s savedKept) Inputs() []byte          { return s.inputs }
func (s savedKept) Header() ([]byte, error) { return s.header, nil }
func (s savedKept) Index() ([]byte, error)  { return s.index, nil }

func (s savedKept) Cursor(agent string) ([]byte, error) {
	if l := s.logs[agent]; l != nil {
		return l.cursor, nil
	}
	return nil, nil
}
