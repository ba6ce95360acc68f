package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/counters"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
)

// Status is whether a project is polled.
const (
	Active = "active"
	Paused = "paused"
)

// Kinds of places.
const (
	PlacePath    = "path"    // the user's own clone
	PlaceManaged = "managed" // a bare repository that the dashboard made
)

// Project is a row of projects, with its place and its last computed state.
type Project struct {
	ID           string     `json:"id"`
	Slug         string     `json:"slug"`
	Status       string     `json:"status"`
	Pinned       bool       `json:"pinned"`
	AddedAt      event.Time `json:"added_at"`
	FetchedAt    event.Time `json:"fetched_at"`
	FetchError   string     `json:"fetch_error"`
	Failures     int        `json:"failures"`
	HubSeen      string     `json:"-"` // see Fetched
	PolledAt     event.Time `json:"polled_at"`
	PollError    string     `json:"poll_error"`
	LastActivity event.Time `json:"last_activity_at"`
	Place        Place      `json:"place"`
	State        State      `json:"state"`
}

// Place is the repository through which a project is read.
type Place struct {
	Kind       string `json:"kind"`
	Path       string `json:"path"`
	URL        string `json:"url"`
	Agent      string `json:"agent"`
	Capability string `json:"capability"`
	Cure       string `json:"cure"`
}

// State is the computed state of a project. Rev grows with every change.
type State struct {
	Rev       int64             `json:"rev"`
	Counters  counters.Counters `json:"counters"`
	Facts     facts.Facts       `json:"facts"`
	NextDue   event.Time        `json:"next_due"`
	UpdatedAt event.Time        `json:"updated_at"`
}

const projectColumns = `p.id, p.slug, p.status, p.pinned, p.added_at, p.fetched_at, p.fetch_error, p.failures, p.hub_seen, p.polled_at, p.poll_error,
	p.last_activity_at, coalesce(l.kind, ''), coalesce(l.path, ''), coalesce(l.url, ''), coalesce(l.agent, ''), coalesce(l.capability, ''),
	coalesce(l.cure, ''), coalesce(s.rev, 0), coalesce(s.counters, '{}'), coalesce(s.facts, x'7b7d'), coalesce(s.next_due, 0), coalesce(s.updated_at, 0)
	FROM projects p LEFT JOIN places l ON l.project_id = p.id LEFT JOIN project_state s ON s.project_id = p.id`

func scanProject(r *sql.Rows, p *Project) error {
	var numbers, f []byte
	err := r.Scan(&p.ID, &p.Slug, &p.Status, &p.Pinned, &p.AddedAt, &p.FetchedAt, &p.FetchError, &p.Failures, &p.HubSeen, &p.PolledAt, &p.PollError,
		&p.LastActivity, &p.Place.Kind, &p.Place.Path, &p.Place.URL, &p.Place.Agent, &p.Place.Capability, &p.Place.Cure,
		&p.State.Rev, &numbers, &f, &p.State.NextDue, &p.State.UpdatedAt)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(numbers, &p.State.Counters); err != nil {
		return err
	}
	p.State.Facts, err = facts.Decode(f)
	return err
}

// Projects returns all projects, pinned ones first, then by slug.
func (d *DB) Projects(ctx context.Context) ([]Project, error) {
	return list(ctx, d.read, scanProject, "SELECT "+projectColumns+" ORDER BY p.pinned DESC, p.slug")
}

// ActiveProjects returns the ids of the projects that are polled, in order.
func (d *DB) ActiveProjects(ctx context.Context) ([]string, error) {
	return list(ctx, d.read, func(r *sql.Rows, id *string) error { return r.Scan(id) }, "SELECT id FROM projects WHERE status = ? ORDER BY id", Active)
}

// Project returns the project with a slug or id.
func (d *DB) Project(ctx context.Context, name string) (Project, error) {
	all, err := list(ctx, d.read, scanProject, "SELECT "+projectColumns+" WHERE p.slug = ? OR p.id = ?", name, name)
	return one(all, err)
}

// ProjectAt returns the project that is read through a path.
func (d *DB) ProjectAt(ctx context.Context, path string) (Project, error) {
	all, err := list(ctx, d.read, scanProject, "SELECT "+projectColumns+" WHERE l.path = ?", path)
	return one(all, err)
}

