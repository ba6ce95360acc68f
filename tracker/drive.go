package tracker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// outcome is how a publish ended.
type outcome struct {
	sent    int
	reason  string    // why lines stay here, "" when all went out
	refused bool      // the reason is that the hub refuses them
	code    fail.Code // of the reason; "" if it has no name
	fields  fail.Fields
	asked   bool          // the hub was reached
	paced   *syncer.Paced // why it was not asked to the end just now; nil if it was
	seen    time.Time     // when a push has shown that the hub is as it was seen
	lost    losses        // what the hub still lacks
}

// drive is one run of the machine that decides what is sent (package syncer):
// it does what the machine says, and says what came of it.
type drive struct {
	*Tracker
	run

	snap   *snapshot   // as of the last view
	asked  syncer.Push // the last push
	pushed refs.Push
	seqs   map[string]uint64
	res    *refs.PushResult
	failed *refs.RemoteError // the last fetch that failed
	kept   syncer.Memory     // as it is noted
	seen   time.Time         // when a push has shown that the hub is as it was seen
}

// run is one run, and for how long.
type run struct {
	task syncer.Task
	// first bounds the run until it waits for the hub's pace, each what follows
	// such a wait; 0 is no bound.
	first, each time.Duration
	compare     bool   // have its pushes tell whether the hub is as it was seen
	lost        losses // as the last fetch showed
}

// task is what a run is asked for. insist: a hub that was busy or has refused
// something is asked again.
func (t *Tracker) task(decide, insist bool) syncer.Task {
	u := syncer.Facts
	if insist {
		u = syncer.Somebody
	}
	return syncer.Task{Decide: decide, Insist: insist, Background: t.unwatched, Look: t.hub.Moved(t.contact) || t.contact.Other != "",
		Urgency: u, Limits: t.limits(), CommandWait: t.wait(), Own: agentLogs + t.agent}
}

// publish sends what the hub lacks, and decides what is undecided, under the
// sync lock, which the caller holds. errLate says that the time was over.
func (t *Tracker) publish(ctx context.Context, r run) (outcome, error) {
	d := &drive{Tracker: t, run: r, kept: t.contact.Memory(t.hub, t.link.Pace.Read())}
	bounded, cancel := within(ctx, r.first)
	defer func() { cancel() }()
	late := func(err error) error {
		if err != nil && bounded.Err() == context.DeadlineExceeded && ctx.Err() == nil {
			return errLate
		}
		return err
	}
	v, err := d.view(bounded, len(d.contact.Refusals) > 0)
	if err != nil {
		return outcome{}, late(err)
	}
	if !slices.ContainsFunc(v.Logs, func(l syncer.Log) bool { return l.Sends }) {
		if v.Step, err = d.hasStep(bounded); err != nil {
			return outcome{}, late(err)
		}
	}
	s, a := syncer.Next(syncer.State{}, syncer.Began{At: d.at(), Task: r.task, Memory: d.kept, View: v})
	for {
		if err := d.keep(bounded, s.Memory, a); err != nil {
			return outcome{}, late(err)
		}
		var e syncer.Event
		switch a := a.(type) {
		case syncer.Done:
			o, err := d.done(bounded, a.Outcome)
			d.knownRefs = maps.Clone(d.snap.refs)
			return o, late(err)
		case syncer.Fetch:
			e, err = d.fetch(bounded, a)
		case syncer.Push:
			e, err = d.push(bounded, a)
		case syncer.Swap:
			e, err = d.swap(bounded, a)
		case syncer.Wait:
			if a.Unlock {
				cancel()
				bounded, cancel = within(ctx, r.each)
			}
			e, err = d.wait(ctx, bounded, a)
		}
		if err != nil {
			return outcome{sent: s.Sent()}, late(err)
		}
		s, a = syncer.Next(s, e)
	}
}

// errLate says that a command waits no longer for the hub.
var errLate = errors.New("the hub takes longer than this command waits")

// within bounds ctx; 0 is no bound.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

func (d *drive) at() syncer.At { return syncer.At{Now: d.now(), Jitter: rand.Float64()} }

