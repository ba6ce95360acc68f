package store

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
)

// storedLine has the parts of a line that are shown.
type storedLine struct {
	V          int
	Agent      string
	Seq        uint64
	Time, Wall event.Time
	SignedBy   string
	Event      []byte
}

func packLine(e *event.Envelope) []byte {
	b := make([]byte, 0, len(e.Agent)+len(e.SignedBy)+len(e.Event)+40)
	b = binary.AppendUvarint(b, uint64(e.V))
	b = appendText(b, e.Agent)
	b = binary.AppendUvarint(b, e.Seq)
	b = binary.AppendVarint(b, int64(e.Time))
	b = binary.AppendVarint(b, int64(e.Wall))
	b = appendText(b, e.SignedBy)
	return summed(append(binary.AppendUvarint(b, uint64(len(e.Event))), e.Event...))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// unpackHead decodes a line except for its event.
func unpackHead(b []byte) (l storedLine, err error) {
	if b, err = unsummed(b); err != nil {
		return l, err
	}
	u := unpacker{in: b}
	l.V, l.Agent, l.Seq = int(u.uint()), string(u.take(u.uint())), u.uint()
	l.Time, l.Wall = event.Time(u.int()), event.Time(u.int())
	l.SignedBy = string(u.take(u.uint()))
	l.Event = u.take(u.uint())
	if u.bad || len(u.in) != 0 {
		return l, errRow
	}
	return l, nil
}

func unpackLine(b []byte) (*event.Envelope, error) {
	l, err := unpackHead(b)
	if err != nil {
		return nil, err
	}
	l.Event = append([]byte{}, l.Event...)
	body, err := event.DecodeEvent(l.V, l.Event)
	if err != nil {
		return nil, err
	}
	return &event.Envelope{V: l.V, Agent: l.Agent, Seq: l.Seq, Time: l.Time, Wall: l.Wall, SignedBy: l.SignedBy, Event: l.Event, Body: body}, nil
}

// storedLog is the row of a log.
type storedLog struct {
	id, lines    int64
	newest, sign event.Time
	cursor       []byte
}

// log writes what changed in one log.
func (u *update) log(l *delta.Log) error {
	var was storedLog
	there := false
	if !u.bulk {
		var err error
		if there, err = u.one("SELECT id, lines, newest, sign, cursor FROM log WHERE agent = ?", []any{l.Agent}, &was.id, &was.lines, &was.newest, &was.sign, &was.cursor); err != nil {
			return err
		}
	}
	is := was
	if !there {
		if is.id = u.nextLog; is.id == 0 {
			if _, err := u.one("SELECT coalesce(max(id), 0) + 1 FROM log", nil, &is.id); err != nil {
				return err
			}
		}
		u.nextLog = is.id + 1
	}
	if int64(l.Kept) > is.lines {
		return ErrNeedsRebuild
	}
	if int64(l.Kept) < is.lines {
		if err := u.forget(&is, int64(l.Kept)); err != nil {
			return err
		}
	}
	if err := u.lines(&is, l); err != nil {
		return err
	}
	if is.lines != int64(l.Counted) {
		return &givenError{fmt.Errorf("%d lines of '%s' count, not %d", is.lines, l.Agent, l.Counted)}
	}
	if err := u.marks(l, there); err != nil {
		return err
	}
	if l.Cursor == nil {
		if is.lines > 0 {
			return &givenError{fmt.Errorf("there is no log of '%s', of which lines count", l.Agent)}
		}
		return errors.Join(u.change("mark", "DELETE FROM mark WHERE agent = ?", l.Agent), u.change("log", "DELETE FROM log WHERE agent = ?", l.Agent))
	}
	is.cursor = summed(append([]byte{}, l.Cursor...))
	u.count["log"]++
	return u.exec("INSERT INTO log (agent, id, lines, newest, sign, cursor) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (agent) DO UPDATE SET lines = excluded.lines, newest = excluded.newest, sign = excluded.sign, cursor = excluded.cursor",
		l.Agent, is.id, is.lines, int64(is.newest), int64(is.sign), is.cursor)
}

// lines adds the lines that are new.
func (u *update) lines(is *storedLog, l *delta.Log) error {
	if l.Lines == nil {
		return nil
	}
	u.fresh[is.id] = is.lines
	seq := uint64(0)
	for e, err := range l.Lines {
		if err != nil {
			return &givenError{err}
		}
		id := is.id<<32 | is.lines
		if err := u.insert("line", id, packLine(e)); err != nil {
			return err
		}
		for _, t := range targets(e) {
			if err := u.aim(t, id); err != nil {
				return err
			}
		}
		is.lines++
		is.newest = max(is.newest, newestOf(e))
		if e.Seq >= seq { // at level 3 a log need not be in order
			is.sign, seq = e.Shown(), e.Seq
		}
	}
	return nil
}

// records writes the records of a base as the lines of a log without a name, which
// has no cursor.
func (u *update) records(b *event.Base) error {
	if !u.bulk {
		return ErrNeedsRebuild
	}
	u.nextLog = 2
	is := storedLog{id: 1}
	lines := func(yield func(*event.Envelope, error) bool) {
		for e := range b.Records() {
			if !yield(e, nil) {
				return
			}
		}
	}
	if err := u.lines(&is, &delta.Log{Lines: lines}); err != nil {
		return err
	}
	u.count["log"]++
	return u.exec("INSERT INTO log (agent, id, lines, newest, sign) VALUES ('', ?, ?, ?, 0)", is.id, is.lines, int64(is.newest))
}

// newestOf is the time that a new line has to follow.
func newestOf(e *event.Envelope) event.Time {
	if b, ok := e.Body.(*event.Based); ok {
		return b.Newest(e.Time)
	}
	return e.Time
}

// forget removes the lines of a log after the first keep.
func (u *update) forget(is *storedLog, keep int64) error {
	if err := u.flush(); err != nil { // lines of other logs may be about the same
		return err
	}
	from, to := is.id<<32|keep, is.id<<32|0xffffffff
	lost := map[target]bool{}
	var aims []aim
	if err := u.each("SELECT id, row FROM line WHERE id BETWEEN ? AND ?", []any{from, to}, func(r *sql.Rows) error {
		var id int64
		var b sql.RawBytes
		if err := r.Scan(&id, &b); err != nil {
			return err
		}
		e, err := unpackLine(b)
		if err != nil {
			return err
		}
		for _, t := range targets(e) {
			lost[t] = true
			aims = append(aims, aim{t, id})
		}
		return nil
	}); err != nil {
		return err
	}
	for t := range lost {
		if err := u.without(t); err != nil {
			return err
		}
	}
	for _, a := range aims {
		if err := u.exec("DELETE FROM aim WHERE target = ? AND line = ?", []byte(a.target), a.line); err != nil {
			return err
		}
	}
	if err := u.change("line", "DELETE FROM line WHERE id BETWEEN ? AND ?", from, to); err != nil {
		return err
	}
	is.lines, is.newest, is.sign = keep, 0, 0
	return u.each("SELECT row FROM line WHERE id BETWEEN ? AND ? ORDER BY id", []any{is.id << 32, from - 1}, func(r *sql.Rows) error {
		var b sql.RawBytes
		if err := r.Scan(&b); err != nil {
			return err
		}
		l, err := unpackHead(b)
		e := event.Envelope{Time: l.Time, Wall: l.Wall}
		is.newest, is.sign = max(is.newest, l.Time), e.Shown()
		return err
	})
}

// marks replaces the marks of a log's signatures, as runs.
func (u *update) marks(l *delta.Log, there bool) error {
	if l.MarksFrom == 0 {
		return nil
	}
	rule := ""
	var was []delta.Mark
	if there {
		if _, err := u.one("SELECT rule FROM mark WHERE agent = ? AND seq < ? ORDER BY seq DESC LIMIT 1", []any{l.Agent, int64(l.MarksFrom)}, &rule); err != nil {
			return err
		}
		if err := u.each("SELECT seq, rule FROM mark WHERE agent = ? AND seq >= ? ORDER BY seq", []any{l.Agent, int64(l.MarksFrom)}, func(r *sql.Rows) error {
			m, err := scanMark(r)
			was = append(was, m)
			return err
		}); err != nil {
			return err
		}
	}
	is := runs(rule, l.Marks)
	if slices.Equal(was, is) {
		return nil
	}
	if len(was) > 0 {
		if err := u.change("mark", "DELETE FROM mark WHERE agent = ? AND seq >= ?", l.Agent, int64(l.MarksFrom)); err != nil {
			return err
		}
	}
	for _, m := range is {
		if err := u.insert("mark", l.Agent, int64(m.Seq), m.Rule); err != nil {
			return err
		}
	}
	return nil
}

func scanMark(r *sql.Rows) (m delta.Mark, err error) {
	var from int64
	err = r.Scan(&from, &m.Rule)
	m.Seq = uint64(from)
	return m, err
}

// runs leaves out marks that equal the previous one; the first is compared with rule.
func runs(rule string, marks []delta.Mark) (all []delta.Mark) {
	for _, m := range marks {
		if m.Rule != rule {
			all = append(all, m)
		}
		rule = m.Rule
	}
	return all
}
