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
		Name: "install", Usage: "install a hook that checks pushes to the tracker",
		UsageText: "git crosslink server install [<options>]",
		Description: `Run this in the bare repository that others push to. It installs a pre-receive hook,
called the gate, that checks each push to the branches of the tracker, and marks the
repository as a hub (crosslink.hub). The gate does not check branches of code. If
there is a pre-receive hook already, the gate calls it afterward with the same
input. Running the command again changes nothing.

If the gate refuses one branch, it refuses the whole push, including code. With
--per-ref the gate is a proc-receive hook (git 2.29), which runs only for pushes to
the tracker and refuses single branches.

Examples:
  git crosslink -C hub.git server install
  git crosslink -C hub.git server install --per-ref`,
		Flags: []urfave.Flag{&urfave.BoolFlag{Name: "per-ref", Usage: "refuse single branches instead of whole pushes"}},
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
		Name: "check", Usage: "check the gate",
		UsageText: "git crosslink server check [<options>]",
		Description: `Checks the hook, its settings, the program that it starts, and what the policy of the
hub permits. In a pipe the fields are severity, name, text and hint.

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
		Name: "uninstall", Usage: "remove the gate",
		UsageText: "git crosslink server uninstall [<options>]",
		Description: `Removes the hook and its settings, and restores the hook that was there before. Hooks
and configuration are then byte for byte as they were.

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
		Usage:     "check pushes on a hub that you run yourself",
		UsageText: "git crosslink server install [<options>]\ngit crosslink server check [<options>]\ngit crosslink server uninstall [<options>]",
		Description: `On a server where you can install hooks, a gate checks each push to the branches of
the tracker: agents only append to their own logs, in order, and nobody deletes or
rewinds a branch. Without a gate each clone checks all data itself. On a hosted forge,
'git crosslink doctor' names the branch rule to set.

Examples:
  git crosslink server check
  git crosslink -C hub.git server install`,
		Subcommands: []*urfave.Command{install, check, uninstall},
	}
}

// self returns the path of this program, "" if it is unknown.
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
	what := "a push with an invalid branch is refused as a whole"
	if mode == gate.PerRef {
		what = "only the invalid branches of a push are refused"
	}
	if e.Saved = !r.Already; r.Already {
		e.Progress("the gate is already installed: '%s'", r.Hook)
	} else {
		e.Progress("installed the gate: '%s'; %s", r.Hook, what)
		if r.Kept != "" {
			e.Progress("the gate also calls the hook that was there before: '%s'", r.Kept)
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
		e.Progress("removed the gate and restored the hook that was there before: '%s'", r.Back)
	default:
		e.Progress("removed the gate from '%s'", r.Hub)
	}
	if r.Left != "" {
		e.Progress("another hook has replaced the gate; the hook from before the gate is still in '%s'", r.Left)
	}
	return e.Print(ctx, frame.Result{Data: serverUninstallShape{r.Hub, answer.TextOrNull(r.Back), answer.TextOrNull(r.Left), r.Already}})
}

// maxRefused bounds how many refusals are printed one by one.
const maxRefused = 20

// gateHook runs the gate: git calls it on the server, while somebody pushes. Its messages
// go to stderr, which git passes to the pusher. On any error, it accepts nothing that was
// not judged.
func gateHook(ctx context.Context, e *command.Env, mode string) int {
	dir, err := os.Getwd()
	var refused []*gate.Refusal
	if err == nil {
		h := gate.Hook{Dir: dir, Environ: os.Environ(), Now: e.Now(), In: e.In, Out: e.Out, Advice: hints.For}
		if mode == gate.PerRef {
			// git prints the reasons itself, ref by ref
			if _, err = gate.ProcReceive(ctx, h); err == nil {
				return frame.ExitDone
			}
		} else {
			refused, err = gate.PreReceive(ctx, h)
		}
	}
	if err != nil {
		return e.Conclude(ctx, frame.No("gate", fmt.Sprintf("refused: the gate of the tracker's branches cannot check this push: %v", err), "ask the owner of this hub to run: git crosslink server check"))
	}
	for i, r := range refused {
		if i == maxRefused {
			fmt.Fprintf(e.Err, "error: and %s more\n", frame.Count(len(refused)-i, "ref"))
			break
		}
		fmt.Fprintf(e.Err, "error: %s\n", e.Symbols(frame.OneLine(r.Error())))
		cure := hints.For(r.Cure, r.With)
		if last := i+1 == min(len(refused), maxRefused); last || !slices.Equal(hints.For(refused[i+1].Cure, refused[i+1].With), cure) {
			e.WriteHints(cure) // once for several in a row with the same hint
		}
	}
	if len(refused) > 0 {
		return frame.ExitNo
	}
	return frame.ExitDone
}
