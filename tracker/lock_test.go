package tracker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// nightly is a count that is greater where time does not matter.
func nightly(usual, atNight int) int {
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		return atNight
	}
	return usual
}

// lock is who holds an issue, as the clone shows it; the tests of claims give
// the token with it.
func (c *clone) lock(u event.UUID) string {
	c.w.t.Helper()
	row, err := c.read().Issue(u)
	if err != nil {
		c.w.t.Fatal(err)
	}
	if row.Lock == nil || !row.Lock.Confirmed {
		return ""
	}
	return fmt.Sprintf("%s %d", row.Lock.Holder, row.Lock.Token)
}

// A release that reached the hub without a step, as when its writer is killed
// between the two, is the end of its grant for everybody: nobody has to wait
// until somebody decides it.
func TestReleaseWithoutStepFreesTheLock(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	u := alice.create("held")
	bob.sync()
	if a, err := alice.act(lockOp{do: "claim"}, u); err != nil || a.outcome != tracker.Held {
		t.Fatalf("%+v, %v", a, err)
	}
	alice.cut(true)
	alice.emit(func(*tracker.Tracker, tracker.Projection) []event.Body {
		return []event.Body{&event.LockReleased{Issue: u}}
	})
	alice.cut(false)
	alice.pushLog()
	a, err := bob.act(lockOp{do: "claim"}, u)
	if err != nil || a.outcome != tracker.Held || a.holder != "bob" {
		t.Errorf("bob: %+v, %v", a, err)
	}
	w.converge(alice, bob)
	if got := alice.lock(u); got != bob.lock(u) || got == "" {
		t.Errorf("alice shows the lock with '%s', bob with '%s'", got, bob.lock(u))
	}
}

// A claim that loses to a lock taken while the hub was away is void forever:
// it is not granted when the holder gives the lock back.
func TestRefusedClaimIsNeverGranted(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	u := alice.create("wanted by two")
	bob.sync()
	bob.cut(true)
	if a, err := bob.act(lockOp{do: "claim"}, u); err != nil || a.outcome != tracker.Pending {
		t.Fatalf("bob without the hub: %+v, %v", a, err)
	}
	if _, err := alice.act(lockOp{do: "claim"}, u); err != nil {
		t.Fatal(err)
	}
	bob.cut(false)
	if a, err := bob.act(lockOp{do: "claim"}, u); err != nil || a.outcome != tracker.Taken || a.holder != "alice" {
		t.Fatalf("bob with the hub: %+v, %v", a, err)
	}
	if _, err := alice.act(lockOp{do: "release"}, u); err != nil {
		t.Fatal(err)
	}
	w.converge(alice, bob)
	for _, c := range []*clone{alice, bob} {
		if got := c.lock(u); got != "" {
			t.Errorf("'%s' shows the lock with '%s'", c.name, got)
		}
	}
}

// TestTenClonesCreateAtOnce: fifty issues made at once by ten clones all get a
// number, each its own, without gap, and everybody shows the same.
func TestTenClonesCreateAtOnce(t *testing.T) {
	t.Parallel()
	writers, each := 10, 5
	if testing.Short() {
		writers, each = 4, 2
	}
	w := newWorld(t)
	var clones []*clone
	for i := range writers {
		clones = append(clones, w.clone(fmt.Sprintf("agent-%d", i)))
	}
	clones[0].init()
	var all sync.WaitGroup
	traces := t.TempDir()
	start := time.Now()
	for _, c := range clones {
		for i := range each {
			all.Go(func() {
				out, err := c.process(fmt.Sprintf("create %s-%d", c.name, i), "GIT_TRACE2_EVENT="+traces).CombinedOutput()
				if err != nil {
					t.Errorf("%s: %v\n%s", c.name, err, out)
				}
			})
		}
	}
	all.Wait()
	took := time.Since(start)
	clones[0].sync()
	atOnce := numbered(clones[0])
	for range 5 { // what lies undecided is decided by anybody who syncs later
		if numbered(clones[0]) == writers*each {
			break
		}
		for _, c := range clones {
			later := c.now().Add(time.Minute)
			c.now = func() time.Time { return later }
			c.sync()
		}
	}
	for _, c := range clones {
		c.sync()
	}
	want := clones[0].numbers()
	seen := map[uint64]string{}
	for title, n := range want {
		if n == 0 || n > uint64(writers*each) || seen[n] != "" {
			t.Errorf("'%s' has number %d, as '%s'", title, n, seen[n])
		}
		seen[n] = title
	}
	if len(want) != writers*each {
		t.Errorf("%d issues of %d", len(want), writers*each)
	}
	for _, c := range clones {
		if fmt.Sprint(c.numbers()) != fmt.Sprint(want) {
			t.Errorf("'%s' shows other numbers", c.name)
		}
	}
	pushes, kinds := pushesIn(t, traces)
	t.Logf("%d issues from %d clones in %s: %d numbered when the commands had ended, %d pushes: %v", writers*each, writers, took.Round(time.Millisecond), atOnce, pushes, kinds)
}

