package disk

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// A git fetch that is killed with SIGKILL leaves lock files behind, and every later fetch
// fails because of them. Its refs are under refs/incoming and refs/outer, which only our
// own fetches write, one at a time (the caller of Fetch holds the sync lock, and a local
// copy takes seconds). So if a fetch failed, a lock there that is older than staleLock
// belongs to nobody. Others lock packed-refs too, so its lock is only checked while holding
// the swap lock.

// RemoveStaleLocks removes the locks of killed fetches below the prefixes, and reports
// whether there were any.
func RemoveStaleLocks(ctx context.Context, gitDir string, prefixes ...string) bool {
	var locks []string
	for _, prefix := range prefixes {
		filepath.WalkDir(filepath.Join(gitDir, filepath.FromSlash(prefix)), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".lock") {
				locks = append(locks, path)
			}
			return nil // an unreadable directory stays as it is
		})
	}
	swap, ok, err := Flock(ctx, filepath.Join(gitDir, "swap.lock"), swapLockPatience)
	if err != nil || !ok {
		return false
	}
	defer swap.Close()
	removed := false
	for _, path := range append(locks, filepath.Join(gitDir, "packed-refs.lock")) {
		removed = removeStale(gitDir, path) || removed
	}
	return removed
}

// removeStale removes a lock file that is older than staleLock by the file system's own
// clock, which can differ from ours.
func removeStale(gitDir, path string) bool {
	st, err := os.Lstat(path)
	if err != nil {
		return false
	}
	probe, err := statefile.CreateTemp(gitDir, "clock-")
	if err != nil {
		return false
	}
	defer os.Remove(probe.Name())
	defer probe.Close()
	now, err := probe.Stat()
	return err == nil && now.ModTime().Sub(st.ModTime()) > staleLock && os.Remove(path) == nil
}
