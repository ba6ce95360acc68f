package store

import (
	"bytes"
	"cmp"
	"database/sql"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// update is one Delta being applied.
type update struct {
	*writer
	bulk  bool   // from the empty state
	saved []byte // header of the state before
	sum   reducer.Sum

	nextLog int64
	fresh   map[int64]int64 // log → its first line that is new
	words   bool            // there is an index of words
	written bool            // all issues have a row

	aimed
	changes
}

// aimed are the targets of lines that are new or no longer count: in bulk lists of
// all, else those that are in the table.
type aimed struct {
	short    []shortAim
	long     []aim
	affected map[target]bool
	taken    map[target]bool // whose part of the sum was taken away already
}

// changes are what will be written of issues.
type changes struct {
	decided map[event.UUID]bool      // issues whose number or lock is new; in bulk those that have a lock
	given   map[event.UUID]uint64    // in bulk, all numbers
	tallies map[event.UUID]*tally    // what changed of the comments and entries of issues
	rows    map[event.UUID]*issueRow // of issues as they were or will be; not in bulk
	dirty   map[event.UUID]bool      // rows that were not written yet
	moved   map[event.UUID]bool      // issues that are shown now or no more, or in another place
	tied    map[event.UUID]bool      // issues whose edges changed, or what is at the other end
	cycles  map[event.UUID]bool      // issues whose edges came or went, or that did
	near    map[nearKey]bool         // that came or went
}

// aim is a line and a target that it is about.
type aim struct {
	target target
	line   int64
}

// shortAim is an aim at a target with a uuid: there are as many as events.
type shortAim struct {
	u    event.UUID
	line int64
	kind byte
}

func (a shortAim) compare(b shortAim) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), bytes.Compare(a.u[:], b.u[:]), cmp.Compare(a.line, b.line))
}

// tally is what changed of an issue's comments and time entries.
type tally struct {
	comments, entries int
	touched           reducer.Touch
	anew              bool // something no longer counts
}

func (u *update) init() {
	u.fresh = map[int64]int64{}
	u.aimed = aimed{affected: map[target]bool{}, taken: map[target]bool{}}
	u.changes = changes{map[event.UUID]bool{}, nil, map[event.UUID]*tally{}, map[event.UUID]*issueRow{}, map[event.UUID]bool{},
		map[event.UUID]bool{}, map[event.UUID]bool{}, map[event.UUID]bool{}, map[nearKey]bool{}}
}

// aim notes that a new line is about a target.
func (u *update) aim(t target, line int64) error {
	if u.bulk {
		switch t.kind() {
		case ofComment, ofHistory, ofIssue, ofMilestone, ofEntry:
			u.short = append(u.short, shortAim{t.uuid(), line, t.kind()})
		default:
			u.long = append(u.long, aim{t, line})
		}
		return nil
	}
	if t.kind() != ofHistory {
		u.affected[t] = true
	}
	return u.exec("INSERT OR IGNORE INTO aim (target, line) VALUES (?, ?)", []byte(t), line)
}

// without takes the part of a target away from the sum, as it was before the
// Delta. It will be added again as it is after.
func (u *update) without(t target) error {
	if t.kind() == ofHistory {
		return nil
	}
	u.affected[t] = true
	if u.taken[t] {
		return nil
	}
	u.taken[t] = true
	s := reducer.New()
	if err := u.linesAbout(t, s, nil); err != nil {
		return err
	}
	u.sum = u.sum.Sub(part(t, s))
	for issue := range touches(t, s) {
		u.tally(issue).anew = true
	}
	if t.kind() == ofIssue {
		u.tally(t.uuid()).anew = true
	}
	return nil
}

func (u *update) tally(issue event.UUID) *tally {
	t := u.tallies[issue]
	if t == nil {
		t = &tally{}
		u.tallies[issue] = t
	}
	return t
}

// part is what a target adds to the sum of the state.
func part(t target, s *reducer.State) reducer.Sum {
	if t.kind() == ofIssue {
		return s.IssueSum(t.uuid())
	}
	return s.Sum()
}

const linesOf = "SELECT a.line, l.row FROM aim a JOIN line l ON l.id = a.line WHERE a.target = ? ORDER BY a.line"

// linesAbout gives a state the lines about a target: to was those that were there before
// the Delta, and those that are new to now. A state may be nil.
func (u *update) linesAbout(t target, was, now *reducer.State) error {
	return u.each(linesOf, []any{[]byte(t)}, func(r *sql.Rows) error {
		var id int64
		var b sql.RawBytes
		if err := r.Scan(&id, &b); err != nil {
			return err
		}
		into := was
		if from, some := u.fresh[id>>32]; some && id&0xffffffff >= from {
			into = now
		}
		if into == nil {
			return nil
		}
		e, err := unpackLine(b)
		if err == nil {
			into.Apply(e)
		}
		return err
	})
}

