package tracker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/syncer/drive"
)

// Init makes the remote a hub, or joins the one that is there. The hub comes
// into being in one atomic push of meta and of every log written here, which
// expects that there is none yet: of two that try at once, one makes it and
// the other joins.
func (t *Tracker) Init(ctx context.Context, o InitOptions) (*InitReport, error) {
	if err := t.chooseFor(ctx, o); err != nil {
		return nil, err
	}
	if err := t.clone.MayName(); err != nil {
		return nil, t.clone.Unwritable(err)
	}
	if err := t.clone.EnsureReplica(ctx); err != nil {
		return nil, t.clone.Unwritable(err)
	}
	if t.clone.Hub == nil {
		r, err := t.initPrivate(ctx, o.From)
		return r, t.clone.Unwritable(err)
	}
	private, err := t.privateNumbers(ctx, o)
	if err != nil {
		return nil, err
	}
	t.clone.Reads.Join(o.Join)
	t.clone.Link.MayAsk(t.clone.Options.Ask)
	unlock, err := t.writer.LockHub(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	joined, err := t.clone.Local().Refs(ctx, replay.HubRoot+replay.MetaName)
	if err != nil {
		return nil, err
	}
	followed := false // it went over to the hub that was detached
	for range clone.Tries {
		r, again, err := t.initOnce(ctx, o, &followed)
		if err == nil && !again {
			r.Already = len(joined) > 0 && !r.Created && private == nil && !followed
		}
		if r != nil && !r.Created {
			r.Renumbered = private
		}
		if err == nil && !again {
			var s *reading.Snapshot
			if s, err = t.clone.Reads.Load(ctx); err == nil {
				t.tellDecided(s.View, UUID{})
			}
		}
		if err != nil || !again {
			return r, err
		}
	}
	return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "init-race", Message: fmt.Sprintf("the hub on '%s' kept changing; nothing is lost", t.clone.Hub.Name)}
}

// initPrivate starts the tracker of a repository without a remote.
func (t *Tracker) initPrivate(ctx context.Context, from *ledger.Base) (*InitReport, error) {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	if t.clone.Agent, err = t.clone.SettleAgent(ctx); err != nil {
		return nil, err
	}
	made := s.Logs[t.clone.Agent] == nil
	if made {
		if s, err = t.writer.Introduce(ctx, &clone.Signing{}); err != nil {
			return nil, err
		}
	}
	if s, err = t.startFrom(ctx, s, from); err != nil {
		return nil, err
	}
	return &InitReport{Hub: s.Hub, Created: made, Already: !made, Agent: t.clone.Agent}, nil
}

func (t *Tracker) initOnce(ctx context.Context, o InitOptions, followed *bool) (r *InitReport, again bool, err error) {
	got, err := t.exchange.FetchFor(ctx, exchange.Wants{Pin: true, Mend: true, Join: o.Join})
	if err != nil {
		var re *refs.RemoteError
		if errors.As(err, &re) {
			e := t.clone.Unfetched(re)
			if e.Kind = fail.Fatal; re.NoConnection {
				e.Message = fmt.Sprintf("the remote '%s' is not reachable", t.clone.Hub.Name)
				if e.Code == "unreachable" {
					e.Code = "unreachable/init"
				} else {
					e.Code = "unanswered/init"
				}
			}
			err = e
		}
		return nil, false, err
	}
	s, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return nil, false, err
	}
	if err := t.clone.RefuseLevel(s); err != nil {
		return nil, false, err
	}
	if s.Bound && t.clone.Contact.NoMeta {
		if t.clone.Agent, err = t.clone.SettleAgent(ctx); err != nil {
			return nil, false, t.clone.Unwritable(err)
		}
		r, err := t.restore(ctx, s)
		return r, false, err
	}
	switch {
	case t.clone.Contact.Other == "":
	case o.Join && t.clone.Contact.Detached:
		*followed = true
		if got, err = t.followDetached(ctx); err != nil {
			return nil, false, err
		}
		if s, err = t.clone.Reads.Load(ctx); err != nil {
			return nil, false, err
		}
	default:
		return nil, false, t.clone.ElsewhereError()
	}
	if s.Apart {
		return nil, false, t.clone.ApartError()
	}
	if s.Bound {
		if _, err := t.startFrom(ctx, s, o.From); err != nil {
			return nil, false, err
		}
		if t.clone.Agent, err = t.clone.SettleAgent(ctx); err != nil {
			return nil, false, t.clone.Unwritable(err)
		}
		return t.join(ctx, s, got.Lost)
	}
	if s.AllRefs[replay.IncomingRoot+replay.MetaName] != "" {
		return nil, false, &fail.Error{Kind: fail.Fatal, Code: "hub-meta",
			Message: fmt.Sprintf("there is a tracker on '%s' whose meta is not to be believed: nothing was written there", t.clone.Hub.Name)}
	}
	heads, err := t.clone.Link.HasRoom(ctx, t.clone.Agent, t.clone.Outer.HasRef)
	if err != nil {
		return nil, false, err
	}
	if err := t.clone.Link.OneRepository(ctx, heads); err != nil {
		return nil, false, err
	}
	if t.clone.Agent, err = t.clone.SettleAgent(ctx); err != nil {
		return nil, false, t.clone.Unwritable(err)
	}
	if s, err = t.writer.Introduce(ctx, &clone.Signing{}); err != nil {
		return nil, false, err
	}
	if s, err = t.startFrom(ctx, s, o.From); err != nil {
		return nil, false, err
	}
	return t.found(ctx, s)
}

