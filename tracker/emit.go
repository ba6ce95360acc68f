package tracker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// joinEvery bounds how often a clone without a known hub looks for one before
// a write that does not wait for it.
const joinEvery = time.Minute

// Emit appends what build returns as one commit, all or nothing, and publishes
// it. build may run several times (another process appended meanwhile) and
// sees the newest state each time. If it returns no bodies, nothing is written.
//
// When Emit returns a receipt, its lines survive kill -9 and power loss,
// whatever becomes of the publishing.
func (t *Tracker) Emit(ctx context.Context, o EmitOptions, build func(p Projection) ([]Body, error)) (*Receipt, error) {
	how := o.signing
	if how == nil {
		how = &clone.Signing{}
	}
	defer func() { t.clone.Reads.Expect(nil) }()
	lost, err := t.prepare(ctx, o)
	if err != nil {
		return nil, t.clone.Unwritable(err)
	}
	lines, after, err := t.writer.Append(ctx, how, build)
	if t.maybeOutdated(ctx, o, err) { // the hub's rules may have changed
		how.Unsigned = false
		lines, after, err = t.writer.Append(ctx, how, build)
	}
	if err != nil {
		return nil, t.clone.Unwritable(err)
	}
	r := &Receipt{Agent: t.clone.Agent, Lines: lines, Sync: t.settled(after), View: after.View}
	unsent := t.clone.Hub != nil && after.Log(t.clone.Agent) != nil && after.Log(t.clone.Agent).Unsent() > 0
	if len(lines) == 0 && (o.Lock || o.Wait && unsent) { // it is already on its way
		if lines, err = t.onItsWay(ctx, after, t.clone.Agent, o); err != nil {
			return nil, err
		}
	}
	if len(lines) == 0 {
		if unsent {
			r.Sync = Queued
		}
		t.clone.TellDecided(r.View, o.asking)
		return r, nil
	}
	if err := t.settle(ctx, o, r, after, lines, lost); err != nil {
		// the lines are durable, so the write has not failed
		t.clone.TellOnce(t.clone.Hub.Queued(t.clone.Contact, err.Error()))
	}
	if err := t.countsStill(ctx, r.Lines); err != nil {
		return nil, err
	}
	if s := t.clone.Reads.Last(); s != nil { // a store that has changed since cannot answer for the earlier state
		r.View = s.View
	}
	t.clone.Watch(r.Lines, r.View, o.asking)
	t.clone.Reads.KeepMuch(ctx)
	if !o.Offline {
		t.clone.KeepUpLater()
	}
	return r, nil
}

// EmitEach appends one commit for each of builds, and publishes nothing. A build may see a
// state without the events of earlier builds. EmitEach returns the agent and the number of
// events written, even if it fails.
func (t *Tracker) EmitEach(ctx context.Context, builds iter.Seq[Build]) (agent string, events int, err error) {
	defer func() { t.clone.Reads.Expect(nil) }()
	if _, err := t.prepare(ctx, EmitOptions{Offline: true}); err != nil {
		return "", 0, t.clone.Unwritable(err)
	}
	events, err = t.writer.AppendEach(ctx, &clone.Signing{}, builds)
	if err != nil || events == 0 || t.clone.Hub == nil {
		return t.clone.Agent, events, t.clone.Unwritable(err)
	}
	s, err := t.clone.Reads.Load(ctx)
	if err == nil && !s.Bound {
		t.clone.TellUnbound(true)
	}
	return t.clone.Agent, events, err
}

