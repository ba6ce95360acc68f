package store

import (
	"bytes"
	"cmp"
	"database/sql"
	"math"
	"slices"
	"strconv"
	"strings"

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

// Issue returns one row, or *NotFoundError.
func (f *File) Issue(u event.UUID) (*Issue, error) {
	return ask(f, func() (*Issue, error, error) {
		i, err := f.issue(u)
		if err == nil && i == nil {
			return nil, &NotFoundError{What: "issue", ID: u.String()}, nil
		}
		return i, nil, err
	}, func(m *Memory) (*Issue, error) { return m.Issue(u) })
}

// issue returns a row that is shown, nil if there is none.
func (f *File) issue(u event.UUID) (*Issue, error) {
	if i, asked := f.rows[u]; asked {
		return i, nil
	}
	var found *Issue
	err := f.query(func(r *sql.Rows) (err error) {
		found, err = f.scan(r)
		return err
	}, "SELECT k, row FROM issue WHERE k = ? AND shown", u[:])
	if err != nil {
		return nil, err
	}
	f.rows[u] = found
	return found, nil
}

// scan reads a uuid and its row, which are kept.
func (f *File) scan(r *sql.Rows) (*Issue, error) {
	var k, row sql.RawBytes
	if err := r.Scan(&k, &row); err != nil {
		return nil, err
	}
	if len(k) != len(event.UUID{}) {
		return nil, errRow
	}
	if u := event.UUID(k); f.rows[u] != nil {
		return f.rows[u], nil
	}
	i := &Issue{}
	if err := unpack(row, i); err != nil {
		return nil, err
	}
	if !bytes.Equal(i.UUID[:], k) {
		return nil, errRow
	}
	f.rows[i.UUID] = i
	return i, nil
}

// List returns the issues the filter lets through, in its order, and how many
// there are without its limit.
func (f *File) List(l Filter) (rows []*Issue, total int, err error) {
	return f.list(l, "", nil, nil, func(m *Memory) ([]*Issue, int, error) { return m.List(l) })
}

// Latest names the issues that changed last, at most limit.
func (f *File) Latest(limit int) ([]Named, error) {
	return ask(f, func() (all []Named, no, err error) {
		err = f.query(func(r *sql.Rows) error {
			var n Named
			var position int64
			err := r.Scan(&n.Short, &n.Title, &n.Status, &position)
			if position != math.MaxInt64 {
				n.Number = uint64(position) + 1
			}
			all = append(all, n)
			return err
		}, "SELECT i.short, i.title, i.status, i.position FROM issue i WHERE i.shown ORDER BY "+(&Filter{Sort: "updated"}).order()+" LIMIT ?", int64(limit))
		return all, nil, err
	}, func(m *Memory) ([]Named, error) { return m.Latest(limit) })
}

type page struct {
	rows  []*Issue
	total int
}

// list is List with one more condition, or with one that is asked of each row.
func (f *File) list(l Filter, where string, args []any, also func(*Issue) bool, memory func(*Memory) ([]*Issue, int, error)) ([]*Issue, int, error) {
	p, err := ask(f, func() (page, error, error) {
		if err := l.check(); err != nil {
			return page{}, err, nil
		}
		p, err := f.page(l, where, args, also)
		return p, nil, err
	}, func(m *Memory) (page, error) {
		rows, total, err := memory(m)
		return page{rows, total}, err
	})
	return p.rows, p.total, err
}

func (f *File) page(l Filter, where string, args []any, also func(*Issue) bool) (page, error) {
	p := page{rows: []*Issue{}}
	conds, vals := l.where()
	if where != "" {
		conds, vals = append(conds, where), append(vals, args...)
	}
	from := " FROM issue i WHERE " + strings.Join(conds, " AND ")
	order := l.order()
	query := "SELECT i.k, i.row" + from + " ORDER BY " + order
	limited := l.Limit > 0 && also == nil
	if limited { // without the rows in hand while they are sorted
		query = "SELECT r.k, r.row FROM (SELECT i.id" + from + " ORDER BY " + order + " LIMIT " + strconv.Itoa(l.Limit) + ") JOIN issue r USING (id)"
	}
	if err := f.query(func(r *sql.Rows) error {
		i, err := f.scan(r)
		if err == nil && (also == nil || also(i)) {
			p.rows = append(p.rows, i)
		}
		return err
	}, query, vals...); err != nil {
		return page{}, err
	}
	slices.SortFunc(p.rows, l.less())
	p.total = len(p.rows)
	switch {
	case limited && p.total == l.Limit:
		count := "SELECT count(*)" + from
		if len(conds) == 1 { // by status, or all
			count = "SELECT coalesce(sum(n), 0) FROM tally"
			if l.Status != "all" {
				count += " WHERE status = ?"
				vals = []any{cmp.Or(l.Status, string(event.Open))}
			}
		}
		if err := f.query(func(r *sql.Rows) error { return r.Scan(&p.total) }, count, vals...); err != nil {
			return page{}, err
		}
	case l.Limit > 0 && p.total > l.Limit:
		p.rows = p.rows[:l.Limit]
	}
	return p, nil
}

// waiting are the issues with an open blocker.
const waiting = "(SELECT e.issue FROM edge e JOIN issue b ON b.k = e.blocker WHERE b.status = 'open')"

// where is the filter in SQL; match has the rules.
func (f *Filter) where() (conds []string, vals []any) {
	need := func(cond string, v ...any) {
		conds, vals = append(conds, cond), append(vals, v...)
	}
	switch f.Status {
	case "all":
		need("i.shown")
	case "":
		need("i.status = 'open'")
	default:
		need("i.status = ?", f.Status)
	}
	for _, l := range f.Labels {
		need("instr(i.labels, ?)", word(l))
	}
	if f.Priority != "" {
		need("i.rank = ?", int64(Rank(f.Priority)))
	}
	if f.Assignee != "" {
		need("instr(i.assignees, ?)", word(f.Assignee))
	}
	if f.LockedBy != "" {
		need("i.holder = ?", f.LockedBy)
	}
	if f.Milestone != (event.UUID{}) {
		need("i.milestone = ?", f.Milestone[:])
	}
	if f.Parent != (event.UUID{}) {
		need("i.parent = ?", f.Parent[:])
	}
	if f.Overdue {
		need("i.status = 'open' AND i.due < ? AND i.due <> ?", int64(f.Now), int64(event.MaxTime))
	}
	if f.Ready {
		need("i.status = 'open' AND (i.holder IS NULL OR i.ending OR i.holder = ?) AND i.scheduled <= ? AND i.k NOT IN "+waiting, f.Me, int64(f.Now))
	}
	if f.Blocked {
		need("i.status = 'open' AND i.k IN " + waiting)
	}
	return conds, vals
}

// order is less in SQL.
func (f *Filter) order() string {
	switch f.Sort {
	case "updated":
		return "i.updated DESC, i.created DESC, i.k DESC"
	case "priority":
		return "i.rank, i.created, i.k"
	case "due":
		return "i.due, i.created, i.k"
	case "number":
		return "i.position, i.created, i.k"
	case "title":
		return "i.title, i.created, i.k"
	}
	return "i.created DESC, i.k DESC"
}

// OpenBlockers returns the open issues that u waits for.
func (f *File) OpenBlockers(u event.UUID) ([]*Issue, error) {
	return ask(f, func() ([]*Issue, error, error) {
		i, err := f.issue(u)
		if err != nil {
			return nil, nil, err
		}
		if i == nil {
			return nil, &NotFoundError{What: "issue", ID: u.String()}, nil
		}
		var open []*Issue
		for _, b := range i.BlockedBy {
			o, err := f.issue(b)
			if err != nil {
				return nil, nil, err
			}
			if o != nil && o.Status == event.Open {
				open = append(open, o)
			}
		}
		return open, nil, nil
	}, func(m *Memory) ([]*Issue, error) { return m.OpenBlockers(u) })
}

// Locked returns the issues that are locked or claimed, oldest lock first.
func (f *File) Locked() ([]*Issue, error) {
	return ask(f, func() ([]*Issue, error, error) {
		rows := []*Issue{}
		err := f.query(func(r *sql.Rows) error {
			i, err := f.scan(r)
			if err == nil {
				rows = append(rows, i)
			}
			return err
		}, "SELECT k, row FROM issue WHERE holder IS NOT NULL")
		if err == nil {
			slices.SortFunc(rows, lockOrder)
		}
		return rows, nil, err
	}, (*Memory).Locked)
}

// History returns the lines aimed at an issue in key order, without what only
// proves them: Raw, Hub, Prev, Signature and members not known are empty.
func (f *File) History(u event.UUID) ([]*event.Envelope, error) {
	return ask(f, func() (lines []*event.Envelope, no, err error) {
		if i, err := f.issue(u); err != nil || i == nil {
			return nil, &NotFoundError{What: "issue", ID: u.String()}, err
		}
		err = f.query(func(r *sql.Rows) error {
			var row sql.RawBytes
			if err := r.Scan(&row); err != nil {
				return err
			}
			e, err := unpackLine(row)
			if err == nil {
				lines = append(lines, e)
			}
			return err
		}, historyQuery, u[:])
		slices.SortStableFunc(lines, func(a, b *event.Envelope) int { return a.Key().Compare(b.Key()) })
		return lines, nil, err
	}, func(m *Memory) ([]*event.Envelope, error) { return m.History(u) })
}

// LastSign is an agent's last sign of life; see Memory.
func (f *File) LastSign(agent string) event.Time {
	return tell(f, func() (at event.Time, err error) {
		err = f.query(func(r *sql.Rows) error { return r.Scan(&at) }, "SELECT sign FROM agent WHERE k = ?", agent)
		if p, ok := f.Presence(agent); ok {
			at = max(at, p.LastSeen)
		}
		return at, err
	}, func(m *Memory) event.Time { return m.LastSign(agent) })
}

// Presence is the newest sign of life that a clone gave of an agent outside its log.
func (f *File) Presence(agent string) (event.AgentPresence, bool) {
	if f.seen == nil {
		return event.AgentPresence{}, false
	}
	p, ok := f.seen()[agent]
	return p, ok
}

// Aliases maps numbers that a hub lost to those that stand.
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
		}, "SELECT k, stands FROM alias")
		if err == nil {
			f.alias = all
		}
		return all, err
	}, (*Memory).Aliases)
}