// join reports the hub that is there and sends what was written before.
func (t *Tracker) join(ctx context.Context, s *reading.Snapshot, lost hubs.Losses) (*InitReport, bool, error) {
	out, err := t.exchange.Publish(ctx, drive.Run{Task: t.clone.Task(true, true), Lost: lost})
	if err != nil {
		return nil, false, err
	}
	if out.Reason != "" {
		t.clone.Notice(t.clone.Hub.Queued(t.clone.Contact, out.Reason))
	}
	return &InitReport{Remote: t.clone.Hub.Name, URL: t.clone.Hub.Shown(), Hub: s.Meta.Hub, Sent: out.Sent, Agent: t.clone.Agent}, false, nil
}

// found pushes meta and all logs at once, expecting every one of them absent.
func (t *Tracker) found(ctx context.Context, s *reading.Snapshot) (r *InitReport, again bool, err error) {
	absent := refs.OID("")
	p := refs.Push{Atomic: true, Refs: []refs.PushRef{{Src: s.AllRefs[replay.HereRoot+replay.MetaName], Dst: replay.HereRoot + replay.MetaName, Lease: &absent}}}
	r = &InitReport{Remote: t.clone.Hub.Name, URL: t.clone.Hub.Shown(), Hub: s.Hub, Created: true, Agent: t.clone.Agent, Branches: []string{"crosslink/" + replay.MetaName}}
	ups := []refs.Update{{Ref: replay.HubRoot + replay.MetaName, New: p.Refs[0].Src}, {Ref: replay.HereRoot + replay.MetaName, Old: p.Refs[0].Src}}
	for _, id := range s.AgentIDs() {
		l := s.Logs[id]
		if l.Here == "" {
			continue
		}
		p.Refs = append(p.Refs, refs.PushRef{Src: l.Here, Dst: replay.HereRoot + replay.Agents + id, Lease: &absent})
		ups = append(ups, refs.Update{Ref: replay.HubRoot + replay.Agents + id, New: l.Here})
		r.Branches = append(r.Branches, "crosslink/"+replay.Agents+id)
		r.Sent += int(l.Seq)
	}
	if p, ups, err = t.foundLedger(ctx, s, p, ups, r); err != nil {
		return nil, false, err
	}
	res, err := t.clone.PushPatiently(ctx, p, clone.Founding)
	if err != nil {
		return nil, false, err
	}
	if hubs.AllAccepted(p, res) {
		if there, err := t.clone.Link.Arrived(ctx, p); err != nil {
			return nil, false, err
		} else if !there {
			return nil, false, t.takeBack(ctx, p, r.Branches)
		}
		if err := t.clone.Local().Swap(ctx, ups); err != nil {
			return nil, false, fmt.Errorf("record the hub: %w", err)
		}
		return r, false, errors.Join(t.clone.Contact.Founded(t.clone.Hub, r.Hub), t.clone.Contact.Welcomed())
	}
	if !res.Reached {
		return t.foundWithoutAtomic(ctx, p, r, ups, res)
	}
	if lost, err := t.lostRace(ctx, p, res); lost || err != nil {
		return nil, err == nil, err // somebody else was faster: look again
	}
	return nil, false, &fail.Error{Kind: fail.Denied, Code: "refused/init",
		Message: fmt.Sprintf("the remote '%s' refuses the tracker's branches: %s", t.clone.Hub.Name, hubs.WhyRefused(res))}
}

