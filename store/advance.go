package store

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"errors"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// An update by what is new alone. The rules are those of the reducer, and it is
// the reducer that applies them: to the lines of one issue, which the store has,
// and the new ones. An event that ties two issues together (parent, blocker,
// relation) is applied to all that hang together with them (group.go). What does
// more than that is not followed here; then the answer is ErrWhole, and everything
// is loaded.

// ErrWhole says that what is new cannot be told from itself and its issues.
var ErrWhole = errors.New("what is new takes the whole state")

// Tail is what is new at the end of a log of which every line counts.
type Tail struct {
	Lines []*event.Envelope
	Mark  string // what is said of each line of the log now
}

// News is what is new in a state.
type News struct {
	Tails   []Tail
	Numbers map[event.UUID]uint64 // decided since
	Decided Decided               // as it is now; its aliases are those there were
	Locked  []event.UUID          // whose lock or queue has changed
}

// Plain reports whether a line changes nothing but issues that hang together with
// the one it is aimed at, or introduces its writer at the beginning of a log.
func Plain(e *event.Envelope) bool {
	switch e.Body.(type) {
	case *event.AgentIntroduced:
		return e.Seq == 1
	case *event.IssueCreated, *event.IssueDeleted, *event.ParentChanged, *event.DependencyAdded, *event.DependencyRemoved, *event.RelationAdded, *event.RelationRemoved,
		*event.IssueUpdated, *event.StatusChanged, *event.ScheduleChanged, *event.LabelAdded, *event.LabelRemoved,
		*event.AssigneeAdded, *event.AssigneeRemoved, *event.CommentAdded, *event.CommentEdited, *event.CommentDeleted,
		*event.LockClaimed, *event.LockReleased, *event.LockBroken: // these not even that
		return true
	}
	return false
}

// State is what a store says it was made from, and the two notes kept with it.
type State struct {
	Digest     []byte
	Note, Rest []byte // Rest is read by Follow and File.Rest alone
}

// Follow brings the store from the state it has to another one, by what news says
// is new, and opens it; see Open. news is called with the state there is. ErrWhole
// if what is new takes more than its issues; any error means: no.
func (s *Store) Follow(news func(was State) (State, News, error), recall func() (*Memory, error), seen func() map[string]event.AgentPresence) (*File, State, Written, error) {
	var is State
	unlock, ok := s.Lock()
	if !ok {
		return nil, is, Written{}, ErrBusy
	}
	defer unlock()
	of, good := readSeal(s.Path)
	if !good {
		return nil, is, Written{}, errOther
	}
	db, conn, err := open(s.Path, true)
	if err != nil {
		return nil, is, Written{}, err
	}
	w := newWriter(conn, nil)
	err = w.within(func() (err error) {
		var was State
		if err := w.one("SELECT of, note, rest FROM head", nil, &was.Digest, &was.Note, &was.Rest); err != nil || !bytes.Equal(of, was.Digest) {
			return errors.Join(err, errOther)
		}
		for _, b := range []*[]byte{&was.Note, &was.Rest} {
			if *b, err = unsummed(*b); err != nil {
				return err
			}
		}
		var more News
		if is, more, err = news(was); err != nil {
			return err
		}
		if err := w.follow(more); err != nil {
			return err
		}
		return w.head(is)
	})
	w.close()
	if err == nil {
		err = writeSeal(s.Path, is.Digest)
	}
	if err != nil {
		conn.Close()
		db.Close()
		return nil, is, Written{}, err
	}
	return s.file(db, conn, is.Digest, recall, seen), is, Written{Followed: true, Rows: w.count}, nil
}

// one reads the one row of a query; sql.ErrNoRows if there is none.
func (w *writer) one(query string, args []any, into ...any) error {
	return w.conn.QueryRowContext(w.ctx, query, args...).Scan(into...)
}

