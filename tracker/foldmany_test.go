package tracker_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/memory"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// crowd puts the logs of agents on the hub, each with an issue and a comment. Some of
// them retired two hours ago.
func (w *world) crowd(hub string, agents int, retired func(n int) bool) {
	w.t.Helper()
	ctx, l := context.Background(), w.repo()
	at := event.TimeOf(time.Now().Add(-2 * time.Hour))
	var ups []refs.Update
	for n := range agents {
		c := event.Chain{Hub: hub, Agent: fmt.Sprintf("agent-%04d", n)}
		issue := event.UUID{6: 0x40, 8: 0x80, 13: 9, 14: byte(n >> 8), 15: byte(n)}
		comment := event.UUID{6: 0x40, 8: 0x80, 13: 8, 14: byte(n >> 8), 15: byte(n)}
		bodies := []event.Body{&event.AgentIntroduced{Kind: event.Machine},
			&event.IssueCreated{UUID: issue, Title: "of " + c.Agent, Priority: event.Medium, CreatedBy: c.Agent},
			&event.CommentAdded{Issue: issue, Comment: comment, Author: c.Agent, Content: "text", CreatedAt: at, Kind: "note"}}
		if retired(n) {
			bodies = append(bodies, &event.AgentRetired{})
		}
		var lines [][]byte
		for _, b := range bodies {
			line, err := c.Stamp(&event.Envelope{Body: b}, at, 0)
			if err != nil {
				w.t.Fatal(err)
			}
			lines = append(lines, line)
		}
		tip, err := refs.AppendLog(ctx, l, c.Agent, "", lines, refs.CommitInfo{Author: c.Agent, When: at.Std(), Message: "x"})
		if err != nil {
			w.t.Fatal(err)
		}
		ups = append(ups, refs.Update{Ref: branches + "agents/" + c.Agent, New: tip})
	}
	if err := l.Swap(ctx, ups); err != nil {
		w.t.Fatal(err)
	}
}

func (c *clone) hubID() string {
	c.w.t.Helper()
	t := c.open()
	defer t.Close()
	s, err := t.Status(context.Background())
	if err != nil {
		c.w.t.Fatal(err)
	}
	return s.Hub
}

// Of 1,000 agents 500 are retired. With their logs in the archive everybody shows the
// same, and the hub has half of the branches.
func TestFoldOfManyAgents(t *testing.T) {
	t.Parallel()
	agents := 1000
	if testing.Short() {
		agents = 400 // still more than one push holds
	}
	w := newMemoryWorld(t)
	alice, warm, away := w.clone("alice"), w.clone("warm"), w.clone("away")
	alice.init()
	alice.create("one")
	w.crowd(alice.hubID(), agents, func(n int) bool { return n%2 == 0 })
	alice.sync()
	alice.create("two") // a step covers all of it
	w.converge(alice, warm, away)
	before := alice.read().Hash()
	had := len(w.tips(branches + "agents/"))
	away.cut(true)
	tr := alice.open()
	all, err := tr.Fold(context.Background(), tracker.Folding{})
	alice.close(tr)
	if err != nil || len(all) != agents/2 {
		t.Fatalf("%d logs: %v", len(all), err)
	}
	for _, l := range all {
		if l.Why != "" {
			t.Fatalf("%+v", l)
		}
	}
	if has := len(w.tips(branches + "agents/")); had-has != agents/2 {
		t.Errorf("the hub has %d branches, had %d", has, had)
	}
	away.cut(false)
	cold := w.clone("cold")
	for _, c := range []*clone{warm, away, cold, alice} {
		c.sync()
		if h := c.read().Hash(); h != before {
			t.Errorf("%s: the view changed", c.name)
		}
	}
	if has := len(w.tips(branches + "agents/")); had-has != agents/2 {
		t.Errorf("the hub has %d branches after everybody synced, had %d", has, had)
	}
}

// In the first sync of a clone nearly all lines come from the archive, after the store was
// built from the others. The store is then rebuilt, because adding these lines one by one
// would take three times as long.
func TestFirstSyncOfAnArchive(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	w.keepFrom = 1
	alice, cold := w.clone("alice"), w.clone("cold")
	alice.init()
	w.crowd(alice.hubID(), 300, func(int) bool { return true })
	alice.sync()
	alice.create("a step covers all of it")
	alice.fold()
	cold.sync()
	var made []string
	for _, k := range cold.stored {
		made = append(made, fmt.Sprintf("anew %v, followed %v, %d issues: %v", k.Anew, k.Followed, k.Rows["issue"], k.err))
		if k.err != nil || k.Followed && k.Rows["issue"] >= 300 {
			t.Error(made)
		}
	}
	if !slices.ContainsFunc(cold.stored, func(k kept) bool { return k.Anew && k.Rows["issue"] >= 300 }) {
		t.Errorf("%q", made)
	}
	if cold.read().Hash() != alice.read().Hash() {
		t.Error("the view differs")
	}
}

