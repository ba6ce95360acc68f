// Package exchange is the clone's side of an exchange with its hub: it stores the fetched
// refs that package accept accepts, makes the logs written here continue the hub's logs,
// decides the next step of the ledger, and publishes what the hub lacks. Package syncer
// decides what is sent and when.
package exchange

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/accept"
	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/syncer"
	"github.com/git-crosslink/git-crosslink/syncer/drive"
)

// Outcome is the result of Publish.
type Outcome struct {
	Sent    int
	Reason  string    // why lines stay here, "" when all went out
	Refused bool      // the reason is that the hub refuses them
	Code    fail.Code // of the reason; "" if it has no name
	Fields  fail.Fields
	asked   bool          // the hub was reached
	Paced   *syncer.Paced // why the exchange stopped before it was complete; nil if it was not paced
	Seen    time.Time     // when a push has shown that the hub is as it was seen
	Lost    hubs.Losses   // what the hub still lacks
}

// sender is this clone, as a run that sends for it asks it (drive.Clone).
type sender struct {
	*Exchange
	snap *reading.Snapshot // as of the last look
}

// Publish sends what the hub lacks, and decides what is undecided. The caller holds the
// sync lock. The error drive.ErrLate means that the time ran out.
func (x *Exchange) Publish(ctx context.Context, r drive.Run) (Outcome, error) {
	r.Committer = x.Committer()
	c := &sender{Exchange: x}
	report, err := r.Do(ctx, c, x.Link)
	if err != nil {
		return Outcome{Sent: report.Sent}, err
	}
	o := x.explain(ctx, c.snap, report)
	x.Reads.Expect(c.snap.AllRefs)
	return o, nil
}

// Look returns the current state of the clone.
func (d *sender) Look(ctx context.Context, losses hubs.Losses, step bool) (drive.Seen, error) {
	s, err := d.Reads.Load(ctx)
	if err != nil {
		return drive.Seen{}, err
	}
	d.snap = s
	v := syncer.View{Open: s.Bound && s.Writable(), Ledger: syncer.Tip(s.AllRefs[replay.HubRoot+replay.LedgerName]), Urgency: clone.Urgency(s),
		Lost: d.Contact.NoMeta, Elsewhere: d.Hub.Elsewhere(d.Contact) != "", Apart: d.Hub.Apart(d.Contact) != ""}
	v.Mine = len(s.Pending(d.author(s))) > 0
	logs := s.Active()
	for name := range losses {
		id, isLog := strings.CutPrefix(name, replay.Agents)
		if isLog && s.Settled(id) > 0 {
			logs = append(logs, s.Log(id))
		}
	}
	slices.SortFunc(logs, func(a, b *reading.Log) int { return strings.Compare(a.Agent, b.Agent) })
	for _, l := range logs {
		id := l.Agent
		_, lost := losses[replay.Agents+id]
		x := syncer.Log{Name: replay.Agents + id, Last: l.Seq, OnHub: l.HubSeq, Hub: syncer.Tip(l.Hub), Sends: l.Sends(), Lost: lost,
			Back: lost && !l.Diverged && !l.Foreign && !l.Torn && l.Hub != ""}
		if !x.Sends && !x.Lost {
			continue
		}
		x.Blocked = hubs.InTheWay(s.AllRefs, x.Name) != ""
		if r, known := d.Contact.Refusals[x.Name]; known && r.High > 0 {
			hash, err := d.lineHash(ctx, l, r.High)
			if err != nil {
				return drive.Seen{}, err
			}
			x.Changed = hash != r.Hash
		}
		v.Logs = append(v.Logs, x)
	}
	if step {
		next, err := d.Step(ctx, refs.Push{})
		if err != nil {
			return drive.Seen{}, err
		}
		v.Step = next != ""
	}
	return drive.Seen{View: v, Refs: s.AllRefs}, nil
}

// Step returns the tip that the checkpoint should have after a push: the next step, or the
// known step if the hub was rewound or has not received it yet; "" if there is none.
func (d *sender) Step(ctx context.Context, p refs.Push) (refs.OID, error) {
	s := d.snap
	if !s.Bound || !s.Writable() {
		return "", nil
	}
	next, err := d.Decide(ctx, s, s.MetaCommit, s.Tips(p))
	if err == nil && next == "" && s.AllRefs[replay.HubRoot+replay.LedgerName] == "" {
		next = s.AllRefs[replay.HereRoot+replay.LedgerName]
	}
	if err == nil && next == "" {
		next, err = accept.LedgerBack(s, d.Link.Reached)
	}
	if err != nil {
		if ctx.Err() != nil {
			return "", err
		}
		// facts need no agreement: they go out whatever hinders a decision
		d.TellOnce(fail.Notice{Code: "undecidable", Text: fmt.Sprintf("nothing can be decided at the moment: %v", err)})
	}
	return next, nil
}

