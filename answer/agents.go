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

// WhoOf returns an identity in its JSON shape.
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

// ForkedFrom is the last line of another log that counts as part of this one.
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

// OrEmpty returns the text; "" for nil.
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

// ForkedOf returns a report in its JSON shape. set is the setting that the user must
// change so that the new id is used; "" is none.
func ForkedOf(f *tracker.Forked, set string) Forked {
	return Forked{f.Was, f.Agent, f.Carried, TextOrNull(set), append([]tracker.Withdrawn{}, f.Withdrawn...)}
}

// Heartbeat is the result of a heartbeat.
type Heartbeat struct {
	Agent    string  `json:"agent"`
	State    string  `json:"state"`
	Issue    *string `json:"issue"`
	Outcome  string  `json:"outcome"`
	PushedAt *string `json:"pushed_at"`
}

// HeartbeatOf returns a report in its JSON shape.
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

// Presence is when and how an agent was last seen outside its log.
type Presence struct {
	Seen  string  `json:"seen"`
	State string  `json:"state"`
	Issue *string `json:"issue"`
}

// PresenceOf returns the presence of an agent; nil if there is none.
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

// Fold is the result of archiving the logs of retired agents.
type Fold struct {
	Archived []Folded `json:"archived"`
	Kept     []Kept   `json:"kept"`
	DryRun   bool     `json:"dry_run"`
}

// Folded is a log that was, or would be, moved to the hub's archive.
type Folded struct {
	Agent     string  `json:"agent"`
	Events    uint64  `json:"events"`
	RetiredAt *string `json:"retired_at"`
}

// Kept is a log that remains a branch.
type Kept struct {
	Folded
	Why string `json:"why"`
}

// FoldOf returns the result in its JSON shape.
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
