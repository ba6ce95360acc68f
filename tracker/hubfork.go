package tracker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/rewrite"
	"github.com/git-crosslink/git-crosslink/syncer/drive"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Detached is what Detach did.
type Detached struct {
	Remote string `json:"remote"`
	URL    string `json:"url"`
	Was    string `json:"was"` // the id of the hub it came from
	Hub    string `json:"hub"` // its own id now
	Logs   int    `json:"logs"`
	Events int    `json:"events"`
	Sent   int    `json:"sent"` // events that were sent before

	Admins  []string `json:"admins"`  // principals, as everywhere
	Signing string   `json:"signing"` // its policy now, which is the old hub's but for 'require'
	Open    bool     `json:"open"`
	Before  string   `json:"before"` // the old hub's signing
}

// A fork of a repository brings the tracker's branches along: two hubs with
// one id. Detach gives the one this clone lives on an id of its own. The rules
// are:
//
//   - every line is written again under the new id: same events, times, sequence
//     and author; signatures end, as with lines written before there was a hub;
//   - the ledger is decided again, step by step, from the same lines: what comes
//     out is compared, and unless every number and lock is what it was nothing
//     is written;
//   - meta begins anew and says where it comes from (trust.Origin), then what
//     the old one said of who may write (carried.go);
//   - all of it is one atomic push that expects the hub as it was just seen. The
//     logs go forward from the old ones; meta and ledger have to be replaced,
//     for their first commits have no past;
//   - other clones of the fork are told, and follow with 'init --join': what they
//     had not sent is carried over.
//
// remote names the fork; "" is the hub, if another remote is known to hold the
// original.
func (t *Tracker) Detach(ctx context.Context, remote string) (*Detached, error) {
	if err := t.chosen(); err != nil {
		return nil, err
	}
	if t.hub == nil {
		return nil, &fail.Error{Kind: fail.No, Code: "no-fork", Message: "there is no tracker on a remote: nothing was detached"}
	}
	switch {
	case remote == "" || remote == t.hub.Name:
	case !slices.Contains(t.conf.Remotes(), remote):
		return nil, hubs.NoSuchRemote(remote)
	case t.hub.Self:
		return nil, t.hub.ChosenError("hub-chosen", "")
	default:
		return nil, t.hub.ChosenError("hub-chosen/detach", remote)
	}
	agent, err := t.settleAgent(ctx)
	if err != nil {
		return nil, t.unwritable(err)
	}
	t.agent = agent
	if err := t.ensureReplica(ctx); err != nil { // a clone that has not been looked at yet
		return nil, t.unwritable(err)
	}
	unlock, ok, err := t.lockSync(ctx, SyncOptions{})
	if err != nil || !ok {
		return nil, err
	}
	defer unlock()
	sent := 0
	for range tries {
		d, again, err := t.detachOnce(ctx, remote, &sent)
		if err != nil || !again {
			return d, t.unwritable(err)
		}
	}
	return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "init-race/detach", Message: fmt.Sprintf("the hub on '%s' kept changing; nothing was detached", t.hub.Name)}
}

func (t *Tracker) detachOnce(ctx context.Context, remote string, sent *int) (d *Detached, again bool, err error) {
	lost, err := t.fetchFor(ctx, wants{})
	if err != nil {
		if re := (*refs.RemoteError)(nil); errors.As(err, &re) {
			return nil, false, t.unfetched(re)
		}
		return nil, false, err
	}
	if t.contact.Other != "" {
		return nil, false, t.elsewhereError()
	}
	out, err := t.publish(ctx, drive.Run{Task: t.task(true, true), Lost: lost})
	if err != nil {
		return nil, false, err
	}
	*sent += out.sent
	s, err := t.load(ctx)
	if err != nil {
		return nil, false, err
	}
	if err := t.mayDetach(ctx, s, remote, out.reason); err != nil {
		return nil, false, err
	}
	n, err := t.anew(ctx, s)
	if err != nil {
		return nil, false, err
	}
	p := refs.Push{Atomic: true}
	var ups []refs.Update
	for _, name := range slices.Sorted(maps.Keys(n.refs)) {
		was := s.refs[incomingRoot+name]
		p.Refs = append(p.Refs, refs.PushRef{Src: n.refs[name], Dst: headRoot + name, Lease: &was})
	}
	for name, old := range s.refs {
		if rest, ok := strings.CutPrefix(name, hubRoot); ok {
			ups = append(ups, refs.Update{Ref: name, Old: old, New: n.refs[rest]})
		}
	}
	res, err := t.pushPatiently(ctx, p, detaching)
	if err != nil || !hubs.AllAccepted(p, res) {
		if landed, again, err := t.detachOutcome(ctx, n, p, res, err); !landed {
			return nil, again, err
		}
	}
	if err := t.switchTo(ctx, s, n.hub, ups); err != nil {
		return nil, false, err
	}
	m := n.roll.Meta
	return &Detached{Remote: t.hub.Name, URL: t.hub.Shown(), Was: s.hubID(), Hub: n.hub, Logs: n.logs, Events: n.events, Sent: *sent,
		Admins: append([]string{}, m.Admins...), Signing: m.Signing, Open: m.Open, Before: s.meta.Signing}, false, t.bind(ctx)
}

