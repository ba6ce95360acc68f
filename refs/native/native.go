package native

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/git-crosslink/git-crosslink/internal/fault"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/disk"
)

// Local implements refs.Local in this process, for SHA-1 repositories whose refs are files:
// it starts no git for a loose object, and none to list or move refs. It follows git's own
// rules (a lock file for each ref, loose before packed, objects named once they are
// complete), so it can be used at the same time as git and git.Plumbing.
//
// git still reads all but a few objects in packs (one long-lived `cat-file --batch` reads
// many of them several times faster than go-git), deletes refs, and handles everything
// unusual.
type Local struct {
	dir     string
	rest    refs.Local // does the work that is left to git
	objects loose
	packs   packs
	refs    refFiles
	prune   disk.PruneLock
	closed  atomic.Bool
	swap    sync.Mutex // goroutines wait here, processes at the flock

	mu     sync.Mutex
	recent map[refs.OID]refs.Object // the objects that Write stored since the last Swap
	size   int                      // their bytes
}

var _ refs.Local = (*Local)(nil)

// New opens the repository at gitDir (absolute). Its format must be SHA-1 and its refs
// files (Can). rest does the work that only git can do, and is closed together with the
// repository.
func New(gitDir string, rest refs.Local) *Local {
	return &Local{
		dir:     gitDir,
		rest:    rest,
		objects: loose{dir: filepath.Join(gitDir, "objects"), cache: new(objectCache)},
		packs:   packs{dir: filepath.Join(gitDir, "objects", "pack")},
		refs:    refFiles{dir: gitDir, form: refs.SHA1, known: new(knownRefs)},
		recent:  make(map[refs.OID]refs.Object),
	}
}

// Can reports whether a repository has SHA-1 format and its refs are files: otherwise git
// creates a directory that shows this.
func Can(gitDir string, f refs.Format) bool {
	_, err := os.Lstat(filepath.Join(gitDir, "reftable"))
	return f == refs.SHA1 && errors.Is(err, os.ErrNotExist)
}

// Format implements Local.
func (n *Local) Format() refs.Format { return refs.SHA1 }

// Close implements Local.
func (n *Local) Close() error {
	n.closed.Store(true)
	n.prune.Release()
	n.packs.close()
	return n.rest.Close()
}

// ClosePacks closes the packs, so that every system can remove them. From then on git reads
// packed objects.
func (n *Local) ClosePacks() { n.packs.close() }

// Refs implements Local.
func (n *Local) Refs(ctx context.Context, prefix string) ([]refs.Ref, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := refs.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	all, err := n.refs.list(prefix)
	if errors.Is(err, ErrOdd) {
		return n.rest.Refs(ctx, prefix)
	}
	if err != nil {
		return nil, fmt.Errorf("list refs: %w", err)
	}
	return all, nil
}

// packedAtOnce is the largest number of requested objects for which packed ones are read
// without git.
const packedAtOnce = 16

// Read implements Local.
func (n *Local) Read(ctx context.Context, ids []refs.OID, limit int64, each func(int, refs.Object, error) error) error {
	if n.closed.Load() {
		return refs.ErrClosed
	}
	for _, id := range ids {
		if !refs.SHA1.Valid(id) {
			return fmt.Errorf("bad object id '%s'", id)
		}
	}
	for i := 0; i < len(ids); {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		o, err := n.objects.read(ids[i], limit)
		if err == nil || errors.Is(err, refs.ErrTooLarge) {
			if err := each(i, o, err); err != nil {
				return err
			}
			i++
			continue
		}
		if errors.As(err, new(*statefile.OddError)) {
			return err // git would wait for a named pipe
		}
		if errors.Is(err, fs.ErrNotExist) && len(ids) <= packedAtOnce {
			if o, ok := n.packs.read(ids[i], limit); ok {
				if err := each(i, o, nil); err != nil {
					return err
				}
				i++
				continue
			}
		}
		// The object is packed, missing or damaged: git finds out, also for the following
		// objects that are not loose. git does not check the hash of a damaged object.
		damaged := n.objects.has(ids[i])
		end := i + 1
		for end < len(ids) && !n.objects.has(ids[end]) {
			end++
		}
		err = n.rest.Read(ctx, ids[i:end], limit, func(k int, o refs.Object, err error) error {
			if damaged && k == 0 && err == nil && o.Kind != refs.Other && refs.SHA1.ID(o) != ids[i] {
				o, err = refs.Object{}, fmt.Errorf("object '%s': %w", ids[i], refs.ErrCorrupt)
			}
			return each(i+k, o, err)
		})
		if err != nil {
			return err
		}
		i = end
	}
	return nil
}

// recentLimit bounds the written objects that stay in memory, in bytes.
const recentLimit = 32 << 20

// Write implements Local.
func (n *Local) Write(ctx context.Context, objs []refs.Object) ([]refs.OID, error) {
	if len(objs) == 0 {
		return nil, nil
	}
	ids, err := refs.SHA1.IDs(objs)
	if err != nil {
		return nil, err
	}
	if n.closed.Load() {
		return nil, refs.ErrClosed
	}
	if err := n.prune.Share(ctx, n.dir); err != nil {
		return nil, err
	}
	if err := n.store(ctx, ids, objs); err != nil {
		return nil, fmt.Errorf("write objects: %w", err)
	}
	n.remember(ids, objs)
	fault.Point("refs.write.after")
	return ids, nil
}

// storeTries is how often a write is tried: gc may remove an empty directory of objects
// between its creation and its use, and the same write works a moment later.
const storeTries = 4

// store is loose.store, repeated if gc removes a directory that it needs.
func (n *Local) store(ctx context.Context, ids []refs.OID, objs []refs.Object) error {
	for try := 1; ; try++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := fault.Error("refs.write.before")
		if err == nil {
			err = n.objects.store(ids, objs)
		}
		if !errors.Is(err, fs.ErrNotExist) || try == storeTries {
			return err
		}
		disk.Pause(ctx, try)
	}
}

func (n *Local) remember(ids []refs.OID, objs []refs.Object) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, id := range ids {
		if n.size += len(objs[i].Data); n.size > recentLimit {
			clear(n.recent)
			n.size = len(objs[i].Data)
		}
		n.recent[id] = objs[i]
	}
}

// stillThere makes sure, after refs moved, that the objects written for the move still
// exist, and writes them again if a `git prune` has removed them.
func (n *Local) stillThere(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var ids []refs.OID
	var objs []refs.Object
	for id, o := range n.recent {
		if !n.objects.has(id) {
			ids, objs = append(ids, id), append(objs, o)
		}
	}
	if len(ids) > 0 { // or packed: then they are stored twice, which does no harm
		if err := n.store(ctx, ids, objs); err != nil {
			return fmt.Errorf("write objects again: %w", err)
		}
	}
	clear(n.recent)
	n.size = 0
	return nil
}
