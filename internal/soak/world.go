//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// skews are the errors of the clones' clocks: none, less than a gate tolerates, and more.
var skews = []time.Duration{0, 40 * time.Second, -7 * time.Minute, 50 * time.Hour, -400 * 24 * time.Hour}

// build builds the program once for each clock, and returns the paths.
func build(dir string, skews []time.Duration) (programs []string, err error) {
	for _, skew := range skews {
		program := filepath.Join(dir, "skew"+skew.String(), "git-crosslink")
		flags := "-s -w -X github.com/git-crosslink/git-crosslink/cli.skew=" + skew.String()
		cmd := exec.Command("go", "build", "-trimpath", "-tags", "urfave_cli_no_docs", "-ldflags", flags, "-o", program, "./cmd/git-crosslink")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build the program with a clock that is wrong by %s: %w: %s", skew, err, out)
		}
		programs = append(programs, program)
	}
	return programs, nil
}

// world is a hub, its clones, and their faults.
type world struct {
	options
	seed     uint64
	dir      string
	programs []string
	tally    *tally
	truth    *truth
	server   *server
	clones   []*clone

	// turns is locked for reading during a command and for writing while a whole repository
	// is changed.
	turns sync.RWMutex
}

func (w *world) hub() string                { return filepath.Join(w.dir, "hub.git") }
func (w *world) home(name string) string    { return filepath.Join(w.dir, "home-"+name) }
func (w *world) backup(of string) string    { return filepath.Join(w.dir, "backup-"+of) }
func (w *world) random(n uint64) *rand.Rand { return rand.New(rand.NewPCG(w.seed, n)) }

// env returns the environment of every process, without the user's settings.
func (w *world) env() (env []string) {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "GIT_") && !strings.HasPrefix(name, "CROSSLINK_") && name != "CI" && name != "PATH" && name != "HOME" {
			env = append(env, kv)
		}
	}
	return append(env, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C", "XDG_CONFIG_HOME=", "XDG_DATA_HOME=")
}

const gitconfig = `[user]
	name = Soak
	email = soak@example.org
[init]
	defaultBranch = main
[protocol "file"]
	allow = always
[gc]
	autoDetach = false
`

// found makes the hub and its clones: half of them use its path, half use http. Hubs of odd
// seeds have a gate.
func (w *world) found() error {
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.dir, "gitconfig"), []byte(gitconfig), 0o644); err != nil {
		return err
	}
	names := []string{"alice", "bobby", "carol", "david"}
	for i, name := range names {
		c := &clone{w: w, name: name, dir: filepath.Join(w.dir, name), url: w.hub(), rng: w.random(uint64(i + 1)), program: w.programs[0]}
		if err := os.MkdirAll(w.home(name), 0o755); err != nil {
			return err
		}
		if err := os.MkdirAll(c.dir, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount("soak", c.dir, "tmpfs", 0, "size=96m,mode=755"); err != nil {
			return fmt.Errorf("mount a small file system: %w", err)
		}
		w.clones = append(w.clones, c)
	}
	first := w.clones[0]
	env := append(first.env(), "PATH="+filepath.Dir(w.programs[0])+string(filepath.ListSeparator)+os.Getenv("PATH"))
	var err error
	if w.server, err = serve(w.dir, env, w.tally, w.random(100)); err != nil {
		return err
	}
	if err := first.git("init", "-q", "--bare", w.hub()); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.hub(), "hooks", "pre-receive"), []byte(slowHook), 0o755); err != nil {
		return err
	}
	for i, c := range w.clones {
		if i%2 == 1 {
			c.url = w.server.URL + "/hub.git"
		}
		if err := c.git("clone", "-q", c.url, "."); err != nil {
			return err
		}
		if err := c.git("config", "crosslink.agent", c.name); err != nil {
			return err
		}
		if i == 0 {
			for _, words := range [][]string{{"commit", "-q", "--allow-empty", "-m", "start"}, {"push", "-q", "origin", "HEAD"}} {
				if err := c.git(words...); err != nil {
					return err
				}
			}
			if a := c.run(fault{}, "init"); a.status != 0 {
				return fmt.Errorf("init: %s", a.stderr)
			}
			if w.seed%2 == 1 {
				if a := c.run(fault{}, "-C", w.hub(), "server", "install"); a.status != 0 {
					return fmt.Errorf("server install: %s", a.stderr)
				}
			}
		}
	}
	return nil
}

