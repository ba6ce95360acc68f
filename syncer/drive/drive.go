// Package drive does what the machine of package syncer decides: it fetches,
// pushes and waits over a hubs.Link, records what the hub took, and tells the
// machine what came of it. What a clone holds and what of a fetch may be believed
// is the business of a Clone. Tips are opaque here, too.
package drive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// Clone is what a run asks of the clone that it sends for.
type Clone interface {
	// Look reads the clone as it is now. step: a step may be all that there is to
	// push, so that has to be known.
	Look(ctx context.Context, lost hubs.Losses, step bool) (Seen, error)
	// Step is the tip that the ledger should have on the hub after a push, "" for
	// none. The clone is as it was when it was looked at last.
	Step(ctx context.Context, p refs.Push) (refs.OID, error)
	// Accept takes over what may be believed of what a fetch that ended so has
	// brought.
	Accept(ctx context.Context, fetched error) (hubs.Losses, error)
	// Rebase puts commits of ours on top of the hub's where the hub holds the
	// beginning of these logs in other commits. It reports whether it did.
	Rebase(ctx context.Context, names []string) (bool, error)
	// Decided is told that the hub took a step of the ledger.
	Decided(ctx context.Context, tip refs.OID) error
	// LineHash is the hash of an event of a log that was written here, "" if there
	// is none.
	LineHash(ctx context.Context, name string, seq uint64) (string, error)
}

// Seen is a clone at one moment: what the machine has to know, and all refs.
type Seen struct {
	View syncer.View
	Refs map[string]refs.OID
}

func (s Seen) here(name string) refs.OID { return s.Refs[refs.HubPrefix+name] }
func (s Seen) hub(name string) refs.OID  { return s.Refs[refs.SeenPrefix+name] }

func (s Seen) log(name string) syncer.Log {
	for _, l := range s.View.Logs {
		if l.Name == name {
			return l
		}
	}
	return syncer.Log{Name: name}
}

// Run is one run of the machine. The caller holds the sync lock.
type Run struct {
	Task syncer.Task
	// First bounds the run until it waits for the hub's pace, Each what follows
	// such a wait; 0 is no bound.
	First, Each time.Duration
	Compare     bool        // have its pushes tell whether the hub is as it was seen
	Lost        hubs.Losses // as the last fetch showed
	Committer   string      // address of commits that it makes, "" for the usual one

	Next func(syncer.State, syncer.Event) (syncer.State, syncer.Action) // nil is syncer.Next
}

// Report is how a run ended.
type Report struct {
	syncer.Outcome
	Failed *refs.RemoteError // the last fetch that failed
	Seen   time.Time         // when a push has shown that the hub is as it was seen
	Lost   hubs.Losses       // what the hub still lacks
}

// ErrLate says that the time of a run was over.
var ErrLate = errors.New("the hub takes longer than this command waits")

// driver is a run while it continues.
type driver struct {
	Run
	clone Clone
	link  *hubs.Link

	seen   Seen        // as of the last look
	asked  syncer.Push // the last push, as the machine wanted it
	pushed refs.Push   // and as it was made
	res    *refs.PushResult
	// overtaken: git sent nothing of the last push, which carried logs and the step that
	// decides them. The next one carries both again, or the logs.
	overtaken bool
	kept      syncer.Memory // as it is noted
	report    Report
}

// Do runs the machine to its end.
func (r Run) Do(ctx context.Context, clone Clone, link *hubs.Link) (Report, error) {
	d := &driver{Run: r, clone: clone, link: link, kept: link.Memory()}
	bounded, cancel := within(ctx, r.First)
	defer func() { cancel() }()
	late := func(err error) error {
		if err != nil && bounded.Err() == context.DeadlineExceeded && ctx.Err() == nil {
			return ErrLate
		}
		return err
	}
	next := r.Next
	if next == nil {
		next = syncer.Next
	}
	e, err := d.began(bounded)
	if err != nil {
		return d.report, late(err)
	}
	for s, a := next(syncer.State{}, e); ; s, a = next(s, e) {
		if err := d.keep(bounded, s.Memory, a); err != nil {
			return d.report, late(err)
		}
		switch a := a.(type) {
		case syncer.Done:
			d.report.Outcome, d.report.Lost = a.Outcome, d.Lost
			if a.Outcome.Failure == syncer.Cut {
				err = context.DeadlineExceeded
			}
			return d.report, late(err)
		case syncer.Fetch:
			e, err = d.fetch(bounded, a)
		case syncer.Push:
			e, err = d.push(bounded, a)
		case syncer.Swap:
			e, err = d.swap(bounded, a)
		case syncer.Wait:
			if a.Unlock {
				cancel()
				slept := d.rest(ctx, a)
				bounded, cancel = within(ctx, r.Each) // the wait was announced, and does not count
				e, err = d.wake(bounded, slept)
			} else {
				e, err = d.pause(bounded, a)
			}
		}
		if err != nil {
			d.report.Sent = s.Sent()
			return d.report, late(err)
		}
	}
}

