package tracker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

// tries bounds how often one publish goes round after losing a race.
const tries = 8

// outcome is how a publish ended.
type outcome struct {
	sent    int
	reason  string      // why lines stay here, "" when all went out
	refused bool        // the reason is that the hub refuses them
	hints   []string    // what to do about it
	asked   bool        // the hub was reached
	paced   *pacedError // why it was not asked to the end just now; nil if it was
}

// waits reports whether err only says that no push may start just now.
func (o *outcome) waits(err error) bool {
	paced, ok := errors.AsType[*pacedError](err)
	if ok {
		o.paced, o.reason = paced, paced.why
	}
	return ok
}

// round says what one push of a publish carries.
type round byte

const (
	all      round = iota // logs, and the step that decides them
	logsOnly              // single-writer, so they land whatever else happens
	stepOnly              // what is still undecided of what the hub has
)

// publish sends every local log the hub lacks lines of, and the next step of
// the ledger if there is something to decide, in one atomic push, under the
// sync lock, which the caller holds. It does not fetch first: a push that finds
// the hub as last seen is one round trip. Refused, it sends the logs alone,
// fetches, and decides what is then still undecided on what the hub has.
//
// others asks it to decide what others left undecided, too. What the hub has
// lost goes back in a push of its own before the rest: a step may rest on it.
func (t *Tracker) publish(ctx context.Context, others bool) (outcome, error) {
	var o outcome
	refusals, took := 0, time.Duration(0)
	what := all
	if t.contact.NoAtomic || t.raced() {
		what = logsOnly
	}
	if t.moved() || t.contact.Other != "" { // another repository, perhaps another hub
		if err := t.look(ctx, &o); err != nil || o.reason != "" {
			return o, err
		}
		if o.reason = t.elsewhere(); o.reason != "" {
			return o, nil
		}
	}
	if len(t.contact.Refusals) > 0 {
		if err := t.continueSearch(ctx, &o); err != nil || o.paced != nil || o.reason != "" {
			return o, err
		}
	}
	for try := range tries {
		if err := t.putBack(ctx, &o); err != nil || o.paced != nil || o.reason != "" {
			return o, err
		}
		s, err := t.load(ctx)
		if err != nil {
			return o, err
		}
		p, seqs, err := t.plan(ctx, s, what, others)
		if err != nil {
			return o, err
		}
		if len(p.Refs) == 0 {
			if what == logsOnly {
				what = stepOnly
				if t.raced() {
					if err := t.lookInTurn(ctx, &o, took); err != nil || o.reason != "" {
						return o, err
					}
				}
				continue
			}
			t.stuck(ctx, s, &o)
			return o, nil
		}
		if err := t.mayPush(); err != nil {
			o.reason, o.refused = err.Error(), t.holdsBack()
			return o, nil
		}
		t.urgency = max(t.urgency, s.urgency())
		began := time.Now()
		res, err := t.push(ctx, p)
		took = time.Since(began)
		if o.waits(err) {
			return o, nil
		}
		if errors.Is(err, errSilent) {
			o.reason = t.silentReason()
			return o, nil
		}
		if err != nil && (res == nil || ctx.Err() != nil) {
			return o, err
		}
		o.asked = o.asked || res.Reached
		if allAccepted(p, res) {
			if there, err := t.arrived(ctx, p); err != nil || !there {
				o.reason = t.apart()
				return o, err
			}
		}
		n, err := t.accepted(ctx, s, p, res, seqs)
		o.sent += n
		if err != nil {
			return o, err
		}
		if allAccepted(p, res) {
			more, err := t.appendedSince(ctx, p)
			switch {
			case err != nil:
				return o, err
			case more:
				continue
			case what != logsOnly || !others && s.urgency() == facts: // nothing of this clone awaits a decision
				t.stuck(ctx, s, &o)
				return o, t.dropFound(ctx, s, p)
			}
			what = stepOnly
			if err := t.lookInTurn(ctx, &o, took); err != nil || o.reason != "" {
				return o, err
			}
			continue
		}
		moved, again, err := t.afterRefusal(ctx, s, p, res, seqs, &o, &refusals)
		if err != nil || !again {
			return o, err
		}
		if _, err := t.overtaken(ctx, s, p); err != nil {
			return o, err
		}
		switch {
		case what == all:
			what = logsOnly
		case what == stepOnly && moved:
			if err := t.lookInTurn(ctx, &o, took); err != nil || o.reason != "" {
				return o, err
			}
			continue
		}
		if !moved { // perhaps a push that was given up here is still landing there
			pause(ctx, try+3*refusals)
		}
	}
	o.reason = "the hub kept changing while this was sent; the next sync tries again"
	return o, nil
}

