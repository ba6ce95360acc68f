package store

import (
	"bytes"
	"cmp"
	"database/sql"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// Issue returns one row with its texts, or *NotFoundError.
func (f *File) Issue(u event.UUID) (*Issue, error) {
	return ask(f, func() (*Issue, error, error) {
		i, err := f.full(u)
		if err == nil && i == nil {
			return nil, &NotFoundError{What: "issue", ID: u.String()}, nil
		}
		return i, nil, err
	}, func(m *Memory) (*Issue, error) { return m.Issue(u) })
}

// Row returns one row without texts, as in lists, or *NotFoundError.
func (f *File) Row(u event.UUID) (*Issue, error) {
	return ask(f, func() (*Issue, error, error) {
		i, err := f.issue(u)
		if err == nil && i == nil {
			return nil, &NotFoundError{What: "issue", ID: u.String()}, nil
		}
		return i, nil, err
	}, func(m *Memory) (*Issue, error) { return m.Row(u) })
}

// issue returns a row that is shown, without its texts; nil if there is none.
func (f *File) issue(u event.UUID) (*Issue, error) {
	if r, asked := f.rows[u]; asked {
		return r.issue(), nil
	}
	found := false
	if err := f.scan(func(*Issue) { found = true }, "SELECT k, row FROM issue WHERE k = ? AND shown", u[:]); err != nil {
		return nil, err
	}
	if !found {
		f.rows[u] = nil
	}
	return f.rows[u].issue(), nil
}

// issue returns the row without what only an update needs, nil for none.
func (r *issueRow) issue() *Issue {
	if r == nil {
		return nil
	}
	return r.Issue
}

// scan reads rows, each a uuid and the row of that issue. They are kept.
func (f *File) scan(each func(*Issue), query string, args ...any) error {
	near, err := f.nearIDs()
	if err != nil {
		return err
	}
	shown, err := f.milestones()
	if err != nil {
		return err
	}
	return f.query(func(r *sql.Rows) error {
		var k, b sql.RawBytes
		if err := r.Scan(&k, &b); err != nil {
			return err
		}
		if len(k) != len(event.UUID{}) {
			return errRow
		}
		row := f.rows[event.UUID(k)]
		if row == nil {
			row = &issueRow{}
			if err := unpack(b, row); err != nil {
				return err
			}
			i := row.Issue
			if i == nil || !bytes.Equal(i.UUID[:], k) {
				return errRow
			}
			if i.Short = near[nearKey{"i", i.UUID}]; i.Short == "" {
				i.Short = alone(i.UUID)
			}
			if shown[i.Milestone] == nil {
				i.Milestone = event.UUID{}
			}
			f.rows[i.UUID] = row
		}
		each(row.Issue)
		return nil
	}, query, args...)
}

// full returns a row with its texts; nil if it is not shown.
func (f *File) full(u event.UUID) (*Issue, error) {
	if i := f.texts[u]; i != nil {
		return i, nil
	}
	listed, err := f.issue(u)
	if err != nil || listed == nil {
		return nil, err
	}
	i, r := *listed, *listed.Issue
	i.Issue = &r
	row := f.rows[u]
	described := false
	if err := f.query(func(rs *sql.Rows) error {
		var b sql.RawBytes
		if err := rs.Scan(&b); err != nil {
			return err
		}
		text, err := unsummed(b)
		i.Description, described = string(text), true
		return err
	}, "SELECT row FROM text WHERE issue = ?", u[:]); err != nil {
		return nil, err
	}
	comments, err := rowsOf[reducer.Comment](f, "SELECT row FROM comment WHERE issue = ? AND visible", u[:])
	if err != nil {
		return nil, err
	}
	slices.SortFunc(comments, func(a, b *reducer.Comment) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), bytes.Compare(a.UUID[:], b.UUID[:]))
	})
	for _, c := range comments {
		i.Comments = append(i.Comments, *c)
	}
	entries, err := rowsOf[reducer.TimeEntry](f, "SELECT row FROM entry WHERE issue = ? AND visible", u[:])
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, timeOrder)
	for _, e := range entries {
		i.Time = append(i.Time, *e)
	}
	if len(i.Comments) != i.CommentCount || len(i.Time) != row.Entries || described != row.Described {
		return nil, errRow
	}
	f.texts[u] = &i
	return &i, nil
}

// nearIDs are the short ids that are longer than usual.
func (f *File) nearIDs() (map[nearKey]string, error) {
	if f.near != nil {
		return f.near, nil
	}
	all := map[nearKey]string{}
	if err := f.query(func(r *sql.Rows) error {
		var k []byte
		var key nearKey
		var short string
		if err := r.Scan(&key.kind, &k, &short); err != nil || len(k) != len(key.u) {
			return cmp.Or(err, errRow)
		}
		key.u = event.UUID(k)
		all[key] = short
		return nil
	}, "SELECT kind, k, short FROM near"); err != nil {
		return nil, err
	}
	f.near = all
	return all, nil
}

// milestones returns the milestones that are shown, without their issues.
func (f *File) milestones() (map[event.UUID]*reducer.Milestone, error) {
	if f.miles != nil {
		return f.miles, nil
	}
	all, err := rowsOf[reducer.Milestone](f, "SELECT row FROM milestone")
	if err != nil {
		return nil, err
	}
	f.miles = map[event.UUID]*reducer.Milestone{}
	for _, m := range all {
		f.miles[m.UUID] = m
	}
	return f.miles, nil
}
