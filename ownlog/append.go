// Package ownlog appends to the log of the agent that writes here. It checks whether the
// agent may write, writes the lines and moves the refs that make them visible, and moves
// events to another id if two clones wrote under one.
package ownlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"time"

	"github.com/git-crosslink/git-crosslink/accept"
	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/internal/fault"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Writer is a clone that writes.
type Writer struct {
	*exchange.Exchange
}

// Build says which events a commit holds, given the state before it. It may run
// several times.
type Build = func(reading.Projection) ([]event.Body, error)

// Append runs build on the newest state and swaps the agent's ref. If another process was
// faster, it starts over.
func (w *Writer) Append(ctx context.Context, how *clone.Signing, build Build) ([]*event.Envelope, *reading.Snapshot, error) {
	lines, s, err := w.append(ctx, how, nil, build)
	if err != nil || len(lines) == 0 {
		return nil, s, err
	}
	known := s.AllRefs
	w.Reads.Expect(known)
	// it is written: a user who interrupts now must get that report
	if s, err = w.Reads.Load(context.WithoutCancel(ctx)); err != nil {
		return nil, nil, err
	}
	w.Reads.Expect(known)
	return lines, s, nil
}

// AppendEach appends a commit for each of builds, and returns how many events they hold. The
// events of one are durable when the next one is requested. It reads nothing back in between:
// a build may see the state without what the builds before wrote.
func (w *Writer) AppendEach(ctx context.Context, how *clone.Signing, builds iter.Seq[Build]) (events int, err error) {
	var on *reading.Snapshot
	for build := range builds {
		lines, next, err := w.append(ctx, how, on, build)
		if err != nil {
			return events, err
		}
		if events += len(lines); w.Hub != nil && len(lines) > 0 && lines[0].Seq > 1 {
			on = next
		}
	}
	w.Reads.Expect(nil)
	return events, nil
}

// append writes one commit. It continues from a snapshot, if that is not nil and
// nobody else was faster, and returns the snapshot with the commit's lines; what
// answers there is of before.
func (w *Writer) append(ctx context.Context, how *clone.Signing, on *reading.Snapshot, build Build) ([]*event.Envelope, *reading.Snapshot, error) {
	// politeness only: without it processes would keep losing the swap to each
	// other; the swap alone is what makes appends safe
	unlock, polite, err := w.Replica.Lock(ctx, "append", 0)
	if err == nil && !polite {
		w.Reads.Expect(nil) // somebody else is appending
		on = nil
		unlock, polite, err = w.Replica.Lock(ctx, "append", 10*time.Second)
	}
	if err != nil {
		return nil, nil, err
	}
	if polite {
		defer unlock()
	}
	bound := false
	for range 64 {
		s := on
		if on = nil; s == nil {
			var again bool
			if s, again, err = w.appendable(ctx, &bound); err != nil {
				return nil, nil, err
			} else if again {
				continue
			}
		}
		bodies, err := build(s.View)
		if err != nil {
			return nil, nil, err
		}
		if len(bodies) == 0 {
			return nil, s, nil
		}
		lines, next, ups, err := w.stamp(ctx, s, how, bodies)
		if errors.Is(err, clone.ErrAgain) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		fault.Point("append.before-swap")
		err = w.Local().SwapInOrder(ctx, ups)
		if errors.Is(err, refs.ErrConflict) {
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("append to '%s%s%s': %w", replay.HereRoot, replay.Agents, w.Agent, err)
		}
		fault.Point("append.after-swap")
		next.AllRefs = after(s.AllRefs, ups)
		return lines, next, nil
	}
	return nil, nil, fmt.Errorf("append to the log of '%s': %w", w.Agent, refs.ErrConflict)
}

// appendable is the newest state, if a line may be appended to it. again says that
// something had to be put in place before, once what is bound.
func (w *Writer) appendable(ctx context.Context, bound *bool) (s *reading.Snapshot, again bool, err error) {
	if s, err = w.Reads.Load(ctx); err != nil {
		return nil, false, err
	}
	if movedAway(s, w.Agent) {
		_, err := w.endFork(ctx)
		return nil, true, err
	}
	if err := w.MayAppend(s); err != nil {
		return nil, false, err
	}
	if moved, err := w.PutInPlace(ctx, s, *bound); err != nil {
		return nil, false, err
	} else if moved {
		*bound = true
		return nil, true, nil
	}
	if err := w.RetiredError(s.View); err != nil {
		again, gerr := w.outlived(ctx)
		if gerr != nil || !again {
			return nil, false, cmp.Or(gerr, err)
		}
		return nil, true, nil
	}
	return s, false, nil
}

// after is what refs are after moves.
func after(all map[string]refs.OID, ups []refs.Update) map[string]refs.OID {
	all = maps.Clone(all)
	for _, u := range ups {
		if all[u.Ref] = u.New; u.New == "" {
			delete(all, u.Ref)
		}
	}
	return all
}

