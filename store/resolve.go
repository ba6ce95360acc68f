package store

import (
	"cmp"
	"database/sql"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// candidates are what a prefix of a uuid may mean.
type candidates []struct {
	Candidate
	shown bool
}

func (f *File) candidates(query, kind, what, id string) (found candidates, bad, err error) {
	h, bad := prefix(what, id)
	if bad != nil {
		return nil, bad, nil
	}
	rest := 32 - len(h)
	from, _ := hex.DecodeString(h + strings.Repeat("0", rest))
	to, _ := hex.DecodeString(h + strings.Repeat("f", rest))
	near, err := f.nearIDs()
	if err != nil {
		return nil, nil, err
	}
	err = f.query(func(r *sql.Rows) error {
		var k []byte
		c := candidates{{}}[0]
		if err := r.Scan(&k, &c.shown); err != nil {
			return err
		}
		if len(k) != len(c.UUID) {
			return errRow
		}
		c.UUID = event.UUID(k)
		if c.Short = near[nearKey{kind, c.UUID}]; c.Short == "" {
			c.Short = alone(c.UUID)
		}
		found = append(found, c)
		return nil
	}, query+" AND x.k BETWEEN ? AND ? ORDER BY x.k", from, to)
	return found, nil, err
}

// Resolve returns the issue that id names: *NotFoundError, *AmbiguousError or
// *BadIDError if it does not name one.
func (f *File) Resolve(id string) (event.UUID, error) {
	return ask(f, func() (event.UUID, error, error) {
		if n, ok := number(id); ok {
			return f.numbered(id, n)
		}
		all, bad, err := f.candidates("SELECT x.k, x.shown FROM issue x WHERE 1", "i", "issue", id)
		if bad != nil || err != nil {
			return event.UUID{}, bad, err
		}
		var found []event.UUID
		for _, c := range all {
			if c.shown {
				found = append(found, c.UUID)
			}
		}
		if len(found) == 0 && len(all) == 1 {
			return event.UUID{}, &NotFoundError{What: "issue", ID: id, Deleted: all[0].Short}, nil
		}
		u, no := one(found, "issue", id, func(u event.UUID) (c Candidate) {
			var i *Issue
			if i, err = f.issue(u); i != nil {
				c = Candidate{u, i.Short, i.Title}
			}
			return c
		})
		return u, no, err
	}, func(m *Memory) (event.UUID, error) { return m.Resolve(id) })
}

func (f *File) numbered(id string, n uint64) (u event.UUID, no, err error) {
	find := func(n uint64) (u event.UUID, there bool, err error) {
		err = f.query(func(r *sql.Rows) error {
			var k []byte
			if err := r.Scan(&k); err != nil || len(k) != len(u) {
				return cmp.Or(err, errRow)
			}
			u, there = event.UUID(k), true
			return nil
		}, "SELECT issue FROM number WHERE k = ?", int64(n))
		return u, there, err
	}
	u, there, err := find(n)
	if err == nil && u == (event.UUID{}) {
		if now, lost := f.Aliases()[n]; lost {
			n = now
			u, there, err = find(n)
		}
	}
	if err != nil {
		return event.UUID{}, nil, err
	}
	i, err := f.issue(u)
	switch {
	case err != nil:
		return event.UUID{}, nil, err
	case !there:
		return event.UUID{}, &NotFoundError{What: "issue", ID: id}, nil
	case i == nil:
		return event.UUID{}, &NotFoundError{What: "issue", ID: id, Deleted: strconv.FormatUint(n, 10)}, nil
	}
	return u, nil, nil
}

// ResolveComment returns the comment that id names, and the comment's issue.
func (f *File) ResolveComment(id string) (comment, issue event.UUID, err error) {
	both, err := ask(f, func() (both [2]event.UUID, no, err error) {
		all, bad, err := f.candidates("SELECT x.k, i.shown FROM comment x JOIN issue i ON i.k = x.issue AND i.shown WHERE x.visible", "c", "comment", id)
		if bad != nil || err != nil {
			return both, bad, err
		}
		var found []event.UUID
		short := map[event.UUID]string{}
		for _, c := range all {
			if c.shown {
				found, short[c.UUID] = append(found, c.UUID), c.Short
			}
		}
		if len(found) == 0 {
			gone, _, err := f.candidates("SELECT x.k, 1 FROM comment x WHERE x.visible = 0", "g", "comment", id)
			if err != nil {
				return both, nil, err
			}
			if len(gone) == 1 {
				return both, &NotFoundError{What: "comment", ID: id, Deleted: gone[0].Short}, nil
			}
		}
		c, no := one(found, "comment", id, func(u event.UUID) (c Candidate) {
			home, e := f.home(u)
			var i *Issue
			if e == nil {
				i, e = f.issue(home)
			}
			if i != nil {
				c = Candidate{u, short[u], i.Title}
			}
			err = cmp.Or(err, e)
			return c
		})
		if no != nil || err != nil {
			return both, no, err
		}
		home, err := f.home(c)
		return [2]event.UUID{c, home}, nil, err
	}, func(m *Memory) (both [2]event.UUID, err error) {
		both[0], both[1], err = m.ResolveComment(id)
		return both, err
	})
	return both[0], both[1], err
}

// home is the issue of a comment.
func (f *File) home(comment event.UUID) (u event.UUID, err error) {
	err = f.query(func(r *sql.Rows) error {
		var k []byte
		if err := r.Scan(&k); err != nil || len(k) != len(u) {
			return cmp.Or(err, errRow)
		}
		u = event.UUID(k)
		return nil
	}, "SELECT issue FROM comment WHERE k = ?", comment[:])
	return u, err
}

// CommentShort returns the short id to print for a comment that is shown.
func (f *File) CommentShort(u event.UUID) string {
	return tell(f, func() (string, error) {
		near, err := f.nearIDs()
		if short := near[nearKey{"c", u}]; short != "" {
			return short, err
		}
		return alone(u), err
	}, func(m *Memory) string { return m.CommentShort(u) })
}
