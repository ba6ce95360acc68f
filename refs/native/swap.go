package native

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/fault"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/disk"
)

// errLockHeld means that another process holds a lock that is needed.
var errLockHeld = errors.New("a lock is held")

// Swap implements Local. This process moves one ref; git moves several, because a git child
// finishes when this process is killed.
func (n *Local) Swap(ctx context.Context, ups []refs.Update) error {
	return n.swapUpTo(ctx, 1, ups, n.rest.Swap)
}

// SwapInOrder implements Local.
func (n *Local) SwapInOrder(ctx context.Context, ups []refs.Update) error {
	return n.swapUpTo(ctx, len(ups), ups, n.rest.SwapInOrder)
}

// swapUpTo makes at most that many moves in this process; it passes larger batches,
// deletions and anything unusual to rest.
func (n *Local) swapUpTo(ctx context.Context, most int, ups []refs.Update, rest func(context.Context, []refs.Update) error) error {
	if len(ups) == 0 {
		return nil
	}
	if err := refs.CheckUpdates(refs.SHA1, ups); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	moves := slices.DeleteFunc(slices.Clone(ups), func(u refs.Update) bool { return u.Old == u.New })
	err := ErrOdd
	if len(moves) <= most && !slices.ContainsFunc(moves, func(u refs.Update) bool { return u.New == "" }) {
		err = n.swapHere(ctx, ups, moves)
	}
	if errors.Is(err, ErrOdd) {
		err = rest(ctx, ups)
	}
	if err == nil {
		err = n.stillThere(context.WithoutCancel(ctx))
	}
	if err == nil {
		n.prune.Release()
	}
	return err
}

// swapHere checks all refs and makes the moves, while this process holds the swap lock.
func (n *Local) swapHere(ctx context.Context, ups, moves []refs.Update) error {
	n.swap.Lock()
	defer n.swap.Unlock()
	lock, err := disk.TakeSwapLock(ctx, n.dir, moves)
	if err != nil {
		return fmt.Errorf("move '%s': %w", ups[0].Ref, err)
	}
	defer lock.Release()

	// From here on the outcome must be known, so the context is ignored.
	ctx = context.WithoutCancel(ctx)
	if err := fault.Error("refs.swap.before"); err != nil {
		return err
	}
	// Refs that are only verified are not locked: no process of ours moves a ref without
	// the swap lock.
	if err := n.expected(ups); err != nil || len(moves) == 0 {
		return err
	}
	deadline := time.Now().Add(disk.SwapPatience)
	for try := 1; len(moves) > 0; try++ {
		made, err := n.move(ctx, lock, moves)
		// Refs that have moved stay moved, and the others are moved next: if this counted
		// as a conflict, the caller would repeat moves that are already made.
		moves = moves[made:]
		switch {
		case err == nil:
		case errors.Is(err, errLockHeld):
			lock.Contended(moves) // removes locks that no living process can hold
			if time.Now().After(deadline) {
				return lock.Held(moves, err)
			}
			disk.Pause(ctx, min(try, 5))
		case refused(err) || try >= 3:
			return err
		default:
			disk.Pause(ctx, try)
		}
	}
	fault.Point("refs.swap.moved")
	if err := disk.SyncRefs(n.dir, ups); err != nil {
		return err
	}
	fault.Point("refs.swap.after")
	return nil
}

