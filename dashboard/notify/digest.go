package notify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
)

// DigestOf is what happened in a day, for all projects.
type DigestOf struct {
	Day      string          `json:"day"` // in the time zone of the server
	Projects []DigestProject `json:"projects"`
	More     int             `json:"more_projects"`
}

// DigestProject is one project in a digest.
type DigestProject struct {
	Slug     string                  `json:"project"`
	Open     int                     `json:"open_issues"`
	Overdue  int                     `json:"overdue_issues"`
	Blocked  int                     `json:"blocked_issues"`
	Agents   int                     `json:"active_agents"`
	Alerts   map[alerts.Severity]int `json:"alerts"` // that are active now
	Opened   int                     `json:"alerts_opened"`
	Resolved int                     `json:"alerts_resolved"` // in the 24 hours before
}

// maxDigest is how many projects a digest names.
const maxDigest = 50

// For is the digest of the projects that an endpoint is sent.
func (d *DigestOf) For(f *Filter) *DigestOf {
	one := &DigestOf{Day: d.Day, Projects: []DigestProject{}}
	for _, p := range d.Projects {
		switch {
		case len(f.Projects) > 0 && !slices.Contains(f.Projects, p.Slug):
		case len(one.Projects) == maxDigest:
			one.More++
		default:
			one.Projects = append(one.Projects, p)
		}
	}
	return one
}

// text is the digest as people read it, one line for each project.
func (d *DigestOf) text() string {
	var lines []string
	for _, p := range d.Projects {
		line := fmt.Sprintf("%s: %d open", p.Slug, p.Open)
		for _, n := range []struct {
			of   int
			what string
		}{{p.Overdue, "overdue"}, {p.Blocked, "blocked"}, {p.Alerts[alerts.Critical], "critical"}, {p.Alerts[alerts.Warning], "warnings"}, {p.Opened, "new alerts"}, {p.Resolved, "resolved"}} {
			if n.of > 0 {
				line += fmt.Sprintf(", %d %s", n.of, n.what)
			}
		}
		lines = append(lines, line)
	}
	if d.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more projects", d.More))
	}
	if len(lines) == 0 {
		return "no projects"
	}
	return cut(strings.Join(lines, "\n"), maxDetail)
}
