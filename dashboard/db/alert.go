package db

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/counters"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/fault"
)

// Alert is a row of alerts, with its project.
type Alert struct {
	alerts.Alert
	Project string // id
	Slug    string
}

const alertColumns = `a.id, a.project_id, p.slug, a.kind, a.severity, a.subject, a.subject_ref, a.state, a.pending_at, a.opened_at,
	a.recovering_at, a.resolved_at, a.detail, a.now_detail, a.flapping, a.notified, a.ack_at, a.ack_by, a.ack_note, a.ack_until
	FROM alerts a JOIN projects p ON p.id = a.project_id`

func scanAlert(r *sql.Rows, a *Alert) error {
	return r.Scan(&a.ID, &a.Project, &a.Slug, &a.Kind, &a.Severity, &a.Subject, &a.Ref, &a.State, &a.Pending, &a.Opened,
		&a.Recovering, &a.Resolved, &a.Detail, &a.NowDetail, &a.Flapping, &a.Notified, &a.Ack.At, &a.Ack.By, &a.Ack.Note, &a.Ack.Until)
}

// Alerts returns the alerts that are open, of a project or ("") of all, the
// newest first.
func (d *DB) Alerts(ctx context.Context, project string) ([]Alert, error) {
	return list(ctx, d.read, scanAlert, "SELECT "+alertColumns+` WHERE a.state != 'resolved' AND (?1 = '' OR a.project_id = ?1)
		ORDER BY a.opened_at DESC, a.id DESC`, project)
}

// ResolvedAlerts returns alerts that were resolved before a time, newest first.
func (d *DB) ResolvedAlerts(ctx context.Context, before event.Time, limit int) ([]Alert, error) {
	return list(ctx, d.read, scanAlert, "SELECT "+alertColumns+` WHERE a.state = 'resolved' AND a.resolved_at < ?
		ORDER BY a.resolved_at DESC, a.id DESC LIMIT ?`, before, limit)
}

// AlertsOf returns the alerts of one identity that were open at or after a time,
// oldest first.
func (d *DB) AlertsOf(ctx context.Context, project string, id alerts.Identity, since event.Time) ([]Alert, error) {
	return list(ctx, d.read, scanAlert, "SELECT "+alertColumns+` WHERE a.project_id = ? AND a.kind = ? AND a.subject = ? AND (a.resolved_at = 0 OR a.resolved_at >= ?)
		ORDER BY a.id LIMIT 1000`, project, id.Kind, id.Subject, since)
}

// Alert returns one alert.
func (d *DB) Alert(ctx context.Context, id int64) (Alert, error) {
	all, err := list(ctx, d.read, scanAlert, "SELECT "+alertColumns+" WHERE a.id = ?", id)
	return one(all, err)
}

// AlertEvent is one thing that happened to an alert.
type AlertEvent struct {
	At       event.Time
	From, To alerts.State
	Notice   alerts.Notice
	Actor    string
	Note     string
}

// AlertEvents returns what happened to an alert, oldest first.
func (d *DB) AlertEvents(ctx context.Context, id int64) ([]AlertEvent, error) {
	return list(ctx, d.read, func(r *sql.Rows, e *AlertEvent) error {
		return r.Scan(&e.At, &e.From, &e.To, &e.Notice, &e.Actor, &e.Note)
	}, "SELECT at, from_state, to_state, notice, actor, note FROM alert_events WHERE alert_id = ? ORDER BY id", id)
}

// Ack acknowledges an alert that is active, or takes that back if ack is zero.
func (d *DB) Ack(ctx context.Context, id int64, by string, ack alerts.Ack) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		all, err := list(ctx, tx, scanAlert, "SELECT "+alertColumns+" WHERE a.id = ? AND a.state IN ('firing', 'recovering')", id)
		a, err := one(all, err)
		if err != nil {
			return err
		}
		a.Ack = ack
		note := "acknowledged"
		if ack.At == 0 {
			note = "acknowledgement taken back"
		} else if ack.Note != "" {
			note += ": " + ack.Note
		}
		if err := d.putAlert(ctx, tx, a.Project, &alerts.Transition{Alert: a.Alert, From: a.State, To: a.State}, by, note); err != nil {
			return err
		}
		if ack.At != 0 {
			if err := d.notify(ctx, tx, &notify.Message{Event: notify.Acked, Project: a.Slug, At: d.at(), Alert: a.Alert}); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, "UPDATE project_state SET rev = rev + 1, next_due = 1 WHERE project_id = ?", a.Project); err != nil {
			return err
		}
		err = d.feed(ctx, tx, a.Project, "alerts_changed", map[string]any{"slug": a.Slug, "opened": 0, "resolved": 0})
		fault.Point("dashboard-ack")
		return err
	})
}

