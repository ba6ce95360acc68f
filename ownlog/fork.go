package ownlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/internal/fault"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/rewrite"
)

// What Fork carries over to the log of the new id is decided by package rewrite
// (rewrite.Fork).

// leavable reports whether a log that has not forked can be left for a new id:
// there are lines that the hub does not have, or nobody could follow it.
func (w *Writer) leavable(s *reading.Snapshot, l *reading.Log) bool {
	if w.Hub == nil || l.Ended != "" || l.Torn || l.Missing || l.Foreign || l.Legacy || l.Position > l.HubSeq {
		return false // where there is no hub, and where the ledger covers lines, numbers hang on them
	}
	return l.Unsent() > 0 || l.Time > event.Follows(event.TimeOf(w.Now()))
}

// explained is the greatest time that a line written now has to have: now, or after
// what counts of all that the hub has. What
// waits here explains nothing: its times may be as wrong.
func (w *Writer) explained(ctx context.Context, s *reading.Snapshot, now event.Time) (event.Time, error) {
	newest := event.Time(0)
	for _, l := range s.Logs() {
		at, err := w.Reads.NewestIn(ctx, l, min(l.Counted, l.HubSeq), event.Follows(now))
		if err != nil {
			return 0, err
		}
		newest = max(newest, at)
	}
	return max(now, newest+1), nil
}

// Forked is what Fork did.
type Forked struct {
	Was     string `json:"was"`
	Agent   string `json:"agent"`   // the new id
	Carried int    `json:"carried"` // events moved to the new id
	Scope   string `json:"scope"`   // where the user has to set the new id for it to hold (idScope); "" = nowhere

	Withdrawn []Withdrawn  `json:"withdrawn"` // events that were not moved, with those that depend on them
	Locks     []event.UUID `json:"locks"`     // issues whose lock stays with the old id
}

// Withdrawn is an event that Fork did not carry over.
type Withdrawn = rewrite.Withdrawn

// Fork continues under another id where two clones wrote under one, or the hub
// does not take what waits here: the lines that the hub's log of the old id
// does not hold are carried over (same uuids, no lock events; the rules above say
// which, and with which times), and the old log is the hub's again. The old
// lines stay in the replica as evidence. newID "" mints one; without names lines
// that are not carried over.
func (w *Writer) Fork(ctx context.Context, newID string, without ...string) (*Forked, error) {
	if w.Agent == "" || w.Replica == nil {
		return nil, &fail.Error{Kind: fail.No, Code: "no-fork", Message: "nobody has written here yet: there is nothing to move"}
	}
	if newID == "" {
		newID = agents.Mint(w.Getenv("USER"))
	}
	if err := event.ValidAgentID(newID); err != nil {
		return nil, &fail.Error{Kind: fail.Denied, Code: "agent-id/fork", Message: err.Error()}
	}
	how := &clone.Signing{}
	for range clone.Tries {
		if newer, err := w.endFork(ctx); err != nil {
			return nil, err
		} else if newer != "" {
			return nil, &fail.Error{Kind: fail.No, Code: "no-fork", Message: fmt.Sprintf("the interrupted move to '%s' is complete now: there is nothing to move", newer)}
		}
		f, err := w.moveTo(ctx, newID, without, how)
		if errors.Is(err, refs.ErrConflict) {
			continue // another process wrote, or what a killed one had begun was completed
		}
		if err != nil {
			return nil, err
		}
		fault.Point("fork.moved")
		return f, w.goOnAs(ctx, f)
	}
	return nil, fmt.Errorf("continue as '%s': %w", newID, refs.ErrConflict)
}

// moveTo writes the new log and gives the old one back to the hub.
func (w *Writer) moveTo(ctx context.Context, newID string, without []string, how *clone.Signing) (*Forked, error) {
	s, err := w.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	l := s.Log(w.Agent)
	if l == nil || !l.Diverged && !l.Forked() && !(l.Foreign && l.Hub != "") && !(l.Trails && l.View == l.Here) && !w.leavable(s, l) && w.Locked(ctx, s) == nil {
		return nil, &fail.Error{Kind: fail.No, Code: "no-fork", Message: fmt.Sprintf("the log of '%s' has not forked, and it has no unsent events: there is nothing to move", w.Agent)}
	}
	if s.Log(newID) != nil {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "agent-taken", Message: fmt.Sprintf("the id '%s' is already in use", newID)}
	}
	f := &Forked{Was: w.Agent, Agent: newID, Locks: s.HeldBy(w.Agent)}
	tip, err := w.carryOver(ctx, s, l, f, without, how)
	if err != nil {
		return nil, err
	}
	ups := []refs.Update{{Ref: replay.HereRoot + replay.Agents + newID, New: tip}, {Ref: movedRoot(w.Agent) + newID, New: tip}}
	if l.Here != "" {
		back := l.Hub
		if l.Diverged || l.Forked() {
			back = cmp.Or(l.Hub, l.Here)
		}
		ups = append(ups, refs.Update{Ref: replay.HereRoot + replay.Agents + w.Agent, Old: l.Here, New: back})
		if kept := "refs/forked/" + w.Agent + "/" + string(l.Here); s.AllRefs[kept] == "" {
			ups = append(ups, refs.Update{Ref: kept, New: l.Here})
		}
	}
	if err := w.Local().Swap(ctx, ups); err != nil {
		return nil, fmt.Errorf("continue as '%s': %w", newID, err)
	}
	return f, nil
}

