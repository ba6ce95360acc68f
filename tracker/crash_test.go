package tracker_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// A process is killed at every boundary at which it changes the world: each
// object written, before and after the swap, before and after push and fetch.
// Nothing acknowledged is lost, no repair is needed, the log never forks and
// trying again duplicates nothing.
func TestKilledAtEachBoundary(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("NOT RUN with -short: a process for each boundary")
	}
	for _, work := range []string{"create x", "sync"} {
		t.Run(strings.Fields(work)[0], func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			alice := w.clone("alice")
			alice.init()
			alice.create("before")
			bob := w.clone("bob")
			setup := func() {
				if work == "sync" { // something to send and something to fetch
					bob.create("theirs")
					alice.cut(true)
					alice.create("unsent")
					alice.cut(false)
				}
			}
			setup()
			alice.sync() // from here on every round crosses the same boundaries
			setup()
			points := alice.boundaries(work)
			if len(points) < 6 {
				t.Fatalf("only %d boundaries: %v", len(points), points)
			}
			killed := 0
			for n := range points {
				setup()
				cmd := alice.process(work, fmt.Sprintf("CROSSLINK_FAULT=*:%d", n+1))
				var out bytes.Buffer
				cmd.Stdout = &out
				err := cmd.Run()
				if err != nil && cmd.ProcessState.ExitCode() == -1 {
					killed++
				}
				done := acknowledged(t, out.Bytes())
				alice.keeps(t, done)
				// the same again, unharmed
				retry := alice.process(work)
				if msg, err := retry.CombinedOutput(); err != nil {
					t.Fatalf("after a kill at '%s': %v: %s", points[n], err, msg)
				}
				alice.sync()
				alice.sound()
				alice.keeps(t, done)
			}
			if killed != len(points) {
				t.Errorf("killed at %d of %d boundaries", killed, len(points))
			}
			t.Logf("killed at each of %d boundaries: %s", killed, strings.Join(points, " "))
		})
	}
}

// TestKilledWithoutAHub: where there is no hub a line and the decision about it
// are moved in order. Killed between them, the next write decides both.
func TestKilledWithoutAHub(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("NOT RUN with -short: a process for each boundary")
	}
	w := newWorld(t)
	c := w.clone("alice")
	c.forgetRemote()
	c.init()
	c.create("before") // from here on every round crosses the same boundaries
	points := c.boundaries("create x")
	moves := 0
	for n, point := range points {
		if point == "refs.swap.move" {
			moves++
		}
		out, err := c.process("create x", fmt.Sprintf("CROSSLINK_FAULT=*:%d", n+1)).Output()
		if err == nil {
			t.Fatalf("not killed at '%s'", point)
		}
		c.keeps(t, acknowledged(t, out))
		if msg, err := c.process("create y").CombinedOutput(); err != nil {
			t.Fatalf("after a kill at '%s': %v: %s", point, err, msg)
		}
		for title, issue := range c.titles() {
			if issue.Number == 0 {
				t.Fatalf("after a kill at '%s' the issue '%s' has no number", point, title)
			}
		}
	}
	if moves != 2 {
		t.Errorf("%d moves among the boundaries %v", moves, points)
	}
}

// The first write of a clone makes identity, replica and log: killed at each
// boundary of that, the next try starts as if nothing had been.
func TestFirstWriteKilledAtEachBoundary(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("NOT RUN with -short: a process for each boundary")
	}
	const parts = 3 // beside each other, on hubs of their own
	for part := range parts {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			alice := w.clone("alice")
			alice.init()
			alice.create("the ledger begins") // so that every clone crosses the same boundaries
			points := w.clone("probe").boundaries("create x")
			killed := 0
			for n := part; n < len(points); n += parts {
				c := w.clone(fmt.Sprintf("clone-%d", n))
				cmd := c.process("create x", fmt.Sprintf("CROSSLINK_FAULT=*:%d", n+1))
				out, _ := cmd.Output()
				if cmd.ProcessState.ExitCode() != -1 {
					t.Fatalf("not killed at '%s'", points[n])
				}
				killed++
				if msg, err := c.process("create y").CombinedOutput(); err != nil {
					t.Fatalf("after a kill at '%s': %v: %s", points[n], err, msg)
				}
				c.sync()
				c.sound()
				c.keeps(t, acknowledged(t, out))
			}
			if killed < 3 {
				t.Errorf("only %d of the boundaries %v", killed, points)
			}
			t.Logf("killed at %d of %d boundaries", killed, len(points))
		})
	}
}