// Accept calls TakeIn.
func (d *sender) Accept(ctx context.Context, fetched error) (hubs.Losses, error) {
	got, err := d.TakeIn(ctx, fetched, Wants{})
	return got.Lost, err
}

// Rebase puts this clone's commits on top of the hub's, if the hub has the beginning of
// the same logs in other commits.
func (d *sender) Rebase(ctx context.Context, names []string) (bool, error) {
	before, err := d.Local().Refs(ctx, replay.HereRoot+replay.Agents)
	if err != nil {
		return false, err
	}
	elsewhere := map[string]bool{}
	for _, name := range names {
		elsewhere[strings.TrimPrefix(name, replay.Agents)] = true
	}
	if err := d.bindOn(ctx, elsewhere); err != nil {
		return false, err
	}
	after, err := d.Local().Refs(ctx, replay.HereRoot+replay.Agents)
	return !slices.Equal(before, after), err
}

// Decided forgets lost tips of the ledger that a new step includes.
func (d *sender) Decided(ctx context.Context, tip refs.OID) error {
	return d.dropFound(ctx, d.snap, tip)
}

// LineHash returns the hash of an event in a log that was written here.
func (d *sender) LineHash(ctx context.Context, name string, seq uint64) (string, error) {
	l := d.snap.Log(strings.TrimPrefix(name, replay.Agents))
	if l == nil {
		return "", nil
	}
	return d.lineHash(ctx, l, seq)
}

// explain says how a run ended.
func (x *Exchange) explain(ctx context.Context, s *reading.Snapshot, r drive.Report) Outcome {
	o := Outcome{Sent: r.Sent, asked: r.Asked, Paced: r.Paced, Seen: r.Seen, Lost: r.Lost}
	switch r.Reason {
	case syncer.Sent, syncer.StepRefused:
		x.unsentReason(ctx, s, &o)
		if r.Reason == syncer.StepRefused && o.Reason == "" {
			o.Refused, o.Reason = true, hubs.StepRefused(s.AllRefs, r.Why)
		}
	case syncer.FetchFailed:
		o.Reason = x.UnfetchedReason(r.Failed)
	case syncer.PushFailed:
		o.Reason = hubs.SilentReason(x.Link.Silent())
	case syncer.MetaLost:
		o.Reason = x.Hub.LostReason(x.Contact)
	case syncer.OtherHub:
		o.Reason = x.Hub.Elsewhere(x.Contact)
	case syncer.PushesApart:
		o.Reason = x.Hub.Apart(x.Contact)
	case syncer.Changing:
		o.Reason = "the hub kept changing during the push; the next sync tries again"
	case syncer.OtherLog:
		o.Reason = "the hub has another version of this clone's log"
	case syncer.ClosedHub, syncer.TakesNone:
		o.Refused, o.Reason = true, x.Contact.Refused
	case syncer.NotYet:
		o.Reason = r.Why
	}
	if o.Reason == "" && s != nil && s.Successor() != "" {
		e := x.LevelError(s)
		o.Reason, o.Code, o.Fields = x.LevelReason(s), e.Code, e.Fields
	}
	return o
}

// unsentReason says why the log of this worktree's agent is not sent at all, or
// what of it the hub refuses.
func (x *Exchange) unsentReason(ctx context.Context, s *reading.Snapshot, o *Outcome) {
	l := s.Log(x.Agent)
	switch {
	case l == nil || l.Here == "":
	case l.Diverged:
		o.Reason = x.DivergedError(x.Agent).Error()
	case l.Trails && l.Unsent() > 0:
		o.Reason = TrailText(l)
	case l.Foreign:
		if e := x.LockedError(ctx, s); e != nil {
			o.Reason, o.Code, o.Fields = e.Message, e.Code, e.Fields
		}
	case x.withheld(ctx, s, l):
		n := x.RefusalOf(ctx, s, l)
		o.Refused, o.Reason, o.Code, o.Fields = true, n.Text, n.Code, n.Fields
	}
}
