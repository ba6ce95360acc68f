package store

import (
	"bytes"
	"errors"
	"sync"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
)

// What callers use until they make Deltas themselves.

// ErrWhole says that what is new cannot be told from itself.
var ErrWhole = ErrNeedsRebuild

// Tail is what is new at the end of a log of which every line counts.
type Tail struct {
	Lines []*event.Envelope
	Mark  string // what is said of each line of the log now
}

// News is what is new in a state.
type News struct {
	Tails   []Tail
	Numbers map[event.UUID]uint64 // decided since
	Decided Decided               // as it is now; its aliases are those there were
	Locked  []event.UUID          // whose lock or queue has changed
}

// Plain reports whether a line changes nothing but what a Delta says.
func Plain(*event.Envelope) bool { return true }

// State is what a store says it was made from, and the two notes kept with it.
type State struct {
	Digest     []byte
	Note, Rest []byte
}

const restOf = "rest" // no agent is called that: its cursor is State.Rest

// Update makes the file hold what m answers, which is the state is.
func (s *Store) Update(m *Memory, is State) (Written, error) {
	d := m.delta()
	d.To, d.Header = is.Digest, is.Note
	logs := d.Logs
	d.Logs = func(yield func(delta.Log, error) bool) {
		if yield(delta.Log{Agent: restOf, Cursor: append([]byte{}, is.Rest...)}, nil) {
			logs(yield)
		}
	}
	if m.state.Based() {
		basedOn.Store(d, m.state.Clone())
		defer basedOn.Delete(d)
	}
	f, w, err := s.Apply(func(was Saved) (*delta.Delta, error) {
		if was.Inputs() != nil {
			return nil, ErrNeedsRebuild
		}
		return d, nil
	}, nil, nil)
	if err == nil {
		f.Close()
	}
	return w, err
}

// basedOn are states in place of Delta.Base.
var basedOn sync.Map

// delta is all that a Memory holds.
func (m *Memory) delta() *delta.Delta {
	d := &delta.Delta{Base: m.base, Numbers: map[event.UUID]uint64{}, Aliases: m.aliases, Locks: map[event.UUID]delta.Lock{}}
	var logs []delta.Log
	for id, lines := range m.byAgent() {
		var marks []delta.Mark
		for n, e := range lines {
			marks = append(marks, delta.Mark{Seq: e.Seq, Rule: m.Mark(id, e.Seq)})
			if n == len(lines)-1 {
				marks = append(marks, delta.Mark{Seq: e.Seq + 1, Rule: m.Mark(id, e.Seq+1)})
			}
		}
		logs = append(logs, delta.Log{Agent: id, Counted: uint64(len(lines)), Lines: EachLine(lines...), MarksFrom: 1, Marks: marks, Cursor: []byte{}})
	}
	d.Logs = EachLog(logs...)
	for n, u := range m.numbers {
		d.Numbers[u] = n
	}
	for u, i := range m.rows {
		if i.Lock != nil {
			d.Locks[u] = lockIn(*i.Lock, i.Queue)
		}
	}
	return d
}

func lockIn(k Lock, queue []Waiter) delta.Lock {
	l := delta.Lock{Holder: k.Holder, Token: k.Token, Since: k.Since, Branch: k.Branch, Confirmed: k.Confirmed, Ending: k.Ending}
	for _, w := range queue {
		l.Queue = append(l.Queue, delta.Waiter(w))
	}
	return l
}

// Follow brings the store from the state it has to another one, by what news says
// is new, and opens it; see Open. news is called with the state there is.
func (s *Store) Follow(news func(was State) (State, News, error), recall func() (*Memory, error), seen func() map[string]event.AgentPresence) (*File, State, Written, error) {
	if _, good := readSeal(s.Path); !good {
		return nil, State{}, Written{}, errOther
	}
	var is State
	f, w, err := s.Apply(func(saved Saved) (*delta.Delta, error) {
		if saved.Inputs() == nil {
			return nil, errOther
		}
		was := State{Digest: saved.Inputs()}
		var err, err2 error
		was.Note, err = saved.Header()
		was.Rest, err2 = saved.Cursor(restOf)
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		var more News
		if is, more, err = news(was); errors.Is(err, ErrWhole) {
			return nil, errOther // who calls makes it anew
		} else if err != nil {
			return nil, err
		}
		d := &delta.Delta{From: was.Digest, To: is.Digest, Header: is.Note, Numbers: more.Numbers, Aliases: more.Decided.Aliases, Locks: map[event.UUID]delta.Lock{}}
		logs := []delta.Log{{Agent: restOf, Cursor: append([]byte{}, is.Rest...)}}
		for _, t := range more.Tails {
			if len(t.Lines) > 0 {
				kept := t.Lines[0].Seq - 1
				logs = append(logs, delta.Log{Agent: t.Lines[0].Agent, Kept: kept, Counted: kept + uint64(len(t.Lines)), Lines: EachLine(t.Lines...),
					MarksFrom: 1, Marks: []delta.Mark{{Seq: 1, Rule: t.Mark}}, Cursor: []byte{}})
			}
		}
		d.Logs = EachLog(logs...)
		for _, u := range more.Locked {
			d.Locks[u] = delta.Lock{}
			if k, held := more.Decided.Locks[u]; held {
				d.Locks[u] = lockIn(k, more.Decided.Queue[u])
			}
		}
		return d, nil
	}, recall, seen)
	return f, is, w, err
}

// Rest is State.Rest of the state.
func (f *File) Rest() ([]byte, error) {
	b, err := f.Cursor(restOf)
	return bytes.Clone(b), err
}
