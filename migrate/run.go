package migrate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Options say how to migrate a hub.
type Options struct {
	DryRun      bool
	Numbers     []Wish   // settle which issue has which number
	AcceptEnded []string // agents of whose log, or 'hub' of whose files, what can be read is enough
}

// Wish is an Ask that names its issue as the user typed it.
type Wish struct {
	Issue  string
	Number uint64 // 0: the next one that is free
}

// Report is what a migration did, or would do.
type Report struct {
	Remote   string
	URL      string
	Already  bool   // the hub is of this program's format version
	From     int    // format version of the old hub
	Commit   string // its state was read from
	Hub      string // id of the new one; "" with DryRun
	Issues   int
	Comments int
	Numbers  int
	Next     uint64 // number of the next issue
	Logs     []Log
	Locks    []event.BaseLock
	Left     Left
	LeftOut  []event.UnreadFile // files of level 2 that were left out
	Over     []event.UUID       // issues with a value that this program would not write
	Settled  []Settled
	Unread   int  // lines of allowed_signers that were not taken over
	Backup   bool // the hub took the old branches under another name
	Pushed   bool
	View     string              // hash of what the hub shows
	Old, New map[string]refs.OID // what was replaced, and by what: meta, ledger and the own log, by name below crosslink/
	Replica  string              // where their objects are
}

// Runner migrates the hub of a clone. The rules are
// (docs/decisions/0035-a-migrated-hub-starts-from-a-base.md):
//
//   - the old hub is read whole; what it shows and what the new one shows is
//     compared, and unless they are the same nothing is pushed;
//   - all of it is one atomic push that expects the old hub as it was read: meta and
//     ledger are replaced, for their first commits have no past;
//   - the old branches are kept on the hub under refs/crosslink/level3 if it takes
//     them, and here under refs/before in any case; logs are left as they are;
//   - of two that migrate at once one does, the other finds it done;
//   - here nothing moves before the push has arrived.
type Runner struct {
	Clone    *clone.Clone
	Fetch    func(context.Context) error // takes over what the hub has
	Progress func(done string)           // called after each step; nil drops it
}

// Begin prepares a run. It checks that the clone has a hub and, unless dry is set, a
// replica. lock keeps other syncs from running until it is released.
func (r *Runner) Begin(ctx context.Context, dry bool, lock func() (func(), error)) (release func(), err error) {
	c := r.Clone
	switch {
	case c.Chosen() != nil:
		return nil, c.Chosen()
	case c.Hub == nil:
		return nil, &fail.Error{Kind: fail.No, Code: "no-old-hub", Message: "there is no tracker of the original on a remote: nothing was migrated"}
	case dry:
		return func() {}, nil
	}
	if err := c.MayName(); err != nil {
		return nil, c.Unwritable(err)
	}
	if err := c.EnsureReplica(ctx); err != nil {
		return nil, c.Unwritable(err)
	}
	c.Link.MayAsk(c.Options.Ask)
	return lock()
}

// look takes over what the hub has.
func (r *Runner) look(ctx context.Context) error {
	err := r.Fetch(ctx)
	if re := (*refs.RemoteError)(nil); errors.As(err, &re) {
		e := r.Clone.Unfetched(re)
		e.Kind = fail.Fatal
		return e
	}
	return err
}

// tries bounds how often a migration starts again because the hub has changed.
const tries = 8

// Run migrates the hub. The caller holds the sync lock.
func (r *Runner) Run(ctx context.Context, o Options) (*Report, error) {
	for range tries {
		rep, again, err := r.once(ctx, o)
		if err != nil || !again {
			return rep, err
		}
	}
	return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "init-race/migrate", Message: fmt.Sprintf("the hub on '%s' kept changing: nothing was migrated", r.Clone.Hub.Name)}
}

func (r *Runner) say(format string, args ...any) {
	if r.Progress != nil {
		r.Progress(fmt.Sprintf(format, args...))
	}
}

func (r *Runner) once(ctx context.Context, o Options) (rep *Report, again bool, err error) {
	if err := r.look(ctx); err != nil {
		return nil, false, err
	}
	s, err := r.Clone.Reads.Load(ctx)
	if err != nil {
		return nil, false, err
	}
	rep, old, err := r.prepare(ctx, s, o)
	if err != nil || rep.Already || o.DryRun {
		return rep, false, err
	}
	n, err := r.write(ctx, s, old, rep)
	if err != nil {
		return nil, false, err
	}
	landed, again, err := r.push(ctx, s, old, n, rep)
	if err != nil || !landed {
		return nil, again, err
	}
	rep.Hub, rep.Pushed = n.hub, true
	rep.New, rep.Replica = n.own(), r.Clone.Replica.Path()
	return rep, false, r.take(ctx, s, n)
}