// putAlert writes an alert as a transition left it, and the transition.
func (d *DB) putAlert(ctx context.Context, tx *sql.Tx, project string, t *alerts.Transition, actor, note string) error {
	a := &t.Alert
	switch {
	case t.To == alerts.Normal && a.ID == 0:
		return nil
	case t.To == alerts.Normal:
		_, err := tx.ExecContext(ctx, "DELETE FROM alerts WHERE id = ?", a.ID)
		return err
	}
	values := []any{project, a.Kind, a.Severity, a.Subject, a.Ref, a.State, a.Pending, a.Opened, a.Recovering, a.Resolved, a.Detail, a.NowDetail,
		a.Flapping, a.Notified, a.Ack.At, a.Ack.By, a.Ack.Note, a.Ack.Until}
	if a.ID == 0 {
		r, err := tx.ExecContext(ctx, `INSERT INTO alerts (project_id, kind, severity, subject, subject_ref, state, pending_at, opened_at, recovering_at,
			resolved_at, detail, now_detail, flapping, notified, ack_at, ack_by, ack_note, ack_until) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`, values...)
		if err != nil {
			return err
		}
		if a.ID, err = r.LastInsertId(); err != nil {
			return err
		}
	} else {
		_, err := tx.ExecContext(ctx, `UPDATE alerts SET project_id=?, kind=?, severity=?, subject=?, subject_ref=?, state=?, pending_at=?, opened_at=?,
			recovering_at=?, resolved_at=?, detail=?, now_detail=?, flapping=?, notified=?, ack_at=?, ack_by=?, ack_note=?, ack_until=? WHERE id=?`, append(values, a.ID)...)
		if err != nil {
			return err
		}
	}
	if t.From == t.To && t.Notice == alerts.NoNotice && note == "" {
		return nil // only its text changed
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO alert_events (alert_id, at, from_state, to_state, notice, actor, note) VALUES (?,?,?,?,?,?,?)",
		a.ID, d.at(), t.From, t.To, t.Notice, actor, note)
	return err
}

// Poll is what the poller found in a project.
type Poll struct {
	Project  alerts.Project
	Facts    facts.Facts
	Settings alerts.Settings
	Now      event.Time
}

// Outcome says what a poll changed.
type Outcome struct {
	Opened, Resolved int
	Changed          bool // anything a page shows
	NextDue          event.Time
	Rev              int64
}

