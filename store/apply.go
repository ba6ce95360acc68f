package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"maps"
	"os"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// A store is brought from one state to the next by a Delta. Its lines are kept, and
// each object that a new line is about, or one that no longer counts, is reduced
// again from all lines about it (reduce.go). What an object's row shows of others is
// put together from their rows (graph.go, near.go). The rules are the reducer's.
// A rebuild is the Delta from the empty state: objects are reduced one after the
// other, so neither all lines nor all objects are in memory.

// Apply brings the store to the state that next's Delta leads to, and opens it; see
// Open. next is called while nobody else writes, with what the Delta before left;
// Inputs is nil there if the store has to be made again. It may return ErrNeedsRebuild
// to be called once more with that, or a Delta from the empty state at once. Any error
// means that the store is not of the new state; the end of ctx is one. was is the store as it was opened
// before, nil if it was not; from now on it answers from memory.
func (s *Store) Apply(ctx context.Context, was *File, next Next, recall func() (*Memory, error), seen func() map[string]event.AgentPresence) (*File, Written, error) {
	unlock, ok := s.Lock(false)
	if !ok {
		if _, good := readStamp(s.Path); !good {
			unlock, ok = s.Lock(true)
		}
	}
	if !ok {
		return nil, Written{}, ErrBusy
	}
	defer unlock()
	if inputs, good := readStamp(s.Path); good {
		a, err := s.reopen(was)
		if err != nil {
			return nil, Written{}, err
		}
		w, err := s.applyTo(ctx, a, inputs, next)
		if err == nil {
			return s.file(a, recall, seen), w, nil
		}
		if code := sqliteCode(err); code == codeBusy || code == codeFull || code == codeReadOnly || ctx.Err() != nil {
			return nil, Written{}, err // the file is as it was
		}
		if given := (*givenError)(nil); errors.As(err, &given) && !errors.Is(err, ErrNeedsRebuild) {
			return nil, Written{}, given.error
		}
		if whole := (*wholeError)(nil); errors.As(err, &whole) {
			next = func(Saved) (*delta.Delta, error) { return whole.d, nil }
		}
	}
	a, w, err := s.anew(ctx, next)
	if err != nil {
		if given := (*givenError)(nil); errors.As(err, &given) {
			err = given.error
		}
		return nil, Written{}, err
	}
	return s.file(a, recall, seen), w, nil
}

// givenError is an error of who makes the Delta, not of the store.
type givenError struct{ error }

func (e *givenError) Unwrap() error { return e.error }

// wholeError is a Delta from the empty state for a store that holds another one.
type wholeError struct{ d *delta.Delta }

func (e *wholeError) Error() string { return ErrNeedsRebuild.Error() }

// opened is a database that is open.
type opened struct {
	path   string
	file   os.FileInfo // that was there just before
	db     *sql.DB
	conn   *sql.Conn // one connection, which has the one transaction
	stmts  map[string]*sql.Stmt
	inputs []byte // of the state it is of, once that is known
}

func openAt(path string) (*opened, error) {
	o := &opened{path: path, stmts: map[string]*sql.Stmt{}}
	var err error
	if o.file, err = os.Lstat(path); err == nil {
		o.db, o.conn, err = open(path)
	}
	return o, err
}

func (o *opened) close() {
	for _, s := range o.stmts {
		s.Close()
	}
	o.conn.Close()
	o.db.Close()
}

// reopen opens the store, or takes over from a File what that has open of it.
func (s *Store) reopen(was *File) (*opened, error) {
	if was != nil {
		if o := was.take(); o != nil {
			now, err := os.Lstat(s.Path)
			if err == nil && os.SameFile(now, o.file) {
				return o, nil
			}
			o.close()
		}
	}
	return openAt(s.Path)
}

