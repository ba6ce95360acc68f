package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// TestNoProcessIsLeft fetches and pushes through the helper, again and again,
// with something to sync each time: no process stays, and however fast they
// come, they do not pile up: one sync runs, one waits, the others leave.
// 5 rounds of both; 100 with CROSSLINK_NIGHTLY=1.
func TestNoProcessIsLeft(t *testing.T) {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("processes are counted in /proc")
	}
	rounds := 5
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		rounds = 100
	}
	root := t.TempDir()
	env := append(testkit.Environment(), testkit.Mark(root), "PATH="+os.Getenv("PATH"), "HOME="+filepath.Join(root, "home"),
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_CROSSLINK_AGENT=alice")
	run := func(dir string, args ...string) string {
		t.Helper()
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Env = filepath.Join(root, dir), env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	must(t, os.MkdirAll(filepath.Join(root, "home"), 0o755))
	run("", "git", "init", "-q", "--bare", "-b", "main", "hub.git")
	run("", "git", "clone", "-q", "hub.git", "other")
	run("other", "git", "commit", "-q", "--allow-empty", "-m", "start")
	run("other", "git", "push", "-q", "origin", "HEAD:main")
	run("", "git", "clone", "-q", "crosslink::"+filepath.Join(root, "hub.git"), "work")
	run("work", "git", "config", "crosslink.syncInterval", "1")
	run("work", "git", "crosslink", "init", "-q")
	if !testkit.Settle(root) {
		t.Fatal("a process does not end")
	}
	before, most := marked(root), 0
	for range rounds {
		run("other", "git", "commit", "-q", "--allow-empty", "-m", "x")
		run("other", "git", "push", "-q", "origin", "HEAD:main")
		run("work", "git", "crosslink", "new", "-q", "--offline", "x")
		run("work", "git", "fetch", "-q")
		run("work", "git", "push", "-q", "origin", "origin/main:refs/heads/copy")
		most = max(most, syncs(t, root))
	}
	if !testkit.Settle(root) {
		t.Error("a process does not end")
	}
	if after := marked(root); len(after) != len(before) {
		t.Errorf("%d processes before, %d after: %q", len(before), len(after), after)
	}
	// One runs, one waits, and those that saw so are about to leave: on a loaded
	// machine they take a while. If they stayed there were hundreds.
	if most == 0 || most > 6 {
		t.Errorf("%d syncs at once", most)
	}
	if out := run("work", "git", "crosslink", "status"); !strings.Contains(out, "not on the hub: 0 events") {
		t.Errorf("after %d rounds:\n%s", rounds, out)
	}
	t.Logf("%d fetches and %d pushes: %d processes before, %d after, at most %d syncs at once", rounds, rounds, len(before), len(marked(root)), most)
}

// TestNoProcessWithoutATracker counts what the helper starts, over each
// transport: after a clone of a hub without a tracker the remote is enrolled and
// nothing is synced, later fetches and pushes start nothing. When the hub has
// been given a tracker the clone finds it.
func TestNoProcessWithoutATracker(t *testing.T) {
	f := newFixture(t)
	bin, calls := filepath.Join(f.root, "bin"), filepath.Join(f.root, "calls")
	program, err := exec.LookPath("git-crosslink")
	must(t, err)
	helper, err := exec.LookPath("git-remote-crosslink")
	must(t, err)
	must(t, os.MkdirAll(bin, 0o755))
	f.sh(t, f.root, nil, "cp "+helper+" bin/git-remote-crosslink")
	must(t, os.WriteFile(filepath.Join(bin, "git-crosslink"), []byte("#!/bin/sh\necho \"$*\" >>"+calls+"\nexec "+program+" \"$@\"\n"), 0o755))
	env := append(slices.Clone(f.env), "PATH="+bin+":"+os.Getenv("PATH"))
	started := func(dir, line string) string {
		t.Helper()
		os.Remove(calls)
		f.sh(t, filepath.Join(f.root, dir), env, line)
		b, _ := os.ReadFile(calls)
		if !testkit.Settle(f.root) {
			t.Fatal("a process does not end")
		}
		return strings.TrimSpace(string(b))
	}
	for name, url := range f.urls {
		for _, version := range []string{"0", "2"} {
			if name == "userinfo" || name == "auth" || name == "proxy" {
				continue
			}
			work, hub := name+version, name+version+".git"
			f.sh(t, f.root, env, "git init -q --bare -b main "+hub+" && git -C "+hub+" config http.receivepack true && touch "+hub+"/git-daemon-export-ok && "+
				"git clone -q "+hub+" "+work+"-other 2>/dev/null && cd "+work+"-other && git commit -q --allow-empty -m start && git push -q origin HEAD:main")
			if got := started("", "git -c protocol.version="+version+" clone -q crosslink::"+url(filepath.Join(f.root, hub))+" "+work); got != "hook enrolled origin" {
				t.Errorf("%s: a clone without a tracker starts %q", work, got)
			}
			if _, err := os.Stat(filepath.Join(f.root, work, ".git", "crosslink", "replica.git")); err == nil {
				t.Errorf("%s: a clone without a tracker has a replica", work)
			}
			f.sh(t, f.root, env, "cd "+work+"-other && git commit -q --allow-empty -m more && git push -q origin HEAD:main")
			for _, line := range []string{"git fetch -q", "git fetch -q", "git crosslink list 2>/dev/null; git commit -q --allow-empty -m x; git push -q origin HEAD:refs/heads/copy || test " + name + " = git"} {
				if got := strings.TrimPrefix(started(work, line), "list"); got != "" {
					t.Errorf("%s: '%s' starts %q", work, line, got)
				}
			}
			f.sh(t, f.root, env, "cd "+work+"-other && git crosslink init -q && git crosslink new -q found")
			if got := started(work, "git fetch -q; git fetch -q; git fetch -q"); got != "hook cloned origin" {
				t.Errorf("%s: fetches of a new tracker start %q", work, got)
			}
			if got := started(work, "git crosslink list --offline | grep -q found"); got != "list --offline" {
				t.Errorf("%s: %q", work, got)
			}
		}
	}
}

// syncs counts the detached syncs of a test. A child that has not yet started its git has its
// parent's command line, and does not count.
func syncs(t *testing.T, root string) int {
	t.Helper()
	found := map[string]string{} // process to parent
	for pid, line := range marked(root) {
		if !strings.Contains(line, "sync\x00--detached") {
			continue
		}
		// "pid (name) state parent …"; the name may hold anything
		stat, _ := os.ReadFile(filepath.Join("/proc", pid, "stat"))
		if f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])); len(f) > 1 {
			found[pid] = f[1]
		}
	}
	n := 0
	for _, parent := range found {
		if _, ok := found[parent]; !ok {
			n++
		}
	}
	return n
}

// marked are the command lines of the processes of a test, by process id.
func marked(root string) map[string]string {
	found := map[string]string{}
	for _, pid := range testkit.Marked(root) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		found[strconv.Itoa(pid)] = string(line)
	}
	return found
}
