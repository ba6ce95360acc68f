package tracker

import (
	"context"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// What a session knows of its hub (package hubs), and what is told of it.

// noteHub remembers, after a fetch, where the hub is and which.
func (t *Tracker) noteHub(ctx context.Context, problems []hubs.Problem, noMeta bool, other string, w wants) error {
	tip, err := t.clone.MetaTip(ctx)
	if err != nil {
		return err
	}
	id := t.clone.Contact.Hub
	if tip != "" && id == "" {
		id = t.readClaims(ctx, tip).Hub
	}
	here := !noMeta && other == ""
	if was := t.clone.Contact.URL; t.clone.Hub.Moved(t.clone.Contact) && here && tip != "" {
		t.clone.Notice(fail.Notice{Code: "hub-moved", Text: fmt.Sprintf("the tracker is found at '%s' now; it was at '%s'", t.clone.Hub.Shown(), was)})
	}
	problems = t.tellProblems(problems, noMeta, w)
	return t.clone.Contact.Remember(func(c *hubs.Note) {
		c.Last, c.Problems, c.NoMeta, c.Hub, c.Other = t.clone.Now(), problems, noMeta, id, other
		if here && (tip != "" || w.pin) {
			c.Remote = t.clone.Hub.Name
		}
		if here {
			c.URL = t.clone.Hub.Shown()
		}
	})
}

// chooseFor chooses the hub for init: what was chosen before stands, unless
// nothing was found there yet.
func (t *Tracker) chooseFor(ctx context.Context, o InitOptions) error {
	known := t.clone.Contact.Hub != "" && t.clone.Hub != nil
	switch {
	case o.Self && known && !t.clone.Hub.Self:
		return t.clone.Hub.ChosenError("hub-chosen", "")
	case o.Self || o.Remote == "" && t.clone.Outer.Bare && t.clone.Hub == nil && t.clone.Unchosen() == nil:
		if o.Self && !t.clone.IsHub(ctx) {
			if err := t.clone.Outer.SetConfig(ctx, "crosslink.hub", "true"); err != nil {
				return t.clone.Unwritable(fmt.Errorf("set 'crosslink.hub': %w", err))
			}
		}
		t.clone.ChooseHub(true)
	case o.Remote == "" || t.clone.Hub != nil && t.clone.Hub.Name == o.Remote:
	case !slices.Contains(t.clone.Conf.Remotes(), o.Remote):
		return hubs.NoSuchRemote(o.Remote)
	case t.clone.IsHub(ctx):
		return t.clone.Hub.ChosenError("hub-chosen", "")
	case known && hubs.URLOf(t.clone.Conf, o.Remote) != t.clone.Hub.Shown(), hubs.Said(t.clone.Conf) != "":
		return t.clone.Hub.ChosenError("hub-chosen/look", o.Remote)
	default:
		t.clone.Contact.Remote = o.Remote
		t.clone.ChooseHub(false)
	}
	return t.clone.Chosen()
}

// tellProblems tells those that are new and returns what is to be remembered.
func (t *Tracker) tellProblems(now []hubs.Problem, noMeta bool, w wants) []hubs.Problem {
	now, tell := t.clone.Contact.Found(now, t.clone.Unwatched, func(p hubs.Problem) fail.Notice {
		switch {
		case !noMeta || p.Ref != replay.MetaName:
			return fail.Notice{Code: "hub", Text: p.Text}
		case w.mend:
			return fail.Notice{}
		case t.clone.Hub.Moved(t.clone.Contact):
			return fail.Notice{Code: "hub/moved", Text: p.Text}
		}
		return fail.Notice{Code: "hub/lost", Text: p.Text}
	})
	for _, n := range tell {
		t.clone.Notice(n)
	}
	return now
}
