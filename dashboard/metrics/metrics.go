// Package metrics writes what the dashboard knows as Prometheus reads it.
package metrics

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/event"
)

// series writes figures as Prometheus reads them.
type series struct{ strings.Builder }

// labels are quoted as the format asks.
var labels = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// add writes one figure; the labels are name, value pairs.
func (s *series) add(name string, value float64, pairs ...string) {
	s.WriteString(name)
	for k := 0; k < len(pairs); k += 2 {
		fmt.Fprintf(s, `%s%s="%s"`, map[bool]string{true: "{", false: ","}[k == 0], pairs[k], labels.Replace(pairs[k+1]))
	}
	if len(pairs) > 0 {
		s.WriteString("}")
	}
	s.WriteString(" " + strconv.FormatFloat(value, 'f', -1, 64) + "\n")
}

// about says what a figure means.
func (s *series) about(name, kind, help string) {
	fmt.Fprintf(s, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// projectSeries are the figures of each project.
var projectSeries = []struct {
	name, help string
	of         func(*db.Project) float64
}{
	{"crosslink_open_issues", "Open issues.", func(p *db.Project) float64 { return float64(p.State.Counters.Open) }},
	{"crosslink_ready_issues", "Issues that are ready.", func(p *db.Project) float64 { return float64(p.State.Counters.Ready) }},
	{"crosslink_overdue_issues", "Open issues past their due date.", func(p *db.Project) float64 { return float64(p.State.Counters.Overdue) }},
	{"crosslink_blocked_issues", "Open issues with an open blocker.", func(p *db.Project) float64 { return float64(p.State.Counters.Blocked) }},
	{"crosslink_active_agents", "Agents that were seen lately.", func(p *db.Project) float64 { return float64(p.State.Counters.ActiveAgents) }},
	{"crosslink_stale_locks", "Locks that have been held for too long.", func(p *db.Project) float64 { return float64(p.State.Counters.StaleLocks) }},
	{"crosslink_fetch_failures", "Fetches that failed, in a row.", func(p *db.Project) float64 { return float64(p.Failures) }},
	{"crosslink_fetched_timestamp_seconds", "When the last fetch succeeded.", func(p *db.Project) float64 { return seconds(p.FetchedAt) }},
	{"crosslink_polled_timestamp_seconds", "When the project was last read.", func(p *db.Project) float64 { return seconds(p.PolledAt) }},
}

func seconds(t event.Time) float64 { return float64(t) / 1e9 }

// Server is what is known of the server itself.
type Server struct {
	Skipped  int64     // ticks
	LastPass time.Time // zero before the first
}

// Text is the figures of projects, of the alerts that are open in each, by its id, and
// of the endpoints of webhooks.
func Text(projects []db.Project, open map[string][]alerts.Alert, endpoints []db.Endpoint, server Server) string {
	var out series
	out.about("crosslink_projects", "gauge", "Projects by status.")
	for _, status := range []string{db.Active, db.Paused} {
		n := 0
		for k := range projects {
			if projects[k].Status == status {
				n++
			}
		}
		out.add("crosslink_projects", float64(n), "status", status)
	}
	for _, one := range projectSeries {
		out.about(one.name, "gauge", one.help)
		for k := range projects {
			out.add(one.name, one.of(&projects[k]), "project", projects[k].Slug)
		}
	}
	out.about("crosslink_alerts", "gauge", "Alerts that are active, by severity.")
	for k := range projects {
		for _, severity := range alerts.Severities {
			n := 0
			for _, a := range open[projects[k].ID] {
				if a.Active() && a.Severity == severity {
					n++
				}
			}
			out.add("crosslink_alerts", float64(n), "project", projects[k].Slug, "severity", string(severity))
		}
	}
	disabled := 0
	out.about("crosslink_webhook_queued", "gauge", "Requests that wait to be sent.")
	for _, x := range endpoints {
		out.add("crosslink_webhook_queued", float64(x.Queued), "endpoint", strconv.FormatInt(x.ID, 10))
		if x.DisabledAt != 0 {
			disabled++
		}
	}
	out.about("crosslink_webhooks_disabled", "gauge", "Endpoints that are sent nothing any more.")
	out.add("crosslink_webhooks_disabled", float64(disabled))
	out.about("crosslink_ticks_skipped_total", "counter", "Ticks that came while a pass ran.")
	out.add("crosslink_ticks_skipped_total", float64(server.Skipped))
	if !server.LastPass.IsZero() {
		out.about("crosslink_pass_timestamp_seconds", "gauge", "When the last pass over all projects ended.")
		out.add("crosslink_pass_timestamp_seconds", float64(server.LastPass.UnixNano())/1e9)
	}
	return out.String()
}
