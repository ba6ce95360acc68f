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

// If a holder works for hours without an event, others who want its lock would think that
// it has stopped. Presence shows that it has not, outside all logs: a ref per clone,
// without a history. The rules are:
//
//   - a heartbeat is shown only while an agent of the clone holds a lock, and its last event or
//     heartbeat is 5 min old: others call an agent silent after 10;
//   - an agent that begins or ceases to wait for a person (its state is awaiting_input or
//     paused) shows this at once, at most every minute, whether or not it holds a lock;
//   - heartbeats are pushed separately, in the background, never with a log or a step, at most
//     every 5 min except for that; after a refusal not for 24 h (some hosts allow only
//     branches);
//   - they are fetched with everything else, and read only when needed;
//   - of many clones only the newest are read, because anybody may push any number;
//   - they are a hint, for people and for the offer to break a lock. They decide nothing. A
//     time in the future is ignored.
const (
	presenceEvery   = 5 * time.Minute
	presenceUrgent  = time.Minute
	presenceRefused = 24 * time.Hour
	presenceTried   = time.Minute // between two failed attempts
)

// Presence is the stored state of a clone's own heartbeats.
type Presence struct {
	Agents  map[string]Sign `json:"agents"`
	Due     bool            `json:"due,omitempty"` // the next background sync pushes it
	Pushed  time.Time       `json:"pushed,omitzero"`
	Tried   time.Time       `json:"tried,omitzero"`
	Refused time.Time       `json:"refused,omitzero"`
}

// Sign is the heartbeat of one agent.
type Sign struct {
	Seen  time.Time  `json:"seen"`
	Issue event.UUID `json:"issue,omitzero"`
	State string     `json:"state"`
	Shown string     `json:"shown,omitempty"` // the state that others saw last
}

// needsPerson reports whether an agent in a state waits for a person.
func needsPerson(state string) bool { return state == "awaiting_input" || state == "paused" }

// urgent reports whether others have to see the agent's state at once.
func (s Sign) urgent() bool {
	return s.State != s.Shown && (needsPerson(s.State) || needsPerson(s.Shown))
}

// every is the interval between pushes.
func (p *Presence) every() time.Duration {
	for _, a := range p.Agents {
		if a.urgent() {
			return presenceUrgent
		}
	}
	return presenceEvery
}

// The outcomes of a heartbeat.
const (
	HeartbeatSent    = "sent"    // on its way, in the background
	HeartbeatRecent  = "recent"  // others have seen one less than 5 min old
	HeartbeatUnheld  = "unheld"  // no lock is held, so nobody waits for it
	HeartbeatRefused = "refused" // the hub accepts no heartbeats
	HeartbeatKept    = "kept"    // nobody can see it: no hub, offline, a CI job
)

// maxPresence is the largest file of heartbeats that is read.
const maxPresence = 1 << 20

// ReadPresence reads a file of heartbeats; an unreadable file counts as missing.
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

// Write writes the file.
func (p *Presence) Write(file string) error {
	if err := statefile.MakeHome(filepath.Dir(file)); err != nil {
		return note.InTheWay(err)
	}
	return note.Write(file, p)
}

// sign records that an agent was seen working on an issue, in a state; "" leaves the state
// unchanged.
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

// Pulse records that an agent that holds the lock of an issue was seen, if nothing newer is
// known; wrote is when it wrote last. It returns whether there was something to record, and
// whether to push it.
func (p *Presence) Pulse(agent string, issue event.UUID, wrote, now time.Time) (noted, push bool) {
	last := p.Pushed
	if wrote.After(last) && !wrote.After(now) { // otherwise a clock was wrong
		last = wrote
	}
	if now.Sub(last) < presenceEvery && !(p.Agents[agent].urgent() && now.Sub(p.Pushed) >= presenceUrgent) || now.Sub(p.Tried) < presenceTried {
		return false, false
	}
	p.sign(agent, issue, "", now)
	p.Due, p.Tried = true, now
	return true, !p.Refuses(now)
}

// Beat records a heartbeat and returns its outcome. shown means that somebody can see it,
// holds that a lock is held.
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

// Refuses reports whether the hub recently refused heartbeats.
func (p *Presence) Refuses(now time.Time) bool { return now.Sub(p.Refused) < presenceRefused }

// MayPush reports whether heartbeats should be pushed now.
func (p *Presence) MayPush(now time.Time) bool {
	return p.Due && !p.Refuses(now) && now.Sub(p.Pushed) >= p.every()
}

// Show returns the heartbeats to push, of agents that write here and hold a lock or wait
// for a person, and forgets the others.
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

// Answered records the result of pushing the heartbeats of Show: accepted or, if the hub
// was reached, refused. A lost connection is not a refusal.
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
