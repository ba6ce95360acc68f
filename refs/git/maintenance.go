package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/disk"
	"github.com/git-crosslink/git-crosslink/refs/native"
)

// Maintenance of a replica. Every append leaves a handful of loose objects, which take ten
// times the space of the same objects in a pack. The rules are:
//
//   - it runs at most once a day, in a process that nobody waits for. Only refs are packed
//     whenever there are many: this takes a moment, and one fetch of many logs can create
//     many;
//   - nothing is removed before its replacement and the replacement's directory are on
//     disk: objects are packed first, and then loose objects that are in a pack are
//     removed;
//   - objects that no ref reaches stay for two weeks, then prune removes them. While prune
//     runs, nobody writes (disk.PruneLock). `prune --expire=now` is never used: while
//     others were writing, it lost acknowledged commits.
const (
	maintenanceEvery = 24 * time.Hour
	// manyLoose is how many loose objects make maintenance worthwhile, about two hundred
	// appends.
	manyLoose = 1000
	// manyRefs is how many refs may have their own file before they are packed: each costs
	// every command that lists them about ten microseconds.
	manyRefs = 64
	// manyPacks is how many packs are combined into one.
	manyPacks = 50

	pruneAge  = 14 * 24 * time.Hour
	pruneWait = 5 * time.Second  // how long prune waits for writers
	pruneTime = 20 * time.Second // shorter than writers wait
)

// maintenanceStamp is the file whose time is when maintenance last began.
func (r *Replica) maintenanceStamp() string { return filepath.Join(r.path, "maintained") }

// MaintenanceDue implements refs.Maintained. It counts only one of the 256 directories of
// objects, so it is an estimate, and costs almost nothing.
func (r *Replica) MaintenanceDue() bool { return r.manyRefs() || r.objectsDue() }

// manyRefs reports whether many logs or heartbeats have their own file.
func (r *Replica) manyRefs() bool {
	n := 0
	for _, prefix := range []string{refs.SeenPrefix + refs.Agents, refs.ArchivedPrefix, refs.IncomingPrefix + refs.Agents, refs.OuterPrefix + refs.Agents, refs.PresenceHere} {
		entries, _ := os.ReadDir(filepath.Join(r.path, filepath.FromSlash(prefix)))
		n += len(entries)
	}
	return n > manyRefs
}

// PackRefs implements refs.Maintained.
func (r *Replica) PackRefs(ctx context.Context) error {
	if !r.manyRefs() {
		return nil
	}
	return r.packRefs(ctx)
}

func (r *Replica) packRefs(ctx context.Context) error {
	if _, err := r.Git(ctx, "pack-refs", "--all"); err != nil {
		return err
	}
	return disk.SyncDir(r.path)
}

func (r *Replica) objectsDue() bool {
	if st, err := os.Stat(r.maintenanceStamp()); err == nil && time.Since(st.ModTime()) < maintenanceEvery && time.Since(st.ModTime()) >= 0 {
		return false
	}
	entries, _ := os.ReadDir(filepath.Join(r.path, "objects", "17"))
	return len(entries) > manyLoose/256
}

// Maintain implements refs.Maintained. It also does nothing if it ran within the last day
// or another process is running it. It does not disturb readers, and delays writers at most
// while prune runs.
func (r *Replica) Maintain(ctx context.Context) error {
	unlock, ok, err := r.Lock(ctx, "maintenance", 0)
	if err != nil || !ok {
		return err
	}
	defer unlock()
	if err := r.PackRefs(ctx); err != nil || !r.objectsDue() {
		return err
	}
	if n, ok := r.local.(*native.Local); ok {
		n.ClosePacks()
	}
	// Touched first, so that a failure today is not repeated before tomorrow.
	f, err := statefile.CreateTemp(r.path, "maintained-")
	if err != nil {
		return err
	}
	if err := errors.Join(f.Close(), os.Rename(f.Name(), r.maintenanceStamp())); err != nil {
		return err
	}
	if err := r.packRefs(ctx); err != nil {
		return err
	}
	if err := r.packObjects(ctx); err != nil {
		return err
	}
	return r.prune(ctx)
}

func (r *Replica) packObjects(ctx context.Context) error {
	packs := filepath.Join(r.path, "objects", "pack")
	if _, err := r.Git(ctx, "repack", "-q", "-l"); err != nil {
		return err
	}
	if err := disk.SyncDir(packs); err != nil {
		return err
	}
	if _, err := r.Git(ctx, "prune-packed", "-q"); err != nil {
		return err
	}
	all, err := filepath.Glob(filepath.Join(globQuote(packs), "*.pack"))
	if err != nil || len(all) < manyPacks {
		return err
	}
	if _, err := r.Git(ctx, "repack", "-q", "-l", "-a", "-d", "--keep-unreachable", "--no-write-bitmap-index"); err != nil {
		return err
	}
	return disk.SyncDir(packs)
}

// prune removes objects that no ref has reached for two weeks, if there can be any and no
// writer is running.
func (r *Replica) prune(ctx context.Context) error {
	if !r.hasOld() {
		return nil
	}
	unlock, ok, err := r.Lock(ctx, "prune", pruneWait)
	if err != nil || !ok {
		return err // tomorrow
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(ctx, pruneTime)
	defer cancel()
	_, err = r.Git(ctx, "prune", "--expire=2.weeks.ago")
	return err
}

// hasOld reports whether a loose object, or an incomplete one, is older than two weeks.
func (r *Replica) hasOld() bool {
	objects := filepath.Join(r.path, "objects")
	dirs, _ := os.ReadDir(objects)
	for _, d := range dirs {
		if len(d.Name()) != 2 {
			continue
		}
		files, _ := os.ReadDir(filepath.Join(objects, d.Name()))
		for _, f := range files {
			st, err := f.Info()
			if err == nil && time.Since(st.ModTime()) > pruneAge && !strings.HasPrefix(f.Name(), ".") {
				return true
			}
		}
	}
	return false
}
