package found

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/migrate"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/rewrite"
	"github.com/git-crosslink/git-crosslink/trust"
)

// A tracker that has grown for years continues on a new hub, which starts from what the
// old one shows, without its history. The rules are
// (docs/decisions/0043-a-moved-hub-names-its-successor.md):
//
//   - first an admin marks the old hub as moved: its meta names the successor. From then on
//     nobody writes there, so what is read of it afterward is all there is;
//   - the new hub is one atomic push of meta, ledger and the founder's log, which
//     expects that there is none; of two that roll at once, one makes it;
//   - the new meta says where the hub comes from, as that of a detached one does, and
//     keeps keys, admins and revocations. It is open until the rest is written;
//   - a clone that changes over keeps what the old hub has under refs/before, and takes
//     along what it had not sent.

// Roll makes the hub on another remote that continues this clone's, which has
// moved, and changes over to it. It may be called again after a crash.
func (f *Founder) Roll(ctx context.Context, o InitOptions) (r *InitReport, err error) {
	unlock, err := f.LockHub(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	s, err := f.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	if from, ok := originOf(s); ok && from == f.Contact.Hub { // it was killed before it noted that it had changed over
		f.turnTo(o.Remote)
		return &InitReport{Remote: f.Hub.Name, URL: f.Hub.Shown(), Hub: s.Hub, Agent: f.Agent}, f.Contact.Founded(f.Hub, s.Hub)
	}
	if s.Meta == nil || s.Meta.Successor() == "" || s.Meta.Successor() != hubs.URLOf(f.Conf, o.Remote) {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "not-moved", Message: fmt.Sprintf("the hub on '%s' does not name '%s' as its successor: nothing was created", f.HubName(), o.Remote)}
	}
	if f.Agent, err = f.SettleAgent(ctx); err != nil {
		return nil, f.Unwritable(err)
	}
	stay := f.turnTo(o.Remote)
	defer func() { err = errors.Join(err, stay(err)) }()
	n, err := f.successor(ctx, s, o)
	if err != nil {
		return nil, err
	}
	absent := refs.OID("")
	p := refs.Push{Atomic: true}
	var ups []refs.Update
	for _, name := range slices.Sorted(maps.Keys(n.refs)) {
		p.Refs = append(p.Refs, refs.PushRef{Src: n.refs[name], Dst: replay.HereRoot + name, Lease: &absent})
		ups = append(ups, refs.Update{Ref: replay.HubRoot + name, Old: s.AllRefs[replay.HubRoot+name], New: n.refs[name]})
	}
	pushed := hubs.Pushed{Push: p}
	pushed.Res, pushed.Err = f.PushPatiently(ctx, p, clone.Founding)
	out, err := pushed.Became(ctx, f.Look, nil)
	switch {
	case err != nil:
		return nil, err
	case out.Result == hubs.Landed:
		if err := f.changeOver(ctx, s, n.hub, ups); err != nil {
			return nil, err
		}
		return &InitReport{Remote: f.Hub.Name, URL: f.Hub.Shown(), Hub: n.hub, Created: true, Agent: f.Agent}, nil
	case out.Result == hubs.Raced: // by somebody else, or by this clone before it was killed
		return f.follow(ctx)
	case out.Result == hubs.Refused:
		return nil, &fail.Error{Kind: fail.Denied, Code: "refused/init", Message: fmt.Sprintf("the remote '%s' refuses the tracker's branches: %s", f.Hub.Name, hubs.WhyRefused(pushed.Res))}
	case out.Result == hubs.Unknown:
		return nil, f.Hub.Unanswered("unanswered/init", "created", hubs.GitWords(out.Unasked))
	}
	return nil, &fail.Error{Kind: fail.Denied, Code: "read-only", Message: fmt.Sprintf("the remote '%s' does not accept pushes from you", f.Hub.Name),
		Fields: fail.Fields{"remote": f.Hub.Name, "url": f.Hub.Shown(), "git": hubs.Gist(pushed.Res.Stderr)}}
}

// originOf is the id of the hub that the one of s came from.
func originOf(s *reading.Snapshot) (hub string, ok bool) {
	if s.Meta == nil || !s.Bound {
		return "", false
	}
	from, ok := s.Meta.Origin()
	return from.Hub, ok
}

