package web

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// entry is one thing in the stream of an issue: a comment, or a change in words.
type entry struct {
	Key     string
	At      event.Time
	Agent   person
	Author  person // of a comment; a change has none
	Kind    string
	Text    string
	Edited  bool
	Mark    string
	Signed  bool
	Line    string // "agent/seq"; "" if it is gone
	Refused string // why a change has no effect
}

// detailDoc is what the page of an issue shows besides the row.
type detailDoc struct {
	issueDoc    `json:"-"`
	Description string        `json:"-"`
	ClosedAt    instant       `json:"-"`
	StatusBy    person        `json:"-"`
	Reason      string        `json:"-"`
	Parent      *issueDoc     `json:"-"`
	Children    []issueDoc    `json:"-"`
	BlockedBy   []issueDoc    `json:"-"`
	Blocks      []issueDoc    `json:"-"`
	Relations   []relationDoc `json:"-"`
	Links       []linkDoc     `json:"-"`
	Queue       []waiterDoc   `json:"-"`
	LockedAt    instant       `json:"-"`
	Token       uint64        `json:"-"`
	Minutes     int           `json:"-"` // time spent
	Stream      []entry       `json:"-"`
}

type waiterDoc struct {
	Agent person
	Since instant
}

// linkDoc is a link to something outside; To is its address if it is one that a
// browser may open.
type linkDoc struct{ Kind, Ref, To string }

type relationDoc struct {
	Kind  string
	Issue issueDoc
}

// detailOf collects what an issue's page shows.
func detailOf(v place.View, i *store.Issue) (detailDoc, error) {
	d := detailDoc{issueDoc: issueDocOf(v.Names, i), Description: i.Description, ClosedAt: instant(i.ClosedAt),
		StatusBy: personOf(v.Names, i.StatusBy), Reason: i.Reason, Children: others(v, i.Children), BlockedBy: others(v, i.BlockedBy), Blocks: others(v, i.Blocks)}
	if up := others(v, []event.UUID{i.Parent}); len(up) == 1 {
		d.Parent = &up[0]
	}
	for _, rel := range i.Relations {
		if o := others(v, []event.UUID{rel.Other}); len(o) == 1 {
			d.Relations = append(d.Relations, relationDoc{relationWords(rel), o[0]})
		}
	}
	for _, l := range i.Links {
		one := linkDoc{Kind: l.Kind, Ref: l.Ref}
		if u, err := url.Parse(l.Ref); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
			one.To = l.Ref
		}
		d.Links = append(d.Links, one)
	}
	if i.Lock != nil {
		d.LockedAt, d.Token = instant(i.Lock.Since), i.Lock.Token
	}
	for _, w := range i.Queue {
		d.Queue = append(d.Queue, waiterDoc{personOf(v.Names, w.Agent), instant(w.Since)})
	}
	for _, t := range i.Time {
		if t.DurationSeconds != nil {
			d.Minutes += int(*t.DurationSeconds / 60)
		}
	}
	milestones, err := v.Milestones()
	if err != nil {
		return d, err
	}
	for _, m := range milestones {
		if m.UUID == i.Milestone {
			d.Milestone = m.Name
		}
	}
	d.Stream, err = streamOf(v, i)
	return d, err
}

// relationWords names a relation as the issue sees it.
func relationWords(r reducer.Relation) string {
	if r.Outgoing {
		return string(r.Kind)
	}
	return "is " + string(r.Kind) + " of"
}

// streamOf returns the comments and changes of an issue, oldest first.
// What was said is where it was said first.
func streamOf(v place.View, i *store.Issue) ([]entry, error) {
	lines, err := v.History(i.UUID)
	if err != nil {
		return nil, err
	}
	comments := map[event.UUID]*reducer.Comment{}
	for k := range i.Comments {
		comments[i.Comments[k].UUID] = &i.Comments[k]
	}
	words := answer.History(v.Projection, i.UUID, lines)
	var all []entry
	for k, l := range lines {
		e := entry{Key: fmt.Sprintf("%s-%d", l.Agent, l.Seq), At: l.Shown(), Agent: personOf(v.Names, l.Agent), Text: words[k].Text, Line: fmt.Sprintf("%s/%d", l.Agent, l.Seq), Mark: answer.MarkWords[v.Mark(l.Agent, l.Seq)], Signed: l.SignedBy != ""}
		if words[k].Rejected != nil {
			e.Refused = words[k].Rejected.Reason
		}
		switch b := l.Body.(type) {
		case *event.CommentAdded:
			c := comments[b.Comment]
			if c == nil {
				continue // deleted, or said twice
			}
			delete(comments, b.Comment)
			e.Key, e.Author, e.Kind, e.Text, e.Edited, e.At = c.UUID.String(), personOf(v.Names, c.Author), c.Kind, c.Content, c.Edited, c.CreatedAt
		case *event.CommentEdited:
			continue // its text is shown, with a word that it was edited
		}
		all = append(all, e)
	}
	for _, c := range comments { // of lines that are no longer there one by one
		all = append(all, entry{Key: c.UUID.String(), At: c.CreatedAt, Agent: personOf(v.Names, c.By), Author: personOf(v.Names, c.Author), Kind: c.Kind, Text: c.Content, Edited: c.Edited})
	}
	slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(a.At, b.At) })
	return all, nil
}

