package db

import (
	"context"
	"database/sql"
	"errors"

	"github.com/git-crosslink/git-crosslink/event"
)

// Session is a browser that has logged in. Only the hash of its secret is kept.
type Session struct {
	Hash      string
	Made      event.Time
	Seen      event.Time
	Scope     string
	UserAgent string
}

// SessionIdle is how long a session lasts without use.
const SessionIdle = event.Time(30 * 24 * 3600 * 1e9)

// AddSession stores a session.
func (d *DB) AddSession(ctx context.Context, s Session) error {
	s.Made, s.Seen = d.at(), d.at()
	_, err := d.write.ExecContext(ctx, "INSERT INTO sessions (hash, made, seen, scope, user_agent) VALUES (?,?,?,?,?)", s.Hash, s.Made, s.Seen, s.Scope, s.UserAgent)
	return err
}

// Session returns the session with a hash, unless it has been idle too long.
func (d *DB) Session(ctx context.Context, hash string) (s Session, err error) {
	err = d.read.QueryRowContext(ctx, "SELECT hash, made, seen, scope, user_agent FROM sessions WHERE hash = ? AND seen > ?", hash, d.at()-SessionIdle).
		Scan(&s.Hash, &s.Made, &s.Seen, &s.Scope, &s.UserAgent)
	if errors.Is(err, sql.ErrNoRows) {
		return s, ErrNotFound
	}
	return s, err
}

// Sessions returns the sessions that may be used, the one used last first.
func (d *DB) Sessions(ctx context.Context) ([]Session, error) {
	return list(ctx, d.read, func(r *sql.Rows, s *Session) error { return r.Scan(&s.Hash, &s.Made, &s.Seen, &s.Scope, &s.UserAgent) },
		"SELECT hash, made, seen, scope, user_agent FROM sessions WHERE seen > ? ORDER BY seen DESC, hash", d.at()-SessionIdle)
}

// SeenSession stores when a session or token was used. Reading a page writes nothing, so the
// server calls it once a minute.
func (d *DB) SeenSession(ctx context.Context, hash string, at event.Time) error {
	if _, err := d.write.ExecContext(ctx, "UPDATE sessions SET seen = max(seen, ?) WHERE hash = ?", at, hash); err != nil {
		return err
	}
	return d.seenToken(ctx, hash, at)
}

// EndSession ends a session; "" ends all.
func (d *DB) EndSession(ctx context.Context, hash string) error {
	_, err := d.write.ExecContext(ctx, "DELETE FROM sessions WHERE ?1 = '' OR hash = ?1", hash)
	return err
}
