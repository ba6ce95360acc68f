package replay

import (
	"bytes"
	"iter"
	"maps"
	"reflect"
	"slices"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
)

// delta is what changed from one State to the next.
func (a *advance) delta() (*delta.Delta, error) {
	d := &delta.Delta{To: a.next.Stamp(), Header: a.next.Header(), Aliases: a.next.Ledger.Aliases, Logs: a.logs}
	if was := a.from.Logs; was == nil || !a.next.Logs.sameIndex(was) {
		d.Index = a.next.Logs.encode()
	} else {
		a.next.Logs.index = was.index
	}
	if a.from.Logs != nil {
		d.From = a.from.Stamp()
	} else if b := a.decided().Base(); b != nil {
		d.Base = &b.Base
	}
	a.numbers(d)
	d.Locks = lockChanges(a.from.Locks(), a.next.Locks())
	return d, nil
}

// logs yields the logs that changed.
func (a *advance) logs(yield func(delta.Log, error) bool) {
	ids := slices.Collect(maps.Keys(a.work))
	for _, id := range a.from.AgentIDs() {
		if !a.next.Logs.has(id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		w := a.work[id]
		if w == nil {
			if !yield(delta.Log{Agent: id, MarksFrom: 1}, nil) {
				return
			}
			continue
		}
		if w.old != nil && reflect.DeepEqual(&w.cur, w.old) {
			continue // mostly
		}
		cursor := w.cur.Encode()
		if w.old != nil && bytes.Equal(cursor, w.old.Encode()) {
			continue
		}
		d := delta.Log{Agent: id, Counted: w.cur.Counted, Cursor: cursor}
		if w.old != nil && w.same {
			d.Kept = min(w.old.Counted, w.cur.Counted)
		}
		if w.old == nil || w.old.Marks != w.cur.Marks || d.Kept < w.old.Counted {
			d.MarksFrom = 1
			for _, m := range w.marks {
				d.Marks = append(d.Marks, delta.Mark{Seq: m.From, Rule: m.Rule})
			}
		}
		d.Lines = a.lines(w, d.Kept, d.Counted)
		if !yield(d, nil) {
			return
		}
		w.lines = nil
	}
}

// lines yields the lines of a log after kept, up to counted: those that were just
// read, or else from the objects again.
func (a *advance) lines(w *work, kept, counted uint64) iter.Seq2[*event.Envelope, error] {
	return func(yield func(*event.Envelope, error) bool) {
		if kept == counted {
			return
		}
		if kept >= w.from && !w.tooFew && counted <= w.from+uint64(len(w.lines)) {
			for _, e := range w.lines[kept-w.from : counted-w.from] {
				if !yield(e, nil) {
					return
				}
			}
			return
		}
		stopped := false
		seen := kept
		got, err := refs.WalkLogs(a.ctx, a.local, []refs.LogRequest{{Agent: w.agent, Tip: w.cur.View, From: kept + 1}}, func(_ int, seq uint64, line []byte) bool {
			switch {
			case seq <= kept:
				return true
			case seq > counted:
				return false
			}
			a.Reader.lines.Add(1)
			e, err := event.Decode(bytes.Clone(line))
			if err == nil {
				seen = seq
			}
			stopped = !yield(e, err) || err != nil
			return !stopped && seq < counted
		})
		if err == nil && !stopped && seen < counted {
			err = refs.ErrMissing
			if got[0].Bad != "" {
				err = errGone(got[0].Bad)
			}
		}
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
}

// errGone says that lines which were read a moment ago cannot be read again.
type errGone string

func (e errGone) Error() string { return "read lines again: " + string(e) }
