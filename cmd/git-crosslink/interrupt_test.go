//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// clone is a user's clone in which commands are interrupted.
type clone struct {
	t        *testing.T
	dir, hub string
	env      []string
}

func newClone(t *testing.T) *clone {
	base := t.TempDir()
	c := &clone{t: t, dir: filepath.Join(base, "alice"), hub: filepath.Join(base, "hub.git")}
	c.env = append(testkit.Environment(), "PATH="+os.Getenv("PATH"), "HOME="+base, "USER=alice", "TMPDIR="+t.TempDir(),
		"GIT_AUTHOR_NAME=alice", "GIT_AUTHOR_EMAIL=alice@example.com", "GIT_COMMITTER_NAME=alice", "GIT_COMMITTER_EMAIL=alice@example.com",
		testkit.Mark(base))
	t.Cleanup(func() {
		if !testkit.Settle(base) {
			t.Error("a process is left that does not end")
		}
	})
	for _, args := range [][]string{{"init", "-q", "--bare", c.hub}, {"init", "-q", c.dir}, {"-C", c.dir, "commit", "-q", "--allow-empty", "-m", "x"},
		{"-C", c.dir, "remote", "add", "origin", c.hub}, {"-C", c.dir, "push", "-q", "origin", "HEAD:refs/heads/main"}} {
		cmd := exec.Command("git", args...)
		cmd.Env = c.env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	c.ok("init")
	c.ok("new", "before")
	return c
}

func (c *clone) command(args ...string) *exec.Cmd {
	cmd := exec.Command("git-crosslink", args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	return cmd
}

func (c *clone) ok(args ...string) string {
	c.t.Helper()
	out, err := c.command(args...).Output()
	if err != nil {
		c.t.Fatalf("%v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

// interrupt starts a command, sends the signal as soon as ready returns true, and returns the
// result.
func (c *clone) interrupt(sig os.Signal, cmd *exec.Cmd, ready func() bool) (code int, stdout, stderr string) {
	c.t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); !ready(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			cmd.Process.Kill()
			c.t.Fatalf("it never came so far\n%s", &errs)
		}
	}
	cmd.Process.Signal(sig)
	started := time.Now()
	err := cmd.Wait()
	if took := time.Since(started); took > 5*time.Second {
		c.t.Errorf("it took %s to end", took)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// after: nothing is locked, and the next command works.
func (c *clone) after(titles ...string) {
	c.t.Helper()
	if left := testkit.Locks(filepath.Join(c.dir, ".git", "crosslink")); len(left) > 0 {
		c.t.Errorf("locks are left: %q", left)
	}
	c.ok("new", "after")
	got := c.ok("list", "--offline", "--format", "%(title)", "--sort", "created", "--reverse")
	if want := strings.Join(append(titles, "after"), "\n"); got != want {
		c.t.Errorf("there is\n%s\nwant\n%s", got, want)
	}
}

func (c *clone) exists(name string) func() bool {
	return func() bool { _, err := os.Stat(name); return err == nil }
}

// wait is a shell command that says it is there and then stays.
func wait(mark string) string { return ": >'" + mark + "'; exec sleep 60" }

// TestInterruptedWhileAnotherAppends: the append lock is held by somebody else.
func TestInterruptedWhileAnotherAppends(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		c := newClone(t)
		f, err := os.OpenFile(filepath.Join(c.dir, ".git", "crosslink", "replica.git", "append.lock"), os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		code, out, errs := c.interrupt(sig, c.command("new", "never", "--offline"), func() bool { return time.Since(begun) > 300*time.Millisecond })
		if code != 128+int(sig) || out != "" || errs != "error: interrupted\n" {
			t.Errorf("%v: status %d, %q, %q", sig, code, out, errs)
		}
		f.Close()
		c.after("before")
	}
}

// TestInterruptedSync: the hub takes its time.
func TestInterruptedSync(t *testing.T) {
	c := newClone(t)
	c.ok("new", "unsent", "--offline")
	mark := filepath.Join(c.hub, "reached")
	hook := filepath.Join(c.hub, "hooks", "pre-receive")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\n"+wait(mark)), 0o755); err != nil {
		t.Fatal(err)
	}
	code, out, errs := c.interrupt(syscall.SIGINT, c.command("sync"), c.exists(mark))
	if code != 130 || out != "" || errs != "error: interrupted\n" {
		t.Errorf("status %d, %q, %q", code, out, errs)
	}
	os.Remove(hook)
	c.after("before", "unsent")
}

// TestInterruptedPublish: the event is written and its id printed, but the command no longer
// waits for the hub.
func TestInterruptedPublish(t *testing.T) {
	c := newClone(t)
	mark := filepath.Join(c.hub, "reached")
	hook := filepath.Join(c.hub, "hooks", "pre-receive")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\n"+wait(mark)), 0o755); err != nil {
		t.Fatal(err)
	}
	code, out, errs := c.interrupt(syscall.SIGINT, c.command("new", "kept", "--wait"), c.exists(mark))
	if code != 130 || strings.TrimSpace(out) == "" || !strings.Contains(errs, "error: interrupted\nhint: the change is saved locally and sent later; send it now: git crosslink sync\n") {
		t.Errorf("status %d, %q, %q", code, out, errs)
	}
	os.Remove(hook)
	c.after("before", "kept")
}

// TestInterruptedRebuild: the store is being made; the next command makes it from the
// beginning.
func TestInterruptedRebuild(t *testing.T) {
	c := newClone(t)
	const issues = 2000
	for range issues / 500 {
		add := c.command("new", "--offline", "--stdin-jsonl")
		add.Stdin = strings.NewReader(strings.Repeat("{\"title\":\"one of many\"}\n", 500))
		if out, err := add.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	stores := filepath.Join(c.dir, ".git", "crosslink", "replica.git", "store.db*")
	for sig, status := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		for _, name := range c.glob(stores) {
			os.Remove(name)
		}
		code, out, errs := c.interrupt(sig, c.command("list", "--offline"), func() bool { return len(c.glob(stores)) > 0 })
		if code != status || out != "" || errs != "error: interrupted\n" {
			t.Errorf("%v: status %d, %q, %q", sig, code, out, errs)
		}
		if left := c.glob(stores); len(left) > 0 {
			t.Errorf("%v: files are left: %q", sig, left)
		}
	}
	if all := strings.Fields(c.ok("list", "--offline", "--quiet", "--limit", "0")); len(all) != issues+1 {
		t.Errorf("%d issues are there after that, not %d", len(all), issues+1)
	}
}

func (c *clone) glob(pattern string) []string {
	c.t.Helper()
	all, err := filepath.Glob(pattern)
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}

// TestInterruptInTheEditor: ^C is the editor's own; a SIGTERM ends the command,
// and the text is kept.
func TestInterruptInTheEditor(t *testing.T) {
	c := newClone(t)
	mark := filepath.Join(c.dir, "..", "editing")
	editor := func(then string) *exec.Cmd {
		cmd := c.command("new", "--edit")
		cmd.Env = append(cmd.Env, `GIT_EDITOR=f() { echo 'from the editor' >"$1"; : >'`+mark+`'; sleep 0.5; `+then+`; }; f`)
		return cmd
	}
	code, out, errs := c.interrupt(syscall.SIGINT, editor(":"), c.exists(mark))
	if code != 0 || out == "" {
		t.Errorf("^C: status %d, %q, %q", code, out, errs)
	}
	os.Remove(mark)
	code, out, errs = c.interrupt(syscall.SIGTERM, editor(":"), c.exists(mark))
	_, path, _ := strings.Cut(errs, "hint: your text is kept in '")
	path, _, _ = strings.Cut(path, "'")
	text, err := os.ReadFile(path)
	if code != 143 || out != "" || err != nil || string(text) != "from the editor\n" {
		t.Errorf("SIGTERM: status %d, %q, %q, %v", code, out, errs, err)
	}
	os.Remove(mark)
	code, _, errs = c.interrupt(syscall.SIGINT, editor("exit 1"), c.exists(mark))
	if code != 128 || !strings.Contains(errs, "your text is kept in") {
		t.Errorf("an editor that fails: status %d, %q", code, errs)
	}
	c.after("before", "from the editor")
}

// TestReaderThatLeaves: 'list | head -1' is quiet, whatever the length.
func TestReaderThatLeaves(t *testing.T) {
	c := newClone(t)
	long := strings.Repeat("x", 60000)
	show := []string{"show", "--json"}
	for range 4 { // more than a pipe holds
		show = append(show, c.ok("new", "long", "--offline", "-d", long))
	}
	for _, args := range [][]string{{"list", "--format", "%(description)"}, show, {"list", "--json"}, {"log", "1"}, {"-h"}} {
		cmd := c.command(args...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		io.ReadFull(pipe, make([]byte, 1))
		pipe.Close()
		cmd.Wait()
		w := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if errs.Len() > 0 || !(w.Signaled() && w.Signal() == syscall.SIGPIPE) && w.ExitStatus() != 0 && w.ExitStatus() != 129 {
			t.Errorf("%v: %v, %q", args, cmd.ProcessState, &errs)
		}
	}
	out, err := exec.Command("sh", "-c", `cd "$0" && git crosslink list --format '%(description)' | head -c 1; git crosslink list | head -1 >/dev/null`, c.dir).CombinedOutput()
	if err != nil || len(out) != 1 {
		t.Errorf("head: %v, %d bytes: %.200q", err, len(out), out)
	}
	c.after("before", "long", "long", "long", "long")
}
