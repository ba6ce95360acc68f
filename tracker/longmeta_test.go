package tracker_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// litter puts n commits on the hub's meta that nobody believes.
func (w *world) litter(n int) {
	w.t.Helper()
	ctx := context.Background()
	repo, tip := w.repo(), w.tip(branches+"meta")
	for i := range n {
		var err error
		if tip, err = refs.WriteCommit(ctx, repo, map[string][]byte{"hub.json": fmt.Appendf(nil, "litter %d\n", i)}, []refs.OID{tip}, refs.CommitInfo{Author: "x", Message: "x"}); err != nil {
			w.t.Fatal(err)
		}
	}
	w.move("refs/heads/crosslink/meta", tip)
}

// The chain of meta is longer than a reader walks. A new clone reports this and writes
// nothing; a clone that knows part of the chain continues from there.
func TestMetaChainThatIsTooLong(t *testing.T) {
	tracker.ShortMeta(t, 6)
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	for _, p := range []string{"off", "warn", "off"} {
		if err := alice.tryPolicy(p); err != nil {
			t.Fatal(err)
		}
	}
	bob.create("two") // 4 commits
	w.litter(2)       // 6: at the bound
	edge := w.clone("edge")
	edge.sync()
	if got := edge.numbers(); len(got) != 2 || mentions(edge.status().Problems(), "is ignored") != 2 {
		t.Errorf("at the bound: %v, %q", got, edge.status().Problems())
	}
	w.litter(1)
	cold := w.clone("cold")
	if err := cold.trySync(); err != nil && errorName(err) != "hub-meta" {
		t.Errorf("%v", err)
	}
	if p := cold.status().Problems(); mentions(p, "more than 6 commits") == 0 {
		t.Errorf("it is not said: %q", p)
	}
	r, err := cold.tryEmit(func(tr *tracker.Tracker) []event.Body {
		return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "x", Priority: event.Low, CreatedBy: "cold"}}
	})
	if err != nil || r.Sync != tracker.Local || w.tip(branches+"agents/cold") != "" {
		t.Errorf("it does not keep what it writes to itself: %v", err)
	}
	// clones that were there before: an admin continues above it, and others follow
	if err := alice.tryPolicy("warn"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*clone{alice, bob} {
		c.sync()
		c.create("by " + c.name)
		if now := c.trust(); now.Signing != "warn" || now.Seq != 5 {
			t.Errorf("'%s' believes %+v", c.name, now)
		}
	}
	tracker.ShortMeta(t, 100)
	cold.sync()
	if got := cold.numbers(); len(got) != 5 || got["x"] == 0 {
		t.Errorf("with a program that reads it: %v", got)
	}
}

// Many invalid commits cost little: all are counted, and the newest are listed.
func TestMetaLitter(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice := w.clone("alice")
	alice.init()
	alice.create("one")
	w.litter(60)
	cold := w.clone("cold")
	for _, c := range []*clone{alice, cold} {
		c.sync()
		p := c.status().Problems()
		if n := mentions(p, "is ignored"); n != tracker.MaxBadMeta || mentions(p, fmt.Sprintf("%d more meta commits below", 60-tracker.MaxBadMeta)) != 1 {
			t.Errorf("'%s': %d named, %q", c.name, n, p)
		}
		if got := c.trust().Refused; len(got) != tracker.MaxBadMeta+1 {
			t.Errorf("'%s': %d refused", c.name, len(got))
		}
		if got := strings.Count(c.findings(false), "is ignored"); got != 60 {
			t.Errorf("'%s': fsck names %d", c.name, got)
		}
	}
	if err := alice.tryPolicy("off"); err != nil {
		t.Error(err)
	}
	cold.sync()
	if p := cold.status().Problems(); len(p) != 0 || cold.trust().Signing != "off" {
		t.Errorf("%q", p)
	}
}

// reads counts the objects that a command reads of its clone's replica.
func (c *clone) reads(command func(*tracker.Tracker) error) (n int) {
	c.w.t.Helper()
	tr := c.open()
	defer tr.Close()
	tr.CountReads(&n)
	if err := command(tr); err != nil && errorName(err) != "other-hub" {
		c.w.t.Errorf("'%s': %s: %v", c.name, errorName(err), err)
	}
	return n
}

