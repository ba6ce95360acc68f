package syncer

import (
	"maps"
	"time"
)

// Tip is the tip of a branch; "" is no branch. The machine only compares tips.
type Tip string

// Names of branches that are no logs.
const (
	Ledger = "checkpoint"
	Meta   = "meta"
)

// A hub may refuse one thing and accept everything else: a text that looks like
// a secret, the name of a branch, a step of the ledger. What it refused is
// remembered. The rules are:
//
//  1. It is not offered again for a minute, then for two, and so on up to a day.
//  2. It is offered again at once, and once, by a command that waits for it
//     (--wait, lock), and by one that asks for everything (sync, init).
//  3. It is offered again when it has changed: the refused event is no longer at
//     its place, or the ledger on the hub has moved on.
//  4. What the hub accepts is refused no longer.
const (
	firstPause   = time.Minute
	longestPause = 24 * time.Hour
)

// Refusal is what the hub refused: one branch, or everything.
type Refusal struct {
	// For a log that was written here: the hub accepts the events up to Low, and refuses
	// those after it up to High.
	Low, High uint64
	// For the ledger, and for a log that the hub has lost: the tip that was last seen on
	// the hub.
	Tip   Tip
	Why   string    // the hub's rule, in the server's words
	At    time.Time // when it was refused last
	Times int       // in a row
	About About     // of a log
}

// About is the part of a log that a refusal is about.
type About byte

const (
	Unknown    About = iota
	AboutEvent       // the hub takes the log without the event
	AboutLog         // it refuses the log whatever is in it
)

// Due reports whether what was refused may be offered again. A refusal with a time in the
// future was recorded with a wrong clock, and is due.
func (r Refusal) Due(now time.Time) bool {
	age := now.Sub(r.At)
	return age < 0 || age >= r.pause()
}

// pause is how long a refusal is remembered before it is tested.
func (r Refusal) pause() time.Duration {
	if r.Times > 11 {
		return longestPause
	}
	return min(firstPause<<max(r.Times-1, 0), longestPause)
}

// found reports whether the refused event is known.
func (r Refusal) found(onHub uint64) bool { return r.High <= max(r.Low, onHub)+1 }

// Memory is what a clone remembers of its hub between runs. Its maps are replaced, never
// changed.
type Memory struct {
	Pace     Pace
	NoAtomic bool               // the hub cannot push atomically
	Refused  map[string]Refusal // by branch
	Closed   *Refusal           // the hub refuses all pushes
}

// refuse remembers a refusal of a branch; nil forgets it.
func (m *Memory) refuse(name string, r *Refusal) {
	if _, known := m.Refused[name]; r == nil && !known {
		return
	}
	all := maps.Clone(m.Refused)
	if all == nil {
		all = map[string]Refusal{}
	}
	if r == nil {
		delete(all, name)
	} else {
		all[name] = *r
	}
	m.Refused = all
}
