//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// patience is how long a command may take before it counts as stuck. Every time limit of
// the commands themselves is much shorter.
const patience = 3 * time.Minute

// clone is one clone with its agent. One goroutine works in it at a time.
type clone struct {
	w        *world
	name     string
	dir, url string
	rng      *rand.Rand
	program  string // the program with its current clock
	forks    int    // how often it took a new id
}

func (c *clone) crosslink() string { return filepath.Join(c.dir, ".git", "crosslink") }

// answer is the result of a command.
type answer struct {
	status int // -1: killed
	killed bool
	doc    document
	stderr string
}

// document is the part of a JSON answer that is read.
type document struct {
	OK   bool            `json:"ok"`
	Code int             `json:"code"`
	Data json.RawMessage `json:"data"`
	Err  struct {
		Kind    string   `json:"kind"`
		Message string   `json:"message"`
		Hints   []string `json:"hints"`
	} `json:"error"`
}

type issueDoc struct {
	UUID     string   `json:"uuid"`
	Number   int      `json:"number"`
	Title    string   `json:"title"`
	Status   string   `json:"status"`
	Labels   []string `json:"labels"`
	Comments []struct {
		UUID string `json:"uuid"`
	} `json:"comments"`
}

// told reports whether a write was acknowledged.
func (a answer) told() bool { return !a.killed && (a.status == 0 || a.status == 3) }

func (c *clone) env(extra ...string) []string {
	return append(append(c.w.env(), "PATH="+filepath.Dir(c.program)+string(filepath.ListSeparator)+os.Getenv("PATH"),
		testkit.Mark(c.mark()), "HOME="+c.w.home(c.name), "GIT_CONFIG_GLOBAL="+filepath.Join(c.w.dir, "gitconfig")), extra...)
}

// mark is a variable in the environment of every process of this clone.
func (c *clone) mark() string { return fmt.Sprintf("soak-%d-%d-%s", os.Getpid(), c.w.seed, c.name) }

// settle waits until all processes of this clone have ended. A background process that waits
// long for its turn is killed.
func (c *clone) settle() {
	for !testkit.Settle(c.mark()) {
		testkit.Kill(c.mark())
		c.w.tally.fault("power")
	}
}

func (c *clone) git(words ...string) error {
	cmd := exec.Command("git", words...)
	cmd.Dir, cmd.Env = c.dir, c.env()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("'%s': git %s: %w: %s", c.name, strings.Join(words, " "), err, out)
	}
	return nil
}

// fault is the fault that is injected into one command.
type fault struct {
	kind  string
	after time.Duration // kill, power: how long after its start
	nth   int           // kill-at: the point
}

// run runs one command with --json, and parses its answer.
func (c *clone) run(f fault, words ...string) answer {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.program, append(words, "--json")...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, c.env(), &out, &errs
	if f.kind == "kill-at" {
		cmd.Env = append(cmd.Env, fmt.Sprintf("CROSSLINK_FAULT=*:%d", f.nth))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second // a background process may keep a stream open
	if f.kind == "full-disk" {
		defer c.fill()()
	}
	err := cmd.Start()
	if err == nil {
		if f.kind == "kill" || f.kind == "power" {
			struck := make(chan bool)
			timer := time.AfterFunc(f.after, func() {
				defer close(struck)
				syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
				if f.kind == "power" {
					testkit.Kill(c.mark())
				}
			})
			defer func() {
				if !timer.Stop() {
					<-struck // otherwise it would hit the next command
				}
			}()
		}
		err = cmd.Wait()
	}
	a := answer{stderr: errs.String()}
	if cmd.ProcessState == nil {
		c.w.truth.violate("'%s': %s: not started: %v", c.name, words[0], err)
		return a
	}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		a.killed = true
		a.status = -1
	} else {
		a.status = cmd.ProcessState.ExitCode()
	}
	said := strings.Join(words, " ")
	switch {
	case ctx.Err() != nil:
		c.w.truth.violate("'%s': %s: did not end within %s", c.name, said, patience)
	case a.killed && f.kind == "":
		c.w.truth.violate("'%s': %s: killed by nobody: %v", c.name, said, err)
	case strings.Contains(a.stderr, "panic:") || strings.Contains(a.stderr, "goroutine "):
		c.w.truth.violate("'%s': %s: crashed: %s", c.name, said, a.stderr)
	case !a.killed:
		if err := json.Unmarshal(out.Bytes(), &a.doc); err != nil && f.kind != "full-disk" {
			c.w.truth.violate("'%s': %s: status %d and no JSON document: %v: %q %q", c.name, said, a.status, err, out.String(), a.stderr)
		} else if err == nil && a.doc.Code != a.status {
			c.w.truth.violate("'%s': %s: status %d, code %d in the document", c.name, said, a.status, a.doc.Code)
		}
	}
	switch {
	case a.killed && f.kind != "":
		c.w.tally.fault(f.kind)
	case f.kind == "full-disk":
		c.w.tally.fault(f.kind)
	}
	end := fmt.Sprintf("%s %d %s", words[0], a.status, a.doc.Err.Kind)
	if f.kind != "" {
		end = fmt.Sprintf("%s (%s)", end, f.kind)
	}
	c.w.tally.end(strings.TrimSpace(end))
	if c.w.verbose {
		fmt.Printf("%s %s: %s: %d %s %s\n", time.Now().Format("05.000"), c.name, said, a.status, f.kind, a.doc.Err.Message)
	}
	c.look(a)
	return a
}

// look records the numbers in an answer.
func (c *clone) look(a answer) {
	for _, i := range a.issues() {
		c.w.truth.saw(c.name, i.UUID, i.Number)
	}
}

// issues returns the issues in an answer, wherever its shape has them.
func (a answer) issues() []issueDoc {
	var list []issueDoc
	if json.Unmarshal(a.doc.Data, &list) == nil && len(list) > 0 && list[0].UUID != "" {
		return list
	}
	var d struct {
		Issue  *issueDoc  `json:"issue"`
		Issues []issueDoc `json:"issues"`
	}
	_ = json.Unmarshal(a.doc.Data, &d)
	if d.Issue != nil {
		d.Issues = append(d.Issues, *d.Issue)
	}
	return d.Issues
}

// fill uses up all space on the clone's file system until the returned function is called.
func (c *clone) fill() func() {
	ballast := filepath.Join(c.dir, ".git", "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		return func() {}
	}
	for size := 1 << 20; size > 0; size /= 2 {
		for b := make([]byte, size); err == nil; {
			_, err = f.Write(b)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			c.w.truth.violate("'%s': the disk did not fill up: %v", c.name, err)
			break
		}
		err = nil
	}
	f.Close()
	return func() { os.Remove(ballast) }
}

// caches returns the files beside the replica that a clone can make again.
func (c *clone) caches() []string {
	var all []string
	for _, p := range []string{"replica.git/store.*", "judged*", "metas*", "signatures*", "ledger.files*", "pace.json"} {
		found, _ := filepath.Glob(filepath.Join(c.crosslink(), p))
		all = append(all, found...)
	}
	return all
}

func (c *clone) removeCaches() {
	for _, f := range c.caches() {
		os.Remove(f)
	}
}