// foundLedger adds the ledger to the push: the private one, so that a tracker
// that is published keeps its numbers, and the step that decides the rest.
func (t *Tracker) foundLedger(ctx context.Context, s *reading.Snapshot, p refs.Push, ups []refs.Update, r *InitReport) (refs.Push, []refs.Update, error) {
	tips := map[string]string{}
	for id, l := range s.Logs {
		if l.Here != "" {
			tips[id] = string(l.Here)
		}
	}
	private := s.AllRefs[replay.HereRoot+replay.LedgerName]
	step, err := t.exchange.Decide(ctx, s, s.MetaCommit, tips)
	if err != nil {
		return p, ups, err
	}
	if step == "" {
		step = private
	}
	if step == "" {
		return p, ups, nil
	}
	absent := refs.OID("")
	p.Refs = append(p.Refs, refs.PushRef{Src: step, Dst: replay.HereRoot + replay.LedgerName, Lease: &absent})
	ups = append(ups, refs.Update{Ref: replay.HubRoot + replay.LedgerName, New: step})
	r.Branches = append(r.Branches, "crosslink/"+replay.LedgerName)
	if private != "" {
		ups = append(ups, refs.Update{Ref: replay.HereRoot + replay.LedgerName, Old: private})
	}
	return p, ups, nil
}

// foundWithoutAtomic pushes meta alone first where the server knows no atomic
// push: whoever gets that ref has made the hub.
func (t *Tracker) foundWithoutAtomic(ctx context.Context, p refs.Push, r *InitReport, ups []refs.Update, first *refs.PushResult) (*InitReport, bool, error) {
	res, err := t.clone.PushPatiently(ctx, refs.Push{Refs: p.Refs[:1]}, clone.Founding)
	if err != nil {
		return nil, false, err
	}
	if !res.Reached {
		e := &fail.Error{Kind: fail.Denied, Code: "read-only", Message: fmt.Sprintf("the remote '%s' takes no pushes from you", t.clone.Hub.Name)}
		if t.clone.Hub.PushURL != "" {
			e.Code, e.Message = "read-only/push-url", t.clone.Hub.TakesNone()
		}
		e.Fields = fail.Fields{"remote": t.clone.Hub.Name, "url": t.clone.Hub.Shown(), "git": hubs.Gist(first.Stderr)}
		return nil, false, e
	}
	if !hubs.AllAccepted(refs.Push{Refs: p.Refs[:1]}, res) {
		return nil, true, nil
	}
	if err := t.clone.Local().Swap(ctx, ups[:2]); err != nil {
		return nil, false, fmt.Errorf("record the hub: %w", err)
	}
	if err := errors.Join(t.clone.Contact.Founded(t.clone.Hub, r.Hub), t.clone.Contact.Remember(func(c *hubs.Note) { c.NoAtomic = true })); err != nil {
		return nil, false, err
	}
	out, err := t.exchange.Publish(ctx, drive.Run{Task: t.clone.Task(true, true)})
	r.Sent = out.Sent
	return r, false, err
}

// takeBack deletes what a push has just made in another repository than the
// hub, each branch only as it was made, and says so.
func (t *Tracker) takeBack(ctx context.Context, p refs.Push, branches []string) error {
	back := refs.Push{Atomic: true}
	for _, r := range p.Refs {
		back.Refs = append(back.Refs, refs.PushRef{Dst: r.Dst, Lease: &r.Src})
	}
	e := t.clone.Hub.ApartError(t.clone.Contact)
	if res, err := t.clone.PushPatiently(ctx, back, clone.Founding); err != nil || !hubs.AllAccepted(back, res) {
		e.Message += fmt.Sprintf(": it holds %s now", strings.Join(branches, ", "))
	} else {
		e.Message += ": what was made there was taken back"
	}
	return e
}

// lostRace reports whether an atomic push, every ref of it under a lease, did
// not land because others were faster. What git refused here, before anything
// was sent, the hub has changed; what the hub refused was a race if a ref is no
// longer what the lease expects, and a rule if all are.
func (t *Tracker) lostRace(ctx context.Context, p refs.Push, res *refs.PushResult) (bool, error) {
	if hubs.RefusedBy(res) == "" {
		return true, nil
	}
	if err := t.exchange.Fetch(ctx); err != nil {
		return true, hubs.NotReached(err) // whoever looks again says so
	}
	there, err := t.clone.Link.Incoming(ctx)
	for _, r := range p.Refs {
		if there[strings.TrimPrefix(r.Dst, replay.HereRoot)] != *r.Lease {
			return true, err
		}
	}
	return false, err
}