// look fetches what others have sent and decided meanwhile.
func (t *Tracker) look(ctx context.Context, o *outcome) error {
	err := t.fetch(ctx)
	if re := (*refs.RemoteError)(nil); errors.As(err, &re) {
		o.reason = t.unfetchedReason(re)
		return nil
	}
	return err
}

// plan is the push that would bring the hub up to date: every log written here
// that holds lines the hub lacks, the step that decides them, and meta as a
// no-op under a lease, so that a hub whose meta moved refuses everything and is
// looked at first.
func (t *Tracker) plan(ctx context.Context, s *snapshot, what round, others bool) (refs.Push, map[string]uint64, error) {
	seqs := map[string]uint64{}
	if !s.bound || !s.writable() {
		return refs.Push{}, seqs, nil
	}
	var p refs.Push
	for _, id := range s.agents() {
		l := s.logs[id]
		if what == stepOnly || l.here == "" || l.view != l.here || l.unsent() == 0 || l.diverged || l.trails() {
			continue // what ends unsigned counts for nobody
		}
		ref := headRoot + agents + id
		src, seq, err := t.offer(ctx, s, l)
		if err != nil {
			return refs.Push{}, seqs, err
		}
		if src == "" {
			continue
		}
		p.Refs = append(p.Refs, refs.PushRef{Src: src, Dst: ref})
		seqs[ref] = seq
	}
	meta := s.refs[hubRoot+metaName]
	if what != logsOnly && !t.stepWithheld(s) && (others || len(p.Refs) > 0 || what == stepOnly) {
		step, err := t.step(ctx, s, s.metaCommit, p)
		if err != nil {
			if ctx.Err() != nil {
				return refs.Push{}, seqs, err
			}
			// facts need no agreement: they go out whatever hinders a decision
			t.tellOnce(fail.Notice{Code: "undecidable", Text: fmt.Sprintf("nothing can be decided just now: %v", err), Hints: []string{"git crosslink status"}})
		}
		if step != "" {
			p.Refs = append(p.Refs, refs.PushRef{Src: step, Dst: headRoot + checkpointName})
		}
	}
	if len(p.Refs) > 0 && !t.contact.NoAtomic {
		p.Atomic = true
		p.Refs = append(p.Refs, refs.PushRef{Src: meta, Dst: headRoot + metaName, Lease: &meta})
	}
	return p, seqs, nil
}

// step is the tip the checkpoint should have after a push: the next step, or
// the one known here where the hub was set back.
func (t *Tracker) step(ctx context.Context, s *snapshot, meta refs.OID, p refs.Push) (refs.OID, error) {
	next, err := t.decide(ctx, s, meta, s.tips(p))
	if err != nil || next != "" {
		return next, err
	}
	return t.ledgerBack(s)
}

// ledgerBack is the tip of the ledger as it is known here where the hub was set
// back or has none; "" where it was not.
func (t *Tracker) ledgerBack(s *snapshot) (refs.OID, error) {
	known, there := s.refs[hubRoot+checkpointName], s.refs[incomingRoot+checkpointName]
	if known == "" || known == there || there == "" && !t.fetched {
		return "", nil
	}
	if there == "" {
		return known, nil
	}
	behind, err := s.ledger().reader.Extends(string(known), string(there))
	if err != nil || !behind {
		return "", ignoreMissing(err)
	}
	return known, nil
}

