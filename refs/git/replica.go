package git

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/fault"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/disk"
	"github.com/git-crosslink/git-crosslink/refs/native"
)

// Replica is the private bare repository in which a clone keeps its tracker:
// $GIT_COMMON_DIR/crosslink/replica.git. Only this program writes it. It includes no part
// of the user's configuration; the settings that a call needs are passed with the call.
type Replica struct {
	outer *Outer
	path  string
	dir   os.FileInfo // of path, when it was opened
	git   *runner
	local refs.Local
}

var (
	_ refs.Replica    = (*Replica)(nil)
	_ refs.Maintained = (*Replica)(nil)
)

// replicaConfig is the replica's whole configuration besides what `git init` writes. Each
// line undoes the effect of a possible system or user-wide setting.
const replicaConfig = `[core]
	hooksPath = /dev/null
	logAllRefUpdates = false
	fsync = all
	fsyncMethod = fsync
	fsmonitor = false
	alternateRefsCommand =
	useReplaceRefs = false
[gc]
	auto = 0
	autoDetach = false
	pruneExpire = 2.weeks.ago
[maintenance]
	auto = false
[fetch]
	prune = false
	recurseSubmodules = no
	writeCommitGraph = false
	fsckObjects = false
[transfer]
	fsckObjects = false
[push]
	pushOption =
	followTags = false
	gpgSign = false
	recurseSubmodules = no
	autoSetupRemote = false
[remote]
	pushDefault =
[commit]
	gpgSign = false
[color]
	ui = false
[crosslink]
	replica = 1
`

// ReplicaPath returns where a repository's replica is or would be.
func ReplicaPath(o *Outer) string { return filepath.Join(o.CommonDir, "crosslink", "replica.git") }

// OpenReplica implements refs.Outer. Opening starts and writes nothing, unless a fixed file
// is missing (repair.go).
func (o *Outer) OpenReplica(ctx context.Context, create bool) (refs.Replica, []string, error) {
	path := ReplicaPath(o)
	missing, ok, err := inspect(path)
	switch {
	case err != nil:
	case !ok && !create:
		return nil, nil, refs.ErrNoReplica
	case !ok:
		err = createReplica(ctx, o, path)
	case len(missing) > 0:
		err = repairReplica(ctx, o, path)
	}
	if err != nil {
		return nil, nil, err
	}
	r, err := openReplica(o, path)
	if err != nil {
		return nil, nil, err
	}
	return r, missing, nil
}

// OpenWhole implements refs.Outer.
func (o *Outer) OpenWhole() (refs.Replica, error) {
	path := ReplicaPath(o)
	if missing, ok, err := inspect(path); err != nil || !ok || len(missing) > 0 {
		return nil, refs.ErrNoReplica
	}
	r, err := openReplica(o, path)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func openReplica(o *Outer, path string) (*Replica, error) {
	dir, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	g := &runner{dir: path, work: o.Top, env: innerEnv(o.environ)}
	return &Replica{outer: o, path: path, dir: dir, git: g, local: chooseLocal(g, o.Format)}, nil
}

// Whole implements refs.Replica. It starts nothing.
func (r *Replica) Whole() bool {
	dir, err := os.Stat(r.path)
	if err != nil || !os.SameFile(dir, r.dir) {
		return false
	}
	if missing, ok, err := inspect(r.path); err != nil || !ok || len(missing) > 0 {
		return false
	}
	for _, name := range []string{"HEAD", "objects", "refs"} { // the files that make a directory a repository for git
		if _, err := os.Lstat(filepath.Join(r.outer.CommonDir, name)); err != nil {
			return false
		}
	}
	return true
}

// BackendVariable forces one implementation of Local, for tests: "plumbing" or
// "native".
const BackendVariable = "CROSSLINK_REFS"

// chooseLocal picks the implementation for a replica: git where the native one does not
// work.
func chooseLocal(g *runner, f refs.Format) refs.Local {
	if getenv(g.env, BackendVariable) != "plumbing" && native.Can(g.dir, f) {
		return native.New(g.dir, newPlumbing(g, f))
	}
	return newPlumbing(g, f)
}

// createPatience is how long a process waits while another one creates the replica.
const createPatience = 30 * time.Second

// underCreationLock runs do while nobody else creates or repairs the replica at path;
// shared is the value of core.sharedRepository there.
func underCreationLock(ctx context.Context, o *Outer, path string, do func(shared string) error) error {
	dir := filepath.Dir(path)
	shared, err := makeHome(ctx, o, dir)
	if err != nil {
		return err
	}
	f, ok, err := disk.Flock(ctx, filepath.Join(dir, "replica.lock"), createPatience)
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("another process is creating the replica")
	}
	defer f.Close()
	return do(shared)
}

