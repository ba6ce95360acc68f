package store

import (
	"cmp"
	"database/sql"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// LineFilter selects lines.
type LineFilter struct {
	Agent  string    // of this agent alone; "" is all
	Before event.Key // before this line; the zero Key is no bound
	Limit  int       // 0 is all
}

// Newest returns lines that count, newest first.
func (m *Memory) Newest(l LineFilter) ([]*event.Envelope, error) {
	all := []*event.Envelope{}
	for _, e := range m.lines {
		if (l.Agent == "" || e.Agent == l.Agent) && (l.Before == event.Key{} || e.Key().Less(l.Before)) {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b *event.Envelope) int { return b.Key().Compare(a.Key()) })
	if l.Limit > 0 {
		all = all[:min(len(all), l.Limit)]
	}
	return all, nil
}

// Newest returns lines that count, newest first, without the members that only prove them.
// Timestamps in a log never decrease, so each log is read only from where the selected
// lines begin.
func (f *File) Newest(l LineFilter) ([]*event.Envelope, error) {
	return ask(f, func() ([]*event.Envelope, error, error) {
		all, err := f.newest(l)
		return all, nil, err
	}, func(m *Memory) ([]*event.Envelope, error) { return m.Newest(l) })
}

// tail is a log that is read from its end.
type tail struct {
	first  int64             // id of its first line
	lines  int64             // that were not read yet: those before
	newest event.Time        // of the lines
	ready  []*event.Envelope // that were read, oldest first
	step   int64             // how many are read next
}

func (f *File) newest(l LineFilter) ([]*event.Envelope, error) {
	logs, err := f.tails(l.Agent)
	if err != nil {
		return nil, err
	}
	all := []*event.Envelope{}
	var open []*tail // the one with the newest line is the last
	for l.Limit == 0 || len(all) < l.Limit {
		for len(logs) > 0 && (len(open) == 0 || logs[0].newest >= open[len(open)-1].last().Time) {
			t := logs[0]
			logs = logs[1:]
			if l.Before != (event.Key{}) && t.newest >= l.Before.Time {
				if err := f.cut(t, l.Before); err != nil {
					return nil, err
				}
			}
			if open, err = f.opened(open, t); err != nil {
				return nil, err
			}
		}
		if len(open) == 0 {
			break
		}
		t := open[len(open)-1]
		all, t.ready, open = append(all, t.last()), t.ready[:len(t.ready)-1], open[:len(open)-1]
		if open, err = f.opened(open, t); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (t *tail) last() *event.Envelope { return t.ready[len(t.ready)-1] }

// tails are the logs that have lines, the one written last first.
func (f *File) tails(agent string) (all []*tail, err error) {
	err = f.query(func(r *sql.Rows) error {
		t := &tail{step: 1}
		err := r.Scan(&t.first, &t.lines, &t.newest)
		t.first <<= 32
		all = append(all, t)
		return err
	}, "SELECT id, lines, newest FROM log WHERE agent <> '' AND lines > 0 AND ?1 IN ('', agent) ORDER BY newest DESC", agent)
	return all, err
}

// cut leaves out the lines of a log that are not before a key.
func (f *File) cut(t *tail, before event.Key) error {
	low, high := int64(0), t.lines
	for low < high {
		mid := (low + high) / 2
		lines, err := f.linesBetween(t.first+mid, t.first+mid)
		if err != nil {
			return err
		}
		if lines[0].Key().Less(before) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	t.lines = low
	return nil
}

// opened adds a log where its newest line belongs, unless it has no more.
func (f *File) opened(open []*tail, t *tail) ([]*tail, error) {
	if len(t.ready) == 0 && t.lines > 0 {
		n := min(t.step, t.lines)
		lines, err := f.linesBetween(t.first+t.lines-n, t.first+t.lines-1)
		if err != nil {
			return nil, err
		}
		t.ready, t.lines, t.step = lines, t.lines-n, min(2*t.step, 64)
	}
	if len(t.ready) == 0 {
		return open, nil
	}
	at, _ := slices.BinarySearchFunc(open, t, func(a, b *tail) int { return a.last().Key().Compare(b.last().Key()) })
	return slices.Insert(open, at, t), nil
}

// linesBetween are the lines with these ids and those between them.
func (f *File) linesBetween(from, to int64) (lines []*event.Envelope, err error) {
	err = f.query(func(r *sql.Rows) error {
		var b sql.RawBytes
		if err := r.Scan(&b); err != nil {
			return err
		}
		e, err := unpackLine(b)
		lines = append(lines, e)
		return err
	}, "SELECT row FROM line WHERE id BETWEEN ? AND ? ORDER BY id", from, to)
	f.linesRead += len(lines)
	if int64(len(lines)) != to-from+1 {
		err = cmp.Or(err, errRow)
	}
	return lines, err
}
