package tracker_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/tracker"
)

// Two clones write for three weeks before any hub is known, each with a clock
// of its own; then there is one remote. All issues of both are there, numbered
// once, with all that was said about them.
func TestThreeWeeksOffline(t *testing.T) {
	const days = 21
	for _, c := range []struct {
		name    string
		without func(w *world, c *clone)
		meet    func(w *world, c *clone)
		private bool // they gave out numbers of their own
	}{
		{"the remote is not reachable", func(_ *world, c *clone) { c.cut(true) }, func(_ *world, c *clone) { c.cut(false) }, false},
		{"there is no remote", func(w *world, c *clone) { c.forgetRemote() },
			func(w *world, c *clone) { c.addRemote("origin", w.hub) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newMemoryWorld(t)
			alice, bob := w.clone("alice"), w.clone("bob")
			start := time.Now().AddDate(0, 0, -days)
			want := map[string]string{} // title → uuid
			for i, who := range []*clone{alice, bob} {
				c.without(w, who)
				for day := range days {
					// bob's clock is an hour behind
					who.now = func() time.Time { return start.AddDate(0, 0, day).Add(-time.Duration(i) * time.Hour) }
					title := fmt.Sprintf("%s on day %d", who.name, day)
					u := who.create(title)
					who.comment(u, "done today: "+title)
					want[title] = u.String()
				}
				who.now = time.Now
			}
			mine := alice.numbers()
			for _, who := range []*clone{alice, bob} {
				c.meet(w, who)
			}
			alice.init()
			if c.private {
				if kept := alice.numbers(); fmt.Sprint(kept) != fmt.Sprint(mine) || len(kept) != days {
					t.Errorf("the first to publish had %v and has %v", mine, kept)
				}
				tr := bob.open()
				r, err := tr.Init(context.Background(), tracker.InitOptions{Join: true})
				tr.Close()
				if err != nil || len(r.Renumbered) != days {
					t.Fatalf("%+v, %v", r, err)
				}
			}
			w.converge(alice, bob)
			for _, who := range []*clone{alice, bob} {
				rows, numbers := who.titles(), []uint64{}
				for title, u := range want {
					r := rows[title]
					switch {
					case r == nil || r.UUID.String() != u || len(r.Comments) != 1 || r.Comments[0].Content != "done today: "+title:
						t.Errorf("'%s' shows of %q: %+v", who.name, title, r)
						continue
					case r.Number == 0:
						t.Errorf("'%s' has no number for %q", who.name, title)
					}
					numbers = append(numbers, r.Number)
				}
				slices.Sort(numbers)
				if len(rows) != len(want) || len(slices.Compact(numbers)) != 2*days || numbers[0] != 1 || numbers[2*days-1] != 2*days {
					t.Errorf("'%s' shows %d issues with the numbers %v", who.name, len(rows), numbers)
				}
				who.sound()
			}
			if now := alice.numbers(); c.private {
				for title, n := range mine {
					if now[title] != n {
						t.Errorf("%q was %d and is %d", title, n, now[title])
					}
				}
			}
		})
	}
}
