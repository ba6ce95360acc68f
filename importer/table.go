package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// CSV reads a table with a header. The name of a column determines its field: a name of
// this tracker (see columns), one that GitLab or Jira use, or one that o.Columns maps.
// Cells are separated by commas, semicolons or tabs.
//
// A row without an id gets one from its title, like a task in Markdown.
func CSV(s Source, o Options, out *Sink) error { return table("csv", s, o, out) }

// GitLab reads the table that GitLab exports.
func GitLab(s Source, o Options, out *Sink) error { return table("gitlab", s, o, out) }

// Jira reads the table that Jira exports. Several columns can have the same name.
func Jira(s Source, o Options, out *Sink) error { return table("jira", s, o, out) }

// column is the meaning of a column.
type column string

const (
	colKey, colTitle, colText, colStatus, colPriority     column = "id", "title", "description", "status", "priority"
	colLabels, colAssignees, colAuthor                    column = "labels", "assignees", "created_by"
	colCreated, colUpdated, colClosed, colDue, colSched   column = "created_at", "updated_at", "closed_at", "due", "scheduled"
	colMilestone, colParent, colBlockedBy, colURL, colCom column = "milestone", "parent", "blocked_by", "url", "comment"
	colReason, colType, colUUID                           column = "reason", "type", "uuid"
	colNumericID                                          column = "issue id" // of Jira, by which a row may name its parent
)

// columns maps the names of columns, in lower case, to their meaning.
var columns = map[string]map[string]column{
	"csv": {
		"id": colKey, "number": colKey, "title": colTitle, "description": colText, "status": colStatus, "priority": colPriority,
		"labels": colLabels, "label": colLabels, "assignees": colAssignees, "assignee": colAssignees, "created_by": colAuthor,
		"created_at": colCreated, "updated_at": colUpdated, "closed_at": colClosed, "due": colDue, "due_at": colDue,
		"scheduled": colSched, "scheduled_at": colSched, "milestone": colMilestone, "parent": colParent, "blocked_by": colBlockedBy,
		"url": colURL, "comment": colCom, "reason": colReason, "close_reason": colReason, "type": colType, "uuid": colUUID,
	},
	"gitlab": {
		"issue id": colKey, "url": colURL, "title": colTitle, "state": colStatus, "description": colText, "author username": colAuthor,
		"assignee username": colAssignees, "due date": colDue, "created at (utc)": colCreated, "updated at (utc)": colUpdated,
		"closed at (utc)": colClosed, "milestone": colMilestone, "labels": colLabels,
	},
	"jira": {
		"issue key": colKey, "summary": colTitle, "status": colStatus, "priority": colPriority, "reporter": colAuthor, "assignee": colAssignees,
		"created": colCreated, "updated": colUpdated, "resolved": colClosed, "due date": colDue, "due": colDue, "labels": colLabels,
		"description": colText, "comment": colCom, "parent": colParent, "parent key": colParent, "fix version/s": colMilestone,
		"issue type": colType, "resolution": colReason, "issue id": colNumericID, "parent id": colParent,
		"inward issue link (blocks)": colBlockedBy,
	},
}

