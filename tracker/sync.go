package tracker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
	"github.com/git-crosslink/git-crosslink/syncer/drive"
)

// Bounds of waiting in the foreground; a push that takes longer goes on in a
// detached process.
const (
	insistent = hubs.Insistent   // with --wait, or in CI
	stale     = 15 * time.Minute // an answer from before this says so

	// longestTurn bounds how long a command waits in all for pushes to be in
	// order again, be it for the pace or for a busy hub
	longestTurn = 5 * time.Minute
	anyTime     = 24 * time.Hour // a sync waits longer than any pause there is
)

// Only tests change these.
var (
	foreground = 3 * time.Second // crosslink.wait, if that is not set

	// detachedFor is how long a sync that nobody watches waits for its turn
	detachedFor = 3 * time.Minute
)

// wait is how long a command that does not insist waits for the hub.
func (t *Tracker) wait() time.Duration {
	if n, set := t.conf.Count("crosslink.wait"); set {
		return time.Duration(min(n, maxWait)) * time.Second
	}
	return foreground
}

// maxWait is the longest that may be set, in seconds: a day.
const maxWait = 24 * 60 * 60

// Sync fetches what is new on the hub and sends what is not there yet. With
// nothing to send it is one fetch.
func (t *Tracker) Sync(ctx context.Context, o SyncOptions) (*SyncReport, error) {
	r := &SyncReport{Remote: t.hubName(), State: Confirmed}
	if t.replica == nil && t.o.Detached {
		return r, nil // the clone has gone
	}
	if err := t.ensureReplica(ctx); err != nil {
		return nil, t.unwritable(err)
	}
	if err := t.checkCommitter(); err != nil {
		return nil, err
	}
	gone := func() bool { return o.Detached && !t.replica.Whole() }
	if t.hub == nil || o.Detached && t.config("crosslink.sync") == "manual" {
		if o.Detached && t.atRest(ctx) {
			t.keepUp(ctx)
		}
		return r, t.chosen()
	}
	r.URL = t.hub.Shown()
	t.unwatched = o.Detached
	t.link.MayAsk(t.o.Ask && !o.Detached)
	unlock, ok, err := t.lockSync(ctx, o)
	if err != nil || !ok || gone() {
		return r, t.unwritable(err)
	}
	if o.Detached {
		defer t.keepUp(ctx) // last: it holds up nobody
	}
	defer unlock()
	// what is here is counted while git waits for the hub
	came := atOnce(ctx, t.link.Fetch)
	idle, before, err := t.idle(ctx), counts{}, error(nil)
	if !idle {
		before, err = t.counts(ctx)
	}
	fetched := came()
	if err != nil {
		return nil, err
	}
	if gone() {
		return r, nil
	}
	if idle && fetched == nil {
		if t.idle(ctx) {
			return t.stillIdle(ctx, r, o)
		}
		if before, err = t.counts(ctx); err != nil { // a fetch moves nothing that counts
			return nil, err
		}
	}
	lost, err := t.takeIn(ctx, fetched, wants{})
	if err != nil {
		t.link.NoteBusy(err)
		var re *refs.RemoteError
		if !errors.As(err, &re) {
			return nil, err
		}
		r.State, r.Unsent, r.Undecided, r.Reason = Queued, before.unsent, before.undecided, t.unfetchedReason(re)
		e := t.unfetched(re)
		if e.Kind == fail.Unconfirmed {
			e.Message += "; everything written here is kept"
		}
		return r, e
	}
	if t.contact.Other != "" {
		r.State, r.Unsent, r.Undecided, r.Reason = Queued, before.unsent, before.undecided, t.hub.Elsewhere(t.contact)
		return r, t.elsewhereError()
	}
	if !o.Detached {
		t.tellTwins(ctx)
	}
	if err := t.tellForks(ctx); err != nil {
		return nil, err
	}
	t.releaseClosed(ctx)
	others, err := t.waiting(ctx)
	if err != nil {
		return nil, err
	}
	if gone() {
		return r, nil
	}
	task := t.task(others, !o.Detached)
	task.Patience, task.BusyToo = anyTime, o.Detached
	out, err := t.publish(ctx, drive.Run{Task: task, Lost: lost})
	if err == nil && gone() {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if out.paced != nil && !(out.paced.Busy && !o.Detached) {
		return t.reportSync(ctx, r, o, before, out)
	}
	if o.Detached && out.reason == "" {
		if err := t.showPresence(ctx); err != nil {
			return nil, err
		}
	}
	r, err = t.reportSync(ctx, r, o, before, out)
	if err == nil && !others && out.sent == 0 {
		t.noteIdle(ctx, r, out.lost)
	}
	t.reads.KeepMuch(ctx)
	return r, err
}

// counts is what a report needs of the state before: two whole states at once
// would take twice the memory.
type counts struct {
	events    map[string]uint64
	unsent    int
	undecided int
}

func (t *Tracker) counts(ctx context.Context) (counts, error) {
	s, err := t.reads.Load(ctx)
	if err != nil {
		return counts{}, err
	}
	c := counts{events: make(map[string]uint64, len(s.Logs)), unsent: s.Unsent(), undecided: s.AllUndecided()}
	for id, l := range s.Logs {
		c.events[id] = l.Seq
	}
	return c, nil
}

func (t *Tracker) reportSync(ctx context.Context, r *SyncReport, o SyncOptions, before counts, out outcome) (*SyncReport, error) {
	after, err := t.reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	r.Sent = out.sent
	if !o.Detached { // somebody reads it
		t.tellDecided(after.View, UUID{})
		t.tellNotAdmitted(after)
	}
	for id, l := range after.Logs {
		was := before.events[id]
		if l.Here == "" && l.Seq > was {
			r.Received += int(l.Seq - was)
		}
	}
	r.Unsent, r.Undecided, r.Reason, r.Code, r.Fields = after.Unsent(), after.AllUndecided(), out.reason, out.code, out.fields
	if r.Reason == "" {
		r.Reason = t.levelReason(after)
	}
	if withheld := t.withheldLogs(ctx, after); r.Reason == "" && len(withheld) > 0 {
		n := t.refusalOf(ctx, after, withheld[0])
		r.Reason, r.Code, r.Fields = n.Text, n.Code, n.Fields
	}
	if text := t.undecidedText(after, r.Undecided); text != "" && r.Unsent == 0 {
		r.State, r.Reason = Queued, hubs.StepRefused(after.AllRefs, t.contact.Refusals[checkpointName].Why)
	}
	if after.Apart {
		return r, t.apartError()
	}
	switch {
	case after.Level == 0 || after.Level == Level && !after.Bound:
		r.State = Local
	case r.Unsent > 0:
		r.State = Queued
	}
	if after.Bound && after.Meta != nil {
		r.Hub = after.Meta.Hub
	}
	if l := after.Logs[t.agent]; l != nil && l.Diverged {
		return r, t.divergedError(t.agent)
	}
	return r, nil
}

// divergedError says that two clones write under one id, and the way out.
func (t *Tracker) divergedError(id string) *fail.Error {
	return &fail.Error{Kind: fail.Fatal, Code: "copied-clone",
		Message: fmt.Sprintf("the hub's log of '%s' holds lines that were not written here: two clones write under one id", id)}
}

// lockSync takes the sync lock: one process of a clone talks to the hub at a
// time, for all of them. A detached sync waits behind at most one other, keeps its
// distance from the one before (paced), and leaves if the clone has gone.
func (t *Tracker) lockSync(ctx context.Context, o SyncOptions) (func(), bool, error) {
	if !o.Detached {
		unlock, ok, err := t.link.Lock(ctx, insistent)
		if err == nil && !ok {
			err = &fail.Error{Kind: fail.Unconfirmed, Code: "sync-busy/wait",
				Message: "another sync of this clone has been running for 30 s"}
		}
		if err != nil {
			return nil, false, err
		}
		if _, err := t.endFork(ctx); err != nil {
			unlock()
			return nil, false, err
		}
		return unlock, true, nil
	}
	// whoever holds "next" will start after every append made so far
	next, ok, err := t.replica.Lock(ctx, "next", 0)
	if err != nil && !t.replica.Whole() {
		return nil, false, nil
	}
	if err != nil || !ok {
		return nil, false, err
	}
	defer next()
	if !t.atRest(ctx) {
		return nil, false, ctx.Err()
	}
	u, unsent := syncer.Facts, false
	if !t.idle(ctx) {
		s, err := t.reads.Load(ctx)
		if err != nil {
			return nil, false, err
		}
		u, unsent = urgency(s), s.Unsent() > 0
	}
	if err := t.paced(ctx, unsent); err != nil {
		return nil, false, err
	}
	bounded, cancel := context.WithTimeout(ctx, detachedFor)
	defer cancel()
	t.link.SleepUntil(bounded, t.link.Pace.Read().MayStart(t.now(), t.limits(), u))
	if !t.atRest(ctx) {
		return nil, false, ctx.Err()
	}
	return t.link.Lock(ctx, detachedFor)
}

// atOnce begins f; the function it returns waits for its end.
func atOnce(ctx context.Context, f func(context.Context) error) (wait func() error) {
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	return func() error { return <-done }
}

// wants is what a command wants of a fetch besides what the hub has.
type wants struct {
	pin  bool // the remote becomes the hub for good, even if it has no tracker yet
	mend bool // a hub that has lost its meta gets it back, so nobody has to be told before
}

// fetch brings the hub's refs and takes over what may be believed.
func (t *Tracker) fetch(ctx context.Context) error {
	_, err := t.fetchFor(ctx, wants{})
	return err
}

func (t *Tracker) fetchFor(ctx context.Context, w wants) (hubs.Losses, error) {
	lost, err := t.takeIn(ctx, t.link.Fetch(ctx), w)
	t.link.NoteBusy(err)
	return lost, err
}

// takeIn takes over what may be believed of what a fetch that ended so has
// brought: nothing but refs/incoming and refs/presence has moved by it.
func (t *Tracker) takeIn(ctx context.Context, fetched error, w wants) (hubs.Losses, error) {
	t.reads.Expect(nil)
	before, err := t.link.Believed(ctx)
	if err != nil {
		return nil, err
	}
	var partly *refs.RemoteError
	if fetched != nil && (!errors.As(fetched, &partly) || !partly.Partly) {
		return nil, fetched
	}
	t.link.Reached = true
	other, problems, err := t.adopt(ctx, incomingRoot, partly == nil)
	if err != nil {
		return nil, err
	}
	noMeta, gone := t.contact.NoMeta, []hubs.Problem(nil)
	if partly == nil {
		if noMeta, gone, err = t.link.Lost(ctx, before); err != nil {
			return nil, err
		}
	}
	if other == "" {
		problems = append(problems, gone...)
	}
	if err := t.bind(ctx); err != nil {
		return nil, err
	}
	if err := t.fromLedger(ctx); err != nil {
		return nil, err
	}
	var lost hubs.Losses
	if partly == nil {
		if lost, err = t.lostLines(ctx); err != nil {
			return nil, err
		}
	} else {
		problems = append(problems, hubs.Problem{Here: true, Text: "git could not store every ref of the hub: " + t.shortened(hubs.GitWords(partly))})
	}
	return lost, t.noteHub(ctx, problems, noMeta, other, w)
}

// deliver publishes after a write, within the bound: whoever gets the sync
// lock sends for everybody, the others wait for that result. It reports how the
// publishing ended. Where the hub is not sent more just now, a command that
// needs the answer (a claim, --wait, CI) waits for its turn and says so; the
// others do as long as they wait for the hub.
func (t *Tracker) deliver(ctx context.Context, last *event.Envelope, decide bool, o EmitOptions, lost hubs.Losses) (outcome, error) {
	seen := refs.OID("") // the last tip of the log on the hub that was looked at
	each, began := t.patience(o), time.Now()
	bounded, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	wait := time.Duration(0)
	for {
		unlock, ok, err := t.link.Lock(bounded, wait)
		if err != nil {
			return outcome{}, t.late(bounded, err)
		}
		if !ok {
			wait = 50 * time.Millisecond
			t.reads.Expect(nil) // another process may move what was listed
		}
		there := false
		if !t.reads.Expects() {
			there, err = t.onHub(bounded, last, &seen)
		}
		if ok && (err != nil || there && !decide) {
			unlock()
		}
		switch {
		case err != nil || there && !decide:
			return outcome{}, t.late(bounded, err)
		case ok:
			defer unlock()
			if err := t.gather(bounded); err != nil {
				return outcome{}, t.late(bounded, err)
			}
			out, err := t.publish(ctx, drive.Run{Task: t.taskOf(decide, o), First: max(each-time.Since(began), time.Millisecond), Each: each, Compare: o.Lock, Lost: lost})
			if errors.Is(err, drive.ErrLate) {
				return outcome{}, nil
			}
			return out, err
		case bounded.Err() != nil:
			return outcome{}, t.late(bounded, bounded.Err())
		}
	}
}

// taskOf is what a run is asked for by a write.
func (t *Tracker) taskOf(decide bool, o EmitOptions) syncer.Task {
	task := t.task(decide, false)
	task.Patience, task.BusyToo, task.Waits = t.wait(), true, o.Wait || o.Lock
	if o.Wait {
		task.Urgency = syncer.Somebody
	}
	if task.Waits || t.getenv("CI") != "" {
		task.Patience = longestTurn
	}
	return task
}

// late turns "the time is over" into no error: the detached sync goes on.
func (t *Tracker) late(ctx context.Context, err error) error {
	if err != nil && ctx.Err() == context.DeadlineExceeded {
		return nil
	}
	return err
}

// gather lets processes that are appending right now ride along: while one of
// them holds the append lock, the push waits, a little. Nobody else appending,
// it costs one system call.
func (t *Tracker) gather(ctx context.Context) error {
	for range 20 {
		unlock, free, err := t.replica.Lock(ctx, "append", 0)
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

// onHub reports whether the hub is known to hold this line. seen is the tip that was
// looked at before.
func (t *Tracker) onHub(ctx context.Context, line *event.Envelope, seen *refs.OID) (bool, error) {
	name := hubRoot + agentLogs + line.Agent
	all, err := t.local().Refs(ctx, name)
	if err != nil {
		return false, err
	}
	for _, r := range all {
		if r.Name != name || r.OID == *seen {
			continue
		}
		*seen = r.OID
		l, err := refs.ReadLog(ctx, t.local(), line.Agent, r.OID, line.Seq)
		if err != nil {
			return false, err
		}
		return bytes.Equal(l.At(line.Seq), line.Raw), nil // a line is never empty
	}
	return false, nil
}
