package verb

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Report returns the event that reports the result of a check; none if the last report is
// the same.
func Report(p tracker.Projection, b event.StatusReported) ([]event.Body, error) {
	was, err := ReportOf(p, b.Context, b.Branch)
	if err != nil {
		return nil, err
	}
	if was != nil && was.Commit == b.Commit && was.State == b.State && was.URL == b.URL {
		return nil, nil
	}
	return Check([]event.Body{&b}, nil)
}

// ReportOf returns the last result of a check on a branch; nil if there is none.
func ReportOf(p tracker.Projection, context, branch string) (*reducer.Report, error) {
	all, err := p.Reports()
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.Context == context && r.Branch == branch {
			return r, nil
		}
	}
	return nil, nil
}
