package db

import (
	"context"
	"database/sql"
	"errors"
)

// View is a page of the dashboard that was saved under a name.
type View struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	Path string `json:"path"` // with its query
}

// MaxViews is how many views can be saved.
const MaxViews = 50

// ErrFull says that no more can be saved.
var ErrFull = errors.New("no more can be saved")

func scanView(r *sql.Rows, v *View) error { return r.Scan(&v.ID, &v.Name, &v.Path) }

// Views returns the saved views by name.
func (d *DB) Views(ctx context.Context) ([]View, error) {
	return list(ctx, d.read, scanView, "SELECT id, name, path FROM views ORDER BY name")
}

// SaveView saves a page under a name; a view of that name is replaced.
func (d *DB) SaveView(ctx context.Context, v View) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM views WHERE name != ?", v.Name).Scan(&n); err != nil {
			return err
		}
		if n >= MaxViews {
			return ErrFull
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO views (name, path) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET path = ?2", v.Name, v.Path); err != nil {
			return err
		}
		return d.feed(ctx, tx, "", "views_changed", map[string]any{})
	})
}

// RemoveView removes a view.
func (d *DB) RemoveView(ctx context.Context, id int64) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "DELETE FROM views WHERE id = ?", id)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNotFound)
		}
		return d.feed(ctx, tx, "", "views_changed", map[string]any{})
	})
}
