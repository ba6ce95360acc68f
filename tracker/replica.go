package tracker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
)

// repository is the user's repository: its place, and what is asked of it.
type repository struct {
	refs.Place
	refs.Outer
}

// survey finds the repository and reads its configuration.
func survey(ctx context.Context, o Options, environ []string) (repository, refs.Config, error) {
	find := o.Survey
	if find == nil {
		find = func(ctx context.Context, dir string, environ []string) (refs.Outer, refs.Config, error) {
			return git.Survey(ctx, dir, environ)
		}
	}
	outer, conf, err := find(ctx, o.Dir, environ)
	if err != nil {
		return repository{}, nil, err
	}
	return repository{Place: outer.Where(), Outer: outer}, conf, nil
}

// openReplica opens the replica, or makes it. What could be mended of it is
// told; what could not is an error with the way out.
func (t *Tracker) openReplica(ctx context.Context, create bool) error {
	if t.o.Detached {
		r, err := t.outer.OpenWhole()
		t.replica, t.link.Replica = r, r
		return err
	}
	r, repaired, err := t.outer.OpenReplica(ctx, create)
	var damaged *git.DamagedError
	switch {
	case errors.As(err, &damaged):
		return t.tornReplica(damaged)
	case err != nil && create:
		return fmt.Errorf("make the replica: %w", err)
	case err != nil:
		return t.unwritable(fmt.Errorf("open the replica: %w", err))
	}
	t.replica, t.link.Replica = r, r
	if len(repaired) > 0 {
		t.notice(fail.Notice{Code: "replica-mended",
			Text: fmt.Sprintf("the tracker's replica '%s' was damaged: '%s' is written again", r.Path(), strings.Join(repaired, "' and '"))})
	}
	return nil
}

// tornReplica: without its objects or refs a replica cannot be gone on from,
// and beginning anew unasked would hide what is lost.
func (t *Tracker) tornReplica(d *git.DamagedError) error {
	return &fail.Error{Kind: fail.Fatal, Code: "torn-replica", Err: d,
		Message: fmt.Sprintf("the tracker's replica is damaged: '%s' is missing", filepath.Join(d.Replica, d.Missing)),
		Fields:  fail.Fields{"path": d.Replica}}
}

// insideReplica refuses to make a tracker of a tracker's own repository.
func (t *Tracker) insideReplica() error {
	for _, s := range t.conf {
		if s.Key != "crosslink.replica" || s.Scope != "local" {
			continue
		}
		home := filepath.Dir(filepath.Dir(t.outer.CommonDir)) // <git dir>/crosslink/replica.git
		if filepath.Base(home) == ".git" {
			home = filepath.Dir(home)
		}
		return &fail.Error{Kind: fail.Fatal, Code: "inside-replica",
			Message: fmt.Sprintf("'%s' is the tracker's own repository", t.outer.CommonDir),
			Fields:  fail.Fields{"path": home}}
	}
	return nil
}

// oldestGit is the first one that makes refs durable (core.fsync).
const oldestGit = 36 // of git 2

// checkGit is the doctor's look at the git that is found.
func (t *Tracker) checkGit(ctx context.Context, _ *reading.Snapshot) ([]fail.Diagnosis, error) {
	if t.replica == nil {
		return nil, nil
	}
	says, err := git.Version(ctx, t.environ)
	if err != nil {
		return nil, err
	}
	if old := tooOld(says); old != "" {
		d := fail.Diagnosis{Code: "old-git", Severity: fail.Warning, Text: fmt.Sprintf("git %s does not write refs so that they survive a power cut; 2.%d does", old, oldestGit)}
		return []fail.Diagnosis{d}, nil
	}
	return nil, nil
}

// tooOld returns the version that 'git version' names if it is too old.
func tooOld(says string) string {
	words := strings.Fields(says)
	if len(words) < 3 {
		return ""
	}
	var major, minor int
	if n, _ := fmt.Sscanf(words[2], "%d.%d", &major, &minor); n == 2 && (major < 2 || major == 2 && minor < oldestGit) {
		return words[2]
	}
	return ""
}
