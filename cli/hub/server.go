package hub

import (
	"context"
	"fmt"
	"os"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/gate"
)

func newServerCommand(e *command.Env) *urfave.Command {
	install := e.Command(&urfave.Command{
		Name: "install", Usage: "put a gate before the tracker's branches",
		UsageText: "git crosslink server install [<options>]",
		Description: `In the bare repository that others push to: puts a pre-receive hook in place that
checks every push to the tracker's branches, and says that this repository is a
hub (crosslink.hub). Branches of code are not looked at. A hook that is there goes
on: it is called behind the gate, with the same input. Doing it twice does it once.

A push in which something is refused is refused as a whole, code included. With
--per-ref the gate is a proc-receive hook (git 2.29), which is started only if
tracker branches are pushed and refuses those alone.

Examples:
  git crosslink -C hub.git server install
  git crosslink -C hub.git server install --per-ref`,
		Flags: []urfave.Flag{&urfave.BoolFlag{Name: "per-ref", Usage: "refuse single branches, not whole pushes"}},
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		mode := gate.Whole
		if u.Bool("per-ref") {
			mode = gate.PerRef
		}
		return runServerInstall(u.Context, mode, e)
	})
	check := e.Command(&urfave.Command{
		Name: "check", Usage: "see how the gate stands",
		UsageText: "git crosslink server check [<options>]",
		Description: `Looks at the hook, its settings, the program it starts, and what the hub's policy
lets through. In a pipe the fields are severity, name, text and hint.

The exit status is 1 if there is a problem or a warning.

Examples:
  git crosslink -C hub.git server check`,
		Flags: frame.PorcelainFlags(),
	}, func(u *urfave.Context) error {
		f, err := frame.FormsAlone(u, e.Terminal)
		if err != nil {
			return err
		}
		return runServerCheck(u.Context, f, e)
	})
	uninstall := e.Command(&urfave.Command{
		Name: "uninstall", Usage: "take the gate away",
		UsageText: "git crosslink server uninstall [<options>]",
		Description: `Takes the hook and its settings away. A hook that was there before stands in its
place again; hooks and configuration are byte for byte what they were.

Examples:
  git crosslink -C hub.git server uninstall`,
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		return runServerUninstall(u.Context, e)
	})
	return &urfave.Command{
		Name: "server", Category: frame.GroupHub, HideHelp: true,
		Usage:     "guard a hub that you run yourself",
		UsageText: "git crosslink server install [<options>]\ngit crosslink server check [<options>]\ngit crosslink server uninstall [<options>]",
		Description: `On a server where hooks can be installed a gate checks what is pushed to the
tracker's branches: lines are only added, by their writer, in order, and nothing is
deleted or rewound. Where there is no gate the clones verify everything themselves;
'git crosslink doctor' names the rule to set on a hosted forge.

Examples:
  git crosslink server check
  git crosslink -C hub.git server install`,
		Subcommands: []*urfave.Command{install, check, uninstall},
	}
}

// self is the path of this program, "" if nobody knows.
func self() string {
	program, err := os.Executable()
	if err != nil {
		return ""
	}
	return program
}

type serverInstallShape struct {
	Hub     string  `json:"hub"`
	Mode    string  `json:"mode"`
	Hook    string  `json:"hook"`
	Kept    *string `json:"kept"`
	Already bool    `json:"already"`
}

func runServerInstall(ctx context.Context, mode string, e *command.Env) error {
	program := self()
	if program == "" {
		return frame.Fatal("no-program", "the path of this program is not known, so no hook can start it", "install it under a fixed path: ./install.sh")
	}
	e.IgnoreClosedPipe()
	r, err := gate.Install(ctx, "", mode, program, os.Environ())
	if err != nil {
		return err
	}
	what := "a push with something wrong in it is refused as a whole"
	if mode == gate.PerRef {
		what = "a branch with something wrong in it is refused alone"
	}
	if e.Saved = !r.Already; r.Already {
		e.Progress("the gate is in place already: '%s'", r.Hook)
	} else {
		e.Progress("the gate is in place: '%s'; %s", r.Hook, what)
		if r.Kept != "" {
			e.Progress("the hook that was there is called behind it: '%s'", r.Kept)
		}
	}
	return e.Print(ctx, frame.Result{Data: serverInstallShape{r.Hub, r.Mode, r.Hook, answer.TextOrNull(r.Kept), r.Already}})
}

