package disk

import (
	"context"
	"os"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/internal/system"
)

// Flock waits up to wait for the exclusive lock on path. The lock belongs to the open file,
// so it ends with the last process that has the file open, however that process ends. ok is
// false if the time was too short.
func Flock(ctx context.Context, path string, wait time.Duration) (f *os.File, ok bool, err error) {
	return flockAs(ctx, path, wait, false)
}

// FlockShared is Flock for a shared lock: any number of processes may hold it at once,
// unless one holds it exclusively.
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