// pushesIn counts the pushes of traced processes by what they carried and
// whether they landed.
func pushesIn(t *testing.T, traces string) (n int, kinds map[string]int) {
	t.Helper()
	files, err := os.ReadDir(traces)
	if err != nil {
		t.Fatal(err)
	}
	kinds = map[string]int{}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(traces, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		kind := ""
		for line := range bytes.Lines(b) {
			var e struct {
				Event string
				SID   string
				Argv  []string
				Code  int
			}
			if json.Unmarshal(line, &e) != nil || strings.Contains(e.SID, "/") {
				continue
			}
			switch words := strings.Join(e.Argv, " "); {
			case e.Event == "start" && slices.Contains(e.Argv, "push"):
				n++
				kind = "push of nothing"
				if strings.Contains(words, ":refs/heads/crosslink/agents/") {
					kind = "logs"
				}
				if strings.Contains(words, ":refs/heads/crosslink/checkpoint") {
					kind = strings.TrimPrefix(kind+" and step", "push of nothing and ")
				}
			case e.Event == "exit" && kind != "":
				kinds[kind+map[bool]string{true: "", false: ", refused"}[e.Code == 0]]++
			}
		}
	}
	return n, kinds
}

func numbered(c *clone) int {
	n := 0
	for _, number := range c.numbers() {
		if number != 0 {
			n++
		}
	}
	return n
}

// The object that a lock is: at most one holder, a token that rises with each
// grant. The rules are those a user relies on, not the ledger's.
type lockOp struct {
	do    string // claim, release, break, look
	agent string
	token uint64 // of a break
}

type lockAnswer struct {
	outcome tracker.Outcome
	holder  string
	token   uint64
}

// lockState is "who token": the holder and the newest token ever given.
type lockState struct {
	holder string
	token  uint64
}

