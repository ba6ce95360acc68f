package web

import (
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/export"
)

// auditDoc is a row of the audit log.
type auditDoc struct {
	ID       int64   `json:"id"`
	At       instant `json:"at"`
	Request  string  `json:"request"`
	Session  string  `json:"session"`
	Remote   string  `json:"remote"`
	Operator string  `json:"operator"`
	Project  string  `json:"project"`
	Verb     string  `json:"verb"`
	Subject  string  `json:"subject"`
	Payload  string  `json:"payload"`
	Outcome  string  `json:"outcome"`
	Error    string  `json:"error"`
	Lines    string  `json:"lines"`
	Hash     string  `json:"hash"`
}

// Wrote names the events that the action wrote.
func (d auditDoc) Wrote() []string { return strings.Fields(d.Lines) }

// auditPage is the data of the page of the audit log.
type auditPage struct {
	Rows  []auditDoc `json:"rows"`
	Older string     `json:"older,omitempty"`
}

// audit shows what was asked for here, newest first, one row per action: the last,
// or the first if it has not ended.
func (s *Server) audit(r *request) error {
	before, err := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	if err != nil {
		before = 0
	}
	rows, err := s.DB.Actions(r.Context(), before, pageRows+1)
	if err != nil {
		return err
	}
	if r.csv() {
		return s.csv(r, export.Actions(rows))
	}
	d := auditPage{Rows: []auditDoc{}}
	if len(rows) > pageRows {
		rows = rows[:pageRows]
		d.Older = "/audit?before=" + strconv.FormatInt(rows[pageRows-1].ID, 10)
	}
	ended := map[string]bool{}
	for _, a := range rows {
		if a.Outcome == db.Started && ended[a.Request] {
			continue
		}
		ended[a.Request] = true
		d.Rows = append(d.Rows, auditDoc{ID: a.ID, At: instant(a.At), Request: a.Request, Session: a.Session, Remote: a.Remote, Operator: a.Operator, Project: a.Project,
			Verb: a.Verb, Subject: a.Subject, Payload: a.Payload, Outcome: a.Outcome, Error: a.Error, Lines: a.Lines, Hash: a.Hash})
	}
	return s.render(r, "audit", "Audit log", d, "all")
}

// more lists the pages that a narrow window has no room for.
func (s *Server) more(r *request) error {
	views, err := s.DB.Views(r.Context())
	if err != nil {
		return err
	}
	return s.render(r, "more", "More", struct {
		Views []db.View `json:"views"`
	}{append([]db.View{}, views...)}, "views_changed")
}