// prepare reads the old hub, settles what there is to settle, and compares what it
// shows with what the new one will show. Nothing is written.
func (r *Runner) prepare(ctx context.Context, s *reading.Snapshot, o Options) (*Report, *Old, error) {
	rep := &Report{Remote: r.Clone.Hub.Name, URL: r.Clone.Hub.Shown()}
	if done, err := r.level(s, rep); done || err != nil {
		return rep, nil, err
	}
	r.say("read the hub of level %d", s.Level)
	old, err := Read(ctx, r.Clone.Local(), s.Level, s.AllRefs)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range old.Logs {
		if l.Ended != "" && !slices.Contains(o.AcceptEnded, l.Agent) {
			return nil, nil, &fail.Error{Kind: fail.Fatal, Code: "ended-log", Message: fmt.Sprintf("the log of '%s' cannot be read to its end: %s: nothing was migrated", fail.Truncate(l.Agent), l.Ended),
				Fields: fail.Fields{"agent": l.Agent, "lines": fmt.Sprint(len(l.Lines))}}
		}
	}
	if err := unread(old.State.Unread, o.AcceptEnded); err != nil {
		return nil, nil, err
	}
	if rep.Settled, err = r.number(s.View, old, o.Numbers); err != nil {
		return nil, nil, err
	}
	if rep.Over, err = OverLimits(s.View); err != nil {
		return nil, nil, err
	}
	was, err := Show(s.View, rep.Settled)
	if err != nil {
		return nil, nil, err
	}
	base, err := old.Base()
	if err != nil {
		return nil, nil, err
	}
	will, err := Foresee(base)
	if err == nil {
		err = r.compare(was, will)
	}
	if err != nil {
		return nil, nil, err
	}
	r.say("the new hub will show the same %d issues and %d comments", was.Issues, was.Comments)
	rep.From, rep.Commit, rep.Logs, rep.Locks, rep.Left = old.Level, string(old.Source), old.Logs, old.State.Locks, old.Left
	rep.LeftOut = old.State.Unread
	rep.Issues, rep.Comments, rep.Numbers, rep.Next, rep.View = was.Issues, was.Comments, was.Numbers, old.State.NextIssue, was.Hash()
	rep.Old = map[string]refs.OID{}
	for _, name := range []string{replay.MetaName, replay.LedgerName} {
		if tip := s.AllRefs[replay.HubRoot+name]; tip != "" {
			rep.Old[name] = tip
		}
	}
	return rep, old, nil
}

// unread refuses files of level 2 that cannot be read, unless that is accepted.
func unread(files []event.UnreadFile, accepted []string) error {
	if len(files) == 0 || slices.Contains(accepted, replay.Level2Name) {
		return nil
	}
	return &fail.Error{Kind: fail.Fatal, Code: "unread-files", Message: fmt.Sprintf("not all files of 'crosslink/%s' can be read: nothing was migrated (%s)", replay.Level2Name, listed(files))}
}

