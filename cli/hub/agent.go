package hub

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newAgentCommand(e *command.Env) *urfave.Command {
	return &urfave.Command{
		Name: "agent", Category: frame.GroupAgents, HideHelp: true,
		Usage:     "see who writes, and manage agents",
		UsageText: "git crosslink agent show [<options>]\ngit crosslink agent list [<options>]\ngit crosslink agent describe [<options>] <text>\ngit crosslink agent fork [<options>] [<new-id>]\ngit crosslink agent retire [<options>]\ngit crosslink agent fold [<options>]\ngit crosslink agent flags [<options>]",
		Description: `Each worktree writes under an agent id, to a log of its own. Two clones must not use
the same id. If two clones did, run 'agent fork' in one of them.

Examples:
  git crosslink agent show
  git crosslink agent fork`,
		Subcommands: []*urfave.Command{newAgentShow(e), newAgentList(e), newAgentDescribeCommand(e), newAgentFork(e), newAgentRetireCommand(e), newAgentFold(e), newAgentFlags(e)},
	}
}

func newAgentShow(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "show", Usage: "show the id that you write under",
		UsageText: "git crosslink agent show [<options>]",
		Description: `Prints the id that this worktree writes under, where the id is set (the environment
variable GIT_CROSSLINK_AGENT, the setting crosslink.agent, or the identity file that
the first write creates), the number of events in its log, the number of events that
are not on the hub, and a state: ok, forked (two clones wrote under this id),
damaged, retired, copied (the first write creates a new id) or none.

The exit status is 1 if there is no id yet.

Examples:
  git crosslink agent show`,
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		return runAgentShow(u.Context, e)
	})
}

func newAgentList(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "list", Usage: "list all agents",
		UsageText: "git crosslink agent list [<options>]",
		Description: `Lists all agents: id, kind (person or agent), number of events, when the agent was
last seen, its state and description, and on a terminal its name. In a pipe the
fields are id, kind, events, last seen, and state with description. A name is what
the agent calls itself (crosslink.name), not an identity.

Examples:
  git crosslink agent list`,
		Flags: frame.ListFlags(),
	}, func(u *urfave.Context) error {
		f, err := frame.ListAlone[answer.Agent](u, e.Terminal)
		if err != nil {
			return err
		}
		return runAgentList(u.Context, f, e)
	})
}

func newAgentFork(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "fork", Usage: "continue under a new id with the unsent events",
		UsageText: "git crosslink agent fork [<options>] [<new-id>]",
		Description: `Moves the events that the hub does not have to a log under a new id, and prints that
id. Use it

  - if two clones have written under the same id: the hub keeps the events of one
    clone, and the other clone cannot write until it has an id of its own;
  - if the hub refuses an event, for example because its text contains a password:
    --without leaves that event out, and the others can be sent;
  - if this machine's clock was ahead: events with a future time get a new time;
  - if the log is signed, and its key is lost or locked: unsigned events in such a
    log do not count.

Uuids stay the same. Claims of locks are not moved. Comments and issues that one of
the moved events deletes are not moved either. --without takes the number of an event
('git crosslink status' lists the events that the hub refuses), or the first digits
of the uuid of the comment or issue that the event created. Events that depend on it,
such as comments on that issue, are left out as well, and the command lists them.

If you give no id, the command creates one. If crosslink.agent sets the id, the
command sets the new id in the configuration of this clone. If the environment sets
the id, the command prints the new value to set.

The exit status is 1 if there is nothing to move and the key can sign.

Examples:
  git crosslink agent fork
  git crosslink agent fork builder-2
  git crosslink agent fork --without 2 --without 3`,
		Flags: []urfave.Flag{&urfave.StringSliceFlag{Name: "without", Usage: "leave out `EVENT`, given by its number or uuid; may be repeated"}},
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 0, 1, "at most one new id")
		if err != nil {
			return err
		}
		newID := ""
		if len(args) == 1 {
			if newID = args[0]; newID == "" {
				return frame.Misuse("the new id is empty")
			}
		}
		return runAgentFork(u.Context, newID, u.StringSlice("without"), e)
	})
}