// follow writes what is new.
func (w *writer) follow(news News) error {
	a := advance{writer: w, decided: news.Decided, rows: map[event.UUID]*Issue{}, fresh: map[event.UUID]bool{}, redecided: map[event.UUID]bool{},
		lines: map[event.UUID][]*event.Envelope{}, added: map[event.Key]bool{}, deleted: map[event.UUID]bool{}}
	for _, t := range news.Tails {
		if err := a.tail(t); err != nil {
			return err
		}
	}
	if err := a.number(news.Numbers); err != nil {
		return err
	}
	if err := a.lock(news.Locked); err != nil {
		return err
	}
	return a.write()
}

// advance is one update by tails.
type advance struct {
	*writer
	decided Decided
	order   []event.UUID
	rows    map[event.UUID]*Issue            // as they were, with numbers and locks as they are
	fresh   map[event.UUID]bool              // created by the new lines
	lines   map[event.UUID][]*event.Envelope // new ones
	added   map[event.Key]bool               // their keys
	tied    []event.UUID                     // issues that the new lines tie to others, or untie
	deleted map[event.UUID]bool              // by the new lines

	redecided map[event.UUID]bool // whose number or lock is new
}

// tail keeps the lines and sorts them by issue.
func (a *advance) tail(t Tail) error {
	if len(t.Lines) == 0 {
		return nil
	}
	first, last := t.Lines[0], t.Lines[len(t.Lines)-1]
	if first.Seq == 1 {
		if err := a.begin(first); err != nil {
			return err
		}
	}
	var id, known int64
	err := a.one("SELECT id, lines FROM log WHERE agent = ?", []any{first.Agent}, &id, &known)
	if err != nil || uint64(known)+1 != first.Seq {
		return errors.Join(ErrWhole, err)
	}
	for n, e := range t.Lines {
		issues, err := a.aim(e)
		if err != nil {
			return err
		}
		if err := a.line(id<<32|(known+int64(n)), e); err != nil {
			return err
		}
		a.added[e.Key()] = true
		for _, u := range issues {
			if err := a.touch(u); err != nil {
				return err
			}
			a.lines[u] = append(a.lines[u], e)
		}
		if p := parentIn(e.Body); p != (event.UUID{}) {
			if err := a.touch(p); err != nil {
				return err
			}
			a.tied = append(a.tied, p)
		}
	}
	tip := sha256.Sum256(last.Raw)
	a.count["log"]++
	if err := a.exec("UPDATE log SET lines = ?, tip = ? WHERE agent = ?", known+int64(len(t.Lines)), tip[:], first.Agent); err != nil {
		return err
	}
	if err := a.sign(last); err != nil {
		return err
	}
	return a.mark(first.Agent, t.Mark)
}

// begin makes the rows of a log that is new, and of its writer.
func (a *advance) begin(first *event.Envelope) error {
	if err := a.exec("INSERT INTO log (agent, id, lines, tip) SELECT ?, coalesce(max(id), 0) + 1, 0, x'' FROM log", first.Agent); err != nil {
		return errors.Join(ErrWhole, err)
	}
	s := reducer.New()
	s.Apply(first)
	about := any(nil)
	if x := s.View().Agents[first.Agent]; x != nil {
		about = pack(x)
	}
	a.count["agent"]-- // written once more by sign
	return a.put("agent", agentColumns, row{first.Agent, []any{int64(0), about}})
}

// aim returns the issues that an event is aimed at, none if it introduces its
// writer.
func (a *advance) aim(e *event.Envelope) ([]event.UUID, error) {
	if !Plain(e) {
		return nil, ErrWhole
	}
	issues, comment := targets(e.Body)
	if comment != (event.UUID{}) {
		var home []byte
		var short string
		if err := a.one("SELECT issue, short FROM comment WHERE k = ?", []any{comment[:]}, &home, &short); err != nil || len(home) != len(comment) || short == "" {
			return nil, errors.Join(ErrWhole, err) // added later, deleted, or of a hidden issue
		}
		issues = []event.UUID{event.UUID(home)}
		if _, is := e.Body.(*event.CommentDeleted); is {
			return issues, a.hideComment(comment, issues[0], short, true)
		}
	}
	switch b := e.Body.(type) {
	case *event.CommentAdded:
		return issues, a.comment(b)
	case *event.IssueDeleted:
		a.tied, a.deleted[b.UUID] = append(a.tied, b.UUID), true
	case *event.ParentChanged, *event.DependencyAdded, *event.DependencyRemoved, *event.RelationAdded, *event.RelationRemoved:
		a.tied = append(a.tied, issues...)
	case *event.IssueCreated:
		if b.Parent != (event.UUID{}) {
			a.tied = append(a.tied, b.UUID)
		}
		return issues, a.create(b)
	}
	return issues, nil
}

