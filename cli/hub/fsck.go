package hub

import (
	"context"
	"strconv"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newFsckCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "fsck", Category: frame.GroupHub,
		Usage:     "check the data of the tracker",
		UsageText: "git crosslink fsck [<options>]",
		Description: `Lists data that does not count: rejected events, logs that end early, are damaged or
were written by two clones, invalid steps of the ledger, decisions that the hub has
lost, and problems that the last fetch found on the hub. None of them needs a repair,
because every clone ignores them in the same way. In a pipe the
fields are kind, agent, sequence, commit and text.

--full checks the whole ledger and all logs again, without the results of earlier
checks.

The exit status is 1 if there is any finding.

Examples:
  git crosslink fsck
  git crosslink fsck --full --json`,
		Flags: append([]urfave.Flag{
			&urfave.BoolFlag{Name: "full", Usage: "check everything again"},
		}, frame.PorcelainFlags()...),
	}, func(u *urfave.Context) error {
		f, err := frame.FormsAlone(u, e.Terminal)
		if err != nil {
			return err
		}
		return runFsck(u.Context, u.Bool("full"), f, e)
	})
}

func runFsck(ctx context.Context, full bool, forms frame.Forms, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	r, err := repo.Fsck(ctx, full)
	if err != nil {
		return err
	}
	rec := forms.Records()
	for _, f := range r.Findings {
		rec.Add(f.Kind, f.Agent, numberOrNothing(f.Seq), f.Step, f.Text)
	}
	e.Progress("checked %s, %s and %s of the ledger", frame.Count(r.Logs, "log"), frame.Count(int(r.Events), "event"), frame.Count(int(r.Sequence), "step"))
	a := frame.Result{Data: answer.FsckOf(r), Long: true, Page: func(pg *frame.Page) { findingTable(pg, r.Findings) }}
	if forms.ForScripts() {
		a.Records = rec
	}
	if len(r.Findings) > 0 {
		a.Failure = frame.AnswersNo("findings", frame.Count(len(r.Findings), "finding"))
	}
	return e.Print(ctx, a)
}

func numberOrNothing(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

func findingTable(pg *frame.Page, findings []tracker.Finding) {
	t := &frame.Table{Header: []string{"kind", "agent", "at", "commit", "what"}, Flex: 4}
	for _, f := range findings {
		t.Add(frame.Problem.Cell(f.Kind), frame.Agent.Cell(f.Agent), frame.Plain.Cell(numberOrNothing(f.Seq)), frame.Plain.Cell(f.Step[:min(12, len(f.Step))]), frame.Plain.Cell(f.Text))
	}
	t.Write(pg)
}
