package tracker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// maxLogs bounds how many logs of a hub are taken over: a hub that offers more
// is not one, and each costs every reader something. The ones known stay.
const maxLogs = 1 << 16

// adopt takes what the last fetch brought from refs/incoming (root) into
// refs/hub, each ref by its own rule:
//   - a log is taken when it holds all lines the one believed before holds;
//     else it stays in refs/incoming as evidence and the old one stands;
//   - meta is taken if it can be read, is of the same hub, not older and of no
//     lower level;
//   - a hub of level 3 or 2 is mirrored as it is, its logs may be rewritten;
//   - of another hub nothing is taken; beside a meta of another hub, which may
//     only have been put there, a log counts if its lines are of this one. Nothing
//     new is taken where there is no meta;
//   - a ref that is none of the tracker's is left alone;
//   - nothing believed is dropped because the hub no longer offers it.
//
// One ref that is refused never stops another. It returns the id of another
// tracker that is there, "" if there is none, and what the user should know. Where not all of it is what the hub has now (whole), a ref may be as old as
// an earlier fetch, and says nothing about what the hub has lost.
func (t *Tracker) adopt(ctx context.Context, root string, whole bool) (otherHub string, problems []hubs.Problem, err error) {
	all, err := t.clone.Local().Refs(ctx, "refs/")
	if err != nil {
		return "", nil, fmt.Errorf("list the replica's refs: %w", err)
	}
	have := make(map[string]refs.OID, len(all))
	logs := 0
	for _, r := range all {
		have[r.Name] = r.OID
		if strings.HasPrefix(r.Name, replay.HubRoot+replay.Agents) {
			logs++
		}
	}
	a := adoption{t: t}
	if err := a.readMetas(ctx, have[replay.TrustedMeta], have[replay.HubRoot+replay.MetaName], have[root+replay.MetaName]); err != nil {
		return "", nil, err
	}
	defer t.clone.Reads.NoteMetas(ctx)
	other := a.other(t.clone.Contact.Hub)
	if root == replay.IncomingRoot && other == "" {
		forked, err := t.parted(ctx, have[replay.HubRoot+replay.LedgerName], have[root+replay.LedgerName])
		if err != nil {
			return "", nil, err
		}
		if forked { // the same id, gone another way
			return t.clone.Contact.Hub, []hubs.Problem{{Ref: replay.MetaName, Text: t.clone.Hub.ForkText(), Told: true}}, nil
		}
	}
	if other != "" {
		known := a.known.Hub
		if known == "" {
			known = t.clone.Contact.Hub
		}
		problems = append(problems, hubs.Problem{Ref: replay.MetaName, Text: fmt.Sprintf("the remote holds another tracker (hub %s) than the one of this clone (hub %s), which stands", hubs.Clip(other), hubs.Clip(known)), Told: true})
		if t.clone.Contact.Detached = t.detachedFrom(ctx, have[root+replay.MetaName], known); t.clone.Contact.Detached {
			return other, problems, nil // what was this tracker's there is another's now
		}
		a.pinned = known
	}
	a.settle(have[root+replay.MetaName] == "" && replay.IsLevel2(ctx, t.clone.Local(), have[root+replay.Level2Name]))
	var ups []refs.Update
	if a.meta == "" && a.metas.Roll != nil {
		if was := have[replay.TrustedMeta]; was != a.metas.Commit {
			ups = append(ups, refs.Update{Ref: replay.TrustedMeta, Old: was, New: a.metas.Commit})
		}
		if root != refs.OuterPrefix {
			for _, text := range a.metas.Bad.Texts() {
				problems = append(problems, hubs.Problem{Text: text})
			}
		}
	}
	untaken := 0
	for _, r := range all {
		name, ok := strings.CutPrefix(r.Name, root)
		if !ok {
			continue
		}
		old := have[replay.HubRoot+name]
		if old == r.OID {
			continue
		}
		take, problem, err := a.judge(ctx, name, old, r.OID)
		if a.pinned != "" && err == nil && (take || problem != "") {
			problem = ""
			if take, err = a.ours(ctx, name, old, r.OID); !take && err == nil {
				continue
			}
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return other, nil, err
		case err != nil:
			problems = append(problems, hubs.Problem{Ref: name, Text: fmt.Sprintf("'crosslink/%s' cannot be judged: %v", fail.Truncate(name), err)})
		case problem != "" && !whole:
			// the user's copy may be old or of elsewhere, as may be a ref that could not be stored
		case problem != "" && !take:
			problems = append(problems, hubs.Problem{Ref: name, Text: problem})
		case old != r.OID && !a.fresh.there && a.level != 2:
			// nothing says which hub this is of
		case problem != "":
			t.clone.TellOnce(fail.Notice{Code: "lost-decisions/seen", Text: problem})
			problems = append(problems, hubs.Problem{Ref: name, Text: problem, Told: true})
			if aside := replay.LostRoot + string(old); have[aside] == "" { // first, or a kill loses it
				ups = append(ups, refs.Update{Ref: aside, New: old})
			}
			ups = append(ups, refs.Update{Ref: replay.HubRoot + name, Old: old, New: r.OID})
		case take && old == "" && strings.HasPrefix(name, replay.Agents) && logs >= maxLogs:
			untaken++
		case take:
			if old == "" && strings.HasPrefix(name, replay.Agents) {
				logs++
			}
			ups = append(ups, refs.Update{Ref: replay.HubRoot + name, Old: old, New: r.OID})
		}
	}
	if untaken > 0 {
		problems = append(problems, hubs.Problem{Text: fmt.Sprintf("the hub offers %d logs more than the %d that are read", untaken, maxLogs)})
	}
	if len(ups) == 0 {
		return other, problems, nil
	}
	err = t.clone.Local().SwapInOrder(ctx, ups)
	if errors.Is(err, refs.ErrConflict) {
		return other, problems, nil // another process of this clone adopted at the same time
	}
	return other, problems, err
}