type serverCheckShape struct {
	Hub      string             `json:"hub"`
	Mode     *string            `json:"mode"`
	Program  *string            `json:"program"`
	Level    int                `json:"level"`
	Signing  *string            `json:"signing"`
	Findings []answer.Diagnosis `json:"findings"`
	Total    int                `json:"findings_total"`
}

func runServerCheck(ctx context.Context, f frame.Forms, e *command.Env) error {
	r, err := gate.Inspect(ctx, "", self(), os.Environ())
	if err != nil {
		return err
	}
	findings := diagnosisShapes(r.Findings)
	shown, total := answer.Listed(findings, 0)
	doc := serverCheckShape{r.Hub, answer.TextOrNull(r.Mode), answer.TextOrNull(r.Program), r.Level, answer.TextOrNull(r.Signing), shown, total}
	if r.Mode != "" {
		e.Progress("the gate of '%s' is a %s hook", r.Hub, r.Mode)
	}
	a := frame.Result{Data: doc, Page: func(pg *frame.Page) { diagnosisPage(pg, shown) }}
	if f.ForScripts() {
		a.Records = diagnosisRecords(f, shown)
	}
	if wrong := answer.Wrong(findings); wrong > 0 {
		a.Failure = frame.AnswersNo("findings", frame.Count(wrong, "finding"))
	}
	return e.Print(ctx, a)
}

type serverUninstallShape struct {
	Hub     string  `json:"hub"`
	Back    *string `json:"back"`
	Left    *string `json:"left"`
	Already bool    `json:"already"`
}

func runServerUninstall(ctx context.Context, e *command.Env) error {
	e.IgnoreClosedPipe()
	r, err := gate.Uninstall(ctx, "", os.Environ())
	if err != nil {
		return err
	}
	e.Saved = !r.Already
	switch {
	case r.Already:
		e.Progress("there is no gate in '%s'", r.Hub)
	case r.Back != "":
		e.Progress("the gate is gone; the hook that was there before stands in its place again: '%s'", r.Back)
	default:
		e.Progress("the gate is gone from '%s'", r.Hub)
	}
	if r.Left != "" {
		e.Progress("another hook stands where the gate did; the one before it is left as '%s'", r.Left)
	}
	return e.Print(ctx, frame.Result{Data: serverUninstallShape{r.Hub, answer.TextOrNull(r.Back), answer.TextOrNull(r.Left), r.Already}})
}

// maxRefused bounds how many refusals are printed one by one.
const maxRefused = 20

// gateHook is the gate at work: git calls it on the server, while somebody
// pushes. What it says goes to stderr, which git carries to the one who pushes.
// Whatever goes wrong, nothing is let through that was not judged.
func gateHook(ctx context.Context, e *command.Env, mode string) int {
	dir, err := os.Getwd()
	var refused []*gate.Refusal
	if err == nil {
		h := gate.Hook{Dir: dir, Environ: os.Environ(), Now: e.Now(), In: e.In, Out: e.Out, Advice: hints.For}
		if mode == gate.PerRef {
			// git tells the reasons itself, ref by ref
			if _, err = gate.ProcReceive(ctx, h); err == nil {
				return frame.ExitDone
			}
		} else {
			refused, err = gate.PreReceive(ctx, h)
		}
	}
	if err != nil {
		return e.Conclude(ctx, frame.No("gate", fmt.Sprintf("refused: the gate of the tracker's branches cannot judge this push: %v", err), "ask the owner of this hub to look there: git crosslink server check"))
	}
	for i, r := range refused {
		if i == maxRefused {
			fmt.Fprintf(e.Err, "error: and %s more\n", frame.Count(len(refused)-i, "ref"))
			break
		}
		fmt.Fprintf(e.Err, "error: %s\n", e.Symbols(frame.OneLine(r.Error())))
		cure := hints.For(r.Cure, r.With)
		if last := i+1 == min(len(refused), maxRefused); last || !slices.Equal(hints.For(refused[i+1].Cure, refused[i+1].With), cure) {
			e.WriteHints(cure) // once for those in a row that have it in common
		}
	}
	if len(refused) > 0 {
		return frame.ExitNo
	}
	return frame.ExitDone
}
