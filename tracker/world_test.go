package tracker_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/memory"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// world is a bare hub and clones of it, each with a clock of its own. Every
// call of a clone opens the tracker again, as a process would.
type world struct {
	t   *testing.T
	dir string
	hub string
	env []string

	keepFrom int // tracker.Options.KeepFrom

	net    memory.Network // of a world in memory
	memory *memory.Hub    // its hub; nil if the hub is a repository of git's
}

// whereRead is the size from which on writes create a store: none does, but all use an
// existing one.
const whereRead = 1 << 30

type clone struct {
	w       *world
	name    string
	dir     string
	now     func() time.Time
	sleep   func(time.Duration)
	offline bool
	notices []fail.Notice
	stored  []kept // what became of the store
	memory  *memory.Clone
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := emptyWorld(t)
	w.git(w.dir, "init", "-q", "--bare", "-b", "main", w.hub)
	if err := testkit.WithoutCollection(w.hub); err != nil {
		t.Fatal(err)
	}
	tree := strings.TrimSpace(w.git(w.hub, "hash-object", "-w", "-t", "tree", os.DevNull))
	w.git(w.hub, "update-ref", "refs/heads/main", strings.TrimSpace(w.git(w.hub, "commit-tree", "-m", "first", tree)))
	return w
}

func emptyWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir()}
	w.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "USER=tester", "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=T", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=T", "GIT_COMMITTER_EMAIL=t@example.com"}
	// one test in four has a store from its first write on, and nearly all is done on
	// what that holds, in a long run all have; in another one a store this small is for
	// reads only, as it is for users; else it is continued from where a read has made one
	h := fnv.New32()
	h.Write([]byte(t.Name()))
	w.keepFrom = []int{1, 0, whereRead, whereRead}[h.Sum32()%4]
	if os.Getenv("CROSSLINK_NIGHTLY") == "1" || os.Getenv("CROSSLINK_KEEP") == "1" {
		w.keepFrom = 1
	}
	w.hub = filepath.Join(w.dir, "hub.git")
	return w
}

func (w *world) git(dir string, args ...string) string {
	w.t.Helper()
	if w.memory != nil {
		w.t.Fatalf("git %s in a world without git", strings.Join(args, " "))
	}
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, w.env
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	if err := cmd.Run(); err != nil {
		w.t.Fatalf("git %s: %v\n%s%s", strings.Join(args, " "), err, msg.String(), out.String())
	}
	return out.String()
}

func (w *world) clone(name string) *clone {
	w.t.Helper()
	c := &clone{w: w, name: name, dir: filepath.Join(w.dir, name), now: time.Now}
	if w.memory == nil {
		w.git(w.dir, "clone", "-q", w.hub, c.dir)
		return c
	}
	var err error
	if c.memory, err = memory.NewClone(c.dir, refs.SHA1, &w.net, nil); err != nil {
		w.t.Fatal(err)
	}
	c.set("remote.origin.url", w.hub)
	return c
}

// cut takes the network away from a clone, or gives it back.
func (c *clone) cut(off bool) {
	c.offline = off
	url := c.w.hub
	if off {
		url = filepath.Join(c.w.dir, "nowhere.git")
	}
	c.set("remote.origin.url", url)
}

func (c *clone) open(more ...string) *tracker.Tracker {
	c.w.t.Helper()
	return c.openAs(false, more...)
}

// openDetached opens it as a process does that nobody waits for.
func (c *clone) openDetached() *tracker.Tracker {
	c.w.t.Helper()
	return c.openAs(true)
}

func (c *clone) openAs(detached bool, more ...string) *tracker.Tracker {
	c.w.t.Helper()
	t, err := tracker.Open(context.Background(), tracker.Options{
		Survey: c.survey(), Detached: detached, Dir: c.dir, Environ: append(append([]string{"GIT_CROSSLINK_AGENT=" + c.name}, c.w.env...), more...), Now: c.now, Sleep: c.sleep,
		Notice: func(n fail.Notice) { c.notices = append(c.notices, n) }, KeepFrom: c.w.keepFrom,
		Stored: func(w store.Written, err error) { c.stored = append(c.stored, kept{w, err}) }})
	if err != nil {
		c.w.t.Fatal(err)
	}
	return t
}

// close closes a tracker, after a look whether what it has read is what is in the
// refs.
func (c *clone) close(t *tracker.Tracker) {
	c.w.t.Helper()
	defer t.Close()
	if diff := t.OtherwiseThanWhole(context.Background()); diff != "" {
		c.w.t.Errorf("%s: what was read is not what is in the refs: %s", c.name, diff)
	}
}

func (c *clone) emit(build func(t *tracker.Tracker, p tracker.Projection) []event.Body) *tracker.Receipt {
	c.w.t.Helper()
	t := c.open()
	defer c.close(t)
	r, err := t.Emit(context.Background(), tracker.EmitOptions{}, func(p tracker.Projection) ([]event.Body, error) { return build(t, p), nil })
	if err != nil {
		c.w.t.Fatalf("%s: %v", c.name, err)
	}
	return r
}

