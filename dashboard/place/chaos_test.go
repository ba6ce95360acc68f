package place

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/event"
)

// trouble makes a clone one that hangs, is deleted, corrupt or forbidden.
var trouble = []struct {
	name string
	make func(w *world, dir string) error
}{
	{"hangs", func(w *world, dir string) error {
		w.Git("-C", dir, "remote", "set-url", "origin", "ssh://hangs.invalid/hub.git")
		return nil
	}},
	{"deleted", func(_ *world, dir string) error { return os.RemoveAll(dir) }},
	{"replica gone", func(_ *world, dir string) error {
		return os.RemoveAll(filepath.Join(dir, ".git", "crosslink", "replica.git", "objects"))
	}},
	{"refs damaged", func(_ *world, dir string) error {
		return filepath.WalkDir(filepath.Join(dir, ".git", "crosslink", "replica.git", "refs"), func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			return os.WriteFile(path, []byte("garbage\n"), 0o666)
		})
	}},
	{"no repository", func(_ *world, dir string) error { return os.RemoveAll(filepath.Join(dir, ".git")) }},
	{"configuration damaged", func(_ *world, dir string) error {
		return os.WriteFile(filepath.Join(dir, ".git", "config"), []byte("[core\n"), 0o666)
	}},
	{"forbidden", func(_ *world, dir string) error { return os.Chmod(filepath.Join(dir, ".git"), 0) }},
}

// TestManyProjects: of many projects a tenth hangs, is deleted, corrupt or
// forbidden; each healthy one is looked at within two passes.
func TestManyProjects(t *testing.T) {
	total := 40
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		total = 200
	}
	w := newWorld(t)
	model := w.Clone("model")
	w.Create(model, "one", nil)
	w.Environ = append(w.Environ, "GIT_SSH_COMMAND=sleep 60 #")
	d, err := db.Open(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	sick := map[string]string{}
	for k := range total {
		dir := filepath.Join(w.Dir, fmt.Sprint("p", k))
		if err := os.CopyFS(dir, os.DirFS(model)); err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprintf("%03d", k)
		if err := d.Track(t.Context(), db.Project{ID: id, Slug: "o/p" + id, Place: db.Place{Kind: db.PlacePath, Path: dir}}); err != nil {
			t.Fatal(err)
		}
		if k%10 == 0 {
			how := trouble[k/10%len(trouble)]
			sick[id] = how.name
			if err := how.make(w, dir); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Chmod(filepath.Join(dir, ".git"), 0o777) })
		}
	}
	p := poll.New(poll.Options{DB: d, Open: func(ctx context.Context, row db.Project) (poll.Place, error) {
		return Open(ctx, row.Place.Path, w.options())
	}})
	began := time.Now()
	for range 2 {
		if err := p.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(began)
	rows, err := d.Projects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		how, ill := sick[row.ID]
		switch {
		case !ill && (row.PolledAt == 0 || row.PollError != "" || row.State.Counters.Open != 1):
			t.Errorf("%s is healthy and was not looked at: %+v", row.Slug, row)
		case how == "deleted" && !row.State.Facts.Health.Gone:
			t.Errorf("%s is deleted, and nobody noticed", row.Slug)
		case ill && how != "hangs" && how != "deleted" && row.PollError == "" && os.Getuid() != 0:
			t.Errorf("%s: %s, and nobody noticed: %+v", row.Slug, how, row)
		}
	}
	t.Logf("%d projects, %d of them in trouble: two passes in %s", total, len(sick), took)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	began = time.Now()
	go func() { ended <- p.Run(ctx) }()
	time.Sleep(100 * time.Millisecond) // fetches hang
	cancel()
	<-ended
	if took := time.Since(began); took > 2500*time.Millisecond {
		t.Errorf("it took %s to end", took)
	}
}

