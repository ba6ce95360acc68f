package tracker_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// A write after the replica was deleted, before the hub can be reached, is
// rebuilt after what the hub holds.
func TestReplicaDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("first")
	if err := os.RemoveAll(alice.replica()); err != nil {
		t.Fatal(err)
	}
	alice.cut(true)
	alice.create("precious")
	alice.cut(false)
	alice.sync()
	alice.create("after")
	w.converge(alice, bob)
	alice.sound()
	if got := bob.titles(); len(got) != 3 {
		t.Fatalf("%d issues of 3", len(got))
	}
}

// One agent id in two clones that both wrote before there was a hub: nothing
// of either is lost.
func TestOneIDInTwoUnboundClones(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	a, b := w.clone("desk-1"), w.clone("second")
	b.name = "desk-1"
	a.create("A")
	b.create("B")
	a.init()
	tr := b.open() // its key is not the one that signed the log
	r, err := tr.Sync(context.Background(), tracker.SyncOptions{})
	tr.Close()
	if err != nil || r.State != tracker.Queued || r.Unsent == 0 || !strings.Contains(strings.Join(hints.For(r.Code, r.Fields), " "), "agent fork") {
		t.Fatalf("%+v, %v", r, err)
	}
	tr = b.open()
	f, err := tr.Fork(context.Background(), "desk-2")
	tr.Close()
	if err != nil || f.Agent != "desk-2" {
		t.Fatalf("%+v, %v", f, err)
	}
	b.name = "desk-2"
	w.converge(a, b)
	for _, c := range []*clone{a, b} {
		if got := c.titles(); len(got) != 2 {
			t.Fatalf("%d issues of 2 in '%s'", len(got), c.dir)
		}
	}
}

// A copy of an unbound clone syncs first: the original finds its own lines on
// the hub and continues.
func TestCopyOfAnUnboundClone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, carol := w.clone("alice"), w.clone("carol")
	alice.create("one")
	w.git(w.dir, "-c", "alias.cp=!cp -r", "cp", alice.dir, filepath.Join(w.dir, "copy"))
	copied := &clone{w: w, name: "alice", dir: filepath.Join(w.dir, "copy"), now: func() time.Time { return time.Now().Add(5 * time.Second) }}
	carol.init()
	copied.sync()
	alice.sync()
	alice.create("two")
	w.converge(alice, carol)
	if got := carol.titles(); len(got) != 2 {
		t.Fatalf("%d issues of 2", len(got))
	}
	alice.sound()
}

// Two clones write under one id, with one key, on one hub: the loser is told, never that its
// line is confirmed, and fork carries its lines over under another id.
func TestTwoClonesUnderOneID(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	a, b := w.clone("builder-1"), w.clone("second")
	b.name = "builder-1"
	a.init()
	a.create("a1")
	b.sync()
	b.takeKeys(a)
	b.create("b1") // before its first line it looks at the hub
	a.sync()
	a.create("a2")
	r := b.emit(func(tr *tracker.Tracker, _ tracker.Projection) []event.Body {
		return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "b2", Priority: event.Low, CreatedBy: "builder-1"}}
	})
	if r.Sync == tracker.Confirmed {
		t.Fatal("a line that the hub does not have is called confirmed")
	}
	tr := b.open()
	_, err := tr.Sync(context.Background(), tracker.SyncOptions{})
	tr.Close()
	var e *fail.Error
	if !errors.As(err, &e) || e.Code.Name() != "copied-clone" || !strings.Contains(hints.For(e.Code, e.Fields)[0], "agent fork") {
		t.Fatalf("%v", err)
	}
	tr = b.open()
	f, err := tr.Fork(context.Background(), "builder-2")
	tr.Close()
	if err != nil || f.Agent != "builder-2" || f.Carried != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	b.name = "builder-2"
	b.create("b3")
	w.converge(a, b)
	for _, c := range []*clone{a, b} {
		if got := c.titles(); len(got) != 5 {
			t.Fatalf("%d issues of 5 in '%s'", len(got), c.dir)
		}
	}
	a.sound()
	b.sound()
}

