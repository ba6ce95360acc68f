package tracker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
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

// A chain of meta that is longer than is walked: who comes new is told so and
// writes nothing, and who knows part of it goes on from there.
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
	if got := edge.numbers(); len(got) != 2 || mentions(edge.status().Problems(), "is not believed") != 2 {
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
	// who was there: an admin goes on above it, and others follow
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

// Much litter costs little: what is not believed is named, the newest of it,
// and counted.
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
		if n := mentions(p, "is not believed"); n != tracker.MaxBadMeta || mentions(p, fmt.Sprintf("%d more meta commits below", 60-tracker.MaxBadMeta)) != 1 {
			t.Errorf("'%s': %d named, %q", c.name, n, p)
		}
		if got := c.trust().Refused; len(got) != tracker.MaxBadMeta+1 {
			t.Errorf("'%s': %d refused", c.name, len(got))
		}
		if got := strings.Count(c.findings(false), "is not believed"); got != 60 {
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
