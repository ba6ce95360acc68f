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

// Refusal is what the hub refused, of one branch.
type Refusal struct {
	// Of a log that was written here: the hub takes the lines up to Low, and
	// refuses the lines after it up to High. Hash is that of line High.
	Low  uint64 `json:"low,omitempty"`
	High uint64 `json:"high,omitempty"`
	Hash string `json:"hash,omitempty"`
	// Of a log that the hub has lost, and of the ledger: its tip as it was seen
	// on the hub before.
	Tip   refs.OID  `json:"tip,omitempty"`
	Why   string    `json:"why"` // the hub's rule, in the server's words
	At    time.Time `json:"at,omitzero"`
	Times int       `json:"times,omitempty"` // in a row
	About string    `json:"about,omitempty"` // "event", "log"; "" is not known
}

// abouts are what refusals are about, as they are noted.
var abouts = map[syncer.About]string{syncer.Unknown: "", syncer.AboutEvent: "event", syncer.AboutLog: "log"}

// Remembered is the refusal as the machine knows it.
func (r Refusal) Remembered() syncer.Refusal {
	x := syncer.Refusal{Low: r.Low, High: r.High, Tip: syncer.Tip(r.Tip), Why: r.Why, At: r.At, Times: r.Times}
	for about, word := range abouts {
		if word == r.About {
			x.About = about
		}
	}
	return x
}

// OfLog reports whether the hub refuses the log whatever is in it.
func (r Refusal) OfLog() bool { return r.About == abouts[syncer.AboutLog] }

// Told says what the hub refuses of an agent's log, of which it has onHub events.
// kind names an event of it in brackets, "" if it cannot be read.
func (r Refusal) Told(agent string, onHub uint64, kind func(seq uint64) string) fail.Notice {
	low := max(r.Low, onHub)
	switch {
	case Locked(r.Why):
		return fail.Notice{Code: "refused/locked", Text: fmt.Sprintf("the hub cannot change the log of '%s': %s", agent, r.Why)}
	case r.High > low+1:
		n := fail.Notice{Code: "refused/range", Text: fmt.Sprintf("the hub refuses one of the events %d to %d of '%s': %s", low+1, r.High, agent, r.Why)}
		return r.stamped(n, agent)
	case low == 0 || r.OfLog(): // whatever is in it
		n := fail.Notice{Code: "refused/log", Text: fmt.Sprintf("the hub refuses the log of '%s': %s", agent, r.Why), Fields: fail.Fields{"branch": "crosslink/" + refs.Agents + agent}}
		return r.stamped(n, agent)
	}
	return r.stamped(fail.Notice{Code: "refused/event", Fields: fail.Fields{"agent": agent, "seq": strconv.FormatUint(r.High, 10)},
		Text: fmt.Sprintf("the hub refuses event %d of '%s'%s: %s", r.High, agent, kind(r.High), r.Why)}, agent)
}

// clockRule is how a gate (gate.Clock) names its rule about times in the future.
const clockRule = "rule 'clock'"

// stamped gives a refusal for the time of an event a code of its own: the event
// itself is fine, so the advice must not be to continue without it.
func (r Refusal) stamped(n fail.Notice, agent string) fail.Notice {
	if strings.Contains(r.Why, clockRule) {
		n.Code, n.Fields = "refused/clock", fail.Fields{"agent": agent}
	}
	return n
}

// Memory is what is remembered of a hub, as the machine knows it.
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

// Keep remembers what a run has changed, before the action a is done. hashes are
// those of the events that are newly refused, by branch.
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

// NotPutBack says that the hub refuses to take a log back that it has lost.
func NotPutBack(branch, why string) string {
	return fmt.Sprintf("the hub refuses to restore its log of '%s': %s; this clone keeps the log", strings.TrimPrefix(branch, refs.Agents), why)
}

// NotTakenBack reports whether the hub lost a log, which ended at a tip, and
// refuses to take it back.
func (n *Note) NotTakenBack(name string, tip refs.OID, now time.Time) bool {
	r, known := n.Refusals[name]
	return known && !r.Remembered().Due(now) && r.High == 0 && r.Tip == tip && name != syncer.Ledger
}

// RefusalDue reports whether a sync has to look into a refusal.
func (n *Note) RefusalDue(now time.Time) bool {
	for name, r := range n.Refusals {
		if !n.NotTakenBack(name, r.Tip, now) {
			return true
		}
	}
	return false
}

// Undisturbed reports whether the note holds nothing that a sync would look into.
func (n *Note) Undisturbed(now time.Time) bool {
	return n.Undecided.IsZero() && len(n.Shown) == 0 && n.Aliases != nil && len(n.Problems) == 0 &&
		n.Refused == "" && !n.RefusalDue(now) && !n.NoMeta && n.Other == "" && n.Hub != "" && len(n.Told) == 0
}

// InTheWay is a branch of the hub among those last seen there, in refs, beside
// which git cannot keep the branch of this name: one is a directory of the other.
// "" if there is none.
func InTheWay(all map[string]refs.OID, name string) string {
	for ref := range all {
		other, ok := strings.CutPrefix(ref, refs.IncomingPrefix)
		if ok && (strings.HasPrefix(name, other+"/") || strings.HasPrefix(other, name+"/")) {
			return other
		}
	}
	return ""
}

// InTheWayText says so, and InTheWayFields names the branch.
func InTheWayText(other, name string) string {
	return fmt.Sprintf("the hub has a branch 'crosslink/%s', so git cannot create 'crosslink/%s' there", fail.Truncate(other), name)
}

// InTheWayFields names a branch that is in the way.
func InTheWayFields(other string) fail.Fields {
	return fail.Fields{"branch": fail.Truncate("crosslink/" + other)}
}

// StepRefused says why the hub takes no step of the ledger. Where a branch of the
// hub is in the way, git's own words name no hint.
func StepRefused(all map[string]refs.OID, why string) string {
	if other := InTheWay(all, syncer.Ledger); other != "" {
		return InTheWayText(other, syncer.Ledger)
	}
	return "the hub refuses the next step of the ledger: " + why
}
