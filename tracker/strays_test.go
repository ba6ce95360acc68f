package tracker_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// A branch that happens to be called crosslink/hub is no level-2 hub: reads
// work, a tracker is made beside it, and it stays as it is.
func TestStrayHubBranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write("crosslink/hub", map[string]string{"README": "not a hub", "meta/notes": "none either"})
	before := w.git(w.hub, "rev-parse", "crosslink/hub")
	alice, bob := w.clone("alice"), w.clone("bob")
	bob.fresh()
	alice.create("one")
	if r := alice.init(); !r.Created {
		t.Errorf("%+v", r)
	}
	bob.create("two")
	w.converge(alice, bob)
	if got := alice.numbers(); len(got) != 2 {
		t.Errorf("%v", got)
	}
	if after := w.git(w.hub, "rev-parse", "crosslink/hub"); after != before {
		t.Error("the branch was moved")
	}
}

// If the name of a branch conflicts with the tracker's branches, init names that branch.
func TestBranchInTheWay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"crosslink", "crosslink/agents", "crosslink/meta/x"} {
		w := newWorld(t)
		w.git(w.hub, "branch", name, "main")
		alice := w.clone("alice")
		alice.create("one")
		tr := alice.open()
		_, err := tr.Init(context.Background(), tracker.InitOptions{})
		tr.Close()
		var e *fail.Error
		if !errors.As(err, &e) || e.Code.Name() != "branch-in-the-way" || !strings.Contains(e.Message, "'"+name+"'") {
			t.Errorf("%s: %v", name, err)
		}
		w.git(w.hub, "branch", "-m", name, "renamed")
		if r := alice.init(); !r.Created {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A branch below crosslink/ that is not one of ours becomes a directory: what is
// sent continues arriving.
func TestStrayBranchBecomesDirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	w.git(w.hub, "branch", "crosslink/notes", "main")
	w.git(w.hub, "branch", "crosslink/agents/stray", "main")
	w.converge(alice, bob)
	w.git(bob.dir, "fetch", "-q")
	bob.read()
	for _, name := range []string{"crosslink/notes", "crosslink/agents/stray"} {
		w.git(w.hub, "branch", "-D", name)
		w.git(w.hub, "branch", name+"/a", "main")
	}
	alice.create("one")
	w.converge(alice, bob)
	if got := bob.titles(); got["one"] == nil {
		t.Errorf("%v", got)
	}
}
