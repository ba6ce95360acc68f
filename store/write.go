package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// ErrBusy says that another process writes the store.
var ErrBusy = errors.New("the store is being written by another process")

// Written counts the rows that were inserted, changed or deleted, by table.
type Written struct {
	Anew     bool // the file was made again
	Followed bool // it was brought from one state to the next
	Rows     map[string]int
}

// writer is one transaction.
type writer struct {
	ctx     context.Context // once it ends, no prepared statement runs
	conn    *sql.Conn
	count   map[string]int // rows written, by table
	stmts   map[string]*sql.Stmt
	batches map[string]*batch
}

func newWriter(ctx context.Context, conn *sql.Conn) *writer {
	return &writer{ctx: ctx, conn: conn, count: map[string]int{}, stmts: map[string]*sql.Stmt{}, batches: map[string]*batch{}}
}

// within runs do in a transaction.
func (w *writer) within(do func() error) error {
	if err := again(func() error { return w.exec("BEGIN IMMEDIATE") }); err != nil {
		return err
	}
	err := do()
	if err == nil {
		err = w.flush()
	}
	if err == nil {
		err = again(func() error { return w.exec("COMMIT") })
	}
	if err != nil {
		w.exec("ROLLBACK")
	}
	return err
}

func (w *writer) close() {
	for _, s := range w.stmts {
		s.Close()
	}
}

// atStatement lets tests stop an update before any statement.
var atStatement func(query string)

// prepared keeps the context from the driver, which would watch it for each statement.
func (w *writer) prepared(query string) (s *sql.Stmt, err error) {
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	if s = w.stmts[query]; s == nil {
		if s, err = w.conn.PrepareContext(context.Background(), query); err != nil {
			return nil, err
		}
		w.stmts[query] = s
	}
	return s, nil
}

// do runs a statement, prepared once if it has arguments.
func (w *writer) do(query string, args ...any) (sql.Result, error) {
	if atStatement != nil {
		atStatement(query)
	}
	if len(args) == 0 {
		return w.conn.ExecContext(context.Background(), query)
	}
	s, err := w.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

func (w *writer) exec(query string, args ...any) error {
	_, err := w.do(query, args...)
	return err
}

// change is exec, and counts the rows of a table that it changes.
func (w *writer) change(table, query string, args ...any) error {
	r, err := w.do(query, args...)
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	if n > 0 {
		w.count[table] += int(n)
	}
	return err
}

// one reads the one row of a query, and reports whether there is one.
func (w *writer) one(query string, args []any, into ...any) (bool, error) {
	s, err := w.prepared(query)
	if err != nil {
		return false, err
	}
	err = s.QueryRowContext(context.Background(), args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each gives the rows of a query to do, which must not write to what is read.
func (w *writer) each(query string, args []any, do func(*sql.Rows) error) error {
	s, err := w.prepared(query)
	if err != nil {
		return err
	}
	rs, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer rs.Close()
	for rs.Next() {
		if err := do(rs); err != nil {
			return err
		}
	}
	return rs.Err()
}

// Bounds of a batch: a statement for each row takes three times as long.
const (
	batchRows  = 64
	batchBytes = 1 << 20
)

// batch holds rows that will be inserted together.
type batch struct {
	cols  int
	args  []any
	bytes int
	full  string // statement for batchRows rows
	one   string
}

// insert adds a new row to a table, which may be followed by its columns. The row
// may not be read before flush.
func (w *writer) insert(table string, vals ...any) error {
	b := w.batches[table]
	if b == nil {
		row := "(?" + strings.Repeat(",?", len(vals)-1) + ")"
		b = &batch{cols: len(vals), one: fmt.Sprintf("INSERT INTO %s VALUES %s", table, row)}
		b.full = b.one + strings.Repeat(","+row, batchRows-1)
		w.batches[table] = b
	}
	name, _, _ := strings.Cut(table, " ")
	w.count[name]++
	b.args = append(b.args, vals...)
	for _, v := range vals {
		if v, ok := v.([]byte); ok {
			b.bytes += len(v)
		}
	}
	if len(b.args) >= batchRows*b.cols || b.bytes > batchBytes {
		return w.flushBatch(b)
	}
	return nil
}

func (w *writer) flushBatch(b *batch) error {
	args := b.args
	b.args, b.bytes = b.args[:0], 0
	if len(args) == batchRows*b.cols {
		return w.exec(b.full, args...)
	}
	for ; len(args) > 0; args = args[b.cols:] {
		if err := w.exec(b.one, args[:b.cols]...); err != nil {
			return err
		}
	}
	return nil
}

// flush inserts what was added.
func (w *writer) flush() error {
	for _, b := range w.batches {
		if err := w.flushBatch(b); err != nil {
			return err
		}
	}
	return nil
}
