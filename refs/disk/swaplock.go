package disk

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs"
)

// SwapLock is one process's right to move refs of a repository, and the reason why nothing
// ever needs repair.
//
// If git is killed with SIGKILL, it leaves its <ref>.lock behind, and nobody can move that
// ref again until a person removes the file. So the rules are:
//
//   - the swap lock is an flock on <git dir>/swap.lock. A child that inherits File holds it
//     too: the lock lasts until both parent and child have ended, however they end;
//   - the file lists the refs that are about to be locked, the last one first, and is emptied
//     when the lock is released normally. A process that finds names in it knows that the
//     previous holder was killed, and removes the lock files of exactly those refs. A process
//     that moves refs itself removes each name after the move (Moved), so that the next git's
//     lock of that ref is not taken for its own;
//   - power loss may lose the names but not the lock file of a ref. While a process holds the
//     swap lock, none of ours can be moving refs, so it also removes locks that are older than
//     staleLock. A newer lock belongs to another git (gc, pack-refs): the process waits for it.
type SwapLock struct {
	dir   string // the git dir
	f     *os.File
	names []byte // the content of the file
}

const (
	// SwapPatience is how long a swap waits for another process's lock of a ref.
	SwapPatience = 1500 * time.Millisecond

	swapLockPatience = 30 * time.Second
	staleLock        = time.Minute
)

// TakeSwapLock waits for the swap lock of the repository at gitDir, removes the locks of a
// killed predecessor, and writes the names of the refs that will be locked. ErrLocked means
// that another process kept the lock.
func TakeSwapLock(ctx context.Context, gitDir string, moves []refs.Update) (*SwapLock, error) {
	path := filepath.Join(gitDir, "swap.lock")
	f, ok, err := Flock(ctx, path, swapLockPatience)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, refs.ErrLocked
	}
	l := &SwapLock{dir: gitDir, f: f}
	if err := l.recover(); err != nil {
		f.Close()
		return nil, err
	}
	for _, u := range slices.Backward(moves) {
		l.names = append(l.names, u.Ref+"\n"...)
	}
	if _, err := f.WriteAt(l.names, 0); err != nil {
		l.Release()
		return nil, err
	}
	return l, nil
}

// maxSwapLock bounds how much of the file is read, because it may contain anything after a
// crash.
const maxSwapLock = 4 << 20

// recover removes the lock files of a killed predecessor.
func (l *SwapLock) recover() error {
	st, err := l.f.Stat()
	if err != nil || st.Size() == 0 {
		return err
	}
	b := make([]byte, min(st.Size(), maxSwapLock))
	if _, err := l.f.ReadAt(b, 0); err != nil {
		return err
	}
	for name := range strings.Lines(string(b)) {
		name, whole := strings.CutSuffix(name, "\n")
		if !whole || refs.CheckRefName(name) != nil {
			continue
		}
		os.Remove(l.LockPath(name)) // nearly always missing; if it cannot be removed, the swap reports it
	}
	return l.f.Truncate(0)
}

// Moved records that this process has moved the next ref, so nothing of it is locked now.
func (l *SwapLock) Moved() error {
	l.names = l.names[:bytes.LastIndexByte(l.names[:len(l.names)-1], '\n')+1]
	return l.f.Truncate(int64(len(l.names)))
}

// LockPath returns the path of git's lock of a ref.
func (l *SwapLock) LockPath(ref string) string { return l.RefPath(ref) + ".lock" }

// RefPath returns the file of a ref.
func (l *SwapLock) RefPath(ref string) string {
	return filepath.Join(l.dir, filepath.FromSlash(ref))
}

// Release releases the lock normally.
func (l *SwapLock) Release() {
	l.f.Truncate(0)
	l.f.Close()
}

// File is the open file that a child inherits to hold the lock too.
func (l *SwapLock) File() *os.File { return l.f }

// ChildKilled cleans up after a child that was killed while this process continues: nobody
// holds the locks of its refs.
func (l *SwapLock) ChildKilled() error {
	if err := l.recover(); err != nil {
		return err
	}
	_, err := l.f.WriteAt(l.names, 0)
	return err
}

// Contended reports whether a lock file of these refs exists, after removing those that no
// living process can hold.
func (l *SwapLock) Contended(ups []refs.Update) bool {
	held := false
	now, err := l.now()
	for _, path := range l.paths(ups) {
		path += ".lock"
		st, serr := os.Lstat(path)
		if serr != nil {
			continue
		}
		held = true
		if err == nil && now.Sub(st.ModTime()) > staleLock {
			os.Remove(path)
		}
	}
	return held
}

// Held returns an error that names the lock file of these refs that prevented a move; err
// is the error of the move.
func (l *SwapLock) Held(ups []refs.Update, err error) error {
	for _, path := range l.paths(ups) {
		if locked := statefile.LockOf(path); locked != nil {
			return fmt.Errorf("move '%s': %w: %w", ups[0].Ref, refs.ErrLocked, locked)
		}
	}
	return fmt.Errorf("move '%s': %w: %w", ups[0].Ref, refs.ErrLocked, err)
}

// paths returns the files whose locks git needs to move these refs.
func (l *SwapLock) paths(ups []refs.Update) []string {
	paths := []string{filepath.Join(l.dir, "packed-refs")}
	for _, u := range ups {
		paths = append(paths, l.RefPath(u.Ref))
	}
	return paths
}

// now is the file system's clock, which can differ from ours.
func (l *SwapLock) now() (time.Time, error) {
	if _, err := l.f.WriteAt(l.names, 0); err != nil {
		return time.Time{}, err
	}
	st, err := l.f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return st.ModTime(), nil
}
