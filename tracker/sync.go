package tracker

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/syncer"
	"github.com/git-crosslink/git-crosslink/syncer/drive"
)

// Bounds of waiting in the foreground; a push that takes longer continues in a
// detached process.
const (
	stale = 15 * time.Minute // an older answer has a notice

	// longestTurn bounds how long a command waits in all until it may push, because of the
	// pace or a busy hub
	longestTurn = 5 * time.Minute
	anyTime     = 24 * time.Hour // a sync waits longer than any pause
)

// Sync fetches new data from the hub and sends data that the hub lacks. If there is nothing
// to send, it is one fetch.
func (t *Tracker) Sync(ctx context.Context, o SyncOptions) (*SyncReport, error) {
	r, err := t.sync(ctx, o)
	if explained := (*fail.Error)(nil); !errors.As(err, &explained) {
		err = t.clone.Unwritable(err)
	}
	return r, err
}

func (t *Tracker) sync(ctx context.Context, o SyncOptions) (*SyncReport, error) {
	r := &SyncReport{Remote: t.clone.HubName(), State: Confirmed}
	if t.clone.Replica == nil && t.clone.Options.Detached {
		return r, nil // the clone was removed
	}
	if err := t.clone.EnsureReplica(ctx); err != nil {
		return nil, err
	}
	if err := t.clone.CheckCommitter(); err != nil {
		return nil, err
	}
	gone := func() bool { return o.Detached && !t.clone.Replica.Whole() }
	if t.clone.Hub == nil || o.Detached && t.clone.Config("crosslink.sync") == "manual" {
		if o.Detached && t.clone.AtRest(ctx) {
			t.clone.KeepUp(ctx)
		}
		return r, t.clone.Chosen()
	}
	r.URL = t.clone.Hub.Shown()
	if o.Detached {
		defer t.clone.Unwatch()()
	}
	t.clone.Link.MayAsk(t.clone.Options.Ask && !o.Detached)
	unlock, ok, err := t.lockSync(ctx, o)
	if err != nil || !ok || gone() {
		return r, err
	}
	if o.Detached {
		defer t.clone.KeepUp(ctx) // last, so that it delays nobody
	}
	defer unlock()
	before, idle, fetched, err := t.fetchAndCount(ctx)
	if err != nil {
		return nil, err
	}
	if gone() {
		return r, nil
	}
	if idle {
		if t.exchange.Idle(ctx) {
			return t.stillIdle(ctx, r, o)
		}
		if before, err = t.counts(ctx); err != nil { // a fetch alone changes nothing that is counted
			return nil, err
		}
	}
	got, err := t.exchange.TakeIn(ctx, fetched, exchange.Wants{})
	if err != nil {
		return t.notFetched(r, before, err)
	}
	if t.clone.Contact.Other != "" {
		r.State, r.Unsent, r.Undecided, r.Reason = Queued, before.unsent, before.undecided, t.clone.Hub.Elsewhere(t.clone.Contact)
		return r, t.clone.ElsewhereError()
	}
	others, err := t.beforeSending(ctx, o, got)
	if err != nil {
		return nil, err
	}
	if gone() {
		return r, nil
	}
	task := t.clone.Task(others, !o.Detached)
	task.Patience, task.BusyToo, task.Background = anyTime, o.Detached, o.Detached
	out, err := t.exchange.Publish(ctx, drive.Run{Task: task, Lost: got.Lost})
	if err == nil && gone() {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	return t.afterSending(ctx, r, o, before, out, others)
}

// fetchAndCount fetches, and counts local data while git waits for the hub. idle means that
// there was nothing to do before the fetch, and nothing was counted.
func (t *Tracker) fetchAndCount(ctx context.Context) (before counts, idle bool, fetched, err error) {
	came := atOnce(ctx, t.clone.Link.Fetch)
	if idle = t.exchange.Idle(ctx); !idle {
		before, err = t.counts(ctx)
	}
	fetched = came()
	return before, idle && fetched == nil, fetched, err
}

// notFetched reports a sync whose fetch failed.
func (t *Tracker) notFetched(r *SyncReport, before counts, err error) (*SyncReport, error) {
	t.clone.Link.NoteBusy(err)
	var re *refs.RemoteError
	if !errors.As(err, &re) {
		return nil, err
	}
	r.State, r.Unsent, r.Undecided, r.Reason = Queued, before.unsent, before.undecided, t.clone.UnfetchedReason(re)
	e := t.clone.Unfetched(re)
	if e.Kind == fail.Unconfirmed {
		e.Message += "; all local changes are kept"
	}
	return r, e
}

// beforeSending applies the consequences of a fetch, and reports whether this clone should
// decide what others left undecided.
func (t *Tracker) beforeSending(ctx context.Context, o SyncOptions, got exchange.Taken) (others bool, err error) {
	if !o.Detached {
		t.exchange.TellTwins(ctx)
	}
	if err := t.writer.TellForks(ctx, got.Forks); err != nil {
		return false, err
	}
	t.releaseClosed(ctx)
	return t.exchange.Waiting(ctx)
}

// afterSending shows heartbeats, and fills in the report of a sync.
func (t *Tracker) afterSending(ctx context.Context, r *SyncReport, o SyncOptions, before counts, out exchange.Outcome, others bool) (*SyncReport, error) {
	if out.Paced != nil && !(out.Paced.Busy && !o.Detached) {
		return t.reportSync(ctx, r, o, before, out)
	}
	if o.Detached && out.Reason == "" {
		if err := t.clone.ShowPresence(ctx); err != nil {
			return nil, err
		}
		t.foldMany(ctx)
	}
	r, err := t.reportSync(ctx, r, o, before, out)
	if err == nil && !others && out.Sent == 0 {
		t.noteIdle(ctx, r, out.Lost)
	}
	t.clone.Reads.KeepMuch(ctx)
	return r, err
}

// counts has the numbers of the earlier state that a report needs: keeping two whole states
// would take twice the memory.
type counts struct {
	events    map[string]uint64
	unsent    int
	undecided int
}

func (t *Tracker) counts(ctx context.Context) (counts, error) {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return counts{}, err
	}
	ids := s.AgentIDs()
	c := counts{events: make(map[string]uint64, len(ids)), unsent: s.Unsent(), undecided: s.AllUndecided()}
	for _, id := range ids {
		c.events[id] = s.Seq(id)
	}
	return c, nil
}