// rowsOf reads all of a table that has packed rows.
func rowsOf[T any](f *File, query string) (all []*T, err error) {
	err = f.query(func(r *sql.Rows) error {
		var row sql.RawBytes
		if err := r.Scan(&row); err != nil {
			return err
		}
		x := new(T)
		all = append(all, x)
		return unpack(row, x)
	}, query)
	return all, err
}

// Agents returns the agents that have said something of themselves, by id.
func (f *File) Agents() []*reducer.Agent {
	return tell(f, func() ([]*reducer.Agent, error) {
		all, err := rowsOf[reducer.Agent](f, "SELECT row FROM agent WHERE row IS NOT NULL ORDER BY k")
		return append([]*reducer.Agent{}, all...), err
	}, (*Memory).Agents)
}

// Milestones returns every milestone, by creation.
func (f *File) Milestones() ([]*reducer.Milestone, error) {
	return ask(f, func() ([]*reducer.Milestone, error, error) {
		all, err := rowsOf[reducer.Milestone](f, "SELECT row FROM milestone")
		slices.SortFunc(all, milestoneOrder)
		return all, nil, err
	}, (*Memory).Milestones)
}

// Rejections lists the events that broke a rule.
func (f *File) Rejections() []reducer.Rejection {
	return tell(f, func() (list []reducer.Rejection, err error) {
		all, err := rowsOf[reducer.Rejection](f, "SELECT row FROM rejection")
		for _, r := range all {
			list = append(list, *r)
		}
		slices.SortFunc(list, reducer.Rejection.Compare)
		return list, err
	}, (*Memory).Rejections)
}

