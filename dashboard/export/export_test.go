package export

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/counters"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
)

func csvOf(t *testing.T, tab Table) string {
	t.Helper()
	var b strings.Builder
	if err := tab.CSV(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCSV(t *testing.T) {
	for in, want := range map[string]string{
		"simple": "simple", "": "", "a,b": `"a,b"`, `a"b`: `"a""b"`, "a\nb": "\"a\nb\"",
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\r=x": "\"'\r=x\"", "a=b": "a=b",
	} {
		if got := csvOf(t, Table{Header: []string{"h", "i"}, Rows: [][]string{{in, "x"}}}); got != "h,i\n"+want+",x\n" {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

const second = 1_000_000_000

func TestProjects(t *testing.T) {
	header := "slug,status,pinned,hub_sha,hub_fetched_at,last_activity_at,added_at,open_issues,overdue_issues,due_soon_issues,blocked_issues,active_agents,stale_locks,ci_status,counters_updated_at\n"
	if got := csvOf(t, Projects(nil)); got != header {
		t.Errorf("no project: %q", got)
	}
	p := db.Project{Slug: "owner/repo", Status: "active", Pinned: true, FetchedAt: second, AddedAt: 2 * second, PolledAt: 3 * second,
		State: db.State{Counters: counters.Counters{Open: 3, Overdue: 1, ActiveAgents: 2},
			Facts: facts.Facts{CI: []facts.CI{{Default: true, State: "passing"}, {Default: true, State: "failing"}, {State: "pending"}}}}}
	want := "owner/repo,active,true,,1970-01-01T00:00:01Z,,1970-01-01T00:00:02Z,3,1,0,0,2,0,failing,1970-01-01T00:00:03Z\n"
	if got := csvOf(t, Projects([]db.Project{p})); got != header+want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Projects([]db.Project{p}).Records(); len(got) != 1 || got[0]["slug"] != "owner/repo" || got[0]["ci_status"] != "failing" {
		t.Errorf("as records: %v", got)
	}
}

func TestAlerts(t *testing.T) {
	a := db.Alert{Slug: "owner/repo", Alert: alerts.Alert{ID: 42, Identity: alerts.Identity{Kind: alerts.CIFailure}, Severity: alerts.Critical, Ref: "commit:x", Detail: "build, test failing", Opened: second}}
	want := "id,project_slug,kind,severity,subject_ref,detail,opened_at,resolved_at,acknowledged_at\n42,owner/repo,ci_failure,critical,commit:x,\"build, test failing\",1970-01-01T00:00:01Z,,\n"
	if got := csvOf(t, Alerts([]db.Alert{a})); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
