package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
)

// ErrBusy says that another process writes the store.
var ErrBusy = errors.New("the store is being written by another process")

// Written counts the rows that an update inserted, changed or deleted, by table.
type Written struct {
	Anew bool // the file was made anew
	Rows map[string]int
}

// Update makes the file hold what m answers. digest stands for all that m
// follows from; note is kept for whoever opens the file. Only rows that differ
// are written, all of them or none. What fails leaves a file that is not
// believed, or the one there was.
func (s *Store) Update(m *Memory, digest, note []byte) (Written, error) {
	unlock, ok := s.Lock()
	if !ok {
		return Written{}, ErrBusy
	}
	defer unlock()
	if _, good := readSeal(s.Path); good {
		w, err := s.write(s.Path, m, digest, note)
		if err == nil {
			return w, writeSeal(s.Path, digest, s.Create)
		}
		if code := sqliteCode(err); code == codeBusy || code == codeFull || code == codeReadOnly {
			return Written{}, err // the file is as it was
		}
	}
	return s.anew(m, digest, note)
}

// anew makes a whole file and puts it in place. Who reads the old one goes on
// reading it.
func (s *Store) anew(m *Memory, digest, note []byte) (Written, error) {
	tmp := s.Path + "-new"
	for _, leftover := range []string{tmp, tmp + "-journal"} {
		if err := os.Remove(leftover); err != nil && !errors.Is(err, os.ErrNotExist) {
			return Written{}, err
		}
	}
	if err := replace(tmp, nil, s.Create); err != nil {
		return Written{}, err
	}
	defer os.Remove(tmp)
	w, err := s.write(tmp, m, digest, note)
	if err != nil {
		return Written{}, err
	}
	w.Anew = true
	if err := os.Remove(s.Path + "-journal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Written{}, err // it would be taken for the new file's
	}
	if err := os.Rename(tmp, s.Path); err != nil {
		return Written{}, err
	}
	return w, writeSeal(s.Path, digest, s.Create)
}

func (s *Store) write(path string, m *Memory, digest, note []byte) (Written, error) {
	db, conn, err := open(path, true)
	if err != nil {
		return Written{}, err
	}
	defer db.Close()
	defer conn.Close()
	w := &writer{ctx: context.Background(), conn: conn, m: m, rows: map[string]int{}, stmts: map[string]*sql.Stmt{}}
	defer w.close()
	if st, err := os.Stat(path); err == nil && st.Size() == 0 {
		// nobody sees this file before it is whole
		if err := w.exec("PRAGMA journal_mode=OFF"); err != nil {
			return Written{}, err
		}
		if err := w.exec(schema); err != nil {
			return Written{}, err
		}
	}
	if err := again(func() error { return w.exec("BEGIN IMMEDIATE") }); err != nil {
		return Written{}, err
	}
	err = w.all(digest, note)
	if err == nil {
		err = again(func() error { return w.exec("COMMIT") })
	}
	if err != nil {
		w.exec("ROLLBACK")
		return Written{}, err
	}
	return Written{Rows: w.rows}, nil
}

// writer is one update.
type writer struct {
	ctx   context.Context
	conn  *sql.Conn
	m     *Memory
	rows  map[string]int
	stmts map[string]*sql.Stmt
}

func (w *writer) close() {
	for _, s := range w.stmts {
		s.Close()
	}
}

// exec runs a statement, prepared once if it has arguments.
func (w *writer) exec(query string, args ...any) error {
	if atStatement != nil {
		atStatement(query)
	}
	if len(args) == 0 {
		_, err := w.conn.ExecContext(w.ctx, query)
		return err
	}
	s := w.stmts[query]
	if s == nil {
		var err error
		if s, err = w.conn.PrepareContext(w.ctx, query); err != nil {
			return err
		}
		w.stmts[query] = s
	}
	_, err := s.ExecContext(w.ctx, args...)
	return err
}

// atStatement lets tests stop an update before any statement.
var atStatement func(query string)

func (w *writer) all(digest, note []byte) error {
	for _, do := range []func() error{w.issues, w.edges, w.comments, w.decided, w.milestones, w.agents, w.rejections, w.marks, w.logs} {
		if err := do(); err != nil {
			return err
		}
	}
	w.rows["head"]++
	return w.exec("INSERT INTO head (one, of, note) VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET of = excluded.of, note = excluded.note", digest, append([]byte{}, note...))
}

// row is a row of a table: its key and its other values.
type row struct {
	k    any
	vals []any
}

// sync makes a table hold these rows. Every table has columns k and sum; cols
// are the others.
func (w *writer) sync(table, cols string, rows iter.Seq[row]) error {
	old := map[string]string{}
	rs, err := w.conn.QueryContext(w.ctx, "SELECT k, sum FROM "+table)
	if err != nil {
		return err
	}
	defer rs.Close()
	keys := map[string]any{}
	for rs.Next() {
		var k any
		var sum []byte
		if err := rs.Scan(&k, &sum); err != nil {
			return err
		}
		id := keyOf(k)
		old[id], keys[id] = string(sum), k
	}
	if err := rs.Err(); err != nil {
		return err
	}
	names := strings.Split(cols, " ")
	put := fmt.Sprintf("INSERT INTO %s (k, sum, %s) VALUES (?, ?%s) ON CONFLICT (k) DO UPDATE SET sum = excluded.sum", table,
		strings.Join(names, ", "), strings.Repeat(", ?", len(names)))
	for _, n := range names {
		put += fmt.Sprintf(", %s = excluded.%s", n, n)
	}
	for r := range rows {
		sum := sumOf(r.vals)
		id := keyOf(r.k)
		was, there := old[id]
		delete(old, id)
		if there && was == string(sum) {
			continue
		}
		if err := w.exec(put, append([]any{r.k, sum}, r.vals...)...); err != nil {
			return err
		}
		w.rows[table]++
		if table == "issue" {
			if err := w.exec("INSERT OR IGNORE INTO unread SELECT id FROM issue WHERE k = ?", r.k); err != nil {
				return err
			}
		}
	}
	for id := range old {
		if err := w.exec("DELETE FROM "+table+" WHERE k = ?", keys[id]); err != nil {
			return err
		}
		w.rows[table]++
	}
	return nil
}

// keyOf makes a key comparable; those of one table are of one type.
func keyOf(k any) string {
	switch k := k.(type) {
	case []byte:
		return string(k)
	case string:
		return k
	}
	return fmt.Sprint(k)
}

// sumOf is a hash of values that no other values have.
func sumOf(vals []any) []byte {
	h := sha256.New()
	var b []byte
	for _, v := range vals {
		b = b[:0]
		switch v := v.(type) {
		case nil:
			b = append(b, 'n')
		case int64:
			b = binary.AppendVarint(append(b, 'i'), v)
		case string:
			b = append(binary.AppendUvarint(append(b, 's'), uint64(len(v))), v...)
		case []byte:
			b = append(binary.AppendUvarint(append(b, 'b'), uint64(len(v))), v...)
		default:
			panic(fmt.Sprintf("store: a value of type %T", v))
		}
		h.Write(b)
	}
	return h.Sum(nil)[:16]
}
