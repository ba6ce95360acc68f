package reducer

import (
	"cmp"

	"github.com/git-crosslink/git-crosslink/event"
)

// The rules of reports are:
//
//   - for each context and branch the report with the greatest key counts, no matter who
//     wrote it and which commit it is about;
//   - reports never touch issues.

// ReportID names what reports are about.
type ReportID struct{ Context, Branch string }

type report struct {
	newest register[event.StatusReported]
}

func (s *State) statusReported(at *stamp, e *event.StatusReported) {
	find(s.reports, ReportID{e.Context, e.Branch}).newest.write(at, *e)
}

func (r *report) merge(o *report) { r.newest.merge(o.newest) }

func (r *report) canonical(w *writer) {
	canonRegister(w, "newest", r.newest, func(w *writer, v event.StatusReported) {
		w.quote(v.Commit)
		w.quote(string(v.State))
		w.quote(v.URL)
	})
}

func cmpReport(a, b ReportID) int {
	return cmp.Or(cmp.Compare(a.Context, b.Context), cmp.Compare(a.Branch, b.Branch))
}

// Report is the last result of a check of a branch.
type Report struct {
	Context, Branch string
	Commit          string
	State           event.CheckState
	URL             string // "" when there is none
	By              string // the agent that reported it
	At              event.Time
}

func (r *report) see(id ReportID) *Report {
	v := r.newest.val
	return &Report{Context: id.Context, Branch: id.Branch, Commit: v.Commit, State: v.State, URL: v.URL, By: r.newest.at.key.Agent, At: r.newest.at.shown}
}

// OwnReport returns the newest report of a check on a branch; nil if there is none.
func (s *State) OwnReport(id ReportID) *Report {
	r := s.reports[id]
	if r == nil {
		return nil
	}
	return r.see(id)
}