func one[T any](all []T, err error) (T, error) {
	var none T
	if err != nil {
		return none, err
	}
	if len(all) == 0 {
		return none, ErrNotFound
	}
	return all[0], nil
}

// ErrTaken says that a slug or a path belongs to another project.
var ErrTaken = errors.New("taken by another project")

// Track adds a project with its place.
func (d *DB) Track(ctx context.Context, p Project) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		var n int
		err := tx.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM projects WHERE slug = ?) + (SELECT count(*) FROM places WHERE path = ?)", p.Slug, p.Place.Path).Scan(&n)
		if err != nil {
			return err
		}
		if n > 0 {
			return ErrTaken
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO projects (id, slug, pinned, added_at) VALUES (?, ?, ?, ?)", p.ID, p.Slug, p.Pinned, d.at()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO places (project_id, kind, path, url) VALUES (?, ?, ?, ?)", p.ID, p.Place.Kind, p.Place.Path, p.Place.URL); err != nil {
			return err
		}
		return d.feed(ctx, tx, p.ID, "projects_changed", map[string]string{"slug": p.Slug})
	})
}

// Untrack removes a project. Its actions stay in the audit log.
func (d *DB) Untrack(ctx context.Context, id string) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "DELETE FROM projects WHERE id = ?", id)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNotFound)
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM settings WHERE scope = ?", id); err != nil {
			return err
		}
		return d.feed(ctx, tx, id, "projects_changed", map[string]string{})
	})
}

// Pin pins a project, or unpins it.
func (d *DB) Pin(ctx context.Context, id string, pinned bool) error {
	return d.touch(ctx, id, "UPDATE projects SET pinned = ? WHERE id = ?", pinned, id)
}

// SetStatus pauses a project, or resumes it.
func (d *DB) SetStatus(ctx context.Context, id, status string) error {
	return d.touch(ctx, id, "UPDATE projects SET status = ? WHERE id = ?", status, id)
}

// touch changes a project's row and appends that to the feed.
func (d *DB) touch(ctx context.Context, id, query string, args ...any) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNotFound)
		}
		return d.feed(ctx, tx, id, "projects_changed", map[string]string{})
	})
}

// KeptFetches is how many fetches of a project are kept.
const KeptFetches = 60

// Fetch is the result of a fetch.
type Fetch struct {
	At    event.Time // when it ended
	Took  time.Duration
	Error string // "" if it succeeded
}

// Fetched stores the result of a fetch, and how many in a row have failed. Only a successful one
// moves FetchedAt; seen is then the state of the hub's refs, if the hub is on a local path.
func (d *DB) Fetched(ctx context.Context, id string, f Fetch, failures int, seen string) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		set, args := "fetch_tried_at = ?, failures = ?, fetch_error = ?", []any{f.At, failures, f.Error}
		if f.Error == "" {
			set, args = set+", fetched_at = ?, hub_seen = ?", append(args, f.At, seen)
		}
		r, err := tx.ExecContext(ctx, "UPDATE projects SET "+set+" WHERE id = ?", append(args, id)...)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNotFound)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO fetches (project_id, at, took, error) VALUES (?, ?, ?, ?)", id, f.At, int64(f.Took), f.Error); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM fetches WHERE project_id = ?1 AND id <= (SELECT id FROM fetches WHERE project_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)", id, KeptFetches)
		return err
	})
}

// Fetches returns the last fetches of a project, oldest first.
func (d *DB) Fetches(ctx context.Context, id string) ([]Fetch, error) {
	return list(ctx, d.read, func(r *sql.Rows, f *Fetch) error { return r.Scan(&f.At, &f.Took, &f.Error) }, "SELECT at, took, error FROM fetches WHERE project_id = ? ORDER BY id", id)
}

// Capability stores whether a place can be written, and by which agent.
func (d *DB) Capability(ctx context.Context, id string, p Place) error {
	return d.change(ctx, "UPDATE places SET url = ?, agent = ?, capability = ?, cure = ? WHERE project_id = ?", p.URL, p.Agent, p.Capability, p.Cure, id)
}