func (c *clone) create(title string) event.UUID {
	c.w.t.Helper()
	var u event.UUID
	c.emit(func(t *tracker.Tracker, p tracker.Projection) []event.Body {
		u = t.MintUUID()
		return []event.Body{&event.IssueCreated{UUID: u, Title: title, Priority: event.Medium, CreatedBy: t.Agent()}}
	})
	return u
}

func (c *clone) comment(issue event.UUID, text string) {
	c.w.t.Helper()
	c.emit(func(t *tracker.Tracker, p tracker.Projection) []event.Body {
		return []event.Body{&event.CommentAdded{Issue: issue, Comment: t.MintUUID(), Author: t.Agent(), Content: text,
			CreatedAt: event.TimeOf(c.now()), Kind: "note"}}
	})
}

func (c *clone) init() *tracker.InitReport {
	c.w.t.Helper()
	t := c.open()
	defer c.close(t)
	r, err := t.Init(context.Background(), tracker.InitOptions{})
	if err != nil {
		c.w.t.Fatalf("%s: init: %v", c.name, err)
	}
	return r
}

func (c *clone) sync() *tracker.SyncReport {
	c.w.t.Helper()
	t := c.open()
	defer c.close(t)
	r, err := t.Sync(context.Background(), tracker.SyncOptions{})
	if err != nil {
		c.w.t.Fatalf("%s: sync: %v", c.name, err)
	}
	if r.Reason != "" || r.Unsent > 0 {
		c.w.t.Logf("%s: a sync ends with %+v", c.name, *r)
	}
	return r
}

// trySync returns what sync says.
func (c *clone) trySync() error {
	c.w.t.Helper()
	t := c.open()
	defer c.close(t)
	_, err := t.Sync(context.Background(), tracker.SyncOptions{})
	return err
}

// errorName is the name of a refusal, "" for none.
func errorName(err error) string {
	var e *fail.Error
	if errors.As(err, &e) {
		return e.Code.Name()
	}
	return ""
}

// tryEmit returns what a write says that waits for the hub, however slow the
// machine.
func (c *clone) tryEmit(build func(t *tracker.Tracker) []event.Body) (*tracker.Receipt, error) {
	c.w.t.Helper()
	t := c.open()
	defer c.close(t)
	return t.Emit(context.Background(), tracker.EmitOptions{Wait: true}, func(tracker.Projection) ([]event.Body, error) { return build(t), nil })
}

// takeKeys gives a clone the keys of another one, as a careless user would.
func (c *clone) takeKeys(from *clone) {
	c.w.t.Helper()
	at := func(c *clone) string { return filepath.Join(c.dir, ".git", "crosslink", "keys") }
	if err := os.CopyFS(at(c), os.DirFS(at(from))); err != nil {
		c.w.t.Fatal(err)
	}
}

func (c *clone) read() tracker.Projection {
	c.w.t.Helper()
	t := c.open()
	c.w.t.Cleanup(func() { t.Close() }) // answers may come from a file
	p, err := t.Read(context.Background(), tracker.Offline)
	if err != nil {
		c.w.t.Fatalf("%s: %v", c.name, err)
	}
	if diff := t.OtherwiseThanWhole(context.Background()); diff != "" {
		c.w.t.Errorf("%s: what was read is not what is in the refs: %s", c.name, diff)
	}
	return p
}

func (c *clone) titles() map[string]*store.Issue {
	c.w.t.Helper()
	p := c.read()
	rows, _, err := p.List(store.Filter{Status: "all"})
	if err != nil {
		c.w.t.Fatal(err)
	}
	m := map[string]*store.Issue{}
	for _, r := range rows {
		if m[r.Title], err = p.Issue(r.UUID); err != nil {
			c.w.t.Fatal(err)
		}
	}
	return m
}

// converge syncs everybody twice and fails unless all show the same state.
func (w *world) converge(clones ...*clone) {
	w.t.Helper()
	for range 2 {
		for _, c := range clones {
			c.sync()
		}
	}
	first := clones[0].read().Hash()
	for _, c := range clones[1:] {
		if h := c.read().Hash(); h != first {
			w.t.Fatalf("'%s' has state %s, '%s' has %s", c.name, h, clones[0].name, first)
		}
	}
}

// traced counts the git processes a call starts, by subcommand.
func traced(t *testing.T, file string) map[string]int {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := map[string]int{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Event string
			SID   string
			Name  string
			Argv  []string
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		// a child of a git process has its parent's session id before its own
		if e.Event == "cmd_name" && !strings.Contains(e.SID, "/") {
			n[e.Name]++
		}
	}
	return n
}

func splitLines(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == '\n' })
}

func containsWord(s, w string) bool { return strings.Contains(" "+s+" ", " "+w+" ") }
