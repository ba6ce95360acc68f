package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/memory"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func (c *clone) retire() {
	c.w.t.Helper()
	t := c.open()
	defer c.close(t)
	if _, err := t.Retire(context.Background(), tracker.EmitOptions{}, "done", nil); err != nil {
		c.w.t.Fatal(err)
	}
}

// fold returns which logs were moved, and why others were not, as "agent" or
// "agent:why".
func (c *clone) fold() string {
	c.w.t.Helper()
	text, err := c.tryFold(tracker.Folding{})
	if err != nil {
		c.w.t.Fatal(err)
	}
	return text
}

func (c *clone) tryFold(f tracker.Folding) (string, error) {
	c.w.t.Helper()
	t := c.open()
	defer c.close(t)
	all, err := t.Fold(context.Background(), f)
	var words []string
	for _, l := range all {
		if l.Why != "" {
			l.Agent += ":" + l.Why
		}
		words = append(words, l.Agent)
	}
	return strings.Join(words, " "), err
}

// archived reports whether the hub has a log in its archive and as a branch.
func (w *world) archived(agent string) (held, branch bool) {
	w.t.Helper()
	if tip := w.tip(branches + "archive"); tip != "" {
		d, err := refs.DiffTrees(context.Background(), w.repo(), "", w.treeOf(tip), 4, 1<<16)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, c := range d {
			held = held || strings.HasSuffix(c.Path, "/"+agent)
		}
	}
	return held, w.tip(branches+"agents/"+agent) != ""
}

func (w *world) treeOf(commit refs.OID) refs.OID {
	w.t.Helper()
	h, err := refs.ReadHead(context.Background(), w.repo(), commit)
	if err != nil {
		w.t.Fatal(err)
	}
	return h.Tree
}

// quiet fails if a clone was told something.
func (c *clone) quiet() {
	c.w.t.Helper()
	for _, n := range c.notices {
		c.w.t.Errorf("%s was told: %s %s", c.name, n.Code, n.Text)
	}
	c.notices = nil
}

// foldingWorld has bob, who wrote, locked and retired, and clones that know his log.
func foldingWorld(t *testing.T, w *world, unsigned ...string) (alice, bob, carol *clone) {
	t.Helper()
	alice, bob, carol = w.clone("alice"), w.clone("bob"), w.clone("carol")
	if len(unsigned) > 0 {
		bob.set("crosslink.sign", "false")
	}
	alice.init()
	issue := alice.create("one")
	bob.sync()
	bob.comment(issue, "from bob")
	bob.create("bob's")
	bob.retire()
	w.converge(alice, bob, carol)
	alice.notices, bob.notices, carol.notices = nil, nil, nil
	return alice, bob, carol
}

func TestFold(t *testing.T) {
	for name, world := range map[string]func(*testing.T) *world{"memory": newMemoryWorld, "git": newWorld} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := world(t)
			alice, bob, carol := foldingWorld(t, w)
			dora := w.clone("dora") // offline for a month, with an event of her own
			dora.sync()
			dora.cut(true)
			dora.create("dora's")
			before := alice.read().Hash()
			if got := alice.fold(); got != "bob" {
				t.Errorf("moved %q", got)
			}
			if held, branch := w.archived("bob"); !held || branch {
				t.Fatal("the log is not in the archive only", held, branch)
			}
			if got := alice.fold(); got != "" {
				t.Errorf("moved again: %q", got)
			}
			cold := w.clone("cold")
			for _, c := range []*clone{alice, bob, carol, cold} {
				c.sync()
				c.sync()
				if h := c.read().Hash(); h != before {
					t.Errorf("%s: the view is %s, was %s", c.name, h, before)
				}
				c.quiet()
			}
			dora.cut(false)
			w.converge(alice, dora, carol, cold)
			if held, branch := w.archived("bob"); !held || branch {
				t.Error("somebody put the branch back", held, branch)
			}
			for _, c := range []*clone{alice, carol, cold} {
				c.quiet()
			}
		})
	}
}

// A log that is removed from the archive is restored as a branch.
func TestArchiveThatIsLost(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, _, carol := foldingWorld(t, w)
	before := alice.read().Hash()
	alice.fold()
	carol.sync()
	w.move(branches+"archive", "")
	carol.sync()
	carol.sync()
	if held, branch := w.archived("bob"); held || !branch {
		t.Error("the log was not put back", held, branch)
	}
	cold := w.clone("cold")
	w.converge(alice, carol, cold)
	if h := cold.read().Hash(); h != before {
		t.Error("the view changed")
	}
	if got := alice.fold(); got != "bob" {
		t.Errorf("moved %q", got)
	}
	w.converge(alice, carol, cold)
	if held, branch := w.archived("bob"); !held || branch {
		t.Error("the log is not in the archive only", held, branch)
	}
}

