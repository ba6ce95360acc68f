package tracker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/migrate"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/memory"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// The test binary is also the program that writes: started with workEnv set it
// does what that says, in the current directory, and prints "ok <uuid>" for
// each event once it is acknowledged.
const workEnv = "TRACKER_TEST_WORK"

func TestMain(m *testing.M) {
	if work := os.Getenv(workEnv); work != "" {
		if err := doWork(strings.Fields(work)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := testkit.Main(m)
	tracker.ReportCompared()
	os.Exit(code)
}

func doWork(words []string) error {
	ctx := context.Background()
	switch words[0] {
	case "gate":
		return passGate(words[1:])
	case "sync":
		t, err := tracker.Open(ctx, tracker.Options{})
		if err != nil {
			return err
		}
		defer t.Close()
		_, err = t.Sync(ctx, tracker.SyncOptions{})
		return err
	case "migrate":
		t, err := tracker.Open(ctx, tracker.Options{})
		if err != nil {
			return err
		}
		defer t.Close()
		r, release, err := t.Migration(ctx, false, nil)
		if err != nil {
			return err
		}
		defer release()
		_, err = r.Run(ctx, migrate.Options{})
		return err
	case "fold":
		t, err := tracker.Open(ctx, tracker.Options{})
		if err != nil {
			return err
		}
		defer t.Close()
		_, err = t.Fold(ctx, tracker.Folding{})
		return err
	case "measure":
		return measure(ctx)
	case "forever":
		for i := 0; ; i++ {
			if err := work(ctx, "create", fmt.Sprintf("%s-%d", words[1], i)); err != nil {
				return err
			}
		}
	}
	return work(ctx, words...)
}

func work(ctx context.Context, words ...string) error {
	t, err := tracker.Open(ctx, tracker.Options{})
	if err != nil {
		return err
	}
	defer t.Close()
	u := t.MintUUID()
	_, err = t.Emit(ctx, tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
		if words[0] == "comment" {
			issue, err := uuid.Parse(words[1])
			return []event.Body{&event.CommentAdded{Issue: issue, Comment: u, Author: t.Agent(), Content: words[2],
				CreatedAt: event.TimeOf(time.Now()), Kind: "note"}}, err
		}
		return []event.Body{&event.IssueCreated{UUID: u, Title: words[1], Priority: event.Low, CreatedBy: t.Agent()}}, nil
	})
	if err != nil {
		return err
	}
	_, err = fmt.Printf("ok %s\n", u)
	return err
}

// process prepares a worker of the clone.
func (c *clone) process(work string, more ...string) *exec.Cmd {
	c.w.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		c.w.t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Dir = c.dir
	cmd.Env = append(append([]string{workEnv + "=" + work, "GIT_CROSSLINK_AGENT=" + c.name}, c.w.env...), more...)
	return cmd
}

// acknowledged are the uuids a worker said ok to.
func acknowledged(t *testing.T, out []byte) []event.UUID {
	t.Helper()
	var us []event.UUID
	for line := range bytes.Lines(out) {
		s, ok := strings.CutPrefix(strings.TrimSuffix(string(line), "\n"), "ok ")
		if !ok || !bytes.HasSuffix(line, []byte("\n")) {
			continue // cut off by the kill: nobody was told
		}
		u, err := uuid.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		us = append(us, u)
	}
	return us
}

// sound fails unless replica and hub are in order: objects clean, the own log
// on the hub and here one chain without gap, and no uuid said twice in it.
func (c *clone) sound() {
	c.w.t.Helper()
	here, hub := c.checked()
	if len(hub) > len(here) {
		here, hub = hub, here
	}
	for i := range hub {
		if hub[i] != here[i] {
			c.w.t.Fatalf("the own log forked at line %d:\n%s\n%s", i+1, here[i], hub[i])
		}
	}
	seen := map[event.UUID]bool{}
	chain := event.Chain{Hub: "", Agent: c.name}
	for i, line := range here {
		if i == 0 {
			e, err := event.Decode([]byte(line))
			if err != nil {
				c.w.t.Fatal(err)
			}
			chain.Hub = e.Hub
		}
		e, err := chain.Next([]byte(line))
		if err != nil {
			c.w.t.Fatalf("line %d: %v", i+1, err)
		}
		if made, ok := e.Body.(*event.IssueCreated); ok {
			if seen[made.UUID] {
				c.w.t.Fatalf("issue %s was created twice", made.UUID)
			}
			seen[made.UUID] = true
		}
	}
}

// checked are the lines of the own log here and on the hub, whose objects are in
// order.
func (c *clone) checked() (here, hub []string) {
	c.w.t.Helper()
	name := "refs/heads/crosslink/agents/" + c.name
	if c.memory == nil {
		replica := c.replica()
		c.fsck(replica)
		c.fsck(c.w.hub)
		return c.logLines(replica, name), c.logLines(c.w.hub, name)
	}
	r, err := c.memory.OpenWhole()
	if err != nil {
		c.w.t.Fatal(err)
	}
	defer r.Close()
	lines := func(l *memory.Local) (lines []string) {
		tip := tipsOf(c.w.t, l, name)[name]
		if tip == "" {
			return nil
		}
		log, err := refs.ReadLog(context.Background(), l, c.name, tip, 1)
		if err := errors.Join(err, l.Fsck()); err != nil || log.Bad != "" {
			c.w.t.Fatal(log.Bad, err)
		}
		for _, line := range log.Lines {
			lines = append(lines, string(line))
		}
		return lines
	}
	return lines(r.Local().(*memory.Local)), lines(c.w.memory.Local)
}

func (c *clone) replica() string { return c.dir + "/.git/crosslink/replica.git" }

func (c *clone) fsck(repo string) {
	c.w.t.Helper()
	out := c.w.git(c.w.dir, "--git-dir="+repo, "fsck", "--strict", "--no-dangling", "--no-progress")
	if strings.TrimSpace(out) != "" {
		c.w.t.Fatalf("git fsck: %s", out)
	}
}

// logLines reads a log with git alone.
func (c *clone) logLines(repo, ref string) []string {
	c.w.t.Helper()
	if c.w.git(c.w.dir, "--git-dir="+repo, "for-each-ref", ref) == "" {
		return nil
	}
	var lines []string
	for _, name := range splitLines(c.w.git(c.w.dir, "--git-dir="+repo, "ls-tree", "-r", "--name-only", ref, "events/")) {
		lines = append(lines, splitLines(c.w.git(c.w.dir, "--git-dir="+repo, "show", ref+":"+name))...)
	}
	return lines
}
