package gate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/archive"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

const (
	archiveRef = "refs/heads/crosslink/archive"
	ledgerRef  = "refs/heads/crosslink/checkpoint"
)

// say appends events to a log.
func (w *world) say(l *log, bodies ...event.Body) {
	w.t.Helper()
	for _, b := range bodies {
		line := w.line(&l.chain, b)
		l.tip, l.lines = w.put(l.id, l.tip, line), append(l.lines, line)
	}
}

// retired is a hub with agents that are retired: rita and rob, walt whose end the ledger
// does not cover, lou who holds a lock, and ann who wrote on and retired again; alice and
// bob are not.
func retired(t *testing.T, mode string) *world {
	w := settled(t, mode, trust.Warn, true)
	var specs []string
	for _, id := range []string{"rita", "rob", "lou", "walt", "ann", "eve"} {
		l := w.log(id, nil)
		w.grow(l, 3)
		if id == "lou" {
			issue := w.body(l, 2).(*event.IssueCreated).UUID
			w.say(l, &event.LockClaimed{Issue: issue})
		}
		if id != "walt" && id != "eve" {
			w.say(l, &event.AgentRetired{})
		}
		if id == "ann" {
			w.grow(l, 1)
			w.say(l, &event.AgentRetired{})
		}
		specs = append(specs, string(l.tip)+":"+agents+id)
	}
	w.tip = w.step(w.tip, w.metas[1].id, w.key("alice"), w.tips("rita", "rob", "lou", "walt", "ann", "eve"))
	w.mustPush(append(specs, string(w.tip)+":"+ledgerRef)...)
	w.say(w.logs["walt"], &event.AgentRetired{})
	w.mustPush(string(w.logs["walt"].tip) + ":" + agents + "walt")
	return w
}

// begin is the first step of an archive.
func (w *world) begin() refs.OID { return w.fold("") }

// fold is a step of the archive after another one, that adds logs.
func (w *world) fold(on refs.OID, ids ...string) refs.OID {
	w.t.Helper()
	trees, tips := map[string]refs.OID{}, []refs.OID{}
	slices.Sort(ids)
	for _, id := range ids {
		trees[archive.Path(id)] = refs.OID(w.git("rev-parse", string(w.logs[id].tip)+"^{tree}"))
		tips = append(tips, w.logs[id].tip)
	}
	return w.folding(on, trees, on, tips...)
}

func (w *world) folding(base refs.OID, trees map[string]refs.OID, on refs.OID, tips ...refs.OID) refs.OID {
	w.t.Helper()
	var parents []refs.OID
	if on != "" {
		parents = append(parents, on)
	}
	id, err := refs.WriteTrees(w.ctx, w.repo, base, trees, append(parents, tips...), refs.CommitInfo{Author: "x", When: w.now(), Message: "x"})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func deleting(ids ...string) (specs []string) {
	for _, id := range ids {
		specs = append(specs, ":"+agents+id)
	}
	return specs
}

// A fold is taken, and so is the next one; what was folded may not come loose.
func TestArchive(t *testing.T) {
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := retired(t, mode)
			first := w.fold(w.begin(), "rita")
			w.mustPush(append(deleting("rita"), "--atomic", string(first)+":"+archiveRef)...)
			if w.refs()[agents+"rita"] != "" || w.refs()[archiveRef] != string(first) {
				t.Error("the log was not moved")
			}
			second := w.fold(first, "rob")
			w.mustPush(string(second) + ":" + archiveRef) // where pushes are not atomic
			w.mustPush(deleting("rob")...)
			if says, ok := w.push(deleting("lou")...); ok || !strings.Contains(says, "rule 'deletion'") {
				t.Errorf("a deletion of a log that is not in the archive: %s", says)
			}
			w.mustPush(string(w.logs["rob"].tip) + ":" + agents + "rob") // somebody puts it back
			w.mustPush(deleting("rob")...)
			short := w.git("rev-parse", string(w.logs["rob"].tip)+"^")
			if says, ok := w.push(short + ":" + agents + "rob"); ok || !strings.Contains(says, "rule 'archive-lacks'") {
				t.Errorf("a branch that lacks lines of the archived log: %s", says)
			}
			w.mustPush(deleting("rob")...) // what is not there
			w.git("update-ref", agents+"rob", short)
			w.mustPush(deleting("rob")...)
			w.mustPush(string(w.grow(w.logs["rob"], 1)) + ":" + agents + "rob") // or continues it
			if says, ok := w.push(deleting("rob")...); ok || !strings.Contains(says, "rule 'deletion'") {
				t.Errorf("a deletion of a log that is longer than the archived one: %s", says)
			}
			// an admin revoked an agent that did not retire
			if says, ok := w.push(string(w.fold(second, "eve")) + ":" + archiveRef); ok || !strings.Contains(says, "rule 'archive-not-retired'") {
				t.Errorf("eve is not revoked: %s", says)
			}
			w.accept(w.meta(w.key("alice"), func(m *trust.Meta, s *trust.Signers) *trust.Signers {
				m.Revoked["eve"] = trust.Revocation{AfterSeq: 2, Hash: event.Hash(w.logs["eve"].lines[1]), Reason: "gone"}
				return s
			}))
			w.mustPush(string(w.metas[2].id) + ":refs/heads/crosslink/meta")
			w.mustPush(append(deleting("eve"), "--atomic", string(w.fold(second, "eve"))+":"+archiveRef)...)
			// the ledger continues without the branches
			carol := w.logs["carol"]
			w.say(carol, &event.IssueCreated{UUID: uuid(77), Title: "later", Priority: event.Medium, CreatedBy: "carol"})
			w.tip = w.step(w.tip, w.metas[1].id, w.key("alice"), w.tips("carol"))
			w.mustPush(string(carol.tip)+":"+agents+"carol", string(w.tip)+":"+ledgerRef)
		})
	}
}

