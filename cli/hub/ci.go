package hub

import (
	"context"
	"fmt"
	"slices"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

func newCICommand(e *command.Env) *urfave.Command {
	return &urfave.Command{
		Name: "ci", Category: frame.GroupAgents, HideHelp: true,
		Usage:     "report and list results of CI jobs",
		UsageText: "git crosslink ci report [<options>] <state>\ngit crosslink ci list [<options>]",
		Description: `Records the latest result of each CI job on each branch. The dashboard raises an
alert when a job fails on the default branch.

Examples:
  git crosslink ci report passing
  git crosslink ci list`,
		Subcommands: []*urfave.Command{newCIReportCommand(e), newCIListCommand(e)},
	}
}

func newCIReportCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "report", Usage: "report the result of a CI job",
		UsageText: "git crosslink ci report [<options>] <state>",
		Description: `Reports the result of a job for a commit: passing, failing or pending. For each job
and branch the newest report counts. Many CI services check out a commit without a
branch; in these, name the branch with --branch. A CI job needs GIT_CROSSLINK_AGENT.

Examples:
  git crosslink ci report passing
  git crosslink ci report --job lint --branch main --url https://ci.example.com/12 failing`,
		Flags: append([]urfave.Flag{
			&urfave.StringFlag{Name: "job", Value: "ci", Usage: "`NAME` of the job"},
			&urfave.StringFlag{Name: "branch", Usage: "the `BRANCH` that the job ran on (default: the current branch)"},
			&urfave.StringFlag{Name: "commit", Value: "HEAD", Usage: "the `COMMIT` that the job ran on"},
			&urfave.StringFlag{Name: "url", Usage: "`URL` of a page about the run"},
		}, command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		states := make([]string, len(event.CheckStates))
		for k, s := range event.CheckStates {
			states[k] = string(s)
		}
		args, err := frame.Arguments(u, 1, 1, "the result of the job: passing, failing or pending")
		if err != nil {
			return err
		}
		o, err := e.EmitOptions(u)
		if err != nil {
			return err
		}
		if !slices.Contains(states, args[0]) {
			return frame.BadValue("state", args[0], states)
		}
		return runCIReport(u.Context, event.StatusReported{Context: u.String("job"), Branch: u.String("branch"), Commit: u.String("commit"),
			State: event.CheckState(args[0]), URL: u.String("url")}, o, e)
	})
}

func runCIReport(ctx context.Context, b event.StatusReported, o tracker.EmitOptions, e *command.Env) (err error) {
	if b.Branch == "" {
		if b.Branch, err = e.Git(ctx, "symbolic-ref", "--quiet", "--short", "HEAD"); err != nil {
			return frame.Misuse("no branch is checked out: name the branch of the job with '--branch'")
		}
	}
	name := b.Commit
	if b.Commit, err = e.Git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}"); err != nil {
		return frame.Misuse("there is no commit '%s' here", name)
	}
	r, err := e.Emit(ctx, o, func(_ *command.Repository, p tracker.Projection) ([]event.Body, error) { return verb.Report(p, b) })
	if err != nil {
		return err
	}
	is, err := verb.ReportOf(r.View, b.Context, b.Branch)
	if err != nil {
		return err
	}
	if is == nil { // written, but not visible: this agent's events do not count
		is = &reducer.Report{Context: b.Context, Branch: b.Branch, Commit: b.Commit, State: b.State, URL: b.URL, By: r.Agent}
	}
	if len(r.Lines) == 0 {
		e.Progress("already reported: %s", reportText(is))
	} else {
		e.Progress("reported: %s", reportText(is))
	}
	return e.Print(ctx, frame.Result{Data: answer.ReportWrite{Report: answer.ReportOf(is), Write: answer.WriteOf(r)}, IDs: []string{is.Context}, Failure: command.Unconfirmed(r, o)})
}

// reportText is a report in a sentence.
func reportText(r *reducer.Report) string {
	return fmt.Sprintf("'%s' is %s on %s (%.12s)", frame.OneLine(r.Context), r.State, frame.OneLine(r.Branch), r.Commit)
}

func newCIListCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "list", Usage: "list the latest results of CI jobs",
		UsageText: "git crosslink ci list [<options>]",
		Description: `Lists the latest result of each job on each branch. In a pipe the fields are
job, branch, state, commit, when and URL.

Examples:
  git crosslink ci list`,
		Flags: frame.ListFlags(),
	}, func(u *urfave.Context) error {
		f, err := frame.ListAlone[answer.Report](u, e.Terminal)
		if err != nil {
			return err
		}
		return runCIList(u.Context, f, e)
	})
}

func runCIList(ctx context.Context, l frame.List, e *command.Env) error {
	var all []*reducer.Report
	err := e.Read(ctx, tracker.Here, func(_ *command.Repository, p tracker.Projection) (err error) {
		all, err = p.Reports()
		return err
	})
	if err != nil {
		return err
	}
	shapes := make([]answer.Report, len(all))
	for k, r := range all {
		shapes[k] = answer.ReportOf(r)
	}
	a, err := frame.ResultOf(l, "report", shapes, func(_ int, r *answer.Report) frame.ListRow {
		return frame.ListRow{Key: r.Context + " " + r.Branch, ID: r.Context,
			Fields: []string{r.Context, r.Branch, r.State, r.Commit, r.At, answer.OrEmpty(r.URL), r.By}}
	}, func(pg *frame.Page, from, to int) { reportTable(e, pg, all[from:to]) })
	if err != nil {
		return err
	}
	return e.Print(ctx, a)
}

func reportTable(e *command.Env, pg *frame.Page, all []*reducer.Report) {
	t := &frame.Table{Header: []string{"job", "branch", "state", "commit", "when", "url"}, Flex: 5, Drop: []int{3, 4}}
	for _, r := range all {
		when := e.Ago(r.At)
		if pg.Width == 0 {
			when = r.At.Std().Format(time.RFC3339)
		}
		t.Add(frame.Plain.Cell(r.Context), frame.Plain.Cell(r.Branch), frame.Plain.Cell(string(r.State)), frame.Plain.Cell(r.Commit[:min(12, len(r.Commit))]), frame.Time.Cell(when), frame.Plain.Cell(r.URL))
	}
	t.Write(pg)
}
