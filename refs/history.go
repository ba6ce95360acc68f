package refs

import (
	"bytes"
	"context"
	"errors"
)

// headLimit is the largest commit whose parents are read. A step of the ledger has a parent
// for each log that moved, and a long message in a stranger's commit must not hide later
// data.
const headLimit = 32 << 20

// ReadHead reads one commit's tree and parents. The error wraps ErrMissing, or names what
// is malformed.
func ReadHead(ctx context.Context, l Local, id OID) (CommitHead, error) {
	data, err := readCommit(ctx, l, id)
	if err != nil {
		return CommitHead{}, err
	}
	return ParseCommit(l.Format(), data)
}

// ReadMessage is ReadHead with the commit's message.
func ReadMessage(ctx context.Context, l Local, id OID) (CommitHead, string, error) {
	data, err := readCommit(ctx, l, id)
	if err != nil {
		return CommitHead{}, "", err
	}
	head, err := ParseCommit(l.Format(), data)
	_, message, _ := bytes.Cut(data, []byte("\n\n"))
	return head, string(message), err
}

func readCommit(ctx context.Context, l Local, id OID) ([]byte, error) {
	objs, err := readKind(ctx, l, []OID{id}, Commit, headLimit)
	if err == nil {
		err = objs[0].err
	}
	if err != nil {
		return nil, err
	}
	return objs[0].o.Data, nil
}

// ListFiles lists the files of a commit, path → blob, without reading them. whole is false
// if there are entries other than plain files and directories, more than max of them, or a
// directory deeper than four.
func ListFiles(ctx context.Context, l Local, id OID, max int) (files map[string]OID, whole bool, err error) {
	head, err := ReadHead(ctx, l, id)
	if err != nil {
		return nil, false, err
	}
	files = map[string]OID{}
	type dir struct {
		path string
		oid  OID
	}
	dirs := []dir{{"", head.Tree}}
	for depth := 0; len(dirs) > 0; depth++ {
		if depth == maxDepth {
			return nil, false, nil
		}
		ids := make([]OID, len(dirs))
		for i, d := range dirs {
			ids[i] = d.oid
		}
		trees, err := readKind(ctx, l, ids, Tree, treeLimit)
		if err != nil {
			return nil, false, err
		}
		var below []dir
		for i, g := range trees {
			if errors.Is(g.err, ErrMissing) || errors.Is(g.err, ErrCorrupt) {
				return nil, false, g.err
			}
			if g.err != nil {
				return nil, false, nil
			}
			es, err := ParseTree(l.Format(), g.o.Data)
			if err != nil {
				return nil, false, nil
			}
			for _, e := range es {
				switch e.Mode {
				case ModeBlob:
					files[dirs[i].path+e.Name] = e.OID
				case ModeTree:
					below = append(below, dir{dirs[i].path + e.Name + "/", e.OID})
				default:
					return nil, false, nil
				}
			}
			if len(files)+len(below) > max {
				return nil, false, nil
			}
		}
		dirs = below
	}
	return files, true, nil
}
