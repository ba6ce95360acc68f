package tracker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/internal/fault"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/syncer"
	"github.com/git-crosslink/git-crosslink/trust"
)

// joinEvery bounds how often a clone without a known hub looks for one before
// a write that does not wait for it.
const joinEvery = time.Minute

// Emit appends what build returns as one commit, all or nothing, and publishes
// it. build may run several times (another process appended meanwhile) and
// sees the newest state each time; no bodies means nothing is written.
//
// When Emit returns a receipt, its lines survive kill -9 and power loss,
// whatever becomes of the publishing.
func (t *Tracker) Emit(ctx context.Context, o EmitOptions, build func(p Projection) ([]Body, error)) (*Receipt, error) {
	how := o.signing
	if how == nil {
		how = &clone.Signing{}
	}
	defer func() { t.clone.Reads.Expect(nil) }()
	lost, err := t.prepare(ctx, o)
	if err != nil {
		return nil, t.clone.Unwritable(err)
	}
	r, after, err := t.append(ctx, how, build)
	if t.maybeOutdated(ctx, o, err) { // the hub may trust others by now
		how.Unsigned = false
		r, after, err = t.append(ctx, how, build)
	}
	if err != nil {
		return nil, t.clone.Unwritable(err)
	}
	lines := r.Lines
	unsent := t.clone.Hub != nil && after.Logs[t.clone.Agent] != nil && after.Logs[t.clone.Agent].Unsent() > 0
	if len(lines) == 0 && (o.Lock || o.Wait && unsent) { // it is on its way already
		if lines, err = t.onItsWay(ctx, after, t.clone.Agent, o); err != nil {
			return nil, err
		}
	}
	if len(lines) == 0 {
		if unsent {
			r.Sync = Queued
		}
		t.tellDecided(r.View, o.asking)
		return r, nil
	}
	if err := t.settle(ctx, o, r, after, lines, lost); err != nil {
		// the lines are durable: this is no failure of the write
		t.clone.TellOnce(t.clone.Hub.Queued(t.clone.Contact, err.Error()))
	}
	if err := t.countsStill(ctx, r.Lines); err != nil {
		return nil, err
	}
	if s := t.clone.Reads.Last(); s != nil { // a store that was brought on since does not answer for before
		r.View = s.View
	}
	t.watch(r, o.asking)
	t.clone.Reads.KeepMuch(ctx)
	if !o.Offline {
		t.clone.KeepUpLater()
	}
	return r, nil
}

// prepare makes sure that there is somewhere to write to, that the hub, if
// there is one in reach, is known, and that there is somebody to write: who
// cannot write there is given no identity.
func (t *Tracker) prepare(ctx context.Context, o EmitOptions) (hubs.Losses, error) {
	if err := t.clone.Chosen(); err != nil {
		return nil, err
	}
	if err := t.clone.MayName(); err != nil {
		return nil, err
	}
	if err := t.clone.EnsureReplica(ctx); err != nil {
		return nil, err
	}
	if _, err := t.takeOver(ctx); err != nil {
		return nil, err
	}
	if err := t.clone.Pin(); err != nil {
		return nil, err
	}
	lost, err := t.meetHub(ctx, o)
	if err != nil || t.clone.Agent != "" {
		return lost, err
	}
	s, err := t.clone.Reads.Load(ctx)
	if err == nil {
		err = t.clone.RefuseLevel(s)
	}
	if err == nil {
		t.clone.Agent, err = t.clone.SettleAgent(ctx)
	}
	return lost, err
}

// meetHub looks at the hub, if it is in reach and not known yet, or before
// anybody's first line: whether a stranger may write is its word of now.
func (t *Tracker) meetHub(ctx context.Context, o EmitOptions) (hubs.Losses, error) {
	if t.clone.Hub == nil || o.Offline || t.clone.Config("crosslink.sync") == "manual" {
		return nil, nil
	}
	all, err := t.clone.Reads.Refs(ctx)
	if err != nil {
		return nil, err
	}
	seen := false
	for name := range all {
		seen = seen || strings.HasPrefix(name, replay.HubRoot)
	}
	age, known := t.clone.Contact.Since()
	if !seen && known && age < joinEvery && !o.Wait || t.clone.Link.Reached || seen && t.clone.Agent != "" && all[replay.HereRoot+replay.Agents+t.clone.Agent] != "" {
		t.clone.Reads.Expect(all)
		return nil, nil
	}
	bounded, cancel := context.WithTimeout(ctx, t.patience(o))
	defer cancel()
	unlock, free, err := t.clone.Link.Lock(bounded, t.clone.Wait())
	if err != nil || !free {
		return nil, t.late(bounded, err) // another process is fetching
	}
	defer unlock()
	var re *refs.RemoteError
	lost, err := t.fetchFor(bounded, wants{pin: true})
	if err != nil && !errors.As(err, &re) && bounded.Err() == nil {
		return nil, err
	}
	return lost, nil // not reachable: the event is kept and bound to the hub later
}