func (t *Tracker) reportSync(ctx context.Context, r *SyncReport, o SyncOptions, before counts, out exchange.Outcome) (*SyncReport, error) {
	after, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	r.Sent = out.Sent
	if !o.Detached { // a person reads it
		t.clone.TellDecided(after.View, UUID{})
		t.clone.TellNotAdmitted(after)
	}
	for _, id := range after.AgentIDs() {
		was, is := before.events[id], after.Seq(id)
		if is > was && after.Log(id).Here == "" {
			r.Received += int(is - was)
		}
	}
	r.Unsent, r.Undecided, r.Reason, r.Code, r.Fields = after.Unsent(), after.AllUndecided(), out.Reason, out.Code, out.Fields
	if r.Reason == "" {
		r.Reason = t.clone.LevelReason(after)
	}
	if withheld := t.exchange.WithheldLogs(ctx, after); r.Reason == "" && len(withheld) > 0 {
		n := t.exchange.RefusalOf(ctx, after, withheld[0])
		r.Reason, r.Code, r.Fields = n.Text, n.Code, n.Fields
	}
	if text := t.exchange.UndecidedText(after, r.Undecided); text != "" && r.Unsent == 0 {
		r.State, r.Reason = Queued, hubs.StepRefused(after.AllRefs, t.clone.Contact.Refusals[replay.LedgerName].Why)
	}
	if after.Apart {
		return r, t.clone.ApartError()
	}
	switch {
	case after.Level == 0 || after.Level == replay.FormatVersion && !after.Bound:
		r.State = Local
	case r.Unsent > 0:
		r.State = Queued
	}
	if after.Bound && after.Meta != nil {
		r.Hub = after.Meta.Hub
	}
	if l := after.Log(t.clone.Agent); l != nil && l.Diverged {
		return r, t.clone.DivergedError(t.clone.Agent)
	}
	return r, nil
}

// lockSync takes the sync lock: only one process of a clone contacts the hub at a time, for
// all of them. A detached sync waits for at most one other sync, keeps a distance from the
// previous one (paced), and ends if the clone was removed.
func (t *Tracker) lockSync(ctx context.Context, o SyncOptions) (func(), bool, error) {
	if !o.Detached {
		unlock, err := t.writer.LockHub(ctx)
		return unlock, err == nil, err
	}
	// the process that holds "next" starts after all appends made so far
	next, ok, err := t.clone.Replica.Lock(ctx, "next", 0)
	if err != nil && !t.clone.Replica.Whole() {
		return nil, false, nil
	}
	if err != nil || !ok {
		return nil, false, err
	}
	defer next()
	if !t.clone.AtRest(ctx) {
		return nil, false, ctx.Err()
	}
	u, unsent := syncer.Facts, false
	if !t.exchange.Idle(ctx) {
		s, err := t.clone.Reads.Load(ctx)
		if err != nil {
			return nil, false, err
		}
		u, unsent = clone.Urgency(s), s.Unsent() > 0
	}
	if err := t.clone.Paced(ctx, unsent); err != nil {
		return nil, false, err
	}
	bounded, cancel := context.WithTimeout(ctx, clone.DetachedFor)
	defer cancel()
	t.clone.Link.SleepUntil(bounded, t.clone.Link.Pace.Read().MayStart(t.clone.Now(), t.clone.Limits(), u))
	if !t.clone.AtRest(ctx) {
		return nil, false, ctx.Err()
	}
	return t.clone.Link.Lock(ctx, clone.DetachedFor)
}

