package db

import (
	"context"
	"database/sql"

	"github.com/git-crosslink/git-crosslink/event"
)

// Snooze is an item of the inbox that somebody has snoozed.
type Snooze struct {
	Key   string
	Since event.Time // of the snoozed reason; a newer reason is shown
	Until event.Time
}

// Snoozes returns the items that are snoozed now, by key.
func (d *DB) Snoozes(ctx context.Context) (map[string]Snooze, error) {
	rows, err := list(ctx, d.read, func(r *sql.Rows, s *Snooze) error { return r.Scan(&s.Key, &s.Since, &s.Until) }, "SELECT key, since, until FROM snoozes WHERE until > ?", d.at())
	all := map[string]Snooze{}
	for _, s := range rows {
		all[s.Key] = s
	}
	return all, err
}

// Snooze hides an item until a time; a time in the past shows it again. Snoozes that have
// ended are removed.
func (d *DB) Snooze(ctx context.Context, s Snooze) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM snoozes WHERE until <= ? OR key = ?", d.at(), s.Key); err != nil {
			return err
		}
		if s.Until > d.at() {
			if _, err := tx.ExecContext(ctx, "INSERT INTO snoozes (key, since, until) VALUES (?, ?, ?)", s.Key, s.Since, s.Until); err != nil {
				return err
			}
		}
		return d.feed(ctx, tx, "", "projects_changed", map[string]string{})
	})
}