// reduce writes the rows of all objects that lines are about which are new or no
// longer count.
func (u *update) reduce() error {
	if !u.bulk {
		return u.reduceAffected()
	}
	if err := u.aims(); err != nil {
		return err
	}
	return u.reduceAll()
}

// kinds is the order in which objects are reduced: those first that issues count.
var kinds = []byte{ofComment, ofEntry, ofMilestone, ofAgent, ofRequest, ofReport, ofSession, ofLine, ofIssue}

func (u *update) reduceAffected() error {
	by := map[byte][]target{}
	for t := range u.affected {
		by[t.kind()] = append(by[t.kind()], t)
	}
	for _, k := range kinds {
		slices.Sort(by[k])
		for _, t := range by[k] {
			if err := u.again(t); err != nil {
				return err
			}
		}
	}
	return u.otherIssues()
}

// again reduces an object from its stored lines and the new ones.
func (u *update) again(t target) error {
	s := reducer.New()
	if u.taken[t] {
		if err := u.linesAbout(t, s, s); err != nil {
			return err
		}
	} else {
		if err := u.linesAbout(t, s, nil); err != nil {
			return err
		}
		u.sum = u.sum.Sub(part(t, s))
		was := touches(t, s)
		if err := u.linesAbout(t, nil, s); err != nil {
			return err
		}
		for issue, at := range touches(t, s) {
			if was[issue].Latest(at) == at {
				delete(was, issue)
			}
		}
		for issue := range was {
			u.tally(issue).anew = true
		}
	}
	u.sum = u.sum.Add(part(t, s))
	return u.object(t, s)
}

// touches are the issues that a comment or a time entry touches.
func touches(t target, s *reducer.State) reducer.Touches {
	switch t.kind() {
	case ofComment:
		return s.OwnComment(t.uuid()).Touches
	case ofEntry:
		return s.OwnEntry(t.uuid()).Touches
	}
	return nil
}

// otherIssues writes rows of issues about which no line is new, but about their
// comments or time entries, or whose number or lock is.
func (u *update) otherIssues() error {
	others := map[event.UUID]bool{}
	for issue := range u.tallies {
		others[issue] = true
	}
	for issue := range u.decided {
		others[issue] = true
	}
	for issue := range others {
		if u.affected[about(ofIssue, issue)] {
			continue
		}
		row, err := u.row(issue)
		if err != nil {
			return err
		}
		if row.Issue == nil {
			continue
		}
		if err := u.fill(issue, row, reducer.Touch{}); err != nil {
			return err
		}
	}
	return nil
}

// object writes the row of an object, of whatever kind.
func (u *update) object(t target, s *reducer.State) error {
	switch t.kind() {
	case ofComment:
		if err := u.comment(t.uuid(), s.OwnComment(t.uuid())); err != nil {
			return err
		}
	case ofEntry:
		if err := u.entry(t.uuid(), s.OwnEntry(t.uuid())); err != nil {
			return err
		}
	case ofIssue:
		return u.issue(t.uuid(), s.OwnIssue(t.uuid()))
	case ofMilestone:
		id := t.uuid()
		return putRow(u, "milestone", id[:], s.OwnMilestone(id))
	case ofAgent:
		return u.agent(s.OwnAgent(string(t[1:])), string(t[1:]))
	case ofReport:
		return putRow(u, "report", []byte(t[1:]), s.OwnReport(t.report()))
	case ofSession:
		return u.session(t, s.OwnSession(t.session()))
	case ofRequest:
		if err := u.request(t, s.OwnRequest(string(t[1:]))); err != nil {
			return err
		}
	}
	return u.rejections(t, s.Rejections())
}

// putRow writes the row of a milestone or a report; nil removes it.
func putRow[T any](u *update, table string, k any, x *T) error {
	if x == nil {
		if u.bulk {
			return nil
		}
		return u.change(table, "DELETE FROM "+table+" WHERE k = ?", k)
	}
	if u.bulk {
		return u.insert(table, k, pack(x))
	}
	return u.change(table, "INSERT INTO "+table+" (k, row) VALUES (?, ?) ON CONFLICT DO UPDATE SET row = excluded.row WHERE row <> excluded.row", k, pack(x))
}

