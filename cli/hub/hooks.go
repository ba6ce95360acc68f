package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hooks"
	"github.com/git-crosslink/git-crosslink/internal/shell"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newHooksCommand(e *command.Env) *urfave.Command {
	verb := func(name, usage, about string, run func(context.Context, frame.Forms, *command.Env) error) *urfave.Command {
		return e.Command(&urfave.Command{Name: name, Usage: usage, Flags: frame.PorcelainFlags(),
			UsageText: "git crosslink hooks " + name + " [<options>]", Description: about,
		}, func(u *urfave.Context) error {
			f, err := frame.FormsAlone(u, e.Terminal)
			if err != nil {
				return err
			}
			return run(u.Context, f, e)
		})
	}
	install := verb("install", "install the hooks",
		`Installs the hooks post-merge, post-rewrite and pre-push: in the configuration of
this repository with git 2.54 and newer, and as files with older versions. 'init' and
the first write install them as well. An existing hook is never changed; the command
prints what to add to it. Running it again updates the hooks of an older version.

The exit status is 1 if git does not run all of them.

Examples:
  git crosslink hooks install`, runHooksInstall)
	uninstall := verb("uninstall", "remove the hooks",
		`Removes only what 'install' added; configuration and hooks are then as they were
before. Later writes do not install the hooks again; 'install' does.

Examples:
  git crosslink hooks uninstall`, runHooksUninstall)
	status := verb("status", "show the state of the hooks",
		`Prints for each hook whether git runs it and where it is. The states are in place,
called (by a hook of your own), outdated, missing, foreign (a hook of your own without
the line for the tracker), not executable, disabled, and off (core.hooksPath names no
directory). In a pipe the fields are name, state and place.

The exit status is 1 if git does not run all of them.

Examples:
  git crosslink hooks status`, runHooksStatus)
	return &urfave.Command{
		Name: "hooks", Category: frame.GroupHub, HideHelp: true,
		Usage:     "let git pull and git push sync the tracker",
		UsageText: "git crosslink hooks install [<options>]\ngit crosslink hooks uninstall [<options>]\ngit crosslink hooks status [<options>]",
		Description: `After a merge or a rebase, and with each push, the hooks start a sync in the
background. The git command does not wait for the sync, and does not fail if the sync
fails. The hooks stop only a push that would delete or rewind the branches of the
tracker on its hub, such as 'git push --mirror' from a plain clone.

'init' and the first write install the hooks, unless crosslink.hooks is false or a
hook manager decides which hooks git runs. In that case they print what to add.

Examples:
  git crosslink hooks status
  git config crosslink.hooks false`,
		Subcommands: []*urfave.Command{install, uninstall, status},
	}
}

// hookShape is one hook in JSON.
type hookShape struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Where string `json:"where"`
	Add   string `json:"add,omitempty"`
}

type hooksShape struct {
	Works   bool        `json:"works"`
	Changed bool        `json:"changed"`
	Manager *string     `json:"manager"`
	Off     bool        `json:"off"`
	Removed bool        `json:"removed"`
	Hooks   []hookShape `json:"hooks"`
}

func openHooks(ctx context.Context) (*hooks.Clone, error) {
	c, err := hooks.Open(ctx, "", nil)
	if err != nil {
		return nil, tracker.OpenError(err)
	}
	return c, nil
}

func runHooksInstall(ctx context.Context, f frame.Forms, e *command.Env) error {
	c, err := openHooks(ctx)
	if err != nil {
		return err
	}
	e.IgnoreClosedPipe()
	r, err := c.Install(ctx)
	if err != nil {
		return frame.Fatal("hooks-not-put", err.Error(), "see who may write there: git crosslink hooks status")
	}
	if e.Saved = r.Changed; r.Changed {
		e.Progress("git pull and git push now also sync the tracker")
	} else if r.Works() {
		e.Progress("the hooks are already installed")
	}
	return printHooks(ctx, e, f, r, true, false)
}

