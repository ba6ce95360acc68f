package exchange

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/rewrite"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// Lines written here do not always continue what the hub holds. The rules are:
//
//   - lines of another hub id were written before this hub was known, or after
//     the replica was lost, and nobody has seen them: they are rebuilt after
//     what the hub's log of that agent holds, same events, times and order. The
//     rebuilt commit is the same in every copy of a clone;
//   - a hub log that continues the one here takes its place;
//   - the same lines in another commit: one commit on top of both;
//   - objects that are missing here (a torn backup, power loss): what the hub
//     has takes their place, and it is told what is lost;
//   - lines of this hub that differ are a fork: two clones write under one id.
//     Nobody resolves that on its own (package ownlog, Fork).

// Bind makes every log written here continue the hub's log, unless a person has to decide
// how.
func (x *Exchange) Bind(ctx context.Context) error { return x.bindOn(ctx, nil) }

// bindOn is Bind where the hub has lines of some agents in other commits.
func (x *Exchange) bindOn(ctx context.Context, elsewhere map[string]bool) error {
	if all, err := x.Local().Refs(ctx, "refs/"); err != nil || nothingApart(all) {
		return err
	}
	for range 8 {
		s, err := x.Reads.Load(ctx)
		if err == nil && !x.Reads.AllEnd(ctx, s) {
			x.Reads.Distrust()
			s, err = x.Reads.Load(ctx)
		}
		if err != nil {
			return err
		}
		ups, err := x.mend(ctx, s, elsewhere)
		if err != nil || len(ups) == 0 {
			return err
		}
		// the hub these lines are rebuilt for must still be the one known
		meta := s.AllRefs[replay.HubRoot+replay.MetaName]
		err = x.Local().Swap(ctx, append(ups, refs.Update{Ref: replay.HubRoot + replay.MetaName, Old: meta, New: meta}))
		if !errors.Is(err, refs.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("bind the logs written here to the hub: %w", refs.ErrConflict)
}

// nothingApart reports whether all that was written here is on the hub as it is
// here: then repair has nothing to look at, and no log has to be read.
func nothingApart(all []refs.Ref) bool {
	hub := map[string]refs.OID{}
	for _, r := range all {
		if id, ok := strings.CutPrefix(r.Name, replay.ArchivedRoot); ok && hub[id] == "" {
			hub[id] = r.OID
		}
		if id, ok := strings.CutPrefix(r.Name, replay.HubRoot+replay.Agents); ok {
			hub[id] = r.OID
		}
	}
	for _, r := range all {
		name, ours := strings.CutPrefix(r.Name, replay.HereRoot)
		id, isLog := strings.CutPrefix(name, replay.Agents)
		if ours && (name == replay.MetaName || name == replay.LedgerName || isLog && hub[id] != r.OID) {
			return false
		}
	}
	return true
}

// repair builds what bind swaps.
func (x *Exchange) mend(ctx context.Context, s *reading.Snapshot, elsewhere map[string]bool) ([]refs.Update, error) {
	if !s.Bound || s.Level != replay.FormatVersion {
		return nil, nil
	}
	unsent, err := x.unsentLedger(ctx, s)
	if err != nil {
		return nil, err
	}
	var ups []refs.Update
	for _, name := range []string{replay.MetaName, replay.LedgerName} {
		if name == replay.LedgerName && unsent {
			continue
		}
		if old := s.AllRefs[replay.HereRoot+name]; old != "" {
			ups = append(ups, refs.Update{Ref: replay.HereRoot + name, Old: old})
		}
	}
	for _, l := range s.Active() {
		id := l.Agent
		tip, err := x.mended(ctx, s, l, elsewhere[id])
		if err != nil {
			return nil, fmt.Errorf("bind the log of '%s' to the hub: %w", id, err)
		}
		if tip != l.Here {
			ups = append(ups, refs.Update{Ref: replay.HereRoot + replay.Agents + id, Old: l.Here, New: tip})
			if kept := "refs/forked/" + id + "/" + string(l.Here); l.Foreign && s.AllRefs[kept] == "" {
				ups = append(ups, refs.Update{Ref: kept, New: l.Here}) // as it was written
			}
		}
	}
	return ups, nil
}

// unsentLedger reports whether the ledger written here is the hub's and has yet to be
// sent: the server took the meta of a new tracker before the rest.
func (x *Exchange) unsentLedger(ctx context.Context, s *reading.Snapshot) (bool, error) {
	tip := s.AllRefs[replay.HereRoot+replay.LedgerName]
	if tip == "" || s.AllRefs[replay.HubRoot+replay.LedgerName] != "" {
		return false, nil
	}
	v, err := ledger.NewReader(replay.NewSteps(ctx, x.Local(), s.Hub), s.Hub).Read(string(tip))
	return err == nil && v.Step != "", refs.IgnoreMissing(err)
}

// repaired is the tip a log written here should have. elsewhere says that the hub has its
// lines in another commit.
func (x *Exchange) mended(ctx context.Context, s *reading.Snapshot, l *reading.Log, elsewhere bool) (refs.OID, error) {
	switch {
	case l.Here == "" || l.Here == l.Hub:
		return l.Here, nil
	case l.Foreign:
		return x.carry(ctx, s, l)
	case l.Torn && x.Link.Reached && l.Hub != "":
		x.Notice(fail.Notice{Code: "torn-log", Text: fmt.Sprintf("unsent events of '%s' after event %d cannot be read and are lost; the events on the hub replace them", l.Agent, l.HubSeq)})
		return l.Hub, nil
	case l.Torn || l.Diverged || l.Hub == "":
		return l.Here, nil
	case l.Beyond:
		tip, err := x.onHubs(ctx, l)
		if err == nil && tip != l.Here {
			x.tellAppended(l, l.Common)
		}
		return tip, err
	case l.View == l.Hub && l.Trails:
		tip, _, err := x.withoutTrail(ctx, l)
		if err == nil {
			x.tellAppended(l, l.Kept())
		}
		return tip, err
	case l.View == l.Hub:
		return l.Hub, nil
	case elsewhere:
		return refs.Recommit(ctx, x.Local(), l.Here, []refs.OID{l.Hub, l.Here}, refs.CommitInfo{
			Address: x.Committer(), Author: l.Agent, When: x.Now(), Message: fmt.Sprintf("crosslink: %s continues on the hub's commit\n\n[skip ci]\n", l.Agent)})
	}
	return l.Here, nil
}

// carry rebuilds lines written for another hub after those that the hub holds.
func (x *Exchange) carry(ctx context.Context, s *reading.Snapshot, l *reading.Log) (refs.OID, error) {
	written, err := x.Reads.Good(ctx, l.Agent, l.Here)
	if err != nil {
		return "", err
	}
	chain, on := event.Chain{Hub: s.Hub, Agent: l.Agent}, l.Hub
	if l.Hub != "" {
		chain = l.Chain()
		if l.Ended != "" {
			return l.Here, nil // the hub's log cannot be continued: these lines wait
		}
	}
	if l.Trails {
		if on, chain, err = x.withoutTrail(ctx, l); err != nil {
			return "", err
		}
	}
	there, err := x.Reads.Counted(ctx, l)
	if err != nil {
		return "", err
	}
	rest := written[rewrite.Common(written, there):]
	if len(rest) == 0 && l.Hub != "" {
		return on, nil
	}
	first := chain.Seq + 1
	// what was signed for another hub is signed again for this one
	k, err := x.Key(agents.Request{Agent: l.Agent, InForce: s.Keys(l.Agent), Make: chain.Seq == 0})
	if err != nil {
		if err := x.CannotSign(s, l.Agent, err); err != nil {
			return l.Here, nil // these lines wait for the key
		}
	}
	next, lines, err := rewrite.Lines(rest, Signed(ctx, rewrite.Plan{On: chain}, k))
	if failed := (*agents.SignError)(nil); errors.As(err, &failed) {
		if err := x.CannotSign(s, l.Agent, err); err != nil {
			return l.Here, nil
		}
		next, lines, err = rewrite.Lines(rest, rewrite.Plan{On: chain})
	}
	if err != nil {
		return "", err
	}
	if len(lines) == 0 {
		return l.Hub, nil
	}
	// dated by its content, so that copies of one clone build one commit
	return refs.AppendLog(ctx, x.Local(), l.Agent, on, lines, refs.CommitInfo{
		Address: x.Committer(), Author: l.Agent, When: next.Time.Std(), Next: first,
		Message: fmt.Sprintf("crosslink: %s bound to hub %s\n\n[skip ci]\n", l.Agent, s.Hub)})
}

// Signed returns the plan with its lines signed with k; nil k leaves it unchanged.
func Signed(ctx context.Context, p rewrite.Plan, k keys.Signer) rewrite.Plan {
	if k != nil {
		p.Key = k.Key().String()
		agents.SignWith(ctx, &p.On, k)
	}
	return p
}