// detachOutcome is what became of a push that was not answered with a yes.
func (t *Tracker) detachOutcome(ctx context.Context, n *anewHub, p refs.Push, res *refs.PushResult, pushed error) (landed, again bool, err error) {
	if ctx.Err() != nil {
		return false, false, pushed
	}
	if res != nil && len(res.Refs) > 0 {
		if lost, err := t.lostRace(ctx, p, res); lost || err != nil {
			return false, err == nil, err
		}
		return false, false, &fail.Error{Kind: fail.Denied, Code: "refused/detach",
			Message: fmt.Sprintf("the remote '%s' refuses it: %s; nothing was detached", t.hub.Name, hubs.WhyRefused(res))}
	}
	if err := t.fetch(ctx); err != nil {
		re, ok := errors.AsType[*refs.RemoteError](err)
		if !ok {
			return false, false, err
		}
		return false, false, t.hub.Unanswered("unanswered/detach", "detached", hubs.GitWords(re))
	}
	there, err := t.local().Refs(ctx, incomingRoot+metaName)
	if err != nil || len(there) == 1 && there[0].OID == n.refs[metaName] {
		return err == nil, false, err
	}
	if pushed != nil {
		return false, false, pushed
	}
	return false, false, &fail.Error{Kind: fail.Denied, Code: "read-only", Message: fmt.Sprintf("the remote '%s' takes no such push from you: nothing was detached", t.hub.Name),
		Fields: fail.Fields{"git": hubs.Gist(res.Stderr)}}
}

// mayDetach says what has to be so before anything is written.
func (t *Tracker) mayDetach(ctx context.Context, s *snapshot, remote, unsent string) error {
	switch err := t.refuseLevel(s); {
	case err != nil:
		return err
	case !s.bound || t.contact.NoMeta || s.meta == nil:
		return &fail.Error{Kind: fail.No, Code: "no-fork", Message: fmt.Sprintf("there is no tracker on '%s': nothing was detached", t.hub.Name)}
	case s.decidedState().Err != nil:
		return fmt.Errorf("judge the ledger: %w", s.decidedState().Err)
	case unsent != "" || s.unsent() > 0:
		return &fail.Error{Kind: fail.Unconfirmed, Code: "unsent", Message: fmt.Sprintf("not everything written here is on '%s' yet: nothing was detached", t.hub.Name)}
	case s.meta.Migrated != nil:
		return &fail.Error{Kind: fail.Fatal, Code: "cannot-detach/migrated", Message: "this hub was migrated from an older level; it cannot be detached by this version"}
	}
	if remote != "" {
		return nil
	}
	twins, err := t.twins(ctx, s)
	if err != nil || len(twins) > 0 {
		return err
	}
	return &fail.Error{Kind: fail.No, Code: "no-fork/detach", Message: "no other repository with this tracker is known here: nothing was detached",
		Fields: fail.Fields{"remote": t.hub.Name}}
}

// switchTo makes this clone one of another hub: what was believed of the old
// one is set aside, and ups, if any, say what is known of the new one.
func (t *Tracker) switchTo(ctx context.Context, s *snapshot, hubID string, ups []refs.Update) error {
	known := map[string]bool{}
	for _, u := range ups {
		known[u.Ref] = true
	}
	for name, old := range s.refs {
		switch {
		case strings.HasPrefix(name, hubRoot):
			if !known[name] {
				ups = append(ups, refs.Update{Ref: name, Old: old})
			}
			if aside := "refs/before/" + s.hubID() + "/" + strings.TrimPrefix(name, hubRoot); s.refs[aside] == "" {
				ups = append(ups, refs.Update{Ref: aside, New: old})
			}
		case strings.HasPrefix(name, lostRoot), strings.HasPrefix(name, "refs/trusted/"):
			ups = append(ups, refs.Update{Ref: name, Old: old})
		}
	}
	if err := t.local().Swap(ctx, ups); err != nil {
		return fmt.Errorf("go over to the hub %s: %w", hubID, err)
	}
	t.loaded = nil
	return t.contact.Founded(t.hub, hubID)
}

