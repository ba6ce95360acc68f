// Package accept decides which fetched refs to accept: which refs of a hub replace the
// known ones, which are refused and why, and what a hub has lost. It reads objects and
// moves no ref; the caller applies its answer.
package accept

import (
	"context"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// maxLogs bounds how many logs of a hub are accepted. No real hub has more, and each log
// costs every reader something. Logs that are already known stay.
const maxLogs = 1 << 16

// Fetch is the result of a fetch into a replica, and what was known about the hub before.
type Fetch struct {
	Refs    []refs.Ref // all refs of the replica
	Root    string     // prefix of the fetched refs
	Whole   bool       // they are all refs that the hub has now; otherwise a ref may be as old as an earlier fetch
	Hub     string     // the id of this clone's hub; "" if unknown
	Strange bool       // the remote's URL has changed, perhaps to a fork of the hub
}

// Answer is what to accept of a fetch.
type Answer struct {
	Updates  []refs.Update // of the accepted refs
	Problems []hubs.Problem
	Other    string                  // the id of another tracker at the remote; "" if there is none
	Parted   bool                    // it has the same id, but other decisions
	Detached bool                    // it continues this hub: it was detached from it, or
	Again    bool                    // the same older hub was migrated again, after this migration was taken back
	Lost     string                  // message about known decisions that are missing now; "" if none is
	Forks    map[string]*trust.Proof // forks that the fetch proved, by agent
}

// Judge decides which refs of a fetch to accept, each by its own rule:
//
//   - a log is accepted if it contains all lines of the accepted one; otherwise it
//     stays in the fetched refs, as evidence, and the old one remains;
//   - meta is accepted if it can be read, is of the same hub, not older and of no
//     lower level;
//   - a hub of level 3 or 2 is mirrored as it is, because its logs may be rewritten;
//   - nothing is accepted of the hub that existed before a migration;
//   - nothing is accepted of another hub. If only the meta is of another hub, somebody
//     may have replaced it, so a log counts if its lines are of this hub. Nothing new
//     is accepted if there is no meta;
//   - refs that are not the tracker's are ignored;
//   - nothing accepted is dropped because the hub no longer offers it.
//
// A refused ref never prevents the others from being accepted.
func Judge(ctx context.Context, reads *reading.Reader, local refs.Local, f Fetch) (Answer, error) {
	j := &judge{Fetch: f, reads: reads, local: local, have: make(map[string]refs.OID, len(f.Refs))}
	for _, r := range f.Refs {
		j.have[r.Name] = r.OID
		if strings.HasPrefix(r.Name, replay.HubRoot+replay.Agents) {
			j.logs++
		}
	}
	meta := j.have[f.Root+replay.MetaName]
	if err := j.readMetas(ctx, j.have[replay.TrustedMeta], j.have[replay.HubRoot+replay.MetaName], meta); err != nil {
		return Answer{}, err
	}
	j.level2 = meta == "" && replay.IsLevel2(ctx, local, j.have[f.Root+replay.Level2Name])
	if j.Other = j.other(f.Hub); f.Root == replay.IncomingRoot && j.Other == "" && f.Strange {
		parted, err := parted(ctx, local, j.have[replay.HubRoot+replay.LedgerName], j.have[f.Root+replay.LedgerName])
		if err != nil || parted {
			return Answer{Other: f.Hub, Parted: parted}, err
		}
	}
	if level := j.takenBack(); level > 0 {
		j.problem(hubs.Problem{Ref: replay.MetaName, Text: fmt.Sprintf("the remote has the level-%d hub again, as before the migration; this clone keeps the migrated tracker", level), Told: true})
		return j.Answer, nil
	}
	if j.Other != "" {
		known := j.known.Hub
		if known == "" {
			known = f.Hub
		}
		j.problem(hubs.Problem{Ref: replay.MetaName, Text: fmt.Sprintf("the remote has another tracker (hub %s) than this clone (hub %s); this clone keeps its tracker", hubs.Clip(j.Other), hubs.Clip(known)), Told: true})
		j.Again = j.metas.Roll != nil && j.metas.Roll.Meta.Migrated.Again(j.migration)
		if j.Detached = j.Again || detachedFrom(ctx, local, meta, known); j.Detached {
			return j.Answer, nil // the remote has another tracker in place of this one
		}
		j.pinned = known
	}
	j.settle()
	j.believeMeta()
	for _, r := range f.Refs {
		if name, ok := strings.CutPrefix(r.Name, f.Root); ok && j.have[replay.HubRoot+name] != r.OID {
			if err := j.take(ctx, name, r.OID); err != nil {
				return j.Answer, err
			}
		}
	}
	if j.untaken > 0 {
		j.problem(hubs.Problem{Text: fmt.Sprintf("the hub has %d logs more than the %d that this program reads", j.untaken, maxLogs)})
	}
	return j.Answer, nil
}

func (j *judge) problem(p hubs.Problem) { j.Problems = append(j.Problems, p) }

// believe accepts a ref.
func (j *judge) believe(name string, fresh refs.OID) {
	j.Updates = append(j.Updates, refs.Update{Ref: replay.HubRoot + name, Old: j.have[replay.HubRoot+name], New: fresh})
}

// believeMeta records which meta commit is accepted from now on.
func (j *judge) believeMeta() {
	if j.meta != "" || j.metas.Roll == nil {
		return
	}
	if was := j.have[replay.TrustedMeta]; was != j.metas.Commit {
		j.Updates = append(j.Updates, refs.Update{Ref: replay.TrustedMeta, Old: was, New: j.metas.Commit})
	}
	if j.Root != refs.OuterPrefix {
		for _, text := range j.metas.Bad.Texts() {
			j.problem(hubs.Problem{Text: text})
		}
	}
}

// take accepts a ref that has changed, or returns why not.
func (j *judge) take(ctx context.Context, name string, fresh refs.OID) error {
	old := j.have[replay.HubRoot+name]
	if id, isLog := strings.CutPrefix(name, replay.Agents); isLog {
		old, _ = replay.HubTip(j.have, id)
	}
	take, problem, err := j.ref(ctx, name, old, fresh)
	if j.pinned != "" && err == nil && (take || problem != "") {
		problem = ""
		if take, err = j.ours(ctx, name, old, fresh); !take && err == nil {
			return nil
		}
	}
	newLog := old == "" && strings.HasPrefix(name, replay.Agents)
	switch {
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		j.problem(hubs.Problem{Ref: name, Text: fmt.Sprintf("'crosslink/%s' cannot be checked: %v", fail.Truncate(name), err)})
	case problem != "" && !j.Whole:
		// the user's copy may be old or from elsewhere, and so may a ref that could not be
		// stored
	case problem != "" && !take:
		j.problem(hubs.Problem{Ref: name, Text: problem})
	case !j.fresh.There && j.level != 2:
		// nothing shows which hub this belongs to
	case problem != "":
		j.Lost = problem
		j.problem(hubs.Problem{Ref: name, Text: problem, Told: true})
		if aside := replay.LostRoot + string(old); j.have[aside] == "" { // first, so that a kill cannot lose it
			j.Updates = append(j.Updates, refs.Update{Ref: aside, New: old})
		}
		j.believe(name, fresh)
	case take && newLog && j.logs >= maxLogs:
		j.untaken++
	case take:
		if newLog {
			j.logs++
		}
		j.believe(name, fresh)
	}
	return nil
}

// judgeLedger decides whether to accept a fetched ledger. If it returns true and a problem,
// the fetched ledger lacks known decisions: they are kept aside until a merge step has
// restored them.
func judgeLedger(ctx context.Context, local refs.Local, old, fresh refs.OID) (take bool, problem string, err error) {
	if old == "" {
		return true, "", nil
	}
	r := walker(ctx, local)
	if on, err := r.Extends(string(fresh), string(old)); err != nil || on {
		return true, "", refs.IgnoreMissing(err)
	}
	if behind, err := r.Extends(string(old), string(fresh)); err != nil || behind {
		return false, "the hub's ledger was set back; the decisions are kept here, and the next push restores them", refs.IgnoreMissing(err)
	}
	return true, "the hub has lost decisions that it had confirmed; the next sync restores them, and a number given twice gets an alias", nil
}

// walker is a reader that only walks the parents of steps.
func walker(ctx context.Context, local refs.Local) *ledger.Reader {
	return ledger.NewReader(replay.NewSteps(ctx, local, ""), "")
}

// parted reports whether each of two ledgers of one hub id has decisions that the other
// lacks. Then one hub is a fork of the other, and following it would mix the two.
func parted(ctx context.Context, local refs.Local, ours, theirs refs.OID) (bool, error) {
	if ours == "" || theirs == "" || ours == theirs {
		return false, nil
	}
	r := walker(ctx, local)
	for _, p := range [][2]refs.OID{{ours, theirs}, {theirs, ours}} {
		if on, err := r.Extends(string(p[0]), string(p[1])); on || err != nil {
			return false, refs.IgnoreMissing(err)
		}
	}
	return true, nil
}

// detachedFrom reports whether a meta commit declares that its hub was detached from the
// hub with this id.
func detachedFrom(ctx context.Context, local refs.Local, tip refs.OID, id string) bool {
	if tip == "" {
		return false
	}
	files, err := refs.ReadFiles(ctx, local, tip, replay.MetaLimit)
	if err != nil {
		return false
	}
	m, err := trust.DecodeMeta(files["hub.json"])
	if err != nil {
		return false
	}
	o, ok := m.Origin()
	return ok && o.Hub == id
}

// prove reports whether a rewritten log was rewritten with its own key. The next sync
// writes the proof into this clone's own log.
func (j *judge) prove(ctx context.Context, id string, old, fresh refs.OID) (bool, error) {
	ours, err := j.reads.Good(ctx, id, old)
	if err != nil {
		return false, refs.IgnoreMissing(err)
	}
	theirs, err := j.reads.Good(ctx, id, fresh)
	if err != nil {
		return false, refs.IgnoreMissing(err)
	}
	p := trust.FindFork(ours, theirs)
	if p == nil || j.metas.Roll == nil || p.Hub != j.metas.Roll.Meta.Hub {
		return false, nil
	}
	// with its own key, or by somebody else with push access?
	l := j.metas.Roll.Log(id, trust.LogOptions{Proofs: []*trust.Proof{p}})
	for _, e := range ours {
		l.Feed(e)
	}
	if !l.Verdict().Forked {
		return false, nil
	}
	if j.Forks == nil {
		j.Forks = map[string]*trust.Proof{}
	}
	j.Forks[id] = p
	return true, nil
}
