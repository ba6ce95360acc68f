package answer

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Who is the agent of this worktree.
type Who struct {
	Agent       *string `json:"agent"`
	Source      *string `json:"source"`
	Where       *string `json:"where"`
	Events      uint64  `json:"events"`
	Unsent      int     `json:"unsent"`
	State       string  `json:"state"`
	Kind        *string `json:"kind"`
	Name        *string `json:"name"`
	Description *string `json:"description"`
}

// WhoOf gives an identity its shape.
func WhoOf(w *tracker.Who) Who {
	return Who{TextOrNull(w.Agent), TextOrNull(w.Source), TextOrNull(w.Where), w.Events, w.Unsent, w.State,
		TextOrNull(string(w.Kind)), TextOrNull(event.DisplayName(w.Name)), TextOrNull(w.Description)}
}

// Agent is one agent.
type Agent struct {
	Agent       string       `json:"agent"`
	Kind        *string      `json:"kind"`
	Name        *string      `json:"name"`
	Description *string      `json:"description"`
	Events      uint64       `json:"events"`
	Unsent      int          `json:"unsent"`
	LastSign    *string      `json:"last_sign"`
	Presence    *Presence    `json:"presence"`
	RetiredAt   *string      `json:"retired_at"`
	Archived    bool         `json:"archived"`
	ForkedFrom  []ForkedFrom `json:"forked_from"`
	Own         bool         `json:"own"`
}

// ForkedFrom is the last line of another log that counts for this one.
type ForkedFrom struct {
	Agent string `json:"agent"`
	Seq   uint64 `json:"seq"`
}

// AgentOf describes the agent of a log; a is nil if its log has nothing about it.
func AgentOf(l tracker.LogInfo, a *reducer.Agent, last event.Time) Agent {
	x := Agent{Agent: l.Agent, Events: l.Events, Unsent: l.Unsent, LastSign: TimeOrNull(last), Archived: l.Archived, Own: l.Own, ForkedFrom: []ForkedFrom{}}
	if a == nil {
		return x
	}
	x.Kind, x.Name, x.Description = TextOrNull(string(a.Kind)), TextOrNull(event.DisplayName(a.Name)), TextOrNull(a.Description)
	if a.Retired {
		x.RetiredAt = TimeOrNull(a.RetiredAt)
	}
	for _, p := range a.ForkedFrom {
		x.ForkedFrom = append(x.ForkedFrom, ForkedFrom{p.Agent, p.Seq})
	}
	return x
}

// OrEmpty is a text that may be null.
func OrEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Forked is what a fork did.
type Forked struct {
	Was     string  `json:"was"`
	Agent   string  `json:"agent"`
	Carried int     `json:"carried"`
	Set     *string `json:"set"`

	Withdrawn []tracker.Withdrawn `json:"withdrawn"`
}

// ForkedOf gives a report its shape. set is what has to be set for the new id to
// hold; "" is nothing.
func ForkedOf(f *tracker.Forked, set string) Forked {
	return Forked{f.Was, f.Agent, f.Carried, TextOrNull(set), append([]tracker.Withdrawn{}, f.Withdrawn...)}
}

// Heartbeat is what a heartbeat came to.
type Heartbeat struct {
	Agent    string  `json:"agent"`
	State    string  `json:"state"`
	Issue    *string `json:"issue"`
	Outcome  string  `json:"outcome"`
	PushedAt *string `json:"pushed_at"`
}

// HeartbeatOf gives a report its shape.
func HeartbeatOf(b *tracker.Heartbeat) Heartbeat {
	x := Heartbeat{Agent: b.Agent, State: b.State, Outcome: b.Outcome}
	if b.Issue != (event.UUID{}) {
		u := b.Issue.String()
		x.Issue = &u
	}
	if !b.Pushed.IsZero() {
		x.PushedAt = TimeOrNull(event.TimeOf(b.Pushed))
	}
	return x
}

// Presence is when an agent was last seen outside its log, and how.
type Presence struct {
	Seen  string  `json:"seen"`
	State string  `json:"state"`
	Issue *string `json:"issue"`
}

// PresenceOf is the presence of an agent, or null.
func PresenceOf(p tracker.Projection, agent string) *Presence {
	a, ok := p.Presence(agent)
	if !ok {
		return nil
	}
	s := &Presence{Seen: a.LastSeen.String(), State: a.State}
	if a.Issue != (event.UUID{}) {
		u := a.Issue.String()
		s.Issue = &u
	}
	return s
}

// Fold is what became of the logs of retired agents.
type Fold struct {
	Archived []Folded `json:"archived"`
	Kept     []Kept   `json:"kept"`
	DryRun   bool     `json:"dry_run"`
}

// Folded is a log that was moved to the hub's archive, or would be.
type Folded struct {
	Agent     string  `json:"agent"`
	Events    uint64  `json:"events"`
	RetiredAt *string `json:"retired_at"`
}

// Kept is a log that stays a branch.
type Kept struct {
	Folded
	Why string `json:"why"`
}

// FoldOf gives a fold its shape.
func FoldOf(all []tracker.FoldedLog, dry bool) Fold {
	x := Fold{[]Folded{}, []Kept{}, dry}
	for _, l := range all {
		f := Folded{l.Agent, l.Events, TimeOrNull(l.RetiredAt)}
		if l.Why == "" {
			x.Archived = append(x.Archived, f)
		} else {
			x.Kept = append(x.Kept, Kept{f, l.Why})
		}
	}
	return x
}
