//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Agents in linked worktrees of one clone share the connection to the hub: many that
// write or ask at once need few processes that talk to it.
func TestWorktreesShareOneConnection(t *testing.T) {
	const agents = 50
	c := newClone(t)
	git := func(args ...string) {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Env = c.dir, c.env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("config", "crosslink.wait", "60") // no command continues in the background
	in := func(n int, args ...string) *exec.Cmd {
		cmd := c.command(args...)
		cmd.Dir = filepath.Join(filepath.Dir(c.dir), fmt.Sprint("worktree-", n))
		cmd.Env = append(cmd.Env, fmt.Sprint("GIT_CROSSLINK_AGENT=agent-", n))
		return cmd
	}
	for n := range agents {
		git("worktree", "add", "-q", "-b", fmt.Sprint("branch-", n), in(n).Dir)
		if out, err := in(n, "comment", "1", "here", "--offline").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	c.ok("sync")
	// a push takes so long that all have written before the second one begins
	if err := os.WriteFile(filepath.Join(c.hub, "hooks", "pre-receive"), []byte("#!/bin/sh\nsleep 2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	atOnce := func(want int, args ...string) (pushes, fetches int) {
		trace := filepath.Join(t.TempDir(), "trace")
		var all sync.WaitGroup
		for n := range agents {
			all.Go(func() {
				cmd := in(n, args...)
				cmd.Env = append(cmd.Env, "GIT_TRACE2="+trace)
				if out, err := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != want {
					t.Errorf("agent %d: %v: %v\n%s", n, args, err, out)
				}
			})
		}
		all.Wait()
		b, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if _, started, ok := strings.Cut(line, " start "); ok && strings.Contains(started, " push ") {
				pushes++
			} else if ok && strings.Contains(started, " fetch ") {
				fetches++
			}
		}
		return pushes, fetches
	}
	pushes, fetches := atOnce(0, "comment", "1", "written at once")
	t.Logf("%d writes: %d pushes, %d fetches", agents, pushes, fetches)
	if pushes == 0 || pushes > agents/5 || fetches > agents/5 {
		t.Errorf("%d pushes and %d fetches for %d writes at once", pushes, fetches, agents)
	}
	pushes, fetches = atOnce(0, "ready", "-q")
	t.Logf("%d reads: %d pushes, %d fetches", agents, pushes, fetches)
	if fetches == 0 || fetches > agents/2 || pushes > 0 {
		t.Errorf("%d fetches and %d pushes for %d reads at once", fetches, pushes, agents)
	}
	if s := c.ok("status"); !strings.Contains(s, "not on the hub: 0 events") {
		t.Errorf("something was not sent: %s", s)
	}
}
