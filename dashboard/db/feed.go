package db

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/git-crosslink/git-crosslink/event"
)

// FeedEvent is an event for browsers. Its ID is their cursor.
type FeedEvent struct {
	ID      int64
	At      event.Time
	Project string
	Kind    string
	Body    string // JSON
}

// How much of the feed is kept.
const (
	feedRows = 50_000
	feedAge  = event.Time(24 * 3600 * 1e9)
)

// feed appends to the feed, within the transaction of the change, so an event that was not
// sent before a crash is sent after it.
func (d *DB) feed(ctx context.Context, tx *sql.Tx, project, kind string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO feed (at, project, kind, body) VALUES (?,?,?,?)", d.at(), project, kind, string(b))
	return err
}

// FeedAfter returns at most limit events after a cursor. gone says that events
// after it are no longer kept, or that it is of another database.
func (d *DB) FeedAfter(ctx context.Context, cursor int64, limit int) (events []FeedEvent, gone bool, err error) {
	oldest, newest, err := d.feedEnds(ctx)
	if err != nil {
		return nil, false, err
	}
	if cursor > newest || cursor+1 < oldest {
		return nil, true, nil
	}
	events, err = list(ctx, d.read, func(r *sql.Rows, e *FeedEvent) error {
		return r.Scan(&e.ID, &e.At, &e.Project, &e.Kind, &e.Body)
	}, "SELECT id, at, project, kind, body FROM feed WHERE id > ? ORDER BY id LIMIT ?", cursor, limit)
	return events, false, err
}

// FeedEnd is the cursor at the end of the feed.
func (d *DB) FeedEnd(ctx context.Context) (int64, error) {
	_, newest, err := d.feedEnds(ctx)
	return newest, err
}

func (d *DB) feedEnds(ctx context.Context) (oldest, newest int64, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT coalesce((SELECT min(id) FROM feed), 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'feed'), 0)),
		coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'feed'), 0)`).Scan(&oldest, &newest)
	return oldest, newest, err
}

// TrimFeed removes events that are too old or too many.
func (d *DB) TrimFeed(ctx context.Context) error {
	_, err := d.write.ExecContext(ctx, "DELETE FROM feed WHERE at < ? OR id <= (SELECT max(id) FROM feed) - ?", d.at()-feedAge, feedRows)
	return err
}