func runHooksUninstall(ctx context.Context, f frame.Forms, e *command.Env) error {
	c, err := openHooks(ctx)
	if err != nil {
		return err
	}
	e.IgnoreClosedPipe()
	r, err := c.Uninstall(ctx)
	if err != nil {
		return frame.Fatal("hooks-not-put", err.Error(), "show installed hooks: git crosslink hooks status")
	}
	if e.Saved = r.Changed; r.Changed {
		e.Progress("removed the hooks; everything is as it was before")
	} else {
		e.Progress("no hooks of the tracker are installed")
	}
	for _, h := range r.Hooks {
		if h.State == hooks.Chained {
			e.Progress("%s still calls the tracker; remove this line from it: %s", shownPath(e, h.Where), hooks.Line(h.Name))
		}
	}
	return printHooks(ctx, e, f, r, false, false)
}

func runHooksStatus(ctx context.Context, f frame.Forms, e *command.Env) error {
	c, err := openHooks(ctx)
	if err != nil {
		return err
	}
	return printHooks(ctx, e, f, c.Status(), true, true)
}

// printHooks prints the state of the hooks. If all should work, it has a hint for those
// that do not. asked: the state is all that was requested.
func printHooks(ctx context.Context, e *command.Env, f frame.Forms, r *hooks.Report, want, asked bool) error {
	doc := hooksShape{Works: r.Works(), Changed: r.Changed, Manager: answer.TextOrNull(r.Manager), Off: r.Off, Removed: r.Removed, Hooks: []hookShape{}}
	a := frame.Result{}
	if f.ForScripts() {
		a.Records = f.Records()
	}
	for _, h := range r.Hooks {
		s := hookShape{Name: h.Name, State: string(h.State), Where: shownPath(e, h.Where)}
		if adds(r, h) {
			s.Add = hooks.Line(h.Name)
		}
		doc.Hooks = append(doc.Hooks, s)
		if a.Records != nil {
			a.Records.Add(s.Name, s.State, s.Where)
		}
		if h.State.Works() {
			a.IDs = append(a.IDs, h.Name)
		}
	}
	a.Data = doc
	if want || e.JSON || a.Records != nil {
		a.Page = func(pg *frame.Page) {
			for _, h := range doc.Hooks {
				pg.Print("%s: %s, %s\n", h.Name, h.State, h.Where)
			}
		}
	} else {
		a.IDs = nil
	}
	if want {
		a.Failure = hooksFailure(e, r)
	}
	if a.Failure != nil {
		a.Failure.Whole = asked
	}
	return e.Print(ctx, a)
}

// adds reports whether a hook works once its line is added by hand.
func adds(r *hooks.Report, h hooks.Hook) bool {
	return r.Barred == "" && (h.State == hooks.Foreign || h.State == hooks.Missing && r.Manager != "")
}

// hooksFailure names the hooks that git does not run, with hints; nil if it runs all.
func hooksFailure(e *command.Env, r *hooks.Report) *frame.Failure {
	if r.Works() {
		return nil
	}
	var names, hints []string
	added, missing, barred := false, false, (*hooks.Hook)(nil)
	for _, h := range r.Hooks {
		if h.State.Works() {
			continue
		}
		names = append(names, "'"+h.Name+"'")
		switch {
		case h.State == hooks.Inert:
			hints = append(hints, "make it executable: chmod +x "+shell.Word(shownPath(e, h.Where)))
		case adds(r, h):
			added = true
			hints = append(hints, fmt.Sprintf("%s: %s", whereToAdd(e, r, h), hooks.Line(h.Name)))
		case h.State == hooks.Disabled:
			hints = []string{"enable them: git config --unset hook.crosslink.enabled"}
		case r.Barred != "":
			barred = &h
		default:
			missing = true
		}
	}
	text := "git does not run the tracker's " + strings.Join(names, ", ")
	switch {
	case barred != nil:
		return barredHooks(e, r, *barred, text)
	case added && r.Manager != "":
		text += ": '" + r.Manager + "'"
		if r.Path != "" && r.Scope != "local" && r.Scope != "worktree" {
			text += ", set in the " + r.Scope + " configuration,"
		}
		text += " decides which hooks run here"
	case missing:
		hints = append(hints, "install them: git crosslink hooks install")
	}
	return frame.No("hooks-missing", text, hints...)
}

