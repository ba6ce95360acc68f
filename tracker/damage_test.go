package tracker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

const (
	logsOf    = "refs/heads/crosslink/agents/"
	ledgerRef = "refs/heads/crosslink/checkpoint"
)

// Somebody with push rights damages what is on the hub: a log, all logs, the
// ledger, everything. Nobody adopts it, what was known goes back, by
// fast-forward where there is something to continue from, and nobody else is
// disturbed: what they write is sent and numbered as ever.
func TestDamageOnTheHub(t *testing.T) {
	type damage struct {
		name  string
		do    func(w *world, ref string)
		loses bool // nothing is left to fast-forward from
	}
	damages := []damage{
		{"rewound", func(w *world, ref string) { w.git(w.hub, "update-ref", ref, ref+"~1") }, false},
		{"rewritten", (*world).rewrite, false},
		{"deleted", func(w *world, ref string) { w.git(w.hub, "update-ref", "-d", ref) }, true},
	}
	for _, refs := range [][]string{
		{logsOf + "bob"},
		{logsOf + "alice", logsOf + "bob", logsOf + "carol"},
		{ledgerRef},
		{logsOf + "alice", logsOf + "bob", logsOf + "carol", ledgerRef},
	} {
		for _, d := range damages {
			if len(refs) == 4 && nightly(0, 1) == 0 {
				t.Logf("not run: %s of everything; make nightly does", d.name)
				continue
			}
			if d.name == "rewritten" && slices.Contains(refs, ledgerRef) {
				continue // a step that is wrong is skipped by all: ledger's own tests
			}
			names := strings.ReplaceAll(strings.Join(refs, "+"), "refs/heads/crosslink/", "")
			t.Run(d.name+" "+names, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				alice, bob, carol := w.clone("alice"), w.clone("bob"), w.clone("carol")
				alice.init()
				for _, c := range []*clone{alice, bob, carol} {
					c.comment(c.create("by "+c.name), "said by "+c.name)
				}
				w.converge(alice, bob, carol)
				before := alice.numbers()
				lines := map[string]int{}
				for _, id := range []string{"alice", "bob", "carol"} {
					lines[id] = len(w.lines(id))
				}
				damaged := map[string]string{}
				for _, ref := range refs {
					d.do(w, ref)
					if !d.loses {
						damaged[ref] = strings.TrimSpace(w.git(w.hub, "rev-parse", ref))
					}
				}

				// others are not disturbed, and see what they saw
				if got := carol.write("carol goes on"); got != "sent" {
					t.Errorf("carol's next write is %s", got)
				}
				if err := alice.trySync(); err != nil {
					t.Errorf("alice's next sync: %v", err)
				}
				for _, c := range []*clone{alice, carol} {
					for title, n := range before {
						if c.numbers()[title] != n {
							t.Errorf("%s shows %q as %d, it is %d", c.name, title, c.numbers()[title], n)
						}
					}
				}
				// everything is back, on top of what was put there
				for ref, tip := range damaged {
					w.git(w.hub, "merge-base", "--is-ancestor", tip, ref)
				}
				for id, n := range lines {
					if got := len(w.lines(id)); got < n {
						t.Errorf("the hub's log of '%s' has %d lines of %d", id, got, n)
					}
				}
				// the owner continues, too, and a new clone sees all
				if got := bob.write("bob goes on"); got != "sent" {
					t.Errorf("bob's next write is %s", got)
				}
				dave := w.clone("dave")
				w.converge(alice, bob, carol, dave)
				got := dave.numbers()
				if len(got) != 5 || got["carol goes on"] == 0 || got["bob goes on"] == 0 {
					t.Errorf("a new clone shows %v", got)
				}
				for _, c := range []*clone{alice, bob, carol} {
					if p := c.status().Problems(); len(p) > 0 {
						t.Errorf("%s still sees problems: %q", c.name, p)
					}
					c.sound()
				}
			})
		}
	}
}

// rewrite puts a log without a past in the place of a ref, in which the last
// line says something else.
func (w *world) rewrite(ref string) {
	w.t.Helper()
	agent := strings.TrimPrefix(ref, logsOf)
	files := splitLines(w.git(w.hub, "ls-tree", "-r", "--name-only", ref))
	last := files[len(files)-1]
	text := strings.ReplaceAll(w.git(w.hub, "show", ref+":"+last), "by "+agent, "by a stranger")
	dir := w.t.TempDir()
	path := filepath.Join(dir, "lines")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		w.t.Fatal(err)
	}
	blob := strings.TrimSpace(w.git(w.hub, "hash-object", "-w", path))
	index := []string{"-c", "alias.x=!GIT_INDEX_FILE='" + dir + "/index' git \"$@\"; :", "x"}
	do := func(args ...string) string { return strings.TrimSpace(w.git(w.hub, append(index, args...)...)) }
	do("read-tree", ref)
	do("update-index", "--add", "--cacheinfo", "100644,"+blob+","+last)
	tree := do("write-tree")
	w.git(w.hub, "update-ref", ref, strings.TrimSpace(w.git(w.hub, "commit-tree", "-m", "forged", tree)))
}

// A ref of the replica whose file is empty (a file system that lost the end of
// its journal) makes git's fetch store nothing. That is no news of the hub: it
// is not said to have lost its branches, and nobody is sent to put them back.
func TestBrokenRefIsNotTheHubs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	bob.create("two")
	w.converge(alice, bob)
	path := filepath.Join(alice.replica(), "refs", "trusted", "meta")
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(alice.replica(), "refs", "incoming")); err != nil { // as in a fresh clone
		t.Fatal(err)
	}
	bob.create("three")
	err := alice.trySync()
	problems := fmt.Sprint(alice.status().Problems())
	if strings.Contains(problems, "no longer has") || !strings.Contains(problems, "could not store every ref") {
		t.Errorf("the hub is whole, sync says %v, and status: %s", err, problems)
	}
}

// A step of which an object could not be read once, as while another process
// packs, is judged by what it holds as soon as it can be.
func TestUnreadableOnceIsNoBadStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keepFrom = whereRead
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	bob.sync()
	note := filepath.Join(bob.dir, ".git/crosslink/judged.json")
	judged, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	alice.create("two")
	bob.sync()
	if err := os.WriteFile(note, judged, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(bob.storePath()); err != nil {
		t.Fatal(err)
	}
	id := strings.TrimSpace(w.git(bob.replica(), "rev-parse", "refs/hub/checkpoint:numbers/issues/000000"))
	object := filepath.Join(bob.replica(), "objects", id[:2], id[2:])
	tr := bob.open()
	defer tr.Close()
	read := func() (numbered int) {
		p, err := tr.Read(context.Background(), tracker.Offline)
		if err != nil {
			t.Fatal(err)
		}
		rows, _, err := p.List(store.Filter{Status: "all"})
		for _, i := range rows {
			if i.Number > 0 {
				numbered++
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		return numbered
	}
	if err := os.Rename(object, object+".away"); err != nil {
		t.Fatal(err)
	}
	if n := read(); n != 0 {
		t.Fatalf("%d numbers without the file that says them", n)
	}
	if err := os.Rename(object+".away", object); err != nil {
		t.Fatal(err)
	}
	if n := read(); n != 2 || len(bob.told("bad-step")) > 0 {
		t.Errorf("%d numbers of 2, %v", n, bob.notices)
	}
}