func runAgentShow(ctx context.Context, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	w, err := repo.Who(ctx)
	if err != nil {
		return err
	}
	a := frame.Result{Data: answer.WhoOf(w)}
	switch w.State {
	case tracker.AgentNone:
		a.Failure = frame.AnswersNo("no-agent", "nobody has written here yet", "the first write creates an id; to choose it: git config crosslink.agent <id>")
	case tracker.AgentCopied:
		a.Failure = frame.AnswersNo("no-agent", "this repository is a copy: the first write creates a new id", "to choose it: git config crosslink.agent <id>")
	default:
		a.IDs = []string{w.Agent}
	}
	a.Page = func(pg *frame.Page) {
		if w.Agent == "" {
			return
		}
		pg.Print("%s\n", pg.Paint(frame.Agent, w.Agent))
		if name := event.DisplayName(w.Name); name != "" {
			pg.Print("    name: %s\n", name)
		}
		pg.Print("    set by %s\n", map[string]string{"environment": "the environment variable ", "config": "the setting ", "file": ""}[w.Source]+w.Where)
		if w.Description != "" {
			first, _, _ := strings.Cut(w.Description, "\n")
			pg.Print("    %s\n", first)
		}
		if w.State != tracker.AgentForked { // 'fork' counts the unsent events of a fork
			pg.Print("    %s, %d not on the hub\n", frame.Count(int(w.Events), "event"), w.Unsent)
		}
		switch w.State {
		case tracker.AgentForked:
			pg.Print("    %s two clones wrote under this id (git crosslink agent fork)\n", pg.Paint(frame.Problem, "forked:"))
		case tracker.AgentRetired:
			pg.Print("    %s writes are refused until another id is set there\n", pg.Paint(frame.Problem, "retired:"))
		case tracker.AgentDamaged:
			pg.Print("    %s its log cannot be read to the end (git crosslink status)\n", pg.Paint(frame.Problem, "damaged:"))
		}
	}
	return e.Print(ctx, a)
}

func runAgentList(ctx context.Context, l frame.List, e *command.Env) error {
	var (
		s   *tracker.Status
		all []answer.Agent
	)
	err := e.Read(ctx, tracker.Here, func(repo *command.Repository, p tracker.Projection) (err error) {
		if s, err = repo.Status(ctx); err != nil {
			return err
		}
		known := map[string]*reducer.Agent{}
		for _, a := range p.Agents() {
			known[a.ID] = a
		}
		all = []answer.Agent{}
		for _, l := range s.Logs {
			x := answer.AgentOf(l, known[l.Agent], p.LastSign(l.Agent))
			x.Presence = answer.PresenceOf(p, l.Agent)
			all = append(all, x)
		}
		return nil
	})
	if err != nil {
		return err
	}
	a, err := frame.ResultOf(l, "agent", all, func(_ int, x *answer.Agent) frame.ListRow {
		return frame.ListRow{Key: x.Agent, ID: x.Agent, Fields: []string{x.Agent, answer.OrEmpty(x.Kind), strconv.FormatUint(x.Events, 10),
			strconv.Itoa(x.Unsent), answer.OrEmpty(x.LastSign), answer.OrEmpty(x.RetiredAt), strconv.FormatBool(x.Own)}}
	}, func(pg *frame.Page, from, to int) { agentTable(e, pg, all[from:to]) })
	if err != nil {
		return err
	}
	return e.Print(ctx, a)
}

func agentTable(e *command.Env, pg *frame.Page, all []answer.Agent) {
	t := &frame.Table{Header: []string{"agent", "kind", "events", "last seen", "", "name"}, Flex: 4, Shrink: []int{5}, Drop: []int{2, 1, 3}}
	for _, x := range all {
		last, says := "", agentText(x)
		if at, err := event.ParseTime(answer.OrEmpty(x.LastSign)); err == nil {
			if last = e.Ago(at); pg.Width == 0 {
				last = at.Std().Format(time.RFC3339)
			}
		}
		cells := []frame.Cell{frame.Agent.Cell(x.Agent), frame.Plain.Cell(answer.OrEmpty(x.Kind)), frame.Plain.Cell(fmt.Sprint(x.Events)), frame.Time.Cell(last), frame.Plain.Cell(says)}
		if pg.Width > 0 {
			cells = append(cells, frame.Agent.Cell(answer.OrEmpty(x.Name)))
		}
		t.Add(cells...)
	}
	t.Write(pg)
}

// agentText describes an agent in a few words.
func agentText(x answer.Agent) string {
	var words []string
	if x.Archived {
		words = append(words, "archived")
	} else if x.RetiredAt != nil {
		words = append(words, "retired")
	} else if x.Presence != nil && x.LastSign != nil && x.Presence.Seen == *x.LastSign {
		words = append(words, x.Presence.State)
	}
	if first, _, _ := strings.Cut(answer.OrEmpty(x.Description), "\n"); first != "" {
		words = append(words, first)
	}
	return strings.Join(words, ", ")
}

func runAgentFork(ctx context.Context, newID string, without []string, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	f, err := repo.Fork(ctx, newID, without...)
	if err != nil {
		return err
	}
	e.Progress("moved %s from '%s' to '%s'; the next sync sends them", frame.Count(f.Carried, "event"), f.Was, f.Agent)
	for _, w := range f.Withdrawn {
		e.Progress("left out event %d (%s)", w.Seq, w.Type)
	}
	for _, u := range f.Locks {
		e.Warn("lock-left", fmt.Sprintf("the lock on %s stays with '%s'", u.String()[:8], f.Was),
			fmt.Sprintf("git crosslink unlock --break --reason 'continues as %s' %s", f.Agent, u.String()[:8]))
	}
	set, sync := hints.SetAgent(f.Agent, f.Scope)
	if f.Scope == "environment" {
		e.Progress("use it from now on: %s", set)
	}
	e.ProgressHint(sync)
	return e.Print(ctx, frame.Result{Data: answer.ForkedOf(f, set), IDs: []string{f.Agent}})
}
