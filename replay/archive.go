package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/archive"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
)

// maxArchiveSteps bounds how many steps an archive that is read may have.
const maxArchiveSteps = 1 << 18

// ArchiveRequest asks for the logs of an archive.
type ArchiveRequest struct {
	Hub  string   // whose lines the logs hold
	Tip  refs.OID // the last step
	From refs.OID // a step that is known to be valid; "" for none

	// Covers reports whether the ledger covers a line, and Revoked whether an admin ended
	// the log at that line or earlier.
	Covers  func(agent string, seq uint64, hash string) (bool, error)
	Revoked func(agent string, seq uint64) bool
}

// Archive is the content of an archive.
type Archive struct {
	Step    refs.OID            // the nearest valid step; "" for none
	Logs    map[string]refs.OID // tips of the logs that valid steps added, by agent
	Resumed bool                // the tip continues From, and Logs has only the logs of later steps

	Bad    []BadArchiveStep // the newest MaxBad of the skipped steps, the oldest first
	Passed int              // how many steps are skipped
}

// BadArchiveStep is a step that readers skip.
type BadArchiveStep struct {
	ID refs.OID
	*archive.Fault
}

// passOver notes a step that is not valid.
func (a *Archive) passOver(id refs.OID, f *archive.Fault) {
	if a.Passed++; len(a.Bad) == MaxBad {
		a.Bad = slices.Delete(a.Bad, 0, 1)
	}
	a.Bad = append(a.Bad, BadArchiveStep{id, f})
}

// ReadArchive reads and checks the steps of an archive. If it returns an error, the
// archive may still be valid.
func ReadArchive(ctx context.Context, l refs.Local, r ArchiveRequest) (Archive, error) {
	a := Archive{Logs: map[string]refs.OID{}}
	var steps []archiveStep
	for id := r.Tip; id != ""; {
		if id == r.From {
			a.Resumed = true
			break
		}
		h, err := refs.ReadHead(ctx, l, id)
		if errors.Is(err, refs.ErrCorrupt) || errors.Is(err, refs.ErrTooLarge) { // the next step begins the archive anew
			a.passOver(id, &archive.Fault{Reason: archive.Unreadable, Detail: err.Error()})
			break
		}
		if err != nil {
			return a, fmt.Errorf("read the archive: %w", err)
		}
		if steps = append(steps, archiveStep{id, h}); len(steps) > maxArchiveSteps {
			return a, fmt.Errorf("the archive has more than %d steps: %w", maxArchiveSteps, refs.ErrTooLarge)
		}
		if id = ""; len(h.Parents) > 0 {
			id = h.Parents[0]
		}
	}
	tree := refs.OID("")
	if a.Resumed {
		h, err := refs.ReadHead(ctx, l, r.From)
		if err != nil {
			return a, fmt.Errorf("read the archive: %w", err)
		}
		a.Step, tree = r.From, h.Tree
	}
	j := archiveJudge{ArchiveRequest: r, ctx: ctx, local: l, read: map[foldedLog]archive.Log{}}
	for _, s := range slices.Backward(steps) {
		logs, fault, err := j.judge(s, tree)
		if err != nil {
			return a, fmt.Errorf("judge step '%s' of the archive: %w", s.id, err)
		}
		if fault != nil {
			a.passOver(s.id, fault)
			continue
		}
		a.Step, tree = s.id, s.head.Tree
		maps.Copy(a.Logs, logs)
	}
	return a, nil
}

// archiveStep is a step that is to be judged.
type archiveStep struct {
	id   refs.OID
	head refs.CommitHead
}

// foldedLog is a log as a step names it.
type foldedLog struct {
	agent string
	tip   refs.OID
}

// archiveJudge judges the steps of one archive. A log is read once, however many steps
// name it.
type archiveJudge struct {
	ArchiveRequest
	ctx   context.Context
	local refs.Local
	read  map[foldedLog]archive.Log
}

// judge judges a step after the tree of the nearest valid one. It returns the logs
// that the step adds, or what is wrong with it.
func (j *archiveJudge) judge(s archiveStep, before refs.OID) (logs map[string]refs.OID, f *archive.Fault, err error) {
	diff, err := refs.DiffTrees(j.ctx, j.local, before, s.head.Tree, archive.Depth, archive.MaxAdded)
	if errors.Is(err, refs.ErrCorrupt) || errors.Is(err, refs.ErrTooLarge) {
		return nil, &archive.Fault{Reason: archive.BadTree, Detail: err.Error()}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var changes []archive.Entry
	for _, c := range diff {
		odd := c.Old.Mode != "" && c.Old.Mode != refs.ModeTree || c.New.Mode != "" && c.New.Mode != refs.ModeTree
		changes = append(changes, archive.Entry{Path: c.Path, Old: string(c.Old.OID), New: string(c.New.OID), Odd: odd})
	}
	folded := s.head.Parents[min(1, len(s.head.Parents)):]
	logs = map[string]refs.OID{}
	f, err = archive.Judge(len(s.head.Parents) == 0, changes, len(folded), func(parent int, agent string) (archive.Log, error) {
		logs[agent] = folded[parent]
		return j.folds(foldedLog{agent, folded[parent]})
	}, j.Covers)
	return logs, f, err
}

// folds is what the tip of a log says about whether it may be folded.
func (j *archiveJudge) folds(of foldedLog) (log archive.Log, err error) {
	if log, known := j.read[of]; known {
		return log, nil
	}
	defer func() {
		if err == nil {
			j.read[of] = log
		}
	}()
	h, err := refs.ReadHead(j.ctx, j.local, of.tip)
	if errors.Is(err, refs.ErrCorrupt) || errors.Is(err, refs.ErrTooLarge) {
		return archive.Log{Damaged: true}, nil
	}
	if err != nil {
		return archive.Log{}, err
	}
	part, err := GoodPart(j.ctx, j.local, PartRequest{Hub: j.Hub, Agent: of.agent, Tip: of.tip})
	if err != nil {
		return archive.Log{}, err
	}
	log = archive.Log{Tree: string(h.Tree), Seq: part.Seq, Hash: part.Hash, Damaged: part.Ended != ""}
	line, err := LineAt(j.ctx, j.local, of.agent, of.tip, part.Seq)
	if err != nil || line == nil {
		return log, err
	}
	e, err := event.Decode(bytes.Clone(line))
	if err != nil {
		log.Damaged = true
		return log, nil
	}
	_, log.Retired = e.Body.(*event.AgentRetired)
	log.Retired = log.Retired || j.Revoked(of.agent, log.Seq)
	return log, nil
}

// ArchiveRequest returns a request for an archive, which is checked against the State and
// the decisions of its ledger.
func (s *State) ArchiveRequest(ctx context.Context, l refs.Local, decided *ledger.Ledger, tip, from refs.OID) ArchiveRequest {
	return ArchiveRequest{Hub: s.Hub, Tip: tip, From: from, Revoked: s.RevokedBy, Covers: func(agent string, seq uint64, hash string) (bool, error) {
		at := decided.Position(agent)
		if at.Seq <= seq {
			return at == ledger.Position{Seq: seq, Hash: hash}, nil
		}
		c := s.Cursor(agent)
		if c == nil || c.Covered != at.Seq {
			return false, nil
		}
		line, err := LineAt(ctx, l, agent, c.View, seq)
		return line != nil && event.Hash(line) == hash, err
	}}
}

// RevokedBy reports whether an admin ended a log at a line or earlier. A later revocation
// can only end the log earlier.
func (s *State) RevokedBy(agent string, seq uint64) bool {
	return s.Meta != nil && s.Meta.Ends(agent, seq)
}
