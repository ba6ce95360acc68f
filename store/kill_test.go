//go:build unix

package store_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/store"
)

// The test binary is also a program that writes a store: started with writeEnv
// set it brings the store of that directory from one world to another.
const writeEnv = "STORE_TEST_WRITE"

func TestMain(m *testing.M) {
	if what := os.Getenv(writeEnv); what != "" {
		if err := writes(what); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(testkit.Main(m))
}

// job is what a writing child does.
type job struct {
	Dir    string
	Seed   uint64
	KillAt int  // the statement before which it kills itself; 0 is never
	Talk   bool // between the worlds of talk
	Times  int  // how often it goes from one world to the other and back
	Limit  uint64
}

func (j job) store() *store.Store {
	s := storeAt(filepath.Join(j.Dir, "store.db"))
	s.Lock = func(bool) (func(), bool) {
		f, err := os.OpenFile(filepath.Join(j.Dir, "lock"), os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil || syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
			return nil, false
		}
		return func() { f.Close() }, true
	}
	return s
}

// worlds are two states of one history.
func (j job) worlds() (a, b *world) {
	rng := rand.New(rand.NewPCG(j.Seed, 8))
	if j.Talk {
		return talk()
	}
	w := newWorld(rng, 60)
	a = w.until(40)
	b = w.until(60)
	b.decide(rng)
	return a, b
}

// talk is a world with events about existing issues.
func talk() (a, b *world) {
	a = &world{oneMark: true, mark: "unapproved"}
	var us []event.UUID
	for n := range byte(10) {
		us = append(us, event.UUID{n, 0xaa, n})
		must(a.try(&event.IssueCreated{UUID: us[n], Title: "flux", Priority: event.Low, CreatedBy: "alice"}))
	}
	b = a.until(len(a.lines))
	for n, u := range us {
		must(b.try(&event.CommentAdded{Issue: u, Comment: event.UUID{byte(n), 0xcc}, Author: "alice", Content: "x", CreatedAt: 1, Kind: "note"}))
		must(b.try(&event.StatusChanged{UUID: u, NewStatus: event.Closed}))
	}
	return a, b
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func writes(what string) error {
	var j job
	if err := json.Unmarshal([]byte(what), &j); err != nil {
		return err
	}
	if j.Limit > 0 { // a disk that is full there
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: j.Limit, Max: j.Limit}); err != nil {
			return err
		}
	}
	a, b := j.worlds()
	n := 0
	store.AtStatement(func(string) {
		if n++; n == j.KillAt {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			time.Sleep(time.Minute)
		}
	})
	s := j.store()
	fmt.Println("begin")
	for i := range max(1, j.Times) {
		for _, w := range []*world{b, a}[:min(2, max(1, j.Times*2))] {
			if _, err := w.bring(s, a, b); err != nil && j.Times == 0 {
				return err
			}
			fmt.Println("did", i)
		}
	}
	fmt.Println("statements", n)
	return nil
}

func (j job) command(t *testing.T) *exec.Cmd {
	b, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writeEnv+"="+string(b))
	cmd.Stderr = os.Stderr
	return cmd
}

// believed opens the store for each of the worlds. It fails if a store that is used gives
// other answers than memory, and returns how many are used.
func (j job) believed(t *testing.T) int {
	t.Helper()
	n := 0
	a, b := j.worlds()
	for _, w := range []*world{a, b} {
		m := w.memory()
		f, _, err := j.store().Open(w.digest(), func() (*store.Memory, error) { return m, nil }, nil)
		if err != nil {
			continue
		}
		n++
		sameAnswers(t, m, f)
		f.Close()
	}
	return n
}

// An update that is killed before any of its statements, or at any moment,
// leaves a store that is one of the two states or not believed; the next update
// makes it right.
func TestKilledUpdate(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("CROSSLINK_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("CROSSLINK_SEED=%d", seed)
	run := func(j job, kill time.Duration) (killed bool, statements int) {
		a, b := j.worlds()
		s := j.store()
		if _, err := a.bring(s); err != nil {
			t.Fatal(err)
		}
		cmd := j.command(t)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(out)
		if _, err := in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if kill > 0 {
			time.Sleep(kill)
			cmd.Process.Kill()
		}
		rest, _ := io.ReadAll(in)
		killed = cmd.Wait() != nil
		if _, n, ok := strings.Cut(string(rest), "statements "); ok {
			statements, _ = strconv.Atoi(strings.TrimSpace(n))
		}
		j.believed(t)
		if _, err := b.bring(s, a, b); err != nil {
			t.Fatalf("after the kill: %v", err)
		}
		sameAnswers(t, b.memory(), mustFile(t, s, b))
		return killed, statements
	}
	nightly := os.Getenv("CROSSLINK_NIGHTLY") == "1"
	moments := 12
	if nightly {
		moments = 300
	}
	for _, talk := range []bool{false, true} {
		killed, all := run(job{Dir: t.TempDir(), Seed: seed, Talk: talk}, 0)
		if killed || all < 20 {
			t.Fatalf("the whole update: killed %t, %d statements", killed, all)
		}
		step := max(1, all/16)
		if nightly {
			step = 1
		}
		deaths := 0
		for at := 1; at <= all; at += step {
			if killed, _ := run(job{Dir: t.TempDir(), Seed: seed, KillAt: at, Talk: talk}, 0); !killed {
				t.Fatalf("the update was not killed before statement %d of %d", at, all)
			}
			deaths++
		}
		t.Logf("killed before %d of %d statements, talk: %t", deaths, all, talk)
	}
	any := 0
	for n := range moments {
		if killed, _ := run(job{Dir: t.TempDir(), Seed: seed, Times: 1000}, time.Duration(n%40)*700*time.Microsecond+time.Millisecond); killed {
			any++
		}
	}
	if any == 0 {
		t.Fatal("no update was killed at just any moment")
	}
	t.Logf("killed at %d moments", any)
}

// Processes that write and others that read at once: what is believed is right.
func TestTwoWriters(t *testing.T) {
	t.Parallel()
	j := job{Dir: t.TempDir(), Seed: uint64(time.Now().UnixNano()), Times: 15}
	t.Logf("seed %d", j.Seed)
	var cmds []*exec.Cmd
	for range 2 {
		cmd := j.command(t)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	done := make(chan error)
	go func() {
		var err error
		for _, c := range cmds {
			if e := c.Wait(); e != nil {
				err = e
			}
		}
		done <- err
	}()
	found := 0
	for {
		found += j.believed(t)
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if found += j.believed(t); found == 0 {
				t.Fatal("no state was ever believed")
			}
			t.Logf("%d states were read meanwhile", found)
			return
		default:
		}
	}
}

// On a full disk there is no update, no half of one, and no error but its own.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	j := job{Dir: t.TempDir(), Seed: 3}
	a, b := j.worlds()
	refused := 0
	for limit := uint64(1); limit < 1<<20; limit *= 3 {
		if _, err := a.bring(j.store(), a, b); err != nil {
			t.Fatal(err)
		}
		full := j
		full.Limit = limit
		cmd := full.command(t)
		cmd.Stderr = nil
		if err := cmd.Run(); err == nil {
			continue
		}
		refused++
		j.believed(t)
	}
	if refused == 0 {
		t.Fatal("no disk was full")
	}
	if _, err := b.bring(j.store(), a, b); err != nil {
		t.Fatal(err)
	}
	sameAnswers(t, b.memory(), mustFile(t, j.store(), b))
	t.Logf("%d full disks", refused)
}
