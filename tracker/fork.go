package tracker

import (
	"bytes"
	"cmp"
	"context"
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
)

// Forked is what Fork did.
type Forked struct {
	Was     string `json:"was"`
	Agent   string `json:"agent"`   // the new id
	Carried int    `json:"carried"` // events carried over
	Set     string `json:"set"`     // what the user has to set for the new id to hold; "" = nothing
}

// Fork goes on under another id where two clones wrote under one: the lines
// that the hub's log of the old id does not hold are carried over (same uuids
// and times, no lock events), and the old log is the hub's again. The old
// lines stay in the replica as evidence. newID "" mints one.
func (t *Tracker) Fork(ctx context.Context, newID string) (*Forked, error) {
	if t.agent == "" || t.replica == nil {
		return nil, &Error{Kind: No, Name: "no-fork", Message: "nobody has written here yet: there is nothing to carry over"}
	}
	if newID == "" {
		newID = mintAgent(t.getenv("USER"))
	}
	if err := event.ValidAgentID(newID); err != nil {
		return nil, &Error{Kind: Denied, Name: "agent-id", Message: err.Error(),
			Hints: []string{"an agent id has 3 to 64 of a-z, 0-9 and '-', for instance: git crosslink agent fork builder-2"}}
	}
	s, err := t.loadAll(ctx)
	if err != nil {
		return nil, err
	}
	l := s.logs[t.agent]
	if l == nil || !l.diverged && !l.forked() {
		return nil, &Error{Kind: No, Name: "no-fork", Message: fmt.Sprintf("the log of '%s' has not forked: there is nothing to carry over", t.agent)}
	}
	if s.logs[newID] != nil {
		return nil, &Error{Kind: Fatal, Name: "agent-taken", Message: fmt.Sprintf("there is a log of '%s' already", newID),
			Hints: []string{"let one be minted: git crosslink agent fork"}}
	}
	tip, carried, err := t.carryOver(ctx, s, l, newID)
	if err != nil {
		return nil, err
	}
	err = t.local().Swap(ctx, []refs.Update{
		{Ref: headRoot + agents + newID, New: tip},
		{Ref: headRoot + agents + t.agent, Old: l.here, New: cmp.Or(l.hub, l.here)},
		{Ref: "refs/forked/" + t.agent + "/" + string(l.here), New: l.here},
	})
	if err != nil {
		return nil, fmt.Errorf("go on as '%s': %w", newID, err)
	}
	f := &Forked{Was: t.agent, Agent: newID, Carried: carried}
	switch {
	case t.getenv("GIT_CROSSLINK_AGENT") != "":
		f.Set = "GIT_CROSSLINK_AGENT=" + newID
	case t.config("crosslink.agent") != "":
		f.Set = "git config crosslink.agent " + newID
	default:
		if _, err := writeIdentity(t.identityPath(), newID, true); err != nil {
			return nil, fmt.Errorf("write this worktree's identity: %w", err)
		}
	}
	t.agent = newID
	return f, nil
}

// forked reports whether a proof stands against the log.
func (l *log) forked() bool { return l.verdict != nil && l.verdict.Forked }

// carryOver writes the new log.
func (t *Tracker) carryOver(ctx context.Context, s *snapshot, l *log, newID string) (refs.OID, int, error) {
	written, err := t.goodLines(ctx, l.agent, l.here)
	if err != nil {
		return "", 0, err
	}
	theirs, err := t.goodLines(ctx, l.agent, l.hub)
	if err != nil {
		return "", 0, err
	}
	common := 0
	for common < min(len(written), len(theirs)) && bytes.Equal(written[common].Raw, theirs[common].Raw) {
		common++
	}
	if l.forked() {
		common = min(int(l.verdict.Fed), len(written))
	}
	rest := written[common:]
	from := &event.AgentForkedFrom{Agent: l.agent}
	if common > 0 {
		from.Seq, from.Hash = uint64(common), event.Hash(written[common-1].Raw)
	}
	var first event.Time
	if len(rest) > 0 {
		first = rest[0].Time
	}
	chain := event.Chain{Hub: s.hubID(), Agent: newID}
	var lines [][]byte
	k, err := t.writer(s, newID, true)
	if err != nil {
		return "", 0, err
	}
	if k != nil {
		signWith(ctx, &chain, k)
	}
	head := []Body{t.introduction(k)}
	if from.Seq > 0 {
		head = append(head, from)
	}
	for _, b := range head {
		e := &event.Envelope{Body: b}
		line, err := chain.Stamp(e, max(first, 1), 0)
		if err != nil {
			return "", 0, err
		}
		lines = append(lines, line)
	}
	var carried []*event.Envelope
	for _, e := range rest {
		switch e.Body.(type) {
		case *event.LockClaimed, *event.LockReleased, *event.LockBroken:
			continue // a claim is the old agent's
		case *event.AgentIntroduced:
			if !said(e.Body) {
				continue
			}
		}
		carried = append(carried, e)
	}
	more, err := continued(&chain, carried, k)
	if err != nil {
		return "", 0, err
	}
	tip, err := refs.AppendLog(ctx, t.local(), newID, "", append(lines, more...), refs.CommitInfo{
		Author: newID, When: t.now(), Message: fmt.Sprintf("crosslink: %s goes on where %s forked\n\n[skip ci]\n", newID, l.agent)})
	return tip, len(more), err
}
