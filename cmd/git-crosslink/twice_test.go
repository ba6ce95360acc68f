//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// slowHook lets each push take up to a second longer, at random.
const slowHook = "#!/bin/sh\nn=$(od -An -N1 -tu1 /dev/urandom)\n[ $((n % 2)) = 0 ] || sleep 0.$((n % 10))\n"

// TestNoIssueIsDoneTwice: agents that loop over 'ready --claim' and 'close', all at
// once, on a hub whose pushes take their time, do each issue once. The race that
// could make it two (a claim that arrives when the issue is done) must have come up.
func TestNoIssueIsDoneTwice(t *testing.T) {
	t.Parallel()
	issues, atLeast, atMost := 3, 1, 20
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		atLeast, atMost = 40, 80
	}
	w := newTown(t)
	who := []string{"alice", "bob", "carol", "dave"}
	for _, name := range who[2:] {
		w.git(".", "clone", "-q", "hub.git", name)
		w.git(name, "remote", "set-url", "origin", "../hub.git")
		w.git(name, "config", "crosslink.agent", name+"-1")
	}
	w.git("alice", "crosslink", "close", "1") // the town has one issue
	w.write(filepath.Join("hub.git", "hooks", "pre-receive"), slowHook, 0o755)
	// run is one command of an agent's loop
	run := func(name string, args ...string) (status int, out, msg string) {
		cmd := w.command(name, append([]string{"git", "crosslink"}, args...)...)
		var o, e bytes.Buffer
		cmd.Stdout, cmd.Stderr = &o, &e
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Errorf("%s: %v", name, err)
		}
		return cmd.ProcessState.ExitCode(), strings.TrimSpace(o.String()), e.String()
	}
	var mu sync.Mutex
	late, round, done := 0, 0, map[string][]string{}
	work := func(name string) {
		for range 100 {
			status, id, msg := run(name, "ready", "--claim")
			mu.Lock()
			late += strings.Count(msg, "was closed while it was claimed")
			if status == 0 {
				done[id] = append(done[id], name)
			}
			mu.Unlock()
			switch status {
			case 0:
				if status, _, msg := run(name, "close", id); status != 0 {
					t.Errorf("%s: close %s: %d %s", name, id, status, msg)
					return
				}
			case 1: // nothing, or others are at it
				if _, open, _ := run(name, "list", "-q"); open == "" {
					return
				}
			case 3: // not decided: asked again
			default:
				t.Errorf("%s: ready --claim: %d %s", name, status, msg)
				return
			}
		}
		t.Errorf("%s does not come to an end", name)
	}
	for ; round < atMost && (round < atLeast || late == 0) && !t.Failed(); round++ {
		for i := range issues {
			w.git("alice", "crosslink", "--offline", "new", fmt.Sprintf("job %d.%d", round, i))
		}
		for _, name := range who {
			w.git(name, "crosslink", "sync")
		}
		var all sync.WaitGroup
		for _, name := range who {
			all.Go(func() { work(name) })
		}
		all.Wait()
	}
	if !testkit.Settle(w.root) {
		t.Fatal("a process does not end")
	}
	for id, by := range done {
		if len(by) > 1 {
			t.Errorf("issue %s was done by %v", id, by)
		}
	}
	if len(done) != round*issues {
		t.Errorf("%d of %d issues were done", len(done), round*issues)
	}
	if late == 0 {
		t.Errorf("in %d rounds no claim came too late: nothing is shown", round)
	}
	t.Logf("%d issues in %d rounds, %d claims came too late", len(done), round, late)
	for range 2 {
		for _, name := range who {
			w.git(name, "crosslink", "sync")
		}
	}
	for _, name := range who {
		if locks := w.git(name, "crosslink", "lock", "list"); locks != "" {
			t.Errorf("%s shows locks when all is done:\n%s", name, locks)
		}
	}
	if t.Failed() {
		w.testify(who)
	}
}

// testify logs what the clones know of the ledger, and what they know without
// what they keep of earlier commands.
func (t *town) testify(who []string) {
	t.tb.Helper()
	show := func(dir, script string) {
		t.tb.Helper()
		out, err := t.command(dir, "sh", "-c", script).CombinedOutput()
		t.tb.Logf("%s: %s\n%s%v", dir, script, out, err)
	}
	show("hub.git", "git log --first-parent --format='%H %ad %s%n  parents %P' refs/heads/crosslink/checkpoint")
	show("hub.git", "git for-each-ref")
	for _, name := range who {
		show(name, "cd .git/crosslink && for f in judged.json contact.json metas.json; do echo $f; cat $f; echo; done")
		show(name, "git -C .git/crosslink/replica.git for-each-ref")
		for _, args := range []string{"--offline lock list --json", "--offline status --json", "fsck"} {
			show(name, "git crosslink "+args)
		}
		show(name, "rm -f .git/crosslink/judged.json .git/crosslink/ledger.files .git/crosslink/replica.git/store.db*; git crosslink --offline lock list")
	}
}
