package db

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/event"
)

// twin is another project with the same hub: another clone of it.
type twin struct {
	id, slug string
	read     bool // it is polled, and the last poll succeeded
}

// twins are the other projects with the hub of one. What is wrong with a hub is seen
// through each of its clones and told once: by the first that sees it begin, and by the
// last that sees it end.
type twins []twin

// twinsOf finds the twins of the project that was polled.
func twinsOf(ctx context.Context, tx *sql.Tx, in Poll) (twins, error) {
	if in.Facts.Health.Hub == "" {
		return nil, nil
	}
	return list(ctx, tx, func(r *sql.Rows, t *twin) error { return r.Scan(&t.id, &t.slug, &t.read) },
		"SELECT id, slug, status = 'active' AND poll_error = '' FROM projects WHERE hub_id = ? AND id != ? ORDER BY added_at, slug", in.Facts.Health.Hub, in.Project.ID)
}

// slugs are the other names under which an alert may be asked for.
func (t twins) slugs(a *alerts.Alert) (all []string) {
	if ofClone(a) {
		return nil
	}
	for _, o := range t {
		all = append(all, o.slug)
	}
	return all
}

// ofClone reports whether an alert is about a clone, and not about its hub.
func ofClone(a *alerts.Alert) bool { return strings.HasPrefix(a.Subject, "project:") }

// silence makes silences of a twin hold for the project, too: it is the same hub.
func (t twins) silence(project string, all []alerts.Silence) {
	for k := range all {
		if slices.ContainsFunc(t, func(o twin) bool { return o.id == all[k].Project }) {
			all[k].Project = project
		}
	}
}

// told reports whether a twin has informed of the same thing already, or will.
func (t twins) told(ctx context.Context, tx *sql.Tx, x *alerts.Transition) (bool, error) {
	if x.Notice == alerts.NoNotice || ofClone(&x.Alert) {
		return false, nil
	}
	for _, o := range t {
		rows, err := list(ctx, tx, scanAlert, "SELECT "+alertColumns+" WHERE a.project_id = ? AND a.kind = ? AND a.subject = ? AND a.state != 'resolved' AND a.notified", o.id, x.Alert.Kind, x.Alert.Subject)
		if err != nil {
			return false, err
		}
		open := len(rows) > 0
		since := event.Time(-1) // from when on a notice of the twin is about this
		switch x.Notice {
		case alerts.NoticeFiring:
			if open {
				return true, nil
			}
			continue
		case alerts.NoticeResolved:
			if open && o.read {
				return true, nil
			}
			since = x.Alert.Opened
		case alerts.NoticeFlapped:
			since = x.Alert.Opened
		}
		var done bool
		err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM alert_events e JOIN alerts a ON a.id = e.alert_id
			WHERE a.project_id = ? AND a.kind = ? AND a.subject = ? AND e.notice = ? AND e.at >= ?)`, o.id, x.Alert.Kind, x.Alert.Subject, x.Notice, since).Scan(&done)
		if err != nil || done {
			return done, err
		}
	}
	return false, nil
}