// appendedSince reports whether another process has appended to a log since
// the push was planned: its lines go out in the next round, for it.
func (t *Tracker) appendedSince(ctx context.Context, p refs.Push) (bool, error) {
	all, err := t.local().Refs(ctx, headRoot+agents)
	if err != nil {
		return false, err
	}
	pushed := map[string]refs.OID{}
	for _, r := range p.Refs {
		pushed[r.Dst] = r.Src
	}
	for _, r := range all {
		if src, ok := pushed[r.Name]; ok && src != r.OID {
			return true, nil
		}
	}
	return false, nil
}

func allAccepted(p refs.Push, res *refs.PushResult) bool {
	for _, r := range p.Refs {
		if st, ok := res.Refs[r.Dst]; !ok || !st.Accepted() {
			return false
		}
	}
	return true
}

// accepted records what the hub took as seen on it, and counts the lines.
func (t *Tracker) accepted(ctx context.Context, s *snapshot, p refs.Push, res *refs.PushResult, seqs map[string]uint64) (int, error) {
	var ups []refs.Update
	var back, no []string
	n := 0
	for _, r := range p.Refs {
		st, ok := res.Refs[r.Dst]
		if !ok || !st.Accepted() {
			continue
		}
		name := strings.TrimPrefix(r.Dst, headRoot)
		if _, known := t.contact.Refusals[name]; known && seqs[r.Dst] >= t.contact.Refusals[name].High {
			no = append(no, name)
		}
		if old := s.refs[hubRoot+name]; old != r.Src {
			ups = append(ups, refs.Update{Ref: hubRoot + name, Old: old, New: r.Src})
		}
		if id, ok := strings.CutPrefix(name, agents); ok {
			n += int(max(seqs[r.Dst], s.logs[id].hubSeq) - s.logs[id].hubSeq)
			if _, was := t.behind[name]; was {
				back = append(back, id)
				delete(t.behind, name)
			}
		}
	}
	t.tellBack(back)
	for _, name := range no { // it is refused no longer
		if err := t.noteRefusal(name, nil); err != nil {
			return n, err
		}
	}
	if err := t.overcome(p, res); err != nil || len(ups) == 0 {
		return n, err
	}
	if err := t.local().SwapInOrder(ctx, ups); err != nil && !errors.Is(err, refs.ErrConflict) {
		return n, fmt.Errorf("record what the hub took: %w", err)
	}
	return n, t.welcome()
}

// welcome forgets an earlier refusal once the hub has taken a push.
func (t *Tracker) welcome() error {
	passed := func(name, _ string) bool { return name != "hub-fork" && name != "refused" }
	left := maps.Clone(t.contact.Told)
	if maps.DeleteFunc(left, passed); t.contact.Refused == "" && len(left) == len(t.contact.Told) {
		return nil
	}
	return t.remember(func(c *contact) {
		c.Refused = ""
		maps.DeleteFunc(c.Told, passed)
	})
}

