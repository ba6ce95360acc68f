package store

import (
	"bytes"
	"cmp"
	"database/sql"
	"slices"
	"sort"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// Records answers questions about other things than issues. Callers must not change its
// rows.
type Records interface {
	// Milestones returns every milestone, by creation.
	Milestones() ([]*reducer.Milestone, error)
	// MilestoneNumbers returns the numbers that were decided for milestones, including
	// some that are not shown.
	MilestoneNumbers() map[event.UUID]uint64
	// Sessions returns sessions, by their start.
	Sessions(SessionFilter) ([]*reducer.Session, error)
	// Requests returns requests, in the order in which they were sent.
	Requests(RequestFilter) ([]*reducer.Request, error)
	// Reports returns the newest report of each check on each branch, by these.
	Reports() ([]*reducer.Report, error)
	// Time returns time entries on issues that are shown, by their start.
	Time(TimeFilter) ([]Entry, error)
	// Line returns a line that counts, without the members that only prove it; nil if
	// there is none.
	Line(agent string, seq uint64) (*event.Envelope, error)
	// Newest returns lines that count, newest first, without the members that only prove
	// them.
	Newest(LineFilter) ([]*event.Envelope, error)
}

// SessionFilter selects sessions; the zero value selects all.
type SessionFilter struct {
	Agent string
	Open  bool
	Issue event.UUID // worked on last
}

func (f *SessionFilter) match(x *reducer.Session) bool {
	return (f.Agent == "" || f.Agent == x.Agent) && !(f.Open && x.Ended) && (f.Issue == event.UUID{} || f.Issue == x.Issue)
}

// RequestFilter selects requests; the zero value selects all.
type RequestFilter struct {
	Target, By string
	Pending    bool // not acknowledged
}

func (f *RequestFilter) match(r *reducer.Request) bool {
	return (f.Target == "" || f.Target == r.Target) && (f.By == "" || f.By == r.By) && !(f.Pending && r.Acked)
}

// Entry is a time entry, the issue it is on, and whether it was deleted.
type Entry struct {
	reducer.TimeEntry
	Issue   event.UUID
	Deleted bool
}

// Seconds returns the duration: the one in the entry, otherwise the time from start to
// end, otherwise 0.
func (e *Entry) Seconds() uint64 { return Seconds(&e.TimeEntry) }

// Seconds returns the duration of a time entry.
func Seconds(e *reducer.TimeEntry) uint64 {
	switch {
	case e.DurationSeconds != nil:
		return *e.DurationSeconds
	case e.EndedAt > e.StartedAt:
		return uint64(e.EndedAt-e.StartedAt) / 1e9
	}
	return 0
}

// TimeFilter selects time entries; the zero value selects all that were not deleted.
type TimeFilter struct {
	Issue        event.UUID
	By           []string   // any of these agents
	Since, Until event.Time // of their start, until exclusive; 0 is no bound
	Deleted      bool       // also those that were deleted
}

func (f *TimeFilter) match(e *Entry) bool {
	return (f.Issue == event.UUID{} || f.Issue == e.Issue) && (len(f.By) == 0 || slices.Contains(f.By, e.By)) && e.StartedAt >= f.Since &&
		(f.Until == 0 || e.StartedAt < f.Until) && (f.Deleted || !e.Deleted)
}

func sessionOrder(a, b *reducer.Session) int {
	return cmp.Or(a.Started.Compare(b.Started), bytes.Compare(a.UUID[:], b.UUID[:]))
}

func requestOrder(a, b *reducer.Request) int {
	return cmp.Or(a.Sent.Compare(b.Sent), cmp.Compare(a.ID, b.ID))
}

func reportOrder(a, b *reducer.Report) int {
	return cmp.Or(cmp.Compare(a.Context, b.Context), cmp.Compare(a.Branch, b.Branch))
}

func timeOrder(a, b *reducer.TimeEntry) int {
	return cmp.Or(cmp.Compare(a.StartedAt, b.StartedAt), bytes.Compare(a.UUID[:], b.UUID[:]))
}

// Sessions returns sessions, by their start.
func (m *Memory) Sessions(f SessionFilter) ([]*reducer.Session, error) {
	var all []*reducer.Session
	for _, x := range m.view.Sessions {
		if f.match(x) {
			all = append(all, x)
		}
	}
	slices.SortFunc(all, sessionOrder)
	return all, nil
}

// Requests returns requests, in the order in which they were sent.
func (m *Memory) Requests(f RequestFilter) ([]*reducer.Request, error) {
	var all []*reducer.Request
	for _, r := range m.view.Requests {
		if f.match(r) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, requestOrder)
	return all, nil
}

// Reports returns the newest report of each check on each branch, by these.
func (m *Memory) Reports() ([]*reducer.Report, error) {
	var all []*reducer.Report
	for _, r := range m.view.Reports {
		all = append(all, r)
	}
	slices.SortFunc(all, reportOrder)
	return all, nil
}

// Time returns time entries on issues that are shown, by their start.
func (m *Memory) Time(f TimeFilter) ([]Entry, error) {
	var all []Entry
	for u, issue := range m.timed {
		o := m.state.OwnEntry(u)
		e := Entry{o.Entry, issue, o.Deleted}
		if m.rows[issue] != nil && f.match(&e) {
			all = append(all, e)
		}
	}
	sort.Slice(all, func(i, j int) bool { return timeOrder(&all[i].TimeEntry, &all[j].TimeEntry) < 0 })
	return all, nil
}

// Line returns a line that counts; nil if there is none.
func (m *Memory) Line(agent string, seq uint64) (*event.Envelope, error) {
	for _, e := range m.lines {
		if e.Agent == agent && e.Seq == seq {
			return e, nil
		}
	}
	return nil, nil
}

// session writes the row of a session; nil removes it.
func (u *update) session(t target, x *reducer.Session) error {
	if x == nil {
		return u.removeRecord("session", []byte(t[1:]))
	}
	vals := []any{[]byte(t[1:]), x.Agent, x.Issue[:], pack(x)}
	if u.bulk {
		return u.insert("session", vals...)
	}
	return u.change("session", "INSERT INTO session (k, agent, issue, row) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET issue = excluded.issue, row = excluded.row WHERE row <> excluded.row", vals...)
}

// request writes the row of a request; nil removes it.
func (u *update) request(t target, r *reducer.Request) error {
	id := string(t[1:])
	if r == nil {
		return u.removeRecord("request", id)
	}
	vals := []any{id, r.Target, r.Subject[:], pack(r)}
	if u.bulk {
		return u.insert("request", vals...)
	}
	return u.change("request", "INSERT INTO request (k, target, issue, row) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET target = excluded.target, issue = excluded.issue, row = excluded.row WHERE row <> excluded.row", vals...)
}

func (u *update) removeRecord(table string, k any) error {
	if u.bulk {
		return nil
	}
	return u.change(table, "DELETE FROM "+table+" WHERE k = ?", k)
}

// Sessions returns sessions, by their start.
func (f *File) Sessions(w SessionFilter) ([]*reducer.Session, error) {
	return ask(f, func() (all []*reducer.Session, no, err error) {
		query, args := "SELECT x.row, "+recordShown, []any(nil)
		if query += " FROM session x"; w.Agent != "" {
			query, args = query+" WHERE x.agent = ?", []any{w.Agent}
		}
		err = f.query(func(r *sql.Rows) error {
			x := &reducer.Session{}
			shown, err := scanRecord(r, x)
			if !shown {
				x.Issue = event.UUID{}
			}
			if err == nil && w.match(x) {
				all = append(all, x)
			}
			return err
		}, query, args...)
		slices.SortFunc(all, sessionOrder)
		return all, nil, err
	}, func(m *Memory) ([]*reducer.Session, error) { return m.Sessions(w) })
}

// Requests returns requests, in the order in which they were sent.
func (f *File) Requests(w RequestFilter) ([]*reducer.Request, error) {
	return ask(f, func() (all []*reducer.Request, no, err error) {
		query, args := "SELECT x.row, "+recordShown, []any(nil)
		if query += " FROM request x"; w.Target != "" {
			query, args = query+" WHERE x.target = ?", []any{w.Target}
		}
		err = f.query(func(r *sql.Rows) error {
			x := &reducer.Request{}
			shown, err := scanRecord(r, x)
			if !shown {
				x.Subject = event.UUID{}
			}
			if err == nil && w.match(x) {
				all = append(all, x)
			}
			return err
		}, query, args...)
		slices.SortFunc(all, requestOrder)
		return all, nil, err
	}, func(m *Memory) ([]*reducer.Request, error) { return m.Requests(w) })
}

// recordShown says whether the issue that a record names is shown.
const recordShown = "coalesce((SELECT i.shown FROM issue i WHERE i.k = x.issue), 0)"

func scanRecord(r *sql.Rows, into any) (shown bool, err error) {
	var b sql.RawBytes
	if err := r.Scan(&b, &shown); err != nil {
		return false, err
	}
	return shown, unpack(b, into)
}

// Reports returns the newest report of each check on each branch, by these.
func (f *File) Reports() ([]*reducer.Report, error) {
	return ask(f, func() (all []*reducer.Report, no, err error) {
		all, err = rowsOf[reducer.Report](f, "SELECT row FROM report")
		slices.SortFunc(all, reportOrder)
		return all, nil, err
	}, (*Memory).Reports)
}

// Time returns time entries on issues that are shown, by their start.
func (f *File) Time(w TimeFilter) ([]Entry, error) {
	return ask(f, func() (all []Entry, no, err error) {
		query, args := "SELECT t.issue, t.visible, t.row FROM entry t JOIN issue i ON i.k = t.issue AND i.shown", []any(nil)
		if w.Issue != (event.UUID{}) {
			query, args = query+" WHERE t.issue = ?", []any{w.Issue[:]}
		}
		err = f.query(func(r *sql.Rows) error {
			var e Entry
			var issue, b sql.RawBytes
			var visible bool
			if err := r.Scan(&issue, &visible, &b); err != nil || len(issue) != len(e.Issue) {
				return cmp.Or(err, errRow)
			}
			e.Issue, e.Deleted = event.UUID(issue), !visible
			err := unpack(b, &e.TimeEntry)
			if err == nil && w.match(&e) {
				all = append(all, e)
			}
			return err
		}, query, args...)
		sort.Slice(all, func(i, j int) bool { return timeOrder(&all[i].TimeEntry, &all[j].TimeEntry) < 0 })
		return all, nil, err
	}, func(m *Memory) ([]Entry, error) { return m.Time(w) })
}

// Line returns a line that counts; nil if there is none.
func (f *File) Line(agent string, seq uint64) (*event.Envelope, error) {
	return ask(f, func() (e *event.Envelope, no, err error) {
		err = f.query(func(r *sql.Rows) error {
			var b sql.RawBytes
			if err := r.Scan(&b); err != nil {
				return err
			}
			l, err := unpackHead(b)
			if err == nil && l.Seq == seq { // at level 3 a log need not be in order
				e, err = unpackLine(b)
			}
			return err
		}, "SELECT l.row FROM line l, log g WHERE g.agent = ? AND l.id BETWEEN g.id << 32 AND (g.id << 32) + 0xffffffff AND l.id >= (g.id << 32) + ? LIMIT 1", agent, int64(max(seq, 1)-1))
		return e, nil, err
	}, func(m *Memory) (*event.Envelope, error) { return m.Line(agent, seq) })
}
