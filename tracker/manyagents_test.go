package tracker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// What a command does does not grow with the number of agents: it starts as many
// processes, reads as many lines, lists the refs as often, and reads them from one
// file.
func TestManyAgents(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	seen := map[int]string{}
	for _, agents := range []int{3, 250} {
		w := newWorld(t)
		w.keepFrom = 1
		alice := w.clone("alice")
		alice.init()
		alice.create("one")
		s := alice.open()
		status, err := s.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		l := git.NewPlumbing(w.hub, w.hub, refs.SHA1, w.env)
		var ups []refs.Update
		for n := range agents {
			c := event.Chain{Hub: status.Hub, Agent: fmt.Sprintf("agent-%03d", n)}
			line, err := c.Stamp(&event.Envelope{Body: &event.AgentIntroduced{Kind: event.Machine}}, event.TimeOf(time.Now()), 0)
			if err != nil {
				t.Fatal(err)
			}
			tip, err := refs.AppendLog(ctx, l, c.Agent, "", [][]byte{line}, refs.CommitInfo{Author: c.Agent, When: time.Now(), Message: "x"})
			if err != nil {
				t.Fatal(err)
			}
			ups = append(ups, refs.Update{Ref: refs.HubPrefix + refs.Agents + c.Agent, New: tip})
		}
		if err := l.Swap(ctx, ups); err != nil {
			t.Fatal(err)
		}
		l.Close()
		bob := w.clone("bob")
		bob.sync()
		bob.create("two")
		bob.readsWith()
		does := ""
		for _, c := range []struct {
			name string
			do   func(*tracker.Tracker) error
		}{
			{"list", func(tr *tracker.Tracker) error { _, err := tr.Read(ctx, tracker.Offline); return err }},
			{"new", emits(func(tr *tracker.Tracker) event.Body {
				return &event.IssueCreated{UUID: tr.MintUUID(), Title: "more", Priority: event.Low, CreatedBy: "bob"}
			})},
			{"sync", func(tr *tracker.Tracker) error { _, err := tr.Sync(ctx, tracker.SyncOptions{}); return err }},
			{"sync of one event", func(tr *tracker.Tracker) error { _, err := tr.Sync(ctx, tracker.SyncOptions{}); return err }},
		} {
			if c.name == "sync of one event" {
				alice.create("three")
			}

			trace := filepath.Join(w.dir, c.name+".trace")
			tr := bob.open("GIT_TRACE2_EVENT=" + trace)
			lists := tr.Listings()
			if err := c.do(tr); err != nil {
				t.Fatalf("%s with %d agents: %v", c.name, agents, err)
			}
			does += fmt.Sprintln(c.name, tr.LinesRead(), "lines", tr.CursorsRead(), "cursors", lists)
			tr.Close()
			if _, err := os.Stat(trace); err == nil {
				does += fmt.Sprintln(show(traced(t, trace)))
			}
		}
		files, err := filepath.Glob(filepath.Join(bob.replica(), "refs", "*", "agents", "*"))
		if err != nil || agents > 200 && len(files) > 4 {
			t.Errorf("%d refs of %d agents are files of their own, %v: %v", len(files), agents, err, files[:min(len(files), 3)])
		}
		seen[agents] = does
	}
	if seen[3] != seen[250] {
		t.Errorf("with 3 agents:\n%s\nwith 250:\n%s", seen[3], seen[250])
	}
	t.Log(seen[3])
}