// Branches deleted on the hub are put back by anybody who syncs; if all of them
// are gone, by init.
func TestDeletedBranchesArePutBack(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	bob.create("two")
	w.converge(alice, bob)
	names := func() []string { return slices.Sorted(maps.Keys(w.tips(branches))) }
	before := names()
	w.move("refs/heads/crosslink/agents/alice", "")
	w.move("refs/heads/crosslink/checkpoint", "")
	bob.sync()
	if after := names(); !slices.Equal(after, before) {
		t.Errorf("the hub has %q of %q", after, before)
	}
	for _, name := range before {
		w.move(name, "")
	}
	alice.create("kept here")
	if after := names(); len(after) > 0 {
		t.Errorf("something was published to a hub that has lost everything: %q", after)
	}
	if r := bob.init(); !r.Restored {
		t.Errorf("%+v", r)
	}
	w.converge(alice, bob)
	if got := bob.numbers(); len(got) != 3 || got["one"] != 1 || got["two"] != 2 || got["kept here"] != 3 {
		t.Errorf("%v", got)
	}
}

// So is the ledger when it alone is gone, or behind, and nothing waits to be
// decided: a clone made meanwhile would decide again.
func TestLedgerIsPutBack(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	bob.create("two")
	w.converge(alice, bob)
	const ref = "refs/heads/crosslink/checkpoint"
	tip := w.tip(ref)
	for _, harm := range []refs.OID{"", w.parent(tip)} {
		bob.sync() // so the next sync would have nothing to do without the damage
		w.move(ref, harm)
		bob.sync()
		if got := w.tip(ref); got != tip {
			t.Errorf("after it was set to %q and a sync the hub has %q, not %q", harm, got, tip)
		}
		if r := bob.sync(); r.State != tracker.Confirmed || r.Reason != "" {
			t.Errorf("%+v", r)
		}
	}
}

// A clone that could not yet bring back what the hub lost continues from its store
// when others have decided more, and brings it back.
func TestLostBranchComesBackBesideAStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keepFrom = whereRead
	alice, bob, carol := w.clone("alice"), w.clone("bob"), w.clone("carol")
	alice.init()
	alice.create("one")
	bob.create("two")
	carol.sync()
	alice.create("three")
	bob.sync()
	const ref = "refs/heads/crosslink/checkpoint"
	w.git(w.hub, "update-ref", ref, ref+"~1")
	carol.create("four") // decided without what alice was told
	w.hook("pre-receive", "exit 1")
	bob.sync()
	if err := os.Remove(filepath.Join(w.hub, "hooks", "pre-receive")); err != nil {
		t.Fatal(err)
	}
	bob.readsWith()
	carol.create("five")
	bob.sync()
	if lost := w.git(bob.replica(), "for-each-ref", "refs/lost"); lost != "" {
		t.Errorf("after a sync there is still %s", lost)
	}
	w.converge(alice, bob, carol)
}

// The hub holds the same lines in another commit: they are continued.
func TestSameLinesInAnotherCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	ref := "refs/heads/crosslink/agents/alice"
	w.git(w.hub, "update-ref", ref, strings.TrimSpace(w.git(w.hub, "-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", ref+"^{tree}", "-m", "squashed")))
	alice.create("two")
	w.converge(alice, bob)
	if got := bob.titles(); len(got) != 2 {
		t.Fatalf("%d issues of 2", len(got))
	}
}

// Objects of the own log are missing: reading continues, a sync takes what the
// hub has, and the next write proceeds.
func TestMissingObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("sent")
	alice.cut(true)
	alice.create("unsent")
	alice.cut(false)
	blobs := splitLines(w.git(w.dir, "--git-dir="+alice.replica(), "ls-tree", "-r", "--object-only", "refs/heads/crosslink/agents/alice"))
	blob := blobs[len(blobs)-1]
	if err := os.Remove(filepath.Join(alice.replica(), "objects", blob[:2], blob[2:])); err != nil {
		t.Fatal(err)
	}
	if got := alice.titles(); got["sent"] == nil {
		t.Fatalf("what the hub has is not shown: %v", got)
	}
	alice.sync()
	alice.create("next")
	w.converge(alice, bob)
	if got := bob.titles(); got["sent"] == nil || got["next"] == nil {
		t.Fatalf("%v", got)
	}
}

