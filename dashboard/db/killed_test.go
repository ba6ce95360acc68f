package db

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
	"github.com/git-crosslink/git-crosslink/event"
)

// TestMain lets the test binary be a program that is killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && doomed[os.Args[1]] != nil {
		clock := morning
		if os.Args[1] == "migrate" { // each copy has a name of its own
			clock = time.Now
		}
		d, err := Open(context.Background(), os.Args[2], clock)
		if err == nil {
			err = doomed[os.Args[1]](d)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// morning is an hour at which a digest is due, wherever this runs.
func morning() time.Time { return time.Date(2026, 3, 2, digestHour, 30, 0, 0, time.Local) }

// doomed is what the program does until it is killed.
var doomed = map[string]func(*DB) error{
	"migrate": func(*DB) error { return nil },
	"ack": func(d *DB) error {
		all, err := d.Alerts(context.Background(), "1")
		if err != nil || len(all) != 1 {
			return fmt.Errorf("%d alerts, %v", len(all), err)
		}
		if all[0].Ack.At != 0 {
			return nil // as a person who sees that it is done
		}
		return d.Ack(context.Background(), all[0].ID, "me", alerts.Ack{At: d.at(), By: "me"})
	},
	"digest": func(d *DB) error { return d.QueueDigest(context.Background()) },
	"give-up": func(d *DB) error {
		due, err := d.DueDeliveries(context.Background())
		for k := range due {
			if due[k].Endpoint == 1 && err == nil {
				err = d.Tried(context.Background(), due[k].Delivery, Tried{Gone: true, Status: 410})
			}
		}
		return err
	},
}

// twice runs an operation that is killed at a point, and then one that is not.
func twice(t *testing.T, dir, what, point string) {
	t.Helper()
	for n := range 3 {
		cmd := exec.Command(os.Args[0], what, dir)
		if cmd.Env = os.Environ(); n == 0 {
			cmd.Env = append(cmd.Env, "CROSSLINK_FAULT="+point)
		}
		out, err := cmd.CombinedOutput()
		if killed := err != nil; killed != (n == 0) || len(out) > 0 {
			t.Fatalf("%s, run %d: %v %s", point, n, err, out)
		}
	}
}

// world is a database with a project, an alert and two endpoints.
func world(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	d, err := Open(t.Context(), dir, morning)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Track(t.Context(), Project{ID: "1", Slug: "o/r", Place: Place{Kind: PlacePath, Path: "/r"}}); err != nil {
		t.Fatal(err)
	}
	in := Poll{Project: alerts.Project{ID: "1", Slug: "o/r"}, Settings: alerts.Defaults(), Now: d.at(),
		Facts: facts.Facts{Open: 1, Issues: []facts.Issue{{UUID: event.UUID{1}, Name: "4", Title: "x", Due: 1}}}}
	if _, err := d.Reconcile(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, _, err := d.AddEndpoint(t.Context(), notify.Endpoint{Kind: notify.Standard, URL: "https://example.com/", Filter: notify.Filter{Digest: true}}); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// events are the events that were queued, by endpoint.
func events(t *testing.T, dir string) (all string) {
	t.Helper()
	d, err := Open(t.Context(), dir, morning)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	rows, err := d.Deliveries(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for k := len(rows) - 1; k >= 0; k-- {
		all += fmt.Sprintf("%d %s\n", rows[k].Endpoint, rows[k].Event)
	}
	return all
}

// TestKilledWhileItWrites: after a kill at any point of a change to the database, nothing is
// lost and no notice is sent twice.
func TestKilledWhileItWrites(t *testing.T) {
	dir := world(t)
	twice(t, dir, "ack", "dashboard-ack")
	if got := events(t, dir); got != "1 alert.acked\n2 alert.acked\n" {
		t.Errorf("told of an acknowledgment:\n%s", got)
	}
	dir = world(t)
	twice(t, dir, "digest", "webhook-digest")
	if got := events(t, dir); got != "1 digest.daily\n2 digest.daily\n" {
		t.Errorf("digests:\n%s", got)
	}
	twice(t, dir, "give-up", "webhook-disabled")
	if got := events(t, dir); got != "1 digest.daily\n2 digest.daily\n2 endpoint.disabled\n" {
		t.Errorf("told of an endpoint that was disabled:\n%s", got)
	}
}

// TestKilledWhileItMigrates: a database of the schema before is either as it was, with
// a copy beside it, or new.
func TestKilledWhileItMigrates(t *testing.T) {
	dir := t.TempDir()
	write, err := connect(filepath.Join(dir, File), 1, "journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	for v := 1; v < Schema; v++ {
		text, err := schema.ReadFile(fmt.Sprintf("schema/%d.sql", v))
		if err == nil {
			_, err = write.ExecContext(t.Context(), string(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := write.ExecContext(t.Context(), fmt.Sprintf("PRAGMA user_version = %d; INSERT INTO projects (id, slug, added_at) VALUES ('1', 'o/r', 1)", Schema-1)); err != nil {
		t.Fatal(err)
	}
	write.Close()
	twice(t, dir, "migrate", "dashboard-migrate")
	d, err := Open(t.Context(), dir, morning)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	all, err := d.Projects(t.Context())
	if err != nil || len(all) != 1 || all[0].Slug != "o/r" {
		t.Errorf("%v %v", all, err)
	}
	copies, err := d.Backups()
	if err != nil || len(copies) == 0 {
		t.Errorf("no copy was made: %v", err)
	}
	if _, err := d.Tokens(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestDigest: a digest is sent from eight o'clock on, once a day, of the projects that the
// endpoint is informed of.
func TestDigest(t *testing.T) {
	at := morning().Add(-time.Hour)
	d, err := Open(t.Context(), world(t), func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, _, err := d.AddEndpoint(t.Context(), notify.Endpoint{Kind: notify.Slack, URL: "https://example.com/", Filter: notify.Filter{Digest: true, Projects: []string{"o/other"}}}); err != nil {
		t.Fatal(err)
	}
	count := func(want int) {
		t.Helper()
		if err := d.QueueDigest(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows, err := d.Deliveries(t.Context(), 0, 100)
		if err != nil || len(rows) != want {
			t.Errorf("at %s: %d, want %d: %v", at, len(rows), want, err)
		}
	}
	count(0)
	at = at.Add(31 * time.Minute)
	count(3)
	at = at.Add(15 * time.Hour)
	count(3)
	at = at.Add(9 * time.Hour)
	count(6)
	rows, err := d.Deliveries(t.Context(), 1, 1)
	if err != nil || !strings.Contains(string(rows[0].Body), `"type":"digest.daily"`) || !strings.Contains(string(rows[0].Body), `"project":"o/r","open_issues":1,"overdue_issues":1`) {
		t.Errorf("%s %v", rows[0].Body, err)
	}
	if rows, err = d.Deliveries(t.Context(), 3, 1); err != nil || !strings.Contains(string(rows[0].Body), "no projects") {
		t.Errorf("%s %v", rows[0].Body, err)
	}
}
