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
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// ErrBusy says that another process writes the store.
var ErrBusy = errors.New("the store is being written by another process")

// Written counts the rows that an update inserted, changed or deleted, by table.
type Written struct {
	Anew     bool // the file was made anew
	Followed bool // by what was new alone
	Rows     map[string]int
}

// Update makes the file hold what m answers, which is the state is. Only rows that differ
// are written, all of them or none. What fails leaves a file that is not
// believed, or the one there was.
func (s *Store) Update(m *Memory, is State) (Written, error) {
	unlock, ok := s.Lock()
	if !ok {
		return Written{}, ErrBusy
	}
	defer unlock()
	if _, good := readSeal(s.Path); good {
		w, err := s.transact(s.Path, m, func(w *writer) error { return w.all(is) })
		if err == nil {
			return w, writeSeal(s.Path, is.Digest)
		}
		if code := sqliteCode(err); code == codeBusy || code == codeFull || code == codeReadOnly {
			return Written{}, err // the file is as it was
		}
	}
	return s.anew(m, is)
}

// anew makes a whole file and puts it in place. Who reads the old one goes on
// reading it.
func (s *Store) anew(m *Memory, is State) (Written, error) {
	tmp := s.Path + "-new"
	for _, leftover := range []string{tmp, tmp + "-journal"} {
		if err := os.Remove(leftover); err != nil && !errors.Is(err, os.ErrNotExist) {
			return Written{}, err
		}
	}
	if err := statefile.Write(tmp, nil); err != nil {
		return Written{}, err
	}
	defer os.Remove(tmp)
	w, err := s.transact(tmp, m, func(w *writer) error { return w.all(is) })
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
	return w, writeSeal(s.Path, is.Digest)
}

// transact lets do write to the file at path: all of it, or nothing.
func (s *Store) transact(path string, m *Memory, do func(*writer) error) (Written, error) {
	db, conn, err := open(path, true)
	if err != nil {
		return Written{}, err
	}
	defer db.Close()
	defer conn.Close()
	w := newWriter(conn, m)
	defer w.close()
	if st, err := os.Stat(path); err == nil && st.Size() == 0 {
		// nobody sees this file before it is whole
		if err := w.exec("PRAGMA journal_mode=OFF"); err != nil {
			return Written{}, err
		}
		if err := w.exec(schema); err != nil {
			return Written{}, err
		}
		w.empty = true
	}
	err = w.within(func() error { return do(w) })
	return Written{Rows: w.count}, err
}

// writer is one update.
type writer struct {
	ctx   context.Context
	conn  *sql.Conn
	m     *Memory
	count map[string]int // rows written, by table
	stmts map[string]*sql.Stmt
	puts  map[string]string // statements of put, by table
	empty bool              // nothing was written yet
}

func newWriter(conn *sql.Conn, m *Memory) *writer {
	return &writer{ctx: context.Background(), conn: conn, m: m, count: map[string]int{}, stmts: map[string]*sql.Stmt{}, puts: map[string]string{}}
}

// within runs do in a transaction.
func (w *writer) within(do func() error) error {
	if err := again(func() error { return w.exec("BEGIN IMMEDIATE") }); err != nil {
		return err
	}
	err := do()
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

func (w *writer) all(is State) error {
	for _, do := range []func() error{w.issues, w.edges, w.comments, w.decided, w.milestones, w.agents, w.rejections, w.marks, w.logs} {
		if err := do(); err != nil {
			return err
		}
	}
	if w.empty {
		if err := w.exec("INSERT INTO unread SELECT id FROM issue"); err != nil {
			return err
		}
	}
	return w.head(is)
}

func (w *writer) head(is State) error {
	w.count["head"]++
	return w.exec("INSERT INTO head (one, of, note, rest) VALUES (1, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET of = excluded.of, note = excluded.note, rest = excluded.rest",
		is.Digest, summed(slices.Clip(is.Note)), summed(slices.Clip(is.Rest)))
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
	for r := range rows {
		id := keyOf(r.k)
		was, there := old[id]
		delete(old, id)
		if there && was == string(sumOf(r.vals)) {
			continue
		}
		if err := w.put(table, cols, r); err != nil {
			return err
		}
	}
	for id := range old {
		if err := w.exec("DELETE FROM "+table+" WHERE k = ?", keys[id]); err != nil {
			return err
		}
		w.count[table]++
	}
	return nil
}

// put writes one row. An issue's words are not in the index of words any more.
func (w *writer) put(table, cols string, r row) error {
	query := w.puts[table]
	if query == "" {
		names := strings.Split(cols, " ")
		query = fmt.Sprintf("INSERT INTO %s (k, sum, %s) VALUES (?, ?%s) ON CONFLICT (k) DO UPDATE SET sum = excluded.sum", table,
			strings.Join(names, ", "), strings.Repeat(", ?", len(names)))
		for _, n := range names {
			query += fmt.Sprintf(", %s = excluded.%s", n, n)
		}
		w.puts[table] = query
	}
	if err := w.exec(query, append([]any{r.k, sumOf(r.vals)}, r.vals...)...); err != nil {
		return err
	}
	w.count[table]++
	if table != "issue" || w.empty {
		return nil
	}
	return w.exec("INSERT OR IGNORE INTO unread SELECT id FROM issue WHERE k = ?", r.k)
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
