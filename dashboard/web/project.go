package web

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/counters"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/draw"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/inbox"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// How much an overview shows.
const (
	shownReady  = 8
	shownRecent = 20
)

// projectDoc is a project in JSON.
type projectDoc struct {
	ID           string            `json:"id"`
	Slug         string            `json:"slug"`
	Status       string            `json:"status"`
	Pinned       bool              `json:"pinned"`
	Shape        alerts.Shape      `json:"shape"`
	Rev          int64             `json:"rev"`
	Counters     counters.Counters `json:"counters"`
	NeedsYou     int               `json:"needs_you"`
	Path         string            `json:"path"`
	Agent        string            `json:"agent"`
	Who          person            `json:"-"` // the agent
	Capability   string            `json:"write_capability"`
	Cure         string            `json:"cure"` // a command; "" if nothing is wrong
	FetchedAt    instant           `json:"fetched_at"`
	PolledAt     instant           `json:"polled_at"`
	LastActivity instant           `json:"last_activity_at"`
	Remote       bool              `json:"remote"`
	Trouble      *Trouble          `json:"trouble"`
	Places       []placeDoc        `json:"places"` // the clones of its hub that are watched, where there are several
}

func (s *Server) projectDoc(p db.Project, open []alerts.Alert) projectDoc {
	return projectDoc{ID: p.ID, Slug: p.Slug, Status: p.Status, Pinned: p.Pinned, Shape: shapeOf(p, open), Rev: p.State.Rev,
		Counters: p.State.Counters, Path: p.Place.Path, Agent: p.Place.Agent, Who: personOf(&p.State.Facts, p.Place.Agent), Capability: p.Place.Capability, Cure: p.Place.Cure, FetchedAt: instant(p.FetchedAt),
		PolledAt: instant(p.PolledAt), LastActivity: instant(p.LastActivity), Remote: p.State.Facts.Health.Remote, Trouble: troubleOf(p), Places: []placeDoc{}}
}

// capabilityWords say why the dashboard cannot write to a project.
var capabilityWords = map[string]string{
	place.NotShared:    "this tracker is not shared yet: only this clone has it",
	place.NotJoined:    "nobody writes in this clone yet: the first change makes an agent",
	place.NotApproved:  "the hub does not accept changes from here: nobody has approved the key of this clone's agent",
	place.ReadOnly:     "the directory cannot be written",
	place.HubMoved:     "the remote holds another hub, or has lost its branches",
	place.OlderFormat:  "the hub has an older format, which must be migrated before it can be written",
	place.AgentTrouble: "this clone's agent is forked, revoked or retired",
}

// May returns the reason why the dashboard cannot write to the project, "" if it can.
func (d projectDoc) May() string { return capabilityWords[d.Capability] }

// Joins reports whether the clone can be given an agent.
func (d projectDoc) Joins() bool { return d.Capability == place.NotJoined }

// docOf is a project with the shape that its alerts give it.
func (s *Server) docOf(r *request, p db.Project) projectDoc {
	open, err := s.alertsOf(r, p)
	if err != nil {
		s.Failed("alerts", err) // the page is of something else
	}
	return s.projectDoc(p, open)
}

// issueDoc is an issue in a list.
type issueDoc struct {
	UUID      string         `json:"uuid"`
	Name      string         `json:"name"`
	Number    uint64         `json:"number,omitempty"`
	Title     string         `json:"title"`
	Status    event.Status   `json:"status"`
	Priority  event.Priority `json:"priority"`
	Labels    []string       `json:"labels"`
	Assignees []person       `json:"assignees"`
	Holder    person         `json:"holder,omitzero"`
	Confirmed bool           `json:"confirmed,omitempty"`
	Comments  int            `json:"comment_count"`
	Blockers  int            `json:"-"`
	DueAt     instant        `json:"due_at"`
	UpdatedAt instant        `json:"updated_at"`

	// in the table of issues
	Begins    instant `json:"-"`
	CreatedAt instant `json:"-"`
	Author    person  `json:"-"`
	Milestone string  `json:"-"`
}

