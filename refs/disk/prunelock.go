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

// PruneLock keeps prune away from a writer. Objects that no ref reaches yet are
// what prune removes, once they are two weeks old; and an object that was written
// again is as old as the first time for the moment until it is freshened. So
// anybody who writes objects holds prune.lock together with other writers until the
// refs have moved, and prune holds it alone.
type PruneLock struct {
	mu sync.Mutex
	f  *os.File
}

// pruneLockPatience is more than prune may take.
const pruneLockPatience = 30 * time.Second

// Share takes the lock together with other writers, unless this one has it.
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

// Release ends it; a lock that was not taken may be released.
func (l *PruneLock) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f != nil {
		l.f.Close()
		l.f = nil
	}
}
