package web

import (
	"slices"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// commentDoc is a comment.
type commentDoc struct {
	UUID      string  `json:"uuid"`
	Short     string  `json:"short"`
	Author    string  `json:"author"`
	By        string  `json:"by"`
	CreatedAt instant `json:"created_at"`
	Kind      string  `json:"kind"`
	Content   string  `json:"content"`
	Edited    bool    `json:"edited"`
	Mark      string  `json:"mark"`
}

// detailDoc is an issue with everything that its page shows.
type detailDoc struct {
	issueDoc
	Description string       `json:"description"`
	CreatedBy   string       `json:"created_by"`
	CreatedAt   instant      `json:"created_at"`
	ClosedAt    instant      `json:"closed_at"`
	StatusBy    string       `json:"status_by"`
	Reason      string       `json:"reason"`
	Parent      *issueDoc    `json:"parent"`
	Children    []issueDoc   `json:"children"`
	BlockedBy   []issueDoc   `json:"blocked_by"`
	Blocks      []issueDoc   `json:"blocks"`
	Queue       []waiterDoc  `json:"queue"`
	LockedAt    instant      `json:"locked_at"`
	Token       uint64       `json:"token"`
	Stream      []commentDoc `json:"comments"`
}

type waiterDoc struct {
	Agent string  `json:"agent"`
	Since instant `json:"since"`
}

// detailOf collects what an issue's page shows.
func detailOf(v place.View, i *store.Issue) (detailDoc, error) {
	d := detailDoc{issueDoc: issueDocOf(i), Description: i.Description, CreatedBy: i.CreatedBy, CreatedAt: instant(i.CreatedAt), ClosedAt: instant(i.ClosedAt),
		StatusBy: i.StatusBy, Reason: i.Reason, Children: others(v, i.Children), BlockedBy: others(v, i.BlockedBy), Blocks: others(v, i.Blocks),
		Queue: []waiterDoc{}, Stream: []commentDoc{}}
	if up := others(v, []event.UUID{i.Parent}); len(up) == 1 {
		d.Parent = &up[0]
	}
	if i.Lock != nil {
		d.LockedAt, d.Token = instant(i.Lock.Since), i.Lock.Token
	}
	for _, w := range i.Queue {
		d.Queue = append(d.Queue, waiterDoc{w.Agent, instant(w.Since)})
	}
	marks, err := marksOf(v, i.UUID)
	if err != nil {
		return d, err
	}
	for k := range i.Comments {
		c := &i.Comments[k]
		d.Stream = append(d.Stream, commentDoc{UUID: c.UUID.String(), Short: v.CommentShort(c.UUID), Author: c.Author, By: c.By, CreatedAt: instant(c.CreatedAt),
			Kind: c.Kind, Content: c.Content, Edited: c.Edited, Mark: marks[c.UUID]})
	}
	return d, nil
}

// others are the issues of a list that can be shown.
func others(v place.View, list []event.UUID) []issueDoc {
	all := []issueDoc{}
	for _, u := range list {
		if u == (event.UUID{}) {
			continue
		}
		if i, err := v.Issue(u); err == nil {
			all = append(all, issueDocOf(i))
		}
	}
	return all
}

// marksOf says what there is to say of the signatures of an issue's comments.
func marksOf(v place.View, u event.UUID) (map[event.UUID]string, error) {
	lines, err := v.History(u)
	marks := map[event.UUID]string{}
	for _, l := range lines {
		if c, ok := l.Body.(*event.CommentAdded); ok {
			marks[c.Comment] = v.Mark(l.Agent, l.Seq)
		}
	}
	return marks, err
}

// issuePage is the data of an issue's page.
type issuePage struct {
	Project projectDoc `json:"project"`
	Issue   detailDoc  `json:"issue"`
	Verbs   []string   `json:"actions"`
	Waiting bool       `json:"-"` // it has no number yet, so its name will change
}

func (s *Server) issue(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	d := issuePage{Project: s.projectDoc(p, nil)}
	err = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) error {
		u, err := v.Resolve(r.PathValue("id"))
		if err != nil {
			return err
		}
		i, err := v.Issue(u)
		if err != nil {
			return err
		}
		d.Issue, err = detailOf(v, i)
		return err
	})
	if err != nil {
		return err
	}
	d.Verbs = verbsFor(p, d.Issue.Status)
	return s.render(r, "issue", ref(d.Issue.Name)+" "+d.Issue.Title, d, "p:"+p.ID)
}

// verbsFor are what can be done to an issue here.
func verbsFor(p db.Project, status event.Status) []string {
	if p.Status == db.Paused || p.PollError != "" {
		return nil
	}
	all := []string{"comment"}
	if status == event.Open {
		return append(all, "close")
	}
	return append(all, "reopen")
}

// Can reports whether something can be done to the issue.
func (d issuePage) Can(verb string) bool { return slices.Contains(d.Verbs, verb) }