var lockModel = porcupine.Model{
	Init: func() any { return lockState{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(lockState), input.(lockOp), output.(lockAnswer)
		shows := out.holder == s.holder && (s.holder == "" || out.token == s.token)
		switch in.do {
		case "claim":
			switch {
			case out.outcome == tracker.Held && s.holder == "":
				return out.holder == in.agent && out.token > s.token, lockState{in.agent, out.token}
			case out.outcome == tracker.Held:
				return s.holder == in.agent && shows, s
			case out.outcome == tracker.Ended: // it was granted, and the event that ended it comes later
				return s.holder == "" && out.token > s.token, lockState{in.agent, out.token}
			case out.outcome == tracker.Taken:
				return s.holder != in.agent && shows, s
			}
			return false, s
		case "release":
			if s.holder == in.agent {
				s.holder = ""
			}
			return true, s
		case "break":
			if s.holder != "" && s.token == in.token {
				s.holder = ""
			}
			return true, s
		}
		return shows, s
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
}

// act does one operation on the lock and says what was answered.
func (c *clone) act(op lockOp, u event.UUID) (lockAnswer, error) {
	t := c.open()
	defer t.Close()
	ctx := context.Background()
	var p tracker.Projection
	outcome := tracker.Outcome("")
	switch op.do {
	case "claim":
		k, err := t.Claim(ctx, u, tracker.ClaimOptions{})
		if err != nil {
			return lockAnswer{}, err
		}
		if p, outcome = k.View, k.Outcome; outcome == tracker.Ended {
			return lockAnswer{outcome, "", k.Token}, nil
		}
	case "look":
		var err error
		if p, err = t.Read(ctx, tracker.Fresh); err != nil {
			return lockAnswer{}, err
		}
	default:
		var body event.Body = &event.LockReleased{Issue: u}
		if op.do == "break" { // as unlock --break does, it looks first: the token is somebody else's news
			if _, err := t.Read(ctx, tracker.Fresh); err != nil {
				return lockAnswer{}, err
			}
			body = &event.LockBroken{Issue: u, Token: op.token, Reason: "test"}
		}
		r, err := t.Emit(ctx, tracker.EmitOptions{Lock: true}, func(tracker.Projection) ([]event.Body, error) { return []event.Body{body}, nil })
		if err == nil && (r.Undecided || r.Sync != tracker.Confirmed) {
			err = fmt.Errorf("%s is not decided", op.do)
		}
		return lockAnswer{}, err
	}
	row, err := p.Issue(u)
	if err != nil || row.Lock == nil {
		return lockAnswer{outcome: outcome}, err
	}
	return lockAnswer{outcome, row.Lock.Holder, row.Lock.Token}, nil
}

// TestLocksAreLinearizable: the answers that clones get when they lock, unlock, break and
// look, all at once, are those that one lock in one place could have given.
func TestLocksAreLinearizable(t *testing.T) {
	t.Parallel()
	histories, each := nightly(1, 20), nightly(7, 12)
	for h := range histories {
		seed := uint64(h + 1)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			w := newMemoryWorld(t)
			clones := []*clone{w.clone("alice"), w.clone("bob"), w.clone("carol")}
			clones[0].init()
			u := clones[0].create("contended")
			for _, c := range clones {
				c.sync()
			}
			var mu sync.Mutex
			var history []porcupine.Operation
			held := map[string]bool{}
			newest := uint64(0)
			var all sync.WaitGroup
			began := time.Now()
			for k, c := range clones {
				rng := rand.New(rand.NewPCG(seed, uint64(k)))
				all.Go(func() {
					for range each {
						mu.Lock()
						op := lockOp{do: []string{"claim", "claim", "release", "break", "look"}[rng.IntN(5)], agent: c.name, token: newest}
						if held[c.name] && rng.IntN(2) == 0 {
							op.do = "release"
						}
						if op.do == "break" && newest == 0 {
							op.do = "claim"
						}
						mu.Unlock()
						call := time.Since(began)
						out, err := c.act(op, u)
						back := time.Since(began)
						if err != nil {
							t.Errorf("%s %s: %v", c.name, op.do, err)
							return
						}
						mu.Lock()
						held[c.name] = out.outcome == tracker.Held
						newest = max(newest, out.token)
						history = append(history, porcupine.Operation{ClientId: k, Input: op, Call: int64(call), Output: out, Return: int64(back)})
						mu.Unlock()
					}
				})
			}
			all.Wait()
			res, info := porcupine.CheckOperationsVerbose(lockModel, history, time.Minute)
			grants := 0
			for _, o := range history {
				if a := o.Output.(lockAnswer); a.outcome == tracker.Held {
					grants++
				}
			}
			t.Logf("%d operations, %d times held, in %s: %s", len(history), grants, time.Since(began).Round(time.Millisecond), res)
			if res != porcupine.Ok {
				for _, o := range history {
					t.Logf("%8.3f %8.3f %s", time.Duration(o.Call).Seconds(), time.Duration(o.Return).Seconds(), lockModel.DescribeOperation(o.Input, o.Output))
				}
				t.Errorf("no order of these explains the answers: %v", info)
			}
			w.converge(clones...)
		})
	}
}
