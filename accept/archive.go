package accept

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// A hub keeps the logs of retired agents in its archive (package archive). In a clone they
// have refs of their own, below refs/archived/, so refs/hub/ remains the list of the hub's
// branches. The rules are:
//
//   - an archived log is read from the archive, unless it is also a branch;
//   - if the archive contains all lines of a branch that was seen, that branch is no
//     longer expected on the hub;
//   - a log that the archive no longer has is expected as a branch again. If the hub
//     has no such branch, it has lost the log, which is restored like any other.

// ArchiveFetch is the archive that a fetch brought.
type ArchiveFetch struct {
	Root  string            // prefix of the fetched refs
	Whole bool              // a branch that was not fetched is not on the hub
	Seen  *hubs.ArchiveSeen // the verdict of before, nil if there is none
}

// ArchiveAnswer is what to do because of an archive.
type ArchiveAnswer struct {
	Updates  []refs.Update
	Problems []hubs.Problem
	Seen     *hubs.ArchiveSeen // the verdict, nil if no step is skipped
}

// FromArchive returns what to do because of the archive that a fetch brought, and why it
// skips steps. s is the state after the other refs of the fetch were accepted. Skipped
// steps are not read again until one of them may have become valid.
func FromArchive(ctx context.Context, local refs.Local, s *reading.Snapshot, fetch ArchiveFetch) (ArchiveAnswer, error) {
	if !s.Bound || !s.Writable() || s.Decided().Err != nil || s.AllRefs[fetch.Root+replay.MetaName] == "" {
		return ArchiveAnswer{Seen: fetch.Seen}, nil
	}
	tip, known := s.AllRefs[fetch.Root+replay.ArchiveName], s.AllRefs[replay.HubRoot+replay.ArchiveName]
	if tip == "" && known == "" {
		return ArchiveAnswer{}, nil
	}
	f := &fromArchive{ctx: ctx, local: local, all: maps.Clone(s.AllRefs), was: s.AllRefs, root: fetch.Root, gone: fetch.Whole && fetch.Root == replay.IncomingRoot}
	if tip == known {
		return f.finish(nil)
	}
	if seen := fetch.Seen; seen != nil && seen.Tip == tip && seen.Step == known && maps.Equal(seen.Waits, standing(s, slices.Collect(maps.Keys(seen.Waits)))) {
		return f.finish(seen)
	}
	a, err := replay.ReadArchive(ctx, local, s.ArchiveRequest(ctx, local, s.Decided().View.Ledger, tip, known))
	if err != nil {
		if ctx.Err() != nil {
			return ArchiveAnswer{}, err
		}
		seen := &hubs.ArchiveSeen{Tip: tip, Step: known, Text: fmt.Sprintf("'crosslink/%s' cannot be checked: %v", replay.ArchiveName, err)}
		answer := ArchiveAnswer{Problems: []hubs.Problem{{Ref: replay.ArchiveName, Text: seen.Text}}}
		if errors.Is(err, refs.ErrTooLarge) { // this does not change
			answer.Seen = seen
		}
		return answer, nil
	}
	if known != "" && !a.Resumed {
		if !f.gone {
			return ArchiveAnswer{Seen: fetch.Seen}, nil // the copy may be older
		}
		if tip != "" {
			f.problem("the hub's archive was set back or rewritten; this clone keeps the logs that were in it")
		}
		f.expectAgain(a.Logs)
	}
	f.set(replay.HubRoot+replay.ArchiveName, a.Step)
	for id, tip := range a.Logs {
		if ref := replay.ArchivedRoot + id; f.all[ref] == "" {
			f.set(ref, tip)
		}
	}
	return f.finish(passedOver(s, tip, a))
}

// passedOver is the verdict to remember about an archive with skipped steps; nil if none is
// skipped.
func passedOver(s *reading.Snapshot, tip refs.OID, a replay.Archive) *hubs.ArchiveSeen {
	if a.Passed == 0 {
		return nil
	}
	more, agents := "", []string(nil)
	if a.Passed > 1 {
		more = fmt.Sprintf(" (and %d more steps)", a.Passed-1)
	}
	for _, b := range a.Bad {
		if b.Passing() {
			agents = append(agents, b.Agent)
		}
	}
	if a.Passed > len(a.Bad) {
		agents = append(agents, "")
	}
	return &hubs.ArchiveSeen{Tip: tip, Step: a.Step, Waits: standing(s, agents),
		Text: fmt.Sprintf("step %.12s of the hub's archive is ignored: %s%s", a.Bad[0].ID, fail.Truncate(a.Bad[0].Detail), more)}
}

