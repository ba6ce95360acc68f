//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// The last line of a message. On a busy machine a notice comes before it.
var (
	saysLocked = regexp.MustCompile(`(?m)^locked '?(\d+)'?.* \(token (\d+)\)\n\z`)
	saysWhose  = regexp.MustCompile(`(?m)^error: issue (\d+) is locked by '([a-z]+-1)': token (\d+), claimed .*, last seen: .*\nhint: wait in the queue: git crosslink lock --queue \d+\n\z`)
)

// TestTwoClonesRaceForOneLock: if two users lock the same issue at once, one gets the lock.
// The other's command exits with 2 and names the holder and the token. Both clones show that
// afterward.
func TestTwoClonesRaceForOneLock(t *testing.T) {
	t.Parallel()
	races := 20
	switch {
	case os.Getenv("CROSSLINK_NIGHTLY") != "":
		races = 500
	case testing.Short():
		races = 3
	}
	w := newTown(t)
	for i := 2; i <= races; i++ { // the town has one issue
		w.git("alice", "crosslink", "--offline", "new", fmt.Sprintf("race %d", i))
	}
	w.git("alice", "crosslink", "sync")
	w.git("bob", "crosslink", "sync")
	type end struct {
		status   int
		out, err string
	}
	lock := func(who, issue string) (e end) {
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
		defer stop()
		cmd := exec.CommandContext(ctx, "git", "crosslink", "lock", issue)
		like := w.command(who, "git")
		cmd.Dir, cmd.Env = like.Dir, like.Env
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Errorf("%s: %v", who, err)
		}
		return end{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
	}
	who := [2]string{"alice", "bob"}
	won := map[string]int{}
	start := time.Now()
	for i := 1; i <= races; i++ {
		issue := fmt.Sprint(i)
		var ends [2]end
		var both sync.WaitGroup
		for k := range who {
			both.Go(func() { ends[k] = lock(who[k], issue) })
		}
		both.Wait()
		winner := 0
		if ends[0].status != 0 {
			winner = 1
		}
		yes, no := ends[winner], ends[1-winner]
		got := saysLocked.FindStringSubmatch(yes.err)
		lost := saysWhose.FindStringSubmatch(no.err)
		if yes.status != 0 || no.status != 2 || got == nil || lost == nil || no.out != "" ||
			got[1] != issue || lost[1] != issue || lost[2] != who[winner]+"-1" || lost[3] != got[2] {
			t.Fatalf("race %d\nalice: %+v\nbob: %+v", i, ends[0], ends[1])
		}
		if won[who[winner]]++; i%100 == 0 {
			t.Logf("%d races in %s, won by %v", i, time.Since(start).Round(time.Millisecond), won)
		}
	}
	t.Logf("%d races in %s, won by %v", races, time.Since(start).Round(time.Millisecond), won)
	if !testkit.Settle(w.root) {
		t.Fatal("a process does not end")
	}
	for range 2 {
		w.git("alice", "crosslink", "sync")
		w.git("bob", "crosslink", "sync")
	}
	a, b := w.git("alice", "crosslink", "lock", "list", "--porcelain"), w.git("bob", "crosslink", "lock", "list", "--porcelain")
	if a != b || bytes.Count([]byte(a), []byte("\n"))+1 != races {
		t.Errorf("alice shows\n%s\nbob\n%s", a, b)
	}
}
