package web

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

const activityMost = 12 // projects

// linesRead is how many lines are read at most, for those that a filter keeps.
var linesRead = 20_000

// lineRow is a line, with the issue that it is about, if it is about one.
type lineRow struct {
	answer.Line
	Project string  `json:"project,omitempty"`
	Who     person  `json:"-"`
	Issue   string  `json:"issue"`
	Title   string  `json:"title"`
	At      instant `json:"at"`
	Form    string  `json:"-"` // full or json: what is shown besides
	key     event.Key
}

// Raw is the event as it is in the log.
func (l lineRow) Raw() string { return string(l.Event) }

// Indented is the event as JSON with a member on each line.
func (l lineRow) Indented() string {
	var b bytes.Buffer
	if json.Indent(&b, l.Event, "", "  ") != nil {
		return l.Raw()
	}
	return b.String()
}

// lineName names a line in its project.
func lineName(agent string, seq uint64) string { return agent + "/" + strconv.FormatUint(seq, 10) }

// Name names the line in its project, Key on a page.
func (l lineRow) Name() string { return lineName(l.Agent, l.Seq) }
func (l lineRow) Key() string  { return l.Project + l.Agent + "-" + strconv.FormatUint(l.Seq, 10) }

// Words describe its signature, if there is a mark.
func (l lineRow) Words() string {
	if l.Mark == nil {
		return ""
	}
	return markWords(*l.Mark)
}

// rower makes rows of lines.
func rower(v place.View) func(*event.Envelope) lineRow {
	shape := answer.Lines(v.Projection)
	return func(l *event.Envelope) lineRow {
		u := aboutOf(v, l.Body)
		row := lineRow{Line: shape(u, l), Who: personOf(v.Names, l.Agent), At: instant(l.Shown()), key: l.Key()}
		if i, err := v.Row(u); err == nil {
			row.Issue, row.Title = i.Name(), i.Title
		}
		return row
	}
}

// aboutOf is the issue that an event is about, zero for none.
func aboutOf(v place.View, b event.Body) (u event.UUID) {
	switch c := b.(type) {
	case *event.CommentEdited:
		_, u, _ = v.ResolveComment(c.Comment.String())
	case *event.CommentDeleted:
		_, u, _ = v.ResolveComment(c.Comment.String())
	default:
		if all := store.IssuesOf(b); len(all) > 0 {
			u = all[0]
		}
	}
	return u
}

// newestLines returns the newest lines that are kept, newest first. Only lines older than
// the one that older names were not read; if older is "", all were.
func newestLines(v place.View, f store.LineFilter, most int, keep func(*event.Envelope) bool) (rows []lineRow, older string, err error) {
	row := rower(v)
	rows = []lineRow{}
	for read := 0; read < linesRead; read += f.Limit {
		f.Limit = 2 * most
		lines, err := v.Newest(f)
		if err != nil {
			return nil, "", err
		}
		for _, l := range lines {
			if !keep(l) {
				continue
			}
			if len(rows) == most {
				return rows, rows[most-1].Name(), nil
			}
			rows = append(rows, row(l))
		}
		if len(lines) < f.Limit {
			return rows, "", nil
		}
		last := lines[len(lines)-1]
		f.Before, older = last.Key(), lineName(last.Agent, last.Seq)
	}
	return rows, older, nil
}

func everyLine(*event.Envelope) bool { return true }

// logForms are how much of each line the log shows.
var logForms = []string{"compact", "full", "json"}

// logPage is the data of the page of a project's log.
type logPage struct {
	Project projectDoc `json:"project"`
	Lines   []lineRow  `json:"lines"`
	Agent   string     `json:"agent"`
	Type    string     `json:"type"`
	Mark    string     `json:"mark"`
	Older   string     `json:"older"` // the last line that was read, if there are older ones
	Proof   *proofDoc  `json:"proof"` // of the one line that was asked for
	Form    string     `json:"-"`
	Before  string     `json:"-"`
	Agents  []string   `json:"-"`
	Types   []string   `json:"-"`
	Marks   []string   `json:"-"`
	query   url.Values
}

// Forms are those of the log.
func (d logPage) Forms() []string { return logForms }

// With is the query of this page with one value changed.
func (d logPage) With(name, value string) string {
	q := url.Values{}
	for k := range d.query {
		if v := d.query.Get(k); v != "" && k != "line" {
			q.Set(k, v)
		}
	}
	if q.Set(name, value); value == "" {
		q.Del(name)
	}
	return "?" + q.Encode()
}

