package tracker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync/atomic"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
)

// compared counts the states and the answers that were compared with those of a
// read from nothing, and the states that could not be.
var compared struct{ states, answers, fromStore, away atomic.Int64 }

// ReportCompared writes what was compared to the file that CROSSLINK_COMPARED
// names.
func ReportCompared() {
	if f := os.Getenv("CROSSLINK_COMPARED"); f != "" {
		os.WriteFile(f, fmt.Appendf(nil, "%d states and %d answers, %d of a store; %d were away\n", compared.states.Load(), compared.answers.Load(), compared.fromStore.Load(), compared.away.Load()), 0o666)
	}
}

// OtherwiseThanWhole says where what t has read last is not what a read from nothing
// gives, "" if it is.
func (t *Tracker) OtherwiseThanWhole(ctx context.Context) string {
	s := t.clone.Reads.Last()
	if t.clone.Getenv("GIT_TRACE2_EVENT") != "" || t.clone.Replica == nil {
		return "" // that test counts git processes
	}
	at, err := t.clone.Reads.Refs(ctx)
	if err != nil {
		return ""
	}
	stored, err := t.clone.Reads.Stored(ctx)
	if err != nil {
		return ""
	}
	var seen func() map[string]event.AgentPresence
	view := stored.View
	switch {
	case s != nil && s.Replayed():
		at, view, seen = s.AllRefs, s.View, s.Seen
	case view == nil:
		return ""
	default:
		seen, _ = t.clone.Presences(ctx, at)
	}
	if replay.IsLevel2(ctx, t.clone.Local(), at[replay.HubRoot+replay.Level2Name]) {
		return "" // read as a whole always
	}
	m := &store.Memory{}
	var whole *replay.State
	err = m.Apply(func(store.Saved) (d *delta.Delta, err error) {
		whole, d, err = replay.NewReader(t.clone.Local(), nil).Advance(ctx, &replay.State{}, at)
		return d, err
	})
	if errors.Is(err, replay.ErrLegacy) {
		return "" // read as a whole always
	}
	if err != nil {
		compared.away.Add(1)
		return "" // objects are away
	}
	if s != nil && s.Replayed() {
		compared.states.Add(1)
		if a, b := string(s.Header()), string(whole.Header()); a != b {
			return fmt.Sprintf("the header is\n%s\nread from nothing it is\n%s", a, b)
		}
		if a, b := s.State.AgentIDs(), whole.AgentIDs(); !reflect.DeepEqual(a, b) {
			return fmt.Sprintf("logs of %v, not of %v", a, b)
		}
		if a, b := s.State.Active(), whole.Active(); !reflect.DeepEqual(a, b) {
			return fmt.Sprintf("logs of %v are not settled, not of %v", a, b)
		}
		for _, id := range whole.AgentIDs() {
			c := whole.Cursor(id)
			if a, b := s.State.Cursor(id).Encode(), c.Encode(); !bytes.Equal(a, b) || s.Seq(id) != c.Seq || s.Counted(id) != c.Counted {
				return fmt.Sprintf("the cursor of '%s' is\n%+v\nread from nothing it is\n%+v", id, s.State.Cursor(id), c)
			}
		}
		if a, b := stored.Glance, s.Glance(); view == stored.View && !reflect.DeepEqual(a, b) {
			return fmt.Sprintf("a read would tell %+v, not %+v", a, b)
		}
	}
	if _, ok := view.(*store.File); ok {
		compared.fromStore.Add(1)
	}
	compared.answers.Add(1)
	return otherwise(m.WithPresence(seen), view)
}

// Mislead makes the next write believe that the own log ends where it does not.
func (t *Tracker) Mislead() {
	s, err := t.clone.Reads.Load(context.Background())
	if err != nil {
		panic(err)
	}
	l := s.Log(t.clone.Agent)
	c := *l.Cursor
	c.Seq, c.Hash, l.Cursor = c.Seq-1, event.Hash([]byte("x")), &c
}

// otherwise returns the answers of b that differ from those of a.
func otherwise(a, b Projection) string {
	rows, n, err := a.List(store.Filter{Status: "all"})
	is, m, err2 := b.List(store.Filter{Status: "all"})
	if err != nil || err2 != nil || n != m || len(rows) != len(is) {
		return fmt.Sprintf("%d issues, %v, not %d, %v", m, err2, n, err)
	}
	if a.Hash() != b.Hash() {
		return "the hash"
	}
	for n, i := range rows {
		if !reflect.DeepEqual(i, is[n]) {
			return fmt.Sprintf("issue %+v of %+v, not %+v of %+v", is[n], is[n].Issue, i, i.Issue)
		}
		x, err := a.Issue(i.UUID)
		y, err2 := b.Issue(i.UUID)
		if err != nil || err2 != nil || !reflect.DeepEqual(x, y) {
			return fmt.Sprintf("issue %+v, %v, not %+v, %v", y, err2, x, err)
		}
		h, _ := a.History(i.UUID)
		k, err := b.History(i.UUID)
		if len(h) != len(k) {
			return fmt.Sprintf("%d lines of %s, %v, not %d", len(k), i.UUID, err, len(h))
		}
		for n := range h {
			if h[n].Key() != k[n].Key() || !reflect.DeepEqual(h[n].Body, k[n].Body) || a.Mark(h[n].Agent, h[n].Seq) != b.Mark(k[n].Agent, k[n].Seq) {
				return fmt.Sprintf("line %d of %s is %v with '%s', not %v with '%s'", n, i.UUID, k[n].Key(), b.Mark(k[n].Agent, k[n].Seq), h[n].Key(), a.Mark(h[n].Agent, h[n].Seq))
			}
			if a.LastSign(h[n].Agent) != b.LastSign(h[n].Agent) {
				return "the last sign of " + h[n].Agent
			}
		}
		if u, err := b.Resolve(i.Name()); err != nil || u != i.UUID {
			return fmt.Sprintf("%s is %s, %v", i.Name(), u, err)
		}
	}
	lost := func(m map[uint64]uint64) string { return fmt.Sprint(m) }
	if lost(a.Aliases()) != lost(b.Aliases()) || !reflect.DeepEqual(a.Agents(), b.Agents()) || !reflect.DeepEqual(a.Rejections(), b.Rejections()) {
		return "aliases, agents or rejections"
	}
	return ""
}
