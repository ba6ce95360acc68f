package gate

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// git writes a ref, packed-refs or the configuration through a file whose name ends in .lock.
// If the process is killed, the file remains, and from then on git refuses every push that
// needs it. If it belongs to a ref of the tracker, nobody can get a number or a lock.

// staleAfter is how old a lock file must be to be reported as left behind. git holds one
// for milliseconds, for packed-refs of a large hub for seconds.
const staleAfter = time.Minute

// maxLocks bounds how many lock files are reported one by one.
const maxLocks = 20

// lockFile is one lock file of git's.
type lockFile struct {
	path string // below the repository
	age  time.Duration
}

// lockFiles lists git's lock files in a repository, the oldest first.
func lockFiles(dir string, now time.Time) (locks []lockFile) {
	add := func(path string, d fs.DirEntry) {
		if d.IsDir() || !strings.HasSuffix(path, ".lock") {
			return
		}
		st, err := d.Info()
		if err != nil {
			return // it was removed in the meantime
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			rel = path
		}
		locks = append(locks, lockFile{filepath.ToSlash(rel), max(now.Sub(st.ModTime()), 0)})
	}
	for _, sub := range []string{"", "reftable", "objects/info", "objects/info/commit-graphs", "objects/pack"} {
		in, _ := os.ReadDir(filepath.Join(dir, sub)) // an unreadable directory has no locks to report
		for _, d := range in {
			add(filepath.Join(dir, sub, d.Name()), d)
		}
	}
	for _, sub := range []string{"refs", "logs"} {
		_ = filepath.WalkDir(filepath.Join(dir, sub), func(path string, d fs.DirEntry, err error) error {
			if err == nil {
				add(path, d)
			}
			return nil
		})
	}
	slices.SortStableFunc(locks, func(a, b lockFile) int { return int(min(max(b.age-a.age, -1), 1)) })
	return locks
}

// findLocks reports the lock files of the hub. Only a person can decide whether a process
// still holds one.
func (h *hub) findLocks(now time.Time, find finder) {
	locks := lockFiles(h.outer.CommonDir, now)
	for i, l := range locks {
		if i == maxLocks {
			find(fail.Warning, "stale-locks", fail.Fields{"path": h.outer.CommonDir}, "there are %d more lock files", len(locks)-maxLocks)
			return
		}
		path := filepath.Join(h.outer.CommonDir, filepath.FromSlash(l.path))
		if l.age < staleAfter {
			find(fail.Note, "lock-file", nil, "the lock file '%s' is %d s old; a push that is running may hold it", path, int(l.age.Seconds()))
			continue
		}
		find(fail.Problem, "stale-lock", nil,
			"the lock file '%s' is %s old: while it exists, git cannot change %s; if no git process uses this repository, the file is stale and the hub's owner may remove it",
			path, statefile.AgeOf(l.age), locked(l.path))
	}
}

// locked names what git cannot change while a lock file exists.
func locked(path string) string {
	name := strings.TrimSuffix(path, ".lock")
	switch {
	case name == "packed-refs":
		return "refs that are packed"
	case strings.HasPrefix(name, "reftable/"):
		return "any ref"
	case name == "config":
		return "the configuration"
	case strings.HasPrefix(name, "objects/"):
		return "'" + name + "' (maintenance does)"
	}
	return "'" + strings.TrimPrefix(name, "logs/") + "'"
}