// writtenFor says which meta lines are written for, and that it must still be that
// when they become visible. Where there is none yet, the draft s gets one.
func (w *Writer) writtenFor(ctx context.Context, s *reading.Snapshot) ([]refs.Update, refs.OID, error) {
	here, hub := s.AllRefs[replay.HereRoot+replay.MetaName], s.AllRefs[replay.HubRoot+replay.MetaName]
	switch {
	case s.Meta == nil:
		up, err := w.provisionalMeta(ctx, s)
		return []refs.Update{up}, up.New, err
	case s.Bound:
		return []refs.Update{{Ref: replay.HubRoot + replay.MetaName, Old: hub, New: hub}}, hub, nil
	}
	return []refs.Update{{Ref: replay.HereRoot + replay.MetaName, Old: here, New: here}, {Ref: replay.HubRoot + replay.MetaName}}, here, nil
}

// Introduce appends the first line of the agent's log, which says who writes here.
func (w *Writer) Introduce(ctx context.Context, how *clone.Signing) (*reading.Snapshot, error) {
	_, s, err := w.Append(ctx, how, func(p reading.Projection) ([]event.Body, error) { return nil, nil })
	if err != nil {
		return nil, err
	}
	if l := s.Log(w.Agent); l != nil && l.Seq > 0 {
		return s, nil
	}
	_, _, ups, err := w.stamp(ctx, s, how, nil)
	if errors.Is(err, clone.ErrAgain) {
		return w.Introduce(ctx, how)
	}
	if err != nil {
		return nil, err
	}
	if err := w.Local().SwapInOrder(ctx, ups); err != nil && !errors.Is(err, refs.ErrConflict) {
		return nil, err
	}
	return w.Reads.Load(ctx)
}

// TellForks writes the proofs that this replica holds, or a fetch brought, and no log
// that counts carries into the own log, once: anybody who holds both lines tells
// everybody. One proof for each agent is enough.
func (w *Writer) TellForks(ctx context.Context, fetched map[string]*trust.Proof) error {
	s, err := w.Reads.Load(ctx)
	if err != nil || w.Agent == "" || s.Log(w.Agent) == nil || s.Log(w.Agent).Seq == 0 || w.MayAppend(s) != nil {
		return err
	}
	if len(accept.Untold(s, fetched, w.Agent)) == 0 {
		return nil
	}
	lines, _, err := w.Append(ctx, &clone.Signing{}, func(reading.Projection) ([]event.Body, error) {
		s, err := w.Reads.Load(ctx)
		if err != nil {
			return nil, err
		}
		var bodies []event.Body
		for _, p := range accept.Untold(s, fetched, w.Agent) {
			bodies = append(bodies, p.Event())
		}
		return bodies, nil
	})
	if err != nil {
		return fmt.Errorf("report a fork: %w", err)
	}
	for _, e := range lines {
		if b, ok := e.Body.(*event.AgentForked); ok {
			w.Notice(fail.Notice{Code: "forked/proven", Text: fmt.Sprintf("the key of '%s' signed two histories: its log has forked, and stops there", b.Agent),
				Fields: fail.Fields{"agent": b.Agent}})
		}
	}
	return nil
}

// MayAppend refuses where a line would not be read by others, or fork the log.
func (w *Writer) MayAppend(s *reading.Snapshot) error {
	if err := w.RefuseLevel(s); err != nil {
		return err
	}
	switch {
	case s.Apart:
		return w.ApartError()
	case w.Hub != nil && w.Contact.WasMigrated():
		e := w.ElsewhereError()
		e.Message = w.Hub.Elsewhere(w.Contact) + ": nothing was written"
		return e
	}
	if err := w.Admitted(s); err != nil {
		return err
	}
	l := s.Log(w.Agent)
	switch {
	case l == nil:
		return nil
	case l.Diverged:
		return w.DivergedError(w.Agent)
	case l.Forked():
		return &fail.Error{Kind: fail.Fatal, Code: "forked",
			Message: fmt.Sprintf("the key of '%s' signed two histories, and events after event %d are ignored: nothing was written", w.Agent, l.Verdict().Fed)}
	case l.Torn:
		return &fail.Error{Kind: fail.Fatal, Code: "own-log/missing",
			Message: fmt.Sprintf("objects of the log of '%s' are missing here: nothing was written", w.Agent)}
	case l.Ended != "":
		return &fail.Error{Kind: fail.Fatal, Code: "own-log",
			Message: fmt.Sprintf("the log of '%s' cannot be read to its end (%s): nothing was written", w.Agent, l.Ended)}
	}
	return nil
}

// LockHub takes the sync lock for a command that somebody waits for, and completes
// what a killed process left of a move to another id.
func (w *Writer) LockHub(ctx context.Context) (unlock func(), err error) {
	unlock, ok, err := w.Link.Lock(ctx, hubs.Insistent)
	if err == nil && !ok {
		err = &fail.Error{Kind: fail.Unconfirmed, Code: "sync-busy/wait",
			Message: "another sync of this clone has been running for 30 s"}
	}
	if err != nil {
		return nil, err
	}
	if _, err := w.endFork(ctx); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}
