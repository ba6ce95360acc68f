package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
)

const start = event.Time(1_750_000_000_000_000_000)

// clock is a time that tests move.
type clock struct{ at event.Time }

func (c *clock) now() time.Time { return c.at.Std() }

func open(t *testing.T) (*DB, *clock) {
	t.Helper()
	c := &clock{start}
	d, err := Open(t.Context(), t.TempDir(), c.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, c
}

func track(t *testing.T, d *DB, slug string) Project {
	t.Helper()
	p := Project{ID: "id-" + slug, Slug: slug, Place: Place{Kind: PlacePath, Path: "/" + slug}}
	if err := d.Track(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func poll(t *testing.T, d *DB, p Project, at event.Time, f facts.Facts) Outcome {
	t.Helper()
	set, err := d.Settings(t.Context(), p.ID)
	check(t, err)
	out, err := d.Reconcile(t.Context(), Poll{Project: alerts.Project{ID: p.ID, Slug: p.Slug}, Facts: f, Settings: set, Now: at})
	check(t, err)
	return out
}

func overdue(due event.Time) facts.Facts {
	return facts.Facts{Open: 1, Newest: start, Issues: []facts.Issue{{UUID: event.UUID{1}, Name: "1", Title: "t", Due: due}}}
}

func TestTrack(t *testing.T) {
	d, _ := open(t)
	track(t, d, "o/b")
	a := track(t, d, "o/a")
	pinned := track(t, d, "o/z")
	check(t, d.Pin(t.Context(), pinned.ID, true))
	all, err := d.Projects(t.Context())
	check(t, err)
	var slugs []string
	for _, p := range all {
		slugs = append(slugs, p.Slug)
	}
	if got := strings.Join(slugs, " "); got != "o/z o/a o/b" {
		t.Errorf("projects: %s, want pinned ones first, then by slug", got)
	}
	for _, other := range []Project{
		{ID: "x", Slug: "O/A", Place: Place{Kind: PlacePath, Path: "/x"}},
		{ID: "x", Slug: "o/x", Place: Place{Kind: PlacePath, Path: "/o/a"}},
	} {
		if err := d.Track(t.Context(), other); !errors.Is(err, ErrTaken) {
			t.Errorf("%s at %s: %v", other.Slug, other.Place.Path, err)
		}
	}
	check(t, d.SetStatus(t.Context(), a.ID, Paused))
	got, err := d.Project(t.Context(), "o/A")
	check(t, err)
	if got.Status != Paused || got.Place.Path != "/o/a" {
		t.Errorf("read back: %+v", got)
	}
	if _, err := d.ProjectAt(t.Context(), "/o/b"); err != nil {
		t.Error(err)
	}
	check(t, d.Untrack(t.Context(), a.ID))
	if _, err := d.Project(t.Context(), "o/a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("untracked: %v", err)
	}
	if err := d.Untrack(t.Context(), a.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("untracked twice: %v", err)
	}
}

func TestReconcile(t *testing.T) {
	d, _ := open(t)
	p := track(t, d, "o/r")
	due := start + 100
	out := poll(t, d, p, start, overdue(due))
	if out.Opened != 0 || out.NextDue != due+1 || out.Rev != 1 || !out.Changed {
		t.Errorf("first: %+v", out)
	}
	if out := poll(t, d, p, due, overdue(due)); out.Changed || out.Rev != 1 {
		t.Errorf("nothing new: %+v", out)
	}
	out = poll(t, d, p, due+1, overdue(due))
	if out.Opened != 1 || out.Rev != 2 {
		t.Errorf("overdue: %+v", out)
	}
	open, err := d.Alerts(t.Context(), p.ID)
	check(t, err)
	if len(open) != 1 || open[0].Kind != alerts.OverdueIssue || open[0].Opened != due+1 || open[0].Slug != "o/r" || open[0].Ref != "issue:1" {
		t.Fatalf("open: %+v", open)
	}
	got, err := d.Project(t.Context(), "o/r")
	check(t, err)
	if got.State.Counters.Overdue != 1 || got.LastActivity != start || len(got.State.Facts.Issues) != 1 || got.PolledAt != due+1 {
		t.Errorf("stored: %+v", got)
	}
	out = poll(t, d, p, due+2, facts.Facts{})
	if out.Resolved != 1 {
		t.Errorf("resolved: %+v", out)
	}
	if got, _ = d.Project(t.Context(), "o/r"); got.LastActivity != start {
		t.Error("the last activity went back")
	}
	done, err := d.ResolvedAlerts(t.Context(), event.MaxTime, 10)
	check(t, err)
	if len(done) != 1 || done[0].Resolved != due+2 {
		t.Errorf("resolved: %+v", done)
	}
	events, err := d.AlertEvents(t.Context(), done[0].ID)
	check(t, err)
	if s := fmt.Sprint(events); len(events) != 2 || !strings.Contains(s, "firing") || !strings.Contains(s, "resolved") {
		t.Errorf("events: %s", s)
	}
}

func TestPollFailedKeepsEverything(t *testing.T) {
	d, _ := open(t)
	p := track(t, d, "o/r")
	poll(t, d, p, start, overdue(start-1))
	check(t, d.PollFailed(t.Context(), alerts.Project{ID: p.ID, Slug: p.Slug}, start+1, "it is broken"))
	got, err := d.Project(t.Context(), "o/r")
	check(t, err)
	open, _ := d.Alerts(t.Context(), p.ID)
	if got.PollError != "it is broken" || got.PolledAt != start || got.State.Counters.Overdue != 1 || len(open) != 1 {
		t.Errorf("%+v, %d alerts", got, len(open))
	}
	poll(t, d, p, start+2, overdue(start-1))
	if got, _ = d.Project(t.Context(), "o/r"); got.PollError != "" {
		t.Errorf("the error stays: %q", got.PollError)
	}
}

func TestFetched(t *testing.T) {
	d, _ := open(t)
	p := track(t, d, "o/r")
	check(t, d.Fetched(t.Context(), p.ID, Fetch{At: 5}, 0, "refs"))
	check(t, d.Fetched(t.Context(), p.ID, Fetch{At: 9, Took: time.Second, Error: "no route"}, 2, ""))
	got, _ := d.Project(t.Context(), p.ID)
	if got.FetchedAt != 5 || got.Failures != 2 || got.FetchError != "no route" || got.HubSeen != "refs" {
		t.Errorf("%+v", got)
	}
	if err := d.Fetched(t.Context(), "nobody", Fetch{At: 1}, 0, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("a project that is not: %v", err)
	}
	other := track(t, d, "o/other")
	check(t, d.Fetched(t.Context(), other.ID, Fetch{At: 1}, 0, ""))
	for k := range 2 * KeptFetches {
		check(t, d.Fetched(t.Context(), p.ID, Fetch{At: event.Time(10 + k), Took: time.Duration(k)}, 0, "refs"))
	}
	all, err := d.Fetches(t.Context(), p.ID)
	check(t, err)
	if len(all) != KeptFetches || all[0] != (Fetch{At: 10 + KeptFetches, Took: KeptFetches}) || all[len(all)-1].Took != 2*KeptFetches-1 {
		t.Errorf("%d fetches are kept, from %+v", len(all), all[0])
	}
	if all, _ = d.Fetches(t.Context(), other.ID); len(all) != 1 {
		t.Errorf("another project's: %+v", all)
	}
	check(t, d.Untrack(t.Context(), p.ID))
	if all, _ = d.Fetches(t.Context(), p.ID); len(all) != 0 {
		t.Errorf("%d fetches of no project", len(all))
	}
}

func TestAck(t *testing.T) {
	d, _ := open(t)
	p := track(t, d, "o/r")
	poll(t, d, p, start, overdue(start-1))
	open, _ := d.Alerts(t.Context(), "")
	check(t, d.Ack(t.Context(), open[0].ID, "op", alerts.Ack{At: start + 1, By: "op", Note: "on it"}))
	a, err := d.Alert(t.Context(), open[0].ID)
	check(t, err)
	if a.Ack.By != "op" || a.Ack.Note != "on it" || a.Detail != `#1 "t" due 2025-06-15T15:06:39Z` {
		t.Errorf("%+v", a)
	}
	check(t, d.Ack(t.Context(), a.ID, "op", alerts.Ack{}))
	if a, _ = d.Alert(t.Context(), a.ID); a.Ack.At != 0 {
		t.Error("the acknowledgement was not taken back")
	}
	poll(t, d, p, start+2, facts.Facts{})
	if err := d.Ack(t.Context(), a.ID, "op", alerts.Ack{At: 1}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a resolved alert was acknowledged: %v", err)
	}
}

func TestSilencesHoldBack(t *testing.T) {
	d, c := open(t)
	p := track(t, d, "o/r")
	id, err := d.AddSilence(t.Context(), alerts.Silence{Kind: alerts.OverdueIssue, Starts: start, Ends: start + 1000, Comment: "known", By: "op"})
	check(t, err)
	if out := poll(t, d, p, start+1, overdue(start)); out.Opened != 1 || out.NextDue != start+1000 {
		t.Errorf("silenced: %+v", out)
	}
	open, _ := d.Alerts(t.Context(), "")
	if open[0].Notified {
		t.Error("it was told although it is silenced")
	}
	c.at = start + 2
	check(t, d.EndSilence(t.Context(), id))
	if got, _ := d.Project(t.Context(), p.ID); got.State.NextDue != 1 {
		t.Error("what a silence held back is not due when it ends")
	}
	poll(t, d, p, start+2, overdue(start))
	if open, _ = d.Alerts(t.Context(), ""); !open[0].Notified {
		t.Error("it was not told after the silence")
	}
	if err := d.EndSilence(t.Context(), id); !errors.Is(err, ErrNotFound) {
		t.Errorf("ended twice: %v", err)
	}
	if left, _ := d.Silences(t.Context()); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestFeed(t *testing.T) {
	d, c := open(t)
	if end, err := d.FeedEnd(t.Context()); err != nil || end != 0 {
		t.Errorf("the end of an empty feed: %d, %v", end, err)
	}
	p := track(t, d, "o/r")
	poll(t, d, p, start, overdue(start-1))
	events, gone, err := d.FeedAfter(t.Context(), 0, 10)
	check(t, err)
	if gone || len(events) != 3 || events[0].Kind != "projects_changed" || events[1].Kind != "project_updated" || events[2].Kind != "alerts_changed" {
		t.Fatalf("gone %v, events %+v", gone, events)
	}
	if want := `{"opened":1,"resolved":0,"slug":"o/r"}`; events[2].Body != want {
		t.Errorf("body %s, want %s", events[2].Body, want)
	}
	if more, gone, _ := d.FeedAfter(t.Context(), events[2].ID, 10); len(more) != 0 || gone {
		t.Errorf("after the end: %v, gone %v", more, gone)
	}
	if _, gone, _ := d.FeedAfter(t.Context(), 99, 10); !gone {
		t.Error("a cursor of another database is not seen")
	}
	c.at += feedAge + 1
	check(t, d.TrimFeed(t.Context()))
	if _, gone, _ := d.FeedAfter(t.Context(), 1, 10); !gone {
		t.Error("a cursor that was trimmed away is not seen")
	}
	if _, gone, _ := d.FeedAfter(t.Context(), events[2].ID, 10); gone {
		t.Error("the end is taken for gone after trimming")
	}
}

func TestAuditChain(t *testing.T) {
	d, _ := open(t)
	for k := range 4 {
		check(t, d.Record(t.Context(), Action{Request: fmt.Sprint("r", k/2), Verb: "close", Subject: "1", Outcome: []string{Started, Succeeded}[k%2]}))
	}
	if n, err := d.VerifyActions(t.Context()); n != 4 || err != nil {
		t.Fatalf("%d rows, %v", n, err)
	}
	if rows, err := d.Acted(t.Context(), "r1"); err != nil || len(rows) != 2 || rows[1].Outcome != Succeeded {
		t.Errorf("of one request: %+v, %v", rows, err)
	}
	if rows, err := d.Actions(t.Context(), 3, 1); err != nil || len(rows) != 1 || rows[0].ID != 2 {
		t.Errorf("a page: %+v, %v", rows, err)
	}
	exec := func(q string) {
		t.Helper()
		_, err := d.write.Exec(q)
		check(t, err)
	}
	exec("UPDATE actions SET subject = '2' WHERE id = 2")
	if _, err := d.VerifyActions(t.Context()); err == nil || !strings.Contains(err.Error(), "row 2 ") {
		t.Errorf("a changed row: %v", err)
	}
	exec("UPDATE actions SET subject = '1' WHERE id = 2")
	exec("DELETE FROM actions WHERE id = 3")
	if _, err := d.VerifyActions(t.Context()); err == nil || !strings.Contains(err.Error(), "before row 4") {
		t.Errorf("a missing row: %v", err)
	}
	exec("DELETE FROM actions WHERE id < 3")
	if _, err := d.VerifyActions(t.Context()); err == nil || !strings.Contains(err.Error(), "before row 4") {
		t.Errorf("a missing start where rows are kept forever: %v", err)
	}
	check(t, d.Set(t.Context(), "", map[string]string{auditDays: "90"}))
	if n, err := d.VerifyActions(t.Context()); n != 1 || err != nil {
		t.Errorf("a missing start where old rows are removed: %d rows, %v", n, err)
	}
}

func TestSessions(t *testing.T) {
	d, c := open(t)
	check(t, d.AddSession(t.Context(), Session{Hash: "h", Scope: "act"}))
	c.at += SessionIdle - 1
	if s, err := d.Session(t.Context(), "h"); err != nil || s.Scope != "act" {
		t.Errorf("%+v, %v", s, err)
	}
	c.at++
	if _, err := d.Session(t.Context(), "h"); !errors.Is(err, ErrNotFound) {
		t.Errorf("after 30 days: %v", err)
	}
	check(t, d.SeenSession(t.Context(), "h", c.at))
	if _, err := d.Session(t.Context(), "h"); err != nil {
		t.Errorf("used again: %v", err)
	}
	check(t, d.EndSession(t.Context(), ""))
	if _, err := d.Session(t.Context(), "h"); !errors.Is(err, ErrNotFound) {
		t.Errorf("ended: %v", err)
	}
}

func TestSettings(t *testing.T) {
	d, _ := open(t)
	p := track(t, d, "o/r")
	ctx := t.Context()
	check(t, d.Set(ctx, "", map[string]string{"agent.silent_minutes": "20"}))
	check(t, d.Set(ctx, p.ID, map[string]string{"agent.silent_minutes": "30"}))
	check(t, d.Set(ctx, "", map[string]string{"rule.storm.enabled": "false"}))
	check(t, d.Set(ctx, "", map[string]string{"rule.cycle.severity": "critical"}))
	check(t, d.Set(ctx, "", map[string]string{"rule.cycle.for_seconds": "60"}))
	for scope, want := range map[string]time.Duration{p.ID: 30 * time.Minute, "other": 20 * time.Minute} {
		s, err := d.Settings(ctx, scope)
		check(t, err)
		if s.Silent != want {
			t.Errorf("%s: %s, want %s", scope, s.Silent, want)
		}
		cycle, _ := s.RuleOf(alerts.Cycle)
		if _, on := s.RuleOf(alerts.Storm); on || cycle.Severity != alerts.Critical || cycle.For != time.Minute {
			t.Errorf("%s: rules %+v", scope, s.Rules)
		}
	}
	check(t, d.Set(ctx, p.ID, map[string]string{"agent.silent_minutes": ""}))
	if s, _ := d.Settings(ctx, p.ID); s.Silent != 20*time.Minute {
		t.Errorf("taken back: %s", s.Silent)
	}
	for _, bad := range [][2]string{
		{"agent.silent_minutes", "0"}, {"agent.silent_minutes", "x"}, {"no.such", "1"}, {"rule.storm.enabled", "perhaps"},
		{"rule.storm.severity", "bad"}, {"rule.storm.for_seconds", "-1"}, {"rule.none.enabled", "true"}, {"rule.storm.other", "1"},
		{"storm.enabled", "true"}, {"unreachable.failures", "0"}, {"lock.only_if_silent", "x"},
	} {
		if err := d.Set(ctx, "", map[string]string{bad[0]: bad[1]}); err == nil {
			t.Errorf("%s = %s was taken", bad[0], bad[1])
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	d, err := Open(ctx, dir, nil)
	check(t, err)
	st, err := os.Stat(filepath.Join(dir, File))
	check(t, err)
	if st.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, want 600", st.Mode().Perm())
	}
	track(t, d, "o/r")
	for range kept + 2 {
		_, err := d.Backup(ctx)
		check(t, err)
	}
	if all, err := d.Backups(); err != nil || len(all) != kept {
		t.Errorf("%d backups, %v; want %d", len(all), err, kept)
	}
	check(t, d.Close())
	d, err = Open(ctx, dir, nil)
	check(t, err)
	if _, err := d.Project(ctx, "o/r"); err != nil {
		t.Errorf("opened again: %v", err)
	}
	_, err = d.write.Exec(fmt.Sprintf("PRAGMA user_version = %d", Schema+1))
	check(t, err)
	check(t, d.Close())
	if _, err := Open(ctx, dir, nil); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer schema: %v", err)
	}
}

// TestReadersWriteNothing: pages read through connections that cannot write.
func TestReadersWriteNothing(t *testing.T) {
	d, _ := open(t)
	if _, err := d.read.Exec("DELETE FROM feed"); err == nil {
		t.Error("a reader wrote")
	}
}

func TestViews(t *testing.T) {
	d, _ := open(t)
	check(t, d.SaveView(t.Context(), View{Name: "b", Path: "/b"}))
	check(t, d.SaveView(t.Context(), View{Name: "a", Path: "/a"}))
	check(t, d.SaveView(t.Context(), View{Name: "B", Path: "/c"}))
	if got, err := d.Views(t.Context()); err != nil || fmt.Sprint(got) != "[{2 a /a} {1 b /c}]" {
		t.Errorf("%v, %v", got, err)
	}
	check(t, d.RemoveView(t.Context(), 1))
	if err := d.RemoveView(t.Context(), 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
}

// TestSeries: for each day, the last numbers are kept.
func TestSeries(t *testing.T) {
	d, c := open(t)
	p := track(t, d, "o/a")
	day := event.Time(24 * time.Hour)
	first := c.at
	for k, n := range []int{3, 4, 0, 9} { // the third day has no poll
		if k == 2 {
			continue
		}
		c.at = first + event.Time(k)*day
		poll(t, d, p, c.at, facts.Facts{Open: n + 5})
		poll(t, d, p, c.at, facts.Facts{Open: n, Closed: k})
	}
	today := DayOf(c.at)
	got, err := d.Series(t.Context(), today-1)
	if want := fmt.Sprint([]Day{{today - 2, 4, 1}, {today, 9, 3}}); err != nil || fmt.Sprint(got[p.ID]) != want {
		t.Errorf("%v, %v, want %s", got, err, want)
	}
	c.at += (seriesDays - 1) * day
	check(t, d.TrimSeries(t.Context()))
	check(t, d.TrimSeries(t.Context())) // nothing is left to forget
	if got, err := d.Series(t.Context(), 0); err != nil || len(got[p.ID]) != 1 {
		t.Errorf("%v, %v after it was trimmed", got, err)
	}
}

// TestBackupDaily: a copy is made each day, and seven are kept.
func TestBackupDaily(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	d, err := Open(t.Context(), t.TempDir(), func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for day := range 10 {
		for range 3 {
			if err := d.BackupDaily(t.Context()); err != nil {
				t.Fatal(err)
			}
			at = at.Add(8 * time.Hour)
		}
		all, err := d.Backups()
		if want := min(day+1, kept); err != nil || len(all) != want {
			t.Errorf("day %d: %d copies, want %d: %v", day, len(all), want, err)
		}
	}
}
