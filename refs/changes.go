package refs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// WriteChanges stores the tree of commit base with files (path → content) put
// in or replaced, and a commit of it. It reads and writes the directories on
// the way to those files and nothing else. base "" begins an empty tree. It
// moves no ref.
func WriteChanges(ctx context.Context, l Local, base OID, files map[string][]byte, parents []OID, c CommitInfo) (OID, error) {
	w := &treeWriter{ctx: ctx, l: l, f: l.Format()}
	var root OID
	if base != "" {
		objs, err := readKind(ctx, l, []OID{base}, Commit, commitLimit)
		if err == nil {
			err = objs[0].err
		}
		if err != nil {
			return "", err
		}
		head, err := ParseCommit(w.f, objs[0].o.Data)
		if err != nil {
			return "", err
		}
		root = head.Tree
	}
	tree, err := w.put(root, files)
	if err != nil {
		return "", err
	}
	data, err := EncodeCommit(w.f, tree, parents, c)
	if err != nil {
		return "", err
	}
	id := w.add(Commit, data)
	if _, err := l.Write(ctx, w.objs); err != nil {
		return "", err
	}
	return id, nil
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

// put returns the tree with files put into it; paths are relative to it.
func (w *treeWriter) put(tree OID, files map[string][]byte) (OID, error) {
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
	below := map[string]map[string][]byte{}
	for p, data := range files {
		name, rest, deep := strings.Cut(p, "/")
		if name == "" || deep && rest == "" {
			return "", fmt.Errorf("bad path '%s'", p)
		}
		if !deep {
			entries[name] = TreeEntry{ModeBlob, name, w.add(Blob, data)}
			continue
		}
		if below[name] == nil {
			below[name] = map[string][]byte{}
		}
		below[name][rest] = data
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
