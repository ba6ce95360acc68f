package db

import (
	"context"
	"database/sql"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/fault"
)

// digestHour is the hour of the day, here, from which that day's digest is sent.
const digestHour = 8

// QueueDigest queues the digest of a day for the endpoints that want one, once. A day on
// which the dashboard does not run has none.
func (d *DB) QueueDigest(ctx context.Context) error {
	here := d.now().Local()
	if here.Hour() < digestHour {
		return nil
	}
	day := here.Format(time.DateOnly)
	var done bool
	if err := d.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM digests WHERE day = ?)", day).Scan(&done); err != nil || done {
		return err
	}
	all, err := d.Endpoints(ctx)
	if err != nil {
		return err
	}
	var to []Endpoint
	for _, e := range all {
		if e.Filter.Digest && e.DisabledAt == 0 {
			to = append(to, e)
		}
	}
	if len(to) == 0 {
		return nil
	}
	digest, err := d.digest(ctx, day)
	if err != nil {
		return err
	}
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO digests (day, at) VALUES (?, ?)", day, d.at())
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return err // another one was faster
		}
		for k := range to {
			m := &notify.Message{Event: notify.Digest, At: d.at(), Digest: digest.For(&to[k].Filter)}
			if err := d.queue(ctx, tx, &to[k], m); err != nil {
				return err
			}
		}
		fault.Point("webhook-digest")
		return nil
	})
}

// digest is what happened to all projects.
func (d *DB) digest(ctx context.Context, day string) (*notify.DigestOf, error) {
	projects, err := d.Projects(ctx)
	if err != nil {
		return nil, err
	}
	open, err := d.Alerts(ctx, "")
	if err != nil {
		return nil, err
	}
	since := d.at() - event.Time(24*time.Hour)
	past, err := list(ctx, d.read, scanAlert, "SELECT "+alertColumns+" WHERE a.state = 'resolved' AND a.resolved_at >= ?", since)
	if err != nil {
		return nil, err
	}
	digest := &notify.DigestOf{Day: day}
	for k := range projects {
		p := &projects[k]
		if p.Status == Paused {
			continue
		}
		c := p.State.Counters
		one := notify.DigestProject{Slug: p.Slug, Open: c.Open, Overdue: c.Overdue, Blocked: c.Blocked, Agents: c.ActiveAgents, Alerts: map[alerts.Severity]int{}}
		for k := range open {
			if a := &open[k]; a.Project == p.ID && a.Active() {
				one.Alerts[a.Severity]++
				if a.Opened >= since {
					one.Opened++
				}
			}
		}
		for k := range past {
			if a := &past[k]; a.Project == p.ID {
				one.Resolved++
				if a.Opened >= since {
					one.Opened++
				}
			}
		}
		digest.Projects = append(digest.Projects, one)
	}
	return digest, nil
}
