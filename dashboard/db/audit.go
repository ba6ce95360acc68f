package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// Action is a row of the audit log. An action has one with outcome "started"
// before it runs and one with its outcome after; both have the request's id.
type Action struct {
	ID       int64      `json:"id"`
	At       event.Time `json:"at"`
	Request  string     `json:"request"`
	Session  string     `json:"session"`
	Remote   string     `json:"remote"`
	Operator string     `json:"operator"`
	Project  string     `json:"project"` // its slug then
	Verb     string     `json:"verb"`
	Subject  string     `json:"subject"`
	Payload  string     `json:"payload"`
	Outcome  string     `json:"outcome"` // started, ok, refused, failed, unconfirmed
	Error    string     `json:"error"`
	Lines    string     `json:"lines"` // what was written: "agent/seq …"
	PrevHash string     `json:"prev_hash"`
	Hash     string     `json:"hash"`
}

// Outcomes of an action.
const (
	Started     = "started"
	Succeeded   = "ok"
	Refused     = "refused"
	Failed      = "failed"
	Unconfirmed = "unconfirmed"
)

// sum is the hash of a row: of everything in it but its id and the hash.
func (a Action) sum() (string, error) {
	a.ID, a.Hash = 0, ""
	b, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:]), nil
}

const actionColumns = "id, at, request, session, remote, operator, project, verb, subject, payload, outcome, error, lines, prev_hash, hash"

func scanAction(r *sql.Rows, a *Action) error {
	return r.Scan(&a.ID, &a.At, &a.Request, &a.Session, &a.Remote, &a.Operator, &a.Project, &a.Verb, &a.Subject, &a.Payload, &a.Outcome, &a.Error, &a.Lines, &a.PrevHash, &a.Hash)
}

// Record appends a row to the audit log.
func (d *DB) Record(ctx context.Context, a Action) error {
	return d.tx(ctx, func(tx *sql.Tx) (err error) {
		err = tx.QueryRowContext(ctx, "SELECT hash FROM actions ORDER BY id DESC LIMIT 1").Scan(&a.PrevHash)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		a.At = d.at()
		if a.Hash, err = a.sum(); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO actions (at, request, session, remote, operator, project, verb, subject, payload, outcome, error, lines, prev_hash, hash)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
			a.At, a.Request, a.Session, a.Remote, a.Operator, a.Project, a.Verb, a.Subject, a.Payload, a.Outcome, a.Error, a.Lines, a.PrevHash, a.Hash)
		return err
	})
}

// Actions returns at most limit rows of the audit log before an id, newest
// first; before 0 is from the newest.
func (d *DB) Actions(ctx context.Context, before int64, limit int) ([]Action, error) {
	return list(ctx, d.read, scanAction, "SELECT "+actionColumns+" FROM actions WHERE ?1 = 0 OR id < ?1 ORDER BY id DESC LIMIT ?2", before, limit)
}

// Acted returns the rows recorded for a request; none if the request is new.
func (d *DB) Acted(ctx context.Context, request string) ([]Action, error) {
	return list(ctx, d.read, scanAction, "SELECT "+actionColumns+" FROM actions WHERE request = ? ORDER BY id", request)
}

// auditDays is the setting of how long rows are kept: 0 is forever, else at least
// leastAudit. It counts for all projects alike.
const (
	auditDays  = "audit.days"
	leastAudit = 90
)

// TrimActions removes the oldest rows, if that was set. The rest is still a chain, whose
// start is stored with it.
func (d *DB) TrimActions(ctx context.Context) error {
	set, err := d.Settings(ctx, "")
	if err != nil || set.Audit == 0 {
		return err
	}
	return d.tx(ctx, func(tx *sql.Tx) error {
		// only rows before the first that is kept: the clock may have jumped
		gone, err := tx.ExecContext(ctx, "DELETE FROM actions WHERE id < coalesce((SELECT min(id) FROM actions WHERE at >= ?), 0)", d.at()-event.Time(set.Audit)*event.Time(24*time.Hour))
		if err != nil {
			return err
		}
		n, err := gone.RowsAffected()
		if err != nil {
			return err
		}
		then := "NOTHING" // a start that is missing now was not removed here
		if n > 0 {
			then = "UPDATE SET prev_hash = excluded.prev_hash"
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO actions_start (one, prev_hash) SELECT 1, prev_hash FROM (SELECT prev_hash FROM actions ORDER BY id LIMIT 1) WHERE prev_hash != '' ON CONFLICT DO "+then)
		return err
	})
}

// VerifyActions checks the chain of the audit log. A row that was changed or taken out is
// named, also at the start, unless TrimActions removed it. Rows that were cut off at the end
// cannot be seen.
func (d *DB) VerifyActions(ctx context.Context) (rows int, err error) {
	set, err := d.Settings(ctx, "")
	if err != nil {
		return 0, err
	}
	all, err := list(ctx, d.read, scanAction, "SELECT "+actionColumns+" FROM actions ORDER BY id")
	if err != nil {
		return 0, err
	}
	prev := ""
	err = d.read.QueryRowContext(ctx, "SELECT prev_hash FROM actions_start").Scan(&prev)
	trimmed := set.Audit > 0 // by a program that did not store the start
	switch {
	case err == nil:
		trimmed = false
	case !errors.Is(err, sql.ErrNoRows):
		return 0, err
	}
	for k, a := range all {
		sum, err := a.sum()
		if err != nil {
			return 0, err
		}
		if a.PrevHash != prev && !(k == 0 && trimmed) {
			return k, fmt.Errorf("a row before row %d of the audit log is missing", a.ID)
		}
		if sum != a.Hash {
			return k, fmt.Errorf("row %d of the audit log was changed", a.ID)
		}
		prev = a.Hash
	}
	return len(all), nil
}
