package replay

import (
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
)

// Logs are the cursors of all logs of a State. Most logs of a large hub are settled: all
// of their lines are on the hub, count, and are covered by the ledger. A store keeps one
// index of all logs. For a settled log the index has what a command needs, so the log's
// cursor is read only if the log has moved or is requested. Logs are not safe for
// concurrent use. Nil means that nothing was read.
type Logs struct {
	cursors map[string]*Cursor // of all logs that are not settled, and of those read so far
	settled map[string]summary
	index   []byte                              // encoded, once it is known
	read    func(agent string) (*Cursor, error) // of a settled log
}

// summary is what the index says of a settled log.
type summary struct {
	hub    refs.OID
	seq    uint64 // of its last line, up to which the ledger covers it
	newest event.Time
}

// settled reports whether everything in the log is on the hub, counts, and is covered
// by the ledger.
func (c *Cursor) settled() bool {
	return c.Here == "" && c.Hub != "" && c.View == c.Hub && c.plain() && c.Seq > 0 &&
		c.HubSeq == c.Seq && c.Position == c.Seq && c.Covered == c.Seq && c.Counted == c.Seq && c.Newest == c.Time &&
		c.Undecided == nil && c.Proofs == nil && c.Ended == "" && !c.Trails && !c.Missing && c.Waiting == 0
}

func (c *Cursor) summary() summary { return summary{c.Hub, c.Seq, c.Newest} }

func newLogs(size int) *Logs {
	return &Logs{cursors: map[string]*Cursor{}, settled: make(map[string]summary, size)}
}

// set makes c the cursor of a log.
func (l *Logs) set(agent string, c *Cursor) {
	if l.cursors[agent] = c; c.settled() {
		l.settled[agent] = c.summary()
	}
}

// keep takes over a settled log of which nothing has changed.
func (l *Logs) keep(agent string, from *Logs) {
	l.settled[agent] = from.settled[agent]
	if c := from.cursors[agent]; c != nil {
		l.cursors[agent] = c
	}
}

// drop forgets a log.
func (l *Logs) drop(agent string) {
	delete(l.settled, agent)
	delete(l.cursors, agent)
}

// has reports whether there is a log of an agent.
func (l *Logs) has(agent string) bool {
	_, settled := l.settled[agent]
	return settled || l.cursors[agent] != nil
}

// get returns the cursor of a log, nil if there is no such log.
func (l *Logs) get(agent string) (*Cursor, error) {
	if l == nil {
		return nil, nil
	}
	if c := l.cursors[agent]; c != nil {
		return c, nil
	}
	if _, settled := l.settled[agent]; !settled {
		return nil, nil
	}
	c, err := l.read(agent)
	if err == nil {
		l.cursors[agent] = c
	}
	return c, err
}

// agents are the ids of all logs, sorted.
func (l *Logs) agents() []string {
	if l == nil {
		return nil
	}
	ids := make([]string, 0, len(l.settled)+len(l.cursors))
	for id := range l.settled {
		ids = append(ids, id)
	}
	for id := range l.cursors {
		if _, settled := l.settled[id]; !settled {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// active are the ids of the logs that are not settled, sorted.
func (l *Logs) active() (ids []string) {
	if l == nil {
		return nil
	}
	for id := range l.cursors {
		if _, settled := l.settled[id]; !settled {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// newest is the greatest time of the lines that count.
func (l *Logs) newest() (newest event.Time) {
	for _, x := range l.settled {
		newest = max(newest, x.newest)
	}
	for _, c := range l.cursors {
		newest = max(newest, c.Newest)
	}
	return newest
}

// sameIndex reports whether the index of l is that of another.
func (l *Logs) sameIndex(o *Logs) bool {
	return maps.Equal(l.settled, o.settled) && slices.Equal(l.active(), o.active())
}

// encode is the index, encoded.
func (l *Logs) encode() []byte {
	if l.index == nil {
		ids := l.agents()
		k, n := coder{}, uint64(len(ids))
		k.number(&n)
		for _, id := range ids {
			k.entry(&id, new(l.settled[id]))
		}
		l.index = k.b
	}
	return l.index
}

func (k *coder) entry(agent *string, s *summary) {
	k.text(agent)
	if k.text((*string)(&s.hub)); s.hub != "" {
		k.number(&s.seq)
		k.time(&s.newest)
	}
}

// decodeLogs is what an index was encoded of. read reads the cursor of a log.
func decodeLogs(index []byte, read func(agent string) (*Cursor, error)) (*Logs, error) {
	k := coder{b: index, decodes: true}
	n := uint64(0)
	l := newLogs(k.count(&n))
	l.index, l.read = index, read
	for range n {
		var id string
		var s summary
		if k.entry(&id, &s); k.bad {
			return nil, errCursor
		}
		if s.hub != "" {
			l.settled[id] = s
			continue
		}
		c, err := read(id)
		if err != nil {
			return nil, err
		}
		l.cursors[id] = c
	}
	if len(k.b) > 0 {
		return nil, errCursor
	}
	return l, nil
}
