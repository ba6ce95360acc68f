package tracker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Two first writers meet a remote without a tracker. What each does there
// arrives in three moments: it looks (upload-pack), the server tells it what
// there is (the beginning of receive-pack), and what it sends takes effect (the
// end of receive-pack). There are 20 orders in which six moments of two can
// arrive; each is forced, with real git, in each situation.

// moment is one of them: the first letter of the clone's name and what happens.
type moment string

// gatekeeper lets the moments of a schedule happen one after the other. A moment that is no
// longer on a schedule happens at once.
type gatekeeper struct {
	mu      sync.Mutex
	turn    *sync.Cond
	rest    []moment
	running moment
	free    bool // the race is over
	struck  map[string]int
}

func newGatekeeper(order []moment) *gatekeeper {
	g := &gatekeeper{rest: order, struck: map[string]int{}}
	g.turn = sync.NewCond(&g.mu)
	return g
}

// enter waits until it is the moment's turn.
func (g *gatekeeper) enter(m moment) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.free && slices.Contains(g.rest, m) && (g.rest[0] != m || g.running != "") {
		g.turn.Wait()
	}
	if len(g.rest) > 0 && g.rest[0] == m && !g.free {
		g.rest, g.running = g.rest[1:], m
		g.struck[string(m[1:])]++
	}
	g.turn.Broadcast()
}

// leave says that a moment has passed.
func (g *gatekeeper) leave(m moment) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running == m {
		g.running = ""
	}
	g.turn.Broadcast()
}

// gone takes the moments of a clone that is done from the schedule.
func (g *gatekeeper) gone(who string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rest = slices.DeleteFunc(g.rest, func(m moment) bool { return strings.HasPrefix(string(m), who) })
	if strings.HasPrefix(string(g.running), who) {
		g.running = ""
	}
	g.turn.Broadcast()
}

// serve answers the gates of the scripts until the listener is closed.
func (g *gatekeeper) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			line, err := bufio.NewReader(c).ReadString('\n')
			if err != nil {
				return
			}
			verb, m, _ := strings.Cut(strings.TrimSpace(line), " ")
			if verb == "enter" {
				g.enter(moment(m))
			} else {
				g.leave(moment(m))
			}
			fmt.Fprintln(c, "ok")
		}()
	}
}

// gateEnv names the gatekeeper's socket to the scripts.
const gateEnv = "TRACKER_TEST_GATE"

// passGate is what the scripts call: the test binary with "gate enter alice:U".
func passGate(words []string) error {
	c, err := net.Dial("unix", os.Getenv(gateEnv))
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintln(c, strings.Join(words, " "))
	_, err = bufio.NewReader(c).ReadString('\n')
	return err
}

// gated makes the clone reach the hub through scripts with gates.
func (c *clone) gated(socket string) {
	exe, err := os.Executable()
	if err != nil {
		c.w.t.Fatal(err)
	}
	who := c.name[:1]
	gate := func(words string) string {
		return fmt.Sprintf("%s='gate %s' %s=%s %s\n", workEnv, words, gateEnv, socket, exe)
	}
	for name, script := range map[string]string{
		"upload-pack": gate("enter "+who+"U") + "git-upload-pack \"$@\"\ns=$?\n" + gate("leave "+who+"U") + "exit $s\n",
		"receive-pack": gate("enter "+who+"R") + "GATE_WHO=" + who + " git-receive-pack \"$@\"\ns=$?\n" +
			gate("leave "+who+"R") + gate("leave "+who+"C") + "exit $s\n",
	} {
		path := filepath.Join(c.w.dir, who+"-"+name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			c.w.t.Fatal(err)
		}
		c.w.git(c.dir, "config", "remote.origin."+strings.ReplaceAll(name, "-", ""), path)
	}
	hook := "#!/bin/sh\ncat >/dev/null\n[ -n \"$GATE_WHO\" ] || exit 0\n" +
		fmt.Sprintf("%s=\"gate leave ${GATE_WHO}R\" %s=%s %s\n", workEnv, gateEnv, socket, exe) +
		fmt.Sprintf("%s=\"gate enter ${GATE_WHO}C\" %s=%s %s\n", workEnv, gateEnv, socket, exe)
	if err := os.WriteFile(filepath.Join(c.w.hub, "hooks", "pre-receive"), []byte(hook), 0o755); err != nil {
		c.w.t.Fatal(err)
	}
}

