package store

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"errors"
	"maps"
	"math"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// issueRow is what is kept of an issue that is shown: what lists show of it, and
// what is needed to continue from it. Its Short is kept apart (near.go), and its
// milestone is there even if that is not shown.
type issueRow struct {
	Issue     *Issue // nil if it is not shown
	Touched   reducer.Touch
	Entries   int
	Described bool
	Deleted   bool // kept for its uuid
}

// row returns the row of an issue as it is in the transaction.
func (u *update) row(issue event.UUID) (*issueRow, error) {
	if r := u.rows[issue]; r != nil {
		return r, nil
	}
	r := &issueRow{}
	var b []byte
	var shown bool
	there, err := u.one("SELECT shown, row FROM issue WHERE k = ?", []any{issue[:]}, &shown, &b)
	if err != nil {
		return nil, err
	}
	if r.Deleted = there && !shown; shown {
		if err := unpack(b, r); err != nil {
			return nil, err
		}
		if r.Issue == nil || r.Issue.UUID != issue {
			return nil, errRow
		}
	}
	if !u.bulk {
		u.rows[issue] = r
	}
	return r, nil
}

// issue notes what an issue's own events say of it.
func (u *update) issue(issue event.UUID, o reducer.OwnIssue) error {
	was := &issueRow{}
	var err error
	if !u.bulk {
		if was, err = u.row(issue); err != nil {
			return err
		}
	}
	if err := u.edges(issue, o); err != nil {
		return err
	}
	shown, there := was.Issue != nil, was.Issue != nil || was.Deleted
	if !u.bulk && there != (o.Shown || o.Deleted) {
		u.near[nearKey{"i", issue}] = true
	}
	if !u.bulk && shown != o.Shown {
		if err := u.nearComments(issue, o.Shown); err != nil {
			return err
		}
	}
	is := &issueRow{Deleted: o.Deleted, Described: o.Shown && o.Issue.Description != ""}
	if u.bulk && !o.Shown {
		return u.write(issue, is)
	}
	if there || o.Issue.Description != "" {
		if err := u.describe(issue, o.Issue.Description); err != nil {
			return err
		}
	}
	if !u.bulk {
		if shown != o.Shown || shown && was.Issue.CreatedAt != o.Issue.CreatedAt {
			u.moved[issue] = true
			near := map[event.UUID]bool{}
			if err := u.neighbors(issue, near); err != nil {
				return err
			}
			if maps.Copy(u.tied, near); len(near) > 0 {
				u.tied[issue], u.cycles[issue] = true, true
			}
		}
		u.rows[issue], u.dirty[issue] = is, true
		if !o.Shown {
			return nil
		}
	}
	o.Issue.Description, o.Issue.Milestone = "", o.Milestone
	is.Issue = &Issue{Issue: &o.Issue}
	if shown {
		is.take(was)
	} else if !u.bulk {
		u.tally(issue).anew = true
	}
	return u.fill(issue, is, o.Touched)
}

// take keeps what does not follow from an issue's own events.
func (r *issueRow) take(was *issueRow) {
	i, o := r.Issue, was.Issue
	i.Parent, i.ParentCyclic, i.Children, i.BlockedBy, i.Blocks, i.Cyclic, i.Relations = o.Parent, o.ParentCyclic, o.Children, o.BlockedBy, o.Blocks, o.Cyclic, o.Relations
	i.Number, i.Lock, i.Queue, i.CommentCount, r.Entries, r.Touched = o.Number, o.Lock, o.Queue, o.CommentCount, was.Entries, was.Touched
}

// fill adds to a row what does not follow from the issue's own events, which
// touched it last at own.
func (u *update) fill(issue event.UUID, r *issueRow, own reducer.Touch) error {
	t := u.tallies[issue]
	if t == nil {
		t = &tally{}
	}
	if t.anew && !u.bulk {
		if err := u.recount(issue, r, own); err != nil {
			return err
		}
	} else {
		r.Issue.CommentCount += t.comments
		r.Entries += t.entries
		r.Touched = r.Touched.Latest(own).Latest(t.touched)
	}
	r.Issue.UpdatedAt = r.Touched.Shown
	if u.bulk || u.decided[issue] || t.anew {
		if err := u.decisions(issue, r.Issue); err != nil {
			return err
		}
	}
	if u.bulk {
		delete(u.tallies, issue)
		return u.write(issue, r)
	}
	u.dirty[issue] = true
	return nil
}

// decisions reads an issue's number and lock.
func (u *update) decisions(issue event.UUID, i *Issue) error {
	if u.bulk {
		if i.Number = u.given[issue]; !u.decided[issue] {
			return nil
		}
	}
	n := int64(i.Number)
	if !u.bulk {
		n = 0
		if _, err := u.one("SELECT k FROM number WHERE issue = ?", []any{issue[:]}, &n); err != nil {
			return err
		}
	}
	i.Number, i.Lock, i.Queue = uint64(n), nil, nil
	var b []byte
	there, err := u.one("SELECT row FROM lock WHERE issue = ?", []any{issue[:]}, &b)
	if err == nil && there {
		var l lockRow
		err = unpack(b, &l)
		i.Lock, i.Queue = &l.Lock, l.Queue
	}
	return err
}

