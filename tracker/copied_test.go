package tracker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// copies is how often a clone is copied: a few times here, a hundred times in
// the long run.
func copies(t *testing.T) int {
	if os.Getenv("CROSSLINK_NIGHTLY") == "1" {
		return 100
	}
	t.Log("3 copies of 100; the rest runs with CROSSLINK_NIGHTLY=1")
	return 3
}

// anonymous opens a clone under the identity of its own files.
func (c *clone) anonymous() *tracker.Tracker {
	c.w.t.Helper()
	t, err := tracker.Open(context.Background(), tracker.Options{Dir: c.dir, Environ: c.w.env, Now: c.now,
		Notice: func(n fail.Notice) { c.notices = append(c.notices, n) }})
	if err != nil {
		c.w.t.Fatal(err)
	}
	return t
}

// issue creates an issue. Several calls may run at the same time.
func (c *clone) issue(title string) error {
	t := c.anonymous()
	defer t.Close()
	_, err := t.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
		return []event.Body{&event.IssueCreated{UUID: t.MintUUID(), Title: title, Priority: event.Low, CreatedBy: t.Agent()}}, nil
	})
	return err
}

// syncs syncs as the user does, and returns the messages.
func (c *clone) syncs() error {
	t := c.anonymous()
	defer t.Close()
	_, err := t.Sync(context.Background(), tracker.SyncOptions{})
	return err
}

func (c *clone) who() string {
	t := c.anonymous()
	defer t.Close()
	w, err := t.Who(context.Background())
	if err != nil {
		c.w.t.Fatal(err)
	}
	return w.Agent
}

// rows are the titles a clone shows, each with its number.
func (c *clone) rows() map[string]uint64 {
	c.w.t.Helper()
	t := c.anonymous()
	defer t.Close()
	p, err := t.Read(context.Background(), tracker.Offline)
	if err != nil {
		c.w.t.Fatal(err)
	}
	rows, _, err := p.List(store.Filter{Status: "all"})
	if err != nil {
		c.w.t.Fatal(err)
	}
	m := map[string]uint64{}
	for _, r := range rows {
		if _, twice := m[r.Title]; twice {
			c.w.t.Errorf("'%s' is there twice", r.Title)
		}
		m[r.Title] = r.Number
	}
	return m
}

// copy makes a copy of the clone in one of the ways people do.
func (c *clone) copy(n int) *clone {
	c.w.t.Helper()
	how := [][]string{{"cp", "-r"}, {"cp", "-a"}, {"cp", "-al"}}[n%3]
	o := &clone{w: c.w, name: fmt.Sprint("copy-", n), dir: filepath.Join(c.w.dir, fmt.Sprint("copy-", n)), now: time.Now}
	if out, err := exec.Command(how[0], append(how[1:], c.dir, o.dir)...).CombinedOutput(); err != nil {
		c.w.t.Fatalf("%v: %s", err, out)
	}
	return o
}

// atOnce runs both at the same moment.
func atOnce(one, two func() error) (a, b error) {
	var both sync.WaitGroup
	both.Add(2)
	go func() { defer both.Done(); a = one() }()
	go func() { defer both.Done(); b = two() }()
	both.Wait()
	return a, b
}

// A copied clone that writes at once, while the original does: two ids, no
// fork, no lost event, however it was copied.
func TestCopiedClone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	if err := alice.issue("first"); err != nil {
		t.Fatal(err)
	}
	alice.initAnonymous()
	var want []string
	for n := range copies(t) {
		o := alice.copy(n)
		if who := o.who(); who != "" {
			t.Fatalf("the copy would write as '%s'", who)
		}
		a, b := fmt.Sprint("original ", n), fmt.Sprint("copy ", n)
		if ea, eb := atOnce(func() error { return alice.issue(a) }, func() error { return o.issue(b) }); ea != nil || eb != nil {
			t.Fatal(ea, eb)
		}
		want = append(want, a, b)
		if alice.who() == o.who() || alice.who() == "" || o.who() == "" {
			t.Fatalf("they write as '%s' and '%s'", alice.who(), o.who())
		}
		for range 2 {
			for _, c := range []*clone{alice, o} {
				if err := c.syncs(); err != nil {
					t.Fatal(err)
				}
			}
		}
		ours, theirs := alice.rows(), o.rows()
		for _, title := range want {
			if ours[title] == 0 || ours[title] != theirs[title] {
				t.Fatalf("copy %d: '%s' is %d and %d", n, title, ours[title], theirs[title])
			}
		}
		if err := os.RemoveAll(o.dir); err != nil {
			t.Fatal(err)
		}
	}
	w.unforked(len(want) / 2)
}

