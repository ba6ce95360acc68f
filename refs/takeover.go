package refs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// OuterPrefix is where TakeOver leaves what the user's repository has of the
// hub, unchecked. It is apart from refs/incoming because it may be older.
const OuterPrefix = "refs/outer/"

// The user's own fetch and pull bring the hub's branches along, into
// refs/remotes/<n>/crosslink/*. TakeOver copies them into the replica, so that
// the next command has the news without network. The rules are:
//
//   - tips are compared first; a copy is made only for tips not looked at
//     before;
//   - a shallow repository has logs without their beginning, a partial one
//     without their blobs, and git does not read another user's repository in
//     a child: in all three the copy is quietly not used;
//   - success is what the refs say, never an exit status.

// TakeOver makes refs/outer/* what the user's repository has of the remote's
// tracker branches. moved reports whether something is new there.
func (r *Replica) TakeOver(ctx context.Context, remote string, cfg Config) (moved bool, err error) {
	if remote == "" || !r.outer.mayCopy(cfg) {
		return false, nil
	}
	root := "refs/remotes/" + remote + "/crosslink/"
	theirs, err := r.outer.refs(ctx, cfg, root)
	if err != nil {
		return false, fmt.Errorf("look at the remote-tracking branches: %w", err)
	}
	seen, err := r.local.Refs(ctx, OuterPrefix)
	if err != nil {
		return false, err
	}
	old := make(map[string]OID, len(seen))
	for _, s := range seen {
		old[s.Name] = s.OID
	}
	fresh := false
	for _, t := range theirs {
		fresh = fresh || old[OuterPrefix+strings.TrimPrefix(t.Name, root)] != t.OID
	}
	if !fresh {
		return false, nil
	}
	// whatever git says to this, the refs tell what came of it
	for range 2 {
		_, err := r.git.run(ctx, nil, "fetch", "-q", "--refmap=", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
			"--prune", "--no-auto-maintenance", r.outer.CommonDir, "+"+root+"*:"+OuterPrefix+"*")
		if !failedHere(err) || !r.sweepLocks(ctx, OuterPrefix) {
			break
		}
	}
	now, err := r.local.Refs(ctx, OuterPrefix)
	if err != nil {
		return false, err
	}
	for _, n := range now {
		if old[n.Name] != n.OID {
			return true, nil
		}
	}
	return false, nil
}

// packedLimit is the largest packed-refs of a user that is read whole here: git
// finds a few refs in a larger one sooner than we read it.
const packedLimit = 1 << 20

// refs lists the user's refs below root, which ends in '/': in this process
// where they are plain files.
func (o *Outer) refs(ctx context.Context, cfg Config, root string) ([]Ref, error) {
	st, err := os.Lstat(filepath.Join(o.CommonDir, "packed-refs"))
	small := err != nil || st.Size() <= packedLimit
	storage, _ := cfg.Get("extensions.refStorage")
	files := (storage == "" || storage == "files") && getenv(o.environ, "GIT_REFERENCE_BACKEND") == ""
	if small && files && CheckRefName(root+"x") == nil {
		all, err := refFiles{dir: o.CommonDir, form: o.Format}.list(root)
		if !errors.Is(err, errOdd) {
			return all, err
		}
	}
	out, err := o.ask(ctx, "for-each-ref", "--format=%(objectname) %(refname)", root)
	if err != nil {
		return nil, err
	}
	var all []Ref
	for line := range strings.Lines(string(out)) {
		id, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if strings.HasPrefix(name, root) && o.Format.Valid(OID(id)) {
			all = append(all, Ref{name, OID(id)})
		}
	}
	return all, nil
}

// mayCopy reports whether the repository's copy of the hub's branches is
// whole, and readable by a git that we start.
func (o *Outer) mayCopy(cfg Config) bool {
	if _, err := os.Lstat(filepath.Join(o.CommonDir, "shallow")); err == nil {
		return false
	}
	for _, s := range cfg {
		if s.Key == "extensions.partialclone" || strings.HasPrefix(s.Key, "remote.") && strings.HasSuffix(s.Key, ".promisor") {
			return false
		}
	}
	st, err := os.Stat(o.CommonDir)
	if err != nil {
		return false
	}
	return ownedByUs(st)
}

// LastFetch is when the user's repository last fetched; zero if it never did
// since it was cloned.
func (o *Outer) LastFetch() time.Time {
	st, err := os.Stat(filepath.Join(o.GitDir, "FETCH_HEAD"))
	if err != nil {
		return time.Time{}
	}
	return st.ModTime()
}
