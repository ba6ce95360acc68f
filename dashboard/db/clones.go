package db

import (
	"cmp"
	"context"
	"database/sql"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/event"
)

// clone is another project that is a clone of the same hub.
type clone struct {
	id, slug string
	read     bool // it is polled, and the last poll succeeded
	place    Place
}

// clones are the other projects with the hub of one. Each of them sees the problems of the
// hub. A problem is notified of once: when the first clone sees it begin, and when the last
// one sees it end.
type clones []clone

// clonesOf finds the other clones of the hub of the project that was polled.
func clonesOf(ctx context.Context, tx *sql.Tx, in Poll) (clones, error) {
	if in.Facts.Health.Hub == "" {
		return nil, nil
	}
	all, err := list(ctx, tx, func(r *sql.Rows, t *clone) error { return r.Scan(&t.id, &t.slug, &t.read, &t.place.Path, &t.place.URL) },
		`SELECT p.id, p.slug, p.status = 'active' AND p.poll_error = '', l.path, l.url FROM projects p JOIN places l ON l.project_id = p.id
			WHERE p.hub_id = ?1 OR p.id = ?2 ORDER BY p.added_at, p.slug`, in.Facts.Health.Hub, in.Project.ID)
	if err != nil {
		return nil, err
	}
	hub := ""
	if k := slices.IndexFunc(all, func(t clone) bool { return t.id == in.Project.ID }); k >= 0 {
		hub = HubKey(in.Facts.Health.Hub, all[k].place)
	}
	return slices.DeleteFunc(all, func(t clone) bool {
		return hub == "" || t.id == in.Project.ID || HubKey(in.Facts.Health.Hub, t.place) != hub
	}), nil
}

// HubKey is equal for clones of one hub: those that have the same hub id and the same URL,
// whatever its scheme and user; "" if the id is not known. A repository without a URL may be
// the hub itself. The id alone is not enough: it is part of the tracker, so every copy of the
// tracker on another server has it, too.
func HubKey(id string, p Place) string {
	if id == "" || p.URL == "" && p.Path == "" {
		return ""
	}
	return id + " " + location(cmp.Or(p.URL, p.Path), p.Path)
}

// defaultPorts are the ports that a URL need not name.
var defaultPorts = map[string]string{"ssh": "22", "http": "80", "https": "443", "git": "9418"}

// location is the host and the path of a URL as git takes it. The path of a hub on this
// machine is relative to the repository at base.
func location(at, base string) string {
	if u, err := url.Parse(at); err == nil && strings.Contains(at, "://") && u.Scheme != "file" {
		host := strings.ToLower(u.Hostname())
		if port := u.Port(); port != "" && port != defaultPorts[u.Scheme] {
			host += ":" + port
		}
		return remoteLocation(host, u.Path)
	}
	at, file := strings.CutPrefix(at, "file://")
	if host, rest, found := strings.Cut(at, ":"); found && !file && !strings.Contains(host, "/") {
		return remoteLocation(strings.ToLower(host[strings.LastIndexByte(host, '@')+1:]), rest)
	}
	if !filepath.IsAbs(at) {
		at = filepath.Join(base, at)
	}
	return strings.TrimSuffix(filepath.Clean(at), string(filepath.Separator)+".git")
}

// remoteLocation is a host and a path on it, however the path is written.
func remoteLocation(host, at string) string {
	return host + strings.TrimSuffix(path.Clean("/"+at), ".git")
}

// slugs are the other names under which an alert may be asked for.
func (c clones) slugs(a *alerts.Alert) (all []string) {
	if ofClone(a) {
		return nil
	}
	for _, o := range c {
		all = append(all, o.slug)
	}
	return all
}

// ofClone reports whether an alert is about a clone, and not about its hub.
func ofClone(a *alerts.Alert) bool { return strings.HasPrefix(a.Subject, "project:") }

// silence makes silences of another clone hold for the project, too: it is the same hub.
func (c clones) silence(project string, all []alerts.Silence) {
	for k := range all {
		if slices.ContainsFunc(c, func(o clone) bool { return o.id == all[k].Project }) {
			all[k].Project = project
		}
	}
}

// notified reports whether another clone has notified of the same thing already, or will.
func (c clones) notified(ctx context.Context, tx *sql.Tx, x *alerts.Transition) (bool, error) {
	if x.Notice == alerts.NoNotice || ofClone(&x.Alert) {
		return false, nil
	}
	for _, o := range c {
		rows, err := list(ctx, tx, scanAlert, "SELECT "+alertColumns+" WHERE a.project_id = ? AND a.kind = ? AND a.subject = ? AND a.state != 'resolved' AND a.notified", o.id, x.Alert.Kind, x.Alert.Subject)
		if err != nil {
			return false, err
		}
		open := len(rows) > 0
		since := event.Time(-1) // from when on a notice of the other clone is about this
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
