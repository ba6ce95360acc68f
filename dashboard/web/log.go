package web

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// How far back the log and the pages of activity look.
const (
	logDepth      = 300 // issues that changed last
	activityDepth = 20  // of each project
	activityMost  = 12  // projects
)

// lineRow is a line, with the issue that it is about.
type lineRow struct {
	answer.Line
	Project string  `json:"project,omitempty"`
	Who     person  `json:"-"`
	Issue   string  `json:"issue"`
	Title   string  `json:"title"`
	At      instant `json:"at"`
	key     event.Key
}

// Raw is the event as it is in the log.
func (l lineRow) Raw() string { return string(l.Event) }

// Key names the line on a page.
func (l lineRow) Key() string { return l.Project + l.Agent + "-" + strconv.FormatUint(l.Seq, 10) }

// Words describe its signature, if there is a mark.
func (l lineRow) Words() string {
	if l.Mark == nil {
		return ""
	}
	return markWords(*l.Mark)
}

// recentLines are the newest lines about issues, newest first: of those issues
// that changed last, so that none newer is left out.
func recentLines(v place.View, issues, most int, keep func(*event.Envelope) bool) ([]lineRow, error) {
	rows, _, err := v.List(store.Filter{Status: "all", Sort: "updated", Limit: issues})
	if err != nil {
		return nil, err
	}
	all, seen := []lineRow{}, map[string]bool{}
	for _, i := range rows {
		if len(all) >= most && i.UpdatedAt < event.Time(all[most-1].At) {
			break // this and what follows is older than what is there
		}
		lines, err := v.History(i.UUID)
		if err != nil {
			return nil, err
		}
		for k, shape := range answer.History(v.Projection, i.UUID, lines) {
			row := lineRow{Line: shape, Who: personOf(v.Names, shape.Agent), Issue: i.Name(), Title: i.Title, At: instant(lines[k].Shown()), key: lines[k].Key()}
			if !seen[row.Key()] && keep(lines[k]) {
				seen[row.Key()] = true
				all = append(all, row)
			}
		}
		newestFirst(all)
	}
	return all[:min(len(all), most)], nil
}

func newestFirst(all []lineRow) {
	slices.SortStableFunc(all, func(a, b lineRow) int { return cmp.Or(cmp.Compare(b.At, a.At), b.key.Compare(a.key)) })
}

// logPage is the data of the page of a project's log.
type logPage struct {
	Project projectDoc `json:"project"`
	Lines   []lineRow  `json:"lines"`
	Agent   string     `json:"agent"`
	Type    string     `json:"type"`
	Mark    string     `json:"mark"`
	Agents  []string   `json:"-"`
	Types   []string   `json:"-"`
	Marks   []string   `json:"-"`
}

func (s *Server) log(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	d := logPage{Project: s.docOf(r, p), Lines: []lineRow{}, Agent: q.Get("agent"), Type: q.Get("type"), Mark: q.Get("mark"), Marks: []string{"any mark", "rejected"}}
	for mark := range answer.MarkWords {
		d.Marks = append(d.Marks, mark)
	}
	slices.Sort(d.Marks[2:])
	for _, a := range p.State.Facts.Agents {
		d.Agents = append(d.Agents, a.ID)
	}
	types := map[string]bool{}
	err = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) (err error) {
		rejected := map[string]bool{}
		for _, x := range v.Rejections() {
			rejected[x.Agent+" "+strconv.FormatUint(x.Seq, 10)] = true
		}
		d.Lines, err = recentLines(v, logDepth, pageRows, func(l *event.Envelope) bool {
			types[l.Body.Type()] = true
			mark := v.Mark(l.Agent, l.Seq)
			is := map[string]bool{"": true, mark: true, "any mark": mark != "", "rejected": rejected[l.Agent+" "+strconv.FormatUint(l.Seq, 10)]}[d.Mark]
			return is && (d.Agent == "" || l.Agent == d.Agent) && (d.Type == "" || l.Body.Type() == d.Type)
		})
		return err
	})
	for t := range types {
		d.Types = append(d.Types, t)
	}
	slices.Sort(d.Types)
	if err != nil {
		return s.unreadable(r, p, "log", "Log of "+p.Slug, err, func(t *Trouble) any { d.Project.Trouble = t; return d })
	}
	return s.render(r, "log", "Log of "+p.Slug, d, "p:"+p.ID)
}

// activity shows the newest lines of all projects.
func (s *Server) activity(r *request) error {
	projects, err := s.shown(r)
	if r.URL.Query().Get("project") != "" { // each clone can be named
		projects, err = s.DB.Projects(r.Context())
	}
	if err != nil {
		return err
	}
	d := struct {
		Lines   []lineRow `json:"lines"`
		Project string    `json:"project"`
		Choices []string  `json:"-"`
		Left    int       `json:"left_out"`
	}{Lines: []lineRow{}, Project: r.URL.Query().Get("project")}
	for _, p := range projects {
		d.Choices = append(d.Choices, p.Slug)
	}
	slices.SortStableFunc(projects, func(a, b db.Project) int { return cmp.Compare(b.LastActivity, a.LastActivity) })
	looked := 0
	for _, p := range projects {
		if p.Status == db.Paused || p.PollError != "" || d.Project != "" && p.Slug != d.Project {
			continue
		}
		if looked++; looked > activityMost {
			d.Left++
			continue
		}
		err := s.Library.Read(r.Context(), p.Place.Path, func(v place.View) error {
			lines, err := recentLines(v, activityDepth, pageRows, func(*event.Envelope) bool { return true })
			for k := range lines {
				lines[k].Project = p.Slug
			}
			d.Lines = append(d.Lines, lines...)
			return err
		})
		if err != nil {
			d.Left++ // its own page says what is wrong
		}
	}
	newestFirst(d.Lines)
	d.Lines = d.Lines[:min(len(d.Lines), pageRows)]
	return s.render(r, "activity", "Activity", d, "all")
}
