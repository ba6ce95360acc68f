// Package dashtest makes hubs and clones for tests of the dashboard; only tests
// import it.
package dashtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// World is a hub on a local path, and clones of it.
type World struct {
	*testing.T
	Dir, Hub string
	Environ  []string
}

// New makes a hub with a tracker, in which nobody has written an issue.
func New(t *testing.T) *World {
	w := &World{T: t, Dir: t.TempDir()}
	w.Hub = filepath.Join(w.Dir, "hub.git")
	w.Environ = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.Dir, "LC_ALL=C", "TZ=UTC", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=T", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=T", "GIT_COMMITTER_EMAIL=t@example.com", "TMPDIR=" + os.TempDir()}
	w.Git("init", "-q", "--bare", "-b", "main", w.Hub)
	w.Git("init", "-q", "-b", "main", "seed")
	w.Git("-C", "seed", "commit", "-q", "--allow-empty", "-m", "first")
	w.Git("-C", "seed", "push", "-q", w.Hub, "main")
	w.Git("-C", "seed", "remote", "add", "origin", w.Hub)
	first, err := tracker.Open(t.Context(), tracker.Options{Dir: filepath.Join(w.Dir, "seed"), Environ: append(w.Environ, "GIT_CROSSLINK_AGENT=agent-seed")})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := first.Init(t.Context(), tracker.InitOptions{}); err != nil {
		t.Fatal(err)
	}
	return w
}

// Git runs git in the world's directory.
func (w *World) Git(args ...string) {
	w.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = w.Dir, w.Environ
	if out, err := cmd.CombinedOutput(); err != nil {
		w.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Clone clones the hub, and returns the clone's directory. Its agent is called
// agent-<name>.
func (w *World) Clone(name string) string {
	w.Helper()
	w.Git("clone", "-q", w.Hub, name)
	return filepath.Join(w.Dir, name)
}

// Sync brings a clone and the hub together.
func (w *World) Sync(dir string) {
	w.Helper()
	t := w.open(dir)
	defer t.Close()
	if _, err := t.Sync(w.Context(), tracker.SyncOptions{}); err != nil {
		w.Fatal(err)
	}
}

func (w *World) open(dir string) *tracker.Tracker {
	w.Helper()
	t, err := tracker.Open(w.Context(), tracker.Options{Dir: dir, Environ: append(w.Environ, "GIT_CROSSLINK_AGENT=agent-"+filepath.Base(dir))})
	if err != nil {
		w.Fatal(err)
	}
	return t
}

// Emit writes events as a command in a clone does.
func (w *World) Emit(dir string, build func(tracker.Projection) []event.Body) {
	w.Helper()
	t := w.open(dir)
	defer t.Close()
	_, err := t.Emit(w.Context(), tracker.EmitOptions{}, func(p tracker.Projection) ([]event.Body, error) { return build(p), nil })
	if err != nil {
		w.Fatal(err)
	}
}

// Create creates an issue.
func (w *World) Create(dir, title string, set func(*event.IssueCreated)) event.UUID {
	w.Helper()
	c := &event.IssueCreated{UUID: mint(), Title: title, Priority: event.Medium, CreatedBy: filepath.Base(dir)}
	if set != nil {
		set(c)
	}
	w.Emit(dir, func(tracker.Projection) []event.Body { return []event.Body{c} })
	return c.UUID
}

var minted atomic.Uint32

func mint() event.UUID {
	n := minted.Add(1)
	return event.UUID{0xa, byte(n), 0xbc, 4: byte(n >> 8), 6: 0x40, 8: 0x80, 15: byte(n)}
}