// pollOnce looks once at a clone: the program that TestKilledWhileItLooks kills.
func pollOnce(database, clone string) error {
	d, err := db.Open(context.Background(), database, nil)
	if err != nil {
		return err
	}
	defer d.Close()
	p := poll.New(poll.Options{DB: d, Open: func(ctx context.Context, row db.Project) (poll.Place, error) {
		return Open(ctx, clone, Options{Fetch: []string{os.Args[0], "fetch"}})
	}})
	return p.Pass(context.Background())
}

// TestKilledWhileItLooks at every point: the alert, what webhooks are sent and what
// browsers are told are there once.
func TestKilledWhileItLooks(t *testing.T) {
	for _, point := range []string{"dashboard-fetch", "dashboard-fetched", "dashboard-commit", "dashboard-committed", "dashboard-stored"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a, b := w.Clone("a"), w.Clone("b")
			w.Create(b, "late", func(c *event.IssueCreated) { c.DueAt = 1 })
			dir := t.TempDir()
			d, err := db.Open(t.Context(), dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Track(t.Context(), db.Project{ID: "1", Slug: "o/r", Place: db.Place{Kind: db.PlacePath, Path: a}}); err != nil {
				t.Fatal(err)
			}
			if _, _, err := d.AddEndpoint(t.Context(), notify.Endpoint{Kind: notify.Standard, URL: "https://example.com/", Filter: notify.Filter{Kinds: []alerts.Kind{alerts.OverdueIssue}}}); err != nil {
				t.Fatal(err)
			}
			d.Close()
			for n := range 3 {
				cmd := exec.Command(os.Args[0], "poll", dir, a)
				if cmd.Env = slices.Clone(w.Environ); n == 0 {
					cmd.Env = append(cmd.Env, "CROSSLINK_FAULT="+point)
				}
				if out, err := cmd.CombinedOutput(); (err != nil) != (n == 0) || len(out) > 0 {
					t.Fatalf("run %d: %v %s", n, err, out)
				}
			}
			if d, err = db.Open(t.Context(), dir, nil); err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			count := func(kind alerts.Kind) (n int) {
				all, err := d.Alerts(t.Context(), "1")
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range all {
					if a.Kind == kind && a.Active() {
						n++
					}
				}
				return n
			}
			sent, err := d.Deliveries(t.Context(), 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			feed, gone, err := d.FeedAfter(t.Context(), 0, 100)
			told := 0
			for _, e := range feed {
				if e.Kind == "alerts_changed" && strings.Contains(e.Body, `"opened":1`) {
					told++
				}
			}
			if n := count(alerts.OverdueIssue); n != 1 || len(sent) != 1 || told != 1 || gone || err != nil {
				t.Errorf("%d alerts, %d deliveries, told %d times, %v", n, len(sent), told, err)
			}
		})
	}
}

// TestKilledWhileItFails: a place that vanished is reported once.
func TestKilledWhileItFails(t *testing.T) {
	w := newWorld(t)
	gone := filepath.Join(w.Dir, "gone")
	dir := t.TempDir()
	d, err := db.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Track(t.Context(), db.Project{ID: "1", Slug: "o/r", Place: db.Place{Kind: db.PlacePath, Path: gone}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.AddEndpoint(t.Context(), notify.Endpoint{Kind: notify.Standard, URL: "https://example.com/"}); err != nil {
		t.Fatal(err)
	}
	d.Close()
	for n := range 3 {
		cmd := exec.Command(os.Args[0], "poll", dir, gone)
		if cmd.Env = slices.Clone(w.Environ); n == 0 {
			cmd.Env = append(cmd.Env, "CROSSLINK_FAULT=dashboard-failed")
		}
		if out, err := cmd.CombinedOutput(); (err != nil) != (n == 0) || len(out) > 0 {
			t.Fatalf("run %d: %v %s", n, err, out)
		}
	}
	if d, err = db.Open(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	all, err := d.Alerts(t.Context(), "1")
	sent, derr := d.Deliveries(t.Context(), 0, 10)
	if err != nil || derr != nil || len(all) != 1 || all[0].Kind != alerts.UnreachableProject || len(sent) != 1 {
		t.Errorf("%d alerts, %d deliveries, %v %v", len(all), len(sent), err, derr)
	}
}