// soak lets the agents work for a while and returns the violations.
func (w *world) soak(long time.Duration) ([]string, error) {
	w.truth = newTruth(w.tally)
	defer w.clean()
	if err := w.found(); err != nil {
		return nil, err
	}
	end := time.Now().Add(long)
	w.save()
	var all sync.WaitGroup
	for _, c := range w.clones {
		all.Go(func() {
			for time.Now().Before(end) && !w.failed() {
				w.turns.RLock()
				c.step()
				w.turns.RUnlock()
			}
		})
	}
	all.Go(func() { w.disturb(end, long/5) })
	w.server.faulty.Store(true)
	all.Wait()
	w.calm()
	if !w.failed() {
		w.check()
	}
	w.explain()
	return w.truth.violations, nil
}

// failed ends a run early, because nothing after a violation proves anything.
func (w *world) failed() bool {
	w.truth.mu.Lock()
	defer w.truth.mu.Unlock()
	return len(w.truth.violations) > 0
}

func (w *world) clean() {
	for _, c := range w.clones {
		testkit.Kill(c.mark())
		testkit.Settle(c.mark())
	}
	if w.server != nil {
		w.server.Close()
	}
	if w.keep {
		return
	}
	if w.failed() {
		for _, c := range w.clones { // their file systems end with this process
			w.copy(c.crosslink(), filepath.Join(w.dir, "kept", c.name))
		}
	}
	for _, c := range w.clones {
		syscall.Unmount(c.dir, syscall.MNT_DETACH)
	}
	if !w.failed() {
		os.RemoveAll(w.dir)
	}
}

// disturb makes pushes slow at times and, sometimes, while nobody works, changes a whole
// repository.
func (w *world) disturb(end time.Time, every time.Duration) {
	rng := w.random(200)
	slow := filepath.Join(w.hub(), "slow")
	next := time.Now().Add(every)
	for n := int(w.seed); time.Now().Before(end) && !w.failed(); time.Sleep(200 * time.Millisecond) {
		if rng.IntN(10) == 0 {
			w.turns.RLock() // not while the hub is replaced
			if rng.IntN(2) == 0 {
				os.Remove(slow)
			} else {
				os.WriteFile(slow, []byte(fmt.Sprintf("%.1f", rng.Float64()*3)), 0o644)
			}
			w.turns.RUnlock()
		}
		if time.Now().Before(next) {
			continue
		}
		w.turns.Lock()
		w.calm()
		if w.synced() {
			w.replace(n%3, rng)
			n++
			w.save()
		}
		w.server.faulty.Store(true)
		w.turns.Unlock()
		next = time.Now().Add(every)
	}
}

// calm ends all faults and waits until all processes have ended.
func (w *world) calm() {
	w.server.faulty.Store(false)
	os.Remove(filepath.Join(w.hub(), "slow"))
	if b, err := os.ReadFile(filepath.Join(w.hub(), "slowed")); err == nil {
		for range strings.Count(string(b), "\n") {
			w.tally.fault("slow-push")
		}
		os.Remove(filepath.Join(w.hub(), "slowed"))
	}
	for _, c := range w.clones {
		c.program = w.programs[0]
		c.settle()
	}
}

// synced syncs all clones and reports whether everything is on the hub.
func (w *world) synced() bool {
	for range 6 {
		all := true
		for _, c := range w.clones {
			all = c.sync() && all
		}
		if all {
			return true
		}
	}
	return false
}

// save keeps backups of everything, to be restored later.
func (w *world) save() {
	for _, c := range w.clones {
		c.settle()
	}
	w.copy(w.hub(), w.backup("hub"))
	for _, c := range w.clones {
		w.copy(c.crosslink(), w.backup(c.name))
	}
}

func (w *world) copy(from, to string) {
	os.RemoveAll(to)
	if _, err := os.Stat(from); err != nil {
		return
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		w.truth.violate("copy '%s': %v", from, err)
	}
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		w.truth.violate("copy '%s': %v: %s", from, err, out)
	}
}

// replace removes the hub, a clone, or a clone's replica, after everything was sent: losing
// one of them loses nothing that the others cannot restore.
func (w *world) replace(what int, rng *rand.Rand) {
	c := w.clones[rng.IntN(len(w.clones))]
	switch what {
	case 0:
		w.truth.rewound()
		w.put(w.backup("hub"), w.hub())
		w.tally.fault("hub-restored")
	case 1:
		if _, err := os.Stat(w.backup(c.name)); err != nil {
			return
		}
		w.put(w.backup(c.name), c.crosslink())
		w.tally.fault("clone-restored")
	case 2:
		os.RemoveAll(filepath.Join(c.crosslink(), "replica.git"))
		w.tally.fault("replica-removed")
	}
}

func (w *world) put(from, to string) {
	os.RemoveAll(to)
	w.copy(from, to)
}
