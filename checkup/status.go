package checkup

import (
	"context"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// Status is the state of the tracker itself.
type Status struct {
	Remote      string           `json:"remote"` // "" if there is none
	URL         string           `json:"url,omitempty"`
	PushURL     string           `json:"push_url,omitempty"` // URL of pushes if it is not URL
	Hub         string           `json:"hub,omitempty"`
	Level       int              `json:"level,omitempty"` // format level of the hub, 0 if there is none
	Shared      bool             `json:"shared"`          // a hub exists on the remote
	Agent       string           `json:"agent,omitempty"` // "" before the first write
	Name        string           `json:"-"`               // of the agent
	Unsent      int              `json:"unsent"`
	LastContact *time.Time       `json:"last_contact"` // null: never
	Open        int              `json:"open"`
	Closed      int              `json:"closed"`
	Archived    int              `json:"archived"`
	Logs        []LogInfo        `json:"logs"`
	Rejected    int              `json:"rejected"`
	Sequence    uint64           `json:"sequence"`  // of the ledger as last seen, 0 if there is none
	Undecided   int              `json:"undecided"` // events that wait for a step
	Lost        int              `json:"lost"`      // branches of the ledger that the hub lost and that are being restored
	BadSteps    int              `json:"bad_steps"` // invalid steps of the ledger
	Unsigned    int              `json:"unsigned"`  // events after the last signed one of a log, which do not count
	Renumbered  []store.Alias    `json:"renumbered"`
	Hash        string           `json:"state"`      // hash of the canonical state
	PushShare   *PushShare       `json:"push_share"` // nil: the hub has no limit that all clones share
	Findings    []fail.Diagnosis `json:"findings"`   // findings of the doctor's local checks, without notes
	Unlisted    int              `json:"-"`          // problems with the hub beyond those of Findings

	UnsentSince    event.Time `json:"-"` // shown time of the oldest event that the hub does not have
	UndecidedSince event.Time `json:"-"` // the same for events that wait for a step
	Gone           []string   `json:"-"` // branches that the hub has lost, below crosslink/
	OtherHub       string     `json:"-"` // id of another hub that the last fetch found in place of this one
}

// LogInfo is one agent's log.
type LogInfo struct {
	Agent  string `json:"agent"`
	Events uint64 `json:"events"`
	Unsent int    `json:"unsent"`
	Newest string `json:"newest,omitempty"` // shown time of its last line
	Ended  string `json:"ended,omitempty"`  // why the log stops before its end
	Own    bool   `json:"own,omitempty"`

	Archived bool `json:"archived,omitempty"` // the hub has it in its archive, and no branch
}

// PushShare is this clone's share of the limit that all clones share.
type PushShare struct {
	PerMinute  uint64 `json:"hub_per_minute"`
	Pushes     int    `json:"pushes"`
	Seconds    int    `json:"seconds"` // period in which so many pushes may start
	Agents     int    `json:"agents"`  // number of agents that wrote recently and share the limit
	AgentsHere int    `json:"agents_here"`
}

func pushShare(h syncer.Shared) *PushShare {
	if h.PerMinute == 0 {
		return nil
	}
	r := h.Share()
	return &PushShare{h.PerMinute, r.Pushes, int(r.Per.Seconds()), h.Active, h.Here}
}

// PushBudget is the remaining number of pushes to the hub.
type PushBudget struct {
	Limit   int // pushes; 0 means no limit
	Seconds int // period in which so many pushes may start
	Left    int
	Shared  uint64    // pushes per minute that all clones of the hub share; 0: the limit is not a share
	Until   time.Time // the hub is left alone until then
	Why     string    // why it is left alone
}

// Pushes returns the remaining number of pushes to the hub; nil if there is no limit and
// the hub is not left alone.
func (k *Checkup) Pushes(ctx context.Context) (*PushBudget, error) {
	if _, err := k.Reads.Load(ctx); err != nil { // the hub's own limit is in it
		return nil, err
	}
	now, limits, pace := k.Now(), k.Limits(), k.Link.Pace.Read()
	rate, shared := pace.Limit(limits, syncer.Facts, now)
	b := PushBudget{Limit: rate.Pushes, Seconds: int(rate.Per.Seconds()), Left: pace.Left(rate, now)}
	if shared {
		b.Shared = limits.Hub.PerMinute
	}
	if pace.Until.After(now) {
		b.Until, b.Why = pace.Until, pace.Why
	}
	if b == (PushBudget{}) {
		return nil, nil
	}
	return &b, nil
}

// ownLine are the findings that status shows on their own line.
var ownLine = map[string]bool{"unshared": true, "queued": true}

// Problems returns the texts of the problems.
func (s *Status) Problems() []string {
	all := []string{}
	for _, d := range s.Findings {
		all = append(all, d.Text)
	}
	return all
}

// Status returns the state of the tracker from local data.
func (k *Checkup) Status(ctx context.Context) (*Status, error) {
	s, err := k.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	st := &Status{Remote: k.HubName(), Agent: k.Agent, Level: s.Level, Shared: s.Bound || s.Apart || s.Level == 2 || s.Level == 3,
		Unsent: s.Unsent(), Logs: []LogInfo{}, Renumbered: []store.Alias{}, Findings: []fail.Diagnosis{}, Unlisted: k.Contact.Unlisted(), Hash: s.View.Hash()}
	if k.Agent != "" {
		st.Name = people.NewNames(s.View).Full(k.Agent)
	}
	if k.Hub != nil {
		st.URL, st.PushURL = k.Hub.Shown(), refs.WithoutSecrets(k.Hub.PushURL)
	}
	if s.Meta != nil {
		st.Hub = s.Meta.Hub
	}
	if !k.Contact.Last.IsZero() {
		st.LastContact = &k.Contact.Last
	}
	st.PushShare = pushShare(k.Shared(s))
	view := s.View
	for status, n := range map[string]*int{"open": &st.Open, "closed": &st.Closed, "archived": &st.Archived} {
		if _, *n, err = view.List(store.Filter{Status: status, Limit: 1}); err != nil {
			return nil, err
		}
	}
	st.Rejected, st.Renumbered = len(view.Rejections()), store.Renumbered(view)
	if err := k.ledgerStatus(s, st); err != nil {
		return nil, err
	}
	for _, l := range s.Logs() {
		id := l.Agent
		if l.Empty() {
			continue // the findings count these events
		}
		if v := l.Verdict(); v != nil && v.Trails() {
			st.Unsigned += int(v.Lines - l.Kept())
		}
		_, archived := replay.HubTip(s.AllRefs, id)
		info := LogInfo{Agent: id, Events: l.Seq, Ended: l.Ended, Own: id == k.Agent, Archived: archived}
		if k.Hub != nil {
			info.Unsent = l.Unsent()
		}
		if l.Seq > 0 {
			info.Newest = l.Shown.String()
		}
		st.Logs = append(st.Logs, info)
	}
	if k.Hub == nil {
		st.Unsent = 0
	}
	if err := k.waitingSince(ctx, s, st); err != nil {
		return nil, err
	}
	st.OtherHub = k.Contact.Other
	for _, p := range k.Contact.Problems {
		if p.Gone {
			st.Gone = append(st.Gone, p.Ref)
		}
	}
	found, err := k.examine(ctx, s, func(c check) bool { return c.status })
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		if d.Severity != fail.Note && !ownLine[d.Code.Name()] {
			st.Findings = append(st.Findings, d)
		}
	}
	return st, nil
}

