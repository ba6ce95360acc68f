package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/archive"
	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// foldAtOnce bounds the logs of one push: it names each of them twice, and the command
// line of git is short on some systems.
const foldAtOnce = 150

// Why a log of a retired agent stays a branch.
const (
	FoldRecent    = "recent"    // it retired later than was asked for
	FoldUndecided = "undecided" // the ledger does not cover its end yet
	FoldHolds     = "holds"     // it holds a lock or waits for one
	FoldContinued = "continued" // events follow the retirement
	FoldDamaged   = "damaged"   // its log cannot be read to the end
)

// Folding selects the logs that Fold archives.
type Folding struct {
	Before time.Time // only agents that retired earlier; zero: all
	Dry    bool      // push nothing
}

// FoldedLog is a log that was moved to the archive, or the reason why it was not.
type FoldedLog struct {
	Agent     string
	Events    uint64
	RetiredAt event.Time
	Why       string // it stays a branch; "" if it was moved

	tip refs.OID
	// archived: the archive holds it already, and somebody pushed the branch again, or
	// was stopped before the branch was deleted.
	archived bool
}

// Foldable returns the logs of retired and revoked agents that are branches of the hub,
// sorted by agent id. A log that cannot be archived has the reason.
func (x *Exchange) Foldable(s *reading.Snapshot, before time.Time) (all []FoldedLog, err error) {
	busy := map[string]bool{}
	for _, k := range s.Ledger.Locks {
		busy[k.Agent] = true
	}
	for _, q := range s.Ledger.Queue {
		for _, w := range q {
			busy[w.Agent] = true
		}
	}
	for _, a := range s.View.Agents() {
		branch := replay.Agents + a.ID
		tip := s.AllRefs[replay.HubRoot+branch]
		if tip == "" || tip != s.AllRefs[replay.IncomingRoot+branch] || !a.Retired && !s.RevokedBy(a.ID, math.MaxUint64) {
			continue
		}
		l := s.Log(a.ID)
		if l == nil {
			continue
		}
		f := FoldedLog{Agent: a.ID, Events: l.Seq, RetiredAt: a.RetiredAt, tip: tip}
		held := s.AllRefs[replay.ArchivedRoot+a.ID]
		f.archived = held == tip
		last, err := s.View.Line(a.ID, l.Seq)
		if err != nil {
			return nil, err
		}
		ends := s.RevokedBy(a.ID, l.Seq)
		if last != nil {
			_, retires := last.Body.(*event.AgentRetired)
			ends = ends || retires
		}
		switch {
		case l.Ended != "" || l.Torn || l.Missing || l.Foreign || l.Diverged || l.Beyond || l.Trails:
			f.Why = FoldDamaged
		case !ends || held != "" && held != tip:
			f.Why = FoldContinued
		case l.HubSeq != l.Seq || s.Decided().View.Ledger.Position(a.ID) != (ledger.Position{Seq: l.Seq, Hash: l.Hash}):
			f.Why = FoldUndecided
		case busy[a.ID]:
			f.Why = FoldHolds
		case !before.IsZero() && !cmp.Or(a.RetiredAt, l.Time).Std().Before(before):
			f.Why = FoldRecent
		}
		all = append(all, f)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Agent < all[j].Agent })
	return all, nil
}

// Fold moves logs of retired and revoked agents to the hub's archive. The caller has
// fetched and holds the sync lock. Each push either moves all of its logs or none. If the
// hub changed in the meantime, Fold fetches and tries the remaining logs again.
func (x *Exchange) Fold(ctx context.Context, want Folding) (all []FoldedLog, err error) {
	done := map[string]FoldedLog{}
	for races := 0; ; {
		s, err := x.Reads.Load(ctx)
		if err != nil {
			return nil, err
		}
		if all, err = x.Foldable(s, want.Before); err != nil {
			return nil, err
		}
		var next []FoldedLog
		for _, l := range all {
			if l.Why == "" {
				next = append(next, l)
			}
		}
		next = next[:min(len(next), foldAtOnce)]
		if len(next) == 0 || want.Dry {
			break
		}
		raced, err := x.foldOnce(ctx, s, next)
		switch {
		case err != nil:
			return merged(done, nil), err
		case raced:
			if races++; races > clone.Tries {
				return merged(done, nil), &fail.Error{Kind: fail.Unconfirmed, Code: "fold-race", Message: fmt.Sprintf("the hub on '%s' kept changing: %d logs were not archived", x.Hub.Name, len(next))}
			}
			continue
		}
		for _, l := range next {
			done[l.Agent] = l
		}
	}
	return merged(done, all), nil
}