// markRun is what is said of an agent's lines from a sequence on.
type markRun struct {
	seq  uint64
	rule string
}

// Mark returns what is to be said of a line's signature; see Memory.
func (f *File) Mark(agent string, seq uint64) string {
	return tell(f, func() (string, error) {
		runs, asked := f.marks[agent]
		if !asked {
			if err := f.query(func(r *sql.Rows) error {
				var from int64
				var run markRun
				err := r.Scan(&from, &run.rule)
				run.seq = uint64(from)
				runs = append(runs, run)
				return err
			}, "SELECT seq, rule FROM mark WHERE agent = ? ORDER BY seq", agent); err != nil {
				return "", err
			}
			f.marks[agent] = runs
		}
		n, _ := slices.BinarySearchFunc(runs, seq+1, func(r markRun, seq uint64) int { return cmp.Compare(r.seq, seq) })
		if n == 0 {
			return "", nil
		}
		return runs[n-1].rule, nil
	}, func(m *Memory) string { return m.Mark(agent, seq) })
}

// Check says whether the reducer would reject the event. The rules that need other
// events than this one are those of things that cannot be added twice; of those
// rows know only whether a comment is new, so else memory answers.
func (f *File) Check(author string, b event.Body) error {
	alone := true
	switch b := b.(type) {
	case *event.CommentAdded:
		var n int
		err := f.query(func(r *sql.Rows) error { return r.Scan(&n) }, "SELECT count(*) FROM comment WHERE k = ?", b.Comment[:])
		alone = err == nil && n == 0
	case *event.TimeEntryAdded, *event.RequestSent, *event.RequestAcked:
		alone = false
	}
	if alone {
		return reducer.New().Check(author, b)
	}
	m, err := f.fallen()
	if err != nil {
		return err
	}
	return m.Check(author, b)
}

// Hash is the hash of the canonical state. Rows do not tell, so memory answers.
func (f *File) Hash() string {
	m, err := f.fallen()
	if err != nil {
		return ""
	}
	return m.Hash()
}
