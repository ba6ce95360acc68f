package hub

import (
	"context"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/fail"
)

// examination checks one subject that the tracker does not know: hooks, the remote helper,
// completion. The rules of tracker/doctor.go apply.
type examination struct {
	subject string
	look    func(context.Context, *command.Env, *command.Repository) ([]answer.Diagnosis, error)
}

// examinations come after the tracker's own checks, in this order.
var examinations = []examination{
	{"the remote helper", examineHelper},
	{"the hooks", examineHooks},
}

func newDoctorCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "doctor", Category: frame.GroupHub,
		Usage:     "find problems that keep the tracker from working",
		UsageText: "git crosslink doctor [<options>]",
		Description: `Checks everything that can keep the tracker from working: the agent, the hub and
whether it accepts pushes, the logs, the ledger and the clocks. This command contacts
the hub and changes nothing. Each finding has a hint that shows the fix. A 'problem'
keeps something from working, a 'warning' may become a problem, and a 'note' is only
information.

With --porcelain the fields are severity, name, text and one field for each hint.

The exit status is 1 if there is a problem or a warning.

Examples:
  git crosslink doctor
  git crosslink doctor --offline --json`,
		Flags: frame.PorcelainFlags(),
	}, func(u *urfave.Context) error {
		f, err := frame.FormsAlone(u, e.Terminal)
		if err != nil {
			return err
		}
		return runDoctor(u.Context, f, e)
	})
}

func diagnosisShapes(all []fail.Diagnosis) []answer.Diagnosis {
	shapes := []answer.Diagnosis{}
	for _, d := range all {
		shapes = append(shapes, answer.Diagnosis{Name: d.Code.Name(), Severity: string(d.Severity), Text: hints.Text(d.Code, d.Text), Hints: append([]string{}, hints.For(d.Code, d.Fields)...)})
	}
	return shapes
}

func runDoctor(ctx context.Context, f frame.Forms, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	r, err := repo.Doctor(ctx, e.Offline)
	if err != nil {
		return err
	}
	looked, findings := append([]string{}, r.Looked...), diagnosisShapes(r.Findings)
	for _, x := range examinations {
		more, err := x.look(ctx, e, repo)
		if err != nil {
			return err
		}
		looked, findings = append(looked, x.subject), append(findings, more...)
	}
	shown, total := answer.Listed(findings, r.Unlisted)
	wrong := answer.Wrong(findings) + r.Unlisted
	a := frame.Result{Data: answer.Doctor{Looked: looked, Reached: r.Reached, Findings: shown, Total: total}, Long: true, Page: func(pg *frame.Page) { diagnosisPage(pg, shown) }}
	if f.ForScripts() {
		a.Records = diagnosisRecords(f, shown)
	}
	if wrong > 0 {
		a.Failure = frame.AnswersNo("findings", frame.Count(wrong, "finding"))
	} else {
		e.Progress("no problems found") // the list of checks grows, and is in the JSON
	}
	return e.Print(ctx, a)
}

func diagnosisRecords(f frame.Forms, findings []answer.Diagnosis) *frame.Records {
	rec := f.Records()
	for _, d := range findings {
		rec.Add(d.Severity, d.Name, d.Text, strings.Join(d.Hints, "; "))
	}
	return rec
}

func diagnosisPage(pg *frame.Page, findings []answer.Diagnosis) {
	for _, d := range findings {
		slot := frame.Problem
		if d.Severity == string(fail.Note) {
			slot = frame.Note
		}
		pg.Print("%s %s\n", pg.Paint(slot, d.Severity+":"), d.Text)
		for _, h := range d.Hints {
			pg.Print("    hint: %s\n", h)
		}
	}
}
