// Package compat are the answers of crosslink 0.9, with the members that they had
// there, and a few more. Pages have shapes of their own (dashboard/web).
package compat

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/export"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Time is a time in RFC 3339, null if there is none.
type Time event.Time

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(event.Time(t).String())
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil || s == nil {
		return err
	}
	at, err := event.ParseTime(*s)
	*t = Time(at)
	return err
}

// DetailOf is a project as its facts describe it; Read adds issues from the tracker.
func DetailOf(p db.Project, health alerts.Shape) Detail {
	f := &p.State.Facts
	d := Detail{Project: ProjectOf(p, health), Issues: []Issue{}, Agents: []Agent{}, Locks: []Lock{}, Layout: f.Health.Level, Requests: []Requests{}, Signature: SignatureState(f)}
	for _, c := range f.CI {
		if c.Default && (d.CI == nil || c.State == "failing") {
			d.CI = &CI{SHA: c.Commit, State: c.State}
			if c.URL != "" {
				d.CI.URL = &c.URL
			}
		}
	}
	return d
}

// Read adds issues, agents, locks and requests.
func (d *Detail) Read(v tracker.Projection, f *facts.Facts) error {
	d.fill(f, func(u event.UUID) *uint64 {
		if i, err := v.Row(u); err == nil && i.Number != 0 {
			return &i.Number
		}
		return nil
	})
	return d.issues(v)
}

// Counters are the numbers of a project.
type Counters struct {
	Open         int     `json:"open_issues"`
	Overdue      int     `json:"overdue_issues"`
	DueSoon      int     `json:"due_soon_issues"`
	Blocked      int     `json:"blocked_issues"`
	ActiveAgents int     `json:"active_agents"`
	StaleLocks   int     `json:"stale_locks"`
	CI           *string `json:"ci_status"`
	Updated      Time    `json:"updated_at"`
}

// Project is a project in a list.
type Project struct {
	Slug         string       `json:"slug"`
	Status       string       `json:"status"`
	Pinned       bool         `json:"pinned"`
	HubSHA       *string      `json:"hub_sha"` // there are several branches here: never one commit
	HubFetchedAt Time         `json:"hub_fetched_at"`
	LastActivity Time         `json:"last_activity_at"`
	AddedAt      Time         `json:"added_at"`
	Counters     Counters     `json:"counters"`
	Capability   string       `json:"write_capability"`
	Cure         string       `json:"cure"`
	Rev          int64        `json:"rev"`
	Health       alerts.Shape `json:"health"`
}

// ProjectOf is a project as in a list.
func ProjectOf(p db.Project, health alerts.Shape) Project {
	c := p.State.Counters
	o := Project{Slug: p.Slug, Status: p.Status, Pinned: p.Pinned, HubFetchedAt: Time(p.FetchedAt), LastActivity: Time(p.LastActivity), AddedAt: Time(p.AddedAt),
		Counters: Counters{c.Open, c.Overdue, c.DueSoon, c.Blocked, c.ActiveAgents, c.StaleLocks, nil, Time(p.State.UpdatedAt)}, Capability: p.Place.Capability, Cure: p.Place.Cure,
		Rev: p.State.Rev, Health: health}
	if ci := export.CIStatus(p); ci != "" {
		o.Counters.CI = &ci
	}
	return o
}

// Detail is one project with what is in it.
type Detail struct {
	Project
	Issues    []Issue    `json:"issues"`
	Agents    []Agent    `json:"agents"`
	Locks     []Lock     `json:"locks"`
	Layout    int        `json:"layout_version"`
	Requests  []Requests `json:"agent_requests"`
	CI        *CI        `json:"ci_status"`
	Signature string     `json:"signature_state"`
}

// Issue is an issue as in docs/json.md, with its number also under the old name.
type Issue struct {
	answer.Issue
	DisplayID *uint64 `json:"display_id"`
}

type Agent struct {
	ID    string  `json:"agent_id"`
	Seen  Time    `json:"last_heartbeat"`
	Issue *uint64 `json:"active_issue_id"`
	State string  `json:"state"`
}

type Lock struct {
	Issue  *uint64 `json:"issue_id"`
	Agent  string  `json:"agent_id"`
	Branch *string `json:"branch"`
	Since  Time    `json:"claimed_at"`
	By     string  `json:"signed_by"`
	UUID   string  `json:"uuid"`
	Token  uint64  `json:"token"`
}

type Requests struct {
	Agent string    `json:"agent_id"`
	All   []Request `json:"requests"`
}

type Request struct {
	ID      string  `json:"request_id"`
	Kind    string  `json:"kind"`
	Subject *uint64 `json:"subject_issue"`
	By      string  `json:"requested_by"`
	At      Time    `json:"requested_at"`
	Ack     *Ack    `json:"ack"`
}

type Ack struct {
	Acted  bool   `json:"acted"`
	Result string `json:"result"`
}

type CI struct {
	SHA   string  `json:"sha"`
	State string  `json:"state"`
	URL   *string `json:"url"`
}

// maxIssues bounds how many issues are answered with.
const maxIssues = 20_000

// issues adds the issues, the open ones first, then by number.
func (d *Detail) issues(v tracker.Projection) error {
	all, _, err := v.List(store.Filter{Status: "all", Limit: maxIssues})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b *store.Issue) int {
		rank := func(i *store.Issue) int { return map[bool]int{true: 0, false: 1}[i.Status == event.Open] }
		last := func(i *store.Issue) uint64 { return i.Number - 1 } // what has no number is last
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(last(a), last(b)), cmp.Compare(a.UUID.String(), b.UUID.String()))
	})
	shapes, err := answer.New(v).Issues(all)
	if err != nil {
		return err
	}
	for k := range shapes {
		d.Issues = append(d.Issues, Issue{Issue: shapes[k]})
		if n := shapes[k].Number; n != 0 {
			d.Issues[k].DisplayID = &n
		}
	}
	return nil
}

// fill adds what follows from the facts.
func (d *Detail) fill(f *facts.Facts, number func(event.UUID) *uint64) {
	for _, a := range f.Agents {
		if !a.Retired && a.LastSign != 0 {
			d.Agents = append(d.Agents, Agent{a.ID, Time(a.LastSign), number(a.Issue), a.State})
		}
	}
	for _, l := range f.Locks {
		o := Lock{Issue: number(l.Issue), Agent: l.Holder, Since: Time(l.Since), By: l.Holder, UUID: l.Issue.String(), Token: l.Token}
		if l.Branch != "" {
			o.Branch = &l.Branch
		}
		d.Locks = append(d.Locks, o)
	}
	for _, q := range f.Requests {
		o := Request{ID: q.ID, Kind: q.Kind, Subject: number(q.Subject), By: q.By, At: Time(q.SentAt)}
		if q.Acked {
			o.Ack = &Ack{q.Acted, q.Result}
		}
		k := slices.IndexFunc(d.Requests, func(r Requests) bool { return r.Agent == q.Target })
		if k < 0 {
			k = len(d.Requests)
			d.Requests = append(d.Requests, Requests{Agent: q.Target})
		}
		d.Requests[k].All = append(d.Requests[k].All, o)
	}
}

// SignatureState sums up all signatures in one word.
func SignatureState(f *facts.Facts) string {
	state := "unknown"
	for _, a := range f.Agents {
		switch {
		case len(a.Bad) > 0 || a.Ended == "bad-signature":
			return "invalid"
		case a.Marks["unsigned"] > 0 || a.Ended == "unsigned":
			state = "unsigned"
		case a.LastLine != 0 && len(a.Marks) == 0 && state == "unknown":
			state = "valid"
		}
	}
	return state
}