// orders are the ways to interleave a and b, each keeping its own order.
func orders(a, b []moment) [][]moment {
	switch {
	case len(a) == 0:
		return [][]moment{b}
	case len(b) == 0:
		return [][]moment{a}
	}
	var all [][]moment
	for _, rest := range orders(a[1:], b) {
		all = append(all, append([]moment{a[0]}, rest...))
	}
	for _, rest := range orders(a, b[1:]) {
		all = append(all, append([]moment{b[0]}, rest...))
	}
	return all
}

// situation is what the two do.
type situation struct {
	name           string
	aWrote, bWrote bool // before the race
	bOnlyWrites    bool // b does not init: it writes, and finds the hub or does not
	withoutAtomic  bool
	aFounds        bool // with the state of another tracker
}

func TestTwoFirstWriters(t *testing.T) {
	all := orders([]moment{"aU", "aR", "aC"}, []moment{"bU", "bR", "bC"})
	situations := []situation{
		{name: "both wrote", aWrote: true, bWrote: true},
		{name: "nobody wrote"},
		{name: "one wrote", bWrote: true},
		{name: "one inits, one writes", aWrote: true, bOnlyWrites: true},
		{name: "no atomic push", aWrote: true, bWrote: true, withoutAtomic: true},
		{name: "one founds", bWrote: true, aFounds: true},
		{name: "one founds, no atomic push", bWrote: true, aFounds: true, withoutAtomic: true},
	}
	every := nightly(10, 1) // by day two orders of each situation, other ones in each
	var mu sync.Mutex
	struck, races, made := map[string]int{}, 0, map[string]int{}
	t.Run("races", func(t *testing.T) {
		for i, s := range situations {
			for j, order := range all {
				if (i+j*3)%every != 0 {
					continue
				}
				races++
				t.Run(fmt.Sprintf("%s/%s", s.name, order), func(t *testing.T) {
					t.Parallel()
					g, by := raceToBootstrap(t, s, order)
					mu.Lock()
					defer mu.Unlock()
					made[by]++
					for k, n := range g.struck {
						struck[k] += n
					}
				})
			}
		}
	})
	t.Logf("%d races of %d; moments forced: %v; the hub was made by %v", races, len(situations)*len(all), struck, made)
	if races < len(situations)*len(all) {
		t.Logf("not run: %d races; make nightly runs all", len(situations)*len(all)-races)
	}
	for _, m := range []string{"U", "R", "C"} {
		if struck[m] == 0 {
			t.Errorf("the moment %s was never forced", m)
		}
	}
	if made["a"] == 0 || made["b"] == 0 {
		t.Errorf("only one of them ever made the hub: %v", made)
	}
}

