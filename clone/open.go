package clone

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
)

// Repository is the user's repository: its place, and its operations.
type Repository struct {
	refs.Place
	refs.Outer
}

// survey finds the repository and reads its configuration.
func survey(ctx context.Context, o Options, environ []string) (Repository, refs.Config, error) {
	find := o.Survey
	if find == nil {
		find = func(ctx context.Context, dir string, environ []string) (refs.Outer, refs.Config, error) {
			return git.Survey(ctx, dir, environ)
		}
	}
	outer, conf, err := find(ctx, o.Dir, environ)
	if err != nil {
		return Repository{}, nil, err
	}
	return Repository{Place: outer.Where(), Outer: outer}, conf, nil
}

// openReplica opens the replica, or creates it. Repaired parts are reported; for others the
// error has the way out.
func (c *Clone) openReplica(ctx context.Context, create bool) error {
	if c.Options.Detached {
		r, err := c.Outer.OpenWhole()
		c.Replica, c.Link.Replica = r, r
		return err
	}
	r, repaired, err := c.Outer.OpenReplica(ctx, create)
	var damaged *git.DamagedError
	switch {
	case errors.As(err, &damaged):
		return c.tornReplica(damaged)
	case err != nil && create:
		return fmt.Errorf("make the replica: %w", err)
	case err != nil:
		return c.Unwritable(fmt.Errorf("open the replica: %w", err))
	}
	c.Replica, c.Link.Replica = r, r
	if len(repaired) > 0 {
		c.Notice(fail.Notice{Code: "replica-mended",
			Text: fmt.Sprintf("the tracker's replica '%s' was damaged: '%s' is written again", r.Path(), strings.Join(repaired, "' and '"))})
	}
	return nil
}

// tornReplica is the error for a replica without its objects or refs: nothing can continue
// from it, and beginning again automatically would hide the loss.
func (c *Clone) tornReplica(d *git.DamagedError) error {
	return &fail.Error{Kind: fail.Fatal, Code: "torn-replica", Err: d,
		Message: fmt.Sprintf("the tracker's replica is damaged: '%s' is missing", filepath.Join(d.Replica, d.Missing)),
		Fields:  fail.Fields{"path": d.Replica}}
}

// insideReplica refuses to make a tracker of a tracker's own repository.
func (s Site) insideReplica() error {
	for _, set := range s.Conf {
		if set.Key != "crosslink.replica" || set.Scope != "local" {
			continue
		}
		home := filepath.Dir(filepath.Dir(s.Outer.CommonDir)) // <git dir>/crosslink/replica.git
		if filepath.Base(home) == ".git" {
			home = filepath.Dir(home)
		}
		return &fail.Error{Kind: fail.Fatal, Code: "inside-replica",
			Message: fmt.Sprintf("'%s' is the tracker's own repository", s.Outer.CommonDir),
			Fields:  fail.Fields{"path": home}}
	}
	return nil
}