// A hub that is restored from a backup of before the fold has branches again.
func TestBackupFromBeforeTheFold(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, _, carol := foldingWorld(t, w)
	before, backup := alice.read().Hash(), w.tips(branches)
	alice.fold()
	carol.sync()
	w.restore(backup)
	w.move(branches+"archive", "")
	w.converge(alice, carol)
	if got := carol.fold(); got != "bob" {
		t.Errorf("moved %q", got)
	}
	w.converge(alice, carol)
	if alice.read().Hash() != before {
		t.Error("the view changed")
	}
}

// A branch of an archived log that the hub has with fewer lines is restored by the next
// sync, and can be folded again.
func TestShorterBranchOfAnArchivedLog(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, _, carol := foldingWorld(t, w)
	before, tip := alice.read().Hash(), w.tip(branches+"agents/bob")
	alice.fold()
	carol.sync()
	w.move(branches+"agents/bob", w.parent(tip))
	carol.sync()
	if got := w.treeOf(w.tip(branches + "agents/bob")); got != w.treeOf(tip) {
		t.Error("the branch was not restored")
	}
	w.converge(alice, carol, w.clone("cold"))
	if got := alice.fold(); got != "bob" {
		t.Errorf("moved %q", got)
	}
	if held, branch := w.archived("bob"); !held || branch {
		t.Error("the log is not in the archive only", held, branch)
	}
	alice.notices, carol.notices = nil, nil
	w.converge(alice, carol)
	alice.quiet()
	carol.quiet()
	if alice.read().Hash() != before {
		t.Error("the view changed")
	}
}

// A clone that knows an older state of a log's branch, and hears of the archive by a plain
// git fetch, shows what the archive holds.
func TestPlainFetchAfterAFold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob, carol := w.clone("alice"), w.clone("bob"), w.clone("carol")
	alice.init()
	issue := alice.create("one")
	bob.sync()
	bob.comment(issue, "from bob")
	carol.sync()
	bob.comment(issue, "later")
	bob.retire()
	w.converge(alice, bob)
	alice.fold()
	w.git(carol.dir, "fetch", "-q", "--prune", "origin")
	if got, want := carol.read().Hash(), alice.read().Hash(); got != want {
		t.Error("carol shows something else")
	}
}

// A hub that lost the archive has the branch of a log again: with fewer lines, or not at all.
func TestArchiveLostWithABranch(t *testing.T) {
	for name, branch := range map[string]func(w *world, tip refs.OID) refs.OID{
		"shorter": func(w *world, tip refs.OID) refs.OID { return w.parent(tip) },
		"gone":    func(*world, refs.OID) refs.OID { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newMemoryWorld(t)
			alice, _, carol := foldingWorld(t, w)
			before, tip := alice.read().Hash(), w.tip(branches+"agents/bob")
			alice.fold()
			w.move(branches+"agents/bob", tip) // somebody pushes it again
			w.converge(alice, carol)
			w.move(branches+"archive", "")
			w.move(branches+"agents/bob", branch(w, tip))
			w.converge(carol, alice, w.clone("cold"))
			if got := w.tip(branches + "agents/bob"); got == "" || w.treeOf(got) != w.treeOf(tip) {
				t.Errorf("the branch was not restored: %q", got)
			}
			if alice.read().Hash() != before {
				t.Error("the view changed")
			}
		})
	}
}

// What may not be folded stays a branch, and the reason is reported.
func TestNotFolded(t *testing.T) {
	t.Parallel()
	w := memoryOnly(t)
	alice, _, _ := foldingWorld(t, w)
	if got, err := alice.tryFold(tracker.Folding{Before: time.Now().Add(-time.Hour)}); err != nil || got != "bob:"+exchange.FoldRecent {
		t.Error(got, err)
	}
	if got, err := alice.tryFold(tracker.Folding{Dry: true}); err != nil || got != "bob" {
		t.Error(got, err)
	}
	if held, branch := w.archived("bob"); held || !branch {
		t.Error("a dry run moved the log")
	}
	erin := w.clone("erin")
	erin.sync()
	erin.create("erin's")
	erin.emit(func(*tracker.Tracker, tracker.Projection) []event.Body { return []event.Body{&event.AgentRetired{}} })
	w.memory.Set(memory.Faults{Down: true})
	if got, err := alice.tryFold(tracker.Folding{}); errorName(err) == "" || got != "" {
		t.Error(got, err)
	}
	w.memory.Set(memory.Faults{Decline: func(ref string, _, _ refs.OID) string {
		if ref == branches+"archive" {
			return "rule 'x': no"
		}
		return ""
	}})
	_, err := alice.tryFold(tracker.Folding{})
	if e, ok := errors.AsType[*fail.Error](err); !ok || e.Kind != fail.Denied || e.Code != "refused/fold" {
		t.Error(err)
	}
	if held, branch := w.archived("bob"); held || !branch {
		t.Error("a refused push moved the log")
	}
}

