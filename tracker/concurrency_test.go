package tracker_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// 92 processes write at once in one clone while git packs and collects garbage
// in the repository and in the replica: every acknowledged event is there, the
// log has no gap, and they share a few pushes.
func TestManyProcessesInOneClone(t *testing.T) {
	t.Parallel()
	creates, comments := 20, 72
	if testing.Short() {
		creates, comments = 5, 15
	}
	w := newWorld(t)
	alice := w.clone("alice")
	alice.init()
	issue := alice.create("talked about")

	ctx, stop := context.WithCancel(context.Background())
	var upkeep sync.WaitGroup
	rounds := 0
	for _, repo := range []string{filepath.Join(alice.dir, ".git"), alice.replica()} {
		upkeep.Go(func() {
			for ctx.Err() == nil {
				for _, args := range [][]string{{"gc", "-q"}, {"pack-refs", "--all"}} {
					cmd := exec.Command("git", append([]string{"--git-dir=" + repo}, args...)...)
					cmd.Env = w.env
					cmd.Run() // it may lose a race for a lock; that is its own affair
				}
				rounds++
				time.Sleep(20 * time.Millisecond)
			}
		})
	}

	traces := t.TempDir()
	var mu sync.Mutex
	var done []event.UUID
	var all sync.WaitGroup
	for i := range creates + comments {
		work := fmt.Sprintf("create issue-%d", i)
		if i >= creates {
			work = fmt.Sprintf("comment %s text-%d", issue, i)
		}
		all.Go(func() {
			cmd := alice.process(work, "GIT_TRACE2_EVENT="+traces)
			var out, msg bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &msg
			err := cmd.Run()
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("%s: %v: %s", work, err, msg.String())
			}
			done = append(done, acknowledged(t, out.Bytes())...)
		})
	}
	all.Wait()
	stop()
	upkeep.Wait()
	if len(done) != creates+comments {
		t.Fatalf("%d of %d were acknowledged", len(done), creates+comments)
	}
	if rounds < 2 {
		t.Errorf("git gc ran %d times beside them: too few to mean anything", rounds)
	}
	// pushes that were given up on at their bound may still be landing: the hub
	// then moves under the first sync
	report := alice.sync()
	for range 4 {
		if report.Unsent > 0 {
			t.Logf("unsent after a sync: %+v", report)
			report = alice.sync()
		}
	}
	alice.sound()
	// alice's introduction and the issue, then one line each
	if n := len(alice.logLines(w.hub, "refs/heads/crosslink/agents/alice")); n != 2+creates+comments {
		t.Errorf("the hub holds %d lines of %d; the sync said %+v", n, 2+creates+comments, report)
	}
	present := map[event.UUID]bool{}
	for _, i := range alice.titles() {
		present[i.UUID] = true
		for _, c := range i.Comments {
			present[c.UUID] = true
		}
	}
	for _, u := range done {
		if !present[u] {
			t.Errorf("%s was acknowledged and is not there", u)
		}
	}
	pushes := 0
	files, err := os.ReadDir(traces)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.Contains(f.Name(), "/") {
			pushes += traced(t, filepath.Join(traces, f.Name()))["push"]
		}
	}
	if pushes == 0 || pushes > (creates+comments)/2 {
		t.Errorf("%d processes made %d pushes", creates+comments, pushes)
	}
	t.Logf("%d processes made %d pushes beside %d rounds of gc and pack-refs", creates+comments, pushes, rounds)
}

// Two worktrees of one repository write under ids of their own into one
// replica, and one sync sends both.
func TestWorktreesHaveTheirOwnLogs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	alice.init()
	other := filepath.Join(w.dir, "other tree")
	w.git(alice.dir, "worktree", "add", "-q", "-b", "other", other)
	bob := &clone{w: w, name: "bob", dir: other, now: time.Now}
	bob.create("from the worktree")
	alice.create("from the main one")
	w.converge(alice, bob)
	refs := w.git(w.hub, "for-each-ref", "--format=%(refname)", "refs/heads/crosslink/agents")
	if refs != "refs/heads/crosslink/agents/alice\nrefs/heads/crosslink/agents/bob\n" {
		t.Fatalf("logs on the hub: %s", refs)
	}
}