// within bounds ctx; 0 is no bound.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// look reads the clone as it is now.
func (d *driver) look(ctx context.Context, step bool) (_ syncer.View, err error) {
	d.seen, err = d.clone.Look(ctx, d.Lost, step)
	return d.seen.View, err
}

// lookAtLogs looks only at the logs if one can be sent: its push shows whether the ledger
// has a new step, and deciding twice would wait for the disk twice.
func (d *driver) lookAtLogs(ctx context.Context) (syncer.View, error) {
	v, err := d.look(ctx, false)
	if err == nil && !slices.ContainsFunc(v.Logs, func(l syncer.Log) bool { return l.Sends }) {
		var tip refs.OID
		tip, err = d.clone.Step(ctx, refs.Push{})
		v.Step = tip != ""
	}
	return v, err
}

// began begins the run.
func (d *driver) began(ctx context.Context) (_ syncer.Event, err error) {
	e := syncer.Began{At: d.link.At(), Task: d.Task, Memory: d.kept}
	if len(d.kept.Refused) > 0 {
		e.View, err = d.look(ctx, true)
	} else {
		e.View, err = d.lookAtLogs(ctx)
	}
	return e, err
}

// keep stores what the run has changed in the memory, before action a is carried out.
func (d *driver) keep(ctx context.Context, m syncer.Memory, a syncer.Action) error {
	was := d.kept
	d.kept = m
	d.link.Pace.Keep(m.Pace)
	if was.NoAtomic == m.NoAtomic && was.Closed == m.Closed && maps.Equal(was.Refused, m.Refused) {
		return nil
	}
	hashes := map[string]string{}
	for name, r := range m.Refused {
		if r.High == 0 || r.High == was.Refused[name].High {
			continue
		}
		hash, err := d.clone.LineHash(ctx, name, r.High)
		if err != nil {
			return err
		}
		hashes[name] = hash
	}
	for name, r := range m.Refused {
		if _, again := was.Refused[name]; !again && r.High == 0 && name != syncer.Ledger {
			d.tell(fail.Notice{Code: "not-put-back", Text: hubs.NotPutBack(name, r.Why)})
		}
	}
	return d.link.Contact.Keep(d.link.Hub, m, a, hashes)
}

func (d *driver) tell(n fail.Notice) {
	if d.link.Notice != nil {
		d.link.Notice(n)
	}
}

// fetch does Fetch.
func (d *driver) fetch(ctx context.Context, a syncer.Fetch) (syncer.Event, error) {
	before := d.seen.Refs
	e := syncer.Fetched{}
	lost, err := d.clone.Accept(ctx, d.link.Fetch(ctx))
	if err != nil {
		re, ok := errors.AsType[*refs.RemoteError](err)
		if !ok || ctx.Err() != nil && !errors.Is(err, hubs.ErrSilent) {
			return nil, err
		}
		d.report.Failed = re
		e = hubs.FetchFailed(err, re)
		e.At = d.link.At()
		return e, nil
	}
	d.Lost = lost
	c := d.link.Contact
	if d.res != nil {
		if e.Apart, err = d.link.LeaseLost(ctx, d.pushed, d.res); err != nil {
			return nil, err
		}
	}
	if len(a.Rejected) > 0 && c.Other == "" && !c.NoMeta && !e.Apart {
		if e.Rebased, err = d.clone.Rebase(ctx, a.Rejected); err != nil {
			return nil, err
		}
	}
	if d.overtaken {
		e.View, err = d.lookAtLogs(ctx)
	} else {
		e.View, err = d.look(ctx, true)
	}
	if err != nil {
		return nil, err
	}
	e.Moved, e.At = moved(before, d.seen.Refs), d.link.At()
	return e, nil
}

// moved names the branches that are not on the hub what they were.
func moved(before, after map[string]refs.OID) (names []string) {
	tips := func(all map[string]refs.OID) map[string]refs.OID {
		m := map[string]refs.OID{}
		for _, root := range []string{refs.IncomingPrefix, refs.SeenPrefix} { // what is believed counts
			for ref, tip := range all {
				if name, ok := strings.CutPrefix(ref, root); ok {
					m[name] = tip
				}
			}
		}
		return m
	}
	prev, now := tips(before), tips(after)
	for name := range now {
		if prev[name] != now[name] {
			names = append(names, name)
		}
	}
	for name := range prev {
		if now[name] == "" {
			names = append(names, name)
		}
	}
	return names
}

// push does Push.
func (d *driver) push(ctx context.Context, a syncer.Push) (syncer.Event, error) {
	p, err := d.compose(ctx, a)
	if err != nil {
		return nil, err
	}
	if len(p.Refs) == 0 {
		return syncer.Pushed{At: d.link.At(), Nothing: true, Memory: d.kept}, nil
	}
	p.Show, p.Bulk = d.Compare, d.seen.unsent() >= bulk
	d.asked, d.pushed = a, p
	began := d.link.Now()
	d.res, err = d.link.Send(ctx, p, d.seen.unsent())
	e := hubs.Answered(ctx, p, d.res, err)
	if err != nil && e.Failure == syncer.None {
		return nil, err
	}
	if e.Took = d.link.Now().Sub(began); err == nil && hubs.AllAccepted(p, d.res) {
		if p.Show && d.seen.same(d.res.Shown) {
			d.report.Seen = began
		}
		arrived, err := d.link.Arrived(ctx, p)
		if err != nil {
			return nil, err
		}
		e.Apart = !arrived
	}
	d.overtaken = e.Failure == syncer.None && !e.Rule && a.Step && len(a.Parts) > 0
	d.kept = d.link.Memory() // the sync lock was released if the hub was silent: others may have pushed
	e.At, e.Memory = d.link.At(), d.kept
	return e, nil
}