// The programs git runs for an append are killed, or told that the disk is
// full or broken, at each system call that changes a file: the command fails
// and reports it, or succeeds and means it; the next one needs no repair.
func TestEachSystemCallOfAnAppendFails(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("NOT RUN: no strace on this machine")
	}
	deep := 4
	if testing.Short() {
		deep = 1
	}
	for _, fault := range []string{"signal=KILL", "error=EIO", "error=ENOSPC"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			alice := w.clone("alice")
			alice.forgetRemote()
			alice.create("before")
			var done []event.UUID
			failed := 0
			for _, call := range []string{"fsync", "link,linkat", "rename,renameat,renameat2", "unlink,unlinkat", "mkdir,mkdirat"} {
				for n := 1; n <= deep; n++ {
					cmd := alice.process("create during")
					run := exec.Command("strace", append([]string{"-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call,
						"-e", fmt.Sprintf("inject=%s:%s:when=%d", call, fault, n)}, cmd.Args...)...)
					run.Dir, run.Env = cmd.Dir, cmd.Env
					var out bytes.Buffer
					run.Stdout = &out
					err := run.Run()
					if err != nil {
						failed++
					}
					ack := acknowledged(t, out.Bytes())
					if err == nil && len(ack) != 1 {
						t.Fatalf("%s %s %d: success without an acknowledgement", fault, call, n)
					}
					done = append(done, ack...)
					alice.create("after")
				}
			}
			alice.sound()
			alice.keeps(t, done)
			if failed == 0 {
				t.Errorf("%s never made an append fail: nothing was injected", fault)
			}
			t.Logf("%d of %d appends failed; %d acknowledged, all there", failed, 5*deep, len(done))
		})
	}
}

// boundaries runs a worker unharmed and lists the fault points it visits.
func (c *clone) boundaries(work string) []string {
	c.w.t.Helper()
	log := filepath.Join(c.w.dir, "points")
	os.Remove(log)
	if msg, err := c.process(work, "CROSSLINK_FAULT_LOG="+log).CombinedOutput(); err != nil {
		c.w.t.Fatalf("%v: %s", err, msg)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		c.w.t.Fatal(err)
	}
	return strings.Fields(string(b))
}

// keeps fails unless every issue of us is shown.
func (c *clone) keeps(t *testing.T, us []event.UUID) {
	t.Helper()
	p := c.read()
	for _, u := range us {
		if _, err := p.Issue(u); err != nil {
			t.Fatalf("%s was acknowledged and is lost", u)
		}
	}
}

// A writer is killed with SIGKILL at random moments, again and again.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	kills := 200
	if testing.Short() {
		kills = 20
	}
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		kills = 5000
	}
	const parts = 4 // clones that are killed beside each other, each with a hub of its own
	for part := range parts {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			killedAtRandom(t, kills/parts)
		})
	}
}

func killedAtRandom(t *testing.T, kills int) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	w := newWorld(t)
	alice := w.clone("alice")
	alice.init()
	began := time.Now()
	alice.create("how long one takes")
	span := 3 * time.Since(began) // a kill falls into a write or between two, on any machine
	mark := testkit.Mark(w.dir)
	var done []event.UUID
	hit := 0
	for i := range kills {
		cmd := alice.process(fmt.Sprintf("forever run-%d", i), mark)
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rng.Int64N(int64(span))))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		hit++
		ack := acknowledged(t, out.Bytes())
		done = append(done, ack...)
		switch { // the machine has become slower, or faster
		case len(ack) == 0:
			span += span / 10
		case len(ack) > 1:
			span -= span / 5
		}
		if i%20 == 19 {
			settle(t, w.dir)
			alice.keeps(t, done)
			alice.sound()
		}
	}
	settle(t, w.dir)
	alice.sync()
	alice.sound()
	alice.keeps(t, done)
	if hit != kills || len(done) < kills/4 {
		t.Fatalf("%d kills, %d acknowledged: too few to mean anything", hit, len(done))
	}
	bob := w.clone("bob")
	w.converge(alice, bob)
	bob.keeps(t, done)
	t.Logf("%d kills, %d acknowledged events, all there", hit, len(done))
}

// settle waits for what a killed process left running: git fsck calls a hub
// broken to which a push is landing.
func settle(t *testing.T, mark string) {
	t.Helper()
	if !testkit.Settle(mark) {
		t.Fatal("a process is left that does not end")
	}
}

// Every object, the ref and its directory are synced to disk before success is
// printed: counted on the system calls themselves.
func TestSyncedBeforeSuccess(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("NOT RUN: no strace on this machine")
	}
	w := newWorld(t)
	alice := w.clone("alice")
	alice.forgetRemote()
	alice.create("first") // the replica exists now
	log := filepath.Join(w.dir, "strace")
	cmd := alice.process("create second")
	traced := exec.Command("strace", append([]string{"-f", "-s", "12", "-e", "trace=fsync,fdatasync,write", "-o", log}, cmd.Args...)...)
	traced.Dir, traced.Env = cmd.Dir, cmd.Env
	if msg, err := traced.CombinedOutput(); err != nil {
		t.Skipf("NOT RUN: strace cannot trace here: %v: %s", err, msg)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	syncs, ok := 0, false
	for line := range strings.Lines(string(b)) {
		switch {
		case ok:
		case strings.Contains(line, "write(1, \"ok "):
			ok = true
		case (strings.Contains(line, "fsync(") || strings.Contains(line, "fdatasync(") || strings.Contains(line, "fsync resumed") || strings.Contains(line, "fdatasync resumed")) && strings.HasSuffix(strings.TrimSpace(line), "= 0"):
			syncs++
		}
	}
	// segment, events tree, root tree and commit; the ref's lock file; its directory
	if !ok || syncs < 6 {
		t.Errorf("%d syncs before success (seen: %v), at least 6 are due", syncs, ok)
	}
	t.Logf("%d syncs to disk before the success message", syncs)
}