// prepare makes sure that there is a replica, that the hub is known if it can be reached,
// and that there is an agent. If the user cannot write here, no identity is created.
func (t *Tracker) prepare(ctx context.Context, o EmitOptions) (hubs.Losses, error) {
	if err := t.clone.Chosen(); err != nil {
		return nil, err
	}
	if err := t.clone.MayName(); err != nil {
		return nil, err
	}
	if err := t.clone.EnsureReplica(ctx); err != nil {
		return nil, err
	}
	if _, err := t.takeOver(ctx); err != nil {
		return nil, err
	}
	if err := t.clone.Pin(); err != nil {
		return nil, err
	}
	lost, err := t.meetHub(ctx, o)
	if err != nil || t.clone.Agent != "" {
		return lost, err
	}
	s, err := t.clone.Reads.Load(ctx)
	if err == nil {
		err = t.clone.RefuseLevel(s)
	}
	if err == nil {
		t.clone.Agent, err = t.clone.SettleAgent(ctx)
	}
	return lost, err
}

// meetHub contacts the hub if it can be reached and is not known yet, or before an agent's
// first line: the hub's current policy decides whether a stranger may write.
func (t *Tracker) meetHub(ctx context.Context, o EmitOptions) (hubs.Losses, error) {
	if t.clone.Hub == nil || o.Offline || t.clone.Config("crosslink.sync") == "manual" {
		return nil, nil
	}
	all, err := t.clone.Reads.Refs(ctx)
	if err != nil {
		return nil, err
	}
	seen := false
	for name := range all {
		seen = seen || strings.HasPrefix(name, replay.HubRoot)
	}
	age, known := t.clone.Contact.Since()
	if !seen && known && age < joinEvery && !o.Wait || t.clone.Link.Reached || seen && t.clone.Agent != "" && all[replay.HereRoot+replay.Agents+t.clone.Agent] != "" {
		t.clone.Reads.Expect(all)
		return nil, nil
	}
	bounded, cancel := context.WithTimeout(ctx, t.patience(o))
	defer cancel()
	unlock, free, err := t.clone.Link.Lock(bounded, t.clone.Wait())
	if err != nil || !free {
		return nil, t.late(bounded, err) // another process is fetching
	}
	defer unlock()
	var re *refs.RemoteError
	got, err := t.exchange.FetchFor(bounded, exchange.Wants{Pin: true})
	if err != nil && !errors.As(err, &re) && bounded.Err() == nil {
		return nil, err
	}
	return got.Lost, nil // not reachable: the event is kept and bound to the hub later
}

// patience is how long a command waits for the hub.
func (t *Tracker) patience(o EmitOptions) time.Duration {
	switch {
	case t.clone.Getenv("CI") != "":
		return 10 * time.Minute
	case o.Wait, o.Lock:
		return hubs.Insistent
	}
	return t.clone.Wait()
}

// settled returns the confirmation of lines that need no publishing.
func (t *Tracker) settled(s *reading.Snapshot) Confirmation {
	switch {
	case t.clone.Hub == nil:
		return Confirmed // the replica is the hub
	case !s.Bound:
		return Local
	}
	return Confirmed
}

// settle publishes the appended lines as the options ask.
func (t *Tracker) settle(ctx context.Context, o EmitOptions, r *Receipt, s *reading.Snapshot, lines []*event.Envelope, lost hubs.Losses) error {
	mode := t.clone.Config("crosslink.sync")
	r.Undecided = s.Undecided(t.clone.Agent, lines)
	switch r.Sync = t.settled(s); {
	case t.clone.Hub == nil:
		if r.Undecided {
			r.Sync = Queued
		}
		return nil
	case !s.Bound:
		t.clone.TellUnbound(o.Offline || mode == "manual")
		return nil
	case o.Offline || mode == "manual":
		r.Sync = Queued
		return nil
	case mode == "background" && !o.Wait, t.patience(o) == 0:
		r.Sync = Queued
		t.clone.Detach()
		return nil
	case !o.Wait && !o.Lock && t.clone.Getenv("CI") == "" && t.clone.Link.Pace.Read().Slow(t.clone.Now()):
		r.Sync = Queued
		t.clone.TellOnce(fail.Notice{Code: "slow/wait", Text: fmt.Sprintf("saved locally, sent in the background: the last push took longer than %d s", int(t.clone.Wait().Seconds()))})
		t.clone.Detach()
		return nil
	}
	return t.deliverAndLook(ctx, o, r, lines, lost)
}