// unforked fails unless the hub's logs are one chain each.
func (w *world) unforked(atLeast int) {
	w.t.Helper()
	names := splitLines(w.git(w.hub, "for-each-ref", "--format=%(refname)", "refs/heads/crosslink/agents"))
	if len(names) < atLeast {
		w.t.Errorf("%d logs", len(names))
	}
	c := &clone{w: w}
	for _, ref := range names {
		chain := event.Chain{Agent: strings.TrimPrefix(ref, "refs/heads/crosslink/agents/")}
		for i, line := range c.logLines(w.hub, ref) {
			if i == 0 {
				e, err := event.Decode([]byte(line))
				if err != nil {
					w.t.Fatal(err)
				}
				chain.Hub = e.Hub
			}
			if _, err := chain.Next([]byte(line)); err != nil {
				w.t.Fatalf("%s, line %d: %v", ref, i+1, err)
			}
		}
	}
}

func (c *clone) initAnonymous() {
	c.w.t.Helper()
	t := c.anonymous()
	defer t.Close()
	if _, err := t.Init(context.Background(), tracker.InitOptions{}); err != nil {
		c.w.t.Fatal(err)
	}
}

// defeat makes a copy's identity look as if it had been made there, as a
// snapshot of a whole machine does.
func (c *clone) defeat() {
	c.w.t.Helper()
	path := filepath.Join(c.dir, ".git", "crosslink", "identity")
	b, err := os.ReadFile(path)
	if err != nil {
		c.w.t.Fatal(err)
	}
	var id map[string]any
	if err := json.Unmarshal(b, &id); err != nil {
		c.w.t.Fatal(err)
	}
	if err := os.Remove(path); err != nil { // a file of its own, also where the copy is of links
		c.w.t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		c.w.t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		c.w.t.Fatal(err)
	}
	sys, ok := system.Identify(path, st)
	if !ok {
		c.w.t.Fatal("a file has no id")
	}
	id["inode"], id["device"], id["path"] = sys.Inode, sys.Device, filepath.Dir(path)
	if err := json.NewEncoder(f).Encode(id); err != nil {
		c.w.t.Fatal(err)
	}
}

// The same where the copy cannot be distinguished from the original: the one that comes
// second is refused, loudly, nothing of the other is overwritten, and 'agent
// fork' saves everything.
func TestCopiedCloneUnnoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	if err := alice.issue("first"); err != nil {
		t.Fatal(err)
	}
	alice.initAnonymous()
	var want []string
	refused := map[bool]int{} // whether it was the copy
	for n := range copies(t) {
		o := alice.copy(n)
		o.defeat()
		if who := o.who(); who != alice.who() {
			t.Fatalf("the check was not defeated: '%s'", who)
		}
		a, b := fmt.Sprint("original ", n), fmt.Sprint("copy ", n)
		if ea, eb := atOnce(func() error { return alice.issue(a) }, func() error { return o.issue(b) }); ea != nil || eb != nil {
			t.Fatal(ea, eb)
		}
		want = append(want, a, b)
		before := strings.TrimSpace(w.git(w.hub, "rev-parse", "refs/heads/crosslink/agents/"+alice.who()))
		var lost *clone
		for _, c := range []*clone{alice, o} {
			err := c.syncs()
			if err == nil {
				continue
			}
			e, ok := errors.AsType[*fail.Error](err)
			if !ok || e.Code.Name() != "copied-clone" || e.Kind != fail.Fatal || !strings.Contains(strings.Join(hints.For(e.Code, e.Fields), " "), "git crosslink agent fork") {
				t.Fatalf("%v", err)
			}
			if lost != nil {
				t.Fatal("both were refused")
			}
			lost = c
		}
		if lost == nil {
			t.Fatal("nobody was refused")
		}
		refused[lost == o]++
		if err := lost.issue("more"); err == nil {
			t.Fatal("it writes on")
		}
		log := splitLines(w.git(w.hub, "rev-list", "refs/heads/crosslink/agents/"+alice.who()))
		if !strings.Contains(strings.Join(log, " "), before) {
			t.Fatal("the hub's log was overwritten")
		}

		was := lost.who()
		tr := lost.anonymous()
		f, err := tr.Fork(context.Background(), "")
		tr.Close()
		if err != nil || f.Carried < 1 || f.Agent == was || f.Scope != "" {
			t.Fatalf("%+v %v", f, err)
		}
		for range 2 {
			for _, c := range []*clone{alice, o} {
				if err := c.syncs(); err != nil {
					t.Fatal(err)
				}
			}
		}
		ours, theirs := alice.rows(), o.rows()
		for _, title := range want {
			if ours[title] == 0 || ours[title] != theirs[title] {
				t.Fatalf("copy %d: '%s' is %d and %d", n, title, ours[title], theirs[title])
			}
		}
		if alice.who() == o.who() {
			t.Fatalf("both write as '%s'", o.who())
		}
		if err := os.RemoveAll(o.dir); err != nil {
			t.Fatal(err)
		}
	}
	w.unforked(1)
	t.Logf("refused: the original %d times, the copy %d times", refused[false], refused[true])
	if len(want) > 60 && (refused[false] == 0 || refused[true] == 0) {
		t.Error("one of the two orders of arrival never happened")
	}
}
