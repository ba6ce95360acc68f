package exchange

import (
	"context"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/accept"
	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Exchange is a clone that exchanges data with its hub.
type Exchange struct {
	*clone.Clone
}

// Wants is what a command needs from a fetch in addition to the hub's data.
type Wants struct {
	Pin  bool // the remote becomes the hub for good, even if it has no tracker yet
	Mend bool // a hub that has lost its meta gets it back, so this fetch does not report the loss
	Join bool // the hub is joined whatever it is, even if it is a fork of the one known here
}

// Taken is the result of a fetch, except for the refs that moved.
type Taken struct {
	Lost  hubs.Losses
	Forks map[string]*trust.Proof // that it brought, by agent
}

// Fetch fetches the hub's refs and accepts those that are valid.
func (x *Exchange) Fetch(ctx context.Context) error {
	_, err := x.FetchFor(ctx, Wants{})
	return err
}

// Look fetches, and returns the hub's branches by name below crosslink/.
func (x *Exchange) Look(ctx context.Context) (map[string]refs.OID, error) {
	if err := x.Fetch(ctx); err != nil {
		return nil, err
	}
	return x.Link.Incoming(ctx)
}

// FetchFor is Fetch for a command with additional needs.
func (x *Exchange) FetchFor(ctx context.Context, w Wants) (Taken, error) {
	got, err := x.TakeIn(ctx, x.Link.Fetch(ctx), w)
	x.Link.NoteBusy(err)
	return got, err
}

// TakeIn accepts the valid refs that a fetch brought. fetched is the error of the fetch.
// The fetch itself has moved only refs/incoming and refs/presence.
func (x *Exchange) TakeIn(ctx context.Context, fetched error, w Wants) (got Taken, err error) {
	x.Reads.Expect(nil)
	before, err := x.Link.Believed(ctx)
	if err != nil {
		return got, err
	}
	var partly *refs.RemoteError
	if fetched != nil && (!errors.As(fetched, &partly) || !partly.Partly) {
		return got, fetched
	}
	x.Link.Reached = true
	a, err := x.Adopt(ctx, replay.IncomingRoot, partly == nil, w)
	if err != nil {
		return got, err
	}
	if a.Other == "" {
		if err := x.FromArchive(ctx, replay.IncomingRoot, partly == nil, &a); err != nil {
			return got, err
		}
	}
	noMeta, gone := x.Contact.NoMeta, []hubs.Problem(nil)
	if partly == nil {
		if noMeta, gone, err = x.Link.Lost(ctx, before); err != nil {
			return got, err
		}
	}
	problems := a.Problems
	noMeta = noMeta && a.Other == "" // of level 2 there is none
	if a.Other == "" {
		problems = append(problems, gone...)
	}
	if err := x.Bind(ctx); err != nil {
		return got, err
	}
	if err := x.fromLedger(ctx); err != nil {
		return got, err
	}
	if got.Forks = a.Forks; partly == nil {
		if got.Lost, err = accept.Lost(ctx, x.Reads, x.Local()); err != nil {
			return got, err
		}
	} else {
		problems = append(problems, hubs.Problem{Here: true, Text: "git could not store every ref of the hub: " + x.Shortened(hubs.GitWords(partly))})
	}
	return got, x.noteHub(ctx, problems, noMeta, a.Other, w)
}

// Adopt accepts the valid refs among those fetched below root (package accept has the
// rules), and reports to the user.
func (x *Exchange) Adopt(ctx context.Context, root string, whole bool, w Wants) (accept.Answer, error) {
	all, err := x.Local().Refs(ctx, "refs/")
	if err != nil {
		return accept.Answer{}, fmt.Errorf("list the replica's refs: %w", err)
	}
	defer x.Reads.NoteMetas(ctx)
	a, err := accept.Judge(ctx, x.Reads, x.Local(), accept.Fetch{
		Refs: all, Root: root, Whole: whole, Hub: x.Contact.Hub, Strange: !w.Join && x.Hub.Moved(x.Contact)})
	if err != nil {
		return a, err
	}
	if a.Parted {
		a.Problems = append(a.Problems, hubs.Problem{Ref: replay.MetaName, Text: x.Hub.ForkText(), Told: true})
	} else if a.Other != "" {
		x.Contact.Detached, x.Contact.Again = a.Detached, a.Again
	}
	if a.Lost != "" {
		x.TellOnce(fail.Notice{Code: "lost-decisions/seen", Text: a.Lost})
	}
	if len(a.Updates) == 0 {
		return a, nil
	}
	// a conflict: another process of this clone took it over at the same time
	if err := refs.IgnoreConflict(x.Local().SwapInOrder(ctx, a.Updates)); err != nil {
		return a, err
	}
	x.PackRefs(ctx)
	return a, nil
}

// FromArchive applies the archive that was fetched, and adds the archive's problems to the
// answer.
func (x *Exchange) FromArchive(ctx context.Context, root string, whole bool, a *accept.Answer) error {
	s, err := x.Reads.Load(ctx)
	if err != nil {
		return err
	}
	got, err := accept.FromArchive(ctx, x.Local(), s, accept.ArchiveFetch{Root: root, Whole: whole, Seen: x.Contact.Archive})
	if err != nil {
		return err
	}
	a.Problems = append(a.Problems, got.Problems...)
	if err := refs.IgnoreConflict(x.Local().Swap(ctx, got.Updates)); err != nil || got.Seen == x.Contact.Archive {
		return err
	}
	return x.Contact.Remember(func(n *hubs.Note) { n.Archive = got.Seen })
}

// fromLedger takes over logs that the hub no longer offers and the ledger holds.
func (x *Exchange) fromLedger(ctx context.Context) error {
	s, err := x.Reads.Load(ctx)
	if err != nil {
		return err
	}
	ups, err := accept.FromLedger(ctx, x.Local(), s)
	if err != nil {
		return err
	}
	return refs.IgnoreConflict(x.Local().Swap(ctx, ups))
}

// noteHub remembers, after a fetch, where the hub is and which.
func (x *Exchange) noteHub(ctx context.Context, problems []hubs.Problem, noMeta bool, other string, w Wants) error {
	tip, err := x.MetaTip(ctx)
	if err != nil {
		return err
	}
	id := x.Contact.Hub
	if tip != "" && id == "" {
		id = accept.ReadClaims(ctx, x.Local(), tip).Hub
	}
	here := !noMeta && other == ""
	if was := x.Contact.URL; x.Hub.Moved(x.Contact) && here && tip != "" && x.Contact.Hub != "" { // a remote without a tracker was looked at only
		x.Notice(fail.Notice{Code: "hub-moved", Text: fmt.Sprintf("the tracker is now at '%s'; it was at '%s'", x.Hub.Shown(), was)})
	}
	problems = x.tellProblems(problems, noMeta, w)
	detached, again := x.Contact.Detached && other != "", x.Contact.Again && other != ""
	return x.Contact.Remember(func(c *hubs.Note) {
		c.Detached, c.Again = detached, again
		c.Last, c.Problems, c.NoMeta, c.Hub, c.Other = x.Link.Asked, problems, noMeta, id, other
		if here && (tip != "" || w.Pin) {
			c.Remote = x.Hub.Name
		}
		if here {
			c.URL = x.Hub.Shown()
		}
	})
}

// tellProblems tells those that are new and returns what is to be remembered.
func (x *Exchange) tellProblems(now []hubs.Problem, noMeta bool, w Wants) []hubs.Problem {
	now, tell := x.Contact.Found(now, x.Unwatched, func(p hubs.Problem) fail.Notice {
		switch {
		case !noMeta || p.Ref != replay.MetaName:
			return fail.Notice{Code: "hub", Text: p.Text}
		case w.Mend:
			return fail.Notice{}
		case x.Hub.Moved(x.Contact):
			return fail.Notice{Code: "hub/moved", Text: p.Text}
		}
		return fail.Notice{Code: "hub/lost", Text: p.Text}
	})
	for _, n := range tell {
		x.Notice(n)
	}
	return now
}
