package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
	"github.com/git-crosslink/git-crosslink/event"
)

// Endpoint is a row of endpoints, without its secret.
type Endpoint struct {
	notify.Endpoint
	Made         event.Time
	DisabledAt   event.Time // 0: it is enabled
	DisabledWhy  string
	FailingSince event.Time // 0: the last try succeeded
	Queued       int
}

const endpointColumns = `e.id, e.kind, e.name, e.url, e.filter, e.local, e.made_at, e.disabled_at, e.disabled_why, e.failing_since,
	(SELECT count(*) FROM deliveries q WHERE q.endpoint_id = e.id AND q.state = 'queued') FROM endpoints e`

func scanEndpoint(r *sql.Rows, e *Endpoint) error {
	var filter string
	if err := r.Scan(&e.ID, &e.Kind, &e.Name, &e.URL, &filter, &e.Local, &e.Made, &e.DisabledAt, &e.DisabledWhy, &e.FailingSince, &e.Queued); err != nil {
		return err
	}
	return json.Unmarshal([]byte(filter), &e.Filter)
}

// Endpoints returns all endpoints.
func (d *DB) Endpoints(ctx context.Context) ([]Endpoint, error) {
	return list(ctx, d.read, scanEndpoint, "SELECT "+endpointColumns+" ORDER BY e.id")
}

// Endpoint returns one endpoint.
func (d *DB) Endpoint(ctx context.Context, id int64) (Endpoint, error) {
	return one(list(ctx, d.read, scanEndpoint, "SELECT "+endpointColumns+" WHERE e.id = ?", id))
}

// AddEndpoint stores an endpoint and returns its secret, which is not shown again.
func (d *DB) AddEndpoint(ctx context.Context, e notify.Endpoint) (id int64, secret string, err error) {
	if err := e.Check(); err != nil {
		return 0, "", err
	}
	raw, err := notify.NewSecret(rand.Read)
	if err != nil {
		return 0, "", err
	}
	sealed, err := d.seal(raw)
	if err != nil {
		return 0, "", err
	}
	err = d.tx(ctx, func(tx *sql.Tx) (err error) {
		if id, err = d.addEndpoint(ctx, tx, &e, sealed); err != nil {
			return err
		}
		return d.feed(ctx, tx, "", "webhooks_changed", map[string]any{"endpoint": id})
	})
	return id, notify.FormatSecret(raw), err
}

// rotation is how long requests are also signed with the old secret.
const rotation = event.Time(24 * 3600 * 1e9)

// RotateSecret gives an endpoint a new secret and returns it. For a day requests
// are signed with both.
func (d *DB) RotateSecret(ctx context.Context, id int64) (secret string, err error) {
	raw, err := notify.NewSecret(rand.Read)
	if err != nil {
		return "", err
	}
	sealed, err := d.seal(raw)
	if err != nil {
		return "", err
	}
	return notify.FormatSecret(raw), d.changeEndpoint(ctx, id, "UPDATE endpoints SET old_secret = secret, old_until = ?, secret = ? WHERE id = ?", d.at()+rotation, sealed, id)
}

// RemoveEndpoint removes an endpoint with its queue.
func (d *DB) RemoveEndpoint(ctx context.Context, id int64) error {
	return d.changeEndpoint(ctx, id, "DELETE FROM endpoints WHERE id = ?", id)
}

// EnableEndpoint enables an endpoint that was disabled.
func (d *DB) EnableEndpoint(ctx context.Context, id int64) error {
	return d.changeEndpoint(ctx, id, "UPDATE endpoints SET disabled_at = 0, disabled_why = '', failing_since = 0 WHERE id = ?", id)
}

func (d *DB) changeEndpoint(ctx context.Context, id int64, query string, args ...any) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNotFound)
		}
		return d.feed(ctx, tx, "", "webhooks_changed", map[string]any{"endpoint": id})
	})
}

// maxQueued is how many notifications wait for one endpoint.
const maxQueued = 1000

// notify queues a notification for every endpoint whose filter lets it through, within the
// transaction of the change, so none is lost and none is sent twice. A filter for a project
// also lets through the other clones of its hub.
func (d *DB) notify(ctx context.Context, tx *sql.Tx, m *notify.Message, also ...string) error {
	if m.Event == "" {
		return nil
	}
	all, err := list(ctx, tx, scanEndpoint, "SELECT "+endpointColumns+" WHERE e.disabled_at = 0 ORDER BY e.id")
	if err != nil {
		return err
	}
	for k := range all {
		e := &all[k]
		for _, slug := range append([]string{m.Project}, also...) {
			if !e.Filter.Lets(slug, &m.Alert) {
				continue
			}
			named := *m
			named.Project = slug
			if err := d.queue(ctx, tx, e, &named); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

func (d *DB) queue(ctx context.Context, tx *sql.Tx, e *Endpoint, m *notify.Message) error {
	body, err := notify.Body(e.Kind, m)
	if err != nil {
		return err
	}
	at := d.at()
	if _, err = tx.ExecContext(ctx, "INSERT INTO deliveries (endpoint_id, msg_id, event, severity, alert_id, body, made_at, due_at) VALUES (?,?,?,?,?,?,?,?)",
		e.ID, messageID(at), m.Event, m.Alert.Severity, m.Alert.ID, body, at, at); err != nil || e.Queued < maxQueued {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE deliveries SET state = 'dropped', error = 'too many wait' WHERE id = (SELECT id FROM deliveries
		WHERE endpoint_id = ? AND state = 'queued' ORDER BY severity = ?, id LIMIT 1)`, e.ID, alerts.Critical)
	return err
}

// TestEndpoint queues a test.
func (d *DB) TestEndpoint(ctx context.Context, id int64) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		e, err := one(list(ctx, tx, scanEndpoint, "SELECT "+endpointColumns+" WHERE e.id = ?", id))
		if err != nil {
			return err
		}
		return d.queue(ctx, tx, &e, &notify.Message{Event: notify.Test, At: d.at(), Alert: alerts.Alert{Detail: "this is a test", Severity: alerts.Info}})
	})
}

// SetEndpoints removes the endpoints that are not to be kept and adds others, all or
// none.
func (d *DB) SetEndpoints(ctx context.Context, keep []int64, add []notify.Endpoint) error {
	sealed := make([][]byte, len(add))
	for k := range add {
		if err := add[k].Check(); err != nil {
			return err
		}
		raw, err := notify.NewSecret(rand.Read)
		if err != nil {
			return err
		}
		if sealed[k], err = d.seal(raw); err != nil {
			return err
		}
	}
	kept, err := json.Marshal(append([]int64{}, keep...))
	if err != nil {
		return err
	}
	return d.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM endpoints WHERE id NOT IN (SELECT value FROM json_each(?))", string(kept)); err != nil {
			return err
		}
		for k := range add {
			if _, err := d.addEndpoint(ctx, tx, &add[k], sealed[k]); err != nil {
				return err
			}
		}
		return d.feed(ctx, tx, "", "webhooks_changed", map[string]any{})
	})
}

// addEndpoint stores an endpoint with its sealed secret.
func (d *DB) addEndpoint(ctx context.Context, tx *sql.Tx, e *notify.Endpoint, sealed []byte) (int64, error) {
	filter, err := json.Marshal(e.Filter)
	if err != nil {
		return 0, err
	}
	r, err := tx.ExecContext(ctx, "INSERT INTO endpoints (kind, name, url, secret, filter, local, made_at) VALUES (?,?,?,?,?,?,?)", e.Kind, e.Name, e.URL, sealed, string(filter), e.Local, d.at())
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}