// Somebody else is faster: both end with all logs in the archive.
func TestFoldRace(t *testing.T) {
	t.Parallel()
	w := memoryOnly(t)
	alice, _, carol := foldingWorld(t, w)
	before := alice.read().Hash()
	once := true
	w.memory.Set(memory.Faults{BeforeReceive: func() {
		if once {
			once = false
			w.memory.Set(memory.Faults{})
			carol.fold()
		}
	}})
	if got := alice.fold(); got != "" {
		t.Errorf("alice moved %q", got)
	}
	w.converge(alice, carol)
	if held, branch := w.archived("bob"); !held || branch || alice.read().Hash() != before {
		t.Error(held, branch)
	}
}

// The answer to the push is lost, or the hub cannot push atomically.
func TestFoldOnPoorHubs(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]memory.Faults{"lost answer": {LoseAnswer: true}, "not atomic": {NoAtomic: true}} {
		t.Run(name, func(t *testing.T) {
			w := memoryOnly(t)
			alice, _, carol := foldingWorld(t, w)
			before := alice.read().Hash()
			w.memory.Set(f)
			if got := alice.fold(); got != "bob" {
				t.Errorf("moved %q", got)
			}
			w.memory.Set(memory.Faults{NoAtomic: f.NoAtomic})
			cold := w.clone("cold")
			w.converge(alice, carol, cold)
			if held, branch := w.archived("bob"); !held || branch || cold.read().Hash() != before {
				t.Error(held, branch)
			}
		})
	}
}

// A fold is killed at every boundary at which it changes the world. No event is lost, no view
// changes, and running the same command again completes the fold.
func TestFoldKilledAtEachBoundary(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("NOT RUN with -short: a process for each boundary")
	}
	for _, atomic := range []string{"true", "false"} {
		t.Run("atomic "+atomic, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			alice := w.clone("alice")
			alice.init()
			w.git(w.hub, "config", "receive.advertiseAtomic", atomic)
			issue := alice.create("one")
			n := 0
			setup := func() string { // somebody new retires
				n++
				name := fmt.Sprintf("agent-%02d", n)
				c := w.clone(name)
				c.sync()
				c.comment(issue, "from "+name)
				c.retire()
				alice.sync()
				return name
			}
			setup()
			alice.fold() // from here on every round crosses the same boundaries
			setup()
			points := alice.boundaries("fold")
			if len(points) < 6 {
				t.Fatalf("only %d boundaries: %v", len(points), points)
			}
			killed := 0
			for i := range points {
				name := setup()
				before := alice.read().Hash()
				cmd := alice.process("fold", fmt.Sprintf("CROSSLINK_FAULT=*:%d", i+1))
				if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() == -1 {
					killed++
				}
				if h := alice.read().Hash(); h != before {
					t.Fatalf("after a kill at '%s' the view is another one", points[i])
				}
				if held, branch := w.archived(name); !held && !branch {
					t.Fatalf("after a kill at '%s' the log of '%s' is gone", points[i], name)
				}
				if msg, err := alice.process("fold").CombinedOutput(); err != nil {
					t.Fatalf("after a kill at '%s': %v: %s", points[i], err, msg)
				}
				alice.sync()
				if held, branch := w.archived(name); !held || branch || alice.read().Hash() != before {
					t.Fatalf("after a kill at '%s' and the same again: %v %v", points[i], held, branch)
				}
			}
			cold := w.clone("cold")
			w.converge(alice, cold)
			if killed != len(points) {
				t.Errorf("killed at %d of %d boundaries", killed, len(points))
			}
			t.Logf("killed at each of %d boundaries: %s", killed, strings.Join(points, " "))
		})
	}
}

// A hub that lost everything gets it back with the archive, and not as branches.
func TestInitRestoresTheArchive(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, _, carol := foldingWorld(t, w)
	alice.fold()
	w.converge(alice, carol)
	before := alice.read().Hash()
	for name := range w.tips(branches) {
		w.move(name, "")
	}
	if r := alice.init(); !r.Restored {
		t.Errorf("%+v", r)
	}
	cold := w.clone("cold")
	w.converge(alice, carol, cold)
	if held, branch := w.archived("bob"); !held || branch || cold.read().Hash() != before {
		t.Error(held, branch)
	}
}