// patience is how long a command waits for the hub.
func (t *Tracker) patience(o EmitOptions) time.Duration {
	switch {
	case t.clone.Getenv("CI") != "":
		return 10 * time.Minute
	case o.Wait, o.Lock:
		return hubs.Insistent
	}
	return t.clone.Wait()
}

// append runs build on the newest state and swaps the own ref; it goes round
// again when another process was faster.
func (t *Tracker) append(ctx context.Context, how *clone.Signing, build func(p Projection) ([]Body, error)) (*Receipt, *reading.Snapshot, error) {
	// politeness only: without it processes would keep losing the swap to each
	// other; the swap alone is what makes appends safe
	unlock, polite, err := t.clone.Replica.Lock(ctx, "append", 0)
	if err == nil && !polite {
		t.clone.Reads.Expect(nil) // somebody else is appending
		unlock, polite, err = t.clone.Replica.Lock(ctx, "append", 10*time.Second)
	}
	if err != nil {
		return nil, nil, err
	}
	if polite {
		defer unlock()
	}
	bound := false
	for range 64 {
		s, err := t.clone.Reads.Load(ctx)
		if err != nil {
			return nil, nil, err
		}
		if movedAway(s, t.clone.Agent) {
			if _, err := t.endFork(ctx); err != nil {
				return nil, nil, err
			}
			continue
		}
		if err := t.mayAppend(s); err != nil {
			return nil, nil, err
		}
		if moved, err := t.putInPlace(ctx, s, bound); err != nil {
			return nil, nil, err
		} else if moved {
			bound = true
			continue
		}
		if err := t.retiredError(s.View); err != nil {
			if again, gerr := t.outlived(ctx); gerr != nil || !again {
				return nil, nil, cmp.Or(gerr, err)
			}
			continue
		}
		bodies, err := build(s.View)
		if err != nil {
			return nil, nil, err
		}
		if len(bodies) == 0 {
			return &Receipt{Agent: t.clone.Agent, Sync: t.settled(s), View: s.View}, s, nil
		}
		lines, ups, err := t.stamp(ctx, s, how, bodies)
		if errors.Is(err, clone.ErrAgain) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		fault.Point("append.before-swap")
		err = t.clone.Local().SwapInOrder(ctx, ups)
		if errors.Is(err, refs.ErrConflict) {
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("append to '%s%s%s': %w", replay.HereRoot, replay.Agents, t.clone.Agent, err)
		}
		fault.Point("append.after-swap")
		known := after(s.AllRefs, ups)
		t.clone.Reads.Expect(known)
		// it is written: who interrupts now is to be told so
		if s, err = t.clone.Reads.Load(context.WithoutCancel(ctx)); err != nil {
			return nil, nil, err
		}
		t.clone.Reads.Expect(known)
		return &Receipt{Agent: t.clone.Agent, Lines: lines, View: s.View}, s, nil
	}
	return nil, nil, fmt.Errorf("append to the log of '%s': %w", t.clone.Agent, refs.ErrConflict)
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

// stamp turns bodies into lines of the own log, judges each on the state with
// the ones before it applied, and writes the objects. The updates it returns
// make them visible.
func (t *Tracker) stamp(ctx context.Context, s *reading.Snapshot, how *clone.Signing, bodies []Body) ([]*event.Envelope, []refs.Update, error) {
	s, stamped := s.Draft(), reducer.New()
	ups, meta, err := t.writtenFor(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	l := s.Logs[t.clone.Agent]
	if l == nil {
		l = s.NewLog(t.clone.Agent)
	}
	if so, err := t.clone.Reads.Ends(ctx, l); err != nil || !so {
		t.clone.Reads.Distrust()
		return nil, nil, cmp.Or(err, clone.ErrAgain)
	}
	k, err := t.clone.Writer(s, t.clone.Agent, l.Seq == 0, how)
	if err != nil {
		return nil, nil, err
	}
	if l.Seq == 0 {
		bodies = append([]Body{t.clone.Identity().Introduction(k)}, bodies...)
	}
	chain := l.Chain()
	if k != nil {
		agents.SignWith(ctx, &chain, k)
	}
	c, err := t.clone.Reads.Clock(ctx, s, l, event.TimeOf(t.clone.Now()), stamped)
	if errors.Is(err, reading.ErrAhead) {
		err = t.ownClockError(l)
	}
	if err != nil {
		return nil, nil, err
	}
	var lines []*event.Envelope
	var raw [][]byte
	var says []string
	for _, b := range bodies {
		b, now := event.Undated(b, event.TimeOf(t.clone.Now()), &c.Seen)
		if err := s.Check(stamped, t.clone.Agent, b); err != nil {
			return nil, nil, err
		}
		e := &event.Envelope{Body: b}
		line, err := chain.Stamp(e, now, c.Seen)
		if err != nil {
			return nil, nil, t.clone.UnsignedThen(s, err, how)
		}
		c.Seen = max(c.Seen, e.Time)
		if later, lost := stamped.Contend(e); lost {
			return nil, nil, t.outranked(ctx, s, c, later)
		}
		lines, raw = append(lines, e), append(raw, line)
		says = append(says, subject(e))
	}
	tip, err := refs.AppendLog(ctx, t.clone.Local(), t.clone.Agent, l.View, raw, refs.CommitInfo{
		Address: t.clone.Committer(), Author: t.clone.Agent, When: t.clone.Now(), Message: strings.Join(says, "\n") + "\n\n[skip ci]\n"})
	if err != nil {
		return nil, nil, fmt.Errorf("write the event: %w", err)
	}
	ups = append(ups, refs.Update{Ref: replay.HereRoot + replay.Agents + t.clone.Agent, Old: l.Here, New: tip})
	s.Append(l, chain, tip, lines)
	if t.clone.Hub == nil { // the replica is the hub: decided at once
		step, err := t.decide(ctx, s, meta, map[string]string{t.clone.Agent: string(tip)})
		if err != nil { // facts need no agreement
			t.clone.TellOnce(fail.Notice{Code: "undecidable", Text: fmt.Sprintf("nothing can be decided just now: %v", err)})
		}
		if step != "" {
			ups = append(ups, refs.Update{Ref: replay.HereRoot + replay.LedgerName, Old: s.AllRefs[replay.HereRoot+replay.LedgerName], New: step})
		}
	}
	return lines, ups, nil
}

// writtenFor says which meta lines are written for, and that it must still be that
// when they become visible. Where there is none yet, the draft s gets one.
func (t *Tracker) writtenFor(ctx context.Context, s *reading.Snapshot) ([]refs.Update, refs.OID, error) {
	here, hub := s.AllRefs[replay.HereRoot+replay.MetaName], s.AllRefs[replay.HubRoot+replay.MetaName]
	switch {
	case s.Meta == nil:
		up, err := t.provisionalMeta(ctx, s)
		return []refs.Update{up}, up.New, err
	case s.Bound:
		return []refs.Update{{Ref: replay.HubRoot + replay.MetaName, Old: hub, New: hub}}, hub, nil
	}
	return []refs.Update{{Ref: replay.HereRoot + replay.MetaName, Old: here, New: here}, {Ref: replay.HubRoot + replay.MetaName}}, here, nil
}

// subject is an event's line of the commit message.
func subject(e *event.Envelope) string {
	s := fmt.Sprintf("crosslink: %s %d %s", e.Agent, e.Seq, e.Body.Type())
	if c, ok := e.Body.(*event.IssueCreated); ok {
		s += " " + c.Title
	}
	return s
}

// founding are the files of the first meta commit of a hub that this agent founds.
func (t *Tracker) founding(ctx context.Context) map[string][]byte {
	k, err := t.clone.Key(agents.Request{Agent: t.clone.Agent, Make: true})
	if err != nil {
		k = nil // the first line tells why
	}
	m := trust.Meta{Version: replay.FormatVersion, Hub: t.MintUUID().String(), CreatedAt: event.TimeOf(t.clone.Now())}
	return agents.Founding(ctx, m, t.clone.Agent, k)
}

// provisionalMeta makes the hub id lines carry until a hub is known. Where
// there is no remote it stays.
func (t *Tracker) provisionalMeta(ctx context.Context, s *reading.Snapshot) (refs.Update, error) {
	files := t.founding(ctx)
	state, err := trust.FirstMeta(files)
	if err != nil {
		return refs.Update{}, fmt.Errorf("make the hub's meta: %w", err)
	}
	tip, err := refs.WriteCommit(ctx, t.clone.Local(), files, nil,
		refs.CommitInfo{Address: t.clone.Committer(), Author: t.clone.Agent, When: t.clone.Now(), Message: fmt.Sprintf("crosslink: hub %.8s\n\n[skip ci]\n", state.Meta.Hub)})
	if err != nil {
		return refs.Update{}, fmt.Errorf("write the hub's meta: %w", err)
	}
	s.Found(tip, state)
	return refs.Update{Ref: replay.HereRoot + replay.MetaName, New: tip}, nil
}

// settled is the confirmation of lines that need no publishing.
func (t *Tracker) settled(s *reading.Snapshot) Confirmation {
	switch {
	case t.clone.Hub == nil:
		return Confirmed // the replica is the hub
	case !s.Bound:
		return Local
	}
	return Confirmed
}

// settle publishes what was appended as far as it was asked to.
func (t *Tracker) settle(ctx context.Context, o EmitOptions, r *Receipt, s *reading.Snapshot, lines []*event.Envelope, lost hubs.Losses) error {
	mode := t.clone.Config("crosslink.sync")
	r.Undecided = s.Undecided(t.clone.Agent, lines)
	switch r.Sync = t.settled(s); {
	case t.clone.Hub == nil:
		if r.Undecided {
			r.Sync = Queued
		}
		return nil
	case !s.Bound:
		t.clone.TellUnbound(o.Offline || mode == "manual")
		return nil
	case o.Offline || mode == "manual":
		r.Sync = Queued
		return nil
	case mode == "background" && !o.Wait, t.patience(o) == 0:
		r.Sync = Queued
		t.clone.Detach()
		return nil
	case !o.Wait && !o.Lock && t.clone.Getenv("CI") == "" && t.clone.Link.Pace.Read().Slow(t.clone.Now()):
		r.Sync = Queued
		t.clone.TellOnce(fail.Notice{Code: "slow/wait", Text: fmt.Sprintf("kept here, sent in the background: the last push took longer than %d s", int(t.clone.Wait().Seconds()))})
		t.clone.Detach()
		return nil
	}
	return t.deliverAndLook(ctx, o, r, lines, lost)
}

// deliverAndLook publishes the lines and fills in what came of it. Whatever
// goes wrong, they are durable: it is told, and is no failure.
func (t *Tracker) deliverAndLook(ctx context.Context, o EmitOptions, r *Receipt, lines []*event.Envelope, lost hubs.Losses) error {
	decide := false
	for _, e := range lines {
		decide = decide || ledger.Decides(e)
	}
	last := lines[len(lines)-1]
	out, err := t.deliver(ctx, last, decide, o, lost)
	r.seen = out.seen
	reason := out.reason
	if err != nil {
		reason = err.Error()
	}
	r.Sync = Queued
	s, err := t.clone.Reads.Load(ctx) // as the push has left it
	if err != nil {
		return err
	}
	r.View = s.View
	l := s.Logs[t.clone.Agent]
	there := l != nil && l.HubSeq >= last.Seq && !l.Diverged
	r.forked = l != nil && l.Diverged
	r.Undecided = s.Undecided(t.clone.Agent, lines)
	switch {
	case there && !r.Undecided:
		r.Sync = Confirmed
		return nil
	case r.forked:
		e := t.clone.DivergedError(t.clone.Agent)
		t.clone.TellOnce(e.Notice("kept here, and not sent: " + e.Message))
		return nil
	case out.paced != nil && !out.paced.Busy:
		if out.paced.Until.Sub(t.clone.Now()) > syncer.Coalesce { // else it only waits for what comes next
			t.clone.TellOnce(fail.Notice{Code: "paced", Text: "saved locally; will be sent within a minute (" + reason + ")"})
		}
	case out.refused && there: // sent, and not decided
		t.tellRefused(o, fail.Notice{Code: "undecided/step", Text: "not decided yet: " + reason})
		return nil
	case out.refused:
		n := fail.Notice{Code: "refused/kept", Text: "kept here, not sent: " + reason}
		if out.code != "" {
			n.Code, n.Fields = out.code, out.fields
		}
		t.tellRefused(o, n)
		return nil
	case reason != "":
		t.clone.TellOnce(t.clone.Hub.Queued(t.clone.Contact, reason))
		if out.paced == nil {
			return nil
		}
	}
	t.clone.Detach()
	return nil
}
