// Package query is the language in which pages ask for issues: words, phrases in double
// quotes, and operators such as is:ready, label:bug and due:<7d. It only parses;
// dashboard/web turns a query into a filter of the store.
package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// Query is what a text asks for. The zero Query asks for every open issue.
type Query struct {
	Status    string // open, closed, archived or all; "" is open
	Ready     bool
	Blocked   bool
	Overdue   bool
	Locked    bool
	Labels    []string
	Without   []string // labels
	Assignee  string
	LockedBy  string
	Milestone string
	Project   string // its slug or the end of it; only a search of several projects asks
	Priority  event.Priority
	AtLeast   bool          // this priority, or a more urgent one
	DueWithin time.Duration // 0 does not ask
	Words     string        // and phrases, as the store searches for them
}

// Error names the part of a query that cannot be read, and what is allowed there.
type Error struct{ Part, Valid string }

func (e *Error) Error() string { return fmt.Sprintf("'%s' is not valid: %s", e.Part, e.Valid) }

// Operators lists all operators with their meanings.
var Operators = [][2]string{
	{"is:open", "open; also is:closed, is:archived, is:all"}, {"is:ready", "ready to work on"}, {"is:blocked", "waits for an open issue"},
	{"is:overdue", "open and past its due date"}, {"is:locked", "an agent holds the lock"}, {"label:bug", "has the label"}, {"-label:bug", "does not have the label"},
	{"@alice", "assigned to alice; @me: to you"}, {"lock:agent-1", "held or claimed by this agent"}, {"prio:high", "has this priority"}, {"prio:>=high", "has this or a higher priority"},
	{"due:<7d", "due within 7 days"}, {`milestone:"1.0"`, "in the milestone"}, {"project:o/r", "of this project"},
}

// Parse reads a query.
func Parse(text string) (Query, error) {
	var q Query
	var words []string
	for _, part := range split(text) {
		name, value, has := strings.Cut(part, ":")
		value = strings.Trim(value, `"`)
		switch {
		case strings.HasPrefix(part, "@") && len(part) > 1:
			q.Assignee = part[1:]
		case !has || value == "" || part[0] == '"':
			words = append(words, part)
		default:
			known, err := q.operator(name, value)
			if err != nil {
				return q, err
			}
			if !known {
				words = append(words, part)
			}
		}
	}
	q.Words = strings.Join(words, " ")
	return q, nil
}

// operator reads one operator; false if there is none of this name.
func (q *Query) operator(name, value string) (bool, error) {
	switch name {
	case "is":
		return true, q.is(value)
	case "label":
		q.Labels = append(q.Labels, value)
	case "-label":
		q.Without = append(q.Without, value)
	case "assignee":
		q.Assignee = value
	case "lock":
		q.LockedBy = value
	case "milestone":
		q.Milestone = value
	case "project":
		q.Project = value
	case "prio", "priority":
		value, q.AtLeast = strings.CutPrefix(value, ">=")
		q.Priority = event.Priority(value)
		if !slices.Contains([]event.Priority{event.Critical, event.High, event.Medium, event.Low}, q.Priority) {
			return true, &Error{name + ":" + value, "use critical, high, medium or low"}
		}
	case "due":
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(value, "<"), "d"))
		if err != nil || n < 1 || n > 3650 || value[0] != '<' || value[len(value)-1] != 'd' {
			return true, &Error{name + ":" + value, "use a number of days, due:<7d"}
		}
		q.DueWithin = time.Duration(n) * 24 * time.Hour
	default:
		return false, nil
	}
	return true, nil
}

func (q *Query) is(value string) error {
	switch value {
	case "open", "closed", "archived", "all":
		q.Status = value
	case "ready":
		q.Ready = true
	case "blocked":
		q.Blocked = true
	case "overdue":
		q.Overdue = true
	case "locked":
		q.Locked = true
	default:
		return &Error{"is:" + value, "use open, closed, archived, all, ready, blocked, overdue or locked"}
	}
	return nil
}

// split cuts a text at spaces that are not within double quotes.
func split(text string) []string {
	quoted := false
	return strings.FieldsFunc(text, func(c rune) bool {
		if c == '"' {
			quoted = !quoted
		}
		return !quoted && (c == ' ' || c == '\t' || c == '\n')
	})
}
