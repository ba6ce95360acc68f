package store

import (
	"database/sql"
	"sort"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// reduceAll reduces all objects, one after the other.
func (u *update) reduceAll() error {
	for _, k := range kinds {
		from := sort.Search(len(u.short), func(n int) bool { return u.short[n].kind >= k })
		to := sort.Search(len(u.short), func(n int) bool { return u.short[n].kind > k })
		r := reading{update: u}
		for _, a := range u.short[from:to] {
			if err := r.add(about(k, a.u), a.line); err != nil {
				return err
			}
		}
		from = sort.Search(len(u.long), func(n int) bool { return u.long[n].target.kind() >= k })
		to = sort.Search(len(u.long), func(n int) bool { return u.long[n].target.kind() > k })
		for _, a := range u.long[from:to] {
			if err := r.add(a.target, a.line); err != nil {
				return err
			}
		}
		if err := r.done(); err != nil {
			return err
		}
	}
	u.short, u.long = nil, nil
	return nil
}

// reading reads lines in the order of the objects that they are about, many at a
// time, and reduces each object when its lines are complete.
type reading struct {
	*update
	aims  []aim
	of    target
	state *reducer.State
}

// Bounds of what is read at a time.
const readLines = 64

func (r *reading) add(t target, line int64) error {
	if r.aims = append(r.aims, aim{t, line}); len(r.aims) < readLines {
		return nil
	}
	return r.read()
}

const readQuery = "SELECT id, row FROM line WHERE id IN (?"

// read reads the lines that were added.
func (r *reading) read() error {
	if len(r.aims) == 0 {
		return nil
	}
	args := make([]any, 0, readLines)
	for _, a := range r.aims {
		args = append(args, a.line)
	}
	for len(args) < readLines {
		args = append(args, args[0])
	}
	lines := make(map[int64]*event.Envelope, len(r.aims))
	if err := r.each(readQuery+strings.Repeat(",?", readLines-1)+")", args, func(rows *sql.Rows) error {
		var id int64
		var b sql.RawBytes
		if err := rows.Scan(&id, &b); err != nil {
			return err
		}
		e, err := unpackLine(b)
		lines[id] = e
		return err
	}); err != nil {
		return err
	}
	for _, a := range r.aims {
		if a.target != r.of {
			if err := r.next(a.target); err != nil {
				return err
			}
		}
		e := lines[a.line]
		if e == nil {
			return errRow
		}
		r.state.Apply(e)
	}
	r.aims = r.aims[:0]
	return nil
}

// next ends an object and begins another one.
func (r *reading) next(t target) error {
	if r.of != "" {
		r.sum = r.sum.Add(part(r.of, r.state))
		if err := r.object(r.of, r.state); err != nil {
			return err
		}
	}
	r.of, r.state = t, reducer.New()
	return nil
}

func (r *reading) done() error {
	if err := r.read(); err != nil {
		return err
	}
	return r.next("")
}
