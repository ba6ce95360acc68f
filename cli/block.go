package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newBlockCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "block", Category: frame.GroupIssues,
		Usage:     "let an issue wait for others",
		UsageText: "git crosslink block [<options>] <id> <blocker>…",
		Description: `Says that the first issue waits for each of the others: it is not ready before
they are closed. What would close a cycle is refused.

Examples:
  git crosslink block 12 7      # 12 waits for 7`,
		Flags: writeFlags(),
	}, func(u *urfave.Context) error {
		opts, err := elementOptionsOf(u, e, "the id of a blocker")
		if err != nil {
			return err
		}
		return runBlock(u.Context, opts, e)
	})
}

func runBlock(ctx context.Context, opts elementOptions, e *env) error {
	s := single{opts.id, opts.emit, func(_ hub, p tracker.Projection, i *store.Issue, said *said) (bodies []event.Body, _ error) {
		blockers, err := resolveAll(p, opts.words)
		if err != nil {
			return nil, err
		}
		for _, b := range blockers {
			if slices.Contains(i.BlockedBy, b.UUID) || slices.Contains(i.Cyclic, b.UUID) {
				said.add("%s waits for %s already", i.Name(), named(b))
				continue
			}
			waits := func(i *store.Issue) []event.UUID { return i.BlockedBy }
			if path := pathTo(p, b, i.UUID, waits); path != nil {
				return nil, cycle("wait for", i, path)
			}
			bodies = append(bodies, &event.DependencyAdded{Blocked: i.UUID, Blocker: b.UUID})
			said.add("%s waits for %s", i.Name(), named(b))
			if b.Status != event.Open {
				said.add("%s is %s, so it holds up nothing", b.Name(), b.Status)
			}
		}
		return bodies, nil
	}}
	return s.run(ctx, e)
}

// pathTo follows edges from one issue to another and returns the way, both ends
// included; nil if there is none.
func pathTo(p tracker.Projection, from *store.Issue, to event.UUID, edges func(*store.Issue) []event.UUID) []*store.Issue {
	came := map[event.UUID]*store.Issue{from.UUID: nil}
	queue := []*store.Issue{from}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		if i.UUID == to {
			var path []*store.Issue
			for ; i != nil; i = came[i.UUID] {
				path = append(path, i)
			}
			slices.Reverse(path)
			return path
		}
		for _, n := range known(p, edges(i)) {
			if _, seen := came[n.UUID]; !seen {
				came[n.UUID] = i
				queue = append(queue, n)
			}
		}
	}
	return nil
}

// cycle refuses an edge; path leads from its end back to its start.
func cycle(verb string, i *store.Issue, path []*store.Issue) *frame.Failure {
	if len(path) == 1 {
		return frame.Fatal("self-edge", fmt.Sprintf("issue '%s' cannot %s itself", i.Name(), verb))
	}
	names := []string{i.Name()}
	for _, o := range path {
		names = append(names, o.Name())
	}
	return frame.Fatal("cycle", fmt.Sprintf("issue '%s' cannot %s '%s': that closes a cycle, %s", i.Name(), verb, path[0].Name(), strings.Join(names, " → ")))
}

func newUnblockCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "unblock", Category: frame.GroupIssues,
		Usage:     "let an issue wait no longer",
		UsageText: "git crosslink unblock [<options>] <id> <blocker>…",
		Description: `Takes back that the first issue waits for each of the others.

Examples:
  git crosslink unblock 12 7`,
		Flags: writeFlags(),
	}, func(u *urfave.Context) error {
		opts, err := elementOptionsOf(u, e, "the id of a blocker")
		if err != nil {
			return err
		}
		return runUnblock(u.Context, opts, e)
	})
}

func runUnblock(ctx context.Context, opts elementOptions, e *env) error {
	s := single{opts.id, opts.emit, func(_ hub, p tracker.Projection, i *store.Issue, said *said) (bodies []event.Body, _ error) {
		blockers, err := resolveAll(p, opts.words)
		if err != nil {
			return nil, err
		}
		for _, b := range blockers {
			if !slices.Contains(i.BlockedBy, b.UUID) && !slices.Contains(i.Cyclic, b.UUID) {
				said.add("%s does not wait for %s", i.Name(), named(b))
				continue
			}
			bodies = append(bodies, &event.DependencyRemoved{Blocked: i.UUID, Blocker: b.UUID})
			said.add("%s waits no longer for %s", i.Name(), named(b))
		}
		return bodies, nil
	}}
	return s.run(ctx, e)
}
