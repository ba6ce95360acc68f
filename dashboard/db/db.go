// Package db is the dashboard's own database, dashboard.db: watched projects, their alerts
// and acknowledgements, and the log of actions. Unlike a tracker's store it is not a cache: it
// is migrated and backed up, and cannot be rebuilt.
//
// One process writes it. Writes go through one connection and are durable when
// they return; reads have connections of their own.
package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver registers itself

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/fault"
)

//go:embed schema/*.sql
var schema embed.FS

// Schema is the version of the schema that this program writes.
const Schema = 8

// File is the name of the database in its directory.
const File = "dashboard.db"

// kept is how many backups are kept.
const kept = 7

// ErrNewer says that a newer program has written the database.
var ErrNewer = errors.New("the database was written by a newer version of the dashboard")

// ErrNotFound says that there is no such row.
var ErrNotFound = errors.New("not found")

// DB is an open database. It may be used by several goroutines.
type DB struct {
	path        string
	now         func() time.Time
	write, read *sql.DB
}

// Open opens the database in dir, and creates or migrates it if necessary. A nil now is
// time.Now.
func Open(ctx context.Context, dir string, now func() time.Time) (*DB, error) {
	if now == nil {
		now = time.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d := &DB{path: filepath.Join(dir, File), now: now}
	f, err := os.OpenFile(d.path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite would take the umask's mode
	if err != nil {
		return nil, err
	}
	f.Close()
	if d.write, err = connect(d.path, 1, "journal_mode(wal)", "synchronous(full)"); err != nil {
		return nil, err
	}
	if d.read, err = connect(d.path, 4, "query_only(1)"); err == nil {
		err = d.migrate(ctx)
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("open '%s': %w", d.path, err)
	}
	return d, nil
}

func connect(path string, conns int, pragmas ...string) (*sql.DB, error) {
	q := url.Values{
		"_pragma": append([]string{"busy_timeout(5000)", "foreign_keys(1)", "trusted_schema(0)"}, pragmas...),
		"_txlock": {"immediate"},
	}
	at := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", at.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// Close closes it.
func (d *DB) Close() error {
	var errs []error
	for _, db := range []*sql.DB{d.read, d.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

func (d *DB) migrate(ctx context.Context) error {
	var have int
	if err := d.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	if have > Schema {
		return fmt.Errorf("%w (schema %d, this one knows %d)", ErrNewer, have, Schema)
	}
	for v := have + 1; v <= Schema; v++ {
		if have > 0 {
			if _, err := d.Backup(ctx); err != nil {
				return err
			}
		}
		text, err := schema.ReadFile(fmt.Sprintf("schema/%d.sql", v))
		if err != nil {
			return err
		}
		err = d.tx(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", v))
			fault.Point("dashboard-migrate")
			return err
		})
		if err != nil {
			return fmt.Errorf("migrate to schema %d: %w", v, err)
		}
	}
	return nil
}

// Backup writes a copy beside the database and returns its path. Old copies
// are removed.
func (d *DB) Backup(ctx context.Context) (string, error) {
	to := d.path + "." + d.now().UTC().Format(stampForm) + ".bak"
	if _, err := d.write.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return "", fmt.Errorf("back up to '%s': %w", to, err)
	}
	if err := os.Chmod(to, 0o600); err != nil {
		return "", err
	}
	old, err := d.Backups()
	for len(old) > kept && err == nil {
		err = os.Remove(old[0])
		old = old[1:]
	}
	return to, err
}

// stampForm is the time in the name of a copy.
const stampForm = "20060102T150405.000000000"

// BackupDaily writes a copy unless there is one that is less than a day old.
func (d *DB) BackupDaily(ctx context.Context) error {
	all, err := d.Backups()
	if err != nil {
		return err
	}
	if len(all) > 0 {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(all[len(all)-1]), File+"."), ".bak")
		if at, err := time.Parse(stampForm, name); err == nil && d.now().Sub(at) < 24*time.Hour {
			return nil
		}
	}
	_, err = d.Backup(ctx)
	return err
}

// CheckFile reads the whole database and reports damage.
func (d *DB) CheckFile(ctx context.Context) error {
	found, err := list(ctx, d.read, func(r *sql.Rows, s *string) error { return r.Scan(s) }, "PRAGMA integrity_check(1)")
	if err == nil && (len(found) != 1 || found[0] != "ok") {
		err = fmt.Errorf("the database is damaged: %s", strings.Join(found, "; "))
	}
	return err
}

// Backups are the paths of the copies there are, oldest first.
func (d *DB) Backups() ([]string, error) {
	all, err := os.ReadDir(filepath.Dir(d.path))
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(e fs.DirEntry) bool {
		return !strings.HasPrefix(e.Name(), File+".") || !strings.HasSuffix(e.Name(), ".bak")
	})
	var paths []string
	for _, e := range all {
		paths = append(paths, filepath.Join(filepath.Dir(d.path), e.Name()))
	}
	return paths, nil
}

// tx runs do in a transaction that has the write lock from the start.
func (d *DB) tx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// change runs one statement that must change a row.
func (d *DB) change(ctx context.Context, query string, args ...any) error {
	r, err := d.write.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrNotFound)
	}
	return nil
}

// querier is what a transaction and a connection have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// list collects the rows of a query.
func list[T any](ctx context.Context, q querier, scan func(*sql.Rows, *T) error, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		var one T
		if err := scan(rows, &one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

func (d *DB) at() event.Time { return event.TimeOf(d.now()) }
