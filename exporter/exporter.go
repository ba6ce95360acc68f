// Package exporter writes what a tracker holds for other programs: as JSON lines
// that importer reads whole, and in the forms of other trackers. The same state
// gives the same bytes.
//
// The package is pure: it asks a projection, and writes to what it is given.
package exporter

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// State is what an export asks of a projection.
type State interface {
	List(store.Filter) (rows []*store.Issue, total int, err error)
	Issue(event.UUID) (*store.Issue, error)
	Milestones() ([]*reducer.Milestone, error)
	Agents() []*reducer.Agent
}

// Format writes one form.
type Format struct {
	Name  string
	What  string // it writes, in words
	write func(*export) error
}

// Formats are the forms an export can have.
var Formats = []Format{
	{"jsonl", "JSON lines that contain everything, for 'import'", (*export).jsonl},
	{"beads", "the JSON lines of beads", (*export).beads},
	{"github", "JSON lines of GitHub's issue import API", (*export).github},
	{"csv", "a table with a header", (*export).csv},
	{"markdown", "one document with all issues", (*export).markdown},
}

// Source says what is exported.
type Source struct {
	State
	Filter   store.Filter
	Hub      string // id, "" if there is none
	Sequence uint64 // of the ledger
}

// Write writes a source in a form, and returns how many issues it holds. Texts of
// one issue are in memory at a time.
func (f Format) Write(w io.Writer, s Source) (int, error) {
	s.Filter.Limit = 0
	rows, _, err := s.List(s.Filter)
	if err != nil {
		return 0, err
	}
	slices.SortFunc(rows, func(a, b *store.Issue) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), bytes.Compare(a.UUID[:], b.UUID[:]))
	})
	x := &export{w: w, Source: s, rows: rows, names: map[event.UUID]string{}}
	if x.milestones, err = s.Milestones(); err != nil {
		return 0, err
	}
	slices.SortFunc(x.milestones, func(a, b *reducer.Milestone) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), bytes.Compare(a.UUID[:], b.UUID[:]))
	})
	for _, m := range x.milestones {
		x.names[m.UUID] = m.Name
	}
	return len(rows), f.write(x)
}

type export struct {
	w io.Writer
	Source
	rows       []*store.Issue
	milestones []*reducer.Milestone
	names      map[event.UUID]string // of milestones
}

// each calls f with every issue and its texts.
func (x *export) each(f func(*store.Issue) error) error {
	for _, r := range x.rows {
		i, err := x.Issue(r.UUID)
		if err != nil {
			return err
		}
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

// line writes one JSON document and a line break.
func (x *export) line(v any) error {
	b, err := document(v)
	if err != nil {
		return err
	}
	_, err = x.w.Write(b)
	return err
}

// document is a JSON document with a line break.
func document(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// when is a time of a member that may be null.
func when(t event.Time) *string {
	if t == 0 {
		return nil
	}
	s := t.String()
	return &s
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func uuidOrNull(u event.UUID) *string {
	if u == (event.UUID{}) {
		return nil
	}
	return text(u.String())
}

func uuids(us []event.UUID) []string {
	all := make([]string, len(us))
	for i, u := range us {
		all[i] = u.String()
	}
	return all
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
