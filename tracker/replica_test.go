package tracker_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// refusal opens the tracker where it is to be refused.
func refusal(t *testing.T, c *clone, dir string) *fail.Error {
	t.Helper()
	tr, err := tracker.Open(context.Background(), tracker.Options{Survey: c.survey(), Dir: dir, Environ: c.w.env, Now: c.now})
	var e *fail.Error
	if !errors.As(err, &e) {
		if err == nil {
			tr.Close()
		}
		t.Fatalf("no refusal: %v", err)
	}
	return e
}

// A replica without HEAD or config is repaired, and the user is told; without
// refs it is refused, with the file and the way out.
func TestTornReplica(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	alice.init()
	alice.create("one")
	for _, name := range []string{"HEAD", "config"} {
		if err := os.Remove(filepath.Join(alice.replica(), name)); err != nil {
			t.Fatal(err)
		}
		alice.notices = nil
		alice.open().Close()
		if len(alice.notices) != 1 || alice.notices[0].Code.Name() != "replica-mended" || !strings.Contains(alice.notices[0].Text, "'"+name+"'") {
			t.Errorf("%s: %v", name, alice.notices)
		}
	}
	alice.create("two")
	alice.sound()
	if err := os.Rename(filepath.Join(alice.replica(), "refs"), filepath.Join(alice.dir, "refs")); err != nil {
		t.Fatal(err)
	}
	e := refusal(t, alice, alice.dir)
	if e.Code.Name() != "torn-replica" || !strings.Contains(e.Message, "replica.git/refs'") || !strings.Contains(hints.For(e.Code, e.Fields)[0], "mv ") {
		t.Errorf("%s: %s %v", e.Code.Name(), e.Message, hints.For(e.Code, e.Fields))
	}
}

// The replica itself cannot have a tracker.
func TestInsideTheReplica(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	alice.create("one")
	e := refusal(t, alice, alice.replica())
	if e.Code.Name() != "inside-replica" || !strings.HasSuffix(hints.For(e.Code, e.Fields)[0], "cd '"+alice.dir+"'") {
		t.Errorf("%s: %s %v", e.Code.Name(), e.Message, hints.For(e.Code, e.Fields))
	}
	if _, err := os.Stat(filepath.Join(alice.replica(), "crosslink")); err == nil {
		t.Error("there is a tracker in the tracker")
	}
}
