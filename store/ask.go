package store

import (
	"cmp"
	"database/sql"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// Each question is asked of the file; if that fails, of memory.

// ask is one question with an answer and an error of its own.
func ask[T any](f *File, file func() (T, error, error), memory func(*Memory) (T, error)) (T, error) {
	if f.whole() {
		if x, no, err := file(); err == nil {
			return x, no
		}
	}
	m, err := f.fallen()
	if err != nil {
		var none T
		return none, err
	}
	return memory(m)
}

// tell is one whose answer has no error. Where neither the file nor the replica
// can be read it is empty: the questions with an error say why.
func tell[T any](f *File, file func() (T, error), memory func(*Memory) T) T {
	x, _ := ask(f, func() (T, error, error) {
		x, err := file()
		return x, nil, err
	}, func(m *Memory) (T, error) { return memory(m), nil })
	return x
}

// Locked returns the issues that are locked or claimed, oldest lock first.
func (f *File) Locked() ([]*Issue, error) {
	return ask(f, func() ([]*Issue, error, error) {
		rows := []*Issue{}
		err := f.scan(func(i *Issue) { rows = append(rows, i) }, "SELECT k, row FROM issue WHERE holder IS NOT NULL")
		slices.SortFunc(rows, lockOrder)
		return rows, nil, err
	}, (*Memory).Locked)
}

// historyQuery finds the lines aimed at an issue, or at one of its comments or time
// entries.
const historyQuery = `SELECT row FROM line WHERE id IN (
	SELECT line FROM aim WHERE target IN (?1, ?2) UNION
	SELECT a.line FROM comment c JOIN aim a ON a.target = CAST('c' || c.k AS BLOB) WHERE c.issue = ?3 UNION
	SELECT a.line FROM entry t JOIN aim a ON a.target = CAST('t' || t.k AS BLOB) WHERE t.issue = ?3) ORDER BY id`

// History returns the lines about an issue, which may be deleted, in key order. Raw, Hub,
// Prev, Signature and unknown members are empty, because they only prove the lines.
func (f *File) History(u event.UUID) ([]*event.Envelope, error) {
	return f.aimedAt(u, func(e *event.Envelope) bool { return e.V != 0 }, func(m *Memory) ([]*event.Envelope, error) { return m.History(u) })
}

// Based returns the records of the base about an issue; see Issues.
func (f *File) Based(u event.UUID) ([]*event.Envelope, error) {
	return f.aimedAt(u, func(e *event.Envelope) bool { return e.V == 0 }, func(m *Memory) ([]*event.Envelope, error) { return m.Based(u) })
}

// aimedAt returns those lines aimed at an issue that are chosen, in key order.
func (f *File) aimedAt(u event.UUID, chosen func(*event.Envelope) bool, memory func(*Memory) ([]*event.Envelope, error)) ([]*event.Envelope, error) {
	return ask(f, func() (lines []*event.Envelope, no, err error) {
		there := false
		if err := f.query(func(*sql.Rows) error { there = true; return nil }, "SELECT 1 FROM issue WHERE k = ?", u[:]); err != nil || !there {
			return nil, &NotFoundError{What: "issue", ID: u.String()}, err
		}
		err = f.query(func(r *sql.Rows) error {
			var row sql.RawBytes
			if err := r.Scan(&row); err != nil {
				return err
			}
			e, err := unpackLine(row)
			if err != nil || !chosen(e) {
				return err
			}
			if c, added := e.Body.(*event.CommentAdded); added && c.Issue != u {
				return nil // what another issue says of a comment with the same uuid
			}
			if t, added := e.Body.(*event.TimeEntryAdded); added && t.Issue != u {
				return nil
			}
			lines = append(lines, e)
			return nil
		}, historyQuery, []byte(about(ofIssue, u)), []byte(about(ofHistory, u)), u[:])
		slices.SortStableFunc(lines, func(a, b *event.Envelope) int { return a.Key().Compare(b.Key()) })
		return lines, nil, err
	}, memory)
}

// LastSign returns the time of an agent's last heartbeat; see Memory.
func (f *File) LastSign(agent string) event.Time {
	return tell(f, func() (at event.Time, err error) {
		err = f.query(func(r *sql.Rows) error { return r.Scan(&at) }, "SELECT sign FROM log WHERE agent = ?", agent)
		if p, ok := f.Presence(agent); ok {
			at = max(at, p.LastSeen)
		}
		return at, err
	}, func(m *Memory) event.Time { return m.LastSign(agent) })
}

// Presence returns the newest heartbeat of an agent outside its log.
func (f *File) Presence(agent string) (event.AgentPresence, bool) {
	if f.seen == nil {
		return event.AgentPresence{}, false
	}
	p, ok := f.seen()[agent]
	return p, ok
}

// Aliases maps numbers that a hub lost to the current ones.
func (f *File) Aliases() map[uint64]uint64 {
	return tell(f, func() (map[uint64]uint64, error) {
		if f.alias != nil {
			return f.alias, nil
		}
		all := map[uint64]uint64{}
		err := f.query(func(r *sql.Rows) error {
			var lost, now int64
			err := r.Scan(&lost, &now)
			all[uint64(lost)] = uint64(now)
			return err
		}, "SELECT k, now FROM alias")
		if err == nil {
			f.alias = all
		}
		return all, err
	}, (*Memory).Aliases)
}

// MilestoneNumbers are the numbers decided for milestones.
func (f *File) MilestoneNumbers() map[event.UUID]uint64 {
	return tell(f, func() (map[event.UUID]uint64, error) {
		if f.milesN != nil {
			return f.milesN, nil
		}
		all, err := numbersIn(f.query)
		if err == nil {
			f.milesN = all
		}
		return all, err
	}, (*Memory).MilestoneNumbers)
}

// numbersIn reads the numbers of milestones.
func numbersIn(query func(func(*sql.Rows) error, string, ...any) error) (map[event.UUID]uint64, error) {
	all := map[event.UUID]uint64{}
	return all, query(func(r *sql.Rows) error {
		var n int64
		var u []byte
		if err := r.Scan(&n, &u); err != nil || len(u) != len(event.UUID{}) {
			return cmp.Or(err, errRow)
		}
		all[event.UUID(u)] = uint64(n)
		return nil
	}, "SELECT k, milestone FROM milestone_number")
}

// rowsOf reads all of a table that has packed rows.
func rowsOf[T any](f *File, query string, args ...any) (all []*T, err error) {
	err = f.query(func(r *sql.Rows) error {
		var row sql.RawBytes
		if err := r.Scan(&row); err != nil {
			return err
		}
		x := new(T)
		all = append(all, x)
		return unpack(row, x)
	}, query, args...)
	return all, err
}

// Milestones returns every milestone, by creation.
func (f *File) Milestones() ([]*reducer.Milestone, error) {
	return ask(f, func() ([]*reducer.Milestone, error, error) {
		shown, err := f.milestones()
		if err != nil || len(shown) == 0 {
			return nil, nil, err
		}
		all := make(map[event.UUID]*reducer.Milestone, len(shown))
		for u, m := range shown {
			x := *m
			all[u] = &x
		}
		err = f.query(func(r *sql.Rows) error {
			var m, k []byte
			if err := r.Scan(&m, &k); err != nil || len(m) != len(event.UUID{}) || len(k) != len(event.UUID{}) {
				return cmp.Or(err, errRow)
			}
			if x := all[event.UUID(m)]; x != nil {
				x.Issues = append(x.Issues, event.UUID(k))
			}
			return nil
		}, "SELECT milestone, k FROM issue WHERE milestone IS NOT NULL ORDER BY milestone, created, k")
		return slices.SortedFunc(maps.Values(all), milestoneOrder), nil, err
	}, (*Memory).Milestones)
}

// Rejections lists the events that broke a rule.
func (f *File) Rejections() []reducer.Rejection {
	return tell(f, func() (list []reducer.Rejection, err error) {
		all, err := rowsOf[reducer.Rejection](f, "SELECT row FROM rejection")
		slices.SortFunc(all, func(a, b *reducer.Rejection) int { return a.Compare(*b) })
		for _, r := range all {
			list = append(list, *r)
		}
		return slices.Compact(list), err
	}, (*Memory).Rejections)
}

// Mark returns the mark of a line because of its signature; see Memory.
func (f *File) Mark(agent string, seq uint64) string {
	return tell(f, func() (string, error) {
		runs, asked := f.marks[agent]
		if !asked {
			if err := f.query(func(r *sql.Rows) error {
				m, err := scanMark(r)
				runs = append(runs, m)
				return err
			}, "SELECT seq, rule FROM mark WHERE agent = ? ORDER BY seq", agent); err != nil {
				return "", err
			}
			f.marks[agent] = runs
		}
		return ruleAt(runs, seq), nil
	}, func(m *Memory) string { return m.Mark(agent, seq) })
}

// Check returns an error if the reducer would reject the event. Rules about other events
// are checked only for things that cannot be added twice.
func (f *File) Check(author string, b event.Body) error {
	no, err := ask(f, func() (error, error, error) {
		var t target
		switch b := b.(type) {
		case *event.CommentAdded:
			t = about(ofComment, b.Comment)
		case *event.TimeEntryAdded:
			t = about(ofEntry, b.Entry)
		case *event.RequestSent:
			t = target(string(ofRequest) + b.ID)
		case *event.RequestAcked:
			t = target(string(ofRequest) + b.ID)
		}
		s := reducer.New()
		if t == "" {
			return s.Check(author, b), nil, nil
		}
		err := f.query(func(r *sql.Rows) error {
			var id int64
			var row sql.RawBytes
			if err := r.Scan(&id, &row); err != nil {
				return err
			}
			e, err := unpackLine(row)
			if err == nil {
				s.Apply(e)
			}
			return err
		}, linesOf, []byte(t))
		return s.Check(author, b), nil, err
	}, func(m *Memory) (error, error) { return m.Check(author, b), nil })
	return cmp.Or(err, no)
}

// Hash is the hash of the state.
func (f *File) Hash() string {
	return tell(f, func() (hash string, err error) {
		err = f.query(func(r *sql.Rows) error {
			var sum []byte
			var newest int64
			if err := r.Scan(&sum, &newest); err != nil || len(sum) != len(reducer.Sum{}) {
				return cmp.Or(err, errRow)
			}
			hash = reducer.HashOf(reducer.Sum(sum), event.Time(newest))
			return nil
		}, "SELECT sum, (SELECT coalesce(max(newest), 0) FROM log) FROM head")
		return hash, err
	}, (*Memory).Hash)
}