func TestForgedArchives(t *testing.T) {
	treeOf := func(w *world, id string) refs.OID {
		return refs.OID(w.git("rev-parse", string(w.logs[id].tip)+"^{tree}"))
	}
	for _, c := range []struct {
		name, rule string
		build      func(w *world, on refs.OID) refs.OID
		deletes    []string
	}{
		{"the log of an agent that is not retired", "archive-not-retired", func(w *world, on refs.OID) refs.OID { return w.fold(on, "bob") }, []string{"bob"}},
		{"a log whose end is not covered", "archive-not-covered", func(w *world, on refs.OID) refs.OID { return w.fold(on, "walt") }, []string{"walt"}},
		{"the log of an agent that holds a lock", "archive-holds", func(w *world, on refs.OID) refs.OID { return w.fold(on, "lou") }, []string{"lou"}},
		{"one of two that is not retired", "archive-not-retired", func(w *world, on refs.OID) refs.OID { return w.fold(on, "bob", "rob") }, []string{"bob", "rob"}},
		{"another tree", "archive-altered", func(w *world, on refs.OID) refs.OID {
			return w.folding(on, map[string]refs.OID{archive.Path("rob"): treeOf(w, "lou")}, on, w.logs["rob"].tip)
		}, []string{"rob"}},
		{"an older state of the log", "archive-not-retired", func(w *world, on refs.OID) refs.OID {
			old := refs.OID(w.git("rev-parse", string(w.logs["rob"].tip)+"^"))
			return w.folding(on, map[string]refs.OID{archive.Path("rob"): refs.OID(w.git("rev-parse", string(old)+"^{tree}"))}, on, old)
		}, []string{"rob"}},
		{"where the agent retired first", "archive-not-end", func(w *world, on refs.OID) refs.OID {
			old := refs.OID(w.git("rev-parse", string(w.logs["ann"].tip)+"^^"))
			return w.folding(on, map[string]refs.OID{archive.Path("ann"): refs.OID(w.git("rev-parse", string(old)+"^{tree}"))}, on, old)
		}, nil},
		{"the log of another", "archive-damaged", func(w *world, on refs.OID) refs.OID {
			return w.folding(on, map[string]refs.OID{archive.Path("rob"): treeOf(w, "lou")}, on, w.logs["lou"].tip)
		}, []string{"rob"}},
		{"an entry that was there is missing", "archive-removed", func(w *world, on refs.OID) refs.OID {
			return w.folding("", map[string]refs.OID{archive.Path("rob"): treeOf(w, "rob")}, on, w.logs["rob"].tip)
		}, []string{"rob"}},
		{"an entry that was there is another one", "archive-altered", func(w *world, on refs.OID) refs.OID {
			return w.folding(on, map[string]refs.OID{archive.Path("rita"): treeOf(w, "rob")}, on, w.logs["rob"].tip)
		}, nil},
		{"an entry at another place", "archive-tree", func(w *world, on refs.OID) refs.OID {
			return w.folding(on, map[string]refs.OID{"logs/0/0/rob": treeOf(w, "rob"), "logs/f/f/rob": treeOf(w, "rob")}, on, w.logs["rob"].tip)
		}, []string{"rob"}},
		{"a file", "archive-tree", func(w *world, on refs.OID) refs.OID {
			return w.tree(on, map[string][]byte{"100644 x": []byte("x")}, on)
		}, nil},
		{"no parent for an entry", "archive-parents", func(w *world, on refs.OID) refs.OID {
			return w.folding(on, map[string]refs.OID{archive.Path("rob"): treeOf(w, "rob")}, on)
		}, []string{"rob"}},
		{"a parent for no entry", "archive-parents", func(w *world, on refs.OID) refs.OID {
			return w.folding(on, nil, on, w.logs["rob"].tip)
		}, nil},
		{"a step that adds nothing", "archive-empty", func(w *world, on refs.OID) refs.OID { return w.fold(on) }, nil},
		{"a valid step after one that is not", "archive-not-retired", func(w *world, on refs.OID) refs.OID {
			bad := w.fold(on, "bob")
			return w.folding(on, map[string]refs.OID{archive.Path("rob"): treeOf(w, "rob")}, bad, w.logs["rob"].tip)
		}, []string{"rob"}},
		{"another archive", gate.FastForward, func(w *world, on refs.OID) refs.OID { return w.fold(w.begin(), "rob") }, []string{"rob"}},
		{"the archive beside the first parent", gate.FastForward, func(w *world, on refs.OID) refs.OID {
			return w.folding(on, nil, w.begin(), on)
		}, nil},
		{"an older archive", gate.FastForward, func(w *world, on refs.OID) refs.OID { return refs.OID(w.git("rev-parse", string(on)+"^")) }, nil},
		{"no archive", gate.Deletion, func(w *world, on refs.OID) refs.OID { return "" }, nil},
		{"a deletion that the step does not hold", gate.Deletion, func(w *world, on refs.OID) refs.OID { return w.fold(on, "rob") }, []string{"rob", "carol"}},
		{"a deletion alone", gate.Deletion, nil, []string{"rob"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := retired(t, gate.Whole)
			on := w.fold(w.begin(), "rita")
			w.mustPush(append(deleting("rita"), "--atomic", string(on)+":"+archiveRef)...)
			before := fmt.Sprint(w.refs())
			specs := append(deleting(c.deletes...), "--atomic", "--force")
			if c.build != nil {
				specs = append(specs, string(c.build(w, on))+":"+archiveRef)
			}
			says, ok := w.push(specs...)
			if ok || !strings.Contains(says, "rule '"+c.rule+"'") || !strings.Contains(says, "hint: ") {
				t.Errorf("want rule %q, git says\n%s", c.rule, says)
			}
			if now := fmt.Sprint(w.refs()); now != before {
				t.Errorf("refs moved: %s, were %s", now, before)
			}
		})
	}
}

