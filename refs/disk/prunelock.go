package disk

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// PruneLock excludes prune while a writer is running. prune removes objects that no ref
// reaches yet, once they are two weeks old. If such an object is written again, it keeps
// its old time until it is freshened. So every writer of objects holds prune.lock shared
// until the refs have moved, and prune holds it exclusively.
type PruneLock struct {
	mu sync.Mutex
	f  *os.File
}

// pruneLockPatience is longer than prune may take.
const pruneLockPatience = 30 * time.Second

// Share takes the lock together with other writers, unless this writer already holds it.
func (l *PruneLock) Share(ctx context.Context, gitDir string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if l.f != nil {
		return nil
	}
	f, ok, err := FlockShared(ctx, filepath.Join(gitDir, "prune.lock"), pruneLockPatience)
	if err == nil && !ok {
		err = fmt.Errorf("write objects: %w", refs.ErrLocked)
	}
	l.f = f
	return err
}

// Release releases the lock; it does nothing if the lock is not held.
func (l *PruneLock) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f != nil {
		l.f.Close()
		l.f = nil
	}
}
