package cli

import (
	"context"
	"strconv"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newFsckCommand(e *env) *urfave.Command {
	return e.command(&urfave.Command{
		Name: "fsck", Category: groupHub,
		Usage:     "look for what is wrong with the tracker",
		UsageText: "git crosslink fsck [<options>]",
		Description: `Lists what is not believed of what is here: events that are rejected, logs that
end early, that two clones wrote under one id or that are damaged, steps of the
ledger that do not follow from the events, decisions that the hub has lost, and
what the last fetch found wrong with the hub. Nothing of it needs a repair:
everybody passes over it in the same way. In a pipe the fields are kind, agent,
sequence, commit and text.

--full judges the ledger again from its first step, whatever was judged before,
and walks all logs, also those that are not in view.

The exit status is 1 if there is any finding.

Examples:
  git crosslink fsck
  git crosslink fsck --full --json`,
		Flags: append([]urfave.Flag{
			&urfave.BoolFlag{Name: "full", Usage: "trust nothing that was judged before"},
		}, porcelainFlags()...),
	}, func(u *urfave.Context) error {
		if _, err := arguments(u, 0, 0, ""); err != nil {
			return err
		}
		f, err := formsOf(u, e)
		if err != nil {
			return err
		}
		return runFsck(u.Context, u.Bool("full"), f, e)
	})
}

// findingShape is one finding in JSON.
type findingShape struct {
	Kind  string  `json:"kind"`
	Agent *string `json:"agent"`
	Seq   *uint64 `json:"seq"`
	Step  *string `json:"step"`
	Text  string  `json:"text"`
}

type fsckShape struct {
	Full     bool           `json:"full"`
	Logs     int            `json:"logs"`
	Events   uint64         `json:"events"`
	Sequence uint64         `json:"sequence"`
	Findings []findingShape `json:"findings"`
}

func runFsck(ctx context.Context, full bool, forms forms, e *env) error {
	h, err := e.hub(ctx)
	if err != nil {
		return err
	}
	r, err := h.Fsck(ctx, full)
	if err != nil {
		return err
	}
	doc := fsckShape{r.Full, r.Logs, r.Events, r.Sequence, []findingShape{}}
	rec := &records{form: &forms}
	for _, f := range r.Findings {
		x := findingShape{f.Kind, textOrNull(f.Agent), nil, textOrNull(f.Step), f.Text}
		if f.Seq != 0 {
			x.Seq = &f.Seq
		}
		doc.Findings = append(doc.Findings, x)
		rec.add(f.Kind, f.Agent, numberOrNothing(f.Seq), f.Step, f.Text)
	}
	e.talk("looked at %s, %s and %s of the ledger", count(r.Logs, "log"), count(int(r.Events), "event"), count(int(r.Sequence), "step"))
	a := answer{data: doc, pager: true, page: func(pg *page) { findingTable(pg, r.Findings) }}
	if forms.forScripts() {
		a.records = rec
	}
	if len(r.Findings) > 0 {
		a.no = frame.AnswersNo("findings", count(len(r.Findings), "finding"))
	}
	return e.say(ctx, a)
}

func numberOrNothing(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

func findingTable(pg *page, findings []tracker.Finding) {
	t := &table{header: []string{"kind", "agent", "at", "commit", "what"}, flex: 4}
	for _, f := range findings {
		t.add(cell{f.Kind, slotProblem}, cell{f.Agent, slotAgent}, cell{numberOrNothing(f.Seq), plain}, cell{f.Step[:min(12, len(f.Step))], plain}, cell{f.Text, plain})
	}
	t.write(pg)
}
