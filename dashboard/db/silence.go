package db

import (
	"context"
	"database/sql"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/event"
)

func scanSilence(r *sql.Rows, s *alerts.Silence) error {
	return r.Scan(&s.ID, &s.Project, &s.Kind, &s.Subject, &s.Severity, &s.Starts, &s.Ends, &s.Comment, &s.By)
}

// silences returns the silences that end after a given time.
func (d *DB) silences(ctx context.Context, q querier, after event.Time) ([]alerts.Silence, error) {
	return list(ctx, q, scanSilence, `SELECT id, project, kind, subject, severity, starts_at, ends_at, comment, created_by
		FROM silences WHERE ends_at > ? ORDER BY ends_at, id`, after)
}

// Silences returns the silences that have not ended. The one that ends next comes first.
func (d *DB) Silences(ctx context.Context) ([]alerts.Silence, error) {
	return d.silences(ctx, d.read, d.at())
}

// AddSilence stores a silence that obeys the rules; see alerts.Silence.Check.
func (d *DB) AddSilence(ctx context.Context, s alerts.Silence) (id int64, err error) {
	if err := s.Check(d.at()); err != nil {
		return 0, err
	}
	err = d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `INSERT INTO silences (project, kind, subject, severity, starts_at, ends_at, comment, created_by) VALUES (?,?,?,?,?,?,?,?)`,
			s.Project, s.Kind, s.Subject, s.Severity, s.Starts, s.Ends, s.Comment, s.By)
		if err != nil {
			return err
		}
		if id, err = r.LastInsertId(); err != nil {
			return err
		}
		return d.feed(ctx, tx, s.Project, "silences_changed", map[string]any{"silence": id})
	})
	return id, err
}

// EndSilence ends a silence now.
func (d *DB) EndSilence(ctx context.Context, id int64) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "UPDATE silences SET ends_at = ?1 WHERE id = ?2 AND ends_at > ?1", d.at(), id)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return ErrNotFound
		}
		if _, err = tx.ExecContext(ctx, "UPDATE project_state SET next_due = 1"); err != nil { // what it held back is sent after the next tick
			return err
		}
		return d.feed(ctx, tx, "", "silences_changed", map[string]any{"silence": id})
	})
}
