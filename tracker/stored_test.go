package tracker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// kept is what became of the store in the reads of a clone, in order.
type kept struct {
	store.Written
	err error
}

// readsWith reads and returns what became of the store; nil if it answered.
func (c *clone) readsWith(more ...string) (tracker.Projection, *kept) {
	c.w.t.Helper()
	var k *kept
	t, err := tracker.Open(context.Background(), tracker.Options{
		Survey: c.survey(),
		Dir:    c.dir, Environ: append(append([]string{"GIT_CROSSLINK_AGENT=" + c.name}, c.w.env...), more...), Now: c.now,
		Stored: func(w store.Written, err error) { k = &kept{w, err} }})
	if err != nil {
		c.w.t.Fatal(err)
	}
	c.w.t.Cleanup(func() { t.Close() })
	p, err := t.Read(context.Background(), tracker.Offline)
	if err != nil {
		c.w.t.Fatal(err)
	}
	return p, k
}

func (c *clone) storePath() string { return filepath.Join(c.replica(), "store.db") }

// all is what a projection answers, as text.
func all(t *testing.T, p tracker.Projection) string {
	t.Helper()
	var doc []any
	rows, total, err := p.List(store.Filter{Status: "all"})
	doc = append(doc, rows, total, err)
	found, _, err := p.Search("word", store.Filter{Status: "all"})
	doc = append(doc, found, err)
	for _, i := range rows {
		h, err := p.History(i.UUID)
		for _, e := range h {
			doc = append(doc, e.Agent, e.Seq, e.Shown(), e.SignedBy, string(e.Event), p.Mark(e.Agent, e.Seq), p.LastSign(e.Agent))
		}
		open, err2 := store.OpenBlockers(p, i)
		u, err3 := p.Resolve(i.Name())
		doc = append(doc, err, open, err2, u, err3)
		full, err4 := p.Issue(i.UUID)
		doc = append(doc, full, err4)
		for k := range full.Comments {
			doc = append(doc, p.CommentShort(full.Comments[k].UUID))
		}
	}
	miles, err := p.Milestones()
	doc = append(doc, miles, err, fmt.Sprint(p.MilestoneNumbers()), p.Hash())
	locked, err := p.Locked()
	doc = append(doc, locked, err, p.Agents(), fmt.Sprint(p.Aliases()), p.Rejections())
	b, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// With nothing new a read reads no object and starts no git but the two that
// find the repository.
func TestNothingNewReadsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keepFrom = whereRead
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	one := alice.create("one word")
	bob.sync()
	bob.comment(one, "another word")
	alice.sync()
	p, k := alice.readsWith()
	if k == nil || k.err != nil || !k.Anew {
		t.Fatalf("the first read leaves %+v", k)
	}
	want := all(t, p)

	objects := filepath.Join(alice.replica(), "objects")
	if err := os.Rename(objects, objects+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(objects, 0o777); err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	p, k = alice.readsWith("GIT_TRACE2_EVENT=" + trace)
	if k != nil {
		t.Fatalf("with nothing new the store was written: %+v", k)
	}
	if got := all(t, p); got != want {
		t.Fatalf("without an object to read it answers\n%s\nnot\n%s", got, want)
	}
	if n := traced(t, trace); !maps.Equal(n, map[string]int{"rev-parse": 1, "config": 1}) {
		t.Errorf("git processes: %v", n)
	}
	if err := os.Remove(alice.storePath()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(objects); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(objects+".away", objects); err != nil {
		t.Fatal(err)
	}
	if p, k = alice.readsWith(); k == nil || !k.Anew || all(t, p) != want {
		t.Fatalf("without the store: %+v", k)
	}
}

// What another clone wrote touches its issue's rows only.
func TestOneEventWritesOneIssue(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	w.keepFrom = whereRead
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	var issue event.UUID
	for range 5 {
		issue = alice.create("x")
	}
	bob.sync()
	bob.readsWith()
	alice.comment(issue, "news")
	bob.stored = nil
	bob.sync()
	// "logs" is the index of settled logs (ADR 39): alice's is none until the ledger covers this line
	want := map[string]int{"issue": 1, "comment": 1, "line": 1, "log": 1, "logs": 1, "head": 1}
	if len(bob.stored) != 1 || bob.stored[0].err != nil || bob.stored[0].Anew || !maps.Equal(bob.stored[0].Rows, want) {
		t.Fatalf("one comment writes %+v", bob.stored)
	}
	if p, k := bob.readsWith(); k != nil || all(t, p) != all(t, alice.read()) {
		t.Fatalf("the store answers otherwise than another clone: %+v", k)
	}
}

// The first write makes no store. Where there is one a write continues from it and
// includes it.
func TestWritesTakeTheStoreAlong(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	w.keepFrom = whereRead
	alice := w.clone("alice")
	alice.init()
	alice.create("one")
	if _, err := os.Stat(alice.storePath()); !os.IsNotExist(err) {
		t.Fatalf("a write made a store: %v", err)
	}
	alice.readsWith()
	alice.stored = nil
	alice.create("two")
	line := map[string]int{"issue": 1, "line": 1, "log": 1, "head": 1}   // written here
	step := map[string]int{"issue": 1, "number": 1, "log": 1, "head": 1} // and decided on the hub
	if len(alice.stored) != 2 || !maps.Equal(alice.stored[0].Rows, line) || !maps.Equal(alice.stored[1].Rows, step) {
		t.Fatalf("a new issue writes %+v", alice.stored)
	}
	if p, k := alice.readsWith(); k != nil || len(alice.titles()) != 2 {
		t.Fatalf("the next read writes %+v and shows %s", k, all(t, p))
	}
}

// Where no store can be made the answers are the same, and nothing is told.
func TestNoStore(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	w.keepFrom = whereRead
	alice := w.clone("alice")
	alice.init()
	alice.create("one word")
	if err := os.MkdirAll(filepath.Join(alice.storePath(), "in the way"), 0o777); err != nil {
		t.Fatal(err)
	}
	alice.notices = nil
	p, k := alice.readsWith()
	if k == nil || k.err == nil {
		t.Fatalf("a directory in the way of the store: %+v", k)
	}
	want := all(t, p)
	if err := os.RemoveAll(alice.storePath()); err != nil {
		t.Fatal(err)
	}
	if p, k = alice.readsWith(); k == nil || k.err != nil || all(t, p) != want {
		t.Fatalf("once it is gone: %+v", k)
	}
	if len(alice.notices) > 0 {
		t.Fatalf("told: %+v", alice.notices)
	}
}

// What is missing here and may come back is not kept as if it were all.
func TestStoreOfATornReplica(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	bob.sync()
	replica := bob.replica()
	tip := splitLines(w.git(replica, "rev-parse", "refs/hub/agents/alice^{tree}"))[0]
	object := filepath.Join(replica, "objects", tip[:2], tip[2:])
	if err := os.Rename(object, object+".away"); err != nil {
		t.Fatal(err)
	}
	if p, k := bob.readsWith(); k != nil {
		rows, _, _ := p.List(store.Filter{})
		t.Fatalf("with an object missing %d issues were kept: %+v", len(rows), k)
	}
	if err := os.Rename(object+".away", object); err != nil {
		t.Fatal(err)
	}
	if n := len(bob.titles()); n != 1 {
		t.Fatalf("once it is back %d issues are shown", n)
	}
}

// Clones that write, sync and read at random: what the store answers, followed
// from delivery to delivery, is what is loaded from nothing.
func TestStoreFollowsDeliveries(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("CROSSLINK_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("CROSSLINK_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 8))
	rounds := 24
	if os.Getenv("CROSSLINK_NIGHTLY") == "1" {
		rounds = 400
	}
	w := newMemoryWorld(t)
	w.keepFrom = whereRead
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	issues := []event.UUID{alice.create("one word"), alice.create("two words")}
	bob.sync()
	followed, whole, quiet := 0, 0, 0
	for n := range rounds {
		who := []*clone{alice, bob}[rng.IntN(2)]
		u := issues[rng.IntN(len(issues))]
		text := fmt.Sprintf("word %d", n)
		switch rng.IntN(9) {
		case 0:
			issues = append(issues, who.create(text))
		case 1, 2, 3:
			who.comment(u, text)
		case 4:
			who.does(&event.StatusChanged{UUID: u, NewStatus: []event.Status{event.Open, event.Closed}[rng.IntN(2)]})
		case 5:
			who.does(&event.IssueUpdated{UUID: u, Title: &text}, &event.LabelAdded{Issue: u, Label: "bug"})
		case 6:
			who.does(&event.DependencyAdded{Blocked: issues[1+rng.IntN(len(issues)-1)], Blocker: issues[0]})
		case 7:
			who.does(&event.LabelRemoved{Issue: u, Label: "bug"})
		case 8: // not followed
			who.does(&event.MilestoneCreated{UUID: event.UUID{0xff, byte(n >> 8), byte(n)}, Name: text, CreatedAt: 1})
		}
		if rng.IntN(2) == 0 {
			alice.sync()
		}
		if rng.IntN(2) == 0 {
			bob.sync()
		}
		for _, c := range []*clone{alice, bob} {
			p, k := c.readsWith()
			switch {
			case k == nil:
				quiet++
			case k.err != nil:
				t.Fatal(k.err)
			case k.Followed:
				followed++
			default:
				whole++
			}
			for _, k := range c.stored { // by a write, or a sync
				if k.Followed {
					followed++
				}
			}
			c.stored = nil
			got, path := all(t, p), c.storePath()
			aside := []string{path, path + "-stamp"}
			for _, f := range aside {
				if err := os.Rename(f, f+".aside"); err != nil {
					t.Fatal(err)
				}
			}
			if p, k = c.readsWith(); k == nil || !k.Anew {
				t.Fatalf("without a store: %+v", k)
			}
			if want := all(t, p); got != want {
				t.Fatalf("round %d, %s: the store says\n%s\nwhat is loaded says\n%s", n, c.name, got, want)
			}
			for _, f := range aside {
				if err := os.Rename(f+".aside", f); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	t.Logf("%d deliveries were followed, %d took everything, %d times there was nothing new", followed, whole, quiet)
	if followed < 3 || whole < 1 || quiet < 3 {
		t.Fatal("too few of a kind")
	}
}

// does emits events as they are.
func (c *clone) does(bodies ...event.Body) {
	c.w.t.Helper()
	c.emit(func(*tracker.Tracker, tracker.Projection) []event.Body { return bodies })
}

// A claim that nobody has decided is shown in the clones that write under its
// agent's id. One that begins to shows it, although nobody claimed anything since.
func TestStoreOfACloneThatBeginsToWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, again := w.clone("alice"), w.clone("again")
	again.name = "alice"
	alice.init()
	u := alice.create("claimed")
	alice.cut(true)
	alice.emit(func(*tracker.Tracker, tracker.Projection) []event.Body {
		return []event.Body{&event.LockClaimed{Issue: u}}
	})
	alice.cut(false)
	w.git(alice.replica(), "push", "-q", w.hub, "refs/heads/crosslink/agents/alice")
	tr := again.open()
	if _, err := tr.Read(context.Background(), tracker.Fresh); err != nil {
		t.Fatal(err)
	}
	tr.Close()
	home := func(c *clone) string { return filepath.Join(c.dir, ".git", "crosslink", "keys") }
	if err := os.CopyFS(home(again), os.DirFS(home(alice))); err != nil {
		t.Fatal(err)
	}
	claimed := func() bool {
		p, _ := again.readsWith()
		row, err := p.Issue(u)
		if err != nil {
			t.Fatal(err)
		}
		return row.Lock != nil
	}
	if claimed() {
		t.Fatal("another clone's claim is shown")
	}
	again.cut(true)
	again.comment(u, "from another clone")
	if !claimed() {
		t.Fatal("the own claim is not shown")
	}
}
