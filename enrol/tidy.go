package enrol

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// A plain fetch of a remote copies the tracker's branches to refs/remotes, where
// `git branch -a`, `git log --all` and the summary of a pull list them. A negative
// refspec keeps them out.
const leaveOut = "^refs/heads/crosslink/*"

// branchesAtOnce is how many branches one git deletes.
const branchesAtOnce = 500

// CanTidy returns why Tidy cannot work for a remote.
func (r *Repository) CanTidy(ctx context.Context, remote string) error {
	_, err := r.fetches(ctx, remote)
	return err
}

// fetches returns the refspecs with which plain git fetches from a remote; ErrNoRemote if
// there are none.
func (r *Repository) fetches(ctx context.Context, remote string) (specs []string, err error) {
	if specs, err = r.values(ctx, "--local", "remote."+remote+".fetch"); err != nil {
		return nil, r.locked(ctx, err)
	}
	if !slices.ContainsFunc(specs, func(s string) bool { return !strings.HasPrefix(s, "^") }) {
		return nil, ErrNoRemote
	}
	return specs, nil
}

// Tidy keeps the tracker's branches on a remote from being fetched by plain git,
// and deletes the copies that git has already fetched. It reports whether the
// remote was tidy before.
func (r *Repository) Tidy(ctx context.Context, remote string) (already bool, err error) {
	specs, err := r.fetches(ctx, remote)
	if err != nil {
		return false, err
	}
	if already = slices.Contains(specs, leaveOut); !already {
		if _, err := r.Git(ctx, "config", "--local", "--add", "remote."+remote+".fetch", leaveOut); err != nil {
			return false, r.locked(ctx, err)
		}
	}
	out, err := r.Git(ctx, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/remotes/"+remote+"/crosslink/")
	if err != nil {
		return already, err
	}
	for names := range slices.Chunk(strings.Fields(out), branchesAtOnce) {
		if _, err := r.Git(ctx, append([]string{"branch", "-q", "-d", "-r", "--"}, names...)...); err != nil {
			return already, err
		}
	}
	return already, nil
}

// Untidy undoes Tidy: the next fetch copies the branches again. It reports whether
// the remote was tidy.
func (r *Repository) Untidy(ctx context.Context, remote string) (bool, error) {
	specs, err := r.values(ctx, "--local", "remote."+remote+".fetch")
	if err != nil || !slices.Contains(specs, leaveOut) {
		return false, err
	}
	_, err = r.Git(ctx, "config", "--local", "--fixed-value", "--unset-all", "remote."+remote+".fetch", leaveOut)
	if err != nil {
		err = r.locked(ctx, err)
	}
	return err == nil, err
}

// Tidied returns the remotes that Tidy has changed.
func (r *Repository) Tidied(ctx context.Context) (remotes []string, err error) {
	out, err := r.Git(ctx, "config", "-z", "--local", "--get-regexp", `^remote\..*\.fetch$`)
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return nil, nil
	}
	for entry := range strings.SplitSeq(out, "\x00") {
		key, value, _ := strings.Cut(entry, "\n")
		if value == leaveOut {
			remotes = append(remotes, strings.TrimSuffix(strings.TrimPrefix(key, "remote."), ".fetch"))
		}
	}
	return remotes, err
}
