package tracker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer/drive"
)

// tries bounds how often a command begins again because the hub was changed by
// others meanwhile.
const tries = 8

// Init makes the remote a hub, or joins the one that is there. The hub comes
// into being in one atomic push of meta and of every log written here, which
// expects that there is none yet: of two that try at once, one makes it and
// the other joins.
func (t *Tracker) Init(ctx context.Context, o InitOptions) (*InitReport, error) {
	if err := t.chooseFor(ctx, o); err != nil {
		return nil, err
	}
	if err := t.mayName(); err != nil {
		return nil, t.unwritable(err)
	}
	if err := t.ensureReplica(ctx); err != nil {
		return nil, t.unwritable(err)
	}
	if t.hub == nil {
		r, err := t.initPrivate(ctx)
		return r, t.unwritable(err)
	}
	private, err := t.privateNumbers(ctx, o)
	if err != nil {
		return nil, err
	}
	t.joining = o.Join
	t.reads.Join(o.Join)
	t.link.MayAsk(t.o.Ask)
	unlock, ok, err := t.lockSync(ctx, SyncOptions{})
	if err != nil || !ok {
		return nil, err
	}
	defer unlock()
	joined, err := t.local().Refs(ctx, hubRoot+metaName)
	if err != nil {
		return nil, err
	}
	followed := false // it went over to the hub that was detached
	for range tries {
		r, again, err := t.initOnce(ctx, &followed)
		if err == nil && !again {
			r.Already = len(joined) > 0 && !r.Created && private == nil && !followed
		}
		if r != nil && !r.Created {
			r.Renumbered = private
		}
		if err == nil && !again {
			var s *reading.Snapshot
			if s, err = t.reads.Load(ctx); err == nil {
				t.tellDecided(s.View, UUID{})
			}
		}
		if err != nil || !again {
			return r, err
		}
	}
	return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "init-race", Message: fmt.Sprintf("the hub on '%s' kept changing; nothing is lost", t.hub.Name)}
}

// initPrivate starts the tracker of a repository without a remote.
func (t *Tracker) initPrivate(ctx context.Context) (*InitReport, error) {
	s, err := t.reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	if t.agent, err = t.settleAgent(ctx); err != nil {
		return nil, err
	}
	made := s.Logs[t.agent] == nil
	if made {
		if s, err = t.introduce(ctx, &signing{}); err != nil {
			return nil, err
		}
	}
	return &InitReport{Hub: s.Hub, Created: made, Already: !made, Agent: t.agent}, nil
}

// introduce appends the first line of the own log: who writes here.
func (t *Tracker) introduce(ctx context.Context, how *signing) (*reading.Snapshot, error) {
	_, s, err := t.append(ctx, how, func(p Projection) ([]Body, error) { return nil, nil })
	if err != nil {
		return nil, err
	}
	if l := s.Logs[t.agent]; l != nil && l.Seq > 0 {
		return s, nil
	}
	_, ups, err := t.stamp(ctx, s, how, nil)
	if errors.Is(err, errAgain) {
		return t.introduce(ctx, how)
	}
	if err != nil {
		return nil, err
	}
	if err := t.local().SwapInOrder(ctx, ups); err != nil && !errors.Is(err, refs.ErrConflict) {
		return nil, err
	}
	return t.reads.Load(ctx)
}

