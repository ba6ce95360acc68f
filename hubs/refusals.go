package hubs

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// Refusal is what the hub refused of one branch.
type Refusal struct {
	// For a log that was written here: the hub accepts the lines up to Low, and refuses the
	// lines after it up to High. Hash is the hash of line High.
	Low  uint64 `json:"low,omitempty"`
	High uint64 `json:"high,omitempty"`
	Hash string `json:"hash,omitempty"`
	// For a log that the hub has lost, and for the ledger: the tip that was seen on the hub
	// before.
	Tip   refs.OID  `json:"tip,omitempty"`
	Why   string    `json:"why"` // the hub's rule, in the server's words
	At    time.Time `json:"at,omitzero"`
	Times int       `json:"times,omitempty"` // in a row
	About string    `json:"about,omitempty"` // "event" or "log"; "" if not known
}

// abouts are the stored names of what refusals are about.
var abouts = map[syncer.About]string{syncer.Unknown: "", syncer.AboutEvent: "event", syncer.AboutLog: "log"}

// Remembered returns the refusal in the form that the machine uses.
func (r Refusal) Remembered() syncer.Refusal {
	x := syncer.Refusal{Low: r.Low, High: r.High, Tip: syncer.Tip(r.Tip), Why: r.Why, At: r.At, Times: r.Times}
	for about, word := range abouts {
		if word == r.About {
			x.About = about
		}
	}
	return x
}

// OfLog reports whether the hub refuses the log whatever it contains.
func (r Refusal) OfLog() bool { return r.About == abouts[syncer.AboutLog] }

// Told is the notice about the part of an agent's log that the hub refuses; onHub events of
// the log are on the hub. kind names an event in brackets, or returns "" if the event
// cannot be read.
func (r Refusal) Told(agent string, onHub uint64, kind func(seq uint64) string) fail.Notice {
	low := max(r.Low, onHub)
	switch {
	case Locked(r.Why):
		return fail.Notice{Code: "refused/locked", Text: fmt.Sprintf("the hub cannot change the log of '%s': %s", agent, r.Why)}
	case r.High > low+1:
		n := fail.Notice{Code: "refused/range", Text: fmt.Sprintf("the hub refuses one of the events %d to %d of '%s': %s", low+1, r.High, agent, r.Why)}
		return r.stamped(n, agent)
	case low == 0 || r.OfLog(): // whatever it contains
		n := fail.Notice{Code: "refused/log", Text: fmt.Sprintf("the hub refuses the log of '%s': %s", agent, r.Why), Fields: fail.Fields{"branch": "crosslink/" + refs.Agents + agent}}
		return r.stamped(n, agent)
	}
	return r.stamped(fail.Notice{Code: "refused/event", Fields: fail.Fields{"agent": agent, "seq": strconv.FormatUint(r.High, 10)},
		Text: fmt.Sprintf("the hub refuses event %d of '%s'%s: %s", r.High, agent, kind(r.High), r.Why)}, agent)
}

// clockRule is a gate's name (gate.Clock) for its rule about times in the future.
const clockRule = "rule 'clock'"

// stamped gives a refusal because of an event's time its own code: the event itself is
// valid, so the hint must not be to continue without it.
func (r Refusal) stamped(n fail.Notice, agent string) fail.Notice {
	if strings.Contains(r.Why, clockRule) {
		n.Code, n.Fields = "refused/clock", fail.Fields{"agent": agent}
	}
	return n
}

// Memory is what the clone remembers about a hub, in the form that the machine uses.
func (c *Contact) Memory(h *Hub, p syncer.Pace) syncer.Memory {
	c.Reload()
	m := syncer.Memory{Pace: p, NoAtomic: c.NoAtomic, Refused: map[string]syncer.Refusal{}}
	for name, r := range c.Refusals {
		m.Refused[name] = r.Remembered()
	}
	if c.Refused != "" && (c.RefusedTo == "" || c.RefusedTo == h.PushTarget()) {
		m.Closed = &syncer.Refusal{Why: c.Refused, At: c.RefusedAt, Times: c.RefusedTimes}
	}
	return m
}

