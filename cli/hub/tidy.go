package hub

import (
	"context"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/enrol"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// tidyRemote keeps plain git from fetching the tracker's branches, if the user wants this:
// with --tidy, or by the answer to a question that the first init in a clone asks on a
// terminal.
func tidyRemote(ctx context.Context, e *command.Env, remote string, wanted, joined bool) error {
	if !wanted && (joined || remote == "" || remote == "." || !e.CanAsk()) {
		return nil
	}
	if !wanted && !e.Ask("hide the tracker's branches from git branch -a, git log --all and git pull? (git crosslink init --no-tidy undoes it)") {
		return nil
	}
	r, err := enrolment(e)
	if err != nil {
		return err
	}
	already, err := r.Tidy(ctx, remote)
	switch {
	case err != nil:
		return tidyError(remote, err)
	case already:
		e.Progress("plain git already leaves out the tracker's branches of '%s'", remote)
	default:
		e.Progress("plain git no longer fetches the tracker's branches of '%s'; syncs still do", remote)
	}
	return nil
}

// canTidy returns why init --tidy cannot work, before init does anything. Without a name,
// the remote is the one that init chooses; of several it may be any.
func canTidy(ctx context.Context, e *command.Env, repo *command.Repository, remote string) error {
	if remote == "" {
		remote, _ = repo.Hub()
	}
	if remote == "" {
		all, err := e.Git(ctx, "remote")
		if err != nil || all != "" {
			return err
		}
		return frame.No("no-such-remote", "there is no remote that git fetches branches from", "git remote add origin <url>")
	}
	r, err := enrolment(e)
	if err == nil {
		err = r.CanTidy(ctx, remote)
	}
	if err != nil {
		return tidyError(remote, err)
	}
	return nil
}

// runNoTidy undoes init --tidy, for every remote if none is named. It does not contact the
// hub.
func runNoTidy(ctx context.Context, remote string, e *command.Env) error {
	r, err := enrolment(e)
	if err != nil {
		return err
	}
	names := []string{remote}
	if remote == "" {
		if names, err = r.Tidied(ctx); err != nil {
			return tidyError(remote, err)
		}
	}
	return undoOnRemotes(ctx, e, names, "untidied", "the next git fetch of '%s' brings the tracker's branches again", "nothing to do: no remote leaves out the tracker's branches",
		func(name string) (bool, error) {
			was, err := r.Untidy(ctx, name)
			if err != nil {
				err = tidyError(name, err)
			}
			return was, err
		})
}

// undoOnRemotes undoes an option of init on remotes. A member of the JSON lists the remotes
// on which it was in force.
func undoOnRemotes(ctx context.Context, e *command.Env, names []string, member, undone, none string, undo func(name string) (bool, error)) error {
	e.IgnoreClosedPipe()
	ended := []string{}
	for _, name := range names {
		was, err := undo(name)
		if err != nil {
			return err
		}
		if was {
			ended, e.Saved = append(ended, name), true
			e.Progress(undone, name)
		}
	}
	if len(ended) == 0 {
		e.Progress("%s", none)
	}
	return e.Print(ctx, frame.Result{Data: map[string][]string{member: ended}, IDs: ended})
}

func tidyError(remote string, err error) error {
	switch {
	case errors.Is(err, enrol.ErrNoRemote):
		return frame.No("no-such-remote", fmt.Sprintf("git fetches no branches from a remote '%s'", remote), "git remote -v")
	case errors.As(err, new(*statefile.LockedError)):
		return err
	}
	return frame.Fatal("fatal", fmt.Sprintf("the configuration of '%s' cannot be changed: %s", remote, frame.GitMessage(err)))
}