func (t *Tracker) initOnce(ctx context.Context, followed *bool) (r *InitReport, again bool, err error) {
	lost, err := t.fetchFor(ctx, wants{pin: true, mend: true})
	if err != nil {
		var re *refs.RemoteError
		if errors.As(err, &re) {
			e := t.unfetched(re)
			if e.Kind = fail.Fatal; re.NoConnection {
				e.Message = fmt.Sprintf("the remote '%s' is not reachable", t.hub.Name)
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
	s, err := t.reads.Load(ctx)
	if err != nil {
		return nil, false, err
	}
	if err := t.refuseLevel(s); err != nil {
		return nil, false, err
	}
	if s.Bound && t.contact.NoMeta {
		if t.agent, err = t.settleAgent(ctx); err != nil {
			return nil, false, t.unwritable(err)
		}
		r, err := t.restore(ctx, s)
		return r, false, err
	}
	switch {
	case t.contact.Other == "":
	case t.joining && t.contact.Detached:
		*followed = true
		if lost, err = t.followDetached(ctx); err != nil {
			return nil, false, err
		}
		if s, err = t.reads.Load(ctx); err != nil {
			return nil, false, err
		}
	default:
		return nil, false, t.elsewhereError()
	}
	if s.Apart {
		return nil, false, t.apartError()
	}
	if s.Bound {
		if t.agent, err = t.settleAgent(ctx); err != nil {
			return nil, false, t.unwritable(err)
		}
		return t.join(ctx, s, lost)
	}
	if s.AllRefs[incomingRoot+metaName] != "" {
		return nil, false, &fail.Error{Kind: fail.Fatal, Code: "hub-meta",
			Message: fmt.Sprintf("there is a tracker on '%s' whose meta is not to be believed: nothing was written there", t.hub.Name)}
	}
	heads, err := t.link.HasRoom(ctx, t.agent, t.outer.HasRef)
	if err != nil {
		return nil, false, err
	}
	if err := t.link.OneRepository(ctx, heads); err != nil {
		return nil, false, err
	}
	if t.agent, err = t.settleAgent(ctx); err != nil {
		return nil, false, t.unwritable(err)
	}
	if s, err = t.introduce(ctx, &signing{}); err != nil {
		return nil, false, err
	}
	return t.found(ctx, s)
}

// join reports the hub that is there and sends what was written before.
func (t *Tracker) join(ctx context.Context, s *reading.Snapshot, lost hubs.Losses) (*InitReport, bool, error) {
	out, err := t.publish(ctx, drive.Run{Task: t.task(true, true), Lost: lost})
	if err != nil {
		return nil, false, err
	}
	if out.reason != "" {
		t.notice(t.hub.Queued(t.contact, out.reason))
	}
	return &InitReport{Remote: t.hub.Name, URL: t.hub.Shown(), Hub: s.Meta.Hub, Sent: out.sent, Agent: t.agent}, false, nil
}

// found pushes meta and all logs at once, expecting every one of them absent.
func (t *Tracker) found(ctx context.Context, s *reading.Snapshot) (r *InitReport, again bool, err error) {
	absent := refs.OID("")
	p := refs.Push{Atomic: true, Refs: []refs.PushRef{{Src: s.AllRefs[headRoot+metaName], Dst: headRoot + metaName, Lease: &absent}}}
	r = &InitReport{Remote: t.hub.Name, URL: t.hub.Shown(), Hub: s.Hub, Created: true, Agent: t.agent, Branches: []string{"crosslink/" + metaName}}
	ups := []refs.Update{{Ref: hubRoot + metaName, New: p.Refs[0].Src}, {Ref: headRoot + metaName, Old: p.Refs[0].Src}}
	for _, id := range s.AgentIDs() {
		l := s.Logs[id]
		if l.Here == "" {
			continue
		}
		p.Refs = append(p.Refs, refs.PushRef{Src: l.Here, Dst: headRoot + agentLogs + id, Lease: &absent})
		ups = append(ups, refs.Update{Ref: hubRoot + agentLogs + id, New: l.Here})
		r.Branches = append(r.Branches, "crosslink/"+agentLogs+id)
		r.Sent += int(l.Seq)
	}
	if p, ups, err = t.foundLedger(ctx, s, p, ups, r); err != nil {
		return nil, false, err
	}
	res, err := t.pushPatiently(ctx, p, founding)
	if err != nil {
		return nil, false, err
	}
	if hubs.AllAccepted(p, res) {
		if there, err := t.link.Arrived(ctx, p); err != nil {
			return nil, false, err
		} else if !there {
			return nil, false, t.takeBack(ctx, p, r.Branches)
		}
		if err := t.local().Swap(ctx, ups); err != nil {
			return nil, false, fmt.Errorf("record the hub: %w", err)
		}
		return r, false, errors.Join(t.contact.Founded(t.hub, r.Hub), t.contact.Welcomed())
	}
	if !res.Reached {
		return t.foundWithoutAtomic(ctx, p, r, ups, res)
	}
	if lost, err := t.lostRace(ctx, p, res); lost || err != nil {
		return nil, err == nil, err // somebody else was faster: look again
	}
	return nil, false, &fail.Error{Kind: fail.Denied, Code: "refused/init",
		Message: fmt.Sprintf("the remote '%s' refuses the tracker's branches: %s", t.hub.Name, hubs.WhyRefused(res))}
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
	private := s.AllRefs[headRoot+checkpointName]
	step, err := t.decide(ctx, s, s.MetaCommit, tips)
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
	p.Refs = append(p.Refs, refs.PushRef{Src: step, Dst: headRoot + checkpointName, Lease: &absent})
	ups = append(ups, refs.Update{Ref: hubRoot + checkpointName, New: step})
	r.Branches = append(r.Branches, "crosslink/"+checkpointName)
	if private != "" {
		ups = append(ups, refs.Update{Ref: headRoot + checkpointName, Old: private})
	}
	return p, ups, nil
}

// foundWithoutAtomic pushes meta alone first where the server knows no atomic
// push: whoever gets that ref has made the hub.
func (t *Tracker) foundWithoutAtomic(ctx context.Context, p refs.Push, r *InitReport, ups []refs.Update, first *refs.PushResult) (*InitReport, bool, error) {
	res, err := t.pushPatiently(ctx, refs.Push{Refs: p.Refs[:1]}, founding)
	if err != nil {
		return nil, false, err
	}
	if !res.Reached {
		e := &fail.Error{Kind: fail.Denied, Code: "read-only", Message: fmt.Sprintf("the remote '%s' takes no pushes from you", t.hub.Name)}
		if t.hub.PushURL != "" {
			e.Code, e.Message = "read-only/push-url", t.hub.TakesNone()
		}
		e.Fields = fail.Fields{"remote": t.hub.Name, "url": t.hub.Shown(), "git": hubs.Gist(first.Stderr)}
		return nil, false, e
	}
	if !hubs.AllAccepted(refs.Push{Refs: p.Refs[:1]}, res) {
		return nil, true, nil
	}
	if err := t.local().Swap(ctx, ups[:2]); err != nil {
		return nil, false, fmt.Errorf("record the hub: %w", err)
	}
	if err := errors.Join(t.contact.Founded(t.hub, r.Hub), t.contact.Remember(func(c *hubs.Note) { c.NoAtomic = true })); err != nil {
		return nil, false, err
	}
	out, err := t.publish(ctx, drive.Run{Task: t.task(true, true)})
	r.Sent = out.sent
	return r, false, err
}

// takeBack deletes what a push has just made in another repository than the
// hub, each branch only as it was made, and says so.
func (t *Tracker) takeBack(ctx context.Context, p refs.Push, branches []string) error {
	back := refs.Push{Atomic: true}
	for _, r := range p.Refs {
		back.Refs = append(back.Refs, refs.PushRef{Dst: r.Dst, Lease: &r.Src})
	}
	e := t.hub.ApartError(t.contact)
	if res, err := t.pushPatiently(ctx, back, founding); err != nil || !hubs.AllAccepted(back, res) {
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
	if err := t.fetch(ctx); err != nil {
		return true, hubs.NotReached(err) // whoever looks again says so
	}
	there, err := t.link.Incoming(ctx)
	for _, r := range p.Refs {
		if there[strings.TrimPrefix(r.Dst, headRoot)] != *r.Lease {
			return true, err
		}
	}
	return false, err
}
