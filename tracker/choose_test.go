package tracker_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Whatever the user does to branches, remotes and URLs, the hub of a clone that has one never
// changes silently: events go there or wait, and nothing is fetched from or sent to another
// tracker.
func TestPinnedHub(t *testing.T) {
	type action struct {
		name string
		do   func(w *world, c *clone, other *world)
		// what becomes of the next write: "sent", "kept" or the name of a refusal
		next string
		// brings back what a kept or refused write needs
		undo func(w *world, c *clone, other *world)
	}
	git := func(args ...string) func(w *world, c *clone, other *world) {
		return func(w *world, c *clone, _ *world) { w.git(c.dir, args...) }
	}
	back := func(w *world, c *clone, _ *world) { w.git(c.dir, "remote", "set-url", "origin", w.hub) }
	for _, a := range []action{
		{"a branch that tracks another remote", func(w *world, c *clone, o *world) {
			w.git(c.dir, "remote", "add", "elsewhere", o.hub)
			w.git(c.dir, "fetch", "-q", "elsewhere")
			w.git(c.dir, "checkout", "-q", "-b", "topic", "elsewhere/main")
			w.git(c.dir, "config", "remote.pushDefault", "elsewhere")
		}, "sent", nil},
		{"detached", git("checkout", "-q", "--detach"), "sent", nil},
		{"renamed", git("remote", "rename", "origin", "upstream"), "sent", nil},
		{"another remote has its name", func(w *world, c *clone, o *world) {
			w.git(c.dir, "remote", "rename", "origin", "upstream")
			w.git(c.dir, "remote", "add", "origin", o.hub)
			w.git(c.dir, "fetch", "-q", "origin")
		}, "sent", nil},
		{"another spelling of the URL", func(w *world, c *clone, _ *world) {
			w.git(c.dir, "remote", "set-url", "origin", "file://"+w.hub)
		}, "sent", nil},
		{"a URL that leads to another tracker", func(w *world, c *clone, o *world) {
			w.git(c.dir, "remote", "set-url", "origin", o.hub)
			w.git(c.dir, "fetch", "-q", "origin")
		}, "kept", back},
		{"the same, and the replica gone", func(w *world, c *clone, o *world) {
			w.git(c.dir, "remote", "set-url", "origin", o.hub)
			if err := os.RemoveAll(c.replica()); err != nil {
				w.t.Fatal(err)
			}
		}, "kept", back},
		{"a URL that leads to a repository without a tracker", func(w *world, c *clone, o *world) {
			w.git(c.dir, "remote", "set-url", "origin", filepath.Join(w.dir, "bare"))
		}, "kept", back},
		{"a URL that leads nowhere", func(w *world, c *clone, _ *world) {
			w.git(c.dir, "remote", "set-url", "origin", filepath.Join(w.dir, "nowhere"))
		}, "kept", back},
		{"removed", git("remote", "remove", "origin"), "no-such-remote", func(w *world, c *clone, _ *world) {
			c.addRemote("origin", w.hub)
		}},
		{"removed, with another in its place", func(w *world, c *clone, o *world) {
			c.forgetRemote()
			w.git(c.dir, "remote", "add", "origin", o.hub)
			w.git(c.dir, "fetch", "-q", "origin")
		}, "kept", back},
		{"another remote is named", func(w *world, c *clone, o *world) {
			w.git(c.dir, "remote", "add", "elsewhere", o.hub)
			c.set("crosslink.remote", "elsewhere")
		}, "kept", git("config", "--unset", "crosslink.remote")},
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			w, other := newWorld(t), newWorld(t)
			w.git(w.dir, "clone", "-q", "--bare", w.hub, "bare")
			alice, bob, carol := w.clone("alice"), w.clone("bob"), other.clone("carol")
			carol.init()
			carol.create("none of ours")
			alice.init()
			alice.create("one")
			w.converge(alice, bob)
			there := other.git(other.hub, "for-each-ref")

			a.do(w, alice, other)
			alice.attempt()
			if got := alice.numbers(); a.name != "the same, and the replica gone" && (len(got) != 1 || got["one"] != 1) {
				t.Errorf("shown is %v", got)
			}
			if next := alice.write("two"); next != a.next {
				t.Errorf("the next write is %s, not %s", next, a.next)
			}
			alice.attempt()
			if now := other.git(other.hub, "for-each-ref"); now != there {
				t.Errorf("another tracker was written to:\n%s", now)
			}
			if now := w.git(filepath.Join(w.dir, "bare"), "for-each-ref", "refs/heads/crosslink"); now != "" {
				t.Errorf("something was published unasked:\n%s", now)
			}
			if a.undo != nil {
				a.undo(w, alice, other)
			}
			if a.next == "no-such-remote" {
				alice.create("two")
			}
			w.converge(alice, bob)
			if got := bob.numbers(); len(got) != 2 || got["one"] != 1 || got["two"] != 2 {
				t.Errorf("in the end there is %v", got)
			}
			if now := other.git(other.hub, "for-each-ref"); now != there {
				t.Errorf("another tracker was written to:\n%s", now)
			}
		})
	}
}

// attempt syncs as far as that is possible.
func (c *clone) attempt() { _ = c.trySync() }

// write creates an issue and says what became of it.
func (c *clone) write(title string) string {
	c.w.t.Helper()
	r, err := c.tryEmit(func(tr *tracker.Tracker) []event.Body {
		return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: title, Priority: event.Low, CreatedBy: c.name}}
	})
	switch {
	case err != nil:
		return errorName(err)
	case r.Sync == tracker.Confirmed:
		return "sent"
	}
	return "kept"
}