// ledgerStatus fills in the state of the ledger.
func (k *Checkup) ledgerStatus(s *reading.Snapshot, st *Status) error {
	d := s.Decided()
	if d.View.Ledger == nil {
		return nil
	}
	st.Sequence, st.BadSteps = d.View.Sequence(), len(d.Bad)
	st.Undecided = s.AllUndecided()
	for _, tip := range d.Lost {
		held, err := d.Reader.Holds(d.View.Tip, string(tip))
		if refs.IgnoreMissing(err) != nil {
			return err
		}
		if !held {
			st.Lost++
		}
	}
	return nil
}

// waitingSince fills in since when events wait to be sent or decided.
func (k *Checkup) waitingSince(ctx context.Context, s *reading.Snapshot, st *Status) error {
	earlier := func(at *event.Time, l *reading.Log, seq uint64) error {
		e, err := k.Reads.Line(ctx, l, seq)
		if e != nil && (*at == 0 || e.Shown() < *at) {
			*at = e.Shown()
		}
		return refs.IgnoreMissing(err)
	}
	for _, l := range s.Active() {
		if n := uint64(l.Unsent()); st.Unsent > 0 && n > 0 && n <= l.Seq {
			if err := earlier(&st.UnsentSince, l, l.Seq-n+1); err != nil {
				return err
			}
		}
		if waiting := s.Pending(l.Agent); st.Undecided > 0 && len(waiting) > 0 {
			if err := earlier(&st.UndecidedSince, l, waiting[0].Seq); err != nil {
				return err
			}
		}
	}
	return nil
}