// fetch does Fetch.
func (d *drive) fetch(ctx context.Context, a syncer.Fetch) (syncer.Event, error) {
	before := d.snap.refs
	e := syncer.Fetched{}
	lost, err := d.takeIn(ctx, d.link.Fetch(ctx), wants{})
	if err != nil {
		re, ok := errors.AsType[*refs.RemoteError](err)
		if !ok || ctx.Err() != nil && !errors.Is(err, hubs.ErrSilent) {
			return nil, err
		}
		d.failed, e.At = re, d.at()
		switch {
		case errors.Is(err, hubs.ErrSilent):
			e.Failure = syncer.Silent
		case re.Busy():
			e.Failure, e.RetryAfter, e.Why = syncer.Busy, re.RetryAfter, hubs.BusyText(re.Status, hubs.ServerWords(re.Stderr))
		case re.NoConnection:
			e.Failure = syncer.Unreached
		default:
			e.Failure = syncer.NotStored
		}
		return e, nil
	}
	d.lost = lost
	if d.res != nil {
		if e.Apart, err = d.link.LeaseLost(ctx, d.pushed, d.res); err != nil {
			return nil, err
		}
	}
	if len(a.Rejected) > 0 && d.hub.Elsewhere(d.contact) == "" && !d.contact.NoMeta && !e.Apart {
		if e.Rebased, err = d.rebase(ctx, a.Rejected); err != nil {
			return nil, err
		}
	}
	if e.View, err = d.view(ctx, true); err != nil {
		return nil, err
	}
	e.Moved, e.At = moved(before, d.snap.refs), d.at()
	return e, nil
}

// moved names the branches that are not on the hub what they were.
func moved(before, after map[string]refs.OID) (names []string) {
	tips := func(all map[string]refs.OID) map[string]refs.OID {
		m := map[string]refs.OID{}
		for _, root := range []string{incomingRoot, hubRoot} { // what is believed counts
			for ref, tip := range all {
				if name, ok := strings.CutPrefix(ref, root); ok {
					m[name] = tip
				}
			}
		}
		return m
	}
	was, is := tips(before), tips(after)
	for name := range is {
		if was[name] != is[name] {
			names = append(names, name)
		}
	}
	for name := range was {
		if is[name] == "" {
			names = append(names, name)
		}
	}
	return names
}

// rebase puts commits of ours on top of the hub's where the hub holds the
// beginning of logs written here in other commits.
func (d *drive) rebase(ctx context.Context, names []string) (bool, error) {
	before, err := d.local().Refs(ctx, headRoot+agentLogs)
	if err != nil {
		return false, err
	}
	d.reparent = map[string]bool{}
	for _, name := range names {
		d.reparent[strings.TrimPrefix(name, agentLogs)] = true
	}
	err = d.bind(ctx)
	d.reparent = nil
	if err != nil {
		return false, err
	}
	after, err := d.local().Refs(ctx, headRoot+agentLogs)
	return !slices.Equal(before, after), err
}

// swap does Swap.
func (d *drive) swap(ctx context.Context, a syncer.Swap) (syncer.Event, error) {
	var ups []refs.Update
	var back []string
	ledger := false
	for _, r := range d.pushed.Refs {
		name := strings.TrimPrefix(r.Dst, headRoot)
		if !slices.Contains(a.Accepted, name) {
			continue
		}
		ledger = ledger || name == checkpointName
		if old := d.snap.refs[hubRoot+name]; old != r.Src {
			ups = append(ups, refs.Update{Ref: hubRoot + name, Old: old, New: r.Src})
		}
		if _, was := d.lost[name]; was {
			back = append(back, strings.TrimPrefix(name, agentLogs))
			delete(d.lost, name)
		}
	}
	d.tellBack(back)
	if err := d.contact.Overcome(d.pushed, d.res); err != nil {
		return nil, err
	}
	if len(ups) > 0 {
		if err := d.local().SwapInOrder(ctx, ups); err != nil && !errors.Is(err, refs.ErrConflict) {
			return nil, fmt.Errorf("record what the hub took: %w", err)
		}
		if err := d.contact.Welcomed(); err != nil {
			return nil, err
		}
	}
	if ledger && hubs.AllAccepted(d.pushed, d.res) {
		if err := d.dropFound(ctx, d.snap, d.pushed); err != nil {
			return nil, err
		}
	}
	// after all of a push that could carry a step nothing else is to be pushed
	v, err := d.view(ctx, !d.asked.Step || !hubs.AllAccepted(d.pushed, d.res))
	if err != nil {
		return nil, err
	}
	e := syncer.Swapped{View: v, At: d.at()}
	for _, r := range d.pushed.Refs { // what another process has appended goes out for it
		name := strings.TrimPrefix(r.Dst, headRoot)
		l := d.snap.logs[strings.TrimPrefix(name, agentLogs)]
		e.Appended = e.Appended || l != nil && d.seqs[name] > 0 && l.here != "" && l.chain.Seq > d.seqs[name]
	}
	return e, nil
}

