package replay

import (
	"context"
	"errors"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
)

// Level2Name is the branch of a hub of level 2.
const Level2Name = "hub"

// baseLimit bounds the files of a hub of level 2, and of a checkpoint of level 3.
const baseLimit = 256 << 20

// IsLevel2 reports whether a tip of the branch 'crosslink/hub' is a hub of level 2: it has
// issues or counters. Otherwise it is an unrelated branch with that name. A tip that
// cannot be read may be a hub, so it counts as one.
func IsLevel2(ctx context.Context, l refs.Local, tip refs.OID) bool {
	if tip == "" {
		return false
	}
	head, err := refs.ReadHead(ctx, l, tip)
	if err != nil {
		return unreadable(err)
	}
	for _, dir := range []string{"issues", "meta"} {
		below, err := entry(ctx, l, head.Tree, dir)
		if err == nil && dir == "meta" && below != "" {
			below, err = entry(ctx, l, below, "counters.json")
		}
		if err != nil || below != "" {
			return err == nil || unreadable(err)
		}
	}
	return false
}

func unreadable(err error) bool {
	return errors.Is(err, refs.ErrMissing) || errors.Is(err, refs.ErrCorrupt)
}

// entry finds a name in a tree; "" if it is not there.
func entry(ctx context.Context, l refs.Local, tree refs.OID, name string) (found refs.OID, err error) {
	rerr := l.Read(ctx, []refs.OID{tree}, MetaLimit, func(_ int, o refs.Object, e error) error {
		if e != nil || o.Kind != refs.Tree {
			err = e
			return nil
		}
		entries, e := refs.ParseTree(l.Format(), o.Data)
		for _, x := range entries {
			if x.Name == name {
				found = x.OID
			}
		}
		err = e
		return nil
	})
	return found, errors.Join(rerr, err)
}

// LegacyBase returns the state of a hub of level 2, or of a checkpoint of level 3; nil if
// there is none.
func LegacyBase(ctx context.Context, l refs.Local, level int, all map[string]refs.OID) (*event.Base, error) {
	name := LedgerName
	if level == 2 {
		name = Level2Name
	}
	tip := all[HubRoot+name]
	if tip == "" {
		return nil, nil
	}
	files, err := refs.ReadFiles(ctx, l, tip, baseLimit)
	switch {
	case err != nil:
		return nil, err
	case level == 2:
		return event.ParseBase2(files)
	}
	return event.ParseBase3(files["state.json"])
}
