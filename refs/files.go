package refs

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"
)

// Bounds for ReadFiles beside the caller's limit.
const (
	maxDepth = 4
	maxFiles = 1 << 16
)

// ReadFiles reads all of a small tree, such as meta's: path → content. The tree may contain
// only plain files and directories. limit is for all bytes together. It takes one Read call
// per level. The error wraps ErrMissing, ErrTooLarge or ErrCorrupt, or names what is
// malformed.
func ReadFiles(ctx context.Context, l Local, commit OID, limit int64) (map[string][]byte, error) {
	f := l.Format()
	if !f.Valid(commit) {
		return nil, fmt.Errorf("bad object id '%s'", commit)
	}
	objs, err := readKind(ctx, l, []OID{commit}, Commit, commitLimit)
	if err == nil {
		err = objs[0].err
	}
	if err != nil {
		return nil, err
	}
	head, err := ParseCommit(f, objs[0].o.Data)
	if err != nil {
		return nil, err
	}
	names, blobs, err := listTree(ctx, l, head.Tree)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte, len(names))
	left := limit
	err = l.Read(ctx, blobs, limit, func(i int, o Object, err error) error {
		if err == nil && o.Kind != Blob {
			err = errors.New("not a file")
		}
		if left -= int64(len(o.Data)); err == nil && left < 0 {
			err = ErrTooLarge
		}
		if err != nil {
			return fmt.Errorf("'%s': %w", names[i], err)
		}
		files[names[i]] = o.Data
		return nil
	})
	if err != nil {
		return nil, err
	}
	return files, nil
}

// listTree lists the files of a small tree: paths, and the blobs at them.
func listTree(ctx context.Context, l Local, root OID) (names []string, blobs []OID, err error) {
	type dir struct {
		path string
		oid  OID
	}
	dirs := []dir{{"", root}}
	for depth := 0; len(dirs) > 0; depth++ {
		if depth == maxDepth {
			return nil, nil, errors.New("tree is too deep")
		}
		ids := make([]OID, len(dirs))
		for i, d := range dirs {
			ids[i] = d.oid
		}
		var below []dir
		size := 0
		err := eachKind(ctx, l, ids, Tree, treeLimit, func(i int, data []byte, err error) error {
			if size += len(data); err == nil && size > treeLimit {
				err = fmt.Errorf("tree: %w", ErrTooLarge)
			}
			if err != nil {
				return err
			}
			es, err := ParseTree(l.Format(), data)
			if err != nil {
				return err
			}
			for _, e := range es {
				p := path.Join(dirs[i].path, e.Name)
				switch e.Mode {
				case ModeBlob:
					names, blobs = append(names, p), append(blobs, e.OID)
				case ModeTree:
					below = append(below, dir{p, e.OID})
				default:
					return fmt.Errorf("'%s' has mode %s", p, e.Mode)
				}
			}
			if len(blobs)+len(below) > maxFiles {
				return fmt.Errorf("tree: %w", ErrTooLarge)
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
		dirs = below
	}
	return names, blobs, nil
}

// WriteCommit stores files (path → content) as a tree and a commit of it. It
// moves no ref.
func WriteCommit(ctx context.Context, l Local, files map[string][]byte, parents []OID, c CommitInfo) (OID, error) {
	f := l.Format()
	var objs []Object
	add := func(kind Kind, data []byte) OID {
		o := Object{kind, data}
		objs = append(objs, o)
		return f.ID(o)
	}
	paths := make([]string, 0, len(files))
	for p := range files {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	tree, err := addFiles(f, "", paths, files, add)
	if err != nil {
		return "", err
	}
	data, err := EncodeCommit(f, tree, parents, c)
	if err != nil {
		return "", err
	}
	id := add(Commit, data)
	if _, err := l.Write(ctx, objs); err != nil {
		return "", err
	}
	return id, nil
}

// addFiles adds the tree of the paths below dir ("" or ending in '/').
func addFiles(f Format, dir string, paths []string, files map[string][]byte, add func(Kind, []byte) OID) (OID, error) {
	var es []TreeEntry
	below := make(map[string][]string)
	var subs []string
	for _, p := range paths {
		name, rest, deep := strings.Cut(p[len(dir):], "/")
		if !deep {
			es = append(es, TreeEntry{ModeBlob, name, add(Blob, files[p])})
			continue
		}
		if name == "" || rest == "" {
			return "", fmt.Errorf("bad path '%s'", p)
		}
		if below[name] == nil {
			subs = append(subs, name)
		}
		below[name] = append(below[name], p)
	}
	for _, name := range subs {
		id, err := addFiles(f, dir+name+"/", below[name], files, add)
		if err != nil {
			return "", err
		}
		es = append(es, TreeEntry{ModeTree, name, id})
	}
	data, err := EncodeTree(f, es)
	if err != nil {
		return "", err
	}
	return add(Tree, data), nil
}
