package tracker_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/archive"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// step makes the archive of a hub without a gate whatever somebody wants, and deletes
// branches of logs.
func (w *world) step(base, on refs.OID, trees map[string]refs.OID, tips []refs.OID, deletes ...string) {
	w.t.Helper()
	parents := tips
	if on != "" {
		parents = append([]refs.OID{on}, tips...)
	}
	id, err := refs.WriteTrees(context.Background(), w.repo(), base, trees, parents, refs.CommitInfo{Author: "eve", When: time.Now(), Message: "x"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.move(branches+"archive", id)
	for _, agent := range deletes {
		w.move(branches+"agents/"+agent, "")
	}
}

// Whatever somebody who may push makes of the archive, everybody continues to show the same,
// what the archive does not hold is put back, and the next fold repairs it.
func TestForgedFolds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, says string
		forge      func(w *world, on refs.OID)
	}{
		{"an agent at work", "'alice' is not retired", func(w *world, on refs.OID) {
			tip := w.tip(branches + "agents/alice")
			w.step(on, on, map[string]refs.OID{archive.Path("alice"): w.treeOf(tip)}, []refs.OID{tip}, "alice")
		}},
		{"another tree", "is not the one that was folded", func(w *world, on refs.OID) {
			tip := w.tip(branches + "agents/ron")
			w.step(on, on, map[string]refs.OID{archive.Path("ron"): w.treeOf(w.tip(branches + "agents/alice"))}, []refs.OID{tip}, "ron")
		}},
		{"the beginning of a log", "'ron' is not retired", func(w *world, on refs.OID) {
			tip := w.parent(w.tip(branches + "agents/ron"))
			w.step(on, on, map[string]refs.OID{archive.Path("ron"): w.treeOf(tip)}, []refs.OID{tip}, "ron")
		}},
		{"a removed entry", "the log of 'bob' is missing", func(w *world, on refs.OID) {
			tip := w.tip(branches + "agents/ron")
			w.step("", on, map[string]refs.OID{archive.Path("ron"): w.treeOf(tip)}, []refs.OID{tip}, "ron")
		}},
		{"an altered entry", "is not the one that was archived before", func(w *world, on refs.OID) {
			w.step(on, on, map[string]refs.OID{archive.Path("bob"): w.treeOf(w.tip(branches + "agents/ron"))}, nil)
		}},
		{"something else", "holds something that is not a log", func(w *world, on refs.OID) {
			w.step(on, on, map[string]refs.OID{"code": w.treeOf(on)}, nil)
		}},
		{"a deletion without a step", "", func(w *world, _ refs.OID) { w.move(branches+"agents/ron", "") }},
		{"an archive that begins again", "was set back or rewritten", func(w *world, _ refs.OID) {
			w.move(branches+"archive", "")
			w.step("", "", nil, nil)
		}},
		{"an archive that is set back", "was set back or rewritten", func(w *world, on refs.OID) {
			w.move(branches+"archive", w.parent(on))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newMemoryWorld(t)
			alice, _, carol := foldingWorld(t, w)
			alice.fold()
			ron := w.clone("ron")
			ron.sync()
			ron.create("ron's")
			ron.retire()
			carol.cut(true) // it has not seen the fold of bob
			w.converge(alice, ron)
			before := alice.read().Hash()
			alice.notices = nil
			c.forge(w, w.tip(branches+"archive"))
			cold := w.clone("cold")
			cold.sync()
			alice.sync()
			if h := alice.read().Hash(); h != before {
				t.Error("the view of a warm clone changed")
			}
			if c.says != "" {
				said := func(c *clone) string {
					s := c.open()
					defer s.Close()
					r, err := s.Doctor(context.Background(), true)
					if err != nil {
						t.Fatal(err)
					}
					var all []string
					for _, d := range r.Findings {
						all = append(all, d.Text)
					}
					return strings.Join(all, "\n")
				}
				if got := said(alice); !strings.Contains(got, c.says) {
					t.Errorf("the doctor says\n%s", got)
				}
			}
			carol.cut(false)
			w.converge(alice, carol, cold)
			if h := cold.read().Hash(); h != before {
				t.Error("the view of a cold clone differs")
			}
			for _, id := range []string{"alice", "bob", "ron"} {
				held, branch := w.archived(id)
				if held = held || c.name == "a removed entry"; !branch && (!held || id != "bob") { // the step before has it
					t.Errorf("the log of '%s' was not put back", id)
				}
			}
			carol.fold()
			w.converge(alice, carol, cold)
			newest := w.clone("newest")
			w.converge(alice, newest)
			for _, id := range []string{"bob", "ron"} {
				if held, branch := w.archived(id); !held || branch {
					t.Errorf("the log of '%s' is not in the archive only: %v %v", id, held, branch)
				}
			}
			if h := newest.read().Hash(); h != before {
				t.Error("the view changed after a repair")
			}
		})
	}
}

