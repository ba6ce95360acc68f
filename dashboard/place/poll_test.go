package place

import (
	"context"
	"testing"

	"github.com/git-crosslink/git-crosslink/dashboard/counters"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// polled looks once at a clone through a poller, and returns its row.
func (w *world) polled(dir string) db.Project {
	w.Helper()
	d, err := db.Open(w.Context(), w.TempDir(), nil)
	if err != nil {
		w.Fatal(err)
	}
	defer d.Close()
	if err := d.Track(w.Context(), db.Project{ID: "1", Slug: "o/r", Place: db.Place{Kind: db.PlacePath, Path: dir}}); err != nil {
		w.Fatal(err)
	}
	p := poll.New(poll.Options{DB: d, Open: func(ctx context.Context, row db.Project) (poll.Place, error) {
		return Open(ctx, row.Place.Path, w.options())
	}})
	if err := p.Pass(w.Context()); err != nil {
		w.Fatal(err)
	}
	row, err := d.Project(w.Context(), "o/r")
	if err != nil {
		w.Fatal(err)
	}
	if row.PollError != "" || row.FetchError != "" || row.FetchedAt == 0 {
		w.Errorf("errors '%s' and '%s', fetched at %d", row.PollError, row.FetchError, row.FetchedAt)
	}
	return row
}

func TestPollPopulatesStateFromEmptyHub(t *testing.T) {
	w := newWorld(t)
	row := w.polled(w.Clone("a"))
	if row.State.Rev != 1 || row.State.Counters != (counters.Counters{ActiveAgents: row.State.Counters.ActiveAgents}) {
		t.Errorf("state of an empty hub: %+v", row.State)
	}
}

func TestPollCountsOpenIssue(t *testing.T) {
	w := newWorld(t)
	w.Create(w.Clone("b"), "one", nil)
	if row := w.polled(w.Clone("a")); row.State.Counters.Open != 1 {
		t.Errorf("%d open issues, want 1", row.State.Counters.Open)
	}
}

// TestLocalUnsentCloseIsVisible is the original's #701: what was written here
// and has not been sent is counted on the next tick.
func TestLocalUnsentCloseIsVisible(t *testing.T) {
	w := newWorld(t)
	a := w.Clone("a")
	one := w.Create(a, "one", nil)
	tr, err := tracker.Open(t.Context(), tracker.Options{Dir: a, Environ: append(w.Environ, "GIT_CROSSLINK_AGENT=agent-a")})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	_, err = tr.Emit(t.Context(), tracker.EmitOptions{Offline: true}, func(tracker.Projection) ([]event.Body, error) {
		return []event.Body{&event.StatusChanged{UUID: one, NewStatus: event.Closed}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if row := w.polled(a); row.State.Counters.Open != 0 {
		t.Errorf("%d open issues, want 0", row.State.Counters.Open)
	}
}