// Where there was a step that is not valid before there was a gate, the next one repairs
// the archive.
func TestArchiveFromBeforeTheGate(t *testing.T) {
	t.Parallel()
	w := retired(t, gate.Whole)
	first := w.fold(w.begin(), "rita")
	bad := w.fold(first, "bob")
	w.mustPush(string(first) + ":" + archiveRef)
	if out, err := w.command("push", "-q", w.hub, string(bad)+":refs/heads/carrier").CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	if out, err := w.command("-C", w.hub, "update-ref", archiveRef, string(bad)).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	if says, ok := w.push(deleting("bob")...); ok {
		t.Errorf("bob's log went by a step that is not valid: %s", says)
	}
	if got := w.archiveFindings(); len(got) != 1 || got[0].Severity != fail.Problem || !strings.Contains(got[0].Text, "1, the last is "+string(bad)[:12]) || !strings.Contains(got[0].Text, "'bob' is not retired") {
		t.Errorf("server check says %+v", got)
	}
	if says, ok := w.push(string(w.fold(bad, "rob")) + ":" + archiveRef); ok || !strings.Contains(says, "rule 'archive-parents'") {
		t.Errorf("a step is valid only after one that is not: %s", says)
	}
	repaired := w.folding(first, map[string]refs.OID{archive.Path("rob"): refs.OID(w.git("rev-parse", string(w.logs["rob"].tip)+"^{tree}"))}, bad, w.logs["rob"].tip)
	w.mustPush(append(deleting("rob"), "--atomic", string(repaired)+":"+archiveRef)...)
	if says, ok := w.push(deleting("bob")...); ok {
		t.Errorf("bob's log went though the archive does not hold it: %s", says)
	}
	if got := w.archiveFindings(); len(got) != 1 || got[0].Severity != fail.Note {
		t.Errorf("server check says %+v", got)
	}
}

// The owner of a hub learns of an archive that is damaged, and of none that is not.
func TestServerCheckOfTheArchive(t *testing.T) {
	t.Parallel()
	w := retired(t, gate.Whole)
	if got := w.archiveFindings(); len(got) != 0 {
		t.Errorf("without an archive: %+v", got)
	}
	first := w.fold(w.begin(), "rita")
	w.mustPush(append(deleting("rita"), "--atomic", string(first)+":"+archiveRef)...)
	if got := w.archiveFindings(); len(got) != 0 {
		t.Errorf("a valid one: %+v", got)
	}
	object := filepath.Join(w.hub, "objects", string(first)[:2], string(first)[2:])
	if err := os.Chmod(object, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(object, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := w.archiveFindings(); len(got) != 1 || got[0].Severity != fail.Problem {
		t.Errorf("a damaged one: %+v", got)
	}
}

// archiveFindings are what the server's check says of the archive.
func (w *world) archiveFindings() (found []fail.Diagnosis) {
	w.t.Helper()
	r, err := gate.Inspect(w.ctx, w.hub, "", w.env)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range r.Findings {
		if d.Code.Name() == "archive" {
			found = append(found, d)
		}
	}
	return found
}