// anew creates a whole new file and moves it into place. Readers of the old file continue to
// read it.
func (s *Store) anew(ctx context.Context, next Next) (*opened, Written, error) {
	tmp := s.Path + "-new"
	for _, leftover := range []string{tmp, tmp + "-journal"} {
		if err := os.Remove(leftover); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, Written{}, err
		}
	}
	if err := statefile.Write(tmp, nil); err != nil {
		return nil, Written{}, err
	}
	defer os.Remove(tmp)
	a, err := openAt(tmp)
	if err != nil {
		return nil, Written{}, err
	}
	w, err := s.applyTo(ctx, a, nil, next)
	if err != nil {
		return nil, Written{}, err
	}
	a.close()
	if err := os.Remove(s.Path + "-journal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, Written{}, err // it would be taken for the new file's
	}
	if err := os.Rename(tmp, s.Path); err != nil {
		return nil, Written{}, err
	}
	if err := writeStamp(s.Path, a.inputs); err != nil {
		return nil, Written{}, err
	}
	is, err := openAt(s.Path)
	if err != nil {
		return nil, Written{}, err
	}
	is.inputs, w.Anew, w.Followed = a.inputs, true, false
	return is, w, nil
}

// applyTo applies a Delta to a database: all of it, or nothing, and then it is
// closed. inputs are those of the file's stamp, nil if it is empty.
func (s *Store) applyTo(ctx context.Context, a *opened, inputs []byte, next Next) (Written, error) {
	u := &update{writer: newWriter(ctx, a.conn), bulk: inputs == nil}
	err := writable(a.conn)
	if err == nil {
		err = u.start()
	}
	if err == nil {
		err = u.within(func() error {
			if err := u.begin(inputs); err != nil {
				return err
			}
			was := saved{u, inputs}
			d, err := next(was)
			if err != nil {
				return &givenError{err}
			}
			switch a.inputs = d.To; {
			case bytes.Equal(d.From, inputs):
			case d.From == nil:
				return &wholeError{d}
			default:
				return ErrNeedsRebuild
			}
			return u.apply(d)
		})
	}
	u.close()
	if err == nil && !u.bulk {
		err = writeStamp(a.path, a.inputs)
	}
	if err != nil {
		a.close()
		return Written{}, err
	}
	return Written{Followed: true, Rows: u.count}, nil
}

// begin reads what the file holds of the Delta before, which must be of the state
// that inputs stand for.
func (u *update) begin(inputs []byte) error {
	if inputs == nil {
		return nil
	}
	var of, sum []byte
	_, err := u.one("SELECT inputs, header, sum, EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'words') FROM head", nil, &of, &u.saved, &sum, &u.words)
	if err != nil || !bytes.Equal(of, inputs) {
		return errors.Join(err, errOther)
	}
	if len(sum) != len(u.sum) {
		return errRow
	}
	u.sum = reducer.Sum(sum)
	return nil
}

// saved is what a file holds of the Delta before.
type saved struct {
	u      *update
	inputs []byte
}

func (s saved) Inputs() []byte { return s.inputs }

func (s saved) Header() ([]byte, error) {
	if s.inputs == nil {
		return nil, nil
	}
	return unsummed(s.u.saved)
}

const (
	cursorQuery = "SELECT cursor FROM log WHERE agent = ?"
	indexQuery  = "SELECT logs FROM logs"
)

func (s saved) Cursor(agent string) ([]byte, error) { return s.one(cursorQuery, agent) }

func (s saved) Index() ([]byte, error) { return s.one(indexQuery) }

func (s saved) one(query string, args ...any) (b []byte, err error) {
	if _, err = s.u.one(query, args, &b); err != nil || b == nil {
		return nil, err
	}
	return unsummed(b)
}

// start prepares an empty file.
func (u *update) start() error {
	if !u.bulk {
		return nil
	}
	for _, q := range []string{"PRAGMA journal_mode=OFF", schema} { // nobody sees this file before it is whole
		if _, err := u.conn.ExecContext(context.Background(), q); err != nil {
			return err
		}
	}
	return nil
}

