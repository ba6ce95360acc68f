package answer

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Status is the state of the tracker.
type Status struct {
	Remote      *string            `json:"remote"`
	URL         *string            `json:"url"`
	PushURL     *string            `json:"push_url"`
	Hub         *string            `json:"hub"`
	Level       *int               `json:"level"`
	Shared      bool               `json:"shared"`
	Agent       *string            `json:"agent"`
	Unsent      int                `json:"unsent"`
	LastContact *string            `json:"last_contact"`
	Open        int                `json:"open"`
	Closed      int                `json:"closed"`
	Archived    int                `json:"archived"`
	Logs        []Log              `json:"logs"`
	Rejected    int                `json:"rejected"`
	Sequence    uint64             `json:"sequence"`
	Undecided   int                `json:"undecided"`
	Lost        int                `json:"lost"`
	BadSteps    int                `json:"bad_steps"`
	Unsigned    int                `json:"unsigned"`
	Renumbered  []store.Alias      `json:"renumbered"`
	State       string             `json:"state"`
	PushShare   *tracker.PushShare `json:"push_share"`
	Problems    []string           `json:"problems"`
	Findings    []Diagnosis        `json:"findings"`
	Total       int                `json:"findings_total"`
}

// Log is one log of the tracker.
type Log struct {
	Agent  string  `json:"agent"`
	Events uint64  `json:"events"`
	Unsent int     `json:"unsent"`
	Newest *string `json:"newest"`
	Ended  *string `json:"ended"`
	Own    bool    `json:"own"`

	Archived bool `json:"archived"` // the hub has it in its archive, and no branch
}

// StatusOf returns a status in its JSON shape, with the findings.
func StatusOf(s *tracker.Status, findings []Diagnosis) Status {
	shown, total := Listed(findings, s.Unlisted)
	x := Status{Remote: TextOrNull(s.Remote), URL: TextOrNull(s.URL), PushURL: TextOrNull(s.PushURL), Hub: TextOrNull(s.Hub), Shared: s.Shared,
		Agent: TextOrNull(s.Agent), Unsent: s.Unsent, Open: s.Open, Closed: s.Closed, Archived: s.Archived,
		Logs: []Log{}, Rejected: s.Rejected, Sequence: s.Sequence, Undecided: s.Undecided, Lost: s.Lost, BadSteps: s.BadSteps, Unsigned: s.Unsigned, Renumbered: append([]store.Alias{}, s.Renumbered...), State: s.Hash, PushShare: s.PushShare, Problems: []string{}, Findings: shown, Total: total}
	for _, d := range shown {
		x.Problems = append(x.Problems, d.Text)
	}
	if s.Level != 0 {
		x.Level = &s.Level
	}
	if s.LastContact != nil {
		x.LastContact = TimeOrNull(event.TimeOf(*s.LastContact))
	}
	for _, l := range s.Logs {
		x.Logs = append(x.Logs, Log{l.Agent, l.Events, l.Unsent, TextOrNull(l.Newest), TextOrNull(l.Ended), l.Own, l.Archived})
	}
	return x
}

// Sync is the result of a sync.
type Sync struct {
	Remote    *string `json:"remote"`
	URL       *string `json:"url"`
	Hub       *string `json:"hub"`
	Received  int     `json:"received"`
	Sent      int     `json:"sent"`
	Unsent    int     `json:"unsent"`
	Undecided int     `json:"undecided"`
	State     string  `json:"state"`
	Reason    *string `json:"reason"`
}

// SyncOf returns a report in its JSON shape.
func SyncOf(r *tracker.SyncReport) Sync {
	return Sync{TextOrNull(r.Remote), TextOrNull(r.URL), TextOrNull(r.Hub), r.Received, r.Sent, r.Unsent, r.Undecided, string(r.State), TextOrNull(r.Reason)}
}

// Init is the result of init.
type Init struct {
	Remote     *string              `json:"remote"`
	URL        *string              `json:"url"`
	Hub        *string              `json:"hub"`
	Created    bool                 `json:"created"`
	Already    bool                 `json:"already"`
	Branches   []string             `json:"branches"`
	Restored   bool                 `json:"restored"`
	Moved      bool                 `json:"moved"`
	Sent       int                  `json:"sent"`
	Renumbered []tracker.Renumbered `json:"renumbered"`
	Agent      *string              `json:"agent"`
}

// InitOf returns a report in its JSON shape.
func InitOf(r *tracker.InitReport) Init {
	return Init{TextOrNull(r.Remote), TextOrNull(r.URL), TextOrNull(r.Hub), r.Created, r.Already,
		append([]string{}, r.Branches...), r.Restored, r.Moved, r.Sent, append([]tracker.Renumbered{}, r.Renumbered...), TextOrNull(r.Agent)}
}

// Detached is the result of detaching a fork.
type Detached struct {
	Remote *string `json:"remote"`
	URL    *string `json:"url"`
	Was    string  `json:"was"`
	Hub    string  `json:"hub"`
	Logs   int     `json:"logs"`
	Events int     `json:"events"`
	Sent   int     `json:"sent"`

	Admins  []string `json:"admins"`
	Signing string   `json:"signing"`
	Open    bool     `json:"open"`
	Before  string   `json:"signing_before"`
}

// DetachedOf returns a report in its JSON shape.
func DetachedOf(d *tracker.Detached) Detached {
	return Detached{TextOrNull(d.Remote), TextOrNull(d.URL), d.Was, d.Hub, d.Logs, d.Events, d.Sent, d.Admins, d.Signing, d.Open, d.Before}
}
