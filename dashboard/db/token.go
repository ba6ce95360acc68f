package db

import (
	"context"
	"database/sql"
	"errors"

	"github.com/git-crosslink/git-crosslink/event"
)

// Token authenticates a script. Only the hash of its secret is kept.
type Token struct {
	ID    int64
	Hash  string
	Name  string
	Scope string // read or act
	Made  event.Time
	Seen  event.Time // 0: never
}

const tokenColumns = "id, hash, name, scope, made, seen FROM tokens"

func scanToken(r *sql.Rows, t *Token) error {
	return r.Scan(&t.ID, &t.Hash, &t.Name, &t.Scope, &t.Made, &t.Seen)
}

// AddToken stores a token.
func (d *DB) AddToken(ctx context.Context, t Token) (int64, error) {
	r, err := d.write.ExecContext(ctx, "INSERT INTO tokens (hash, name, scope, made) VALUES (?,?,?,?)", t.Hash, t.Name, t.Scope, d.at())
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// Tokens returns all tokens, the oldest first.
func (d *DB) Tokens(ctx context.Context) ([]Token, error) {
	return list(ctx, d.read, scanToken, "SELECT "+tokenColumns+" ORDER BY id")
}

// Token returns the token with a hash.
func (d *DB) Token(ctx context.Context, hash string) (Token, error) {
	all, err := list(ctx, d.read, scanToken, "SELECT "+tokenColumns+" WHERE hash = ?", hash)
	return one(all, err)
}

// RemoveToken removes a token. Requests with it are refused from now on.
func (d *DB) RemoveToken(ctx context.Context, id int64) error {
	return d.change(ctx, "DELETE FROM tokens WHERE id = ?", id)
}

// seenToken stores when a token was used.
func (d *DB) seenToken(ctx context.Context, hash string, at event.Time) error {
	err := d.change(ctx, "UPDATE tokens SET seen = max(seen, ?) WHERE hash = ?", at, hash)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return err
}
