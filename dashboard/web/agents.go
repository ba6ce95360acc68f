package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/forms"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// agentGroup are the agents in one state.
type agentGroup struct {
	State  string
	Title  string
	Agents []agentDoc
}

// agentTitles are the states of agents in the words of a page.
var agentTitles = map[string]string{"waiting": "Waiting for you", "silent": "Silent, with a lock", "working": "Working", "idle": "Idle", "gone": "Gone for more than a day"}

// agents shows the agents of all projects, by state.
func (s *Server) agents(r *request) error {
	projects, err := s.shown(r)
	if err != nil {
		return err
	}
	d := struct {
		Agents []agentDoc   `json:"agents"`
		Groups []agentGroup `json:"-"`
	}{Agents: []agentDoc{}}
	for _, p := range projects {
		set, err := s.DB.Settings(r.Context(), p.ID)
		if err != nil {
			return err
		}
		for _, a := range agentsOf(&p.State.Facts, set.Thresholds, event.TimeOf(s.Now())) {
			a.Project, a.NoData = p.Slug, p.PollError != "" || p.Failures > 0
			d.Agents = append(d.Agents, a)
		}
	}
	for _, state := range agentStates {
		g := agentGroup{State: state, Title: agentTitles[state]}
		for _, a := range d.Agents {
			if a.State == state {
				g.Agents = append(g.Agents, a)
			}
		}
		if len(g.Agents) > 0 {
			d.Groups = append(d.Groups, g)
		}
	}
	return s.render(r, "agents", "Agents", d, "all")
}

// requestDoc is what was asked of an agent.
type requestDoc struct {
	ID      string  `json:"id"`
	Kind    string  `json:"kind"`
	By      person  `json:"by"`
	SentAt  instant `json:"sent_at"`
	Expires instant `json:"expires_at"`
	Acked   bool    `json:"acked"`
	Acted   bool    `json:"acted"`
	Result  string  `json:"result"`
}

// agentPage is the data of the page of one agent.
type agentPage struct {
	Project  projectDoc     `json:"project"`
	Agent    agentDoc       `json:"agent"`
	Retired  bool           `json:"retired"`
	Forked   bool           `json:"forked"`
	Ended    string         `json:"ended"`
	Marks    map[string]int `json:"marks"`
	Requests []requestDoc   `json:"requests"`
	Lines    []lineRow      `json:"lines"`
	Trust    *standingDoc   `json:"trust"`
	Can      bool           `json:"-"`

	Lanes     []dayLane `json:"-"` // of the last 24 hours
	LanesLeft int       `json:"-"` // events for which there was no lane
}

// agent shows one agent of a project.
func (s *Server) agent(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	id := r.PathValue("agent")
	f := &p.State.Facts
	a := f.Agent(id)
	if a == nil {
		return refuse(http.StatusNotFound, "there is no agent %q in %s", id, p.Slug)
	}
	set, err := s.DB.Settings(r.Context(), p.ID)
	if err != nil {
		return err
	}
	d := agentPage{Project: s.docOf(r, p), Agent: agentDoc{Who: personOf(f, id), ID: a.ID, Name: a.Name, Kind: a.Kind, State: "gone", LastSign: instant(a.LastSign), Recent: a.RecentUntil(event.TimeOf(s.Now()))}, Retired: a.Retired, Forked: a.Forked, Marks: map[string]int{},
		Requests: []requestDoc{}, Lines: []lineRow{}, Can: mayWrite(p)}
	if all := agentsOf(f, set.Thresholds, event.TimeOf(s.Now())); slices.ContainsFunc(all, func(o agentDoc) bool { return o.ID == id }) {
		d.Agent = all[slices.IndexFunc(all, func(o agentDoc) bool { return o.ID == id })]
	}
	if a.Ended != "" {
		d.Ended = fmt.Sprintf("its log ends after event %d: %s", a.EndedAt, a.Ended)
	}
	for mark, n := range a.Marks {
		d.Marks[markWords(mark)] += n
	}
	for _, q := range f.Requests {
		if q.Target == id {
			d.Requests = append(d.Requests, requestDocOf(f, q))
		}
	}
	slices.SortFunc(d.Requests, func(a, b requestDoc) int { return strings.Compare(b.ID, a.ID) })
	err = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) (err error) {
		d.Trust = standingOf(r.Context(), v, id)
		d.Lines, _, err = newestLines(v, store.LineFilter{Agent: id}, pageRows, everyLine)
		if err == nil {
			err = d.day(v, event.TimeOf(s.Now()))
		}
		return err
	})
	if err != nil {
		return s.unreadable(r, p, "agent", id, err, func(t *Trouble) any { d.Project.Trouble = t; return d })
	}
	return s.render(r, "agent", id+" in "+p.Slug, d, "p:"+p.ID)
}

func requestDocOf(n naming, q facts.Request) requestDoc {
	return requestDoc{q.ID, q.Kind, personOf(n, q.By), instant(q.SentAt), instant(q.ExpiresAt), q.Acked, q.Acted, q.Result}
}

// markWords are the words of a mark.
func markWords(mark string) string {
	if w, ok := answer.MarkWords[mark]; ok {
		return w
	}
	return mark
}

// ask sends a request to an agent.
func (s *Server) ask(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	id, kind := r.PathValue("agent"), r.PostForm.Get("kind")
	if !slices.Contains(forms.RequestKinds, kind) {
		return refuse(http.StatusBadRequest, "there is no request %q: use pause, resume, kill or reprioritise", kind)
	}
	to := fmt.Sprintf("/p/%s/agents/%s", p.Slug, id)
	return s.emit(r, p, "request "+kind, id, func(*place.Receipt) string { return to }, forms.Ask)
}
