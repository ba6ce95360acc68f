package store

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// File is the projection in a store's file. It gives the same answers as Memory. If
// anything is wrong with the file, it answers from the Memory that recall creates from the
// same refs.
type File struct {
	store  *Store
	inputs []byte
	recall func() (*Memory, error)
	seen   func() map[string]event.AgentPresence

	mu      sync.Mutex
	open    *opened // nil once the file has failed
	reading bool    // in a transaction
	idle    *time.Timer
	memory  *Memory // once the file has failed

	answers
}

// answers are what was asked before.
type answers struct {
	rows  map[event.UUID]*issueRow // without texts; nil is none
	texts map[event.UUID]*Issue    // with them
	near  map[nearKey]string
	miles map[event.UUID]*reducer.Milestone
	marks map[string][]delta.Mark
	alias map[uint64]uint64

	milesN map[event.UUID]uint64 // numbers of milestones

	linesRead int // by Newest
}

// idleAfter is how long the file stays locked for a command that asks nothing
// more: one that waits for its pager must not keep others from writing.
const idleAfter = 50 * time.Millisecond

// Open returns the projection and its header if the store was made from the state with the
// hash inputs. recall creates the Memory of that state; seen returns the heartbeats
// outside the logs. Any error means that the store cannot be used.
func (s *Store) Open(inputs []byte, recall func() (*Memory, error), seen func() map[string]event.AgentPresence) (*File, []byte, error) {
	if of, ok := readStamp(s.Path); !ok || !bytes.Equal(of, inputs) {
		return nil, nil, errOther
	}
	o, err := openAt(s.Path)
	if err != nil {
		return nil, nil, err
	}
	o.inputs = inputs
	f := s.file(o, recall, seen)
	note, err := f.Header()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, note, nil
}

func (s *Store) file(o *opened, recall func() (*Memory, error), seen func() map[string]event.AgentPresence) *File {
	f := &File{store: s, inputs: o.inputs, recall: recall, seen: seen, open: o, answers: answers{rows: map[event.UUID]*issueRow{}, texts: map[event.UUID]*Issue{}, marks: map[string][]delta.Mark{}}}
	f.idle = time.AfterFunc(idleAfter, f.Release)
	return f
}

// Cursor returns the saved cursor of a log; nil if there is none.
func (f *File) Cursor(agent string) ([]byte, error) { return f.saved(cursorQuery, agent) }

// Header returns what was saved with the state, without the logs.
func (f *File) Header() ([]byte, error) { return f.saved("SELECT header FROM head") }

// Index returns the saved index of all logs.
func (f *File) Index() ([]byte, error) { return f.saved(indexQuery) }

func (f *File) saved(query string, args ...any) (b []byte, err error) {
	if err = f.query(func(r *sql.Rows) error { return r.Scan(&b) }, query, args...); err != nil || b == nil {
		return nil, err
	}
	return unsummed(b)
}

// Inputs returns the hash of the state that the file contains.
func (f *File) Inputs() []byte { return f.inputs }

// Is reports whether the file contains the state with the hash inputs, and has had no
// error so far.
func (f *File) Is(inputs []byte) bool { return bytes.Equal(f.inputs, inputs) && f.whole() }

// See sets the function that returns the current heartbeats.
func (f *File) See(seen func() map[string]event.AgentPresence) { f.seen = seen }

// Close closes the file. No method may be called afterward.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle.Stop()
	f.shut()
	return nil
}

// shut closes the file.
func (f *File) shut() {
	if f.open != nil {
		f.open.close()
	}
	f.open, f.reading = nil, false
}

// take takes away what is open, nil if nothing is.
func (f *File) take() *opened {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle.Stop()
	f.commit()
	o := f.open
	f.open = nil
	return o
}

// Release ends the read transaction, so that the store can be written. Later calls return
// the same answers as before. A file that is not used for a while releases itself.
func (f *File) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commit()
}

// commit ends the read transaction. The caller holds mu.
func (f *File) commit() {
	if f.reading {
		f.open.conn.ExecContext(context.Background(), "COMMIT")
		f.reading = false
	}
}

// query runs a statement and gives each row of its result to each. The file
// must still be of the state it was opened for.
func (f *File) query(each func(*sql.Rows) error, query string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == nil {
		return errOther
	}
	if err := f.begin(); err != nil {
		return err
	}
	defer f.idle.Reset(idleAfter)
	return f.run(each, query, args...)
}

func (f *File) begin() error {
	if f.reading {
		return nil
	}
	return again(func() error {
		if _, err := f.open.conn.ExecContext(context.Background(), "BEGIN"); err != nil {
			return err
		}
		f.reading = true
		var of []byte
		err := f.run(func(r *sql.Rows) error { return r.Scan(&of) }, "SELECT inputs FROM head")
		if err == nil && !bytes.Equal(of, f.inputs) {
			err = errOther
		}
		if err != nil {
			f.open.conn.ExecContext(context.Background(), "ROLLBACK")
			f.reading = false
		}
		return err
	})
}

func (f *File) run(each func(*sql.Rows) error, query string, args ...any) error {
	s := f.open.stmts[query]
	if s == nil {
		var err error
		if s, err = f.open.conn.PrepareContext(context.Background(), query); err != nil {
			return err
		}
		f.open.stmts[query] = s
	}
	rows, err := s.Query(args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// fallen returns the Memory that answers from now on.
func (f *File) fallen() (*Memory, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.memory == nil {
		f.shut()
		m, err := f.recall()
		if err != nil {
			return nil, err
		}
		f.memory = m
	}
	return f.memory, nil
}

// whole reports whether the file has answered so far.
func (f *File) whole() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open != nil
}

// Changed returns when the store was last written; zero if that is unknown.
func (f *File) Changed() time.Time {
	st, err := os.Stat(f.store.Path)
	if err != nil {
		return time.Time{}
	}
	return st.ModTime()
}