// touch reads an issue that will be written.
func (a *advance) touch(u event.UUID) error {
	if a.rows[u] != nil {
		return nil
	}
	row, err := a.row(u)
	if err != nil {
		return err
	}
	a.order = append(a.order, u)
	a.rows[u] = row
	return nil
}

// create makes the row of an issue that nothing has spoken of before.
func (a *advance) create(b *event.IssueCreated) error {
	var n int
	if err := a.one(`SELECT (SELECT count(*) FROM issue WHERE k = ?1) + (SELECT count(*) FROM aimed WHERE target IN (?1, ?2)) + (SELECT count(*) FROM comment WHERE issue = ?1)`,
		[]any{b.UUID[:], asParent(b.UUID)}, &n); err != nil {
		return err
	}
	if n > 0 || a.rows[b.UUID] != nil {
		return ErrWhole
	}
	short, err := a.short("issue", "1", b.UUID)
	if err != nil {
		return err
	}
	i := &Issue{Issue: &reducer.Issue{UUID: b.UUID}, Short: short}
	var number int64
	switch err := a.one("SELECT k FROM number WHERE issue = ?", []any{b.UUID[:]}, &number); {
	case err == nil:
		i.Number = uint64(number)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	a.order = append(a.order, b.UUID)
	a.rows[b.UUID], a.fresh[b.UUID] = i, true
	a.grant(i)
	return nil
}

// lock writes the locks and queues of issues anew. One that is not shown has none.
func (a *advance) lock(issues []event.UUID) error {
	for _, u := range issues {
		var shown int
		if err := a.one("SELECT count(*) FROM issue WHERE k = ? AND shown", []any{u[:]}, &shown); err != nil {
			return err
		}
		if shown == 0 && !a.fresh[u] {
			continue
		}
		if err := a.touch(u); err != nil {
			return err
		}
		a.grant(a.rows[u])
		a.redecided[u] = true
	}
	return nil
}

// grant gives a row the lock and the queue that are decided.
func (a *advance) grant(i *Issue) {
	i.Lock, i.Queue = nil, nil
	if l, held := a.decided.Locks[i.UUID]; held {
		i.Lock, i.Queue = &l, a.decided.Queue[i.UUID]
	}
}

// short is the short id of something new, if it makes no other's longer.
func (a *advance) short(table, among string, u event.UUID) (string, error) {
	near := newIndex(table, 3)
	near.add(u)
	if table == "issue" {
		for other := range a.fresh { // their rows are written last
			near.add(other)
		}
	}
	for _, side := range []string{"k < ? AND " + among + " ORDER BY k DESC", "k > ? AND " + among + " ORDER BY k"} {
		var k []byte
		switch err := a.one("SELECT k FROM "+table+" WHERE "+side+" LIMIT 1", []any{u[:]}, &k); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil || len(k) != len(u):
			return "", errors.Join(err, errRow)
		default:
			near.add(event.UUID(k))
		}
	}
	near.done()
	short := near.short(u)
	if len(short) != minPrinted {
		return "", ErrWhole
	}
	return short, nil
}

