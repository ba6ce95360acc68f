package accept

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// A hub keeps the logs of retired agents in its archive (package archive). Here they
// are refs of their own, below refs/archived/, so what is below refs/hub/ remains what
// the hub has as branches. The rules are:
//
//   - a log that the archive holds is read from there, unless it is a branch as well;
//   - a branch that was seen, and that the archive holds to its end, is no longer
//     expected on the hub;
//   - a log that the archive no longer holds is expected as a branch again. Where the
//     hub has no such branch, it has lost the log, which is put back like any other.

// FromArchive returns what follows from the archive that a fetch brought, and why steps
// of it are passed over. s is the state after everything else of the fetch was accepted.
func FromArchive(ctx context.Context, local refs.Local, s *reading.Snapshot, root string, whole bool) (ups []refs.Update, problems []hubs.Problem, err error) {
	if !s.Bound || !s.Writable() || s.Decided().Err != nil || s.AllRefs[root+replay.MetaName] == "" {
		return nil, nil, nil
	}
	tip, known := s.AllRefs[root+replay.ArchiveName], s.AllRefs[replay.HubRoot+replay.ArchiveName]
	f := &fromArchive{ctx: ctx, local: local, all: s.AllRefs, root: root, gone: whole && root == replay.IncomingRoot}
	if tip == known {
		return f.dropFolded(nil)
	}
	a, err := replay.ReadArchive(ctx, local, s.Archive(ctx, local, s.Decided().View.Ledger, tip, known))
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, err
		}
		problem := hubs.Problem{Ref: replay.ArchiveName, Text: fmt.Sprintf("'crosslink/%s' cannot be judged: %v", replay.ArchiveName, err)}
		return nil, []hubs.Problem{problem}, nil
	}
	for _, b := range a.Bad {
		f.problem("step %.12s of the hub's archive is ignored: %s", b.ID, fail.Truncate(b.Detail))
	}
	if known != "" && !a.Resumed {
		if !f.gone {
			return nil, nil, nil // the copy may be older
		}
		if tip != "" {
			f.problem("the hub's archive was set back or rewritten; this clone keeps the logs that were in it")
		}
		f.expectAgain(a.Logs)
	}
	if a.Step != known {
		f.ups = append(f.ups, refs.Update{Ref: replay.HubRoot + replay.ArchiveName, Old: known, New: a.Step})
	}
	for id, tip := range a.Logs {
		if ref := replay.ArchivedRoot + id; s.AllRefs[ref] == "" {
			f.ups = append(f.ups, refs.Update{Ref: ref, New: tip})
		}
	}
	return f.dropFolded(a.Logs)
}

// fromArchive collects what follows from an archive.
type fromArchive struct {
	ctx      context.Context
	local    refs.Local
	all      map[string]refs.OID
	root     string
	gone     bool // a branch that was not fetched is not on the hub
	ups      []refs.Update
	problems []hubs.Problem
}

func (f *fromArchive) problem(format string, args ...any) {
	f.problems = append(f.problems, hubs.Problem{Ref: replay.ArchiveName, Text: fmt.Sprintf(format, args...)})
}

// expectAgain makes the logs that were in the archive, and no longer are, branches that
// were seen on the hub.
func (f *fromArchive) expectAgain(held map[string]refs.OID) {
	for ref, tip := range f.all {
		id, ok := strings.CutPrefix(ref, replay.ArchivedRoot)
		if !ok || held[id] != "" || event.ValidAgentID(id) != nil {
			continue
		}
		f.ups = append(f.ups, refs.Update{Ref: ref, Old: tip})
		if branch := replay.HubRoot + replay.Agents + id; f.all[branch] == "" {
			f.ups = append(f.ups, refs.Update{Ref: branch, New: tip})
		}
	}
}

// dropFolded drops the branches in whose place the archive is read from now on: those
// that the hub no longer has, and those that differ from the lines in the archive, which
// the ledger covers. A branch that the hub has with fewer lines was set back: all lines in
// the archive are expected in it, so the next push restores them, and it can be folded
// again. folded are the logs that the archive holds since this fetch.
func (f *fromArchive) dropFolded(folded map[string]refs.OID) ([]refs.Update, []hubs.Problem, error) {
	for ref, tip := range f.all {
		id, ok := strings.CutPrefix(ref, replay.HubRoot+replay.Agents)
		if !ok {
			continue
		}
		held := cmp.Or(folded[id], f.all[replay.ArchivedRoot+id])
		if held == "" {
			continue
		}
		rel, err := refs.IsPrefix(f.ctx, f.local, id, tip, held)
		if err != nil {
			return nil, nil, fmt.Errorf("compare the log of '%s' with the one in the archive: %w", id, err)
		}
		onHub := f.all[f.root+replay.Agents+id] != ""
		switch {
		case rel == refs.Prefix && onHub:
			f.ups = append(f.ups, refs.Update{Ref: ref, Old: tip, New: held})
		case rel == refs.Prefix, rel == refs.Diverged, rel == refs.Equal && f.gone && !onHub:
			f.ups = append(f.ups, refs.Update{Ref: ref, Old: tip})
		}
	}
	if !f.gone {
		return f.ups, f.problems, nil
	}
	err := f.expectWhole(folded)
	return f.ups, f.problems, err
}

// expectWhole expects all lines of an archived log in a branch that the hub has with fewer
// lines, and that was not accepted for this reason.
func (f *fromArchive) expectWhole(folded map[string]refs.OID) error {
	for ref, tip := range f.all {
		id, ok := strings.CutPrefix(ref, f.root+replay.Agents)
		branch := replay.HubRoot + replay.Agents + id
		held := cmp.Or(folded[id], f.all[replay.ArchivedRoot+id])
		if !ok || held == "" || f.all[branch] != "" {
			continue
		}
		rel, err := refs.IsPrefix(f.ctx, f.local, id, tip, held)
		if err != nil {
			return fmt.Errorf("compare the log of '%s' with the one in the archive: %w", id, err)
		}
		if rel == refs.Prefix {
			f.ups = append(f.ups, refs.Update{Ref: branch, New: held})
		}
	}
	return nil
}