// turnTo has this clone talk with another remote. stay turns back where that came to
// nothing.
func (f *Founder) turnTo(remote string) (stay func(error) error) {
	was, url := f.Contact.Remote, f.Contact.URL
	f.Contact.Remote, f.Contact.URL = remote, hubs.URLOf(f.Conf, remote)
	f.ChooseHub(false)
	return func(err error) error {
		if err == nil {
			return nil
		}
		err = f.Contact.Remember(func(n *hubs.Note) { n.Remote, n.URL, n.Other, n.NoMeta = was, url, "", false })
		f.ChooseHub(false)
		return err
	}
}

// Taken reports whether a remote has a tracker. It fails if that cannot be found out.
func (f *Founder) Taken(ctx context.Context, remote string) (bool, error) {
	if !slices.Contains(f.Conf.Remotes(), remote) {
		return false, hubs.NoSuchRemote(remote)
	}
	stay := f.turnTo(remote)
	heads, err := f.Link.Heads(ctx, f.Link.Remote())
	if err != nil {
		err = &fail.Error{Kind: fail.Fatal, Code: "unreachable/init", Err: err, Message: fmt.Sprintf("the remote '%s' is not reachable", remote)}
	}
	_, taken := heads[replay.HereRoot+replay.MetaName]
	return taken, errors.Join(err, stay(errTurnBack))
}

var errTurnBack = errors.New("only a look")

// follow changes over to the successor that is on the remote already.
func (f *Founder) follow(ctx context.Context) (*InitReport, error) {
	if _, err := f.FetchFor(ctx, exchange.Wants{Pin: true, Mend: true, Join: true}); err != nil {
		return nil, err
	}
	if !f.Contact.Detached {
		return nil, f.ElsewhereError()
	}
	if _, err := f.followDetached(ctx); err != nil {
		return nil, err
	}
	s, err := f.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	return &InitReport{Remote: f.Hub.Name, URL: f.Hub.Shown(), Hub: s.Hub, Agent: f.Agent}, nil
}

// next is a hub that was written as objects.
type next struct {
	hub  string
	refs map[string]refs.OID // by name below crosslink/
}

// successor writes the hub that continues s and starts from a base.
func (f *Founder) successor(ctx context.Context, s *reading.Snapshot, o InitOptions) (*next, error) {
	k, err := f.Key(agents.Request{Agent: f.Agent, InForce: s.Keys(f.Agent)})
	if err != nil || k == nil {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "no-admin-key", Err: err, Message: fmt.Sprintf("'%s' has no key, and would be the admin of the new hub: nothing was created", f.Agent)}
	}
	base, err := ledger.EncodeBase(o.From)
	if err != nil {
		return nil, err
	}
	w := migrate.Writer{Local: f.Local(), Hub: uuid.NewString(), Agent: f.Agent, Address: f.Committer(), Now: f.Now()}
	m := trust.Meta{Version: replay.FormatVersion, Hub: w.Hub, CreatedAt: event.TimeOf(w.Now), Base: event.Hash(base)}
	m.SetOrigin(trust.Origin{Hub: s.Hub, Meta: string(s.MetaCommit), Step: s.Ledger.Step})
	files := agents.Founding(ctx, m, f.Agent, k)
	first, err := trust.FirstMeta(files)
	if err != nil {
		return nil, fmt.Errorf("make the hub's meta: %w", err)
	}
	n := &next{hub: w.Hub, refs: map[string]refs.OID{}}
	if n.refs[replay.LedgerName], err = w.Root(ctx, base); err != nil {
		return nil, err
	}
	meta, err := w.Meta(ctx, files)
	if err != nil {
		return nil, err
	}
	c := agents.NewChange(first)
	c.Meta.PolicyExtra = s.Roll.Meta.PolicyExtra
	for _, x := range s.Roll.Signers.All() {
		c.Signers = c.Signers.With(x)
	}
	for _, p := range s.Roll.Meta.Admins {
		if !slices.Contains(c.Meta.Admins, p) {
			c.Meta.Admins = append(c.Meta.Admins, p)
		}
	}
	for id, r := range s.Roll.Meta.Revoked {
		if id != f.Agent { // of a log without lines
			c.Meta.Revoked[id] = trust.Revocation{Reason: r.Reason}
		}
	}
	if n.refs[replay.MetaName] = meta; !c.Nothing() {
		if files, _, err = c.Files(ctx, k); err != nil {
			return nil, fmt.Errorf("take over who may write: %w", err)
		}
		if n.refs[replay.MetaName], err = refs.WriteCommit(ctx, f.Local(), files, []refs.OID{meta}, refs.CommitInfo{Address: w.Address, Author: f.Agent, When: w.Now,
			Message: fmt.Sprintf("crosslink: %s takes over what hub %.8s trusted\n\n[skip ci]\n", f.Agent, s.Hub)}); err != nil {
			return nil, err
		}
	}
	chain := event.Chain{Hub: w.Hub, Agent: f.Agent}
	agents.SignWith(ctx, &chain, k)
	line, err := chain.Stamp(&event.Envelope{Body: f.Identity().Introduction(k)}, event.TimeOf(w.Now), o.From.Newest())
	if err != nil {
		return nil, fmt.Errorf("introduce '%s': %w", f.Agent, err)
	}
	n.refs[replay.Agents+f.Agent], err = refs.AppendLog(ctx, f.Local(), f.Agent, "", [][]byte{line}, refs.CommitInfo{Address: w.Address, Author: f.Agent, When: w.Now,
		Message: fmt.Sprintf("crosslink: %s 1 AgentIntroduced\n\n[skip ci]\n", f.Agent), Next: 1})
	return n, err
}

