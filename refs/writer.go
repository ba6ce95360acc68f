package refs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Objects that no ref reaches yet are what prune removes, once they are two
// weeks old; and an object that was written again is as old as the first time
// for the moment until it is freshened. So whoever writes objects holds
// prune.lock together with other writers until the refs have moved, and prune
// holds it alone.
type writer struct {
	mu sync.Mutex
	f  *os.File
}

// writerPatience is more than prune may take.
const writerPatience = 30 * time.Second

func (w *writer) begin(ctx context.Context, gitDir string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if w.f != nil {
		return nil
	}
	f, ok, err := flockWithOthers(ctx, filepath.Join(gitDir, "prune.lock"), writerPatience)
	if err == nil && !ok {
		err = fmt.Errorf("write objects: %w", ErrLocked)
	}
	w.f = f
	return err
}

func (w *writer) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.f != nil {
		w.f.Close()
		w.f = nil
	}
}