func createReplica(ctx context.Context, o *Outer, path string) error {
	return underCreationLock(ctx, o, path, func(shared string) error {
		if _, ok, err := inspect(path); ok || err != nil {
			return err // another process was first
		}
		tmp, err := freshReplica(ctx, o, path, shared)
		defer os.RemoveAll(tmp)
		if err != nil {
			return fmt.Errorf("create the replica: %w", err)
		}
		fault.Point("refs.replica.made")
		if err := os.Rename(tmp, path); err != nil {
			return err
		}
		fault.Point("refs.replica.renamed")
		return errors.Join(disk.SyncDir(filepath.Dir(path)), disk.SyncDir(o.CommonDir))
	})
}

// freshReplica makes a replica beside path. The caller holds the creation lock and removes
// any remains.
func freshReplica(ctx context.Context, o *Outer, path, shared string) (tmp string, err error) {
	// Nobody else is creating, so a killed process left these.
	old, _ := filepath.Glob(globQuote(path) + ".tmp-*")
	for _, p := range old {
		os.RemoveAll(p)
	}
	tmp = path + ".tmp-" + rand.Text()[:8]
	return tmp, initReplica(ctx, o, tmp, shared)
}

// detachedLocks are the locks that a detached sync takes.
var detachedLocks = []string{"next", "sync", "maintenance"}

func initReplica(ctx context.Context, o *Outer, tmp, shared string) error {
	// We choose the format of refs, because locks and syncs depend on it.
	g := &runner{dir: tmp, work: o.Top, env: append(innerEnv(o.environ), "GIT_DEFAULT_REF_FORMAT=files")}
	args := []string{"init", "-q", "--bare", "--template=", "--object-format=" + o.Format.String()}
	if shared != "" {
		args = append(args, "--shared="+shared)
	}
	if _, err := g.run(ctx, nil, append(args, tmp)...); err != nil {
		return err
	}
	config := filepath.Join(tmp, "config")
	b, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	if err := writeSynced(config, append(b, replicaConfig...)); err != nil {
		return err
	}
	// No branch is checked out, so git protects none.
	if err := writeSynced(filepath.Join(tmp, "HEAD"), []byte("ref: refs/heads/none\n")); err != nil {
		return err
	}
	// The locks of detached processes exist from the start: such a process must create
	// nothing in a clone that somebody may be about to remove.
	for _, name := range detachedLocks {
		f, err := statefile.OpenLock(filepath.Join(tmp, name+".lock"))
		if err != nil {
			return err
		}
		f.Close()
		// no lock was taken yet
		if err := os.Chtimes(f.Name(), time.Unix(0, 0), time.Unix(0, 0)); err != nil {
			return err
		}
	}
	for _, d := range []string{"objects", "refs", "."} {
		if err := disk.SyncDir(filepath.Join(tmp, d)); err != nil {
			return err
		}
	}
	return nil
}

// makeHome makes <common dir>/crosslink and returns the value of --shared for `git init`.
func makeHome(ctx context.Context, o *Outer, dir string) (shared string, err error) {
	c, err := o.Config(ctx)
	if err != nil {
		return "", err
	}
	shared, _ = c.Get("core.sharedRepository")
	switch strings.ToLower(shared) {
	case "false", "umask", "no", "off", "0":
		shared = ""
	}
	return shared, statefile.MakeHome(dir)
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// globQuote quotes a path so that it matches only itself.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// Path implements refs.Replica: it is the git directory.
func (r *Replica) Path() string { return r.path }

// Local implements refs.Replica.
func (r *Replica) Local() refs.Local { return r.local }

// Close implements refs.Replica.
func (r *Replica) Close() error { return r.local.Close() }

// Git runs git in the replica, for the command git and for maintenance, and returns its
// output.
func (r *Replica) Git(ctx context.Context, args ...string) ([]byte, error) {
	if len(args) == 0 {
		return nil, errors.New("no git command given")
	}
	return r.git.run(ctx, nil, args...)
}

// Lock implements refs.Replica. Children do not inherit the lock.
func (r *Replica) Lock(ctx context.Context, name string, wait time.Duration) (unlock func(), ok bool, err error) {
	if err := refs.CheckLockName(name); err != nil {
		return nil, false, err
	}
	f, ok, err := disk.Flock(ctx, filepath.Join(r.path, name+".lock"), wait)
	if !ok || err != nil {
		return nil, false, err
	}
	return func() { f.Close() }, true, nil
}
