package disk

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// A git fetch that is killed outright leaves lock files behind, and then every
// later one fails on them. Its refs lie under refs/incoming and refs/outer,
// which only fetches of ours write, one at a time (the caller of Fetch holds
// the sync lock, and a local copy is over in seconds). So after a fetch that
// failed, a lock there that is older than staleLock is nobody's. packed-refs
// is locked by others too: it is looked at with the swap lock in hand only.

// RemoveStaleLocks removes what killed fetches left below the prefixes, and
// reports whether there was anything.
func RemoveStaleLocks(ctx context.Context, gitDir string, prefixes ...string) bool {
	var locks []string
	for _, prefix := range prefixes {
		filepath.WalkDir(filepath.Join(gitDir, filepath.FromSlash(prefix)), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".lock") {
				locks = append(locks, path)
			}
			return nil // what cannot be looked at stays
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

// removeStale removes a lock file that has outlived staleLock by the file
// system's own clock, which need not be ours.
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