// movedRoot is where a ref says that an agent's lines have been moved to the log
// of a new id, which does not write here yet: it moves with the logs, and goes when
// the new id holds. A process that is killed between the two leaves it.
func movedRoot(agent string) string { return "refs/forked/" + agent + "/to/" }

// moved reports whether the lines of an agent have been moved to a new id.
func movedAway(s *reading.Snapshot, agent string) bool {
	for name := range s.AllRefs {
		if strings.HasPrefix(name, movedRoot(agent)) {
			return true
		}
	}
	return false
}

// endFork makes the id hold to which a killed process has moved the lines of
// this one, and reports it. It returns "" if there is none.
func (w *Writer) endFork(ctx context.Context) (newer string, err error) {
	if w.Agent == "" || w.Replica == nil {
		return "", nil
	}
	all, err := w.Local().Refs(ctx, movedRoot(w.Agent))
	if err != nil || len(all) == 0 {
		return "", err
	}
	f := &Forked{Was: w.Agent, Agent: strings.TrimPrefix(all[0].Name, movedRoot(w.Agent))}
	if err := w.goOnAs(ctx, f); err != nil {
		return "", err
	}
	n := fail.Notice{Code: "fork-completed", Text: fmt.Sprintf("you now write as '%s': the interrupted move of the log of '%s' is complete", f.Agent, f.Was)}
	if f.Scope != "" {
		n.Code, n.Fields = "fork-completed/set", fail.Fields{"agent": f.Agent, "scope": f.Scope}
	}
	w.Notice(n)
	return f.Agent, nil
}

// goOnAs makes the new id the one that writes here.
func (w *Writer) goOnAs(ctx context.Context, f *Forked) error {
	switch scope := w.Identity().Scope(); {
	case scope == agents.FromEnvironment || scope == "command" || scope == "worktree":
		f.Scope = scope
	case scope != "": // also where all repositories of a user share one
		if err := w.Outer.SetConfig(ctx, "crosslink.agent", f.Agent); err != nil {
			return w.Unwritable(fmt.Errorf("set 'crosslink.agent': %w", err))
		}
	default:
		if err := w.Identity().Become(f.Agent); err != nil {
			return err
		}
	}
	w.Agent = f.Agent
	moved, err := w.Local().Refs(ctx, movedRoot(f.Was))
	if err != nil {
		return err
	}
	var ups []refs.Update
	for _, r := range moved {
		ups = append(ups, refs.Update{Ref: r.Name, Old: r.OID})
	}
	if err := w.Local().Swap(ctx, ups); err != nil && !errors.Is(err, refs.ErrConflict) {
		return fmt.Errorf("continue as '%s': %w", f.Agent, err)
	}
	return w.Contact.Remember(func(c *hubs.Note) { c.Refused = "" }) // it was about the old log
}

// carryOver writes the new log.
func (w *Writer) carryOver(ctx context.Context, s *reading.Snapshot, l *reading.Log, f *Forked, without []string, how *clone.Signing) (refs.OID, error) {
	written, err := w.Reads.Good(ctx, l.Agent, l.Here)
	if err != nil {
		return "", err
	}
	n, err := replay.CommonLines(ctx, w.Local(), l.Agent, l.Here, l.Hub)
	if err != nil {
		return "", err
	}
	common := int(n)
	switch { // of what both have not all may count
	case l.Forked():
		common = min(int(l.Verdict().Fed), len(written))
	case l.Trails:
		common = min(common, int(l.Verdict().Fed))
	}
	rest, withdrawn, err := rewrite.Withdraw(written[common:], without)
	if err != nil {
		return "", err
	}
	now := event.TimeOf(w.Now())
	latest, err := w.explained(ctx, s, now)
	if err != nil {
		return "", err
	}
	from := &event.AgentForkedFrom{Agent: l.Agent}
	if common > 0 {
		from.Seq, from.Hash = uint64(common), event.Hash(written[common-1].Raw)
	}
	k, err := w.WritingKey(s, f.Agent, true, how)
	if err != nil {
		return "", err
	}
	plan := exchange.Signed(ctx, rewrite.Plan{On: event.Chain{Hub: s.Hub, Agent: f.Agent}, Latest: latest}, k)
	lines, carried, err := rewrite.Fork(rest, w.Identity().Introduction(nil), from, now, plan)
	if err != nil {
		return "", err
	}
	tip, err := refs.AppendLog(ctx, w.Local(), f.Agent, "", lines, refs.CommitInfo{
		Address: w.Committer(), Author: f.Agent, When: w.Now(), Message: fmt.Sprintf("crosslink: %s continues where %s stopped\n\n[skip ci]\n", f.Agent, l.Agent)})
	f.Carried, f.Withdrawn = carried, withdrawn
	return tip, err
}