// number gives issues the numbers that were decided.
func (a *advance) number(decided map[event.UUID]uint64) error {
	for u, n := range decided {
		var there, shown int
		if err := a.one("SELECT (SELECT count(*) FROM number WHERE k = ? OR issue = ?), (SELECT count(*) FROM issue WHERE k = ? AND shown)",
			[]any{int64(n), u[:], u[:]}, &there, &shown); err != nil {
			return err
		}
		if there > 0 {
			return ErrWhole
		}
		if err := a.put("number", "issue", row{int64(n), []any{u[:]}}); err != nil {
			return err
		}
		if shown == 0 && !a.fresh[u] {
			continue
		}
		if err := a.touch(u); err != nil {
			return err
		}
		a.rows[u].Number, a.redecided[u] = n, true
	}
	return nil
}

// comment writes the row of a comment that nothing has spoken of before.
func (a *advance) comment(c *event.CommentAdded) error {
	var n int
	if err := a.one("SELECT (SELECT count(*) FROM comment WHERE k = ?1) + (SELECT count(*) FROM aimed WHERE target = ?1)", []any{c.Comment[:]}, &n); err != nil {
		return err
	}
	if n > 0 {
		return ErrWhole
	}
	short, err := a.short("comment", "short <> ''", c.Comment)
	if err != nil {
		return err
	}
	return a.put("comment", commentColumns, row{c.Comment[:], []any{c.Issue[:], short, ""}})
}

// hideComment writes the row of a comment that is not shown any more: by itself,
// or with its issue. Only where its short id made no other's longer.
func (a *advance) hideComment(c, issue event.UUID, short string, itself bool) error {
	if len(short) != minPrinted {
		return ErrWhole
	}
	gone := ""
	if itself {
		var err error
		if gone, err = a.short("comment", "gone <> ''", c); err != nil {
			return err
		}
	}
	return a.put("comment", commentColumns, row{c[:], []any{issue[:], "", gone}})
}

// hide writes the row of an issue that is deleted, and those of its comments.
func (a *advance) hide(was *Issue) error {
	if was.Milestone != (event.UUID{}) {
		return ErrWhole // which lists it
	}
	rs, err := a.conn.QueryContext(a.ctx, "SELECT k, short FROM comment WHERE issue = ? AND short <> ''", was.UUID[:])
	if err != nil {
		return err
	}
	defer rs.Close()
	comments := map[event.UUID]string{}
	for rs.Next() {
		var k []byte
		var short string
		if err := rs.Scan(&k, &short); err != nil || len(k) != len(event.UUID{}) {
			return errors.Join(errRow, err)
		}
		comments[event.UUID(k)] = short
	}
	if err := rs.Err(); err != nil {
		return err
	}
	for c, short := range comments {
		if err := a.hideComment(c, was.UUID, short, false); err != nil {
			return err
		}
	}
	return a.put("issue", issueColumns, row{was.UUID[:], goneValues(was.Short)})
}

// row reads an issue that is shown.
func (a *advance) row(u event.UUID) (*Issue, error) {
	var b []byte
	if err := a.one("SELECT row FROM issue WHERE k = ? AND shown", []any{u[:]}, &b); err != nil {
		return nil, errors.Join(ErrWhole, err)
	}
	i := &Issue{}
	return i, unpack(b, i)
}

// sign moves an agent's last sign of life.
func (a *advance) sign(last *event.Envelope) error {
	var about []byte
	if err := a.one("SELECT row FROM agent WHERE k = ?", []any{last.Agent}, &about); err != nil {
		return errors.Join(ErrWhole, err)
	}
	vals := []any{int64(last.Shown()), any(nil)}
	if about != nil {
		vals[1] = about
	}
	return a.put("agent", agentColumns, row{last.Agent, vals})
}

// mark says one thing of all lines of a log.
func (a *advance) mark(agent, rule string) error {
	var n, fit int
	if err := a.one("SELECT count(*), count(*) FILTER (WHERE seq = 1 AND rule = ?2) FROM mark WHERE agent = ?1", []any{agent, rule}, &n, &fit); err != nil {
		return err
	}
	if rule == "" && n == 0 || n == 1 && fit == 1 {
		return nil
	}
	if err := a.exec("DELETE FROM mark WHERE agent = ?", agent); err != nil || rule == "" {
		a.count["mark"] += n
		return err
	}
	return a.put("mark", markColumns, markRow(agent, 1, rule))
}