func raceToBootstrap(t *testing.T, s situation, order []moment) (*gatekeeper, string) {
	w := newWorld(t)
	if s.withoutAtomic {
		w.git(w.hub, "config", "receive.advertiseAtomic", "false")
	}
	a, b := w.clone("a-lice"), w.clone("b-ob")
	want := map[string]bool{}
	write := func(c *clone, title string) { c.create(title); want[title] = true }
	if s.aWrote {
		write(a, "a one")
		write(a, "a two")
	}
	if s.bWrote {
		write(b, "b one")
		write(b, "b two")
	}
	g := newGatekeeper(slices.Clone(order))
	// a unix socket's path is short
	dir, err := os.MkdirTemp("", "gate")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go g.serve(l)
	a.gated(socket)
	b.gated(socket)

	var wg sync.WaitGroup
	errs := [2]error{}
	run := func(i int, c *clone, do func(tr *tracker.Tracker) error) {
		wg.Go(func() {
			defer g.gone(c.name[:1])
			tr := c.open()
			defer tr.Close()
			errs[i] = do(tr)
		})
	}
	initIt := func(tr *tracker.Tracker) error {
		_, err := tr.Init(context.Background(), tracker.InitOptions{})
		return err
	}
	run(0, a, func(tr *tracker.Tracker) error {
		if !s.aFounds {
			return initIt(tr)
		}
		base := oldTracker()
		base.Issues[2].Number = 8
		_, err := tr.Init(context.Background(), tracker.InitOptions{From: base})
		if c := code(err); c == "not-empty" || c == "set-aside" { // the other one was faster
			return nil
		}
		want["one"], want["two"], want["three"] = true, true, true
		return err
	})
	if s.bOnlyWrites {
		want["b one"] = true
		run(1, b, func(tr *tracker.Tracker) error {
			_, err := tr.Emit(context.Background(), tracker.EmitOptions{Wait: true}, func(tracker.Projection) ([]event.Body, error) {
				return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "b one", Priority: event.Low, CreatedBy: b.name}}, nil
			})
			return err
		})
	} else {
		run(1, b, initIt)
	}
	over := make(chan struct{})
	go func() { wg.Wait(); close(over) }()
	select {
	case <-over:
	case <-time.After(2 * time.Minute):
		g.mu.Lock()
		g.free = true
		g.turn.Broadcast()
		g.mu.Unlock()
		<-over
		t.Errorf("the race hung before %v", g.rest)
	}
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(w.hub, "hooks", "pre-receive"))
	for _, c := range []*clone{a, b} {
		c.unset("remote.origin.uploadpack")
		c.unset("remote.origin.receivepack")
	}
	for _, c := range []*clone{a, b} {
		title := c.name[:1] + " after"
		if want[title] = true; c.write(title) != "sent" {
			t.Errorf("'%s' cannot send", c.name)
		}
	}
	w.converge(a, b)
	return g, w.oneHub([]*clone{a, b}, want)
}

// oneHub checks that there is one hub, that all are bound to it, that every
// line on it is its own, and that every issue is there with a number. It
// returns who made the hub.
func (w *world) oneHub(clones []*clone, want map[string]bool) string {
	w.t.Helper()
	if n := strings.TrimSpace(w.git(w.hub, "rev-list", "--count", "crosslink/meta")); n != "1" {
		w.t.Errorf("meta has %s commits", n)
	}
	id := trust.Claimed([]byte(w.git(w.hub, "show", "crosslink/meta:hub.json"))).Hub
	numbers := map[uint64]string{}
	for _, c := range clones {
		if got := c.status().Hub; got != id {
			w.t.Errorf("'%s' is bound to %s, the hub is %s", c.name, got, id)
		}
		got := c.numbers()
		for title := range want {
			if got[title] == 0 {
				w.t.Errorf("'%s' has no number for %q: %v", c.name, title, got)
			}
		}
		if len(got) != len(want) {
			w.t.Errorf("'%s' shows %d issues of %d", c.name, len(got), len(want))
		}
		for title, n := range got {
			if other, taken := numbers[n]; taken && other != title {
				w.t.Errorf("%d is %q and %q", n, title, other)
			}
			numbers[n] = title
		}
		c.sound()
	}
	logs := splitLines(w.git(w.hub, "for-each-ref", "--format=%(refname:lstrip=4)", "refs/heads/crosslink/agents"))
	if len(logs) != len(clones) {
		w.t.Errorf("there are the logs %v", logs)
	}
	for _, agent := range logs {
		chain := event.Chain{Hub: id, Agent: agent}
		for _, line := range w.lines(agent) {
			if _, err := chain.Next([]byte(line)); err != nil {
				w.t.Errorf("a line of '%s': %v", agent, err)
			}
		}
	}
	return strings.TrimSpace(w.git(w.hub, "log", "-1", "--format=%an", "crosslink/meta"))[:1]
}

// lines are the lines of a log on the hub, exactly as in its files.
func (w *world) lines(agent string) []string {
	w.t.Helper()
	var lines []string
	ref := "crosslink/agents/" + agent
	for _, file := range splitLines(w.git(w.hub, "ls-tree", "-r", "--name-only", ref)) {
		lines = append(lines, splitLines(w.git(w.hub, "show", ref+":"+file))...)
	}
	return lines
}
