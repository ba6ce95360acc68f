package transfer

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/importer"
	"github.com/git-crosslink/git-crosslink/refs"
)

// gitBugs reads what git-bug keeps from the refs of a repository, never from its
// cache.
type gitBugs struct {
	ctx context.Context
	l   refs.Local
}

// Bounds of what is read of another program's objects.
const (
	maxBugCommits = 100_000  // of one bug
	maxBugFiles   = 1_000    // in one commit
	maxBugBlob    = 16 << 20 // bytes
)

// GitBugs returns what git-bug keeps in a repository.
func GitBugs(ctx context.Context, l refs.Local) importer.GitBugs { return gitBugs{ctx, l} }

func (g gitBugs) Bugs() iter.Seq2[[]importer.GitBugPack, error] {
	return func(yield func([]importer.GitBugPack, error) bool) {
		bugs, err := g.l.Refs(g.ctx, "refs/bugs/")
		if err != nil {
			yield(nil, err)
			return
		}
		for _, r := range bugs {
			packs, err := g.packs(r)
			if err != nil && g.ctx.Err() == nil {
				err = &importer.BugError{Text: fmt.Sprintf("%s: %v", r.Name, err)}
			}
			if !yield(packs, err) {
				return
			}
		}
	}
}

// packs walks a bug from its tip to its first commit.
func (g gitBugs) packs(r refs.Ref) (packs []importer.GitBugPack, err error) {
	size := 0
	for at := r.OID; at != ""; {
		if len(packs) >= maxBugCommits {
			return nil, fmt.Errorf("it has more than %d commits", maxBugCommits)
		}
		head, err := refs.ReadHead(g.ctx, g.l, at)
		if err != nil {
			return nil, err
		}
		one, err := g.pack(at, len(head.Parents))
		if err != nil {
			return nil, err
		}
		if size += len(one.Ops); size > importer.MaxBug {
			return nil, fmt.Errorf("its operations are longer than %d MiB", importer.MaxBug>>20)
		}
		if packs, at = append(packs, one), ""; len(head.Parents) > 0 {
			at = head.Parents[0]
		}
	}
	slices.Reverse(packs)
	return packs, nil
}

func (g gitBugs) pack(commit refs.OID, parents int) (p importer.GitBugPack, err error) {
	files, whole, err := refs.ListFiles(g.ctx, g.l, commit, maxBugFiles)
	if err != nil {
		return p, fmt.Errorf("the tree of commit %s cannot be read: %w", commit, err)
	}
	if !whole {
		return p, fmt.Errorf("the tree of commit %s has more than %d files", commit, maxBugFiles)
	}
	p.Parents = parents
	for name := range files {
		if n, ok := strings.CutPrefix(name, "version-"); ok {
			p.Version, _ = strconv.Atoi(n)
		}
	}
	p.Ops, err = g.blob(files["ops"])
	return p, err
}

func (g gitBugs) Identity(id string) ([]byte, error) {
	const root = "refs/identities/"
	found, err := g.l.Refs(g.ctx, root+id)
	if err != nil || len(found) == 0 || found[0].Name != root+id {
		return nil, err
	}
	files, _, err := refs.ListFiles(g.ctx, g.l, found[0].OID, maxBugFiles)
	if err != nil || files["version"] == "" {
		return nil, err
	}
	return g.blob(files["version"])
}

func (g gitBugs) blob(id refs.OID) ([]byte, error) {
	if id == "" {
		return nil, nil
	}
	var data []byte
	err := g.l.Read(g.ctx, []refs.OID{id}, maxBugBlob, func(_ int, o refs.Object, err error) error {
		data = o.Data
		return err
	})
	return data, err
}