func (u *update) apply(d *delta.Delta) error {
	u.init()
	if d.Base != nil {
		if err := u.records(d.Base); err != nil {
			return err
		}
	}
	if d.Logs != nil {
		for l, err := range d.Logs {
			if err != nil {
				return &givenError{err}
			}
			if err := u.log(&l); err != nil {
				return err
			}
		}
	}
	for _, do := range []func() error{u.flush, func() error { return u.decide(d) }, u.reduce, u.flush, u.ties, u.flush, u.shorts, u.flush} {
		if err := do(); err != nil {
			return err
		}
	}
	return u.head(d)
}

func (u *update) head(d *delta.Delta) error {
	if d.Index != nil {
		if err := u.change("logs", "INSERT INTO logs (one, logs) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET logs = excluded.logs", summed(append([]byte{}, d.Index...))); err != nil {
			return err
		}
	}
	u.count["head"]++
	return u.exec("INSERT INTO head (one, inputs, header, sum) VALUES (1, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET inputs = excluded.inputs, header = excluded.header, sum = excluded.sum",
		append([]byte{}, d.To...), summed(append([]byte{}, d.Header...)), u.sum[:])
}

// milestones writes the numbers of milestones.
func (u *update) milestones(d *delta.Delta) error {
	if d.Milestones == nil {
		return nil
	}
	was, err := numbersIn(func(take func(*sql.Rows) error, q string, args ...any) error { return u.each(q, args, take) })
	if err != nil {
		return err
	}
	for m, n := range was {
		if d.Milestones[m] != n {
			if err := u.change("milestone_number", "DELETE FROM milestone_number WHERE milestone = ?", m[:]); err != nil {
				return err
			}
		}
	}
	for m, n := range d.Milestones {
		if was[m] != n {
			if err := u.insert("milestone_number", int64(n), m[:]); err != nil {
				return err
			}
		}
	}
	return nil
}

// decide writes numbers, aliases and locks.
func (u *update) decide(d *delta.Delta) error {
	for _, do := range []func(*delta.Delta) error{u.numbers, u.milestones, u.aliases, u.locks} {
		if err := do(d); err != nil {
			return err
		}
	}
	return u.flush()
}

func (u *update) numbers(d *delta.Delta) error {
	if d.Renumbered && !u.bulk {
		all, err := u.ids("SELECT issue FROM number")
		if err != nil {
			return err
		}
		for _, issue := range all {
			u.decided[issue] = true
		}
		if err := u.change("number", "DELETE FROM number"); err != nil {
			return err
		}
	}
	if u.bulk {
		u.given = d.Numbers
	}
	for issue, n := range d.Numbers {
		if u.bulk {
			if err := u.insert("number", int64(n), issue[:]); err != nil {
				return err
			}
			continue
		}
		u.decided[issue] = true
		if err := u.change("number", "INSERT OR REPLACE INTO number (k, issue) VALUES (?, ?)", int64(n), issue[:]); err != nil {
			return err
		}
	}
	return nil
}

func (u *update) aliases(d *delta.Delta) error {
	rest := maps.Clone(d.Aliases)
	var gone []int64
	if err := u.each("SELECT k, now FROM alias", nil, func(r *sql.Rows) error {
		var lost, now int64
		err := r.Scan(&lost, &now)
		if rest[uint64(lost)] == uint64(now) {
			delete(rest, uint64(lost))
		} else {
			gone = append(gone, lost)
		}
		return err
	}); err != nil {
		return err
	}
	for _, lost := range gone {
		if err := u.change("alias", "DELETE FROM alias WHERE k = ?", lost); err != nil {
			return err
		}
	}
	for lost, now := range rest {
		if err := u.insert("alias", int64(lost), int64(now)); err != nil {
			return err
		}
	}
	return nil
}

func (u *update) locks(d *delta.Delta) error {
	for issue, l := range d.Locks {
		u.decided[issue] = true
		q, args := "DELETE FROM lock WHERE issue = ?", []any{issue[:]}
		if row := lockOf(l); row != nil {
			q, args = "INSERT INTO lock (issue, row) VALUES (?, ?) ON CONFLICT DO UPDATE SET row = excluded.row", append(args, pack(row))
		}
		if err := u.change("lock", q, args...); err != nil {
			return err
		}
	}
	return nil
}
