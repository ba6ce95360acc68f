package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/system"
)

var nan = math.NaN()

// enough is how long the runs of one row may take, once there are some.
const (
	enough = 25 * time.Second
	some   = 5
)

// prepare finds the programs and builds the one that prints hello.
func (b *bench) prepare() (err error) {
	if _, err := os.Stat(b.program); err != nil {
		return err
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	b.cache = filepath.Join(cache, "git-crosslink", "bench")
	for _, kv := range os.Environ() { // without the user's git settings, and without CI
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "GIT_") && !strings.HasPrefix(name, "CROSSLINK_") && name != "CI" && name != "PATH" {
			b.env = append(b.env, kv)
		}
	}
	b.env = append(b.env, "PATH="+filepath.Dir(b.program)+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"GIT_CONFIG_GLOBAL="+filepath.Join(b.dir, "gitconfig"), "GIT_CONFIG_NOSYSTEM=1", "HOME="+b.dir, "LC_ALL=C",
		"GIT_CROSSLINK_AGENT=", "XDG_CONFIG_HOME=", "XDG_DATA_HOME=")
	// Git's hooks would also run in the floor, and settings are in a file, as for most
	// users.
	settings := "[user]\n\tname = Bench\n\temail = bench@example.org\n[init]\n\tdefaultBranch = main\n[crosslink]\n\thooks = false\n[protocol \"file\"]\n\tallow = always\n"
	if err := os.WriteFile(filepath.Join(b.dir, "gitconfig"), []byte(settings), 0o666); err != nil {
		return err
	}
	src := filepath.Join(b.dir, "hello.go")
	text := "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"hello\\n\") }\n"
	if err := os.WriteFile(src, []byte(text), 0o666); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.hello(), src)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build hello: %w: %s", err, out)
	}
	return nil
}

func (b *bench) hello() string { return filepath.Join(b.dir, "hello") }

func (b *bench) gitVersion() string {
	out, err := b.cmd("", "git", "--version")().Output()
	if err != nil {
		return "git"
	}
	return strings.TrimSpace(strings.Replace(string(out), "git version", "git", 1))
}

// maker makes a command, a new one for each run.
type maker func() *exec.Cmd

func (b *bench) cmd(dir string, words ...string) maker {
	return func() *exec.Cmd {
		c := exec.Command(words[0], words[1:]...)
		c.Dir, c.Env = dir, slices.Clone(b.env)
		return c
	}
}

func (b *bench) run(dir string, words ...string) error {
	if out, err := b.cmd(dir, words...)().CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, out)
	}
	return nil
}

// action is one side of a comparison: commands that run one after the other, after an
// untimed preparation.
type action struct {
	before func() error
	run    []maker
	beside maker // runs at the same time; may be nil
}

func only(m ...maker) action { return action{run: m} }

// once runs the action and adds up the costs of its commands.
func (a action) once() (cost, error) {
	var c cost
	if a.before != nil {
		if err := a.before(); err != nil {
			return c, err
		}
	}
	began := time.Now()
	other := make(chan error, 1)
	if a.beside == nil {
		other <- nil
	} else {
		go func() {
			cpu, err := timed(a.beside())
			c.cpu += cpu
			other <- err
		}()
	}
	var cpu time.Duration
	for _, m := range a.run {
		used, err := timed(m())
		if err != nil {
			<-other
			return c, err
		}
		cpu += used
	}
	err := <-other
	c.wall = time.Since(began)
	c.cpu += cpu
	return c, err
}

// timed runs a command, and returns its processor time, including children that it waited
// for.
func timed(cmd *exec.Cmd) (time.Duration, error) {
	var msg bytes.Buffer
	cmd.Stderr = &msg
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, msg.String())
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// against measures two actions alternately.
func (b *bench) against(one, floor action) (measurement, error) {
	return b.interleave(one.once, floor.once)
}

// cost is the cost of one run.
type cost struct{ wall, cpu time.Duration }

func (b *bench) interleave(one, floor func() (cost, error)) (m measurement, err error) {
	began := time.Now()
	for n := range b.rounds + 1 {
		c, err := one()
		if err != nil {
			return m, err
		}
		f, err := floor()
		if err != nil {
			return m, err
		}
		if n == 0 { // warms up
			continue
		}
		m.one.add(c)
		m.floor.add(f)
		if n >= some && time.Since(began) > enough {
			break
		}
	}
	return m, nil
}

// value is a measurement that is not a ratio.
func value(v float64, err error) (measurement, error) { return measurement{value: v}, err }

// peakWord makes this program run another one and print its peak memory. A process inherits
// the peak of the process that started it, and this one may use much memory while it
// measures.
const peakWord = "peak-of"

func reportPeak(words []string) int {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(system.PeakMemory(cmd.ProcessState))
	return 0
}

// peakOf returns the peak memory of a command, or of its largest child, in MB: the median
// of three runs.
func (b *bench) peakOf(dir string, before func() error, words ...string) (float64, error) {
	var all []float64
	for range 3 {
		if before != nil {
			if err := before(); err != nil {
				return 0, err
			}
		}
		n, err := peakOnce(b.cmd(dir, append([]string{b.self, peakWord}, words...)...)())
		if err != nil {
			return 0, err
		}
		all = append(all, n)
	}
	return median(all), nil
}

// peakOnce runs a command that begins with this program and peakWord.
func peakOnce(cmd *exec.Cmd) (float64, error) {
	var msg bytes.Buffer
	cmd.Stderr = &msg
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args[2:], " "), err, msg.String())
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	return n / 1e6, err
}