// merged is what was moved, and what was not.
func merged(done map[string]FoldedLog, all []FoldedLog) []FoldedLog {
	all = slices.DeleteFunc(all, func(l FoldedLog) bool { return done[l.Agent].Agent != "" })
	for _, l := range done {
		all = append(all, l)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Agent < all[j].Agent })
	return all
}

// foldOnce pushes one step of the archive and deletes the branches of its logs.
func (x *Exchange) foldOnce(ctx context.Context, s *reading.Snapshot, logs []FoldedLog) (raced bool, err error) {
	f := fold{Exchange: x, s: s, logs: logs, step: s.AllRefs[replay.IncomingRoot+replay.ArchiveName]}
	var step, branches []refs.PushRef
	for _, l := range logs {
		branches = append(branches, refs.PushRef{Dst: refs.HubPrefix + replay.Agents + l.Agent, Lease: new(l.tip)})
	}
	if slices.ContainsFunc(logs, func(l FoldedLog) bool { return !l.archived }) {
		was := f.step
		if f.step, err = x.archiveStep(ctx, s, was, logs); err != nil {
			return false, err
		}
		step = append(step, refs.PushRef{Src: f.step, Dst: refs.HubPrefix + replay.ArchiveName, Lease: &was})
	}
	if !x.Contact.NoAtomic {
		raced, err := f.push(ctx, refs.Push{Atomic: true, Refs: slices.Concat(step, branches)}, true)
		if !errors.Is(err, errNotAtomic) {
			return raced, err
		}
		defer func() { // a hub that takes them one after the other cannot push atomically
			if err == nil && !raced {
				err = x.Contact.Remember(func(c *hubs.Note) { c.NoAtomic = true })
			}
		}()
	}
	// one after the other: the branch of a log that the archive holds may go
	if len(step) > 0 {
		if raced, err := f.push(ctx, refs.Push{Refs: step}, false); raced || err != nil {
			return raced, err
		}
		if f.s, err = x.Reads.Load(ctx); err != nil {
			return false, err
		}
	}
	return f.push(ctx, refs.Push{Refs: branches}, true)
}

// errNotAtomic says that an atomic push failed without a reason.
var errNotAtomic = errors.New("the hub did not accept an atomic push")

// fold is one step of the archive while it is pushed.
type fold struct {
	*Exchange
	s    *reading.Snapshot
	logs []FoldedLog
	step refs.OID // what the archive becomes
}

