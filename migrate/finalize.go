package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
)

// keepFor is how long the old branches stay on a hub unless somebody is sure.
const keepFor = 7 * 24 * time.Hour

// Removed is what Finalize has removed.
type Removed struct {
	Remote   string
	Hub      string
	Branches []string // full names, sorted; none: there was nothing to remove
}

// Finalize removes from a migrated hub what a migration has left there of the old
// one: the branch of level 2, and the branches of level 3 under their other name. The
// logs stay. Branches under their other name are removed by the clone that migrated,
// which knows what they are. It is refused in the first week, unless now is set, and
// while the branch of level 2 holds what the new hub has not, unless accepted has
// 'hub'. The caller holds the sync lock.
func (r *Runner) Finalize(ctx context.Context, now bool, accepted []string) (*Removed, error) {
	c := r.Clone
	if err := r.look(ctx); err != nil {
		return nil, err
	}
	s, err := c.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	if s.Meta == nil || s.Meta.Migrated == nil {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "not-migrated", Message: fmt.Sprintf("the hub on '%s' was not migrated: nothing was removed", c.Hub.Name)}
	}
	if since := c.Now().Sub(s.Meta.CreatedAt.Std()); since < keepFor && !now {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "too-early", Message: fmt.Sprintf("the hub on '%s' was migrated less than 7 days ago: nothing was removed", c.Hub.Name)}
	}
	done := &Removed{Remote: c.Hub.Name, Hub: s.Hub}
	heads, err := c.Link.Heads(ctx, c.Link.Remote())
	if err != nil {
		return nil, err
	}
	old := replay.HereRoot + replay.Level2Name
	tip := s.AllRefs[replay.IncomingRoot+replay.Level2Name]
	if _, there := heads[old]; there && replay.IsLevel2(ctx, c.Local(), tip) {
		if behind, err := leftBehind(ctx, c.Local(), s, tip); err != nil {
			return nil, err
		} else if len(behind) > 0 && !slices.Contains(accepted, replay.Level2Name) {
			return nil, &fail.Error{Kind: fail.Fatal, Code: "left-behind", Message: fmt.Sprintf("the new hub on '%s' lacks files of 'crosslink/%s': nothing was removed (%s)", c.Hub.Name, replay.Level2Name, listed(behind)),
				Fields: fail.Fields{"remote": c.Hub.Name}}
		}
		if gone, err := r.remove(ctx, old, tip); err != nil {
			return nil, err
		} else if !gone {
			return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "init-race/finalize", Message: fmt.Sprintf("'crosslink/%s' on '%s' changed meanwhile: nothing was removed", replay.Level2Name, c.Hub.Name)}
		}
		done.Branches = append(done.Branches, old)
	}
	for _, name := range []string{replay.LedgerName, replay.MetaName, replay.Agents + c.Agent} {
		tip := s.AllRefs["refs/before/level3/"+name]
		if tip == "" {
			continue
		}
		gone, err := r.remove(ctx, Backup(s.Hub, name), tip)
		if err != nil {
			return nil, err
		}
		if gone { // else the hub had not taken it
			done.Branches = append(done.Branches, Backup(s.Hub, name))
		}
	}
	slices.Sort(done.Branches)
	return done, nil
}

// remove removes a ref from the hub if it is still at tip. gone is false if there is no such
// ref, or a different one. A refusal is an error.
func (r *Runner) remove(ctx context.Context, ref string, tip refs.OID) (gone bool, err error) {
	p := refs.Push{Refs: []refs.PushRef{{Dst: ref, Lease: &tip}}}
	res, err := r.Clone.PushPatiently(ctx, p, clone.Migrating)
	switch {
	case err != nil:
		return false, err
	case hubs.AllAccepted(p, res):
		return true, nil
	case hubs.RefusedBy(res) != "":
		return false, &fail.Error{Kind: fail.Denied, Code: "refused/finalize", Message: fmt.Sprintf("the remote '%s' does not let '%s' be deleted: %s", r.Clone.Hub.Name, ref, hubs.WhyRefused(res))}
	case !res.Reached:
		return false, &fail.Error{Kind: fail.Denied, Code: "read-only", Message: fmt.Sprintf("the remote '%s' does not accept pushes from you: '%s' was not removed", r.Clone.Hub.Name, ref),
			Fields: fail.Fields{"git": hubs.Gist(res.Stderr)}}
	}
	return false, nil
}

// leftBehind are the files of a level-2 hub that the new one does not have: those that
// cannot be read, and issues and comments that were added after it was migrated.
func leftBehind(ctx context.Context, l refs.Local, s *reading.Snapshot, tip refs.OID) ([]event.UnreadFile, error) {
	was, err := replay.LegacyBase(ctx, l, 2, map[string]refs.OID{replay.HubRoot + replay.Level2Name: tip})
	if err != nil {
		return nil, fmt.Errorf("read 'crosslink/%s': %w", replay.Level2Name, err)
	}
	behind := was.Unread
	lacks := func(i event.UUID, what string, u event.UUID, find func(string) error) error {
		err := find(u.String())
		if none, ok := errors.AsType[*store.NotFoundError](err); ok {
			if err = nil; none.Deleted == "" {
				behind = append(behind, event.UnreadFile{Path: "issues/" + i.String(), Reason: fmt.Sprintf("%s %s was added after the migration", what, u)})
			}
		}
		return err
	}
	for _, i := range was.Issues {
		if err := lacks(i.UUID, "issue", i.UUID, func(id string) error { _, err := s.View.Resolve(id); return err }); err != nil {
			return nil, err
		}
		for _, c := range i.Comments {
			if err := lacks(i.UUID, "comment", c.UUID, func(id string) error { _, _, err := s.View.ResolveComment(id); return err }); err != nil {
				return nil, err
			}
		}
	}
	return behind, nil
}
