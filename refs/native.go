package refs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/git-crosslink/git-crosslink/internal/fault"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// Native is Local by this process itself, for repositories of SHA-1 format
// whose refs are files: it starts no git for a loose object, and none to list
// or move refs. It follows git's own rules (a lock file for each ref, loose
// before packed, objects named once they are whole), so it may be used beside
// git and beside Plumbing, at the same time.
//
// Left to git are objects in packs (one long-lived `cat-file --batch`, which
// reads many of them several times faster than go-git does), the deletion of
// refs, and whatever looks odd.
type Native struct {
	plumbing *Plumbing
	objects  loose
	refs     refFiles
	closed   atomic.Bool
	swap     sync.Mutex // goroutines queue here, processes at the flock

	mu     sync.Mutex
	recent map[OID]Object // what Write stored since the last Swap
	size   int            // their bytes
}

var _ Local = (*Native)(nil)

// NewNative opens the repository at gitDir (absolute) as it is. Its format must
// be SHA-1 and its refs files. Whatever is left to git runs in workDir with
// environ, less what locates a repository.
func NewNative(gitDir, workDir string, environ []string) *Native {
	return newNative(&git{dir: gitDir, work: workDir, env: innerEnv(environ)})
}

func newNative(g *git) *Native {
	return &Native{
		plumbing: newPlumbing(g, SHA1),
		objects:  loose{dir: filepath.Join(g.dir, "objects"), held: new(held)},
		refs:     refFiles{dir: g.dir, form: SHA1, known: new(knownRefs)},
		recent:   make(map[OID]Object),
	}
}

// Format implements Local.
func (n *Native) Format() Format { return SHA1 }

// Close implements Local.
func (n *Native) Close() error {
	n.closed.Store(true)
	return n.plumbing.Close()
}

// Refs implements Local.
func (n *Native) Refs(ctx context.Context, prefix string) ([]Ref, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := checkPrefix(prefix); err != nil {
		return nil, err
	}
	all, err := n.refs.list(prefix)
	if errors.Is(err, errOdd) {
		return n.plumbing.Refs(ctx, prefix)
	}
	if err != nil {
		return nil, fmt.Errorf("list refs: %w", err)
	}
	return all, nil
}

// checkPrefix refuses a directory of refs that no ref can be in.
func checkPrefix(prefix string) error {
	if i := strings.LastIndexByte(prefix, '/'); i > 0 {
		return CheckRefName(prefix[:i] + "/x")
	}
	return nil
}

// Read implements Local.
func (n *Native) Read(ctx context.Context, ids []OID, limit int64, each func(int, Object, error) error) error {
	if n.closed.Load() {
		return errClosed
	}
	for _, id := range ids {
		if !SHA1.Valid(id) {
			return fmt.Errorf("bad object id '%s'", id)
		}
	}
	for i := 0; i < len(ids); {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		o, err := n.objects.read(ids[i], limit)
		if err == nil || errors.Is(err, ErrTooLarge) {
			if err := each(i, o, err); err != nil {
				return err
			}
			i++
			continue
		}
		if errors.As(err, new(*statefile.OddError)) {
			return err // git would wait for a named pipe
		}
		// Packed, missing or damaged: git tells, and with it of those that
		// follow and are not loose either. What a damaged object's bytes hash
		// to git does not look at.
		damaged := n.objects.has(ids[i])
		end := i + 1
		for end < len(ids) && !n.objects.has(ids[end]) {
			end++
		}
		err = n.plumbing.Read(ctx, ids[i:end], limit, func(k int, o Object, err error) error {
			if damaged && k == 0 && err == nil && o.Kind != other && SHA1.ID(o) != ids[i] {
				o, err = Object{}, fmt.Errorf("object '%s': %w", ids[i], ErrCorrupt)
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

// recentLimit bounds what is kept of the objects written, in bytes.
const recentLimit = 32 << 20

// Write implements Local.
func (n *Native) Write(ctx context.Context, objs []Object) ([]OID, error) {
	if len(objs) == 0 {
		return nil, nil
	}
	ids := make([]OID, len(objs))
	for i, o := range objs {
		if o.Kind != Blob && o.Kind != Tree && o.Kind != Commit {
			return nil, errors.New("write: object of no known kind")
		}
		ids[i] = SHA1.ID(o)
	}
	if n.closed.Load() {
		return nil, errClosed
	}
	if err := n.plumbing.beWriter(ctx); err != nil {
		return nil, err
	}
	if err := n.store(ctx, ids, objs); err != nil {
		return nil, fmt.Errorf("write objects: %w", err)
	}
	n.remember(ids, objs)
	fault.Point("refs.write.after")
	return ids, nil
}

// store is loose.store, again if gc removes a directory under it.
func (n *Native) store(ctx context.Context, ids []OID, objs []Object) error {
	for try := 1; ; try++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := fault.Error("refs.write.before")
		if err == nil {
			err = n.objects.store(ids, objs)
		}
		if !errors.Is(err, fs.ErrNotExist) || try == writeTries {
			return err
		}
		pause(ctx, try)
	}
}

func (n *Native) remember(ids []OID, objs []Object) {
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

// stillThere makes sure, after refs moved, that what was written for it has
// not been collected in between (by somebody's `git prune`), and puts it back
// if it has.
func (n *Native) stillThere(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var ids []OID
	var objs []Object
	for id, o := range n.recent {
		if !n.objects.has(id) {
			ids, objs = append(ids, id), append(objs, o)
		}
	}
	if len(ids) > 0 { // or packed: then it is stored twice, which harms nothing
		if err := n.store(ctx, ids, objs); err != nil {
			return fmt.Errorf("write objects again: %w", err)
		}
	}
	clear(n.recent)
	n.size = 0
	return nil
}
