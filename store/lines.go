package store

import (
	"bytes"
	"crypto/sha256"
	"iter"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// storedLine is what is shown of a line.
type storedLine struct {
	V          int
	Agent      string
	Seq        uint64
	Time, Wall event.Time
	SignedBy   string
	Event      []byte
}

// historyQuery finds the lines aimed at an issue, or at one of its comments.
const historyQuery = `SELECT row FROM line WHERE id IN (
	SELECT line FROM aimed WHERE target = ?1 UNION
	SELECT line FROM comment c JOIN aimed ON target = c.k WHERE c.issue = ?1) ORDER BY id`

func unpackLine(b []byte) (*event.Envelope, error) {
	var l storedLine
	if err := unpack(b, &l); err != nil {
		return nil, err
	}
	body, err := event.DecodeEvent(l.V, l.Event)
	if err != nil {
		return nil, err
	}
	return &event.Envelope{V: l.V, Agent: l.Agent, Seq: l.Seq, Time: l.Time, Wall: l.Wall, SignedBy: l.SignedBy, Event: l.Event, Body: body}, nil
}

// logs adds the lines that are new at the end of each log, and writes a log
// again that does not go on.
func (w *writer) logs() error {
	type known struct {
		id, lines int64
		tip       []byte
	}
	old := map[string]known{}
	next := int64(1)
	rs, err := w.conn.QueryContext(w.ctx, "SELECT agent, id, lines, tip FROM log")
	if err != nil {
		return err
	}
	defer rs.Close()
	for rs.Next() {
		var agent string
		var k known
		if err := rs.Scan(&agent, &k.id, &k.lines, &k.tip); err != nil {
			return err
		}
		old[agent], next = k, max(next, k.id+1)
	}
	if err := rs.Err(); err != nil {
		return err
	}
	for agent, lines := range w.m.byAgent() {
		k, there := old[agent]
		delete(old, agent)
		tips := tipsOf(lines, k.lines)
		switch {
		case !there:
			k.id, k.lines = next, 0
			next++
		case k.lines > int64(len(lines)) || !bytes.Equal(tips[0], k.tip):
			if err := w.forget(k.id); err != nil {
				return err
			}
			k.lines = 0
		case k.lines == int64(len(lines)):
			continue
		}
		for n := k.lines; n < int64(len(lines)); n++ {
			if err := w.line(k.id<<32|n, lines[n]); err != nil {
				return err
			}
		}
		w.count["log"]++
		if err := w.exec("INSERT INTO log (agent, id, lines, tip) VALUES (?, ?, ?, ?) ON CONFLICT (agent) DO UPDATE SET id = excluded.id, lines = excluded.lines, tip = excluded.tip",
			agent, k.id, int64(len(lines)), tips[1]); err != nil {
			return err
		}
	}
	for agent, k := range old {
		if err := w.forget(k.id); err != nil {
			return err
		}
		w.count["log"]++
		if err := w.exec("DELETE FROM log WHERE agent = ?", agent); err != nil {
			return err
		}
	}
	return nil
}

// forget removes the lines of a log.
func (w *writer) forget(log int64) error {
	for _, q := range []string{"DELETE FROM aimed WHERE line BETWEEN ? AND ?", "DELETE FROM line WHERE id BETWEEN ? AND ?"} {
		if err := w.exec(q, log<<32, log<<32|0xffffffff); err != nil {
			return err
		}
	}
	w.count["line"]++
	return nil
}

// tipsOf stands for the first n lines of a log, and for all of them. At level 4
// the last line's hash does, for it holds that of the one before.
func tipsOf(lines []*event.Envelope, n int64) [2][]byte {
	var tips [2][]byte
	if len(lines) > 0 && lines[0].V == 3 {
		var h [sha256.Size]byte
		for i, e := range lines {
			if int64(i) == n {
				tips[0] = slices.Clone(h[:])
			}
			h = sha256.Sum256(append(h[:], e.Raw...))
		}
		if tips[1] = h[:]; n == int64(len(lines)) {
			tips[0] = h[:]
		}
		return tips
	}
	for i, at := range []int64{n, int64(len(lines))} {
		if at > 0 && at <= int64(len(lines)) {
			sum := sha256.Sum256(lines[at-1].Raw)
			tips[i] = sum[:]
		}
	}
	return tips
}

func (w *writer) line(id int64, e *event.Envelope) error {
	w.count["line"]++
	l := storedLine{e.V, e.Agent, e.Seq, e.Time, e.Wall, e.SignedBy, e.Event}
	if err := w.exec("INSERT INTO line (id, row) VALUES (?, ?)", id, pack(&l)); err != nil {
		return err
	}
	issues, comment := targets(e.Body)
	if comment != (event.UUID{}) {
		issues = []event.UUID{comment}
	}
	var aims [][]byte
	for _, u := range issues {
		aims = append(aims, u[:])
	}
	if p := parentIn(e.Body); p != (event.UUID{}) {
		aims = append(aims, asParent(p))
	}
	for _, aim := range aims {
		if err := w.exec("INSERT OR IGNORE INTO aimed (target, time, agent, seq, line) VALUES (?, ?, ?, ?, ?)", aim, int64(e.Time), e.Agent, int64(e.Seq), id); err != nil {
			return err
		}
	}
	return nil
}

// parentIn is the issue that an event makes a parent, which may not be there yet.
func parentIn(b event.Body) event.UUID {
	switch b := b.(type) {
	case *event.IssueCreated:
		return b.Parent
	case *event.ParentChanged:
		return b.Parent
	}
	return event.UUID{}
}

// asParent is how a line that makes an issue a parent is aimed at it: it is none
// of its history.
func asParent(u event.UUID) []byte { return append(u[:], 'p') }

// byAgent gives each agent's lines, in their order.
func (m *Memory) byAgent() iter.Seq2[string, []*event.Envelope] {
	all := map[string][]*event.Envelope{}
	var ids []string
	for _, e := range m.lines {
		if all[e.Agent] == nil {
			ids = append(ids, e.Agent)
		}
		all[e.Agent] = append(all[e.Agent], e)
	}
	slices.Sort(ids)
	return func(yield func(string, []*event.Envelope) bool) {
		for _, id := range ids {
			if !yield(id, all[id]) {
				return
			}
		}
	}
}
