// Package replaytest is a store for tests: it keeps what package replay says, and
// compares.
package replaytest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
)

// Model is a store that keeps what deltas say. The zero Model is empty.
type Model struct {
	Lines   map[string][]*event.Envelope
	Marks   map[string][]delta.Mark
	Numbers map[event.UUID]uint64
	Miles   map[event.UUID]uint64 // numbers of milestones
	Aliases map[uint64]uint64
	Locks   map[event.UUID]delta.Lock
	Header  []byte
	Index   []byte
	Cursors map[string][]byte
	Stamp   []byte
}

// Clone returns a copy.
func (m *Model) Clone() *Model {
	return &Model{maps.Clone(m.Lines), maps.Clone(m.Marks), maps.Clone(m.Numbers), maps.Clone(m.Miles), maps.Clone(m.Aliases), maps.Clone(m.Locks), m.Header, m.Index, maps.Clone(m.Cursors), m.Stamp}
}

// Apply takes the model to the next state.
func (m *Model) Apply(d *delta.Delta) error {
	if d.From == nil {
		*m = Model{Lines: map[string][]*event.Envelope{}, Marks: map[string][]delta.Mark{}, Numbers: map[event.UUID]uint64{}, Locks: map[event.UUID]delta.Lock{}, Cursors: map[string][]byte{}}
	} else if !bytes.Equal(d.From, m.Stamp) {
		return errors.New("it is of another state")
	}
	if d.Renumbered {
		m.Numbers = map[event.UUID]uint64{}
	}
	maps.Copy(m.Numbers, d.Numbers)
	if d.Milestones != nil {
		m.Miles = d.Milestones
	}
	for u, k := range d.Locks {
		if m.Locks[u] = k; k.Holder == "" {
			delete(m.Locks, u)
		}
	}
	m.Aliases, m.Header, m.Stamp = d.Aliases, d.Header, d.To
	if d.Index != nil {
		m.Index = d.Index
	}
	for l, err := range d.Logs {
		if err != nil {
			return err
		}
		if l.Cursor == nil {
			delete(m.Lines, l.Agent)
			delete(m.Marks, l.Agent)
			delete(m.Cursors, l.Agent)
			continue
		}
		if uint64(len(m.Lines[l.Agent])) < l.Kept {
			return fmt.Errorf("of '%s' %d lines are kept, of %d", l.Agent, l.Kept, len(m.Lines[l.Agent]))
		}
		lines := slices.Clone(m.Lines[l.Agent][:l.Kept])
		if l.Lines != nil {
			for e, err := range l.Lines {
				if err != nil {
					return err
				}
				lines = append(lines, e)
			}
		}
		if uint64(len(lines)) != l.Counted {
			return fmt.Errorf("of '%s' %d lines count, not %d", l.Agent, len(lines), l.Counted)
		}
		m.Lines[l.Agent], m.Cursors[l.Agent] = lines, l.Cursor
		if l.MarksFrom > 0 {
			n := slices.IndexFunc(m.Marks[l.Agent], func(x delta.Mark) bool { return x.Seq >= l.MarksFrom })
			if n < 0 {
				n = len(m.Marks[l.Agent])
			}
			m.Marks[l.Agent] = append(slices.Clone(m.Marks[l.Agent][:n]), l.Marks...)
		}
	}
	return nil
}

// Mark is the mark of a line's signature.
func (m *Model) Mark(agent string, seq uint64) (rule string) {
	for _, x := range m.Marks[agent] {
		if x.Seq <= seq {
			rule = x.Rule
		}
	}
	return rule
}

// Differs says what two models have that is not the same.
func (m *Model) Differs(o *Model) string {
	var diff []string
	same := func(what string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			diff = append(diff, fmt.Sprintf("%s:\n  %v\n  %v", what, a, b))
		}
	}
	same("header", string(m.Header), string(o.Header))
	same("index", string(m.Index), string(o.Index))
	same("agents", slices.Sorted(maps.Keys(m.Cursors)), slices.Sorted(maps.Keys(o.Cursors)))
	for id := range m.Cursors {
		same("cursor of "+id, string(m.Cursors[id]), string(o.Cursors[id]))
		same("marks of "+id, fmt.Sprint(m.Marks[id]), fmt.Sprint(o.Marks[id]))
		a, b := m.Lines[id], o.Lines[id]
		same("lines of "+id, len(a), len(b))
		for i := range min(len(a), len(b)) {
			if !bytes.Equal(a[i].Raw, b[i].Raw) {
				same("line of "+id, string(a[i].Raw), string(b[i].Raw))
			}
		}
	}
	same("numbers", m.Numbers, o.Numbers)
	same("numbers of milestones", m.Miles, o.Miles)
	same("locks", m.Locks, o.Locks)
	if len(m.Aliases)+len(o.Aliases) > 0 {
		same("aliases", m.Aliases, o.Aliases)
	}
	return strings.Join(diff, "\n")
}