// rejections replaces those that follow from the lines about a target.
func (u *update) rejections(t target, all []reducer.Rejection) error {
	if !u.bulk {
		if err := u.change("rejection", "DELETE FROM rejection WHERE target = ?", []byte(t)); err != nil {
			return err
		}
	}
	for n := range all {
		if err := u.insert("rejection", []byte(t), int64(n), pack(&all[n])); err != nil {
			return err
		}
	}
	return nil
}

// comment writes the row of a comment.
func (u *update) comment(c event.UUID, o reducer.OwnComment) error {
	var was struct {
		there, visible bool
		issue          []byte
		id             int64
	}
	var err error
	if !u.bulk {
		was.there, err = u.one("SELECT id, issue, visible FROM comment WHERE k = ?", []any{c[:]}, &was.id, &was.issue, &was.visible)
		if err != nil {
			return err
		}
	}
	if was.visible {
		u.tally(event.UUID(was.issue)).comments--
	}
	for issue, at := range o.Touches {
		t := u.tally(issue)
		t.touched = t.touched.Latest(at)
	}
	visible := o.Added && !o.Deleted
	if visible {
		u.tally(o.Issue).comments++
	}
	if !u.bulk && (visible != was.visible || !bytes.Equal(was.issue, o.Issue[:])) {
		u.near[nearKey{"c", c}] = true
	}
	if !u.bulk && (o.Added && o.Deleted || was.there && !was.visible) {
		u.near[nearKey{"g", c}] = true
	}
	var row any
	if visible {
		row = pack(&o.Comment)
	}
	switch {
	case u.bulk && o.Added:
		return u.insert("comment (k, issue, visible, row)", c[:], o.Issue[:], visible, row)
	case u.bulk:
		return nil
	case !o.Added && was.there:
		if err := u.unread(2*was.id + 1); err != nil {
			return err
		}
		return u.change("comment", "DELETE FROM comment WHERE k = ?", c[:])
	case !o.Added:
		return nil
	}
	if err := u.change("comment", "INSERT INTO comment (k, issue, visible, row) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET issue = excluded.issue, visible = excluded.visible, row = excluded.row",
		c[:], o.Issue[:], visible, row); err != nil {
		return err
	}
	if _, err := u.one("SELECT id FROM comment WHERE k = ?", []any{c[:]}, &was.id); err != nil {
		return err
	}
	return u.unread(2*was.id + 1)
}

// unread notes that the index of words does not hold a text as it is.
func (u *update) unread(doc int64) error {
	if !u.words {
		return nil
	}
	return u.exec("INSERT OR IGNORE INTO unread (doc) VALUES (?)", doc)
}

// entry writes the row of a time entry.
func (u *update) entry(e event.UUID, o reducer.OwnEntry) error {
	for issue, at := range o.Touches {
		t := u.tally(issue)
		t.touched = t.touched.Latest(at)
	}
	visible := o.Added && !o.Deleted
	if visible {
		u.tally(o.Issue).entries++
	}
	if u.bulk {
		if !o.Added {
			return nil
		}
		return u.insert("entry (k, issue, visible, row)", e[:], o.Issue[:], visible, pack(&o.Entry))
	}
	var was []byte
	wasVisible := false
	if _, err := u.one("SELECT issue, visible FROM entry WHERE k = ?", []any{e[:]}, &was, &wasVisible); err != nil {
		return err
	}
	if wasVisible {
		u.tally(event.UUID(was)).entries--
	}
	if !o.Added {
		return u.change("entry", "DELETE FROM entry WHERE k = ?", e[:])
	}
	return u.change("entry", "INSERT INTO entry (k, issue, visible, row) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET issue = excluded.issue, visible = excluded.visible, row = excluded.row WHERE issue <> excluded.issue OR visible <> excluded.visible OR row <> excluded.row",
		e[:], o.Issue[:], visible, pack(&o.Entry))
}

// aims writes the index from objects to the lines about them, in order.
func (u *update) aims() error {
	slices.SortFunc(u.short, shortAim.compare)
	u.short = slices.Compact(u.short)
	slices.SortFunc(u.long, func(a, b aim) int {
		return cmp.Or(strings.Compare(string(a.target), string(b.target)), cmp.Compare(a.line, b.line))
	})
	u.long = slices.Compact(u.long)
	short, long := u.short, u.long
	for len(short) > 0 || len(long) > 0 {
		if len(short) == 0 || len(long) > 0 && long[0].target.kind() < short[0].kind {
			if err := u.insert("aim", []byte(long[0].target), long[0].line); err != nil {
				return err
			}
			long = long[1:]
			continue
		}
		if err := u.insert("aim", append([]byte{short[0].kind}, short[0].u[:]...), short[0].line); err != nil {
			return err
		}
		short = short[1:]
	}
	return u.flush()
}
