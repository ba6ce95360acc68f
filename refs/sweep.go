package refs

import (
	"context"
	"errors"
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
// is locked by others too: it is looked at with a turn in hand only.

// sweepLocks removes what killed fetches left below the prefixes, and reports
// whether there was anything.
func (r *Replica) sweepLocks(ctx context.Context, prefixes ...string) bool {
	var locks []string
	for _, prefix := range prefixes {
		filepath.WalkDir(filepath.Join(r.path, filepath.FromSlash(prefix)), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".lock") {
				locks = append(locks, path)
			}
			return nil // what cannot be looked at stays
		})
	}
	turn, ok, err := flock(ctx, filepath.Join(r.path, "swap.lock"), turnPatience)
	if err != nil || !ok {
		return false
	}
	defer turn.Close()
	swept := false
	for _, path := range append(locks, filepath.Join(r.path, "packed-refs.lock")) {
		swept = r.removeStale(path) || swept
	}
	return swept
}

// removeStale removes a lock file that has outlived staleLock by the file
// system's own clock, which need not be ours.
func (r *Replica) removeStale(path string) bool {
	st, err := os.Lstat(path)
	if err != nil {
		return false
	}
	probe, err := statefile.CreateTemp(r.path, "clock-")
	if err != nil {
		return false
	}
	defer os.Remove(probe.Name())
	defer probe.Close()
	now, err := probe.Stat()
	return err == nil && now.ModTime().Sub(st.ModTime()) > staleLock && os.Remove(path) == nil
}

// localFaults are git's words, in the C locale, for what this side could not
// do although the hub answered.
var localFaults = []string{
	"No space left on device", "Disk quota exceeded", "Read-only file system",
	"insufficient permission for adding an object", "unable to create temporary file", "unable to write file",
	"Unable to create '", "cannot lock ref '", "unable to update local ref",
}

// failedHere reports whether a fetch failed on this side of the connection.
// Status 1 says that a ref could not be stored; otherwise only words tell. What
// the server says comes as lines that begin with 'remote:'.
func failedHere(err error) bool {
	var ge *GitError
	if !errors.As(err, &ge) || ge.Exit < 0 {
		return false
	}
	if ge.Exit == 1 {
		return true
	}
	for line := range strings.Lines(ge.Stderr) {
		if strings.HasPrefix(line, "remote:") {
			continue
		}
		for _, words := range localFaults {
			if strings.Contains(line, words) {
				return true
			}
		}
	}
	return false
}
