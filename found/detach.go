package found

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/migrate"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/rewrite/anew"
	"github.com/git-crosslink/git-crosslink/syncer/drive"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
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
	Signing string   `json:"signing"` // its policy now: the old hub's, except that 'require' becomes 'warn'
	Open    bool     `json:"open"`
	Before  string   `json:"before"` // the old hub's signing
}

// A fork of a repository brings the tracker's branches along: two hubs with
// one id. Detach gives the one this clone lives on an id of its own. The rules
// are:
//
//   - all of it is written again under that id (package again);
//   - all of it is one atomic push that expects the hub as it was just seen;
//   - other clones of the fork report it, and follow with 'init --join': their unsent events
//     are moved over.
//
// remote names the fork; "" is the hub, if another remote is known to hold the
// original.
func (f *Founder) Detach(ctx context.Context, remote string) (*Detached, error) {
	if err := f.Chosen(); err != nil {
		return nil, err
	}
	if f.Hub == nil {
		return nil, &fail.Error{Kind: fail.No, Code: "no-fork", Message: "there is no tracker on a remote: nothing was detached"}
	}
	switch {
	case remote == "" || remote == f.Hub.Name:
	case !slices.Contains(f.Conf.Remotes(), remote):
		return nil, hubs.NoSuchRemote(remote)
	case f.Hub.Self:
		return nil, f.Hub.ChosenError("hub-chosen", "")
	default:
		return nil, f.Hub.ChosenError("hub-chosen/detach", remote)
	}
	agent, err := f.SettleAgent(ctx)
	if err != nil {
		return nil, f.Unwritable(err)
	}
	f.Agent = agent
	if err := f.EnsureReplica(ctx); err != nil { // a clone that has not been read yet
		return nil, f.Unwritable(err)
	}
	unlock, err := f.LockHub(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	sent := 0
	for range clone.Tries {
		d, again, err := f.detachOnce(ctx, remote, &sent)
		if err != nil || !again {
			return d, f.Unwritable(err)
		}
	}
	return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "init-race/detach", Message: fmt.Sprintf("the hub on '%s' kept changing; nothing was detached", f.Hub.Name)}
}

func (f *Founder) detachOnce(ctx context.Context, remote string, sent *int) (d *Detached, again bool, err error) {
	got, err := f.FetchFor(ctx, exchange.Wants{})
	if err != nil {
		if re := (*refs.RemoteError)(nil); errors.As(err, &re) {
			return nil, false, f.Unfetched(re)
		}
		return nil, false, err
	}
	if f.Contact.Other != "" {
		return nil, false, f.ElsewhereError()
	}
	out, err := f.Publish(ctx, drive.Run{Task: f.Task(true, true), Lost: got.Lost})
	if err != nil {
		return nil, false, err
	}
	*sent += out.Sent
	s, err := f.Reads.Load(ctx)
	if err != nil {
		return nil, false, err
	}
	if err := f.mayDetach(ctx, s, remote, out.Reason); err != nil {
		return nil, false, err
	}
	n, err := f.anew(ctx, s)
	if err != nil {
		return nil, false, err
	}
	p := refs.Push{Atomic: true}
	var ups []refs.Update
	for _, name := range slices.Sorted(maps.Keys(n.Refs)) {
		was := s.AllRefs[replay.IncomingRoot+name]
		p.Refs = append(p.Refs, refs.PushRef{Src: n.Refs[name], Dst: replay.HereRoot + name, Lease: &was})
	}
	for name, old := range s.AllRefs {
		if rest, ok := strings.CutPrefix(name, replay.HubRoot); ok {
			ups = append(ups, refs.Update{Ref: name, Old: old, New: n.Refs[rest]})
		}
		id, ok := strings.CutPrefix(name, replay.ArchivedRoot)
		if tip := n.Refs[replay.Agents+id]; ok && tip != "" && s.AllRefs[replay.HubRoot+replay.Agents+id] == "" {
			ups = append(ups, refs.Update{Ref: replay.HubRoot + replay.Agents + id, New: tip})
		}
	}
	if was := s.AllRefs[replay.IncomingRoot+replay.ArchiveName]; was != "" { // its logs are branches again
		p.Refs = append(p.Refs, refs.PushRef{Dst: replay.HereRoot + replay.ArchiveName, Lease: &was})
	}
	if again, err := f.replace(ctx, p); again || err != nil {
		return nil, again, err
	}
	if err := f.switchTo(ctx, s, n.Hub, ups); err != nil {
		return nil, false, err
	}
	m := n.State.Meta
	return &Detached{Remote: f.Hub.Name, URL: f.Hub.Shown(), Was: s.Hub, Hub: n.Hub, Logs: n.Logs, Events: n.Events, Sent: *sent,
		Admins: append([]string{}, m.Admins...), Signing: m.Signing, Open: m.Open, Before: s.Meta.Signing}, false, f.Bind(ctx)
}

// replace pushes a hub that was written again in the place of the one that is there.
func (f *Founder) replace(ctx context.Context, p refs.Push) (again bool, err error) {
	pushed := hubs.Pushed{Push: p}
	pushed.Res, pushed.Err = f.PushPatiently(ctx, p, clone.Detaching)
	out, err := pushed.Became(ctx, f.Look, nil)
	switch {
	case err != nil || out.Result == hubs.Landed:
		return false, err
	case out.Result == hubs.Raced:
		return true, nil
	case out.Result == hubs.Refused:
		return false, &fail.Error{Kind: fail.Denied, Code: "refused/detach",
			Message: fmt.Sprintf("the remote '%s' refuses the push: %s; nothing was detached", f.Hub.Name, hubs.WhyRefused(pushed.Res))}
	case out.Result == hubs.Unknown:
		return false, f.Hub.Unanswered("unanswered/detach", "detached", hubs.GitWords(out.Unasked))
	}
	return false, &fail.Error{Kind: fail.Denied, Code: "read-only", Message: fmt.Sprintf("the remote '%s' does not accept this push from you: nothing was detached", f.Hub.Name),
		Fields: fail.Fields{"git": hubs.Gist(pushed.Res.Stderr)}}
}

