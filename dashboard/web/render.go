package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/export"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/markdown"
	"github.com/git-crosslink/git-crosslink/event"
)

//go:embed assets
var assets embed.FS

//go:embed pages
var pages embed.FS

// hashed maps an asset's name to the one under which it may be kept forever. Like
// templates it is made when it is first asked for: most starts of the program serve no
// page.
var hashed = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	entries, err := fs.ReadDir(assets, "assets")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		b, err := assets.ReadFile("assets/" + e.Name())
		if err != nil {
			panic(err)
		}
		h := sha256.Sum256(b)
		ext := path.Ext(e.Name())
		all[e.Name()] = strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(h[:6]) + ext
	}
	return all
})

// asset serves a file under its hashed name alone.
func (s *Server) asset(r *request) error {
	for name, with := range hashed() {
		if with != r.PathValue("name") {
			continue
		}
		b, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return err
		}
		r.W.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
		r.W.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		_, err = r.W.Write(b)
		return err
	}
	return refuse(http.StatusNotFound, "there is no such file")
}

// clean makes characters visible that would change how text beside them is
// shown.
func clean(s string) string {
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if hidden(c) {
			fmt.Fprintf(&b, "‹U+%04X›", c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// hidden reports characters that are not shown, or change the direction of
// others. Line ends and tabs are not hidden.
func hidden(c rune) bool {
	return frame.Hidden(c) || c < ' ' && c != '\n' && c != '\t'
}

var functions = template.FuncMap{
	"asset": func(name string) string { return "/assets/" + hashed()[name] },
	"clean": clean,
	"rendered": func(text, slug string) template.HTML {
		return template.HTML(markdown.HTML(clean(text), "/p/"+slug+"/i/"))
	},
	"list": func(now event.Time, items any, many bool, slug string) listing {
		return listing{now, items, many, slug}
	},
	"setting":  func(is string, readOnly bool) settingTab { return settingTab{is, readOnly} },
	"timed":    timed,
	"inbox":    inboxOf,
	"snoozing": func(list inboxList, item itemDoc) snoozeForm { return snoozeForm{list, item} },
	"saver":    saverOf,
	"num":      func(n int, of string) number { return number{n, of} },
	"unread":   func(t *Trouble) bool { return t != nil && t.Unread },
	"known":    known,
	"others":   func(title string, items []issueDoc, slug string) relatives { return relatives{title, items, slug} },
	"when": func(now event.Time, at any) moment {
		if t, ok := at.(instant); ok {
			return moment{now, event.Time(t)}
		}
		return moment{now, at.(event.Time)}
	},
	"ref":       facts.Ref,
	"exact":     func(t event.Time) string { return t.Std().Format("2006-01-02 15:04:05 UTC") },
	"stamp":     func(t event.Time) string { return t.Std().Format(time.RFC3339) },
	"tabs":      tabs,
	"agentline": func(now event.Time, a agentDoc, many bool) agentLine { return agentLine{now, a, many} },
	"ahead":     func(now event.Time, t instant) bool { return event.Time(t) > now },
	"add2":      func(a, b any) float64 { return float(a) + float(b) },
	"add":       func(a, b int) int { return a + b },
	"priorities": func() []event.Priority {
		return []event.Priority{event.Critical, event.High, event.Medium, event.Low}
	},
	"edit":   func(d issuePage, request, verb, label string) editForm { return editForm{d, request, verb, label} },
	"choose": func(name, any, is string, of []string) selection { return selection{name, name, any, is, of} },
	"day": func(t instant) string {
		if t == 0 {
			return ""
		}
		return event.Time(t).Std().Local().Format("2006-01-02")
	},
	"words": func(v any) string { return words(fmt.Sprint(v)) },
	"line": func(now event.Time, a alertDoc, request string, act bool) alertLine {
		return alertLine{now, a, request, act}
	},
	"preference": func(name string) []string { return preferences[name] },
	"lower":      strings.ToLower,
	"first":      func(n int, s string) string { return s[:min(n, len(s))] },
}

// known is the text of an empty list, or that its content is not known.
func known(t *Trouble, text string) string {
	if t != nil && t.Unread {
		return "Not known while this project cannot be read."
	}
	return text
}

// templates are one set for each page: the layout, with the page as content.
var templates = sync.OnceValue(func() map[string]*template.Template {
	base := template.Must(template.New("").Funcs(functions).ParseFS(pages, "pages/*.html"))
	all := map[string]*template.Template{}
	for _, t := range base.Templates() {
		name, ok := strings.CutPrefix(t.Name(), "page-")
		if !ok {
			continue
		}
		set := template.Must(base.Clone())
		template.Must(set.AddParseTree("content", t.Tree))
		all[name] = set
	}
	return all
})

// listing, number and relatives are what templates within pages take.
type (
	listing struct {
		Now   event.Time
		Items any
		Many  bool // of several projects
		Slug  string
	}
	agentLine struct {
		Now   event.Time
		Agent agentDoc
		Many  bool
	}
	editForm struct {
		Page    issuePage
		Request string
		Verb    string
		Label   string
	}
	selection struct {
		ID, Name, Any, Is string
		Of                []string
	}
	alertLine struct {
		Now     event.Time
		Alert   alertDoc
		Request string
		Act     bool // forms are shown
	}
	number struct {
		N  int
		Of string
	}
	inboxList struct {
		Now     event.Time
		Groups  []inboxGroup
		More    []moreItems
		Away    []itemDoc // snoozed
		Many    bool
		Request string // "" shows no forms
		Back    string
	}
	settingTab struct {
		Is       string
		ReadOnly bool
	}
	snoozeForm struct {
		List inboxList
		Item itemDoc
	}
	relatives struct {
		Title string
		Items []issueDoc
		Slug  string
	}
)

// float is a number of a template.
func float(v any) float64 {
	switch n := v.(type) {
	case int:
		return float64(n)
	case float64:
		return n
	}
	return 0
}

// csv answers with a table as a file.
func (s *Server) csv(r *request, t export.Table) error {
	var b bytes.Buffer
	if err := t.CSV(&b); err != nil {
		return err
	}
	r.W.Header().Set("Content-Type", "text/csv; charset=utf-8")
	r.W.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", t.Name+".csv"))
	r.answer(http.StatusOK, b.Bytes(), b.Bytes())
	return nil
}

// csv reports whether a table was asked for.
func (r *request) csv() bool { return r.URL.Query().Get("format") == "csv" }

// layout is what every page has.
type layout struct {
	Title    string
	Page     string // name of its template
	Path     string
	Query    string // raw, of the page's URL
	Data     any
	Request  string // id for the forms of this page
	Topics   string // what the page listens to
	Cursor   int64  // the page knows what happened up to here
	LoggedIn bool
	ReadOnly bool
	Operator string
	Version  string
	Now      event.Time
	Frame    surroundings
	liking
}

// liking is the preferences of a browser, from its cookies.
type liking struct {
	Theme  string // "" leaves it to the system
	Zone   string // of the exact times: "local" or "utc"
	Rows   string // "dense" or "comfortable"
	NoKeys bool   // single keys are no commands
	Notify string // the least severity of alerts that the browser notifies of; "" is none
	Tone   string // likewise, with a tone
}

// liking reads the cookies of the browser.
func (r *request) liking() liking {
	return liking{strings.TrimPrefix(r.preference("theme"), "system"), r.preference("zone"), r.preference("rows"), r.preference("keys") == "off", r.preference("notify"), r.preference("tone")}
}

// UTC reports whether exact times are in UTC.
func (l liking) UTC() bool { return l.Zone == "utc" }

// Here is the page's path with its query.
func (l layout) Here() string {
	if l.Query == "" {
		return l.Path
	}
	return l.Path + "?" + l.Query
}

// render answers with a page, its fragment, or the same as JSON.
func (s *Server) render(r *request, name, title string, data any, topics ...string) error {
	if r.JSON {
		return s.json(r, http.StatusOK, envelope{OK: true, Data: data})
	}
	l := layout{Title: title, Page: name, Path: r.URL.Path, Query: r.URL.RawQuery, Cursor: r.cursor, Data: data, Topics: strings.Join(topics, ","), LoggedIn: r.Secret != "", ReadOnly: s.ReadOnly || r.Session.Scope != "act",
		Operator: s.operator, Version: s.Version, Now: event.TimeOf(s.Now()), liking: r.liking()}
	if l.LoggedIn {
		if l.Notify+l.Tone != "" {
			l.Topics = strings.TrimPrefix(l.Topics+",alerts_changed", ",")
		}
		l.Request = r.RequestID()
		var err error
		if l.Frame, err = s.surroundings(r); err != nil {
			return err
		}
	}
	return s.write(r, http.StatusOK, name, l)
}

func (s *Server) write(r *request, status int, name string, l layout) error {
	var b bytes.Buffer
	if err := templates()[name].ExecuteTemplate(&b, "layout", l); err != nil {
		return err
	}
	r.W.Header().Set("Content-Type", "text/html; charset=utf-8")
	page := s.placed(b.Bytes())
	if !l.UTC() {
		page = localTimes(page)
	}
	same := volatile.ReplaceAll(page, []byte("$1"))
	if l.Request != "" {
		same = bytes.ReplaceAll(same, []byte(l.Request), nil)
	}
	r.answer(status, page, same)
	return nil
}

// volatile is what differs between two answers with the same page: how long ago something
// was, which the script keeps true, and the cursor of the feed.
var volatile = regexp.MustCompile(`(<time [^>]*>)[^<]*|data-cursor="[0-9]*"`)

// answer sends a body, or 304 if the client already has it. same is the part of the body that
// does not change by time alone.
func (r *request) answer(status int, body, same []byte) {
	if r.Reads() && status == http.StatusOK {
		h := sha256.Sum256(same)
		tag := `"` + hex.EncodeToString(h[:12]) + `"`
		r.W.Header().Set("ETag", tag)
		if slices.Contains(strings.FieldsFunc(r.Header.Get("If-None-Match"), func(c rune) bool { return c == ',' || c == ' ' }), tag) {
			r.W.WriteHeader(http.StatusNotModified)
			return
		}
	}
	r.W.WriteHeader(status)
	_, _ = r.W.Write(body) // a browser that has disconnected gets no answer, and that is no error
}

// envelope is the outside of every JSON document; see docs/json.md.
type envelope struct {
	V        int       `json:"v"`
	OK       bool      `json:"ok"`
	Code     int       `json:"code"`
	Data     any       `json:"data,omitempty"`
	Error    *errorDoc `json:"error,omitempty"`
	Warnings []string  `json:"warnings"`
	Request  string    `json:"request,omitempty"` // id for the next action of this page
}

type errorDoc struct {
	Kind    string   `json:"kind"`
	Message string   `json:"message"`
	Hints   []string `json:"hints"`
}

func (s *Server) json(r *request, status int, e envelope) error {
	e.V = 1
	if e.Warnings == nil {
		e.Warnings = []string{}
	}
	return s.raw(r, status, e)
}

// raw answers with one JSON value.
func (s *Server) raw(r *request, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	r.W.Header().Set("Content-Type", "application/json; charset=utf-8")
	b = append(b, '\n')
	r.answer(status, b, b)
	return nil
}

// to answers an action: JSON for a script, another page for a form.
func (s *Server) to(r *request, path string, data any) error {
	if r.API {
		return s.apiDid(r, data)
	}
	if r.JSON {
		e := envelope{OK: true, Data: data}
		if r.Secret != "" {
			e.Request = r.RequestID()
		}
		return s.json(r, http.StatusOK, e)
	}
	s.redirect(r, path)
	return nil
}

// fail answers with what went wrong.
func (s *Server) fail(r *request, err error) {
	p := s.explain(err)
	if p.Status == http.StatusUnauthorized && r.Route != nil && r.Reads() && !r.JSON && !r.Part && !r.Route.Stream {
		s.redirect(r, "/login")
		return
	}
	if p.Status >= 500 {
		s.Failed(r.Method+" "+r.URL.Path, err)
	}
	if r.API {
		if werr := s.raw(r, p.Status, map[string]any{"error": p.Message, "status": p.Status, "hints": append([]string{}, p.Hints...)}); werr != nil {
			s.Failed("answer", werr)
		}
		return
	}
	kind := cmp.Or(p.Kind, strings.ToLower(http.StatusText(p.Status)))
	if r.JSON {
		e := envelope{Code: p.Status, Error: &errorDoc{Kind: kind, Message: p.Message, Hints: append([]string{}, p.Hints...)}}
		if r.Secret != "" {
			e.Request = r.RequestID()
		}
		if werr := s.json(r, p.Status, e); werr != nil {
			s.Failed("answer", werr)
		}
		return
	}
	l := layout{Title: http.StatusText(p.Status), Page: "error", Path: r.URL.Path, Data: p, LoggedIn: r.Secret != "", Now: event.TimeOf(s.Now()), Version: s.Version, liking: r.liking()}
	if l.LoggedIn {
		var ferr error
		if l.Frame, ferr = s.surroundings(r); ferr != nil {
			l.LoggedIn = false // the page says what went wrong first
		}
	}
	if werr := s.write(r, p.Status, "error", l); werr != nil {
		s.Failed("answer", werr)
	}
}

// explain gives an error its status, and the words of the command line.
func (s *Server) explain(err error) *problem {
	if p := (*problem)(nil); errors.As(err, &p) {
		return p
	}
	if errors.Is(err, db.ErrNotFound) {
		return &problem{Status: http.StatusNotFound, Message: "not found"}
	}
	f := frame.Explain(err)
	status := map[int]int{frame.ExitNo: http.StatusNotFound, frame.ExitLost: http.StatusConflict, frame.ExitDenied: http.StatusForbidden,
		frame.ExitUsage: http.StatusBadRequest}[f.Code]
	if f.Kind == "fatal" {
		status = http.StatusInternalServerError // nothing that anybody meant to say
	}
	return &problem{Status: cmp.Or(status, http.StatusConflict), Kind: f.Kind, Message: f.Message, Hints: f.Hints}
}