// Reconcile stores a poll in one transaction: its numbers, the changes of alerts, and the
// feed for browsers.
func (d *DB) Reconcile(ctx context.Context, in Poll) (out Outcome, err error) {
	clock := facts.NewClock(in.Now)
	numbers := counters.Of(&in.Facts, in.Settings.Thresholds, clock)
	derived := alerts.Derive(in.Project, &in.Facts, in.Settings, clock)
	f, err := in.Facts.Encode()
	if err != nil {
		return out, err
	}
	n, err := json.Marshal(numbers)
	if err != nil {
		return out, err
	}
	err = d.tx(ctx, func(tx *sql.Tx) error {
		out = Outcome{}
		transitions, err := d.step(ctx, tx, in, derived, clock)
		if err != nil {
			return err
		}
		for _, t := range transitions {
			out.Changed = true
			if t.To == alerts.Firing && t.From != alerts.Firing && t.From != alerts.Recovering {
				out.Opened++
			}
			if t.To == alerts.Resolved && t.From != alerts.Resolved {
				out.Resolved++
			}
		}
		out.NextDue, _ = clock.Next()
		var was State
		var wasNumbers, wasFacts []byte
		row := tx.QueryRowContext(ctx, "SELECT rev, counters, facts FROM project_state WHERE project_id = ?", in.Project.ID)
		if err := row.Scan(&was.Rev, &wasNumbers, &wasFacts); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		out.Changed = out.Changed || !bytes.Equal(wasNumbers, n) || !bytes.Equal(wasFacts, f)
		out.Rev = was.Rev
		if out.Changed {
			out.Rev++
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO project_state (project_id, rev, counters, facts, next_due, updated_at) VALUES (?1,?2,?3,?4,?5,?6)
			ON CONFLICT (project_id) DO UPDATE SET rev = ?2, counters = ?3, facts = ?4, next_due = ?5, updated_at = ?6`,
			in.Project.ID, out.Rev, string(n), f, out.NextDue, in.Now)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE projects SET polled_at = iif(?, polled_at, ?), poll_error = '', last_activity_at = max(last_activity_at, ?), hub_id = ? WHERE id = ?",
			in.Facts.Health.Gone, in.Now, in.Facts.Newest, in.Facts.Health.Hub, in.Project.ID)
		if err != nil {
			return err
		}
		if err := d.count(ctx, tx, in, numbers); err != nil {
			return err
		}
		err = d.tell(ctx, tx, in, out, numbers)
		fault.Point("dashboard-commit")
		return err
	})
	fault.Point("dashboard-committed")
	return out, err
}

// tell puts a poll's changes into the feed.
func (d *DB) tell(ctx context.Context, tx *sql.Tx, in Poll, out Outcome, n counters.Counters) error {
	if out.Changed {
		if err := d.feed(ctx, tx, in.Project.ID, "project_updated", map[string]any{"slug": in.Project.Slug, "rev": out.Rev, "counters": n}); err != nil {
			return err
		}
	}
	if out.Opened > 0 || out.Resolved > 0 {
		return d.feed(ctx, tx, in.Project.ID, "alerts_changed", map[string]any{"slug": in.Project.Slug, "opened": out.Opened, "resolved": out.Resolved})
	}
	return nil
}

// step brings the alerts of a project up to date.
func (d *DB) step(ctx context.Context, tx *sql.Tx, in Poll, derived []alerts.Derived, clock *facts.Clock) ([]alerts.Transition, error) {
	rows, err := list(ctx, tx, scanAlert, "SELECT "+alertColumns+" WHERE a.project_id = ? AND (a.state != 'resolved' OR a.opened_at > ?) ORDER BY a.id",
		in.Project.ID, in.Now-event.Time(alerts.Remember))
	if err != nil {
		return nil, err
	}
	silences, err := d.silences(ctx, tx, in.Now)
	if err != nil {
		return nil, err
	}
	clones, err := clonesOf(ctx, tx, in)
	if err != nil {
		return nil, err
	}
	clones.silence(in.Project.ID, silences)
	prev := make([]alerts.Alert, len(rows))
	for k := range rows {
		prev[k] = rows[k].Alert
	}
	transitions := alerts.Next(in.Project.ID, prev, derived, silences, in.Settings, clock)
	for k := range transitions {
		t := &transitions[k]
		if done, err := clones.notified(ctx, tx, t); err != nil {
			return nil, err
		} else if done {
			t.Notice = alerts.NoNotice
		}
		if err := d.putAlert(ctx, tx, in.Project.ID, t, "", ""); err != nil {
			return nil, fmt.Errorf("store %s of %s: %w", t.Alert.Kind, t.Alert.Subject, err)
		}
		if err := d.notify(ctx, tx, &notify.Message{Event: notify.EventOf(t.Notice), Project: in.Project.Slug, At: in.Now, Alert: t.Alert}, clones.slugs(&t.Alert)...); err != nil {
			return nil, fmt.Errorf("notify of %s of %s: %w", t.Alert.Kind, t.Alert.Subject, err)
		}
	}
	return transitions, nil
}

// PollFailed stores why a project could not be read. Its numbers and alerts stay as they are.
func (d *DB) PollFailed(ctx context.Context, project alerts.Project, at event.Time, why string) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		var was string
		if err := tx.QueryRowContext(ctx, "SELECT poll_error FROM projects WHERE id = ?", project.ID).Scan(&was); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE projects SET poll_error = ? WHERE id = ?", why, project.ID); err != nil {
			return err
		}
		if was == why {
			return nil
		}
		return d.feed(ctx, tx, project.ID, "project_updated", map[string]any{"slug": project.Slug, "error": why})
	})
}