func issueDocOf(n naming, i *store.Issue) issueDoc {
	d := issueDoc{UUID: i.UUID.String(), Name: i.Name(), Number: i.Number, Title: i.Title, Status: i.Status, Priority: i.Priority,
		Labels: append([]string{}, i.Labels...), Assignees: peopleOf(n, i.Assignees), Comments: i.CommentCount, Blockers: len(i.BlockedBy), DueAt: instant(i.DueAt), UpdatedAt: instant(i.UpdatedAt),
		Begins: instant(i.ScheduledAt), CreatedAt: instant(i.CreatedAt), Author: personOf(n, i.CreatedBy)}
	if i.Lock != nil && !i.Lock.Ending {
		d.Holder, d.Confirmed = personOf(n, i.Lock.Holder), i.Lock.Confirmed
	}
	return d
}

// agentDoc is an agent in a list, with what it works on.
type agentDoc struct {
	ID       string  `json:"agent"`
	Name     string  `json:"name,omitempty"`
	Who      person  `json:"-"`
	Kind     string  `json:"kind"`
	State    string  `json:"state"` // waiting, silent, working, idle, gone
	LastSign instant `json:"last_sign"`
	LastLine instant `json:"last_line"`
	Unsent   int     `json:"unsent"`
	Mark     string  `json:"mark,omitempty"`  // what is to be said of signatures
	Token    uint64  `json:"token,omitempty"` // of the lock
	Issue    string  `json:"issue,omitempty"`
	Title    string  `json:"title,omitempty"`
	Since    instant `json:"since,omitempty"` // of the lock
	Queue    int     `json:"queue"`
	Project  string  `json:"project"`
	NoData   bool    `json:"no_data"` // the project is seen as it was
	Recent   []int   `json:"recent"`  // events in each five minutes of the last hour
}

// SeenLater reports whether there was a sign of the agent after its last event.
func (d agentDoc) SeenLater() bool { return d.LastSign > d.LastLine+instant(minute) }

// Lines is how many events the agent wrote in the last hour.
func (d agentDoc) Lines() (n int) {
	for _, one := range d.Recent {
		n += one
	}
	return n
}

// Bars draws the events of the last hour.
func (d agentDoc) Bars() []draw.Bar { return draw.Bars(d.Recent, 5, 16) }

// agentStates are the states in the order of a list.
var agentStates = []string{"waiting", "silent", "working", "idle", "gone"}

// agentsOf returns the agents with their states: working if last seen less than 5 minutes ago,
// idle if less than a day, else gone.
func agentsOf(f *facts.Facts, th facts.Thresholds, now event.Time) []agentDoc {
	seen := facts.NewClock(now).Seen(&f.Health)
	var all []agentDoc
	for k := range f.Agents {
		a := &f.Agents[k]
		if a.Retired || a.LastSign == 0 {
			continue
		}
		d := agentDoc{Who: personOf(f, a.ID), ID: a.ID, Name: a.Name, Kind: a.Kind, LastSign: instant(a.LastSign), LastLine: instant(a.LastLine), Unsent: a.Unsent, Recent: a.RecentUntil(seen.Now())}
		for mark := range a.Marks {
			d.Mark = max(d.Mark, markWords(mark))
		}
		for n := range f.Locks {
			if l := &f.Locks[n]; l.Holder == a.ID && !l.Ending {
				d.Issue, d.Title, d.Since, d.Queue, d.Token = l.Name, l.Title, instant(l.Since), len(l.Queue), l.Token
			}
		}
		age := seen.Now() - a.LastSign
		switch {
		case a.State == "awaiting_input":
			d.State = "waiting"
		case d.Issue != "" && age > event.Time(th.Silent):
			d.State = "silent"
		case age < minute*5:
			d.State = "working"
		case age < minute*60*24:
			d.State = "idle"
		default:
			d.State = "gone"
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b agentDoc) int {
		return cmp.Or(cmp.Compare(slices.Index(agentStates, a.State), slices.Index(agentStates, b.State)), cmp.Compare(b.LastSign, a.LastSign), cmp.Compare(a.ID, b.ID))
	})
	return all
}

const minute = event.Time(60 * 1e9)

// overview is the data of a project's page.
type overview struct {
	Project projectDoc `json:"project"`
	Inbox   []itemDoc  `json:"inbox"`
	Snoozed []itemDoc  `json:"snoozed"`
	Due     *dueDoc    `json:"next_due"`
	Agents  []agentDoc `json:"agents"`
	Gone    int        `json:"agents_gone"`
	Ready   []issueDoc `json:"-"`
	Lines   []lineRow  `json:"feed"` // the newest

	ReadyAnswer  []answer.Issue `json:"ready"` // as docs/json.md has it
	RecentAnswer []answer.Issue `json:"recent"`
}