func (s *Server) log(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	d := logPage{Project: s.docOf(r, p), Lines: []lineRow{}, Agent: q.Get("agent"), Type: q.Get("type"), Mark: q.Get("mark"), Form: oneOf(q.Get("view"), logForms), Before: q.Get("before"), Marks: []string{"any mark", "rejected"}, query: q}
	for mark := range answer.MarkWords {
		d.Marks = append(d.Marks, mark)
	}
	slices.Sort(d.Marks[2:])
	for _, a := range p.State.Facts.Agents {
		d.Agents = append(d.Agents, a.ID)
	}
	err = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) error {
		if line := q.Get("line"); line != "" {
			return d.one(r.Context(), v, line)
		}
		return d.read(v)
	})
	if err != nil {
		return s.unreadable(r, p, "log", "Log of "+p.Slug, err, func(t *Trouble) any { d.Project.Trouble = t; return d })
	}
	return s.render(r, "log", "Log of "+p.Slug, d, "p:"+p.ID)
}

// read reads the lines that match.
func (d *logPage) read(v place.View) (err error) {
	f := store.LineFilter{Agent: d.Agent}
	if d.Before != "" {
		l, err := lineOf(v, d.Before)
		if err != nil {
			return err
		}
		f.Before = l.Key()
	}
	rejected, types := map[string]bool{}, map[string]bool{d.Type: true}
	for _, x := range v.Rejections() {
		rejected[x.Agent+" "+strconv.FormatUint(x.Seq, 10)] = true
	}
	d.Lines, d.Older, err = newestLines(v, f, pageRows, func(l *event.Envelope) bool {
		types[l.Body.Type()] = true
		mark := v.Mark(l.Agent, l.Seq)
		is := map[string]bool{"": true, mark: true, "any mark": mark != "", "rejected": rejected[l.Agent+" "+strconv.FormatUint(l.Seq, 10)]}[d.Mark]
		return is && (d.Type == "" || l.Body.Type() == d.Type)
	})
	for k := range d.Lines {
		if d.Form != "compact" {
			d.Lines[k].Form = d.Form
		}
	}
	delete(types, "")
	d.Types = slices.Sorted(maps.Keys(types))
	return err
}

// lineOf is the line of a name such as agent/12.
func lineOf(v place.View, name string) (*event.Envelope, error) {
	agent, seq, _ := strings.Cut(name, "/")
	n, _ := strconv.ParseUint(seq, 10, 64)
	l, err := v.Line(agent, n)
	if err == nil && l == nil {
		err = refuse(http.StatusNotFound, "there is no event %q that counts", name)
	}
	return l, err
}

// proofDoc is what proves a line.
type proofDoc struct {
	Agent     string  `json:"agent"`
	Seq       uint64  `json:"seq"`
	Hash      string  `json:"hash"`
	Prev      string  `json:"prev"`
	Signature string  `json:"signature"` // valid, invalid or none: checked for this answer
	Invalid   string  `json:"signature_error"`
	Step      *uint64 `json:"step"` // of the ledger, which covers it; null: none does
	Commit    string  `json:"step_commit"`
	Earlier   bool    `json:"step_is_older"` // than Step
	Raw       string  `json:"line"`
}

// Previous names the line before.
func (d proofDoc) Previous() string { return d.Agent + "/" + strconv.FormatUint(d.Seq-1, 10) }

// one reads one line, and what proves it.
func (d *logPage) one(ctx context.Context, v place.View, name string) error {
	l, err := lineOf(v, name)
	if err != nil {
		return err
	}
	d.Lines = []lineRow{rower(v)(l)}
	proof, err := v.Prove(ctx, l.Agent, l.Seq)
	if err != nil || proof == nil {
		return err
	}
	d.Proof = &proofDoc{Agent: l.Agent, Seq: l.Seq, Hash: proof.Hash, Prev: proof.Line.Prev, Signature: "none", Raw: string(bytes.TrimSpace(proof.Line.Raw))}
	if proof.Line.Signature != "" {
		d.Proof.Signature = "valid"
	}
	if proof.Signed != nil {
		d.Proof.Signature, d.Proof.Invalid = "invalid", proof.Signed.Error()
	}
	if s := proof.Step; s != nil {
		d.Proof.Step, d.Proof.Commit, d.Proof.Earlier = &s.Sequence, s.Commit, s.Earlier
	}
	return nil
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
			lines, _, err := newestLines(v, store.LineFilter{}, pageRows, everyLine)
			for k := range lines {
				lines[k].Project = p.Slug
			}
			d.Lines = append(d.Lines, lines...)
			return err
		})
		if err != nil {
			d.Left++ // its own page shows the problem
		}
	}
	slices.SortStableFunc(d.Lines, func(a, b lineRow) int { return b.key.Compare(a.key) })
	d.Lines = d.Lines[:min(len(d.Lines), pageRows)]
	return s.render(r, "activity", "Activity", d, "all")
}