// followDetached goes over to the hub that the remote's tracker has become.
func (t *Tracker) followDetached(ctx context.Context) (hubs.Losses, error) {
	s, err := t.load(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.switchTo(ctx, s, t.contact.Other, nil); err != nil {
		return nil, err
	}
	t.followed = true
	return t.fetchFor(ctx, wants{pin: true, mend: true})
}

// detachedFrom reports whether a meta commit says that its hub was detached
// from the one of that id.
func (t *Tracker) detachedFrom(ctx context.Context, tip refs.OID, id string) bool {
	if tip == "" {
		return false
	}
	files, err := refs.ReadFiles(ctx, t.local(), tip, replay.MetaLimit)
	if err != nil {
		return false
	}
	m, err := trust.DecodeMeta(files["hub.json"])
	if err != nil {
		return false
	}
	o, ok := m.Origin()
	return ok && o.Hub == id
}

// anewHub is a hub that is written again under an id of its own.
type anewHub struct {
	hub          string
	refs         map[string]refs.OID // what its branches are, by name below crosslink/
	roll         *trust.State
	logs, events int
}

// anew writes this hub again under a new id. No ref moves.
func (t *Tracker) anew(ctx context.Context, s *snapshot) (*anewHub, error) {
	meta, hub, err := t.anewMeta(ctx, s)
	if err != nil {
		return nil, err
	}
	n := &anewHub{hub: hub, refs: map[string]refs.OID{metaName: meta}}
	w := &rewriting{t: t, s: s, hub: hub, tips: map[string]refs.OID{}, chains: map[string]*event.Chain{}, hashes: map[string]rewritten{}}
	step, err := w.ledger(ctx, meta)
	if err != nil {
		return nil, err
	}
	if step != "" {
		n.refs[checkpointName] = step
	}
	for _, id := range s.agents() {
		l := s.logs[id]
		tip, err := w.upTo(ctx, id, l.chain.Seq)
		if err != nil {
			return nil, err
		}
		if tip == "" {
			continue
		}
		// forward from the old log, which so stays to be found
		tip, err = refs.Recommit(ctx, t.local(), tip, []refs.OID{l.hub, tip}, refs.CommitInfo{
			Address: t.committer(), Author: id, When: t.now(), Message: fmt.Sprintf("crosslink: %s detached to hub %s\n\n[skip ci]\n", id, hub)})
		if err != nil {
			return nil, err
		}
		n.refs[agentLogs+id] = tip
		n.logs, n.events = n.logs+1, n.events+int(l.chain.Seq)
	}
	second, roll, err := t.carried(ctx, s, meta, w.hashes)
	if err != nil {
		return nil, err
	}
	if n.roll = roll; second != "" {
		n.refs[metaName] = second
	}
	return n, nil
}

// anewMeta writes the first meta commit of the new hub.
func (t *Tracker) anewMeta(ctx context.Context, s *snapshot) (refs.OID, string, error) {
	blank := &snapshot{}
	up, err := t.provisionalMeta(ctx, blank)
	if err != nil {
		return "", "", err
	}
	files, err := refs.ReadFiles(ctx, t.local(), up.New, replay.MetaLimit)
	if err != nil {
		return "", "", err
	}
	m := *blank.meta
	m.SetOrigin(trust.Origin{Hub: s.hubID(), Meta: string(s.refs[hubRoot+metaName]), Step: s.decidedState().Step})
	files["hub.json"] = m.Encode()
	delete(files, "meta.sig") // of the other bytes; a first commit needs none
	tip, err := refs.WriteCommit(ctx, t.local(), files, nil, refs.CommitInfo{Address: t.committer(), Author: t.agent, When: t.now(),
		Message: fmt.Sprintf("crosslink: hub %.8s, detached from %.8s\n\n[skip ci]\n", m.Hub, s.hubID())})
	return tip, m.Hub, err
}

// rewriting writes logs again, as far as each step of the ledger needs them.
type rewriting struct {
	t      *Tracker
	s      *snapshot
	hub    string
	tips   map[string]refs.OID
	chains map[string]*event.Chain
	hashes map[string]rewritten
}

// upTo writes the log of an agent up to a sequence and returns its tip.
func (w *rewriting) upTo(ctx context.Context, id string, seq uint64) (refs.OID, error) {
	l, c := w.s.logs[id], w.chains[id]
	if c == nil {
		c = &event.Chain{Hub: w.hub, Agent: id}
		w.chains[id] = c
	}
	if l == nil || seq > l.chain.Seq {
		return "", fmt.Errorf("the log of '%s' is not here up to event %d", id, seq)
	}
	if c.Seq >= seq {
		return w.tips[id], nil
	}
	all, err := w.t.linesOf(ctx, l)
	if err != nil || uint64(len(all)) < seq {
		return "", cmp.Or(err, fmt.Errorf("the log of '%s' is not here up to event %d", id, seq))
	}
	next, lines, err := rewrite.Lines(all[c.Seq:seq], rewrite.Plan{On: *c, KeepKeys: true})
	if err != nil {
		return "", err
	}
	*c = next
	for _, line := range lines {
		w.hashes[id] = append(w.hashes[id], event.Hash(line))
	}
	tip, err := refs.AppendLog(ctx, w.t.local(), id, w.tips[id], lines, refs.CommitInfo{
		Address: w.t.committer(), Author: id, When: c.Time.Std(), Message: fmt.Sprintf("crosslink: %s up to %d for hub %s\n\n[skip ci]\n", id, seq, w.hub)})
	w.tips[id] = tip
	return tip, err
}

// ledger decides everything again, step by step; "" if nothing was decided.
func (w *rewriting) ledger(ctx context.Context, meta refs.OID) (refs.OID, error) {
	was := w.s.ledger()
	if was.view.Step == "" {
		return "", nil
	}
	var chain []string
	from := replay.NewSteps(ctx, w.t.local(), w.s.hubID())
	for id := was.view.Step; id != ""; {
		chain = append(chain, id)
		parents, err := from.Parents(id)
		if err != nil {
			return "", err
		}
		if id = ""; len(parents) > 0 {
			id = parents[0]
		}
	}
	root, err := w.t.root(ctx, &snapshot{meta: &trust.Meta{Hub: w.hub}, logs: w.s.logs})
	if err != nil {
		return "", err
	}
	r := ledger.NewReader(replay.NewSteps(ctx, w.t.local(), w.hub), w.hub)
	view, err := r.Read(string(root))
	if err != nil {
		return "", err
	}
	for _, id := range slices.Backward(chain[:len(chain)-1]) {
		old, err := was.reader.Read(id)
		if err != nil {
			return "", err
		}
		if old.Step != id || old.Ledger.Merged != "" {
			return "", cannotDetach("it holds steps that nobody believes, or that bring back what a hub lost")
		}
		plan := ledger.Plan{On: view, Meta: string(meta), By: w.t.author(w.s), At: old.Ledger.WrittenAt, Logs: map[string]string{}}
		for agent, at := range old.Ledger.Positions() {
			if c := w.chains[agent]; c == nil || c.Seq < at.Seq {
				tip, err := w.upTo(ctx, agent, at.Seq)
				if err != nil {
					return "", err
				}
				plan.Logs[agent] = string(tip)
			}
		}
		draft, err := r.Next(plan)
		if err != nil {
			return "", err
		}
		if draft == nil {
			return "", cannotDetach("a step of it decides nothing")
		}
		var parents []refs.OID
		for _, p := range draft.Parents {
			parents = append(parents, refs.OID(p))
		}
		tip, err := refs.WriteChanges(ctx, w.t.local(), refs.OID(draft.On.Step), draft.Files(), parents, refs.CommitInfo{
			Address: w.t.committer(), Author: w.t.author(w.s), When: w.t.now(), Message: fmt.Sprintf("crosslink: ledger %d\n\n[skip ci]\n", draft.Ledger.Sequence)})
		if err != nil {
			return "", err
		}
		if view, err = r.Read(string(tip)); err != nil {
			return "", err
		}
	}
	if a, b := was.view.Ledger, view.Ledger; view.Step != view.Tip || !slices.Equal(a.Issues(), b.Issues()) || !slices.Equal(a.Milestones(), b.Milestones()) ||
		!maps.Equal(a.Locks, b.Locks) || !maps.EqualFunc(a.Queue, b.Queue, slices.Equal) {
		return "", cannotDetach("decided again it gives other numbers or locks")
	}
	return refs.OID(view.Tip), nil
}

func cannotDetach(why string) error {
	return &fail.Error{Kind: fail.Fatal, Code: "cannot-detach", Message: "the ledger cannot be written again under another id: " + why + "; nothing was detached"}
}