// wait does Wait. Without the sync lock a claim of another process goes first.
func (d *drive) wait(ctx, bounded context.Context, a syncer.Wait) (syncer.Event, error) {
	e := syncer.Woke{Locked: true}
	if a.Unlock {
		d.tellWaiting(a)
		d.link.Unlock()
		slept := d.link.SleepUntil(ctx, a.Until)
		_, ok, err := d.link.Lock(bounded, insistent)
		if err != nil {
			return nil, err
		}
		e.Locked = slept && ok && !(d.unwatched && !d.replica.Whole())
	} else if !d.link.SleepUntil(bounded, a.Until) && bounded.Err() == nil {
		<-bounded.Done() // it would end first
	}
	if !e.Locked {
		e.At, e.Memory = d.at(), d.kept
		return e, nil
	}
	v, err := d.view(bounded, true)
	if err != nil {
		return nil, err
	}
	d.kept = d.contact.Memory(d.hub, d.link.Pace.Read())
	e.At, e.Memory, e.View = d.at(), d.kept, v
	return e, nil
}

// done explains how a run ended.
func (d *drive) done(ctx context.Context, r syncer.Outcome) (outcome, error) {
	o := outcome{sent: r.Sent, asked: r.Asked, paced: r.Paced, seen: d.seen, lost: d.lost}
	switch r.Reason {
	case syncer.Sent, syncer.StepRefused:
		d.unsentReason(ctx, d.snap, &o)
		if r.Reason == syncer.StepRefused && o.reason == "" {
			o.refused, o.reason = true, hubs.StepRefused(d.snap.refs, r.Why)
		}
	case syncer.FetchFailed:
		o.reason = d.unfetchedReason(d.failed)
	case syncer.PushFailed:
		if r.Failure == syncer.Cut {
			return o, context.DeadlineExceeded
		}
		o.reason = hubs.SilentReason(d.link.Silent())
	case syncer.MetaLost:
		o.reason = d.hub.LostReason(d.contact)
	case syncer.OtherHub:
		o.reason = d.hub.Elsewhere(d.contact)
	case syncer.PushesApart:
		o.reason = d.hub.Apart(d.contact)
	case syncer.Changing:
		o.reason = "the hub kept changing while this was sent; the next sync tries again"
	case syncer.OtherLog:
		o.reason = "the hub holds another version of a log written here"
	case syncer.ClosedHub, syncer.TakesNone:
		o.refused, o.reason = true, d.contact.Refused
	case syncer.NotYet:
		o.reason = r.Why
	}
	return o, nil
}

// unsentReason says why the log of this worktree's agent is not sent at all, or
// what of it the hub refuses.
func (t *Tracker) unsentReason(ctx context.Context, s *snapshot, o *outcome) {
	l := s.logs[t.agent]
	switch {
	case l == nil || l.here == "":
	case l.diverged:
		o.reason = t.divergedError(t.agent).Error()
	case l.trails() && l.unsent() > 0:
		o.reason = l.trailText()
	case l.foreign:
		if e := t.lockedError(ctx, s); e != nil {
			o.reason, o.code, o.fields = e.Message, e.Code, e.Fields
		}
	case t.withheld(ctx, s, l):
		n := t.refusalOf(ctx, s, l)
		o.refused, o.reason, o.code, o.fields = true, n.Text, n.Code, n.Fields
	}
}
