package refs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// WriteChanges adds or replaces files (path → content) in the tree of commit base, and
// stores the new tree and a commit of it. It reads and writes only the directories on the
// way to those files. base "" begins with an empty tree. It moves no ref.
func WriteChanges(ctx context.Context, l Local, base OID, files map[string][]byte, parents []OID, c CommitInfo) (OID, error) {
	w := &treeWriter{ctx: ctx, l: l, f: l.Format()}
	entries := make(map[string]TreeEntry, len(files))
	for _, p := range slices.Sorted(maps.Keys(files)) {
		entries[p] = TreeEntry{Mode: ModeBlob, OID: w.add(Blob, files[p])}
	}
	return w.commit(base, entries, parents, c)
}

// WriteTrees is WriteChanges with existing directories (path → tree) instead of files.
func WriteTrees(ctx context.Context, l Local, base OID, trees map[string]OID, parents []OID, c CommitInfo) (OID, error) {
	entries := make(map[string]TreeEntry, len(trees))
	for p, id := range trees {
		entries[p] = TreeEntry{Mode: ModeTree, OID: id}
	}
	return (&treeWriter{ctx: ctx, l: l, f: l.Format()}).commit(base, entries, parents, c)
}

// treeWriter collects the objects of one write.
type treeWriter struct {
	ctx  context.Context
	l    Local
	f    Format
	objs []Object
}

func (w *treeWriter) add(kind Kind, data []byte) OID {
	o := Object{kind, data}
	w.objs = append(w.objs, o)
	return w.f.ID(o)
}

// commit stores the collected objects, the tree of base with the new entries, and a commit
// of that tree.
func (w *treeWriter) commit(base OID, entries map[string]TreeEntry, parents []OID, c CommitInfo) (OID, error) {
	var root OID
	if base != "" {
		head, err := ReadHead(w.ctx, w.l, base)
		if err != nil {
			return "", err
		}
		root = head.Tree
	}
	tree, err := w.put(root, entries)
	if err != nil {
		return "", err
	}
	data, err := EncodeCommit(w.f, tree, parents, c)
	if err != nil {
		return "", err
	}
	id := w.add(Commit, data)
	if _, err := w.l.Write(w.ctx, w.objs); err != nil {
		return "", err
	}
	return id, nil
}

// put returns the tree with the new entries; paths are relative to it.
func (w *treeWriter) put(tree OID, put map[string]TreeEntry) (OID, error) {
	entries := map[string]TreeEntry{}
	if tree != "" {
		objs, err := readKind(w.ctx, w.l, []OID{tree}, Tree, treeLimit)
		if err == nil {
			err = objs[0].err
		}
		if err != nil {
			return "", err
		}
		list, err := ParseTree(w.f, objs[0].o.Data)
		if err != nil {
			return "", err
		}
		entries = entriesOf(list)
	}
	below := map[string]map[string]TreeEntry{}
	for p, e := range put {
		name, rest, deep := strings.Cut(p, "/")
		if name == "" || deep && rest == "" {
			return "", fmt.Errorf("bad path '%s'", p)
		}
		if !deep {
			entries[name] = TreeEntry{e.Mode, name, e.OID}
			continue
		}
		if below[name] == nil {
			below[name] = map[string]TreeEntry{}
		}
		below[name][rest] = e
	}
	for _, name := range slices.Sorted(maps.Keys(below)) {
		old := OID("")
		if e, ok := entries[name]; ok && e.Mode == ModeTree {
			old = e.OID
		}
		id, err := w.put(old, below[name])
		if err != nil {
			return "", err
		}
		entries[name] = TreeEntry{ModeTree, name, id}
	}
	return addTree(w.f, entries, w.add)
}