// metaCommands are commands that read the meta.
var metaCommands = []struct {
	name string
	do   func(*tracker.Tracker) error
}{
	{"sync", func(tr *tracker.Tracker) error {
		_, err := tr.Sync(context.Background(), tracker.SyncOptions{})
		return err
	}},
	{"status", func(tr *tracker.Tracker) error {
		_, err := tr.Status(context.Background())
		return err
	}},
	{"trust", func(tr *tracker.Tracker) error {
		_, err := tr.Trust(context.Background())
		return err
	}},
	{"new", func(tr *tracker.Tracker) error {
		_, err := tr.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
			return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "x", Priority: event.Low, CreatedBy: tr.Agent()}}, nil
		})
		return err
	}},
	{"doctor", func(tr *tracker.Tracker) error {
		_, err := tr.Doctor(context.Background(), false)
		return err
	}},
}

// What was judged of the meta once is not read again: neither a chain on top of the
// one that is believed, nor one in its place that is refused. What a command reads
// does not grow with how long it is, and each new commit is read once.
func TestMetaIsReadOnce(t *testing.T) {
	t.Parallel()
	type figures struct {
		first, again []int
	}
	measure := func(t *testing.T, put func(w *world, n int), n int) (f figures) {
		w := newMemoryWorld(t)
		w.keepFrom = whereRead
		alice, bob := w.clone("alice"), w.clone("bob")
		alice.init()
		alice.create("one")
		bob.sync()
		bob.sleep = func(time.Duration) {}
		put(w, n)
		for _, of := range []*[]int{&f.first, &f.again} {
			for _, c := range metaCommands {
				*of = append(*of, bob.reads(c.do))
			}
			w.litter(1)
		}
		return f
	}
	root := func(w *world, n int) { // a chain of somebody else's
		other := newMemoryWorld(w.t)
		mallory := other.clone("mallory")
		mallory.init()
		tip := other.tip(branches + "meta")
		files, err := refs.ReadFiles(context.Background(), other.repo(), tip, 1<<20)
		if err != nil {
			w.t.Fatal(err)
		}
		tip, err = refs.WriteCommit(context.Background(), w.repo(), files, nil, refs.CommitInfo{Author: "x", Message: "x"})
		if err != nil {
			w.t.Fatal(err)
		}
		w.move(branches+"meta", tip)
		w.litter(n)
	}
	for name, put := range map[string]func(*world, int){
		"above the one that is believed": (*world).litter,
		"in its place":                   root,
		"without a beginning": func(w *world, n int) {
			w.move(branches+"meta", w.tip("refs/heads/main"))
			w.litter(n)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			few, many := measure(t, put, 50), measure(t, put, 550)
			t.Logf("50 commits: %v; 550: %v", few, many)
			for i, c := range metaCommands {
				if few.again[i] != many.again[i] {
					t.Errorf("'%s' reads %d objects after 50 commits, and %d after 550", c.name, few.again[i], many.again[i])
				}
				if i > 0 && few.first[i] != many.first[i] {
					t.Errorf("'%s' after the first sync reads %d objects after 50 commits, and %d after 550", c.name, few.first[i], many.first[i])
				}
			}
			if d := many.first[0] - few.first[0]; d > 500*5 {
				t.Errorf("the first sync reads %d objects of 500 commits more", d)
			}
		})
	}
}