// others are the issues of a list that can be shown.
func others(v place.View, list []event.UUID) []issueDoc {
	all := []issueDoc{}
	for _, u := range list {
		if u == (event.UUID{}) {
			continue
		}
		if i, err := v.Row(u); err == nil {
			all = append(all, issueDocOf(v.Names, i))
		}
	}
	return all
}

// issuePage is the data of an issue's page. Programs get the shapes of
// docs/json.md.
type issuePage struct {
	Project projectDoc    `json:"project"`
	Answer  answer.Detail `json:"issue"`
	History []answer.Line `json:"history"`
	Verbs   []string      `json:"actions"`
	Issue   detailDoc     `json:"-"`
	Show    string        `json:"-"` // all, talk or changes
	Names   []string      `json:"-"` // of milestones
	Agent   string        `json:"-"` // who writes
}

// streamParts are the parts of an issue's stream that can be shown.
var streamParts = []string{"all", "talk", "changes"}

// Parts are they.
func (d issuePage) Parts() []string { return streamParts }

// Can reports whether something can be done to the issue.
func (d issuePage) Can(verb string) bool { return slices.Contains(d.Verbs, verb) }

// commands are the commands that do what the page does, and the form for each; %s is the issue.
var commands = [][2]string{{"comment", "comment %s <text>"}, {"edit", "edit %s --title <title>"}, {"priority", "edit %s --priority <priority>"}, {"close", "close %s"}, {"reopen", "reopen %s"},
	{"claim", "lock %s"}, {"release", "unlock %s"}, {"break", "unlock --break --reason <text> %s"}, {"assign", "assign %s <name>"}, {"unassign", "unassign %s <name>"},
	{"label", "label %s <label>"}, {"unlabel", "unlabel %s <label>"}, {"due", "schedule %s --due <date>"}, {"schedule", "schedule %s --scheduled <date>"}, {"milestone", "milestone add <milestone> %s"}, {"block", "block %s <issue>"}, {"unblock", "unblock %s <issue>"},
	{"relate", "relate %s <issue>"}, {"unrelate", "unrelate %s <issue>"}, {"parent", "parent %s <issue>"}, {"link", "link %s <url>"}, {"unlink", "unlink %s <url>"}, {"time", "time add %s <duration>"}, {"archive", "archive %s"}, {"delete", "delete %s"}}

// Commands are the commands for what can be done to the issue.
func (d issuePage) Commands() (all []string) {
	for _, c := range commands {
		if d.Can(c[0]) {
			all = append(all, "git crosslink "+fmt.Sprintf(c[1], d.Issue.Name))
		}
	}
	return all
}

// Shown is the part of the stream that is shown.
func (d issuePage) Shown() (all []entry) {
	for _, e := range d.Issue.Stream {
		if d.Show == "all" || (d.Show == "talk") == (e.Author.ID != "") {
			all = append(all, e)
		}
	}
	return all
}

func (s *Server) issue(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	d := issuePage{Project: s.docOf(r, p), Show: oneOf(r.URL.Query().Get("show"), streamParts)}
	err = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) error {
		u, err := v.Resolve(r.PathValue("id"))
		if err != nil {
			return err
		}
		i, err := v.Issue(u)
		if err != nil {
			return err
		}
		d.Verbs = verbsFor(p, i, v.Agent)
		if d.Agent = v.Agent; r.JSON {
			return d.answer(v, i)
		}
		milestones, err := v.Milestones()
		for _, m := range milestones {
			if m.Status == event.Open {
				d.Names = append(d.Names, m.Name)
			}
		}
		if err == nil {
			d.Issue, err = detailOf(v, i)
		}
		return err
	})
	if err != nil {
		return err
	}
	if name := strings.TrimPrefix(r.PathValue("id"), "#"); !r.JSON && !r.Part && d.Issue.Number != 0 && name != d.Issue.Name {
		to := "/p/" + p.Slug + "/i/" + d.Issue.Name
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		s.redirect(r, to) // its number has been decided, or is another one now
		return nil
	}
	return s.render(r, "issue", facts.Ref(d.Issue.Name)+" "+d.Issue.Title, d, "p:"+p.ID)
}

// answer reads the JSON shapes.
func (d *issuePage) answer(v place.View, i *store.Issue) error {
	marks, err := answer.MarksOf(v.Projection, i.UUID)
	if err != nil {
		return err
	}
	if d.Answer, err = answer.New(v.Projection).Detail(i, marks); err != nil {
		return err
	}
	lines, err := v.History(i.UUID)
	d.History = answer.History(v.Projection, i.UUID, lines)
	return err
}

// verbsFor are what can be done to an issue here, by an agent.
func verbsFor(p db.Project, i *store.Issue, agent string) []string {
	if !mayWrite(p) {
		return nil
	}
	all := []string{"comment", "edit", "label", "unlabel", "assign", "unassign", "block", "unblock", "relate", "unrelate", "parent", "due", "schedule", "milestone", "priority", "time", "link", "unlink", "delete"}
	if i.Status != event.Open {
		all = append(all, "reopen")
		if i.Status == event.Closed {
			all = append(all, "archive")
		}
		return all
	}
	all = append(all, "close", "archive")
	waits := slices.ContainsFunc(i.Queue, func(w store.Waiter) bool { return w.Agent == agent })
	switch {
	case i.Lock == nil || i.Lock.Ending:
		return append(all, "claim")
	case i.Lock.Holder == agent || waits:
		return append(all, "release")
	}
	all = append(all, "claim")
	if i.Lock.Confirmed {
		all = append(all, "break")
	}
	return all
}