// standing returns the state of these agents in the ledger and meta. As long as it does not
// change, a step that was invalid because of them stays invalid. The agent "" stands for any
// agent: its state changes with every step of the ledger.
func standing(s *reading.Snapshot, agents []string) map[string]string {
	if len(agents) == 0 {
		return nil
	}
	says, decided := map[string]string{}, s.Decided().View.Ledger
	for _, id := range agents {
		if id == "" {
			says[id] = fmt.Sprintf("%s %s", s.Ledger.Step, s.MetaCommit)
			continue
		}
		at := decided.Position(id)
		c := s.Cursor(id)
		says[id] = fmt.Sprintf("%d %s %t %s", at.Seq, at.Hash, c != nil && c.Covered == at.Seq, s.MetaCommit)
	}
	return says
}

// fromArchive collects the consequences of an archive.
type fromArchive struct {
	ctx      context.Context
	local    refs.Local
	was      map[string]refs.OID // all refs before
	all      map[string]refs.OID // and after the updates
	root     string
	gone     bool // a branch that was not fetched is not on the hub
	problems []hubs.Problem
}

// set moves a ref, or deletes it.
func (f *fromArchive) set(ref string, tip refs.OID) {
	if f.all[ref] = tip; tip == "" {
		delete(f.all, ref)
	}
}

// finish decides which branches the archive replaces, and returns all updates. seen is the
// verdict on the skipped steps.
func (f *fromArchive) finish(seen *hubs.ArchiveSeen) (ArchiveAnswer, error) {
	if seen != nil {
		f.problem("%s", seen.Text)
	}
	if err := f.dropFolded(); err != nil {
		return ArchiveAnswer{}, err
	}
	if f.gone {
		if err := f.expectWhole(); err != nil {
			return ArchiveAnswer{}, err
		}
	}
	a := ArchiveAnswer{Problems: f.problems, Seen: seen}
	for ref, tip := range f.all {
		if old := f.was[ref]; old != tip {
			a.Updates = append(a.Updates, refs.Update{Ref: ref, Old: old, New: tip})
		}
	}
	for ref, old := range f.was {
		if f.all[ref] == "" {
			a.Updates = append(a.Updates, refs.Update{Ref: ref, Old: old})
		}
	}
	return a, nil
}

// below returns the refs below a prefix, after the updates.
func (f *fromArchive) below(prefix string) (names []string) {
	for ref := range f.all {
		if strings.HasPrefix(ref, prefix) {
			names = append(names, ref)
		}
	}
	return names
}

func (f *fromArchive) problem(format string, args ...any) {
	f.problems = append(f.problems, hubs.Problem{Ref: replay.ArchiveName, Text: fmt.Sprintf(format, args...)})
}

// expectAgain turns logs that are no longer in the archive back into branches that were
// seen on the hub.
func (f *fromArchive) expectAgain(held map[string]refs.OID) {
	for _, ref := range f.below(replay.ArchivedRoot) {
		id, tip := strings.TrimPrefix(ref, replay.ArchivedRoot), f.all[ref]
		if held[id] != "" || event.ValidAgentID(id) != nil {
			continue
		}
		f.set(ref, "")
		if branch := replay.HubRoot + replay.Agents + id; f.all[branch] == "" {
			f.set(branch, tip)
		}
	}
}

// dropFolded drops the branches that the archive replaces from now on: those that the hub
// no longer has, and those that differ from the archived lines, which the ledger covers. A
// branch with fewer lines was set back: all archived lines are expected in it, so the next
// push restores them, and the log can be folded again.
func (f *fromArchive) dropFolded() error {
	for _, branch := range f.below(replay.HubRoot + replay.Agents) {
		id := strings.TrimPrefix(branch, replay.HubRoot+replay.Agents)
		held := f.all[replay.ArchivedRoot+id]
		if held == "" {
			continue
		}
		rel, err := refs.IsPrefix(f.ctx, f.local, id, f.all[branch], held)
		if err != nil {
			return fmt.Errorf("compare the log of '%s' with the one in the archive: %w", id, err)
		}
		onHub := f.all[f.root+replay.Agents+id] != ""
		switch {
		case rel == refs.Prefix && onHub:
			f.set(branch, held)
		case rel == refs.Prefix, rel == refs.Diverged, rel == refs.Equal && f.gone && !onHub:
			f.set(branch, "")
		}
	}
	return nil
}

// expectWhole expects all lines of an archived log in a branch that has fewer lines on the
// hub, and that was not accepted for this reason.
func (f *fromArchive) expectWhole() error {
	for _, fetched := range f.below(f.root + replay.Agents) {
		id := strings.TrimPrefix(fetched, f.root+replay.Agents)
		branch, held := replay.HubRoot+replay.Agents+id, f.all[replay.ArchivedRoot+id]
		if held == "" || f.all[branch] != "" {
			continue
		}
		rel, err := refs.IsPrefix(f.ctx, f.local, id, f.all[fetched], held)
		if err != nil {
			return fmt.Errorf("compare the log of '%s' with the one in the archive: %w", id, err)
		}
		if rel == refs.Prefix {
			f.set(branch, held)
		}
	}
	return nil
}