// A note can hide a meta commit, which fsck finds, and makes none valid.
func TestHostileMetaNotes(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	bob.sync()
	meta := branches + "meta"
	was := w.tip(meta)
	note := func(text string, with ...any) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(filepath.Dir(bob.replica()), "metas.json"), fmt.Appendf(nil, text, with...), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	files, err := refs.ReadFiles(context.Background(), w.repo(), was, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	files["hub.json"] = bytes.Replace(files["hub.json"], []byte(`"seq":1`), []byte(`"seq":9`), 1)
	forged, err := refs.WriteCommit(context.Background(), w.repo(), files, []refs.OID{was}, refs.CommitInfo{Author: "x", Message: "x"})
	if err != nil {
		t.Fatal(err)
	}
	w.move(meta, forged)
	note(`[{"tip":"%s","commit":"%[1]s"}]`, forged)
	bob.sync()
	if got := bob.trust(); got.Meta != string(was) || got.Seq != 1 {
		t.Errorf("a note made a meta commit valid: %+v", got)
	}

	w.move(meta, was)
	if err := alice.tryPolicy("off"); err != nil {
		t.Fatal(err)
	}
	next := w.tip(meta)
	note(`[{"tip":"%s","commit":"%s","bad":1,"newest":[{"commit":"%[1]s","why":"x"}]}]`, next, was)
	bob.reads(metaCommands[0].do) // without the look whether all is as it was read from nothing
	if got := bob.trust(); got.Seq != 1 || len(got.Refused) != 1 {
		t.Errorf("the note is not read: %+v", got)
	}
	if got := bob.findings(false); !strings.Contains(got, "the saved results of earlier checks were wrong") {
		t.Error(got)
	}
	bob.sync()
	if got := bob.trust(); got.Seq != 2 || len(got.Refused) != 0 {
		t.Errorf("the note was not replaced: %+v", got)
	}
}

// stepUnder puts a step of the ledger on the hub that names a meta commit.
func (w *world) stepUnder(hub string, meta refs.OID) {
	w.t.Helper()
	ctx := context.Background()
	repo, tip := w.repo(), w.tip(checkpointRef)
	r := ledger.NewReader(replay.NewSteps(ctx, repo, hub), hub)
	v, err := r.Read(string(tip))
	if err != nil {
		w.t.Fatal(err)
	}
	state := v.Ledger.Files()["state.json"]
	for old, now := range map[string]string{
		fmt.Sprintf(`"meta":"%s"`, v.Ledger.Meta):       fmt.Sprintf(`"meta":"%s"`, meta),
		fmt.Sprintf(`"sequence":%d`, v.Ledger.Sequence): fmt.Sprintf(`"sequence":%d`, v.Sequence()+1),
	} {
		if !bytes.Contains(state, []byte(old)) {
			w.t.Fatalf("%s is not in %s", old, state)
		}
		state = bytes.Replace(state, []byte(old), []byte(now), 1)
	}
	id, err := refs.WriteChanges(ctx, repo, refs.OID(v.Step), map[string][]byte{"state.json": state}, []refs.OID{tip, meta}, refs.CommitInfo{Author: "x", Message: "x"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.move(checkpointRef, id)
}

// A step of the ledger may name any meta commit that somebody pushed: what is below
// it is read once by a clone, whatever commits of it the next steps name.
func TestMetaOfStepsIsReadOnce(t *testing.T) {
	t.Parallel()
	measure := func(n int, each, branch bool) (first, again []int) {
		w := newMemoryWorld(t)
		w.keepFrom = whereRead
		alice, bob := w.clone("alice"), w.clone("bob")
		alice.init()
		alice.create("one")
		bob.sync()
		bob.sleep = func(time.Duration) {}
		hub, meta := alice.trust().Hub, w.tip(branches+"meta")
		w.litter(n)
		inner := w.parent(w.parent(w.tip(branches + "meta")))
		if !branch {
			w.move(branches+"meta", meta)
		}
		w.stepUnder(hub, inner)
		for _, of := range []*[]int{&first, &again} {
			for _, c := range metaCommands {
				*of = append(*of, bob.reads(c.do))
				if each {
					inner = w.parent(inner)
					w.stepUnder(hub, inner)
				}
			}
		}
		return first, again
	}
	for _, of := range []struct {
		name         string
		each, branch bool
		most         int
	}{
		{"one step", false, true, 0},
		{"a step for each command", true, true, 5 * 64},
		{"steps that name commits of no branch", true, false, 5 * 64},
	} {
		t.Run(of.name, func(t *testing.T) {
			t.Parallel()
			few, fewAgain := measure(50, of.each, of.branch)
			many, manyAgain := measure(550, of.each, of.branch)
			t.Logf("50 commits: %v, %v; 550: %v, %v", few, fewAgain, many, manyAgain)
			for i, c := range metaCommands {
				if i > 0 && many[i]-few[i] > of.most || manyAgain[i]-fewAgain[i] > of.most {
					t.Errorf("'%s' reads %d and %d objects under 50 commits, and %d and %d under 550", c.name, few[i], fewAgain[i], many[i], manyAgain[i])
				}
			}
		})
	}
}