// mayDetach checks the preconditions before anything is written.
func (f *Founder) mayDetach(ctx context.Context, s *reading.Snapshot, remote, unsent string) error {
	switch err := f.RefuseLevel(s); {
	case err != nil:
		return err
	case !s.Bound || f.Contact.NoMeta || s.Meta == nil:
		return &fail.Error{Kind: fail.No, Code: "no-fork", Message: fmt.Sprintf("there is no tracker on '%s': nothing was detached", f.Hub.Name)}
	case s.Ledger.Err != nil:
		return fmt.Errorf("check the ledger: %w", s.Ledger.Err)
	case unsent != "" || s.Unsent() > 0:
		return &fail.Error{Kind: fail.Unconfirmed, Code: "unsent", Message: fmt.Sprintf("not everything written here is on '%s' yet: nothing was detached", f.Hub.Name)}
	case s.Meta.Migrated != nil:
		return &fail.Error{Kind: fail.Fatal, Code: "cannot-detach/migrated", Message: "this hub was migrated from an older level; it cannot be detached by this version"}
	}
	if remote != "" {
		return nil
	}
	twins, err := f.Twins(ctx, s)
	if err != nil || len(twins) > 0 {
		return err
	}
	return &fail.Error{Kind: fail.No, Code: "no-fork/detach", Message: "no other repository with this tracker is known here: nothing was detached",
		Fields: fail.Fields{"remote": f.Hub.Name}}
}

// switchTo makes this clone one of another hub: accepted refs of the old one are set aside,
// and ups, if any, set the known refs of the new one.
func (f *Founder) switchTo(ctx context.Context, s *reading.Snapshot, hubID string, ups []refs.Update) error {
	known := map[string]bool{}
	for _, u := range ups {
		known[u.Ref] = true
	}
	for name, old := range s.AllRefs {
		switch {
		case strings.HasPrefix(name, replay.HubRoot):
			if !known[name] {
				ups = append(ups, refs.Update{Ref: name, Old: old})
			}
			if aside := "refs/before/" + s.Hub + "/" + strings.TrimPrefix(name, replay.HubRoot); s.AllRefs[aside] == "" {
				ups = append(ups, refs.Update{Ref: aside, New: old})
			}
		case strings.HasPrefix(name, replay.ArchivedRoot):
			id := strings.TrimPrefix(name, replay.ArchivedRoot)
			ups = append(ups, refs.Update{Ref: name, Old: old})
			if aside := "refs/before/" + s.Hub + "/" + replay.Agents + id; s.AllRefs[aside] == "" && s.AllRefs[replay.HubRoot+replay.Agents+id] == "" {
				ups = append(ups, refs.Update{Ref: aside, New: old})
			}
		case strings.HasPrefix(name, replay.LostRoot), strings.HasPrefix(name, "refs/trusted/"):
			ups = append(ups, refs.Update{Ref: name, Old: old})
		}
	}
	if err := f.Local().Swap(ctx, ups); err != nil {
		return fmt.Errorf("switch to the hub %s: %w", hubID, err)
	}
	f.Reads.Forget()
	return f.Contact.Founded(f.Hub, hubID)
}

// followDetached goes over to the hub that the remote's tracker has become.
func (f *Founder) followDetached(ctx context.Context) (got exchange.Taken, err error) {
	s, err := f.Reads.Load(ctx)
	if err != nil {
		return got, err
	}
	change := f.switchTo
	if f.Contact.Again || s.Meta != nil && s.Meta.Successor() != "" {
		change = f.changeOver
	}
	if err := change(ctx, s, f.Contact.Other, nil); err != nil {
		return got, err
	}
	return f.FetchFor(ctx, exchange.Wants{Pin: true, Mend: true, Join: true})
}

// again writes this hub again under a new id. No ref moves.
func (f *Founder) anew(ctx context.Context, s *reading.Snapshot) (*anew.Written, error) {
	decided := s.Decided()
	was := anew.Hub{ID: s.Hub, Meta: s.AllRefs[replay.HubRoot+replay.MetaName], State: s.Roll, Steps: decided.View, Reads: decided.Reader, Logs: map[string]anew.Log{}}
	for _, l := range s.Logs() {
		was.Logs[l.Agent] = anew.Log{Tip: l.Hub, Lines: l.Seq, Verdict: l.Verdict(),
			Read: func(ctx context.Context) ([]*event.Envelope, error) { return f.Reads.Lines(ctx, l) }}
	}
	w := anew.Writer{Local: f.Local(), Agent: f.Agent, Address: f.Committer(), Now: f.Now(),
		Admin: func(state *trust.State) (keys.Signer, error) { return f.AdminKey(s, state) }}
	return w.Write(ctx, was, f.Founding(ctx))
}

// Migration prepares to make a hub that the original wrote one of this program's
// format version. Unless dry, no other sync runs until it is released.
func (f *Founder) Migration(ctx context.Context, dry bool, progress func(string)) (*migrate.Runner, func(), error) {
	r := &migrate.Runner{Clone: f.Clone, Progress: progress, Fetch: func(ctx context.Context) error {
		_, err := f.FetchFor(ctx, exchange.Wants{Pin: true})
		return err
	}}
	release, err := r.Begin(ctx, dry, func() (func(), error) { return f.LockHub(ctx) })
	return r, release, err
}
