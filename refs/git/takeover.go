package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/disk"
	"github.com/git-crosslink/git-crosslink/refs/native"
)

// The user's own fetches and pulls bring the hub's branches too, into
// refs/remotes/<n>/crosslink/*. TakeOver copies them into the replica, so that the next
// command has them without using the network. The rules are:
//
//   - tips are compared first, and only new tips are copied; a few objects are copied
//     without git (copyfew.go);
//   - the copy is silently not used in three cases: a shallow repository has logs without
//     their beginning, a partial one lacks their blobs, and a child git does not read
//     another user's repository;
//   - refs that have not moved since the last comparison are not read; the times of their
//     directories show this;
//   - the refs show success, never an exit status.

// TakeOver implements refs.Replica.
func (r *Replica) TakeOver(ctx context.Context, remote string, cfg refs.Config) (moved bool, err error) {
	if remote == "" || !r.outer.mayCopy(cfg) {
		return false, nil
	}
	root := "refs/remotes/" + remote + "/crosslink/"
	stamp := r.outer.takenStamp(root)
	if stamp != "" && r.tookOver() == stamp {
		return false, nil
	}
	theirs, err := r.outer.refs(ctx, cfg, root)
	if err != nil {
		return false, fmt.Errorf("look at the remote-tracking branches: %w", err)
	}
	seen, err := r.local.Refs(ctx, "refs/")
	if err != nil {
		return false, err
	}
	old := map[string]refs.OID{}
	for _, s := range seen {
		if strings.HasPrefix(s.Name, refs.OuterPrefix) {
			old[s.Name] = s.OID
		}
	}
	var ups []refs.Update
	gone := maps.Clone(old)
	for _, t := range theirs {
		name := refs.OuterPrefix + strings.TrimPrefix(t.Name, root)
		if delete(gone, name); old[name] != t.OID {
			ups = append(ups, refs.Update{Ref: name, Old: old[name], New: t.OID})
		}
	}
	if len(ups) == 0 {
		r.noteTakenOver(stamp)
		return false, nil
	}
	if len(gone) == 0 && r.copyFew(ctx, seen, ups) == nil {
		r.noteTakenOver(stamp)
		return true, nil
	}
	// whatever git answers, the refs show the result
	for range 2 {
		_, err := r.git.run(ctx, nil, "fetch", "-q", "--refmap=", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
			"--prune", "--no-auto-maintenance", r.outer.CommonDir, "+"+root+"*:"+refs.OuterPrefix+"*")
		if !failedHere(err) || !disk.RemoveStaleLocks(ctx, r.path, refs.OuterPrefix) {
			break
		}
	}
	now, err := r.local.Refs(ctx, refs.OuterPrefix)
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

// takenFile has the stamp of the user's refs that are known to be in the replica, so that
// no command reads them again before they move.
const takenFile = "taken"

// takenStamp is a stamp of the user's refs below root; it is empty if it could not detect a
// change.
func (o *Outer) takenStamp(root string) string {
	if _, err := os.Lstat(filepath.Join(o.CommonDir, "reftable")); err == nil {
		return ""
	}
	stamp := disk.StampDirs(time.Now(), filepath.Join(o.CommonDir, "packed-refs"), filepath.Join(o.CommonDir, filepath.FromSlash(root)))
	if stamp == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(root + "\n" + stamp))
	return hex.EncodeToString(sum[:])
}

func (r *Replica) tookOver() string {
	b, _ := statefile.Read(filepath.Join(r.path, takenFile), 1<<10)
	return string(b)
}

func (r *Replica) noteTakenOver(stamp string) {
	if stamp != "" && r.tookOver() != stamp {
		_ = statefile.Write(filepath.Join(r.path, takenFile), []byte(stamp)) // on failure they are read again
	}
}

// packedLimit is the largest packed-refs of a user that is read here: in a larger one git
// finds a few refs faster.
const packedLimit = 1 << 20

// refs lists the user's refs below root, which ends in '/': in this process if they are
// plain files.
func (o *Outer) refs(ctx context.Context, cfg refs.Config, root string) ([]refs.Ref, error) {
	st, err := os.Lstat(filepath.Join(o.CommonDir, "packed-refs"))
	small := err != nil || st.Size() <= packedLimit
	storage, _ := cfg.Get("extensions.refStorage")
	files := (storage == "" || storage == "files") && getenv(o.environ, "GIT_REFERENCE_BACKEND") == ""
	if small && files && refs.CheckRefName(root+"x") == nil {
		all, err := native.ListRefs(o.CommonDir, o.Format, root)
		if !errors.Is(err, native.ErrOdd) {
			return all, err
		}
	}
	out, err := o.ask(ctx, "for-each-ref", "--format=%(objectname) %(refname)", root)
	if err != nil {
		return nil, err
	}
	var all []refs.Ref
	for line := range strings.Lines(string(out)) {
		id, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if strings.HasPrefix(name, root) && o.Format.Valid(refs.OID(id)) {
			all = append(all, refs.Ref{Name: name, OID: refs.OID(id)})
		}
	}
	return all, nil
}

// mayCopy reports whether the repository's copy of the hub's branches is complete, and a
// child git can read it.
func (o *Outer) mayCopy(cfg refs.Config) bool {
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
	return system.Owned(st, false)
}

// LastFetch implements refs.Outer.
func (o *Outer) LastFetch() time.Time {
	st, err := os.Stat(filepath.Join(o.GitDir, "FETCH_HEAD"))
	if err != nil {
		return time.Time{}
	}
	return st.ModTime()
}
