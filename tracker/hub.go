package tracker

import (
	"context"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/hubs"
)

// What a session knows of its hub (package hubs), and what is told of it.

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