// recount counts an issue's comments and time entries, and finds what touched it
// last, from its and their lines.
func (u *update) recount(issue event.UUID, r *issueRow, own reducer.Touch) error {
	var of []target
	add := func(kind byte) func(*sql.Rows) error {
		return func(rs *sql.Rows) error {
			var k []byte
			err := rs.Scan(&k)
			if err == nil && len(k) != len(event.UUID{}) {
				err = errRow
			}
			if err == nil {
				of = append(of, about(kind, event.UUID(k)))
			}
			return err
		}
	}
	err := errors.Join(u.each("SELECT k FROM comment WHERE issue = ?", []any{issue[:]}, add(ofComment)),
		u.each("SELECT k FROM entry WHERE issue = ?", []any{issue[:]}, add(ofEntry)))
	if err != nil {
		return err
	}
	if own == (reducer.Touch{}) {
		s := reducer.New()
		if err := u.linesAbout(about(ofIssue, issue), s, s); err != nil {
			return err
		}
		own = s.OwnIssue(issue).Touched
	}
	r.Touched, r.Entries, r.Issue.CommentCount = own, 0, 0
	for _, t := range of {
		s := reducer.New()
		if err := u.linesAbout(t, s, s); err != nil {
			return err
		}
		r.Touched = r.Touched.Latest(touches(t, s)[issue])
		switch {
		case t.kind() == ofEntry && !s.OwnEntry(t.uuid()).Deleted:
			r.Entries++
		case t.kind() == ofComment && !s.OwnComment(t.uuid()).Deleted:
			r.Issue.CommentCount++
		}
	}
	return nil
}

// describe writes an issue's description; "" removes it.
func (u *update) describe(issue event.UUID, text string) error {
	switch {
	case u.bulk && text == "":
		return nil
	case u.bulk:
		return u.insert("text (issue, row)", issue[:], summed([]byte(text)))
	case text == "":
		return u.change("text", "DELETE FROM text WHERE issue = ?", issue[:])
	}
	return u.change("text", "INSERT INTO text (issue, row) VALUES (?, ?) ON CONFLICT DO UPDATE SET row = excluded.row WHERE row <> excluded.row", issue[:], summed([]byte(text)))
}

const issueColumns = "k, shown, status, rank, created, updated, due, closed, scheduled, position, title, labels, assignees, author, milestone, holder, ending, row"

var upsertIssue = func() string {
	q := "INSERT INTO issue (" + issueColumns + ") VALUES (?" + strings.Repeat(", ?", strings.Count(issueColumns, ",")) + ") ON CONFLICT (k) DO UPDATE SET "
	for n, c := range strings.Split(issueColumns, ", ")[1:] {
		if n > 0 {
			q += ", "
		}
		q += c + " = excluded." + c
	}
	return q
}()

// write writes the row of an issue.
func (u *update) write(issue event.UUID, r *issueRow) error {
	vals := append([]any{issue[:]}, r.values()...)
	switch {
	case r.Issue == nil && !r.Deleted && u.bulk:
		return nil
	case r.Issue == nil && !r.Deleted:
		return u.change("issue", "DELETE FROM issue WHERE k = ?", issue[:])
	case u.bulk && !u.written:
		return u.insert("issue ("+issueColumns+")", vals...)
	}
	u.count["issue"]++
	if err := u.exec(upsertIssue, vals...); err != nil || !u.words || !u.affected[about(ofIssue, issue)] {
		return err
	}
	var id int64
	if _, err := u.one("SELECT id FROM issue WHERE k = ?", []any{issue[:]}, &id); err != nil {
		return err
	}
	return u.unread(2 * id)
}

// values are the columns by which an issue is found and ordered, as Filter's rules
// have it, and the row itself.
func (r *issueRow) values() []any {
	i := r.Issue
	if i == nil {
		vals := make([]any, strings.Count(issueColumns, ","))
		vals[0] = false
		return vals
	}
	due, position := i.DueAt, int64(i.Number-1)
	if due == 0 {
		due = event.MaxTime
	}
	if position < 0 {
		position = math.MaxInt64
	}
	var holder, milestone any
	ending := false
	if i.Lock != nil {
		holder, ending = i.Lock.Holder, i.Lock.Ending
	}
	if i.Milestone != (event.UUID{}) {
		milestone = bytes.Clone(i.Milestone[:])
	}
	return []any{true, string(i.Status), int64(Rank(i.Priority)), int64(i.CreatedAt), int64(i.UpdatedAt), int64(due), int64(i.ClosedAt), int64(i.ScheduledAt),
		position, []byte(i.Title), words(i.Labels), words(i.Assignees), Name(i.CreatedBy), milestone, holder, ending, pack(r)}
}

// words writes a list so that one of it can be looked for by its Name.
func words(list []string) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString(word(s))
	}
	return b.String()
}

func word(s string) string { return "(" + hex.EncodeToString([]byte(Name(s))) + ")" }