// Keep stores what a run has changed, before action a is done. hashes are the hashes of the
// newly refused events, by branch.
func (c *Contact) Keep(h *Hub, m syncer.Memory, a syncer.Action, hashes map[string]string) error {
	return c.Remember(func(n *Note) {
		n.NoAtomic = m.NoAtomic
		all := map[string]Refusal{}
		for name, r := range m.Refused {
			hash, changed := hashes[name]
			if !changed {
				hash = n.Refusals[name].Hash
			}
			all[name] = Refusal{Low: r.Low, High: r.High, Hash: hash, Tip: refs.OID(r.Tip), Why: r.Why, At: r.At, Times: r.Times, About: abouts[r.About]}
		}
		if n.Refusals = all; len(all) == 0 {
			n.Refusals = nil
		}
		n.closed(h, m.Closed, a)
	})
}

// closed records whether the hub refuses all pushes from this clone.
func (n *Note) closed(h *Hub, closed *syncer.Refusal, a syncer.Action) {
	if closed == nil {
		n.Refused, n.RefusedAt, n.RefusedTo, n.RefusedTimes = "", time.Time{}, "", 0
		return
	}
	n.RefusedAt, n.RefusedTo, n.RefusedTimes = closed.At, h.PushTarget(), closed.Times
	if done, ok := a.(syncer.Done); ok {
		switch r := done.Outcome; r.Reason {
		case syncer.ClosedHub:
			if r.Asked {
				n.Refused = "the hub refuses all pushes from this clone: " + r.Why
			}
		case syncer.TakesNone:
			if n.Refused = h.TakesNone(); r.Why != "" {
				n.Refused += " (" + r.Why + ")"
			}
		}
	}
}

// NotPutBack is the message that the hub refuses to restore a log that it has lost.
func NotPutBack(branch, why string) string {
	return fmt.Sprintf("the hub refuses to restore its log of '%s': %s; this clone keeps the log", strings.TrimPrefix(branch, refs.Agents), why)
}

// NotTakenBack reports whether the hub lost a log, which ended at tip, and refuses to
// restore it.
func (n *Note) NotTakenBack(name string, tip refs.OID, now time.Time) bool {
	r, known := n.Refusals[name]
	return known && !r.Remembered().Due(now) && r.High == 0 && r.Tip == tip && name != syncer.Ledger
}

// RefusalDue reports whether a sync has to check a refusal again.
func (n *Note) RefusalDue(now time.Time) bool {
	for name, r := range n.Refusals {
		if !n.NotTakenBack(name, r.Tip, now) {
			return true
		}
	}
	return false
}

// Undisturbed reports whether the note has nothing that a sync would have to check.
func (n *Note) Undisturbed(now time.Time) bool {
	return n.Undecided.IsZero() && len(n.Shown) == 0 && n.Aliases != nil && len(n.Problems) == 0 &&
		n.Refused == "" && !n.RefusalDue(now) && !n.NoMeta && n.Other == "" && n.Hub != "" && len(n.Told) == 0
}

// InTheWay returns a branch that was last seen on the hub and whose name conflicts with
// name: one is a directory of the other, so git cannot store both. "" if there is none.
func InTheWay(all map[string]refs.OID, name string) string {
	for ref := range all {
		other, ok := strings.CutPrefix(ref, refs.IncomingPrefix)
		if ok && (strings.HasPrefix(name, other+"/") || strings.HasPrefix(other, name+"/")) {
			return other
		}
	}
	return ""
}

// InTheWayText is the message about such a branch.
func InTheWayText(other, name string) string {
	return fmt.Sprintf("the hub has a branch 'crosslink/%s', so git cannot create 'crosslink/%s' there", fail.Truncate(other), name)
}

// InTheWayFields are the fields that name such a branch.
func InTheWayFields(other string) fail.Fields {
	return fail.Fields{"branch": fail.Truncate("crosslink/" + other)}
}

// StepRefused returns why the hub accepts no step of the ledger. If a branch of the hub has
// a conflicting name, git's own message gives no hint.
func StepRefused(all map[string]refs.OID, why string) string {
	if other := InTheWay(all, syncer.Ledger); other != "" {
		return InTheWayText(other, syncer.Ledger)
	}
	return "the hub refuses the next step of the ledger: " + why
}
