//go:build unix

package disk

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// Flock waits up to wait for the exclusive lock on path. The lock belongs to
// the open file, so it ends with the last process that holds it, however that
// process ends. ok is false when the time was not enough.
func Flock(ctx context.Context, path string, wait time.Duration) (f *os.File, ok bool, err error) {
	return flockAs(ctx, path, wait, syscall.LOCK_EX)
}

// FlockShared is Flock for a lock that any number may hold at once, but
// not beside one that holds it alone.
func FlockShared(ctx context.Context, path string, wait time.Duration) (f *os.File, ok bool, err error) {
	return flockAs(ctx, path, wait, syscall.LOCK_SH)
}

func flockAs(ctx context.Context, path string, wait time.Duration, how int) (f *os.File, ok bool, err error) {
	f, err = statefile.OpenLock(path)
	if err != nil {
		return nil, false, err
	}
	deadline := time.Now().Add(wait)
	for pause := time.Millisecond; ; pause = min(2*pause, 25*time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if err == nil {
			return f, true, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, false, &os.PathError{Op: "flock", Path: path, Err: err}
		}
		if !time.Now().Before(deadline) {
			f.Close()
			return nil, false, nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, false, context.Cause(ctx)
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// CanPrune says that prune and writers can exclude each other here.
const CanPrune = true

// SyncDir makes the directory's entries survive power loss. git never does.
func SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	// Some file systems cannot sync a directory and say so.
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

// inode is the number of a file in its file system.
func inode(st os.FileInfo) uint64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Ino)
	}
	return 0
}
