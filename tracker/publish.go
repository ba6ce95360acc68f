package tracker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/syncer"
	"github.com/git-crosslink/git-crosslink/syncer/drive"
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
	lost    hubs.Losses   // what the hub still lacks
}

// sender is this clone, as a run that sends for it asks it (drive.Clone).
type sender struct {
	*Tracker
	snap *reading.Snapshot // as of the last look
}

// publish sends what the hub lacks, and decides what is undecided, under the
// sync lock, which the caller holds. drive.ErrLate says that the time was over.
func (t *Tracker) publish(ctx context.Context, r drive.Run) (outcome, error) {
	r.Committer = t.clone.Committer()
	c := &sender{Tracker: t}
	report, err := r.Do(ctx, c, t.clone.Link)
	if err != nil {
		return outcome{sent: report.Sent}, err
	}
	o := t.explain(ctx, c.snap, report)
	t.clone.Reads.Expect(c.snap.AllRefs)
	return o, nil
}

// Look is the clone as it is now.
func (d *sender) Look(ctx context.Context, m syncer.Memory, losses hubs.Losses, step bool) (drive.Seen, error) {
	s, err := d.clone.Reads.Load(ctx)
	if err != nil {
		return drive.Seen{}, err
	}
	d.snap = s
	v := syncer.View{Open: s.Bound && s.Writable(), Ledger: syncer.Tip(s.AllRefs[replay.HubRoot+replay.LedgerName]), Urgency: clone.Urgency(s),
		Lost: d.clone.Contact.NoMeta, Elsewhere: d.clone.Hub.Elsewhere(d.clone.Contact) != "", Apart: d.clone.Hub.Apart(d.clone.Contact) != ""}
	author := d.author(s)
	v.Mine = len(s.Pending(author)) > 0
	for _, id := range s.AgentIDs() {
		l := s.Logs[id]
		_, lost := losses[replay.Agents+id]
		x := syncer.Log{Name: replay.Agents + id, Last: l.Seq, OnHub: l.HubSeq, Hub: syncer.Tip(l.Hub), Sends: l.Sends(), Lost: lost,
			Back: lost && !l.Diverged && !l.Foreign && !l.Torn && l.Hub != ""}
		if v.Mine && id < author && m.JustRaced(d.clone.Now()) && len(s.Pending(id)) > 0 {
			v.Before++
		}
		if !x.Sends && !x.Lost {
			continue
		}
		x.Blocked = hubs.InTheWay(s.AllRefs, x.Name) != ""
		if r, known := d.clone.Contact.Refusals[x.Name]; known && r.High > 0 {
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

// Step is the tip that the checkpoint should have after a push: the next step,
// or the one known here where the hub was set back; "" for none.
func (d *sender) Step(ctx context.Context, p refs.Push) (refs.OID, error) {
	s := d.snap
	if !s.Bound || !s.Writable() {
		return "", nil
	}
	next, err := d.decide(ctx, s, s.MetaCommit, s.Tips(p))
	if err == nil && next == "" {
		next, err = d.ledgerBack(s)
	}
	if err != nil {
		if ctx.Err() != nil {
			return "", err
		}
		// facts need no agreement: they go out whatever hinders a decision
		d.clone.TellOnce(fail.Notice{Code: "undecidable", Text: fmt.Sprintf("nothing can be decided just now: %v", err)})
	}
	return next, nil
}

// Accept is takeIn.
func (d *sender) Accept(ctx context.Context, fetched error) (hubs.Losses, error) {
	return d.takeIn(ctx, fetched, wants{})
}

// Rebase puts commits of ours on top of the hub's where the hub holds the
// beginning of logs written here in other commits.
func (d *sender) Rebase(ctx context.Context, names []string) (bool, error) {
	before, err := d.clone.Local().Refs(ctx, replay.HereRoot+replay.Agents)
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
	after, err := d.clone.Local().Refs(ctx, replay.HereRoot+replay.Agents)
	return !slices.Equal(before, after), err
}

// Decided forgets lost tips that the ledger holds again.
func (d *sender) Decided(ctx context.Context, tip refs.OID) error {
	return d.dropFound(ctx, d.snap, tip)
}

// LineHash is the hash of an event of a log that was written here.
func (d *sender) LineHash(ctx context.Context, name string, seq uint64) (string, error) {
	l := d.snap.Logs[strings.TrimPrefix(name, replay.Agents)]
	if l == nil {
		return "", nil
	}
	return d.lineHash(ctx, l, seq)
}

// explain says how a run ended.
func (t *Tracker) explain(ctx context.Context, s *reading.Snapshot, r drive.Report) outcome {
	o := outcome{sent: r.Sent, asked: r.Asked, paced: r.Paced, seen: r.Seen, lost: r.Lost}
	switch r.Reason {
	case syncer.Sent, syncer.StepRefused:
		t.unsentReason(ctx, s, &o)
		if r.Reason == syncer.StepRefused && o.reason == "" {
			o.refused, o.reason = true, hubs.StepRefused(s.AllRefs, r.Why)
		}
	case syncer.FetchFailed:
		o.reason = t.clone.UnfetchedReason(r.Failed)
	case syncer.PushFailed:
		o.reason = hubs.SilentReason(t.clone.Link.Silent())
	case syncer.MetaLost:
		o.reason = t.clone.Hub.LostReason(t.clone.Contact)
	case syncer.OtherHub:
		o.reason = t.clone.Hub.Elsewhere(t.clone.Contact)
	case syncer.PushesApart:
		o.reason = t.clone.Hub.Apart(t.clone.Contact)
	case syncer.Changing:
		o.reason = "the hub kept changing while this was sent; the next sync tries again"
	case syncer.OtherLog:
		o.reason = "the hub holds another version of a log written here"
	case syncer.ClosedHub, syncer.TakesNone:
		o.refused, o.reason = true, t.clone.Contact.Refused
	case syncer.NotYet:
		o.reason = r.Why
	}
	return o
}

// unsentReason says why the log of this worktree's agent is not sent at all, or
// what of it the hub refuses.
func (t *Tracker) unsentReason(ctx context.Context, s *reading.Snapshot, o *outcome) {
	l := s.Logs[t.clone.Agent]
	switch {
	case l == nil || l.Here == "":
	case l.Diverged:
		o.reason = t.clone.DivergedError(t.clone.Agent).Error()
	case l.Trails && l.Unsent() > 0:
		o.reason = trailText(l)
	case l.Foreign:
		if e := t.clone.LockedError(ctx, s); e != nil {
			o.reason, o.code, o.fields = e.Message, e.Code, e.Fields
		}
	case t.withheld(ctx, s, l):
		n := t.refusalOf(ctx, s, l)
		o.refused, o.reason, o.code, o.fields = true, n.Text, n.Code, n.Fields
	}
}
