package metrics

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

var line = regexp.MustCompile(`^[a-z_]+(\{[a-z]+="([^"\\\n]|\\.)*"(,[a-z]+="([^"\\\n]|\\.)*")*\})? -?[0-9.]+$`)

// TestText: each line has the form of the format, each figure is explained once, and what
// a name holds cannot make another line.
func TestText(t *testing.T) {
	p := db.Project{ID: "1", Slug: "o/r\n\\\"x", Status: db.Active, FetchedAt: 1_500_000_000}
	p.State.Counters.Open = 3
	firing := alerts.Alert{Severity: alerts.Critical, State: alerts.Firing}
	disabled := db.Endpoint{DisabledAt: 1, Queued: 2}
	disabled.ID = 7
	text := Text([]db.Project{p}, map[string][]alerts.Alert{"1": {firing, {Severity: alerts.Info, State: alerts.Pending}}}, []db.Endpoint{disabled}, Server{Skipped: 4, LastPass: time.Unix(5, 0)})
	about := map[string]int{}
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		if words := strings.Fields(l); words[0] == "#" {
			about[words[1]+" "+words[2]]++
			continue
		}
		if !line.MatchString(l) {
			t.Errorf("not a figure: %s", l)
		}
		name, _, _ := strings.Cut(strings.ReplaceAll(l, "{", " "), " ")
		if about["HELP "+name] != 1 || about["TYPE "+name] != 1 {
			t.Errorf("%s is not explained once before", name)
		}
	}
	for _, want := range []string{`crosslink_projects{status="active"} 1`, `crosslink_open_issues{project="o/r\n\\\"x"} 3`, `crosslink_fetched_timestamp_seconds{project="o/r\n\\\"x"} 1.5`,
		`crosslink_alerts{project="o/r\n\\\"x",severity="critical"} 1`, `severity="info"} 0`, `crosslink_webhook_queued{endpoint="7"} 2`, "crosslink_webhooks_disabled 1", "crosslink_ticks_skipped_total 4", "crosslink_pass_timestamp_seconds 5"} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}
