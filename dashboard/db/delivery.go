package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/fault"
)

// Delivery is a row of deliveries.
type Delivery struct {
	ID       int64
	Endpoint int64
	Message  string // webhook-id: the same at every try
	Event    notify.Event
	Body     []byte
	Made     event.Time
	Due      event.Time
	Tries    int
	State    string // queued, done, failed, dropped
	Tried    event.Time
	Status   int // of the last answer
	Error    string
	Answer   string // the beginning of it
}

const deliveryColumns = "q.id, q.endpoint_id, q.msg_id, q.event, q.body, q.made_at, q.due_at, q.tries, q.state, q.tried_at, q.status, q.error, q.answer FROM deliveries q"

func scanDelivery(r *sql.Rows, x *Delivery) error {
	return r.Scan(&x.ID, &x.Endpoint, &x.Message, &x.Event, &x.Body, &x.Made, &x.Due, &x.Tries, &x.State, &x.Tried, &x.Status, &x.Error, &x.Answer)
}

// Deliveries returns the newest deliveries to an endpoint; 0 is any.
func (d *DB) Deliveries(ctx context.Context, endpoint int64, limit int) ([]Delivery, error) {
	return list(ctx, d.read, scanDelivery, "SELECT "+deliveryColumns+" WHERE ?1 = 0 OR q.endpoint_id = ?1 ORDER BY q.id DESC LIMIT ?2", endpoint, limit)
}

// DeliveriesOf returns the newest deliveries about an alert, to any endpoint.
func (d *DB) DeliveriesOf(ctx context.Context, alert int64, limit int) ([]Delivery, error) {
	return list(ctx, d.read, scanDelivery, "SELECT "+deliveryColumns+" WHERE q.alert_id = ? AND q.alert_id != 0 ORDER BY q.id DESC LIMIT ?", alert, limit)
}

// Due is a delivery that is to be tried now, with the secrets that sign it.
type Due struct {
	Delivery
	To      notify.Endpoint
	Secrets [][]byte
}

// DueDeliveries returns the oldest due delivery of each endpoint that is not disabled.
func (d *DB) DueDeliveries(ctx context.Context) (all []Due, err error) {
	now := d.at()
	due, err := list(ctx, d.read, scanDelivery, "SELECT "+deliveryColumns+` WHERE q.id IN (SELECT min(x.id) FROM deliveries x JOIN endpoints e ON e.id = x.endpoint_id
		WHERE x.state = 'queued' AND x.due_at <= ? AND e.disabled_at = 0 GROUP BY x.endpoint_id) ORDER BY q.id`, now)
	if err != nil {
		return nil, err
	}
	for _, x := range due {
		e, err := d.Endpoint(ctx, x.Endpoint)
		if err != nil {
			return nil, err
		}
		secrets, err := d.secrets(ctx, x.Endpoint, now)
		if err != nil {
			return nil, err
		}
		all = append(all, Due{x, e.Endpoint, secrets})
	}
	return all, nil
}

func (d *DB) secrets(ctx context.Context, endpoint int64, now event.Time) (all [][]byte, err error) {
	var is, old []byte
	var until event.Time
	if err := d.read.QueryRowContext(ctx, "SELECT secret, old_secret, old_until FROM endpoints WHERE id = ?", endpoint).Scan(&is, &old, &until); err != nil {
		return nil, err
	}
	sealed := [][]byte{is}
	if old != nil && now < until {
		sealed = append(sealed, old)
	}
	for _, s := range sealed {
		secret, err := d.unseal(s)
		if err != nil {
			return nil, err
		}
		all = append(all, secret)
	}
	return all, nil
}

// Tried is the result of a try.
type Tried struct {
	OK     bool
	Gone   bool // the endpoint refuses all further requests
	Status int
	Error  string
	Answer string
	Next   event.Time // of the next try; 0 is none
}

// Tried stores the result of a try.
func (d *DB) Tried(ctx context.Context, x Delivery, t Tried) error {
	now := d.at()
	state := "queued"
	switch {
	case t.OK:
		state = "done"
	case t.Next == 0 || t.Gone:
		state = "failed"
	}
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "UPDATE deliveries SET tries = ?, state = ?, tried_at = ?, due_at = ?, status = ?, error = ?, answer = ? WHERE id = ? AND state = 'queued'",
			x.Tries+1, state, now, t.Next, t.Status, t.Error, t.Answer, x.ID)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return err // it was dropped, or the endpoint removed, meanwhile
		}
		if t.OK {
			_, err = tx.ExecContext(ctx, "UPDATE endpoints SET failing_since = 0 WHERE id = ?", x.Endpoint)
		} else {
			_, err = tx.ExecContext(ctx, "UPDATE endpoints SET failing_since = CASE failing_since WHEN 0 THEN ?2 ELSE failing_since END WHERE id = ?1", x.Endpoint, now)
		}
		if err != nil {
			return err
		}
		why := ""
		if t.Gone {
			why = "it answered that it is gone (410)"
		}
		if r, err = tx.ExecContext(ctx, `UPDATE endpoints SET disabled_at = ?2, disabled_why = CASE WHEN ?3 != '' THEN ?3 ELSE 'every try of 5 days failed' END
			WHERE id = ?1 AND disabled_at = 0 AND (?3 != '' OR failing_since != 0 AND failing_since <= ?2 - ?4)`, x.Endpoint, now, why, event.Time(notify.GiveUpAfter)); err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n > 0 {
			if err = errors.Join(err, d.tellDisabled(ctx, tx, x.Endpoint)); err != nil {
				return err
			}
		}
		return d.feed(ctx, tx, "", "webhooks_changed", map[string]any{"endpoint": x.Endpoint})
	})
}

// tellDisabled notifies the other endpoints that one was disabled.
func (d *DB) tellDisabled(ctx context.Context, tx *sql.Tx, id int64) error {
	e, err := one(list(ctx, tx, scanEndpoint, "SELECT "+endpointColumns+" WHERE e.id = ?", id))
	if err != nil {
		return err
	}
	a := alerts.Alert{Severity: alerts.Warning, Opened: d.at(), Detail: fmt.Sprintf("endpoint %d (%s) was disabled: %s", id, notify.Masked(e.URL), e.DisabledWhy)}
	a.Kind, a.Subject, a.Ref = "webhook_disabled", fmt.Sprintf("endpoint:%d", id), fmt.Sprintf("endpoint:%d", id)
	err = d.notify(ctx, tx, &notify.Message{Event: notify.Disabled, At: d.at(), Alert: a})
	fault.Point("webhook-disabled")
	return err
}

// Replay queues a delivery again, with the same id.
func (d *DB) Replay(ctx context.Context, id int64) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "UPDATE deliveries SET state = 'queued', tries = 0, due_at = ?, error = '' WHERE id = ?", d.at(), id)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNotFound)
		}
		return d.feed(ctx, tx, "", "webhooks_changed", map[string]any{"delivery": id})
	})
}

// How much of the log of deliveries is kept.
const (
	deliveryRows = 10_000
	deliveryAge  = event.Time(30 * 24 * 3600 * 1e9)
)

// TrimDeliveries removes deliveries that are too old or too many, unless they still wait.
func (d *DB) TrimDeliveries(ctx context.Context) error {
	_, err := d.write.ExecContext(ctx, "DELETE FROM deliveries WHERE state != 'queued' AND (made_at < ? OR id <= (SELECT max(id) FROM deliveries) - ?)", d.at()-deliveryAge, deliveryRows)
	return err
}
