package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"

	"github.com/git-crosslink/git-crosslink/event"
)

// Receiver is where another program, such as a forge, says that a hub has changed.
type Receiver struct {
	ID      int64
	Name    string // random; the end of its URL
	Project string // id
	Slug    string
	Made    event.Time
	Used    event.Time // 0: never
}

const receiverColumns = "r.id, r.name, r.project_id, p.slug, r.made_at, r.used_at FROM receivers r JOIN projects p ON p.id = r.project_id"

func scanReceiver(r *sql.Rows, o *Receiver) error {
	return r.Scan(&o.ID, &o.Name, &o.Project, &o.Slug, &o.Made, &o.Used)
}

// AddReceiver makes a receiver for a project, and returns its secret, which is not shown
// again.
func (d *DB) AddReceiver(ctx context.Context, project string) (o Receiver, secret string, err error) {
	raw := make([]byte, 48)
	if _, err := rand.Read(raw); err != nil {
		return o, "", err
	}
	o.Name, secret = hex.EncodeToString(raw[:16]), hex.EncodeToString(raw[16:])
	sealed, err := d.seal([]byte(secret))
	if err != nil {
		return o, "", err
	}
	r, err := d.write.ExecContext(ctx, "INSERT INTO receivers (name, project_id, secret, made_at) VALUES (?, ?, ?, ?)", o.Name, project, sealed, d.at())
	if err != nil {
		return o, "", err
	}
	o.ID, err = r.LastInsertId()
	return o, secret, err
}

// Receivers returns all receivers.
func (d *DB) Receivers(ctx context.Context) ([]Receiver, error) {
	return list(ctx, d.read, scanReceiver, "SELECT "+receiverColumns+" ORDER BY r.id")
}

// Receiver returns the receiver with a name, and its secret.
func (d *DB) Receiver(ctx context.Context, name string) (Receiver, []byte, error) {
	o, err := one(list(ctx, d.read, scanReceiver, "SELECT "+receiverColumns+" WHERE r.name = ?", name))
	if err != nil {
		return o, nil, err
	}
	var sealed []byte
	err = d.read.QueryRowContext(ctx, "SELECT secret FROM receivers WHERE id = ?", o.ID).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return o, nil, err
	}
	secret, err := d.unseal(sealed)
	return o, secret, err
}

// UsedReceiver stores when a receiver was used.
func (d *DB) UsedReceiver(ctx context.Context, id int64) error {
	return d.change(ctx, "UPDATE receivers SET used_at = ? WHERE id = ?", d.at(), id)
}

// RemoveReceiver removes a receiver.
func (d *DB) RemoveReceiver(ctx context.Context, id int64) error {
	return d.change(ctx, "DELETE FROM receivers WHERE id = ?", id)
}