// listed names files with the reasons; of many, the first.
func listed(files []event.UnreadFile) string {
	const most = 10
	var all []string
	for _, f := range files[:min(len(files), most)] {
		all = append(all, fail.Truncate(f.Path)+": "+fail.Truncate(f.Reason))
	}
	if n := len(files) - most; n > 0 {
		all = append(all, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(all, "; ")
}

// level returns why a hub is not migrated: it has been migrated, or is another hub.
func (r *Runner) level(s *reading.Snapshot, rep *Report) (done bool, err error) {
	switch {
	case r.Clone.Contact.Other != "":
		return false, r.Clone.ElsewhereError()
	case s.Level > replay.FormatVersion, s.NewerRules():
		return false, r.Clone.RefuseLevel(s)
	case s.Bound && s.Level == replay.FormatVersion:
		rep.Already, rep.Hub = true, s.Hub
		if m := s.Meta; m != nil && m.Migrated != nil {
			rep.Commit = m.Migrated.Commit
		}
		return true, nil
	case s.Level != 2 && s.Level != 3:
		return false, &fail.Error{Kind: fail.No, Code: "no-old-hub", Message: fmt.Sprintf("there is no tracker of the original on '%s': nothing was migrated", r.Clone.Hub.Name)}
	}
	for _, l := range s.Active() {
		if l.Here != "" && !l.Legacy {
			return false, &fail.Error{Kind: fail.Fatal, Code: "unsent/migrate", Message: fmt.Sprintf("'%s' wrote %d events here that no hub has: nothing was migrated", l.Agent, l.Seq)}
		}
	}
	return false, nil
}

// number settles the numbers, with the issues that were typed looked up.
func (r *Runner) number(view reading.Projection, old *Old, wishes []Wish) ([]Settled, error) {
	var asked []Ask
	for _, w := range wishes {
		u, err := view.Resolve(w.Issue)
		if err != nil {
			return nil, err
		}
		if all := old.having(old.State.Numbers[u]); len(all) > 1 && strings.Trim(w.Issue, "#0123456789") == "" {
			return nil, refuseTwice(&TwiceError{old.State.Numbers[u], all})
		}
		asked = append(asked, Ask{u, w.Number})
	}
	settled, err := old.Number(view, asked)
	if twice, ok := errors.AsType[*TwiceError](err); ok {
		return nil, refuseTwice(twice)
	}
	if taken, ok := errors.AsType[*TakenError](err); ok {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "number-taken", Message: fmt.Sprintf("%s: nothing was migrated", taken)}
	}
	return settled, err
}

func refuseTwice(e *TwiceError) error {
	var ids []string
	for _, u := range e.Issues {
		ids = append(ids, u.String())
	}
	return &fail.Error{Kind: fail.Fatal, Code: "number-twice", Message: fmt.Sprintf("%d issues have the number %d (%s): nothing was migrated", len(ids), e.Number, strings.Join(ids, ", ")),
		Fields: fail.Fields{"issue": ids[len(ids)-1]}}
}

func (r *Runner) compare(was *Shown, view View) error {
	is, err := Show(view, nil)
	if err != nil {
		return err
	}
	if d := was.Differs(is); d != "" {
		return &fail.Error{Kind: fail.Fatal, Code: "migrated-differs", Message: "the new hub would differ from the old one: nothing was migrated", Fields: fail.Fields{"first": d}}
	}
	return nil
}

// written is the new hub, as objects.
type written struct {
	hub             string
	root, meta, log refs.OID
	agent           string
}

// write writes the new hub, and reads it as a stranger does.
func (r *Runner) write(ctx context.Context, s *reading.Snapshot, old *Old, rep *Report) (*written, error) {
	c := r.Clone
	agent, err := c.SettleAgent(ctx)
	if err != nil {
		return nil, err
	}
	c.Agent = agent
	key, err := c.Key(agents.Request{Agent: agent, Make: true})
	if err != nil || key == nil {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "no-admin-key", Err: err, Message: fmt.Sprintf("'%s' has no key, and would be the admin of the new hub: nothing was migrated", agent)}
	}
	w := Writer{Local: c.Local(), Hub: uuid.NewString(), Agent: agent, Address: c.Committer(), Now: c.Now()}
	m := trust.Meta{Version: replay.FormatVersion, Hub: w.Hub, CreatedAt: event.TimeOf(w.Now)}
	old.Meta(&m)
	listed, unread := old.Listed()
	rep.Unread = unread
	base, err := old.Base()
	if err != nil {
		return nil, err
	}
	m.Base = event.Hash(base)
	meta := agents.Founding(ctx, m, agent, key, listed.All()...)
	if st, err := trust.FirstMeta(meta); err != nil || len(st.Meta.Admins) == 0 {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "no-admin-key", Err: err, Message: fmt.Sprintf("the key of '%s' does not sign the new hub's meta: nothing was migrated", agent)}
	}
	n := &written{hub: w.Hub, agent: agent}
	if n.root, err = w.Root(ctx, base); err != nil {
		return nil, err
	}
	if n.meta, err = w.Meta(ctx, meta); err != nil {
		return nil, err
	}
	chain := event.Chain{Hub: w.Hub, Agent: agent}
	agents.SignWith(ctx, &chain, key)
	line, err := chain.Stamp(&event.Envelope{Body: c.Identity().Introduction(key)}, event.TimeOf(w.Now), old.State.Newest())
	if err != nil {
		return nil, fmt.Errorf("introduce '%s': %w", agent, err)
	}
	on := s.AllRefs[replay.HubRoot+replay.Agents+agent] // what the original wrote under this name
	if on != "" {
		rep.Old[replay.Agents+agent] = on
	}
	introduced := w.commit(agent + " 1 AgentIntroduced")
	introduced.Next = 1
	if n.log, err = refs.AppendLog(ctx, w.Local, agent, on, [][]byte{line}, introduced); err != nil {
		return nil, fmt.Errorf("introduce '%s': %w", agent, err)
	}
	view, err := AsStranger(ctx, w.Local, n.branches(old))
	if err != nil {
		return nil, fmt.Errorf("read the new hub: %w", err)
	}
	was, err := Show(s.View, rep.Settled)
	if err != nil {
		return nil, err
	}
	r.say("wrote the new hub, and compared what it shows")
	return n, r.compare(was, view)
}

// own are the branches that are written again, by name below crosslink/.
func (n *written) own() map[string]refs.OID {
	return map[string]refs.OID{replay.MetaName: n.meta, replay.LedgerName: n.root, replay.Agents + n.agent: n.log}
}