// atOnce starts f; the returned function waits for its end.
func atOnce(ctx context.Context, f func(context.Context) error) (wait func() error) {
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	return func() error { return <-done }
}

// deliver publishes after a write, within a time limit: the process that gets the sync lock
// sends for all, and the others wait for its result. It returns how the publishing ended.
// If the hub accepts no push at the moment, a command that needs the answer (a claim,
// --wait, CI) waits until it may push, and reports this; other commands wait no longer than
// for the hub. A claim is sent before other lines, and takes them with it.
func (t *Tracker) deliver(ctx context.Context, last *event.Envelope, decide bool, o EmitOptions, lost hubs.Losses) (exchange.Outcome, error) {
	seen := refs.OID("") // the last tip of the log on the hub that was read
	each, began := t.patience(o), time.Now()
	bounded, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	wait := time.Duration(0)
	first := precedence{claim: o.Lock}
	defer first.end()
	for {
		unlock, ok, err := t.lockHub(bounded, &first, wait)
		if err != nil {
			return exchange.Outcome{}, t.late(bounded, err)
		}
		if !ok {
			wait = 50 * time.Millisecond
			t.clone.Reads.Expect(nil) // another process may move refs
		}
		there := false
		if !t.clone.Reads.Expects() {
			there, err = t.onHub(bounded, last, &seen)
		}
		if ok && (err != nil || there && !decide) {
			unlock()
		}
		switch {
		case err != nil || there && !decide:
			return exchange.Outcome{}, t.late(bounded, err)
		case ok:
			defer unlock()
			if err := t.gather(bounded); err != nil {
				return exchange.Outcome{}, t.late(bounded, err)
			}
			out, err := t.exchange.Publish(ctx, drive.Run{Task: t.taskOf(decide, o), First: max(each-time.Since(began), time.Millisecond), Each: each, Compare: o.Lock, Lost: lost})
			if errors.Is(err, drive.ErrLate) {
				return exchange.Outcome{}, nil
			}
			return out, err
		case bounded.Err() != nil:
			return exchange.Outcome{}, t.late(bounded, bounded.Err())
		}
	}
}

// precedence is the order in which the processes of a clone take the sync lock: a claim
// that waits for it holds the lock "claims", and other processes do not try as long as it
// is held.
type precedence struct {
	claim   bool
	release func() // of "claims"; nil if it is not held
}

func (p *precedence) end() {
	if p.release != nil {
		p.release()
		p.release = nil
	}
}

// lockHub tries for a time to take the sync lock.
func (t *Tracker) lockHub(ctx context.Context, p *precedence, wait time.Duration) (unlock func(), ok bool, err error) {
	if p.release == nil {
		release, free, err := t.clone.Replica.Lock(ctx, "claims", 0)
		switch {
		case err != nil:
			return nil, false, err
		case free:
			p.release = release
		case !p.claim:
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
			return nil, false, nil
		}
		if !p.claim {
			p.end()
		}
	}
	if unlock, ok, err = t.clone.Link.Lock(ctx, wait); ok {
		p.end()
	}
	return unlock, ok, err
}

// taskOf returns the task of a run for a write.
func (t *Tracker) taskOf(decide bool, o EmitOptions) syncer.Task {
	task := t.clone.Task(decide, false)
	task.Patience, task.BusyToo, task.Waits = t.clone.Wait(), true, o.Wait || o.Lock
	if o.Wait {
		task.Urgency = syncer.Somebody
	}
	if task.Waits || t.clone.Getenv("CI") != "" {
		task.Patience = longestTurn
	}
	return task
}

// late returns nil if the error is only that the time is over: the detached sync continues.
func (t *Tracker) late(ctx context.Context, err error) error {
	if err != nil && ctx.Err() == context.DeadlineExceeded {
		return nil
	}
	return err
}

// gather lets a push include the lines of processes that are appending right now: while one
// of them holds the append lock, the push waits a little. If nobody is appending, this
// costs one system call.
func (t *Tracker) gather(ctx context.Context) error {
	for range 20 {
		unlock, free, err := t.clone.Replica.Lock(ctx, "append", 0)
		if err != nil {
			return err
		}
		if free {
			unlock()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(25 * time.Millisecond):
		}
	}
	return nil
}

// onHub reports whether the hub is known to have this line. seen is the tip that was read
// before.
func (t *Tracker) onHub(ctx context.Context, line *event.Envelope, seen *refs.OID) (bool, error) {
	name := replay.HubRoot + replay.Agents + line.Agent
	all, err := t.clone.Local().Refs(ctx, name)
	if err != nil {
		return false, err
	}
	for _, r := range all {
		if r.Name != name || r.OID == *seen {
			continue
		}
		*seen = r.OID
		l, err := refs.ReadLog(ctx, t.clone.Local(), line.Agent, r.OID, line.Seq)
		if err != nil {
			return false, err
		}
		return bytes.Equal(l.At(line.Seq), line.Raw), nil // a line is never empty
	}
	return false, nil
}