// A sync that nobody waits for folds if there are many logs of retired agents.
func TestDetachedFold(t *testing.T) {
	t.Parallel()
	for _, retired := range []int{200, 201} {
		t.Run(fmt.Sprint(retired), func(t *testing.T) {
			t.Parallel()
			w := newMemoryWorld(t)
			alice, bob := w.clone("alice"), w.clone("bob")
			alice.init()
			w.crowd(alice.hubID(), retired, func(int) bool { return true })
			alice.sync()
			alice.create("one") // a step covers all of it
			w.converge(alice, bob)
			bob.create("something new")
			s := alice.openDetached()
			if _, err := s.Sync(context.Background(), tracker.SyncOptions{Detached: true}); err != nil {
				t.Fatal(err)
			}
			alice.close(s)
			before := alice.read().Hash()
			left := len(w.tips(branches + "agents/agent-"))
			if want := map[int]int{200: 200, 201: 0}[retired]; left != want {
				t.Errorf("%d logs are branches, want %d", left, want)
			}
			w.converge(alice, bob)
			if bob.read().Hash() != before {
				t.Error("the view changed")
			}
		})
	}
}

// A hub that forbids deletions is not asked again and again, and nothing is lost.
func TestDetachedFoldThatIsRefused(t *testing.T) {
	t.Parallel()
	w := memoryOnly(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	w.crowd(alice.hubID(), 201, func(int) bool { return true })
	alice.sync()
	alice.create("one")
	w.converge(alice, bob)
	asked := 0
	w.memory.Set(memory.Faults{Decline: func(_ string, _, now refs.OID) string {
		if now == "" {
			asked++
			return "deletions are forbidden"
		}
		return ""
	}})
	clock := time.Now()
	alice.now = func() time.Time { return clock }
	sync := func(after time.Duration) {
		t.Helper()
		clock = clock.Add(after)
		bob.create("something new")
		s := alice.openDetached()
		defer alice.close(s)
		if _, err := s.Sync(context.Background(), tracker.SyncOptions{Detached: true}); err != nil {
			t.Fatal(err)
		}
	}
	sync(time.Minute)
	first := asked
	sync(time.Hour)
	if first == 0 || asked != first {
		t.Errorf("asked %d times, then %d", first, asked)
	}
	if left := len(w.tips(branches + "agents/agent-")); left != 201 || w.tip(branches+"archive") != "" {
		t.Errorf("%d logs are left", left)
	}
	w.memory.Set(memory.Faults{})
	sync(25 * time.Hour)
	if left := len(w.tips(branches + "agents/agent-")); left != 0 {
		t.Errorf("%d logs are left after a day", left)
	}
}

// Whatever is in the logs, the view with some of them in the archive is that without.
func TestFoldOfRandomHistories(t *testing.T) {
	t.Parallel()
	runs := 12
	switch {
	case os.Getenv("CROSSLINK_NIGHTLY") == "1":
		runs = 200
	case testing.Short():
		runs = 3
	}
	first := uint64(time.Now().UnixNano())
	folded := 0
	for seed := first; seed < first+uint64(runs); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			w := newMemoryWorld(t)
			alice, warm := w.clone("alice"), w.clone("warm")
			alice.init()
			ctx, l := context.Background(), w.repo()
			logs := map[string][]*event.Envelope{}
			for _, e := range testkit.History(rng, testkit.HistoryOptions{Hub: alice.hubID(), Agents: 2 + rng.IntN(5), Events: 30 + rng.IntN(200), Invalid: true}) {
				logs[e.Agent] = append(logs[e.Agent], e)
			}
			for id, log := range logs {
				last := log[len(log)-1]
				c := event.Chain{Hub: last.Hub, Agent: id, Seq: last.Seq, Hash: event.Hash(last.Raw), Time: last.Time}
				var lines [][]byte
				for _, e := range log {
					lines = append(lines, e.Raw)
				}
				if rng.IntN(3) > 0 {
					line, err := c.Stamp(&event.Envelope{Body: &event.AgentRetired{}}, last.Time+1, 0)
					if err != nil {
						t.Fatal(err)
					}
					lines = append(lines, line)
				}
				tip, err := refs.AppendLog(ctx, l, id, "", lines, refs.CommitInfo{Author: id, When: time.Now(), Message: "x"})
				if err != nil {
					t.Fatal(err)
				}
				w.move(branches+"agents/"+id, tip)
			}
			alice.sync()
			alice.create("a step covers all of it")
			w.converge(alice, warm)
			before := alice.read().Hash()
			for got := range strings.FieldsSeq(alice.fold()) {
				if !strings.Contains(got, ":") {
					folded++
				}
			}
			cold := w.clone("cold")
			w.converge(alice, warm, cold)
			if cold.read().Hash() != before {
				t.Errorf("the view changed")
			}
		})
	}
	if folded < runs/2 {
		t.Errorf("%d logs were archived in %d runs", folded, runs)
	}
}
