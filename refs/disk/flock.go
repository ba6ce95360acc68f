package disk

import (
	"context"
	"os"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/internal/system"
)

// Flock waits up to wait for the exclusive lock on path. The lock belongs to
// the open file, so it ends with the last process that holds it, however that
// process ends. ok is false when the time was not enough.
func Flock(ctx context.Context, path string, wait time.Duration) (f *os.File, ok bool, err error) {
	return flockAs(ctx, path, wait, false)
}

// FlockShared is Flock for a lock that any number may hold at once, but
// not beside one that holds it alone.
func FlockShared(ctx context.Context, path string, wait time.Duration) (f *os.File, ok bool, err error) {
	return flockAs(ctx, path, wait, true)
}

func flockAs(ctx context.Context, path string, wait time.Duration, shared bool) (f *os.File, ok bool, err error) {
	if f, err = statefile.OpenLock(path); err != nil {
		return nil, false, err
	}
	if ok, err = system.Lock(ctx, f, shared, wait); !ok {
		f.Close()
		return nil, false, err
	}
	return f, true, nil
}

// SyncDir makes the directory's entries survive power loss. git never does.
func SyncDir(path string) error { return system.SyncDir(path) }
