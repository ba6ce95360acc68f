package disk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// SyncRefs makes the moved refs' directory entries survive power loss: git syncs the lock
// file and renames it, but does not sync the directory.
func SyncRefs(gitDir string, ups []refs.Update) error {
	dirs := make(map[string]bool)
	for _, u := range ups {
		if u.Old == u.New {
			continue
		}
		if u.New == "" { // may have been removed from packed-refs
			dirs[gitDir] = true
		}
		for name := u.Ref; strings.Contains(name, "/"); {
			name = name[:strings.LastIndexByte(name, '/')]
			dirs[filepath.Join(gitDir, filepath.FromSlash(name))] = true
		}
	}
	list := slices.Collect(maps.Keys(dirs))
	return AtOnce(len(list), func(i int) error {
		// git removes an empty directory.
		if err := SyncDir(list[i]); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("sync '%s': %w", list[i], err)
		}
		return nil
	})
}

// atOnceLimit bounds how many files are synced at the same time. Syncs that
// run together share the journal's commit, so many cost little more than one.
const atOnceLimit = 16

// AtOnce calls f for 0 … n-1, several at a time, and returns the errors.
func AtOnce(n int, f func(i int) error) error {
	if n == 1 {
		return f(0)
	}
	errs := make([]error, n)
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnceLimit)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = f(i)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Pause waits a little longer after each try, by random amounts, so that two processes that
// collide do not collide again.
func Pause(ctx context.Context, try int) {
	d := time.Duration(try*try) * 4 * time.Millisecond
	select {
	case <-ctx.Done():
	case <-time.After(d/2 + jitter(d)):
	}
}

func jitter(d time.Duration) time.Duration { return rand.N(d + 1) }
