package cli

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// The answers about the hub in JSON. Every member is always there: null where
// there is no value, an empty array where there is none (docs/json.md).

type statusShape struct {
	Remote      *string          `json:"remote"`
	URL         *string          `json:"url"`
	PushURL     *string          `json:"push_url"`
	Hub         *string          `json:"hub"`
	Level       *int             `json:"level"`
	Shared      bool             `json:"shared"`
	Agent       *string          `json:"agent"`
	Unsent      int              `json:"unsent"`
	LastContact *string          `json:"last_contact"`
	Open        int              `json:"open"`
	Closed      int              `json:"closed"`
	Archived    int              `json:"archived"`
	Logs        []logShape       `json:"logs"`
	Rejected    int              `json:"rejected"`
	Sequence    uint64           `json:"sequence"`
	Undecided   int              `json:"undecided"`
	Lost        int              `json:"lost"`
	BadSteps    int              `json:"bad_steps"`
	Renumbered  []tracker.Alias  `json:"renumbered"`
	State       string           `json:"state"`
	Problems    []string         `json:"problems"`
	Findings    []diagnosisShape `json:"findings"`
	Total       int              `json:"findings_total"`
}

type logShape struct {
	Agent  string  `json:"agent"`
	Events uint64  `json:"events"`
	Unsent int     `json:"unsent"`
	Newest *string `json:"newest"`
	Ended  *string `json:"ended"`
	Own    bool    `json:"own"`
}

func statusShapeOf(s *tracker.Status) statusShape {
	shown, total := listed(diagnosisShapes(s.Findings), s.Unlisted)
	x := statusShape{Remote: textOrNull(s.Remote), URL: textOrNull(s.URL), PushURL: textOrNull(s.PushURL), Hub: textOrNull(s.Hub), Shared: s.Shared,
		Agent: textOrNull(s.Agent), Unsent: s.Unsent, Open: s.Open, Closed: s.Closed, Archived: s.Archived,
		Logs: []logShape{}, Rejected: s.Rejected, Sequence: s.Sequence, Undecided: s.Undecided, Lost: s.Lost, BadSteps: s.BadSteps, Renumbered: append([]tracker.Alias{}, s.Renumbered...), State: s.Hash, Problems: []string{}, Findings: shown, Total: total}
	for _, d := range shown {
		x.Problems = append(x.Problems, d.Text)
	}
	if s.Level != 0 {
		x.Level = &s.Level
	}
	if s.LastContact != nil {
		x.LastContact = timeOrNull(event.TimeOf(*s.LastContact))
	}
	for _, l := range s.Logs {
		x.Logs = append(x.Logs, logShape{l.Agent, l.Events, l.Unsent, textOrNull(l.Newest), textOrNull(l.Ended), l.Own})
	}
	return x
}

type syncShape struct {
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

func syncShapeOf(r *tracker.SyncReport) syncShape {
	return syncShape{textOrNull(r.Remote), textOrNull(r.URL), textOrNull(r.Hub), r.Received, r.Sent, r.Unsent, r.Undecided, string(r.State), textOrNull(r.Reason)}
}

type initShape struct {
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

func initShapeOf(r *tracker.InitReport) initShape {
	return initShape{textOrNull(r.Remote), textOrNull(r.URL), textOrNull(r.Hub), r.Created, r.Already,
		append([]string{}, r.Branches...), r.Restored, r.Moved, r.Sent, append([]tracker.Renumbered{}, r.Renumbered...), textOrNull(r.Agent)}
}