// deliverAndLook publishes the lines and fills in the result. On any error the lines are
// still durable, so the error is reported and the write has not failed.
func (t *Tracker) deliverAndLook(ctx context.Context, o EmitOptions, r *Receipt, lines []*event.Envelope, lost hubs.Losses) error {
	decide := false
	for _, e := range lines {
		decide = decide || ledger.Decides(e)
	}
	last := lines[len(lines)-1]
	out, err := t.deliver(ctx, last, decide, o, lost)
	r.seen = out.Seen
	reason := out.Reason
	if err != nil {
		reason = err.Error()
	}
	r.Sync = Queued
	s, err := t.clone.Reads.Load(ctx) // as the push left it
	if err != nil {
		return err
	}
	r.View = s.View
	l := s.Log(t.clone.Agent)
	there := l != nil && l.HubSeq >= last.Seq && !l.Diverged
	r.forked = l != nil && l.Diverged
	r.Undecided = s.Undecided(t.clone.Agent, lines)
	switch {
	case there && !r.Undecided:
		r.Sync = Confirmed
		return nil
	case r.forked:
		e := t.clone.DivergedError(t.clone.Agent)
		t.clone.TellOnce(e.Notice("saved locally, and not sent: " + e.Message))
		return nil
	case out.Paced != nil && !out.Paced.Busy:
		if d := out.Paced.Until.Sub(t.clone.Now()); d > syncer.Coalesce { // otherwise it only waits to be sent with the next lines
			t.clone.TellOnce(fail.Notice{Code: "paced", Text: "saved locally; will be sent " + inAbout(d) + " (" + reason + ")"})
		}
	case out.Refused && there: // sent, but not decided
		t.tellRefused(o, fail.Notice{Code: "undecided/step", Text: "not decided yet: " + reason})
		return nil
	case out.Refused:
		n := fail.Notice{Code: "refused/kept", Text: "saved locally, not sent: " + reason}
		if out.Code != "" {
			n.Code, n.Fields = out.Code, out.Fields
		}
		t.tellRefused(o, n)
		return nil
	case reason != "":
		t.clone.TellOnce(t.clone.Hub.Queued(t.clone.Contact, reason))
		if out.Paced == nil {
			return nil
		}
	}
	t.clone.Detach()
	return nil
}

// onItsWay returns lines for a write that wrote none but has to wait: the agent's lines
// from the first one on that is undecided or unsent.
func (t *Tracker) onItsWay(ctx context.Context, s *reading.Snapshot, agent string, o EmitOptions) ([]*event.Envelope, error) {
	l := s.Log(agent)
	if l == nil {
		return nil, nil
	}
	from := l.Seq
	if o.Wait {
		from = l.HubSeq
	}
	if p := s.Pending(agent); o.Lock && len(p) > 0 {
		from = min(from, p[0].Seq-1)
	}
	if from >= l.Seq {
		return nil, nil
	}
	after := l.Begin()
	if e, err := t.clone.Reads.Line(ctx, l, from); err != nil {
		return nil, err
	} else if e != nil {
		after.Seq, after.Hash, after.Time = e.Seq, event.Hash(e.Raw), e.Time
	}
	return t.clone.Reads.LinesAfter(ctx, l, after)
}

// tellRefused reports that the written lines are not on the hub, or not decided: once, and
// each time to a command that waits for them.
func (t *Tracker) tellRefused(o EmitOptions, n fail.Notice) {
	if o.Wait || o.Lock {
		t.clone.Notice(n)
		return
	}
	t.clone.TellOnce(n)
}

// inAbout formats a time to wait, in steps of 5 s, or in minutes.
func inAbout(d time.Duration) string {
	const step = 5 * time.Second
	if d = (d + step - 1).Truncate(step); d <= 90*time.Second {
		return fmt.Sprintf("in about %d s", d/time.Second)
	}
	return fmt.Sprintf("in about %d min", (d+time.Minute-1)/time.Minute)
}