// ColumnNames are the names that columns of a table can have.
func ColumnNames() []string {
	names := map[string]bool{}
	for _, c := range columns["csv"] {
		names[string(c)] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func table(format string, s Source, o Options, out *Sink) error {
	h, err := tableHeader(format, s, o)
	if err != nil {
		return err
	}
	keys, same, first := newRowKeys(), map[string]int{}, true
	if err := laterSaid(records(s, h.comma, func(line int, rec []string, err error) error {
		if first {
			first = false
			return nil
		}
		if err == nil && len(rec) <= maxColumns && !blank(rec) {
			key := h.key(rec, same)
			keys.add(key, h.cell(rec, colKey))
			keys.add(key, h.cell(rec, colNumericID))
		}
		return nil
	})); err != nil {
		return err
	}
	milestones := map[nameHash]bool{}
	same, first = map[string]int{}, true
	return records(s, h.comma, func(line int, rec []string, err error) error {
		if first {
			first = false
			return nil
		}
		out.Report.Read++
		if err == nil && len(rec) > maxColumns {
			err = fmt.Errorf("it has more than %d cells", maxColumns)
		}
		if err == nil && blank(rec) {
			out.Report.skip(Skip{Line: line, Reason: "empty"})
			return nil
		}
		key := ""
		if err == nil {
			key = h.key(rec, same)
		}
		if text := tooLong(key); text != "" {
			err = errors.New(text)
		}
		if err != nil {
			out.Report.bad(line, "the row cannot be read: "+err.Error())
			return nil
		}
		t := &tableRow{line: line, rec: rec, meaning: h.meaning, header: h.names, o: o, rep: out.Report}
		i := t.issue(format, key, keys)
		if !keys.meet(i.Key) {
			out.Report.bad(line, "an earlier row has the same id "+quote(i.Key))
			return nil
		}
		if name := hashOf(i.Milestone); i.Milestone != "" && !milestones[name] {
			milestones[name] = true
			if err := out.Milestone(&Milestone{Key: i.Milestone, Name: i.Milestone}); err != nil {
				return err
			}
		}
		return out.Issue(i)
	})
}

func blank(rec []string) bool { return strings.TrimSpace(strings.Join(rec, "")) == "" }

// heading is the first row of a table.
type heading struct {
	comma   rune // separates the cells
	names   []string
	meaning []column // the meaning of each column; "" if it has none here
}

// tableHeader reads the header. Cells are separated by commas, unless only another
// separator gives a cell with the name of the title column.
func tableHeader(format string, s Source, o Options) (h *heading, err error) {
	for _, comma := range ",;\t" {
		other, failed := separatedBy(comma, format, s, o)
		if failed == nil {
			return other, nil
		}
		if err == nil {
			err = failed
		}
	}
	return nil, err
}

func separatedBy(comma rune, format string, s Source, o Options) (*heading, error) {
	var header []string
	err := records(s, comma, func(line int, rec []string, err error) error {
		if header = rec; err == nil {
			err = io.EOF
		}
		return err
	})
	if err != io.EOF || len(header) == 0 {
		return nil, notOf(format, "the table has no header")
	}
	if len(header) > maxColumns {
		return nil, notOf(format, "the table has more than %d columns", maxColumns)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Columns)) {
		if !slices.Contains(header, name) {
			return nil, notOf(format, "it has no column %s; the header is %s", quote(name), quote(strings.Join(header, ",")))
		}
	}
	title, meaning := false, make([]column, 0, len(header))
	for _, name := range header {
		word := strings.ToLower(strings.TrimSpace(name))
		if own, ok := o.Columns[name]; ok {
			word = own
		}
		c := columns[format][word]
		if c == "" && o.Columns[name] != "" {
			c = columns["csv"][word]
		}
		title = title || c == colTitle
		meaning = append(meaning, c)
	}
	if !title {
		return nil, &FormatError{Format: format, Titles: true, Text: "no column has the titles; the header is " + quote(strings.Join(header, ","))}
	}
	return &heading{comma, header, meaning}, nil
}

// records calls f with each record of a table and the line where it begins, or with an
// error if a record cannot be read. If f returns io.EOF, the reading ends.
func records(s Source, comma rune, f func(line int, rec []string, err error) error) error {
	const mark = "\ufeff" // spreadsheets write it before the header, whose first name may be quoted
	in := bufio.NewReader(whole(s))
	var skipped int64
	if head, _ := in.Peek(len(mark)); string(head) == mark {
		n, _ := in.Discard(len(mark))
		skipped = int64(n)
	}
	c := &counter{r: in, left: MaxRow}
	b := csv.NewReader(&cells{r: c, comma: byte(comma)})
	b.Comma = comma
	b.FieldsPerRecord, b.LazyQuotes, b.ReuseRecord = -1, true, false
	for line := 1; ; {
		c.left = MaxRow + 64<<10
		rec, err := b.Read()
		if err == io.EOF {
			return nil
		}
		if errors.Is(err, errRow) {
			return fmt.Errorf("after line %d a row of the table %w", line, errRow)
		}
		var bad *csv.ParseError
		if err != nil && !errors.As(err, &bad) {
			return err
		}
		switch {
		case bad != nil:
			line = bad.StartLine
		case len(rec) > 0:
			line, _ = b.FieldPos(0)
			err = unclosed(s, rec, skipped+b.InputOffset())
		}
		if err := f(line, rec, err); err != nil {
			return err
		}
	}
}

// unclosed reports a quote without an end: everything after it is one cell, which ends at
// the end of the table, outside of a quote.
func unclosed(s Source, rec []string, end int64) error {
	if end < s.Size() || !strings.Contains(rec[len(rec)-1], "\n") {
		return nil
	}
	tail := make([]byte, min(end, 4))
	n, err := s.ReadAt(tail, end-int64(len(tail)))
	if n < len(tail) {
		return err
	}
	if bytes.HasSuffix(bytes.TrimRight(tail, "\r\n"), []byte(`"`)) {
		return nil
	}
	return errors.New("a quote in it is not closed")
}

// key names a row by its uuid, which only a table of ours has, or by its id. Without
// one it is a hash of the title; rows of equal titles are counted in same.
func (h *heading) key(rec []string, same map[string]int) string {
	if u, ok := event.ParseUUID(h.cell(rec, colUUID)); ok {
		return OwnKey(u)
	}
	if id := h.cell(rec, colKey); id != "" {
		return id
	}
	return wordsKey("title/", (&tableRow{rec: rec, meaning: h.meaning}).one(colTitle), same)
}

// cell returns what the first column of a meaning holds. It is a copy, which may be kept
// when the row is not.
func (h *heading) cell(rec []string, c column) string {
	if at := slices.Index(h.meaning, c); at >= 0 && at < len(rec) {
		return strings.Clone(strings.TrimSpace(rec[at]))
	}
	return ""
}

type tableRow struct {
	line    int
	rec     []string
	meaning []column
	header  []string
	o       Options
	rep     *Report
}

// all returns the values of all columns with one meaning.
func (t *tableRow) all(c column) (values []string) {
	for n, v := range t.rec {
		if n >= len(t.meaning) || t.meaning[n] != c || strings.TrimSpace(v) == "" {
			continue
		}
		if c != colText { // which keeps its spaces
			v = strings.TrimSpace(v)
		}
		values = append(values, unquoted(v))
	}
	return values
}

func (t *tableRow) one(c column) string {
	return strings.Join(t.all(c), "\n")
}

// unquoted removes the apostrophe that keeps a spreadsheet from evaluating a text.
func unquoted(v string) string {
	if rest := strings.TrimLeft(v, "'"); rest != v && rest != "" && strings.ContainsRune("=+-@\t\r", rune(rest[0])) {
		return v[1:]
	}
	return v
}

// list splits cells with several words, separated by commas or semicolons.
func (t *tableRow) list(c column) (words []string) {
	for _, v := range t.all(c) {
		words = append(words, splitWords(v)...)
	}
	return words
}

// splitWords splits such a cell. A word in quotes may contain separators; a quote in it is
// written twice.
func splitWords(v string) (words []string) {
	for v = strings.TrimLeft(v, ",; \t\n"); v != "" && len(words) < maxList; v = strings.TrimLeft(v, ",; \t\n") {
		word, rest, ok := quotedWord(v)
		if !ok {
			end := strings.IndexAny(v, ",;")
			if end < 0 {
				end = len(v)
			}
			word, rest = strings.TrimSpace(v[:end]), v[end:]
		}
		words, v = append(words, word), rest
	}
	return words
}

// quotedWord reads a word in quotes, up to a separator or the end.
func quotedWord(v string) (word, rest string, ok bool) {
	if v[0] != '"' {
		return "", "", false
	}
	var b strings.Builder
	for rest = v[1:]; ; {
		part, after, found := strings.Cut(rest, `"`)
		b.WriteString(part)
		rest = after
		switch {
		case !found:
			return "", "", false
		case strings.HasPrefix(rest, `"`):
			b.WriteByte('"')
			rest = rest[1:]
			continue
		}
		end := strings.TrimLeft(rest, " \t\n")
		return b.String(), rest, b.Len() > 0 && (end == "" || end[0] == ',' || end[0] == ';')
	}
}

func (t *tableRow) issue(format, key string, keys *rowKeys) *Issue {
	i := &Issue{Key: key, Line: t.line, Exact: IsOwn(key)}
	i.Number, _ = strconv.ParseUint(t.one(colKey), 10, 63)
	i.Title, i.Description = t.one(colTitle), t.one(colText)
	i.Author = t.o.person(or(t.one(colAuthor), "unknown"))
	i.Labels, i.Milestone = t.list(colLabels), fitName(t.one(colMilestone), new(int))
	for _, a := range t.list(colAssignees) {
		i.Assignees = append(i.Assignees, t.o.person(a))
	}
	if k := t.one(colType); k != "" {
		i.Labels = append(i.Labels, "type:"+strings.ToLower(k))
	}
	t.status(i)
	t.times(i)
	if url := t.one(colURL); url != "" {
		i.Links = append(i.Links, Link{"external", url})
	}
	t.edges(i, keys)
	t.comments(i, format)
	for n, v := range t.rec {
		if v = strings.TrimSpace(v); v != "" && !(format == "gitlab" && (v == "No" || v == "0")) && (n >= len(t.meaning) || t.meaning[n] == "" || t.meaning[n] == colNumericID) {
			name := "column " + strconv.Itoa(n+1)
			if n < len(t.header) {
				name = t.header[n]
			}
			i.leave(name, v)
		}
	}
	return i
}

// tablePriorities are the names of priorities in tables.
var tablePriorities = map[string]event.Priority{
	"critical": event.Critical, "blocker": event.Critical, "highest": event.Critical, "p0": event.Critical, "urgent": event.Critical,
	"high": event.High, "major": event.High, "p1": event.High, "medium": event.Medium, "normal": event.Medium, "p2": event.Medium,
	"low": event.Low, "minor": event.Low, "lowest": event.Low, "trivial": event.Low, "p3": event.Low, "p4": event.Low,
}

func (t *tableRow) status(i *Issue) {
	i.Priority = event.Medium
	if p := t.one(colPriority); p != "" {
		own, ok := tablePriorities[strings.ToLower(p)]
		if i.Priority = own; !ok {
			i.Priority = event.Medium
			i.Labels = append(i.Labels, "priority:"+p)
		}
	}
	switch s := t.one(colStatus); strings.ToLower(s) {
	case "closed", "done", "resolved", "complete", "completed":
		i.Status, i.Reason = event.Closed, t.one(colReason)
	case "archived":
		i.Status, i.Reason = event.Archived, t.one(colReason)
	case "", "open", "opened", "to do", "todo", "new", "reopened":
	default:
		i.Labels = append(i.Labels, "status:"+s)
	}
	if i.Status != "" || t.one(colReason) == "" {
		return
	}
	if i.Reason = t.one(colReason); !IsOwn(i.Key) {
		i.Reason = ""
		i.leave("reason", t.one(colReason))
	}
}

func (t *tableRow) times(i *Issue) {
	for _, m := range []struct {
		column
		to *event.Time
	}{{colCreated, &i.Created}, {colUpdated, &i.Updated}, {colClosed, &i.ClosedAt}, {colDue, &i.Due}, {colSched, &i.Scheduled}} {
		v := t.one(m.column)
		at, ok := moment(v)
		if *m.to = at; !ok {
			t.rep.Warn(Warning{t.line, i.Key, "bad-time", string(m.column) + " is " + quote(v) + ", which is not a time"})
			i.leave(string(m.column), v)
		} else if day, err := time.Parse(time.DateOnly, strings.TrimSpace(v)); err == nil && m.column == colDue {
			i.Due = event.TimeOf(day.AddDate(0, 0, 1).Add(-1)) // due until the end of the day, as with 'schedule'
		}
	}
	if i.Status != event.Closed {
		i.ClosedAt = 0
	} else if i.ClosedAt == 0 {
		i.ClosedAt = i.Updated
	}
}

func (t *tableRow) edges(i *Issue, keys *rowKeys) {
	other := func(what, name string) (key string) {
		if key = keys.of(strings.Clone(name)); key == "" || key == i.Key {
			t.rep.skipEdge(i, "dangling-edge", what+" "+quote(name)+" is not another row of the table")
			return ""
		}
		return key
	}
	for _, name := range t.list(colParent) {
		switch p := other("the parent", name); {
		case p == "" || p == i.Parent:
		case i.Parent == "":
			i.Parent = p
		default:
			i.relate(event.Related, p)
		}
	}
	for _, name := range t.list(colBlockedBy) {
		if b := other("the blocker", name); b != "" {
			i.BlockedBy = append(i.BlockedBy, b)
		}
	}
}

// comments reads cells with comments. Jira writes date;author;text.
func (t *tableRow) comments(i *Issue, format string) {
	for _, v := range t.all(colCom) {
		c := Comment{Author: i.Author, Text: v}
		if parts := strings.SplitN(v, ";", 3); format == "jira" && len(parts) == 3 {
			if at, ok := moment(parts[0]); ok {
				c = Comment{Author: t.o.person(or(parts[1], "unknown")), Text: parts[2], Created: at}
			}
		}
		i.Comments = append(i.Comments, c)
	}
}
