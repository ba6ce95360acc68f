package tracker_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// list reads as the list command does, and counts what it asks of the hub.
func (c *clone) list() (titles map[string]*store.Issue, contacts int) {
	c.w.t.Helper()
	trace := filepath.Join(c.w.t.TempDir(), "trace")
	t := c.open("GIT_TRACE2_EVENT=" + trace)
	defer t.Close()
	p, err := t.Read(context.Background(), tracker.Here)
	if err != nil {
		c.w.t.Fatal(err)
	}
	rows, _, err := p.List(store.Filter{Status: "all"})
	if err != nil {
		c.w.t.Fatal(err)
	}
	titles = map[string]*store.Issue{}
	for _, r := range rows {
		titles[r.Title] = r
	}
	return titles, transport(traced(c.w.t, trace))
}

// After a plain git pull the next list shows the news, without network.
func TestPullBringsTheNews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	w.git(bob.dir, "pull", "-q")
	bob.cut(true)
	got, _ := bob.list()
	if got["one"] == nil {
		t.Fatal("the pull's news is not shown")
	}
	bob.cut(false)
	alice.create("two")
	w.git(bob.dir, "pull", "-q")
	bob.cut(true)
	got, contacts := bob.list()
	if got["two"] == nil || contacts != 0 { // a few objects are copied without git
		t.Fatalf("shown %v, %d transports", got, contacts)
	}
	if _, contacts = bob.list(); contacts != 0 {
		t.Errorf("with nothing new it still ran %d transports", contacts)
	}
}

// A tracking branch that is older than what is known here takes nothing away.
func TestOlderTrackingBranchesAreIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	w.git(bob.dir, "fetch", "-q")
	alice.create("two")
	bob.sync() // knows two now, its tracking branch does not
	if got, _ := bob.list(); len(got) != 2 {
		t.Fatalf("%d issues", len(got))
	}
	if len(bob.notices) != 0 {
		t.Errorf("said %v", bob.notices)
	}
}

// In a shallow or partial clone the tracking branches are incomplete: they are
// quietly not used, and a sync brings everything.
func TestShallowAndPartialCopiesAreNotUsed(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"shallow": {"--depth=1", "--no-single-branch"}, "partial": {"--filter=blob:none"}, "treeless": {"--filter=tree:0"}, "single": {"--single-branch"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			alice := w.clone("alice")
			alice.init()
			alice.create("one")
			w.git(w.hub, "config", "uploadpack.allowFilter", "true")
			bob := &clone{w: w, name: "bob", dir: filepath.Join(w.dir, "bob"), now: alice.now}
			w.git(w.dir, append(append([]string{"clone", "-q"}, args...), "file://"+w.hub, bob.dir)...)
			alice.create("two")
			w.git(bob.dir, "pull", "-q")
			if got, _ := bob.list(); len(got) != 2 { // the first read of a clone asks the hub
				t.Fatalf("%d issues", len(got))
			}
			alice.create("three")
			w.git(bob.dir, "pull", "-q")
			if got, contacts := bob.list(); len(got) != 2 || contacts != 0 {
				t.Fatalf("%d issues, %d transports", len(got), contacts)
			}
			if got := bob.sync(); got.Received != 1 || len(bob.titles()) != 3 {
				t.Fatalf("a sync brought %+v", got)
			}
		})
	}
}