// push pushes all or a part of it, and records what became of that. deletes says that it
// deletes the branches.
func (f fold) push(ctx context.Context, push refs.Push, deletes bool) (raced bool, err error) {
	p := hubs.Pushed{Push: push}
	p.Res, p.Err = f.PushPatiently(ctx, push, clone.Folding)
	var there map[string]refs.OID
	out, err := p.Became(ctx, func(ctx context.Context) (map[string]refs.OID, error) {
		there, err = f.Look(ctx)
		return there, err
	}, nil)
	switch {
	case err != nil:
		return false, err
	case out.Result == hubs.Landed:
		return false, f.record(ctx, deletes)
	case there != nil && !slices.ContainsFunc(push.Refs, func(r refs.PushRef) bool { return there[strings.TrimPrefix(r.Dst, refs.HubPrefix)] != r.Src }):
		return false, nil // the answer was lost; the fetch has recorded what happened
	case out.Result == hubs.Raced:
		if there == nil {
			_, err = f.Look(ctx)
		}
		if re, ok := errors.AsType[*refs.RemoteError](err); ok {
			return false, f.Unfetched(re)
		}
		return true, err
	case out.Result == hubs.Refused:
		return false, &fail.Error{Kind: fail.Denied, Code: "refused/fold", Message: fmt.Sprintf("the hub refuses to archive logs: %s", hubs.WhyRefused(p.Res))}
	case out.Result == hubs.Unknown:
		return false, f.Hub.Unanswered("unanswered/fold", "archived", hubs.GitWords(out.Unasked))
	case push.Atomic: // a hub that cannot push atomically says nothing
		return false, errNotAtomic
	}
	return false, &fail.Error{Kind: fail.Unconfirmed, Code: "unreachable/push", Message: fmt.Sprintf("the hub on '%s' did not accept the push: nothing was changed", f.Hub.Name),
		Fields: fail.Fields{"git": hubs.Gist(p.Res.Stderr)}}
}

// record records what the hub has now.
func (f fold) record(ctx context.Context, deletes bool) error {
	var ups []refs.Update
	for _, root := range []string{replay.HubRoot, replay.IncomingRoot} {
		if ref := root + replay.ArchiveName; f.s.AllRefs[ref] != f.step {
			ups = append(ups, refs.Update{Ref: ref, Old: f.s.AllRefs[ref], New: f.step})
		}
		for _, l := range f.logs {
			if deletes {
				ups = append(ups, refs.Update{Ref: root + replay.Agents + l.Agent, Old: l.tip})
			}
		}
	}
	for _, l := range f.logs {
		if ref := replay.ArchivedRoot + l.Agent; f.s.AllRefs[ref] == "" {
			ups = append(ups, refs.Update{Ref: ref, New: l.tip})
		}
	}
	// a conflict: the next fetch records it
	return refs.IgnoreConflict(f.Local().Swap(ctx, ups))
}

// archiveStep writes the next step of the archive, which moves logs there. was is the
// archive's tip on the hub; what of it is not valid is not continued.
func (x *Exchange) archiveStep(ctx context.Context, s *reading.Snapshot, was refs.OID, logs []FoldedLog) (refs.OID, error) {
	author := cmp.Or(x.author(s), logs[0].Agent)
	if was == "" {
		var err error
		if was, err = refs.WriteTrees(ctx, x.Local(), "", nil, nil, x.archiveCommit(author, "the archive begins")); err != nil {
			return "", err
		}
	}
	valid := s.AllRefs[replay.HubRoot+replay.ArchiveName]
	trees, parents := map[string]refs.OID{}, []refs.OID{was}
	for _, l := range logs {
		if l.archived {
			continue
		}
		h, err := refs.ReadHead(ctx, x.Local(), l.tip)
		if err != nil {
			return "", err
		}
		trees[archive.Path(l.Agent)] = h.Tree
		parents = append(parents, l.tip)
	}
	step, err := refs.WriteTrees(ctx, x.Local(), valid, trees, parents, x.archiveCommit(author, fmt.Sprintf("archive %d logs", len(trees))))
	if err != nil {
		return "", err
	}
	a, err := replay.ReadArchive(ctx, x.Local(), s.ArchiveRequest(ctx, x.Local(), s.Decided().View.Ledger, step, valid))
	if err == nil && a.Step != step {
		err = fmt.Errorf("the step would not be valid: %w", a.Bad[len(a.Bad)-1])
	}
	if err != nil {
		return "", fmt.Errorf("archive logs: %w", err)
	}
	return step, nil
}

// archiveCommit is what a commit of the archive says.
func (x *Exchange) archiveCommit(author, message string) refs.CommitInfo {
	return refs.CommitInfo{Address: x.Committer(), Author: author, When: x.Now(), Message: "crosslink: " + message + "\n\n[skip ci]\n"}
}
