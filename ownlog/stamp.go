package ownlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// outranked refuses an event that would not change all it is to change, because a
// line that is not followed holds some of it.
func (w *Writer) outranked(ctx context.Context, s *reading.Snapshot, c reading.Clock, by event.Key) error {
	first, err := w.Reads.Followed(ctx, s.Log(by.Agent), c.Limit)
	if err != nil {
		return err
	}
	return &fail.Error{Kind: fail.Denied, Code: "far-future/outranked",
		Message: fmt.Sprintf("event %d of '%s' is dated %s, too far in the future, so no later event could change what it wrote: nothing was written", by.Seq, by.Agent, by.Time),
		Fields:  fail.Fields{"agent": by.Agent, "after": strconv.Itoa(first)}}
}

// ownClockError refuses to write to a log that was written with a clock far
// ahead: others could not change what is added to it.
func (w *Writer) ownClockError(l *reading.Log) error {
	return &fail.Error{Kind: fail.Fatal, Code: "own-clock",
		Message: fmt.Sprintf("the last event of '%s' is dated %s, too far in the future, so no later event could be changed: nothing was written", l.Agent, l.Time)}
}

// stamp turns bodies into lines of this agent's log, checks each against the state
// after the previous ones, and writes the objects. The updates it returns
// make them visible; next is the snapshot with them.
func (w *Writer) stamp(ctx context.Context, s *reading.Snapshot, how *clone.Signing, bodies []event.Body) (lines []*event.Envelope, next *reading.Snapshot, ups []refs.Update, err error) {
	s, stamped := s.Draft(), reducer.New()
	ups, meta, err := w.writtenFor(ctx, s)
	if err != nil {
		return nil, nil, nil, err
	}
	l := s.Log(w.Agent)
	if l == nil {
		l = s.NewLog(w.Agent)
	}
	if so, err := w.Reads.Ends(ctx, l); err != nil || !so {
		w.Reads.Distrust()
		return nil, nil, nil, cmp.Or(err, clone.ErrAgain)
	}
	k, err := w.WritingKey(s, w.Agent, l.Seq == 0, how)
	if err != nil {
		return nil, nil, nil, err
	}
	if l.Seq == 0 {
		bodies = append([]event.Body{w.Identity().Introduction(k)}, bodies...)
	} else if named := w.renamed(s, bodies); named != nil {
		bodies = append([]event.Body{named}, bodies...)
	}
	chain := l.Chain()
	first := chain.Seq + 1
	if k != nil {
		agents.SignWith(ctx, &chain, k)
	}
	c, err := w.Reads.Clock(ctx, s, l, event.TimeOf(w.Now()), stamped)
	if errors.Is(err, reading.ErrAhead) {
		err = w.ownClockError(l)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	var raw [][]byte
	for _, b := range bodies {
		b, now := event.Undated(over(s.View, b), event.TimeOf(w.Now()), &c.Seen)
		if err := s.Check(stamped, w.Agent, b); err != nil {
			return nil, nil, nil, err
		}
		e := &event.Envelope{Body: b}
		line, err := chain.Stamp(e, now, c.Seen)
		if err != nil {
			return nil, nil, nil, w.UnsignedThen(s, err, how)
		}
		c.Seen = max(c.Seen, e.Time)
		if later, lost := stamped.Contend(e); lost {
			return nil, nil, nil, w.outranked(ctx, s, c, later)
		}
		lines, raw = append(lines, e), append(raw, line)
	}
	tip, err := refs.AppendLog(ctx, w.Local(), w.Agent, l.View, raw, refs.CommitInfo{
		Address: w.Committer(), Author: w.Agent, When: w.Now(), Message: reading.CommandMessage(lines), Next: first})
	if err != nil {
		return nil, nil, nil, fmt.Errorf("write the event: %w", err)
	}
	ups = append(ups, refs.Update{Ref: replay.HereRoot + replay.Agents + w.Agent, Old: l.Here, New: tip})
	s.Append(l, chain, tip, lines)
	if w.Hub == nil { // the replica is the hub: decided at once
		step, err := w.Decide(ctx, s, meta, map[string]string{w.Agent: string(tip)})
		if err != nil { // facts need no agreement
			w.TellOnce(fail.Notice{Code: "undecidable", Text: fmt.Sprintf("nothing can be decided at the moment: %v", err)})
		}
		if step != "" {
			ups = append(ups, refs.Update{Ref: replay.HereRoot + replay.LedgerName, Old: s.AllRefs[replay.HereRoot+replay.LedgerName], New: step})
		}
	}
	return lines, s, ups, nil
}

// over adds to a change of an issue's texts the times of the texts that it replaces, so that
// somebody who wrote one of them meanwhile can be notified.
func over(p reading.Projection, b event.Body) event.Body {
	u, ok := b.(*event.IssueUpdated)
	if !ok || u.Title == nil && u.Description == nil {
		return b
	}
	lines, err := p.History(u.UUID)
	if err != nil { // it is created with it
		return b
	}
	var title, description event.Time
	for _, e := range lines {
		switch was := e.Body.(type) {
		case *event.IssueCreated:
			title, description = e.Time, e.Time
		case *event.IssueUpdated:
			if was.Title != nil {
				title = e.Time
			}
			if was.Description != nil {
				description = e.Time
			}
		}
	}
	n := *u
	if n.TitleOver, n.DescriptionOver = 0, 0; u.Title != nil {
		n.TitleOver = title
	}
	if u.Description != nil {
		n.DescriptionOver = description
	}
	return &n
}

// renamed is an introduction under the name that is configured now, nil if the agent
// goes by that name or if bodies introduce it.
func (w *Writer) renamed(s *reading.Snapshot, bodies []event.Body) event.Body {
	was := s.View.Agent(w.Agent)
	if was == nil || was.Kind == "" || slices.ContainsFunc(bodies, func(b event.Body) bool { _, ok := b.(*event.AgentIntroduced); return ok }) {
		return nil
	}
	name, set := w.Identity().Name(was.Kind)
	if !set || name == was.Name {
		return nil
	}
	return &event.AgentIntroduced{Kind: was.Kind, Description: was.Description, Machine: was.Machine, Name: name}
}

// Founding are the files of the first meta commit of a hub that this agent founds.
func (w *Writer) Founding(ctx context.Context) map[string][]byte {
	return w.FoundingOf(ctx, w.MintUUID().String(), event.TimeOf(w.Now()), "")
}

// FoundingOf is Founding of the hub with an id, whose ledger starts from the base with
// a hash; "" is an empty one.
func (w *Writer) FoundingOf(ctx context.Context, hub string, at event.Time, base string) map[string][]byte {
	k, err := w.Key(agents.Request{Agent: w.Agent, Make: true})
	if err != nil {
		k = nil // the first line tells why
	}
	return agents.Founding(ctx, trust.Meta{Version: replay.FormatVersion, Hub: hub, CreatedAt: at, Base: base}, w.Agent, k)
}

// provisionalMeta creates the meta with the hub id that lines contain until a hub is known.
// Without a remote, the id stays.
func (w *Writer) provisionalMeta(ctx context.Context, s *reading.Snapshot) (refs.Update, error) {
	tip, state, err := w.FirstMeta(ctx, w.Founding(ctx))
	if err != nil {
		return refs.Update{}, err
	}
	s.Found(tip, state)
	return refs.Update{Ref: replay.HereRoot + replay.MetaName, New: tip}, nil
}

// FirstMeta writes the first meta commit of a hub that this agent founds. No ref moves.
func (w *Writer) FirstMeta(ctx context.Context, files map[string][]byte) (refs.OID, *trust.State, error) {
	state, err := trust.FirstMeta(files)
	if err != nil {
		return "", nil, fmt.Errorf("make the hub's meta: %w", err)
	}
	tip, err := refs.WriteCommit(ctx, w.Local(), files, nil,
		refs.CommitInfo{Address: w.Committer(), Author: w.Agent, When: w.Now(), Message: fmt.Sprintf("crosslink: hub %.8s\n\n[skip ci]\n", state.Meta.Hub)})
	if err != nil {
		return "", nil, fmt.Errorf("write the hub's meta: %w", err)
	}
	return tip, state, nil
}
