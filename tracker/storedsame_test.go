package tracker

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"sync/atomic"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/store"
)

// Stored counts the answers of the store that were compared with what the logs
// say: all that this package's tests read.
var Stored atomic.Int64

func init() {
	checkStored = func(ctx context.Context, t *Tracker, f *store.File, g glance, all map[string]refs.OID) {
		if t.getenv("GIT_TRACE2_EVENT") != "" {
			return // that test counts git processes
		}
		other := *t
		other.loaded, other.judging, other.signatures, other.unwatched = nil, nil, nil, true
		s, err := other.loadFrom(context.WithoutCancel(ctx), &snapshot{refs: maps.Clone(all)})
		if err != nil || !s.lasting() {
			return // objects are away
		}
		Stored.Add(1)
		if is := s.glance(); !reflect.DeepEqual(is, g) {
			panic(fmt.Sprintf("the store's note is %+v, the refs say %+v", g, is))
		}
		if diff := otherwise(s.project(), f); diff != "" {
			panic("the store answers otherwise than the logs: " + diff)
		}
	}
}

// otherwise is what b answers otherwise than a.
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