// start is the page that opens first.
func (s *Server) start(r *request) error {
	projects, by, _, err := s.merged(r)
	if err != nil {
		return err
	}
	if len(projects) == 1 {
		return s.overview(r, projects[0], by[projects[0].ID])
	}
	type start struct {
		Inbox    []itemDoc `json:"inbox"`
		Snoozed  []itemDoc `json:"snoozed"`
		Due      *dueDoc   `json:"next_due"`
		Working  int       `json:"agents_working"`
		Projects int       `json:"projects"`
	}
	d := start{Projects: len(projects), Due: s.nextDue(projects), Snoozed: []itemDoc{}}
	snoozes, err := s.DB.Snoozes(r.Context())
	if err != nil {
		return err
	}
	if d.Inbox, err = s.disabledEndpoints(r); err != nil {
		return err
	}
	for _, p := range projects {
		items, away, err := s.inbox(r, p, by[p.ID], snoozes)
		if err != nil {
			return err
		}
		d.Inbox, d.Snoozed = append(d.Inbox, items...), append(d.Snoozed, away...)
		d.Working += p.State.Counters.ActiveAgents
	}
	slices.SortFunc(d.Inbox, func(a, b itemDoc) int { return inbox.Compare(a.Item, b.Item) })
	return s.render(r, "start", "Inbox", d, "all")
}

// alertsOf are the alerts of a project that are open.
func (s *Server) alertsOf(r *request, p db.Project) ([]alerts.Alert, error) {
	rows, err := s.DB.Alerts(r.Context(), p.ID)
	open := make([]alerts.Alert, len(rows))
	for k := range rows {
		open[k] = rows[k].Alert
	}
	return open, err
}

// found is the project that the path names.
func (s *Server) found(r *request) (db.Project, error) {
	p, err := s.DB.Project(r.Context(), r.PathValue("owner")+"/"+r.PathValue("repo"))
	if err != nil {
		return p, refuse(http.StatusNotFound, "there is no project %q", r.PathValue("owner")+"/"+r.PathValue("repo"))
	}
	s.Poller.Viewed(p.ID)
	return p, nil
}

func (s *Server) project(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	open, err := s.alertsOf(r, p)
	if err != nil {
		return err
	}
	return s.overview(r, p, open)
}

func (s *Server) overview(r *request, p db.Project, open []alerts.Alert) error {
	s.Poller.Viewed(p.ID)
	set, err := s.DB.Settings(r.Context(), p.ID)
	if err != nil {
		return err
	}
	d := overview{Project: s.projectDoc(p, open), Due: s.nextDue([]db.Project{p}), Agents: []agentDoc{}, Lines: []lineRow{}, ReadyAnswer: []answer.Issue{}, RecentAnswer: []answer.Issue{}}
	snoozes, err := s.DB.Snoozes(r.Context())
	if err != nil {
		return err
	}
	if d.Inbox, d.Snoozed, err = s.inbox(r, p, open, snoozes); err != nil {
		return err
	}
	own, err := s.disabledEndpoints(r)
	if err != nil {
		return err
	}
	d.Inbox = append(own, d.Inbox...)
	d.Project.NeedsYou = len(d.Inbox)
	for _, a := range agentsOf(&p.State.Facts, set.Thresholds, event.TimeOf(s.Now())) {
		if a.State == "gone" {
			d.Gone++
			continue
		}
		d.Agents = append(d.Agents, a)
	}
	err = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) error {
		ready, _, err := v.List(store.Filter{Ready: true, Now: event.TimeOf(s.Now()), Sort: "priority", Limit: shownReady})
		if err != nil {
			return err
		}
		for _, i := range ready {
			d.Ready = append(d.Ready, issueDocOf(v.Names, i))
		}
		if d.Lines, _, err = newestLines(v, store.LineFilter{}, shownRecent, everyLine); err != nil || !r.JSON {
			return err
		}
		recent, _, err := v.List(store.Filter{Status: "all", Sort: "updated", Limit: shownRecent})
		if err != nil {
			return err
		}
		shapes := answer.New(v.Projection)
		if d.ReadyAnswer, err = shapes.Issues(ready); err != nil {
			return err
		}
		d.RecentAnswer, err = shapes.Issues(recent)
		return err
	})
	if err != nil { // the page says what is known, as of then
		d.Project.Trouble = unread(p, err)
	}
	return s.render(r, "project", p.Slug, d, "p:"+p.ID, "projects_changed")
}