// afterRefusal sorts a push that did not land, from refs and never from words:
// a race is tried again, a rule of the server is recorded, no answer is no
// connection.
func (t *Tracker) afterRefusal(ctx context.Context, s *snapshot, p refs.Push, res *refs.PushResult, seqs map[string]uint64, o *outcome, refusals *int) (moved, again bool, err error) {
	before, err := t.hubTips(ctx)
	if err != nil {
		return false, false, err
	}
	if err := t.fetch(ctx); err != nil {
		var re *refs.RemoteError
		if errors.As(err, &re) {
			o.reason = t.unfetchedReason(re)
			return false, false, nil
		}
		return false, false, err
	}
	o.asked = true
	after, err := t.hubTips(ctx)
	if err != nil {
		return false, false, err
	}
	for _, r := range p.Refs {
		name := strings.TrimPrefix(r.Dst, headRoot)
		moved = moved || before[name] != after[name]
	}
	if t.contact.NoMeta {
		o.reason = t.lostReason()
		return moved, false, nil
	}
	if why := t.elsewhere(); why != "" {
		o.reason = why
		return moved, false, nil
	}
	if lost, err := t.leaseLost(ctx, p, res); lost || err != nil {
		o.reason = t.apart()
		return moved, false, err
	}
	if reparented, err := t.regraft(ctx, p, res); err != nil || reparented {
		return true, err == nil, err
	}
	if !res.Reached {
		return moved, t.withoutAtomic(ctx, p, res, o), nil
	}
	rule := refusedBy(res)
	if moved || rule == "" {
		// rejected before anything was sent: the hub holds something else than
		// last seen, and the fetch has brought it, or it is refused as evidence
		if !moved {
			*refusals++
		}
		if *refusals >= 3 {
			o.reason = "the hub holds another version of a log written here"
			return moved, false, nil
		}
		return moved, true, nil
	}
	if *refusals++; *refusals < 3 && !t.onRecord(p) {
		return false, true, nil
	}
	*refusals = 0 // what is tried next has not been refused yet
	again, err = t.afterRule(ctx, s, p, res, seqs, o)
	return false, again && o.paced == nil && o.reason == "", err
}

// regraft puts a commit of ours on top of the hub's where the hub holds the
// beginning of a log written here in another commit.
func (t *Tracker) regraft(ctx context.Context, p refs.Push, res *refs.PushResult) (bool, error) {
	t.reparent = map[string]bool{}
	for _, r := range p.Refs {
		id, isLog := strings.CutPrefix(r.Dst, headRoot+agents)
		if st := res.Refs[r.Dst]; isLog && st.Rejected() && !st.Collateral() {
			t.reparent[id] = true
		}
	}
	if len(t.reparent) == 0 {
		return false, nil
	}
	before, err := t.local().Refs(ctx, headRoot+agents)
	if err != nil {
		return false, err
	}
	if err := t.bind(ctx); err != nil {
		return false, err
	}
	t.reparent = nil
	after, err := t.local().Refs(ctx, headRoot+agents)
	return !slices.Equal(before, after), err
}

// stuck says why the log of this worktree's agent is not sent at all, or why
// what it holds is not decided.
func (t *Tracker) stuck(ctx context.Context, s *snapshot, o *outcome) {
	l := s.logs[t.agent]
	switch {
	case l == nil || l.here == "":
	case l.diverged:
		o.reason = t.divergedError(t.agent).Error()
	case l.trails() && l.unsent() > 0:
		o.reason = l.trailText()
	case l.foreign:
		if e := t.lockedError(ctx, s); e != nil {
			o.reason, o.hints = e.Message, e.Hints
		}
	case len(t.contact.Refusals) == 0 && l.unsent() == 0:
	case t.withheld(ctx, s, l):
		o.refused = true
		o.reason, o.hints = t.refusalOf(ctx, s, l)
	case t.stepWithheld(s) && len(s.pending(t.agent)) > 0:
		o.refused, o.reason = true, s.stepRefusal(t.contact.Refusals[checkpointName].Why)
	}
}

func (t *Tracker) hubTips(ctx context.Context) (map[string]refs.OID, error) {
	tips := map[string]refs.OID{}
	for _, root := range []string{hubRoot, incomingRoot} {
		all, err := t.local().Refs(ctx, root)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			if _, known := tips[strings.TrimPrefix(r.Name, root)]; !known {
				tips[strings.TrimPrefix(r.Name, root)] = r.OID
			}
		}
	}
	return tips, nil
}

// pause waits longer with each try, at random, so that racing clones part.
func pause(ctx context.Context, try int) {
	d := time.Duration(20<<min(try, 6)) * time.Millisecond
	select {
	case <-ctx.Done():
	case <-time.After(d/2 + rand.N(d)):
	}
}
