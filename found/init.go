// Package found makes a remote the hub of a tracker, or joins the one that is there,
// puts all back on one that was lost, and gives a fork a hub of its own.
package found

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/ownlog"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/syncer/drive"
)

// Founder is a clone that gets a hub, or another one.
type Founder struct {
	*ownlog.Writer
}

// InitOptions say which repository becomes the hub.
type InitOptions struct {
	Remote string // name of a remote; "" chooses origin, else the only one
	Self   bool   // make this repository itself the hub
	Join   bool   // join a hub although this repository gave out numbers of its own

	// From is the state that a new tracker starts from; nil is an empty one. There
	// may be no other tracker then.
	From   *ledger.Base
	Source string // what From was read from, for people
}

// InitReport is what init has found or created.
type InitReport struct {
	Remote   string   `json:"remote"` // "" where there is none
	URL      string   `json:"url,omitempty"`
	Hub      string   `json:"hub"`
	Created  bool     `json:"created"`            // else there was one already
	Already  bool     `json:"already"`            // this clone had joined it before
	Branches []string `json:"branches,omitempty"` // made on the remote
	Restored bool     `json:"restored,omitempty"` // the hub had lost its branches: they are back
	Moved    bool     `json:"moved,omitempty"`    // with restored: the remote's URL leads to a repository that had none of the branches
	Sent     int      `json:"sent"`               // events published with it
	// Renumbered are the issues whose private numbers ended with the joining.
	Renumbered []Renumbered `json:"renumbered,omitempty"`
	Agent      string       `json:"agent,omitempty"`
}

// Renumbered is an issue whose private number ended.
type Renumbered struct {
	Was   uint64 `json:"was"`
	UUID  string `json:"uuid"`
	Short string `json:"short"`
	Title string `json:"title"`
}

// chooseFor chooses the hub for init: what was chosen before stands, unless
// nothing was found there yet.
func (f *Founder) chooseFor(ctx context.Context, o InitOptions) error {
	known := f.Contact.Hub != "" && f.Hub != nil
	switch {
	case o.Self && known && !f.Hub.Self:
		return f.Hub.ChosenError("hub-chosen", "")
	case o.Self || o.Remote == "" && f.Outer.Bare && f.Hub == nil && f.Unchosen() == nil:
		if o.Self && !f.IsHub(ctx) {
			if err := f.Outer.SetConfig(ctx, "crosslink.hub", "true"); err != nil {
				return f.Unwritable(fmt.Errorf("set 'crosslink.hub': %w", err))
			}
		}
		f.ChooseHub(true)
	case o.Remote == "" || f.Hub != nil && f.Hub.Name == o.Remote:
	case !slices.Contains(f.Conf.Remotes(), o.Remote):
		return hubs.NoSuchRemote(o.Remote)
	case f.IsHub(ctx):
		return f.Hub.ChosenError("hub-chosen", "")
	case o.Join && known && hubs.Said(f.Conf) == "" && f.isSuccessor(ctx, o.Remote):
		return nil // Init turns to it
	case known && hubs.URLOf(f.Conf, o.Remote) != f.Hub.Shown(), hubs.Said(f.Conf) != "":
		return f.Hub.ChosenError("hub-chosen/look", o.Remote)
	default:
		f.Contact.Remote = o.Remote
		f.ChooseHub(false)
	}
	return f.Chosen()
}

// isSuccessor reports whether a remote is where this clone's hub, which has moved,
// continues.
func (f *Founder) isSuccessor(ctx context.Context, remote string) bool {
	if f.Replica == nil {
		return false
	}
	s, err := f.Reads.Load(ctx)
	return err == nil && s.Successor() != "" && s.Successor() == hubs.URLOf(f.Conf, remote)
}

