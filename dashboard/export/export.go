// Package export makes tables of projects and alerts for spreadsheets and
// scripts. Pages (dashboard/web) and the command line (dashboard/cli) share it.
package export

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/event"
)

// Table is a table of text, and the name of a file for it.
type Table struct {
	Name   string // without an extension
	Header []string
	Rows   [][]string
}

// Projects is the table of projects. Its columns are those of crosslink 0.9.
func Projects(all []db.Project) Table {
	t := Table{Name: "crosslink-projects", Header: strings.Split("slug,status,pinned,hub_sha,hub_fetched_at,last_activity_at,added_at,open_issues,"+
		"overdue_issues,due_soon_issues,blocked_issues,active_agents,stale_locks,ci_status,counters_updated_at", ",")}
	for _, p := range all {
		c := p.State.Counters
		row := []string{p.Slug, p.Status, strconv.FormatBool(p.Pinned), "", Stamp(p.FetchedAt), Stamp(p.LastActivity), Stamp(p.AddedAt)}
		for _, n := range []int{c.Open, c.Overdue, c.DueSoon, c.Blocked, c.ActiveAgents, c.StaleLocks} {
			row = append(row, strconv.Itoa(n))
		}
		t.Rows = append(t.Rows, append(row, CIStatus(p), Stamp(p.PolledAt)))
	}
	return t
}

// CIStatus is the state of the default branch: failing if one context fails.
func CIStatus(p db.Project) string {
	status := ""
	for _, c := range p.State.Facts.CI {
		if c.Default && (status == "" || c.State == "failing") {
			status = c.State
		}
	}
	return status
}

// Alerts is the table of alerts. Its columns are those of crosslink 0.9.
func Alerts(all []db.Alert) Table {
	t := Table{Name: "crosslink-alerts", Header: strings.Split("id,project_slug,kind,severity,subject_ref,detail,opened_at,resolved_at,acknowledged_at", ",")}
	for _, a := range all {
		t.Rows = append(t.Rows, []string{strconv.FormatInt(a.ID, 10), a.Slug, string(a.Kind), string(a.Severity), a.Ref, a.Detail,
			Stamp(a.Opened), Stamp(a.Resolved), Stamp(a.Ack.At)})
	}
	return t
}

// Stamp is a time as RFC 3339, "" for none.
func Stamp(t event.Time) string {
	if t == 0 {
		return ""
	}
	return t.Std().Format(time.RFC3339)
}

// CSV writes the table by RFC 4180, lines ended by LF. A cell that a
// spreadsheet would take for a formula begins with an apostrophe.
func (t Table) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		safe := make([]string, len(row))
		for k, cell := range row {
			safe[k] = guard(cell)
		}
		if err := out.Write(safe); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func guard(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// Records is the table for JSON: one object for each row, with members named by the header.
func (t Table) Records() []map[string]string {
	all := make([]map[string]string, 0, len(t.Rows))
	for _, row := range t.Rows {
		one := map[string]string{}
		for k, name := range t.Header {
			one[name] = row[k]
		}
		all = append(all, one)
	}
	return all
}

// Actions is the table of the audit log.
func Actions(all []db.Action) Table {
	t := Table{Name: "crosslink-audit", Header: strings.Split("id,at,operator,project,verb,subject,outcome,error,lines,payload,request,session,remote,prev_hash,hash", ",")}
	for _, a := range all {
		t.Rows = append(t.Rows, []string{strconv.FormatInt(a.ID, 10), Stamp(a.At), a.Operator, a.Project, a.Verb, a.Subject, a.Outcome, a.Error, a.Lines,
			a.Payload, a.Request, a.Session, a.Remote, a.PrevHash, a.Hash})
	}
	return t
}
