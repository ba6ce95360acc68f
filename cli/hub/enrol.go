package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/enrol"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/shell"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// enrolment returns the user's repository for package enrol.
func enrolment(e *command.Env) (*enrol.Repository, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	home := e.Getenv("HOME")
	data := e.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		data = filepath.Join(home, ".local", "share")
	}
	return &enrol.Repository{Git: e.Git, Programs: filepath.Dir(program), Data: data, Home: home}, nil
}

// enrolRemote makes a remote use the remote helper, and reports it.
func enrolRemote(ctx context.Context, e *command.Env, remote string) error {
	if remote == "" || remote == "." {
		return frame.No("not-enrolled", "there is no remote that can use the remote helper", "git remote add origin <url>")
	}
	r, err := enrolment(e)
	if err != nil {
		return err
	}
	already, err := r.Enrol(ctx, remote, "")
	if err != nil {
		return enrolError(remote, err)
	}
	if already {
		e.Progress("'%s' already uses the remote helper", remote)
	} else {
		e.Progress("git fetch, pull and push of '%s' now also sync the tracker", remote)
	}
	return nil
}

// canEnrol returns why a remote cannot use the remote helper.
func canEnrol(ctx context.Context, e *command.Env, remote string) error {
	r, err := enrolment(e)
	if err == nil {
		err = r.Check(ctx, remote)
	}
	if err != nil {
		return enrolError(remote, err)
	}
	return nil
}

func enrolError(remote string, err error) error {
	var unfit *enrol.Error
	switch {
	case errors.Is(err, enrol.ErrNoRemote):
		return frame.No("no-such-remote", fmt.Sprintf("there is no remote '%s' with a URL", remote), "git remote -v")
	case errors.As(err, &unfit):
		return frame.No("not-enrolled", unfit.Error(), "everything else works as before: git crosslink sync")
	case errors.As(err, new(*statefile.LockedError)):
		return err
	}
	return frame.Fatal("not-enrolled", fmt.Sprintf("'%s' cannot use the remote helper: %s", remote, frame.GitMessage(err)),
		"everything else works as before: git crosslink sync")
}

// runNoHelper undoes init --helper; it changes nothing else, and does not contact the hub.
func runNoHelper(ctx context.Context, remote string, e *command.Env) error {
	r, err := enrolment(e)
	if err != nil {
		return err
	}
	names := []string{remote}
	if remote == "" {
		all, err := r.Includes(ctx)
		if err != nil {
			return frame.Fatal("not-enrolled", frame.GitMessage(err))
		}
		names = nil
		for _, i := range all {
			names = append(names, i.Remote)
		}
	}
	return undoOnRemotes(ctx, e, names, "left", "'%s' no longer uses the remote helper", "nothing to do: no remote uses the remote helper",
		func(name string) (bool, error) {
			left, err := r.Leave(ctx, name)
			if err != nil {
				err = frame.Fatal("not-enrolled", frame.GitMessage(err))
			}
			return left, err
		})
}

// enrolClone turns a remote whose URL begins with 'crosslink::' into an enrolled one with a
// plain URL; a relative path starts where git was called.
func enrolClone(ctx context.Context, e *command.Env, remote string) {
	r, err := enrolment(e)
	if err == nil {
		base, _ := os.Getwd()
		_, err = r.Enrol(ctx, remote, base)
	}
	e.Trace.Debug().Err(err).Str("remote", remote).Msg("enrol")
}

// followRename enrolls the tracker's remote under its new name after it was renamed.
func followRename(ctx context.Context, e *command.Env, remote string) {
	r, err := enrolment(e)
	if err != nil {
		return
	}
	from, err := r.Repair(ctx, remote)
	e.Trace.Debug().Err(err).Str("from", from).Str("to", remote).Msg("enrol")
	if err == nil && from != "" && remote != "" {
		e.Warn("helper-renamed", fmt.Sprintf("'%s' now uses the remote helper, as '%s' did before it was renamed", remote, from))
	}
}

// examineHelper finds remotes whose enrollment does not work.
func examineHelper(ctx context.Context, e *command.Env, repo *command.Repository) ([]answer.Diagnosis, error) {
	r, err := enrolment(e)
	if err != nil {
		return nil, err
	}
	all, err := r.Includes(ctx)
	if err != nil {
		return nil, frame.Fatal("fatal", frame.GitMessage(err))
	}
	var found []answer.Diagnosis
	for _, i := range all {
		switch {
		case !i.Named:
			found = append(found, answer.Diagnosis{Name: "helper-renamed", Severity: string(fail.Warning),
				Text:  fmt.Sprintf("the remote helper is set up for '%s', and no remote of that name has a URL: it was renamed or removed", frame.OneLine(i.Remote)),
				Hints: []string{"update or remove this setup: git crosslink sync"}})
		case !i.There:
			found = append(found, answer.Diagnosis{Name: "helper-missing", Severity: string(fail.Warning),
				Text:  fmt.Sprintf("'%s' is set up for the remote helper, but '%s' is missing, so git works without it", frame.OneLine(i.Remote), frame.OneLine(i.Path)),
				Hints: []string{"set it up again: git crosslink init --helper " + shell.Word(frame.OneLine(i.Remote)), "or turn it off: git crosslink init --no-helper " + shell.Word(frame.OneLine(i.Remote))}})
		case i.Gone != "":
			found = append(found, answer.Diagnosis{Name: "helper-gone", Severity: string(fail.Warning),
				Text:  fmt.Sprintf("'%s' is set up for '%s', which is missing, so git works without it", frame.OneLine(i.Remote), frame.OneLine(i.Gone)),
				Hints: []string{"install it again, or turn it off: git crosslink init --no-helper " + shell.Word(frame.OneLine(i.Remote))}})
		}
	}
	return found, nil
}