// A fork of a hub that has an archive gets an id of its own: the logs in the archive are
// branches again, and the archive goes.
func TestDetachAForkWithAnArchive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, _, _ := foldingWorld(t, w)
	alice.fold()
	f, fred := w.forked("fred")
	gina := f.clone("gina")
	gina.sync()
	fred.create("of the fork")
	alice.create("of the original")
	before := fred.numbers()
	if _, err := fred.detach("origin"); err != nil {
		t.Fatal(err)
	}
	if held, branch := f.archived("bob"); held || !branch {
		t.Error("on the fork:", held, branch)
	}
	if held, branch := w.archived("bob"); !held || branch {
		t.Error("on the original:", held, branch)
	}
	if now := fred.numbers(); fmt.Sprint(now) != fmt.Sprint(before) {
		t.Errorf("%v, was %v", now, before)
	}
	cold := f.clone("cold")
	f.converge(fred, cold)
	if got := cold.agent("bob"); !got.Retired {
		t.Errorf("%+v", got)
	}
	if got := fred.fold(); got != "bob" {
		t.Errorf("moved %q", got)
	}
	tr := gina.open()
	if _, err := tr.Init(context.Background(), tracker.InitOptions{Join: true}); err != nil {
		t.Fatal(err)
	}
	gina.close(tr)
	f.converge(fred, cold, gina)
	if held, branch := f.archived("bob"); !held || branch {
		t.Error("on the fork, after a fold:", held, branch)
	}
}

// After a fold a sync has nothing to do, in the clone that folded, in that of the agent,
// and in others.
func TestIdleAfterAFold(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob, carol := foldingWorld(t, w)
	alice.fold()
	clock := time.Now()
	for _, c := range []*clone{alice, bob, carol, w.clone("cold")} {
		c.now = func() time.Time { return clock }
		for range 3 {
			clock = clock.Add(time.Minute)
			c.sync()
		}
		clock = clock.Add(time.Minute)
		tr := c.open()
		if _, err := tr.Sync(context.Background(), tracker.SyncOptions{}); err != nil || tr.HasLoaded() {
			t.Errorf("%s: logs read: %v, %v", c.name, tr.HasLoaded(), err)
		}
		tr.Close()
	}
}

// 'fsck --full' finds an archived log here that the hub's archive does not have.
func TestFsckOfTheArchive(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, _, _ := foldingWorld(t, w)
	alice.fold()
	kinds := func() (all []string) {
		tr := alice.open()
		defer tr.Close()
		r, err := tr.Fsck(context.Background(), true)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Findings {
			all = append(all, f.Kind+" "+f.Agent)
		}
		return all
	}
	if got := kinds(); got != nil {
		t.Errorf("in a sound clone: %q", got)
	}
	o, _ := alice.outer()
	r, _, err := o.OpenReplica(context.Background(), false)
	if err != nil {
		t.Fatal(err)
	}
	ref := "refs/archived/bob"
	tip := tipsOf(t, r.Local(), ref)[ref]
	if err := r.Local().Swap(context.Background(), []refs.Update{{Ref: ref, Old: tip}, {Ref: "refs/archived/eve", New: tip}}); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if got := strings.Join(kinds(), ", "); !strings.Contains(got, "archive bob") || !strings.Contains(got, "archive eve") {
		t.Errorf("%q", got)
	}
}

// The log of an agent that an admin revoked can be archived, too; revoking it earlier
// afterward changes nothing of that.
func TestFoldOfARevokedAgent(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob, carol := foldingWorld(t, w)
	erin := w.clone("erin")
	erin.sync()
	issue := erin.create("erin's")
	erin.comment(issue, "the last one")
	alice.sync()
	alice.create("a step covers all of it")
	w.converge(alice, bob, carol)
	revoke := func(after *uint64) {
		t.Helper()
		tr := alice.open()
		defer alice.close(tr)
		if _, err := tr.Revoke(context.Background(), "erin", after, "gone"); err != nil {
			t.Fatal(err)
		}
	}
	revoke(nil)
	if got := carol.fold(); got != "bob erin" {
		t.Errorf("moved %q", got)
	}
	revoke(new(uint64(2)))
	w.converge(alice, bob, carol)
	cold := w.clone("cold")
	w.converge(alice, cold)
	if held, branch := w.archived("erin"); !held || branch {
		t.Error(held, branch)
	}
}