// Skipped steps are read once, however often the hub is asked and whatever else arrives. If
// one of them may have become valid, they are judged again.
func TestForgedStepsAreReadOnce(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, _, carol := foldingWorld(t, w)
	alice.fold()
	ron := w.clone("ron")
	ron.sync()
	ron.create("ron's")
	w.converge(alice, ron, carol)
	on := w.tip(branches + "archive")
	tip := w.tip(branches + "agents/ron")
	w.step(on, on, map[string]refs.OID{archive.Path("ron"): w.treeOf(tip)}, []refs.OID{tip}) // ron is at work
	forged := []refs.OID{w.tip(branches + "archive")}
	for range 60 {
		w.step("", forged[0], nil, nil)
		forged = append([]refs.OID{w.tip(branches + "archive")}, forged...)
	}
	steps := func() (n int) {
		tr := alice.open()
		defer alice.close(tr)
		tr.WatchReads(func(id refs.OID) {
			if slices.Contains(forged, id) || id == on {
				n++
			}
		})
		if _, err := tr.Sync(context.Background(), tracker.SyncOptions{}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := steps(); n < len(forged) {
		t.Fatalf("%d steps are pushed and %d were read", len(forged), n)
	}
	if p := alice.status().Problems(); len(p) != 1 || !strings.Contains(p[0], "is ignored") || !strings.Contains(p[0], "(and 60 more steps)") {
		t.Errorf("%q", p)
	}
	for range 2 {
		carol.create("the ledger moves")
		if n := steps(); n != 0 {
			t.Errorf("%d objects of the archive were read again", n)
		}
	}
	if p := alice.status().Problems(); len(p) != 1 || !strings.Contains(p[0], "is ignored") {
		t.Errorf("afterward: %q", p)
	}
	ron.create("ron's log is covered further") // so ron's step is looked at again
	if n := steps(); n < len(forged) {
		t.Errorf("%d objects of the archive were read", n)
	}
	before := alice.read().Hash()
	ron.retire()
	carol.create("ron's end is covered")
	w.converge(alice, ron, carol)
	if got := carol.fold(); got != "ron" {
		t.Errorf("moved %q", got)
	}
	w.converge(alice, carol)
	if p := alice.status().Problems(); len(p) != 0 {
		t.Errorf("after the repair: %q", p)
	}
	if n := steps(); n != 0 {
		t.Errorf("%d objects of a valid archive were read", n)
	}
	if before == alice.read().Hash() {
		t.Error("nothing was written")
	}
}

// An agent that wrote after it retired is read from its branch, and its branch is put
// back if somebody deletes it. The archive stays valid for all others.
func TestWritesAfterTheFold(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob, carol := foldingWorld(t, w, "bob")
	bob.cut(true) // it does not see the fold
	alice.fold()
	if bob.agent("bob").ID == "" {
		t.Fatal("no bob")
	}
	// a program that does not refuse to write on
	o, _ := bob.outer()
	r, _, err := o.OpenReplica(context.Background(), false)
	if err != nil {
		t.Fatal(err)
	}
	ref := branches + "agents/bob"
	old := tipsOf(t, r.Local(), ref)[ref]
	log, err := refs.ReadLog(context.Background(), r.Local(), "bob", old, 1)
	if err != nil {
		t.Fatal(err)
	}
	last, err := event.Decode(slices.Clone(log.Lines[len(log.Lines)-1]))
	if err != nil {
		t.Fatal(err)
	}
	chain := event.Chain{Hub: last.Hub, Agent: "bob", Seq: last.Seq, Hash: event.Hash(last.Raw), Time: last.Time}
	line, err := chain.Stamp(&event.Envelope{Body: &event.AgentIntroduced{Kind: event.Machine, Description: "back again"}}, event.TimeOf(time.Now()), 0)
	if err != nil {
		t.Fatal(err)
	}
	tip, err := refs.AppendLog(context.Background(), r.Local(), "bob", old, [][]byte{line}, refs.CommitInfo{Author: "bob", When: time.Now(), Message: "x"})
	if err == nil {
		err = r.Local().Swap(context.Background(), []refs.Update{{Ref: ref, Old: old, New: tip}})
	}
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.Remote(refs.Address{URL: w.hub}).Push(context.Background(), refs.Push{Refs: []refs.PushRef{{Src: tip, Dst: ref}}})
	r.Close()
	if err != nil || !res.Refs[ref].Accepted() {
		t.Fatal(res, err)
	}
	cold := w.clone("cold")
	w.converge(alice, carol, cold)
	if cold.agent("bob").Description != "back again" {
		t.Error("what was written after the fold is not read")
	}
	w.move(ref, "")
	w.converge(alice, carol, cold)
	if w.tip(ref) == "" {
		t.Error("the branch with more lines than the archive was not put back")
	}
	if got := alice.fold(); got != "bob:"+tracker.FoldContinued {
		t.Errorf("moved %q", got)
	}
	newest := w.clone("newest")
	w.converge(alice, newest)
}
