package tracker

import (
	"context"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/checkup"
	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// Tests that do not ask how long a command waits for the hub must not depend
// on it: on a busy machine a push may take longer than three seconds.
// Nor do they wait for a clone to be at rest.
func init() { clone.Foreground, clone.RestTime = time.Minute, 0 }

// TooOld is the version of a git that is too old.
func TooOld(says string) string { return checkup.TooOld(says) }

// HasLoaded reports whether something was loaded that still holds.
func (t *Tracker) HasLoaded() bool { return t.clone.Reads.Last() != nil }

// LinesRead is how many lines of logs were read so far.
func (t *Tracker) LinesRead() int64 { return t.clone.Reads.Replays().Lines() }

// CursorsRead is how many rows of logs were read from a store.
func (t *Tracker) CursorsRead() int { return t.clone.Reads.Cursors() }

// HasLines reports whether all lines were read.
func (t *Tracker) HasLines() bool {
	s := t.clone.Reads.Last()
	if s == nil || !s.Replayed() {
		return s != nil
	}
	all := uint64(0)
	for _, id := range s.AgentIDs() {
		all += s.Seq(id)
	}
	return uint64(t.LinesRead()) >= all
}

// ShortBounds shortens for one test how long a command waits for the hub, and
// how long the hub may say nothing.
func ShortBounds(t testing.TB, wait, silent time.Duration) {
	was, wasSilent := clone.Foreground, clone.Silence
	clone.Foreground, clone.Silence = wait, silent
	t.Cleanup(func() { clone.Foreground, clone.Silence = was, wasSilent })
}

// RestTime sets for one test how long a clone has to be at rest.
func RestTime(t testing.TB, d time.Duration) {
	was := clone.RestTime
	clone.RestTime = d
	t.Cleanup(func() { clone.RestTime = was })
}

// ShortMeta sets for one test how many meta commits are walked.
func ShortMeta(t testing.TB, n int) {
	was := replay.MaxMeta
	replay.MaxMeta = n
	t.Cleanup(func() { replay.MaxMeta = was })
}

// MaxBadMeta is the maximum number of invalid meta commits that are listed.
const MaxBadMeta = replay.MaxBadMeta

// FewPresences sets for one test how many heartbeats are read, and of how
// many the date is looked at.
func FewPresences(t testing.TB, n, heads int) {
	was := clone.PresenceLimits
	clone.PresenceLimits.Read, clone.PresenceLimits.Dates = n, heads
	t.Cleanup(func() { clone.PresenceLimits = was })
}

// Listings counts from now on how often t lists refs, by prefix.
func (t *Tracker) Listings() map[string]int {
	n := map[string]int{}
	t.clone.Replica = countedReplica{t.clone.Replica, n}
	return n
}

type countedReplica struct {
	refs.Replica
	n map[string]int
}

func (r countedReplica) Local() refs.Local { return countedLocal{r.Replica.Local(), r.n} }

type countedLocal struct {
	refs.Local
	n map[string]int
}

func (l countedLocal) Refs(ctx context.Context, prefix string) ([]refs.Ref, error) {
	l.n[prefix]++
	return l.Local.Refs(ctx, prefix)
}

// CountReads counts from now on the objects that are read of the replica.
func (t *Tracker) CountReads(n *int) { t.WatchReads(func(refs.OID) { *n++ }) }

// WatchReads tells from now on which objects are read of the replica.
func (t *Tracker) WatchReads(read func(refs.OID)) {
	if t.clone.Replica != nil {
		t.clone.Replica = readsReplica{t.clone.Replica, read}
	}
}

type readsReplica struct {
	refs.Replica
	read func(refs.OID)
}

func (c readsReplica) Local() refs.Local { return readsLocal{c.Replica.Local(), c.read} }

type readsLocal struct {
	refs.Local
	read func(refs.OID)
}

func (c readsLocal) Read(ctx context.Context, ids []refs.OID, limit int64, each func(int, refs.Object, error) error) error {
	for _, id := range ids {
		c.read(id)
	}
	return c.Local.Read(ctx, ids, limit, each)
}

// PollIsDue is pollIsDue.
func (t *Tracker) PollIsDue(after time.Duration) bool { return t.pollIsDue(after) }
