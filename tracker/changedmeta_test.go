package tracker_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/tracker"
)

// hook puts a hook into the hub.
func (w *world) hook(name, script string) {
	w.t.Helper()
	path := filepath.Join(w.hub, "hooks", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

// The receiving end dies when the branches have moved and before it says so, or
// before they move.
const (
	diesAfter  = "if test \"$1\" = committed; then kill -9 $PPID; fi\n"
	diesBefore = "kill -9 $PPID\n"
)

func (c *clone) tryApprove(agent string) error {
	tr := c.open()
	defer tr.Close()
	_, err := tr.Approve(context.Background(), tracker.Approve{Agents: []string{agent}})
	return err
}

// If the answer to a change of meta was lost, the report matches the meta on the hub.
func TestChangedMetaWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	bob.create("from bob")
	alice.sync()
	metas := func() string { return strings.TrimSpace(w.git(w.hub, "rev-list", "--count", "crosslink/meta")) }
	gone := func(hook string) {
		t.Helper()
		if err := os.Remove(filepath.Join(w.hub, "hooks", hook)); err != nil {
			t.Fatal(err)
		}
	}

	// nothing has landed, and that is said
	w.hook("pre-receive", diesBefore)
	err := alice.tryApprove("bob")
	if errorName(err) != "unreachable" || !strings.Contains(err.Error(), "nothing was changed") || metas() != "1" {
		t.Errorf("%v; %s meta commits", err, metas())
	}
	gone("pre-receive")

	// it has landed, and the command continues as if it had been told
	w.hook("reference-transaction", diesAfter)
	if err := alice.tryApprove("bob"); err != nil || metas() != "2" {
		t.Errorf("%v; %s meta commits", err, metas())
	}
	if a := alice.trusts("bob"); !a.Approved {
		t.Errorf("%+v", a)
	}
	gone("reference-transaction")

	// nobody can say it
	away := w.hub + ".away"
	w.hook("reference-transaction", "if test \"$1\" = committed; then mv '"+w.hub+"' '"+away+"'; kill -9 $PPID; fi\n")
	err = alice.tryPolicy("off")
	if errorName(err) != "unanswered" || strings.Contains(err.Error(), "nothing was") {
		t.Errorf("%v", err)
	}
	if err := os.Rename(away, w.hub); err != nil {
		t.Fatal(err)
	}
	gone("reference-transaction")
	if metas() != "3" {
		t.Errorf("%s meta commits", metas())
	}
	alice.sync()
	if s := alice.trust().Signing; s != "off" {
		t.Errorf("signing is '%s'", s)
	}
	if err := alice.tryPolicy("off"); err != nil || metas() != "3" { // it is already so
		t.Errorf("%v; %s meta commits", err, metas())
	}
}

func (c *clone) tryPolicy(signing string) error {
	tr := c.open()
	defer tr.Close()
	return tr.SetPolicy(context.Background(), tracker.Policy{Signing: signing})
}

// The same for a fork that is detached.
func TestDetachWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	alice.init()
	alice.create("shared")
	f, fred := w.forked("fred")
	fred.create("of the fork")
	was := f.git(f.hub, "for-each-ref")
	f.hook("pre-receive", diesBefore)
	if _, err := fred.detach("origin"); err == nil || !strings.Contains(err.Error(), "nothing was detached") || f.git(f.hub, "for-each-ref") != was {
		t.Errorf("%v", err)
	}
	if err := os.Remove(filepath.Join(f.hub, "hooks", "pre-receive")); err != nil {
		t.Fatal(err)
	}
	f.hook("reference-transaction", diesAfter)
	d, err := fred.detach("origin")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(f.hub, "hooks", "reference-transaction")); err != nil {
		t.Fatal(err)
	}
	if got := fred.write("after"); got != "sent" {
		t.Errorf("the next write is %s", got)
	}
	cold := f.clone("cold")
	cold.sync()
	if hub := cold.status().Hub; hub != d.Hub || d.Hub == d.Was || len(cold.numbers()) != 3 {
		t.Errorf("%s, %+v, %v", hub, d, cold.numbers())
	}
}
