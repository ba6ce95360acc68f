package tracker

import (
	"context"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// What a run (drive.go) knows of the clone, what it offers to the hub, and what
// the hub answers.

// view is the clone as it is now. step: a step may be all that there is to push,
// so that has to be known.
func (d *drive) view(ctx context.Context, step bool) (syncer.View, error) {
	s, err := d.load(ctx)
	if err != nil {
		return syncer.View{}, err
	}
	d.snap = s
	v := syncer.View{Open: s.bound && s.writable(), Ledger: syncer.Tip(s.refs[hubRoot+checkpointName]), Urgency: s.urgency(),
		Lost: d.contact.NoMeta, Elsewhere: d.hub.Elsewhere(d.contact) != "", Apart: d.hub.Apart(d.contact) != ""}
	author := d.author(s)
	v.Mine = len(s.pending(author)) > 0
	for _, id := range s.agents() {
		l := s.logs[id]
		_, lost := d.lost[agentLogs+id]
		x := syncer.Log{Name: agentLogs + id, Last: l.chain.Seq, OnHub: l.hubSeq, Hub: syncer.Tip(l.hub), Sends: l.sends(), Lost: lost,
			Back: lost && !l.diverged && !l.foreign && !l.torn && l.hub != ""}
		if v.Mine && id < author && d.kept.JustRaced(d.now()) && len(s.pending(id)) > 0 {
			v.Before++
		}
		if !x.Sends && !x.Lost {
			continue
		}
		x.Blocked = hubs.InTheWay(s.refs, x.Name) != ""
		if r, known := d.contact.Refusals[x.Name]; known && r.High > 0 {
			hash, err := d.lineHash(ctx, l, r.High)
			if err != nil {
				return v, err
			}
			x.Changed = hash != r.Hash
		}
		v.Logs = append(v.Logs, x)
	}
	if step {
		v.Step, err = d.hasStep(ctx)
	}
	return v, err
}

// hasStep reports whether there is a step to push alone.
func (d *drive) hasStep(ctx context.Context) (bool, error) {
	next, err := d.step(ctx, refs.Push{})
	return next != "", err
}

// sends reports whether the log was written here, and can be sent.
func (l *log) sends() bool {
	return l.here != "" && l.view == l.here && l.unsent() > 0 && !l.diverged && !l.trails() // what ends unsigned counts for nobody
}

// step is the tip that the checkpoint should have after a push: the next step,
// or the one known here where the hub was set back; "" for none.
func (d *drive) step(ctx context.Context, p refs.Push) (refs.OID, error) {
	s := d.snap
	if !s.bound || !s.writable() {
		return "", nil
	}
	next, err := d.decide(ctx, s, s.metaCommit, s.tips(p))
	if err == nil && next == "" {
		next, err = d.ledgerBack(s)
	}
	if err != nil {
		if ctx.Err() != nil {
			return "", err
		}
		// facts need no agreement: they go out whatever hinders a decision
		d.tellOnce(fail.Notice{Code: "undecidable", Text: fmt.Sprintf("nothing can be decided just now: %v", err)})
	}
	return next, nil
}

// compose makes the objects and refs of a push.
func (d *drive) compose(ctx context.Context, a syncer.Push) (p refs.Push, err error) {
	d.seqs = map[string]uint64{}
	for _, part := range a.Parts {
		l := d.snap.logs[strings.TrimPrefix(part.Name, agentLogs)]
		var tip refs.OID
		switch {
		case part.Back:
			tip, err = d.onTop(ctx, l.agent, l.hub)
		case part.Empty:
			tip, err = d.nothingOnTop(ctx, l)
		case part.UpTo < l.chain.Seq:
			tip, err = d.beginning(ctx, l, part.UpTo)
		default:
			tip, err = d.onTop(ctx, l.agent, l.here)
		}
		if err != nil {
			return p, err
		}
		p.Refs = append(p.Refs, refs.PushRef{Src: tip, Dst: headRoot + part.Name})
		d.seqs[part.Name] = part.UpTo
	}
	if a.Step {
		tip, err := d.step(ctx, p)
		if err != nil {
			return p, err
		}
		if tip != "" {
			p.Refs = append(p.Refs, refs.PushRef{Src: tip, Dst: headRoot + checkpointName})
		}
	}
	if meta := d.snap.refs[hubRoot+metaName]; len(p.Refs) > 0 && a.Atomic {
		// meta as a no-op under a lease: a hub whose meta moved refuses everything
		p.Atomic = true
		p.Refs = append(p.Refs, refs.PushRef{Src: meta, Dst: headRoot + metaName, Lease: &meta})
	}
	return p, nil
}

// asSeen reports whether the hub, as it showed itself to a push before that
// landed, holds all that was seen of it and nothing else. If git did not say, it
// is not known to.
func (s *snapshot) asSeen(shown map[string]refs.OID) bool {
	if shown == nil {
		return false
	}
	n := 0
	for ref, tip := range s.refs {
		if name, ok := strings.CutPrefix(ref, hubRoot); ok {
			if n++; shown[headRoot+name] != tip {
				return false
			}
		}
	}
	return n == len(shown)
}

// push does Push.
func (d *drive) push(ctx context.Context, a syncer.Push) (syncer.Event, error) {
	p, err := d.compose(ctx, a)
	if err != nil {
		return nil, err
	}
	if len(p.Refs) == 0 {
		return syncer.Pushed{At: d.at(), Nothing: true, Memory: d.kept}, nil
	}
	p.Show = d.compare
	d.asked, d.pushed = a, p
	began := d.now()
	d.res, err = d.link.Send(ctx, p, d.unsentHere())
	e := hubs.Answered(ctx, p, d.res, err)
	if err != nil && e.Failure == syncer.None {
		return nil, err
	}
	if e.Took = d.now().Sub(began); err == nil && hubs.AllAccepted(p, d.res) {
		if p.Show && d.snap.asSeen(d.res.Shown) {
			d.seen = began
		}
		arrived, err := d.link.Arrived(ctx, p)
		if err != nil {
			return nil, err
		}
		e.Apart = !arrived
	}
	d.kept = d.contact.Memory(d.hub, d.link.Pace.Read()) // the sync lock was let go if the hub was silent: others may have pushed
	e.At, e.Memory = d.at(), d.kept
	return e, nil
}
