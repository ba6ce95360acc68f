package ledger

import (
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// Input is what a step is decided from, in addition to its base.
type Input struct {
	// Moved holds the new position of every agent whose position moves, and
	// Facts what the lines between base's positions and these say (See), in any
	// order. Those of lines that decide nothing may be left out.
	Moved map[string]Position
	Facts []Fact

	Meta string // the meta commit it is decided under
	By   string // the agent that writes it
	At   event.Time

	// Since is the number of first-parent commits between base's step and this one. They are
	// bad steps, which count.
	Since uint64

	// Lost makes it a merge step.
	Lost *Lost
}

// Decide returns the ledger after the step, and whether anything was decided: if not, no
// step is written (one that is written anyway is valid). Two things count as decisions
// though they give nothing: that a log has ended, so that it can be archived, and that a
// claim is void. Until that is covered it could still be granted, to somebody who was
// refused.
// Positions and policy are the caller's business (Next, Judge); a merge step
// goes through here too.
//
// The rules are, with S the new sequence and in this order:
//  1. Numbers: every newly covered uuid that has none gets the next, in order
//     of the smallest newly covered key that creates it, deleted or not; issues
//     and milestones count apart.
//  2. Ends, per issue, keys ignored: a newly covered deletion ends grant, queue
//     and every claim newly covered in this step; a release with sequence r of
//     agent a ends a's grant, a's queue entry and a's newly covered claims
//     whose sequence is < r; a break ends base's grant if its token is the one
//     named, nothing else.
//  3. Promotion: no grant left and base's queue not empty: its head is granted.
//  4. Claims that survived, in key order: void if the agent holds or waits;
//     granted if there is neither grant nor queue; else queued at the end if it
//     says `wait`; else void.
//
// So one step makes at most one grant per issue, and its token, S, is unique
// and rises per issue. Void is not stored: a claim that is covered and neither
// holds nor waits is over, forever. Deletions of earlier steps are not
// remembered: a later claim on a deleted uuid is granted like any other.
func Decide(base *Ledger, in Input) (next *Ledger, decided bool) {
	l := base.derive()
	l.Sequence = base.Sequence + in.Since + 1
	l.Meta, l.WrittenBy, l.WrittenAt = in.Meta, in.By, in.At
	if in.Lost != nil {
		l.Merged = in.Lost.ID
		l.Sequence = max(l.Sequence, in.Lost.Sequence+1)
		l.mergeNumbers(in.Lost.Ledger)
	}
	l.positions = base.positions.with(in.Moved)
	fs, repeated := visible(in.Facts), false
	for _, f := range fs {
		repeated = l.count(f) || repeated
	}
	d := locksDecision{ledger: l, byIssue: map[event.UUID]*issueFacts{}}
	for _, f := range fs {
		d.add(f, in)
	}
	for _, x := range d.order {
		d.issue(x)
	}
	if in.Lost != nil {
		d.renew(in.Lost.Fork)
	}
	retired := slices.ContainsFunc(fs, func(f Fact) bool { return f.kind == agentRetired })
	decided = in.Lost != nil || retired || d.changed || d.void || repeated || l.issues.n != base.issues.n || l.milestones.n != base.milestones.n
	return l, decided
}

// count is rule 1. Facts come in key order, so the first creation that is met
// is the one with the smallest newly covered key. repeated reports the creation of what
// has a number already. It changes nothing, but a step has to answer its line, or that
// would stay undecided until somebody decides something else.
func (l *Ledger) count(f Fact) (repeated bool) {
	x := Numbered{UUID: f.uuid, Agent: f.key.Agent, Seq: f.key.Seq}
	switch {
	case f.kind == issueCreated && l.Issue(f.uuid) == 0:
		x.Number = l.issues.last + 1
		l.issues.add(x)
	case f.kind == milestoneCreated && l.Milestone(f.uuid) == 0:
		x.Number = l.milestones.last + 1
		l.milestones.add(x)
	default:
		return f.kind == issueCreated || f.kind == milestoneCreated
	}
	return false
}

// issueFacts is what the newly covered lines say about one issue's lock.
type issueFacts struct {
	uuid     event.UUID
	deleted  bool
	released map[string]uint64 // agent → sequence of its last release
	broken   map[uint64]bool   // tokens
	claims   []Fact            // in key order
}

type locksDecision struct {
	ledger  *Ledger
	byIssue map[event.UUID]*issueFacts
	order   []*issueFacts
	owned   bool // ledger's maps are its own
	changed bool
	void    bool // some claim was void: the claimer gets a final answer
}

func (d *locksDecision) add(f Fact, in Input) {
	if f.kind < issueDeleted {
		return
	}
	x := d.byIssue[f.uuid]
	if x == nil {
		x = &issueFacts{uuid: f.uuid, released: map[string]uint64{}, broken: map[uint64]bool{}}
		d.byIssue[f.uuid] = x
		d.order = append(d.order, x)
	}
	switch f.kind {
	case issueDeleted:
		x.deleted = true
	case lockReleased:
		x.released[f.key.Agent] = max(x.released[f.key.Agent], f.key.Seq)
	case lockBroken:
		if in.Lost == nil || f.token <= in.Lost.Fork {
			x.broken[f.token] = true
		}
	case lockClaimed:
		if in.Lost == nil || !in.Lost.over(f.key) {
			x.claims = append(x.claims, f)
		}
	}
}

// ended reports whether a claim of that sequence is ended by what is newly
// covered. A covered claim's sequence is below that of any newly covered release.
func (x *issueFacts) ended(agent string, seq uint64) bool {
	return x.deleted || seq < x.released[agent]
}

// issue is rules 2 to 4 for one issue.
func (d *locksDecision) issue(x *issueFacts) {
	l := d.ledger
	lock, held := l.Locks[x.uuid]
	if held && (x.ended(lock.Agent, lock.ClaimSeq) || x.broken[lock.Token]) {
		held, lock = false, Lock{}
	}
	was := l.Queue[x.uuid]
	var queue []Waiter
	for _, w := range was {
		if !x.ended(w.Agent, w.ClaimSeq) {
			queue = append(queue, w)
		}
	}
	if !held && len(queue) > 0 {
		held, lock, queue = true, queue[0].granted(l.Sequence), queue[1:]
	}
	for _, c := range x.claims {
		w := Waiter{c.key.Agent, c.branch, c.key.Time, c.key.Seq}
		switch {
		case w.ClaimSeq < x.released[w.Agent]: // the agent that asked has released it
		case x.deleted:
			d.void = true // the issue may have been restored in the same step
		case held && lock.Agent == w.Agent || waits(queue, w.Agent):
			d.void = true
		case !held && len(queue) == 0:
			held, lock = true, w.granted(l.Sequence)
		case c.wait:
			queue = append(queue, w)
		default:
			d.void = true
		}
	}
	d.store(x.uuid, lock, held, queue)
}

// store puts an issue's lock and queue into the ledger, if they changed.
func (d *locksDecision) store(u event.UUID, lock Lock, held bool, queue []Waiter) {
	l := d.ledger
	was, had := l.Locks[u]
	if held == had && lock == was && slices.Equal(queue, l.Queue[u]) {
		return
	}
	d.changed = true
	if !d.owned {
		l.Locks, l.Queue, d.owned = own(l.Locks), own(l.Queue), true
	}
	delete(l.Locks, u)
	delete(l.Queue, u)
	if held {
		l.Locks[u] = lock
	}
	if len(queue) > 0 {
		l.Queue[u] = queue
	}
}

func (w Waiter) granted(token uint64) Lock {
	return Lock{w.Agent, w.Branch, w.ClaimedAt, w.ClaimSeq, token}
}

func waits(queue []Waiter, agent string) bool {
	for _, w := range queue {
		if w.Agent == agent {
			return true
		}
	}
	return false
}