// barredHooks explains why no hook can be added, and what works without hooks.
func barredHooks(e *command.Env, r *hooks.Report, h hooks.Hook, text string) *frame.Failure {
	dir := h.Where
	if h.State == hooks.Off {
		text = "git runs no hooks here"
	} else {
		dir = filepath.Dir(dir)
	}
	hints := []string{"git pull and git push do not sync the tracker; sync by hand: git crosslink sync"}
	if r.Path != "" {
		text += fmt.Sprintf(": core.hooksPath is '%s', which %s", r.Path, r.Barred)
		hints = append(hints, "see where it is set: git config --show-origin --get core.hooksPath")
	} else {
		text += fmt.Sprintf(": '%s' %s", shownPath(e, dir), r.Barred)
	}
	if !r.Off {
		hints = append(hints, "if that is intended, do not report it: git config crosslink.hooks false")
	}
	return frame.No("hooks-missing", text, hints...)
}

// whereToAdd explains where to add a line.
func whereToAdd(e *command.Env, r *hooks.Report, h hooks.Hook) string {
	file := "'" + shownPath(e, h.Where) + "'"
	switch {
	case r.Manager == "lefthook":
		return "add to " + file + ", under " + h.Name
	case r.Manager == "core.hooksPath" && h.State == hooks.Missing:
		return "create " + file + ", executable and with #!/bin/sh as its first line, and add"
	}
	return "add to " + file
}

// shownPath returns a path, relative to the working directory if it is below it.
func shownPath(e *command.Env, path string) string {
	if here, err := os.Getwd(); err == nil && filepath.IsAbs(path) {
		if rel, err := filepath.Rel(here, path); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return rel
		}
	}
	return path
}

// PutHooks installs the hooks after a write, once in the life of a clone. If it fails, the
// write still succeeds; doctor finds the problem.
func PutHooks(ctx context.Context, e *command.Env) {
	if remote, _ := e.Opened.Hub(); remote == "" || hooks.Settled(e.Opened.Home()) {
		return
	}
	if v, set := e.Opened.Config("crosslink.hooks"); set && frame.IsFalse(v) {
		return
	}
	c, err := openHooks(ctx)
	if err == nil {
		var r *hooks.Report
		if r, err = c.Install(ctx); err == nil {
			warnHooks(e, r)
		}
	}
	e.Trace.Debug().Err(err).Msg("hooks")
}

// warnHooks reports the result of installing the hooks in one line.
func warnHooks(e *command.Env, r *hooks.Report) {
	text, hint := "git pull and git push now also sync the tracker", "show installed hooks: git crosslink hooks status"
	if f := hooksFailure(e, r); f != nil {
		text, hint = f.Message, "see what to do: git crosslink hooks status"
	} else if !r.Changed {
		return
	}
	if v, set := e.Opened.Config("advice.crosslink.hooks"); !set || !frame.IsFalse(v) {
		e.Warn("hooks", text, hint)
	}
}

// examineHooks is the doctor's check of the hooks.
func examineHooks(ctx context.Context, e *command.Env, repo *command.Repository) ([]answer.Diagnosis, error) {
	if remote, _ := repo.Hub(); remote == "" || !hooks.Settled(repo.Home()) { // the first write installs them
		return nil, nil
	}
	c, err := openHooks(ctx)
	if err != nil {
		return nil, err
	}
	r := c.Status()
	if r.Off || r.Removed {
		return nil, nil
	}
	var found []answer.Diagnosis
	if f := hooksFailure(e, r); f != nil {
		found = append(found, answer.Diagnosis{Name: f.Kind, Severity: string(fail.Warning), Text: f.Message, Hints: f.Hints})
	}
	for _, k := range r.Hooks {
		if k.State == hooks.Outdated {
			found = append(found, answer.Diagnosis{Name: "hooks-outdated", Severity: string(fail.Warning),
				Text: fmt.Sprintf("the hook '%s' was installed by another version of this program", k.Name), Hints: []string{"git crosslink hooks install"}})
		}
	}
	return found, nil
}