// changeOver is switchTo from a hub that has moved: its lines are in what the new one
// starts from, so of the logs written here only what that hub never got goes along. From
// a hub whose migration was taken back all goes along.
func (f *Founder) changeOver(ctx context.Context, s *reading.Snapshot, hubID string, ups []refs.Update) error {
	for _, l := range s.Logs() {
		if l.Here == "" || l.Foreign {
			continue // those of no hub are bound to the new one as to any
		}
		tip, err := f.unsent(ctx, s, l)
		if err != nil {
			return err
		}
		ups = append(ups, refs.Update{Ref: replay.HereRoot + replay.Agents + l.Agent, Old: l.Here, New: tip})
		if kept := "refs/before/" + s.Hub + "/here/" + l.Agent; l.Here != l.Hub && s.AllRefs[kept] == "" {
			ups = append(ups, refs.Update{Ref: kept, New: l.Here})
		}
	}
	return f.switchTo(ctx, s, hubID, ups)
}

// unsent is a log of the lines that the hub to come lacks, "" if there are none.
func (f *Founder) unsent(ctx context.Context, s *reading.Snapshot, l *reading.Log) (refs.OID, error) {
	got := l.HubSeq
	if f.Contact.Again { // what that hub got is not in the one that was migrated again
		got = 0
	}
	switch {
	case l.Diverged && !f.Contact.Again:
		f.Notice(fail.Notice{Code: "log-aside", Text: fmt.Sprintf("the log of '%s' here and on the old hub are two histories: events that only this clone has were not taken along; they are kept as refs/before/%s/here/%s", l.Agent, s.Hub, l.Agent)})
		return "", nil
	case got > 0 && l.Here == l.Hub, l.View != l.Here:
		return "", nil
	}
	all, err := f.Reads.Good(ctx, l.Agent, l.Here)
	if err != nil || uint64(len(all)) <= got {
		return "", refs.IgnoreMissing(err)
	}
	rest := all[got:]
	if _, intro := all[0].Body.(*event.AgentIntroduced); intro && got > 0 {
		rest = slices.Concat(all[:1], rest)
	}
	// of no hub that there is, so that they are bound to whatever hub this clone has next
	_, lines, err := rewrite.Lines(rest, rewrite.Plan{On: event.Chain{Hub: uuid.NewString(), Agent: l.Agent}})
	if err != nil || len(lines) == 0 {
		return "", err
	}
	return refs.AppendLog(ctx, f.Local(), l.Agent, "", lines, refs.CommitInfo{Address: f.Committer(), Author: l.Agent, When: f.Now(),
		Message: fmt.Sprintf("crosslink: what hub %.8s did not get of %s\n\n[skip ci]\n", s.Hub, l.Agent)})
}
