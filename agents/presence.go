package agents

import (
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/note"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// A holder that works for hours without an event looks dead to anybody who wants
// its lock. Presence says that it is not, outside all logs: a ref per clone,
// without a history. The rules are:
//
//   - only while an agent of the clone holds a lock, and its last sign, an event
//     or a presence, is 5 min old: others call an agent silent after 10;
//   - an agent that begins or ceases to wait for a person (its state is
//     awaiting_input or paused) shows that at once, at most every minute, whether
//     or not it holds a lock;
//   - pushed by itself, in the background, never with a log or a step, at most
//     every 5 min but for that; after one refusal not for 24 h (some hosts allow
//     no refs but branches);
//   - fetched with everything else; read only when a heartbeat is asked for;
//   - of many clones only the newest are read: anybody may push any number;
//   - a hint, for people and for the offer to break a lock. Nothing is decided
//     by it. A time that has not come yet is passed over.
const (
	presenceEvery   = 5 * time.Minute
	presenceUrgent  = time.Minute
	presenceRefused = 24 * time.Hour
	presenceTried   = time.Minute // between two attempts that came to nothing
)

// Presence is what a clone remembers of its own heartbeats.
type Presence struct {
	Agents  map[string]Sign `json:"agents"`
	Due     bool            `json:"due,omitempty"` // the next sync in the background pushes it
	Pushed  time.Time       `json:"pushed,omitzero"`
	Tried   time.Time       `json:"tried,omitzero"`
	Refused time.Time       `json:"refused,omitzero"`
}

// Sign is one agent's.
type Sign struct {
	Seen  time.Time  `json:"seen"`
	Issue event.UUID `json:"issue,omitzero"`
	State string     `json:"state"`
	Shown string     `json:"shown,omitempty"` // the state that others were shown last
}

// needsPerson reports whether an agent in a state waits for a person.
func needsPerson(state string) bool { return state == "awaiting_input" || state == "paused" }

// urgent reports whether others have to see at once what the agent does now.
func (s Sign) urgent() bool {
	return s.State != s.Shown && (needsPerson(s.State) || needsPerson(s.Shown))
}

// every is how long after a push the next may follow.
func (p *Presence) every() time.Duration {
	for _, a := range p.Agents {
		if a.urgent() {
			return presenceUrgent
		}
	}
	return presenceEvery
}

// What becomes of a heartbeat.
const (
	HeartbeatSent    = "sent"    // on its way, in the background
	HeartbeatRecent  = "recent"  // others have seen a sign less than 5 min old
	HeartbeatUnheld  = "unheld"  // no lock is held: nobody waits for it
	HeartbeatRefused = "refused" // the hub takes no heartbeats
	HeartbeatKept    = "kept"    // nobody to show it to: no hub, offline, a CI job
)

// maxPresence is the largest file of heartbeats that is read.
const maxPresence = 1 << 20

// ReadPresence reads a file of heartbeats; one that cannot be read is none.
func ReadPresence(file string, now time.Time) Presence {
	var p Presence
	if note.Read(file, maxPresence, &p) != nil {
		p = Presence{}
	}
	if p.Agents == nil {
		p.Agents = map[string]Sign{}
	}
	maps.DeleteFunc(p.Agents, func(id string, a Sign) bool {
		return event.ValidAgentID(id) != nil || !slices.Contains(event.PresenceStates, a.State)
	})
	for _, at := range []*time.Time{&p.Pushed, &p.Tried, &p.Refused} {
		if at.After(now) { // a clock was wrong
			*at = time.Time{}
		}
	}
	return p
}

// Write puts the file in place.
func (p *Presence) Write(file string) error {
	if err := statefile.MakeHome(filepath.Dir(file)); err != nil {
		return note.InTheWay(err)
	}
	return note.Write(file, p)
}

// sign notes that an agent was seen at work on an issue, in a state or, if that is
// "", as before.
func (p *Presence) sign(agent string, issue event.UUID, state string, now time.Time) Sign {
	s := p.Agents[agent]
	if s.Seen, s.Issue = now, issue; state != "" {
		s.State = state
	}
	if s.State == "" {
		s.State = event.PresenceStates[0]
	}
	p.Agents[agent] = s
	return s
}

// Pulse notes that an agent that holds the lock of an issue was seen, if there is
// no newer sign of it; wrote is when it wrote last. It reports whether there was
// something to note, and whether that is to be pushed.
func (p *Presence) Pulse(agent string, issue event.UUID, wrote, now time.Time) (noted, push bool) {
	last := p.Pushed
	if wrote.After(last) && !wrote.After(now) { // else a clock was wrong
		last = wrote
	}
	if now.Sub(last) < presenceEvery && !(p.Agents[agent].urgent() && now.Sub(p.Pushed) >= presenceUrgent) || now.Sub(p.Tried) < presenceTried {
		return false, false
	}
	p.sign(agent, issue, "", now)
	p.Due, p.Tried = true, now
	return true, !p.Refuses(now)
}

// Beat notes a heartbeat and says what becomes of it: shown says that there is
// somebody to show it to, holds that a lock is held.
func (p *Presence) Beat(agent string, issue event.UUID, state string, shown, holds bool, now time.Time) (Sign, string) {
	s := p.sign(agent, issue, state, now)
	switch {
	case !shown:
		return s, HeartbeatKept
	case !holds && !s.urgent():
		return s, HeartbeatUnheld
	case p.Refuses(now):
		return s, HeartbeatRefused
	case now.Sub(p.Pushed) < p.every():
		return s, HeartbeatRecent
	}
	p.Due, p.Tried = true, now
	return s, HeartbeatSent
}

// Refuses reports whether the hub took no heartbeats when it was asked last, a
// short while ago.
func (p *Presence) Refuses(now time.Time) bool { return now.Sub(p.Refused) < presenceRefused }

// MayPush reports whether heartbeats are to be pushed now.
func (p *Presence) MayPush(now time.Time) bool {
	return p.Due && !p.Refuses(now) && now.Sub(p.Pushed) >= p.every()
}

// Show returns the signs to push, of agents that write here and hold a lock or
// wait for a person, and forgets the others.
func (p *Presence) Show(here, holds func(agent string) bool) (shown event.Presence) {
	maps.DeleteFunc(p.Agents, func(id string, a Sign) bool {
		return !here(id) || !holds(id) && !needsPerson(a.State) && !a.urgent()
	})
	for _, id := range slices.Sorted(maps.Keys(p.Agents)) {
		a := p.Agents[id]
		shown = append(shown, event.AgentPresence{Agent: id, LastSeen: event.TimeOf(a.Seen), Issue: a.Issue, State: a.State})
	}
	p.Due = false
	return shown
}

// Answered records the outcome of pushing what Show returned: it was taken or, if
// the hub was reached, refused. A connection that was lost is no refusal.
func (p *Presence) Answered(taken, reached bool, now time.Time) {
	switch {
	case taken:
		p.Pushed = now
		for id, a := range p.Agents {
			a.Shown = a.State
			p.Agents[id] = a
		}
	case reached:
		p.Refused = now
	}
}
