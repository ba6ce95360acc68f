package gate

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Bounds for reading a push.
const (
	commitLimit = 32 << 20 // a step names a parent for each log that moved
	treeLimit   = 1 << 20
	maxEntries  = 1 << 18 // of one tree, with all below it
)

// entry is one file or directory of a tree.
type entry struct {
	mode string
	oid  refs.OID
}

// object reads one object of a kind.
func (g *gate) object(id refs.OID, kind refs.Kind, limit int64) ([]byte, error) {
	var data []byte
	err := g.repo.Read(g.ctx, []refs.OID{id}, limit, func(_ int, o refs.Object, err error) error {
		if err == nil && o.Kind != kind {
			err = fmt.Errorf("object '%s' is not a %s: %w", id, kind, refs.ErrCorrupt)
		}
		if data = o.Data; err == nil {
			err = g.bring(len(data))
		}
		return err
	})
	return data, err
}

func (g *gate) commit(id refs.OID) (refs.CommitHead, error) {
	data, err := g.object(id, refs.Commit, commitLimit)
	if err != nil {
		return refs.CommitHead{}, err
	}
	h, err := refs.ParseCommit(g.repo.Format(), data)
	if err != nil {
		return h, fmt.Errorf("commit '%s': %w: %w", id, err, refs.ErrCorrupt)
	}
	return h, nil
}

// treeWalk checks trees entry by entry.
type treeWalk struct {
	g *gate
	// allow returns the problem with an entry, "" if there is none. It is called for a
	// directory before its entries.
	allow func(path string, e entry) string
	// seen are trees that are valid at their place: path and id.
	seen map[string]bool
	n    int
}

// tree refuses entries below a tree that allow does not accept.
func (w *treeWalk) tree(dir string, id refs.OID) (*Refusal, error) {
	key := dir + " " + string(id)
	if w.seen[key] {
		return nil, nil
	}
	data, err := w.g.object(id, refs.Tree, treeLimit)
	if err != nil {
		return nil, err
	}
	list, err := refs.ParseTree(w.g.repo.Format(), data)
	if err != nil {
		return refuse(Tree, cureNoPush, "'%s' is not a tree that git would write: %v", plain(path.Join(dir, ".")), err), nil
	}
	if w.n += len(list); w.n > maxEntries {
		return refuse(Tree, cureLess, "it holds more than %d files", maxEntries), nil
	}
	for _, t := range list {
		e, p := entry{t.Mode, t.OID}, path.Join(dir, t.Name)
		if why := w.allow(p, e); why != "" {
			return refuse(Tree, cureNoPush, "'%s' (mode %s) %s", plain(p), t.Mode, why), nil
		}
		if t.Mode != refs.ModeTree || strings.Count(p, "/") > 3 {
			continue
		}
		if r, err := w.tree(p, t.OID); r != nil || err != nil {
			return r, err
		}
	}
	w.seen[key] = true
	return nil, nil
}

// list returns everything in a commit's tree, path → entry, without judging it; unreadable
// parts are left out.
func (g *gate) list(id refs.OID) (map[string]entry, error) {
	all := map[string]entry{}
	h, err := g.commit(id)
	if err != nil {
		return nil, err
	}
	w := treeWalk{g: g, seen: map[string]bool{}, allow: func(p string, e entry) string { all[p] = e; return "" }}
	_, err = w.tree("", h.Tree)
	return all, err
}

// prefixes returns the ids of the files with the first lines of data, for each number of
// lines: the earlier contents of a growing segment.
func prefixes(f refs.Format, data []byte) map[refs.OID]bool {
	ids := map[refs.OID]bool{}
	for at := 0; ; {
		k := bytes.IndexByte(data[at:], '\n')
		if k < 0 {
			return ids
		}
		at += k + 1
		ids[f.ID(refs.Object{Kind: refs.Blob, Data: data[:at]})] = true
	}
}