// bulk is from how many events on a push is one of many objects.
const bulk = 1000

// unsent is how many events the hub lacks.
func (s Seen) unsent() (n int) {
	for _, l := range s.View.Logs {
		if l.Sends {
			n += int(l.Last - l.OnHub)
		}
	}
	return n
}

// same reports whether the hub, as it showed itself to a push before that landed,
// holds all that was seen of it and nothing else. If git did not say, it is not
// known to.
func (s Seen) same(shown map[string]refs.OID) bool {
	if shown == nil {
		return false
	}
	n := 0
	for ref, tip := range s.Refs {
		if name, ok := strings.CutPrefix(ref, refs.SeenPrefix); ok {
			if n++; shown[refs.HubPrefix+name] != tip {
				return false
			}
		}
	}
	return n == len(shown)
}

// swap does Swap.
func (d *driver) swap(ctx context.Context, a syncer.Swap) (syncer.Event, error) {
	var ups []refs.Update
	var back []string
	step := refs.OID("")
	for _, r := range d.pushed.Refs {
		name := strings.TrimPrefix(r.Dst, refs.HubPrefix)
		if !slices.Contains(a.Accepted, name) {
			continue
		}
		if name == syncer.Ledger {
			step = r.Src
		}
		if old := d.seen.hub(name); old != r.Src {
			ups = append(ups, refs.Update{Ref: refs.SeenPrefix + name, Old: old, New: r.Src})
		}
		if _, lost := d.Lost[name]; lost {
			back = append(back, strings.TrimPrefix(name, refs.Agents))
			delete(d.Lost, name)
		}
	}
	d.tellBack(back)
	if err := d.link.Contact.Overcome(d.pushed, d.res); err != nil {
		return nil, err
	}
	if len(ups) > 0 {
		if err := d.link.Replica.Local().SwapInOrder(ctx, ups); err != nil && !errors.Is(err, refs.ErrConflict) {
			return nil, fmt.Errorf("record what the hub took: %w", err)
		}
		if err := d.link.Contact.Welcomed(); err != nil {
			return nil, err
		}
	}
	all := hubs.AllAccepted(d.pushed, d.res)
	if step != "" && all {
		if err := d.clone.Decided(ctx, step); err != nil {
			return nil, err
		}
	}
	// if a push that could carry a step was accepted in full, there is nothing else to push
	v, err := d.look(ctx, !d.asked.Step || !all)
	if err != nil {
		return nil, err
	}
	e := syncer.Swapped{View: v, At: d.link.At()}
	for _, p := range d.asked.Parts { // what another process has appended goes out for it
		l := d.seen.log(p.Name)
		e.Appended = e.Appended || l.Sends && l.Last > p.UpTo
	}
	return e, nil
}

// tellBack says whose logs the hub has again.
func (d *driver) tellBack(ids []string) {
	switch len(ids) {
	case 0:
	case 1:
		d.tell(fail.Notice{Code: "put-back", Text: fmt.Sprintf("the hub has all of the log of '%s' again", ids[0])})
	default:
		d.tell(fail.Notice{Code: "put-back", Text: fmt.Sprintf("the hub has all of %d logs again", len(ids))})
	}
}

// pause does a short Wait.
func (d *driver) pause(ctx context.Context, a syncer.Wait) (syncer.Event, error) {
	if !d.link.SleepUntil(ctx, a.Until) && ctx.Err() == nil {
		<-ctx.Done() // it would end first
	}
	return d.woke(ctx)
}

// rest does a Wait without the sync lock, so that a claim of another process goes first.
// It reports whether the time has come.
func (d *driver) rest(ctx context.Context, a syncer.Wait) bool {
	d.link.Waiting(a)
	d.link.Unlock()
	return d.link.SleepUntil(ctx, a.Until)
}

// wake takes the sync lock again.
func (d *driver) wake(ctx context.Context, slept bool) (syncer.Event, error) {
	_, ok, err := d.link.Lock(ctx, hubs.Insistent)
	if err != nil {
		return nil, err
	}
	if !slept || !ok || d.Task.Background && !d.link.Replica.Whole() {
		return syncer.Woke{At: d.link.At(), Memory: d.kept}, nil
	}
	return d.woke(ctx)
}

// woke looks at what has changed meanwhile.
func (d *driver) woke(ctx context.Context) (syncer.Event, error) {
	v, err := d.look(ctx, true)
	if err != nil {
		return nil, err
	}
	d.kept = d.link.Memory()
	return syncer.Woke{Locked: true, At: d.link.At(), Memory: d.kept, View: v}, nil
}