// So it does where the store was made before they were gone.
func TestMissingTipBesideAStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keepFrom = whereRead
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("sent")
	alice.cut(true)
	alice.create("unsent")
	alice.cut(false)
	alice.readsWith()
	tip := strings.TrimSpace(w.git(alice.replica(), "rev-parse", "refs/heads/crosslink/agents/alice"))
	if err := os.Remove(filepath.Join(alice.replica(), "objects", tip[:2], tip[2:])); err != nil {
		t.Fatal(err)
	}
	alice.sync()
	if len(alice.told("torn-log")) != 1 {
		t.Errorf("%v", alice.notices)
	}
	alice.create("next")
	w.converge(alice, bob)
	if got := bob.titles(); got["sent"] == nil || got["next"] == nil {
		t.Fatalf("%v", got)
	}
}

// The remote was renamed: the hub is followed to the same URL. Its URL was
// changed to another hub: nothing is sent there.
func TestRemoteRenamedOrElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	w.git(alice.dir, "remote", "rename", "origin", "upstream")
	alice.create("two")
	w.converge(bob)
	if got := bob.titles(); len(got) != 2 {
		t.Fatalf("%d issues of 2 after the rename", len(got))
	}
	other := newWorld(t)
	carol := other.clone("carol")
	carol.init()
	before := other.git(other.hub, "for-each-ref")
	w.git(alice.dir, "remote", "set-url", "upstream", other.hub)
	for _, atomic := range []string{"true", "false"} {
		other.git(other.hub, "config", "receive.advertiseAtomic", atomic)
		r := alice.emit(func(tr *tracker.Tracker, _ tracker.Projection) []event.Body {
			return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "three " + atomic, Priority: event.Low, CreatedBy: "alice"}}
		})
		if r.Sync == tracker.Confirmed {
			t.Error("called confirmed on another hub")
		}
	}
	if after := other.git(other.hub, "for-each-ref"); after != before {
		t.Errorf("another hub was written to:\n%s", after)
	}
}

// A log that the hub has lost is found among the inputs of the ledger's steps,
// also by a clone that never saw it there, and put back.
func TestLostLogIsFoundInTheLedger(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	w.move("refs/heads/crosslink/agents/alice", "")
	bob.sync()
	if got := bob.numbers(); got["one"] != 1 {
		t.Fatalf("%v", got)
	}
	if all := w.tips(branches + "agents/"); all[branches+"agents/alice"] == "" {
		t.Errorf("the log was not put back: %v", all)
	}
	w.converge(alice, bob)
}

// Lines written before there was a hub wait where what the hub has of their log
// cannot be continued. Another agent of the clone, which starts from the store, puts
// nothing in their place.
func TestLinesBehindABrokenLogAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keepFrom = whereRead
	alice, bob := w.clone("alice"), w.clone("bob")
	helper := &clone{w: w, name: "helper", dir: alice.dir, now: alice.now}
	helper.create("precious")
	const ref = "refs/heads/crosslink/agents/helper"
	tip := w.git(alice.replica(), "rev-parse", ref)
	hub := bob.init().Hub
	other := &clone{w: w, name: "helper", dir: bob.dir, now: bob.now}
	other.create("another's")
	w.landBehind(hub, "helper", w.hubLines("helper"), []byte("no event"))
	alice.create("one")
	alice.sync()
	alice.readsWith()
	alice.create("two")
	alice.sync()
	if is := w.git(alice.replica(), "rev-parse", ref); is != tip {
		t.Errorf("the lines that wait were at %q, there is %q now", tip, is)
	}
}