// Init makes the remote a hub, or joins the one that is there. The hub comes
// into being in one atomic push of meta and of every log written here, which
// expects that there is none yet: of two that try at once, one makes it and
// the other joins.
func (f *Founder) Init(ctx context.Context, o InitOptions) (report *InitReport, err error) {
	if err := f.chooseFor(ctx, o); err != nil {
		return nil, err
	}
	if err := f.MayName(); err != nil {
		return nil, f.Unwritable(err)
	}
	if err := f.EnsureReplica(ctx); err != nil {
		return nil, f.Unwritable(err)
	}
	if f.Hub == nil {
		r, err := f.initPrivate(ctx, o.From)
		return r, f.Unwritable(err)
	}
	private, err := f.privateNumbers(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.Join && o.Remote != "" && f.Hub.Name != o.Remote {
		stay := f.turnTo(o.Remote)
		defer func() { err = errors.Join(err, stay(err)) }()
	}
	f.Reads.Join(o.Join)
	f.Link.MayAsk(f.Options.Ask)
	unlock, err := f.LockHub(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	joined, err := f.Local().Refs(ctx, replay.HubRoot+replay.MetaName)
	if err != nil {
		return nil, err
	}
	followed := false // it went over to the hub that was detached
	for range clone.Tries {
		r, again, err := f.initOnce(ctx, o, &followed)
		if err == nil && !again {
			r.Already = len(joined) > 0 && !r.Created && private == nil && !followed
		}
		if r != nil && !r.Created {
			r.Renumbered = private
		}
		if err == nil && !again {
			var s *reading.Snapshot
			if s, err = f.Reads.Load(ctx); err == nil {
				f.TellDecided(s.View, event.UUID{})
			}
		}
		if err != nil || !again {
			return r, err
		}
	}
	return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "init-race", Message: fmt.Sprintf("the hub on '%s' kept changing; nothing is lost", f.Hub.Name)}
}

// initPrivate starts the tracker of a repository without a remote.
func (f *Founder) initPrivate(ctx context.Context, from *ledger.Base) (*InitReport, error) {
	s, err := f.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	if f.Agent, err = f.SettleAgent(ctx); err != nil {
		return nil, err
	}
	made := s.Log(f.Agent) == nil
	if made {
		if s, err = f.Introduce(ctx, &clone.Signing{}); err != nil {
			return nil, err
		}
	}
	if s, err = f.startFrom(ctx, s, from); err != nil {
		return nil, err
	}
	return &InitReport{Hub: s.Hub, Created: made, Already: !made, Agent: f.Agent}, nil
}

func (f *Founder) initOnce(ctx context.Context, o InitOptions, followed *bool) (r *InitReport, again bool, err error) {
	got, err := f.FetchFor(ctx, exchange.Wants{Pin: true, Mend: true, Join: o.Join})
	if err != nil {
		var re *refs.RemoteError
		if errors.As(err, &re) {
			e := f.Unfetched(re)
			if e.Kind = fail.Fatal; re.NoConnection {
				e.Message = fmt.Sprintf("the remote '%s' is not reachable", f.Hub.Name)
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
	s, err := f.Reads.Load(ctx)
	if err != nil {
		return nil, false, err
	}
	if err := f.RefuseLevel(s); err != nil && !(o.Join && f.Contact.Detached) {
		return nil, false, err
	}
	if s.Bound && f.Contact.NoMeta {
		if f.Agent, err = f.SettleAgent(ctx); err != nil {
			return nil, false, f.Unwritable(err)
		}
		r, err := f.restore(ctx, s)
		return r, false, err
	}
	switch {
	case f.Contact.Other == "":
	case o.Join && f.Contact.Detached:
		*followed = true
		if got, err = f.followDetached(ctx); err != nil {
			return nil, false, err
		}
		if s, err = f.Reads.Load(ctx); err != nil {
			return nil, false, err
		}
	default:
		return nil, false, f.ElsewhereError()
	}
	if s.Apart {
		return nil, false, f.loseStart(ctx, s, o)
	}
	if s.Bound {
		if _, err := f.startFrom(ctx, s, o.From); err != nil {
			return nil, false, err
		}
		if f.Agent, err = f.SettleAgent(ctx); err != nil {
			return nil, false, f.Unwritable(err)
		}
		return f.join(ctx, s, got.Lost)
	}
	if s.AllRefs[replay.IncomingRoot+replay.MetaName] != "" {
		return nil, false, &fail.Error{Kind: fail.Fatal, Code: "hub-meta",
			Message: fmt.Sprintf("the tracker on '%s' has invalid meta data: nothing was written there", f.Hub.Name)}
	}
	heads, err := f.Link.HasRoom(ctx, f.Agent, f.Outer.HasRef)
	if err != nil {
		return nil, false, err
	}
	if err := f.Link.OneRepository(ctx, heads); err != nil {
		return nil, false, err
	}
	if f.Agent, err = f.SettleAgent(ctx); err != nil {
		return nil, false, f.Unwritable(err)
	}
	if s, err = f.Introduce(ctx, &clone.Signing{}); err != nil {
		return nil, false, err
	}
	if s, err = f.startFrom(ctx, s, o.From); err != nil {
		return nil, false, err
	}
	return f.found(ctx, s)
}

// join reports the hub that is there and sends what was written before.
func (f *Founder) join(ctx context.Context, s *reading.Snapshot, lost hubs.Losses) (*InitReport, bool, error) {
	out, err := f.Publish(ctx, drive.Run{Task: f.Task(true, true), Lost: lost})
	if err != nil {
		return nil, false, err
	}
	if out.Reason != "" {
		f.Notice(f.Hub.Queued(f.Contact, out.Reason))
	}
	return &InitReport{Remote: f.Hub.Name, URL: f.Hub.Shown(), Hub: s.Meta.Hub, Sent: out.Sent, Agent: f.Agent}, false, nil
}

// found pushes meta and all logs at once, expecting every one of them absent.
func (f *Founder) found(ctx context.Context, s *reading.Snapshot) (r *InitReport, again bool, err error) {
	absent := refs.OID("")
	p := refs.Push{Atomic: true, Refs: []refs.PushRef{{Src: s.AllRefs[replay.HereRoot+replay.MetaName], Dst: replay.HereRoot + replay.MetaName, Lease: &absent}}}
	r = &InitReport{Remote: f.Hub.Name, URL: f.Hub.Shown(), Hub: s.Hub, Created: true, Agent: f.Agent, Branches: []string{"crosslink/" + replay.MetaName}}
	ups := []refs.Update{{Ref: replay.HubRoot + replay.MetaName, New: p.Refs[0].Src}, {Ref: replay.HereRoot + replay.MetaName, Old: p.Refs[0].Src}}
	for _, l := range s.Active() {
		id := l.Agent
		if l.Here == "" {
			continue
		}
		p.Refs = append(p.Refs, refs.PushRef{Src: l.Here, Dst: replay.HereRoot + replay.Agents + id, Lease: &absent})
		ups = append(ups, refs.Update{Ref: replay.HubRoot + replay.Agents + id, New: l.Here})
		r.Branches = append(r.Branches, "crosslink/"+replay.Agents+id)
		r.Sent += int(l.Seq)
	}
	if p, ups, err = f.foundLedger(ctx, s, p, ups, r); err != nil {
		return nil, false, err
	}
	res, err := f.PushPatiently(ctx, p, clone.Founding)
	if err != nil {
		return nil, false, err
	}
	if hubs.AllAccepted(p, res) {
		if there, err := f.Link.Arrived(ctx, p); err != nil {
			return nil, false, err
		} else if !there {
			return nil, false, f.takeBack(ctx, p, r.Branches)
		}
		if err := f.Local().Swap(ctx, ups); err != nil {
			return nil, false, fmt.Errorf("record the hub: %w", err)
		}
		return r, false, errors.Join(f.Contact.Founded(f.Hub, r.Hub), f.Contact.Welcomed())
	}
	if !res.Reached {
		return f.foundWithoutAtomic(ctx, p, r, ups, res)
	}
	if out, err := (hubs.Pushed{Push: p, Res: res}).Became(ctx, f.Look, nil); err != nil || out.Result == hubs.Raced {
		return nil, err == nil, err // somebody else was faster: look again
	}
	return nil, false, &fail.Error{Kind: fail.Denied, Code: "refused/init",
		Message: fmt.Sprintf("the remote '%s' refuses the tracker's branches: %s", f.Hub.Name, hubs.WhyRefused(res))}
}

// foundLedger adds the ledger to the push: the private one, so that a tracker
// that is published keeps its numbers, and the step that decides the rest.
func (f *Founder) foundLedger(ctx context.Context, s *reading.Snapshot, p refs.Push, ups []refs.Update, r *InitReport) (refs.Push, []refs.Update, error) {
	tips := map[string]string{}
	for _, l := range s.Active() {
		if l.Here != "" {
			tips[l.Agent] = string(l.Here)
		}
	}
	private := s.AllRefs[replay.HereRoot+replay.LedgerName]
	step, err := f.Decide(ctx, s, s.MetaCommit, tips)
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
// push: anybody who gets that ref has made the hub.
func (f *Founder) foundWithoutAtomic(ctx context.Context, p refs.Push, r *InitReport, ups []refs.Update, first *refs.PushResult) (*InitReport, bool, error) {
	res, err := f.PushPatiently(ctx, refs.Push{Refs: p.Refs[:1]}, clone.Founding)
	if err != nil {
		return nil, false, err
	}
	if !res.Reached {
		e := &fail.Error{Kind: fail.Denied, Code: "read-only", Message: fmt.Sprintf("the remote '%s' does not accept pushes from you", f.Hub.Name)}
		if f.Hub.PushURL != "" {
			e.Code, e.Message = "read-only/push-url", f.Hub.TakesNone()
		}
		e.Fields = fail.Fields{"remote": f.Hub.Name, "url": f.Hub.Shown(), "git": hubs.Gist(first.Stderr)}
		return nil, false, e
	}
	if !hubs.AllAccepted(refs.Push{Refs: p.Refs[:1]}, res) {
		return nil, true, nil
	}
	if err := f.Local().Swap(ctx, ups[:2]); err != nil {
		return nil, false, fmt.Errorf("record the hub: %w", err)
	}
	if err := errors.Join(f.Contact.Founded(f.Hub, r.Hub), f.Contact.Remember(func(c *hubs.Note) { c.NoAtomic = true })); err != nil {
		return nil, false, err
	}
	out, err := f.Publish(ctx, drive.Run{Task: f.Task(true, true)})
	r.Sent = out.Sent
	return r, false, err
}

// takeBack deletes what a push has just made in another repository than the
// hub, each branch only as it was made, and reports it.
func (f *Founder) takeBack(ctx context.Context, p refs.Push, branches []string) error {
	back := refs.Push{Atomic: true}
	for _, r := range p.Refs {
		back.Refs = append(back.Refs, refs.PushRef{Dst: r.Dst, Lease: &r.Src})
	}
	e := f.Hub.ApartError(f.Contact)
	if res, err := f.PushPatiently(ctx, back, clone.Founding); err != nil || !hubs.AllAccepted(back, res) {
		e.Message += fmt.Sprintf(": it holds %s now", strings.Join(branches, ", "))
	} else {
		e.Message += ": what was created there was removed again"
	}
	return e
}

// A repository without a remote decides numbers by itself. When it meets a hub
// that has numbers, too, its own would end; so the two are kept apart, and what
// is here stays in view, until somebody says 'init --join'.

// privateNumbers are the numbers that joining a hub would end.
func (f *Founder) privateNumbers(ctx context.Context, o InitOptions) ([]Renumbered, error) {
	if !o.Join {
		return nil, nil
	}
	s, err := f.Reads.Load(ctx)
	if err != nil || s.Bound || s.AllRefs[replay.HereRoot+replay.LedgerName] == "" {
		return nil, err
	}
	if s.Ledger.Base != "" {
		return nil, f.foundedError("")
	}
	rows, _, err := s.View.List(store.Filter{Status: "all", Sort: "number"})
	if err != nil {
		return nil, err
	}
	var ended []Renumbered
	for _, i := range rows {
		if i.Number != 0 {
			ended = append(ended, Renumbered{i.Number, i.UUID.String(), i.Short, i.Title})
		}
	}
	return ended, nil
}