// refused reports whether an error is final, not a failure that may pass.
func refused(err error) bool {
	for _, is := range []error{refs.ErrConflict, refs.ErrNameTaken, refs.ErrMissing, refs.ErrCorrupt, errBroken, ErrOdd} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// expected fails with a conflict unless all refs have their Old value.
func (n *Local) expected(ups []refs.Update) error {
	for _, u := range ups {
		got, err := n.refs.value(u.Ref)
		if err != nil {
			return err
		}
		if got != u.Old {
			return &refs.ConflictError{Ref: u.Ref, Old: u.Old, Got: got}
		}
	}
	return nil
}

// move locks all refs, checks them again, and moves them one after the other. It returns
// how many it has moved, and why not all. It leaves no lock.
func (n *Local) move(ctx context.Context, lock *disk.SwapLock, moves []refs.Update) (made int, err error) {
	locked := 0
	defer func() {
		for _, u := range moves[made:locked] {
			os.Remove(lock.LockPath(u.Ref))
		}
	}()
	files := make([]*os.File, len(moves))
	defer func() {
		for _, f := range files {
			if f != nil {
				f.Close()
			}
		}
	}()
	for i, u := range moves {
		if files[i], err = n.lock(lock.LockPath(u.Ref)); err != nil {
			if errors.Is(err, errTaken) {
				err = n.taken(u.Ref, moves)
			}
			return 0, err
		}
		locked++
	}
	if err := n.mayMove(ctx, moves); err != nil {
		return 0, err
	}
	err = disk.AtOnce(len(moves), func(i int) error {
		_, err := files[i].WriteString(string(moves[i].New) + "\n")
		if err == nil {
			err = files[i].Sync()
		}
		err = errors.Join(err, files[i].Close())
		files[i] = nil
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, u := range moves {
		fault.Point("refs.swap.move")
		if err := os.Rename(lock.LockPath(u.Ref), lock.RefPath(u.Ref)); err != nil {
			return made, err
		}
		made++
		if err := lock.Moved(); err != nil {
			return made, err
		}
	}
	return made, nil
}

// errTaken means that there is a file at the path of a lock's directory.
var errTaken = errors.New("a ref is in the way")

// lockTries is how often a lock is tried, because git removes empty directories of refs.
const lockTries = 4

// lock creates a ref's lock file, and the directories it needs.
func (n *Local) lock(path string) (*os.File, error) {
	for try := 1; ; try++ {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		switch {
		case err == nil:
			statefile.Share(f, 0o666)
			return f, nil
		case errors.Is(err, fs.ErrExist):
			return nil, fmt.Errorf("%w: '%s'", errLockHeld, path)
		case errors.Is(err, fs.ErrNotExist) && try < lockTries:
			if err := mkdirsShared(filepath.Dir(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				if absent(err) || errors.Is(err, fs.ErrExist) {
					return nil, errTaken
				}
				return nil, err
			}
		case absent(err):
			return nil, errTaken
		default:
			return nil, err
		}
	}
}

// taken names the ref whose name conflicts with the lock's, if it still exists.
func (n *Local) taken(ref string, moves []refs.Update) error {
	all, err := n.refs.list("")
	if err != nil {
		return err
	}
	if err := refs.CheckFree(ref, moves, all); err != nil {
		return err
	}
	return fmt.Errorf("move '%s': %w", ref, errTaken)
}

// mayMove makes all checks that git would make, with the locks held.
func (n *Local) mayMove(ctx context.Context, moves []refs.Update) error {
	if err := n.expected(moves); err != nil {
		return err
	}
	var all []refs.Ref
	var elsewhere []refs.OID
	for _, u := range moves {
		if !n.objects.has(u.New) {
			elsewhere = append(elsewhere, u.New)
		}
		if u.Old != "" {
			continue // a name in use cannot conflict with others
		}
		if all == nil {
			var err error
			if all, err = n.refs.list(""); err != nil {
				return err
			}
		}
		if err := refs.CheckFree(u.Ref, moves, all); err != nil {
			return err
		}
	}
	err := n.rest.Read(ctx, elsewhere, 0, func(_ int, _ refs.Object, err error) error {
		if errors.Is(err, refs.ErrTooLarge) {
			return nil // so it exists
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, u := range moves {
		if err := n.refs.clearWay(u.Ref); err != nil {
			return fmt.Errorf("%w: '%s' is in use: %w", errLockHeld, u.Ref, err)
		}
	}
	return nil
}

// mkdirsShared makes a directory and its parents.
func mkdirsShared(dir string) error {
	err := statefile.MakeDir(dir)
	if errors.Is(err, fs.ErrNotExist) && len(dir) > 1 && strings.Contains(dir, string(filepath.Separator)) {
		if err := mkdirsShared(filepath.Dir(dir)); err != nil {
			return err
		}
		return statefile.MakeDir(dir)
	}
	return err
}
