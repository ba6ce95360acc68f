package refs

import (
	"context"
	"errors"
	"fmt"
	"sort"
)

// TreeChange is a path at which two trees differ. The mode of a missing entry is "".
type TreeChange struct {
	Path     string
	Old, New TreeEntry
}

// DiffTrees returns the differences between two trees, sorted by path; "" is the empty
// tree. Directories are compared entry by entry if their paths have fewer than depth names;
// a deeper directory is one entry. Equal directories are not read. It takes one Read call
// per level, and fails with ErrTooLarge above limit changes.
func DiffTrees(ctx context.Context, l Local, old, new OID, depth, limit int) (changes []TreeChange, err error) {
	type pair struct {
		path     string
		old, new OID
	}
	pairs := []pair{{"", old, new}}
	for ; depth > 0 && len(pairs) > 0; depth-- {
		var ids []OID
		for _, p := range pairs {
			for _, id := range []OID{p.old, p.new} {
				if id != "" {
					ids = append(ids, id)
				}
			}
		}
		trees := map[OID]map[string]TreeEntry{}
		if err := eachKind(ctx, l, ids, Tree, treeLimit, func(i int, data []byte, err error) error {
			var es []TreeEntry
			if err == nil {
				es, err = ParseTree(l.Format(), data)
			}
			if err != nil && !errors.Is(err, ErrMissing) && !errors.Is(err, ErrTooLarge) {
				err = fmt.Errorf("%w: %w", ErrCorrupt, err)
			}
			if err != nil {
				return fmt.Errorf("tree '%s': %w", ids[i], err)
			}
			trees[ids[i]] = entriesOf(es)
			return nil
		}); err != nil {
			return nil, err
		}
		var below []pair
		differ := func(path string, was, is TreeEntry) {
			dirs := pair{path: path + "/"}
			if was.Mode == ModeTree {
				dirs.old = was.OID
			}
			if is.Mode == ModeTree {
				dirs.new = is.OID
			}
			odd := was.Mode != "" && was.Mode != ModeTree || is.Mode != "" && is.Mode != ModeTree
			if depth == 1 || odd {
				changes = append(changes, TreeChange{path, was, is})
				return
			}
			below = append(below, dirs)
		}
		for _, p := range pairs {
			was, is := trees[p.old], trees[p.new]
			for name, e := range is {
				if was[name] != e {
					differ(p.path+name, was[name], e)
				}
			}
			for name, e := range was {
				if _, stays := is[name]; !stays {
					differ(p.path+name, e, TreeEntry{})
				}
			}
		}
		if len(changes)+len(below) > limit {
			return nil, fmt.Errorf("trees differ in more than %d entries: %w", limit, ErrTooLarge)
		}
		pairs = below
	}
	sort.Slice(changes, func(i, j int) bool { return changes[i].Path < changes[j].Path })
	return changes, nil
}