// branches are those of the new hub, by name below crosslink/.
func (n *written) branches(old *Old) map[string]refs.OID {
	all := map[string]refs.OID{}
	for _, l := range old.Logs {
		all[replay.Agents+l.Agent] = l.Tip
	}
	maps.Copy(all, n.own())
	return all
}

// Backup is where a hub keeps a branch that a migration replaced. hub is the id of the new
// hub. It keeps backups apart if somebody went back and migrates again.
func Backup(hub, name string) string { return "refs/crosslink/level3/" + hub[:8] + "/" + name }

// push replaces the old hub, if it is still what was read.
func (r *Runner) push(ctx context.Context, s *reading.Snapshot, old *Old, n *written, rep *Report) (landed, again bool, err error) {
	p := refs.Push{Atomic: true}
	branches := n.branches(old)
	for _, name := range slices.Sorted(maps.Keys(branches)) {
		was := s.AllRefs[replay.HubRoot+name]
		p.Refs = append(p.Refs, refs.PushRef{Src: branches[name], Dst: replay.HereRoot + name, Lease: &was})
	}
	backup := p
	absent := refs.OID("")
	for name, tip := range rep.Old {
		backup.Refs = append(slices.Clip(backup.Refs), refs.PushRef{Src: tip, Dst: Backup(n.hub, name), Lease: &absent})
	}
	r.say("push it to replace the old one")
	rep.Backup = len(rep.Old) > 0
	pushed, out, err := r.pushOnce(ctx, backup)
	if err == nil && out.Result == hubs.Refused && rep.Backup { // perhaps it takes no refs outside of its branches
		rep.Backup = false
		pushed, out, err = r.pushOnce(ctx, p)
	}
	switch c := r.Clone; {
	case err != nil:
		return false, false, err
	case out.Result == hubs.Landed, out.Result == hubs.Raced:
		return out.Result == hubs.Landed, out.Result == hubs.Raced, nil
	case out.Result == hubs.Refused:
		return false, false, &fail.Error{Kind: fail.Fatal, Code: "protected", Message: fmt.Sprintf("the remote '%s' does not let 'crosslink/meta' and 'crosslink/checkpoint' be replaced: %s; nothing was migrated", c.Hub.Name, hubs.WhyRefused(pushed.Res))}
	case out.Result == hubs.Unknown:
		return false, false, c.Hub.Unanswered("unanswered/migrate", "migrated", hubs.GitWords(out.Unasked))
	default:
		return false, false, &fail.Error{Kind: fail.Denied, Code: "read-only", Message: fmt.Sprintf("the remote '%s' does not accept this push from you: nothing was migrated", c.Hub.Name),
			Fields: fail.Fields{"git": hubs.Gist(pushed.Res.Stderr)}}
	}
}

// pushOnce makes one push and returns the result.
func (r *Runner) pushOnce(ctx context.Context, p refs.Push) (pushed hubs.Pushed, out hubs.Outcome, err error) {
	pushed.Push = p
	pushed.Res, pushed.Err = r.Clone.PushPatiently(ctx, p, clone.Migrating)
	out, err = pushed.Became(ctx, func(ctx context.Context) (map[string]refs.OID, error) {
		if err := r.Fetch(ctx); err != nil {
			return nil, err
		}
		return r.Clone.Link.Incoming(ctx)
	}, nil)
	return pushed, out, err
}

// take makes this clone one of the new hub. What it knew of the old one is set aside.
func (r *Runner) take(ctx context.Context, s *reading.Snapshot, n *written) error {
	now, err := r.Clone.Local().Refs(ctx, "refs/")
	if err != nil {
		return err
	}
	is := map[string]refs.OID{}
	for _, x := range now {
		is[x.Name] = x.OID
	}
	var ups []refs.Update
	for name, old := range s.AllRefs {
		rest, known := strings.CutPrefix(name, replay.HubRoot)
		aside := fmt.Sprintf("refs/before/level%d/%s", s.Level, rest)
		was := is[aside]
		if !known || was == old {
			continue
		}
		ups = append(ups, refs.Update{Ref: aside, Old: was, New: old})
		if earlier := fmt.Sprintf("refs/before/level%d-%.12s/%s", s.Level, was, rest); was != "" && is[earlier] == "" {
			ups = append(ups, refs.Update{Ref: earlier, New: was}) // of a migration that was taken back
		}
	}
	for name, tip := range n.own() {
		if ref := replay.HubRoot + name; is[ref] != tip {
			ups = append(ups, refs.Update{Ref: ref, Old: is[ref], New: tip})
		}
	}
	if err := r.Clone.Local().Swap(ctx, ups); err != nil {
		return fmt.Errorf("switch to the new hub: %w", err)
	}
	r.Clone.Reads.Forget()
	return errors.Join(r.Clone.Contact.Founded(r.Clone.Hub, n.hub), r.Clone.Contact.Welcomed())
}
