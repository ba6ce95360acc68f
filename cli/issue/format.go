package issue

import (
	"slices"
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/verb"
)

// issueForms are the forms of a list of issues, including --format.
type issueForms struct {
	frame.Forms
	format *frame.Format
}

// formFlags are the options for forms, including --format.
func formFlags() []urfave.Flag {
	return append(frame.PorcelainFlags(),
		&urfave.StringFlag{Name: "format", Usage: "print each issue in `FORMAT`, such as '%(number) %(title)'"})
}

func issueFormsOf(u *urfave.Context, e *command.Env) (f issueForms, err error) {
	if f.Forms, err = frame.ParseForms(u); err != nil {
		return f, err
	}
	f.format, err = frame.FormatOf(u, func(s string) (*frame.Format, error) {
		return frame.ParseFormat(s, fieldNames(), func(name string) (known, isTime bool) {
			d, ok := fieldsOf[name]
			return ok, d.date
		})
	})
	if err != nil {
		return f, err
	}
	return f, e.NotInJSON(f.forScripts())
}

func (f *issueForms) forScripts() bool { return f.Forms.ForScripts() || f.format != nil }

// records returns the rows in the form for scripts, or nil.
func (f *issueForms) records(e *command.Env, s *answer.Builder, rows []*store.Issue) *frame.Records {
	if !f.forScripts() {
		return nil
	}
	r := f.Forms.Records()
	for _, i := range rows {
		if f.format != nil {
			r.AddLine(f.format.Line(f.Forms, func(name, modifier string) string { return fieldsOf[name].get(e, s, i, modifier) }))
		} else {
			r.Add(porcelain(e, s, i)...)
		}
	}
	return r
}

// porcelain is the record of an issue.
func porcelain(e *command.Env, s *answer.Builder, i *store.Issue) []string {
	fields := make([]string, len(porcelainFields))
	for k, name := range porcelainFields {
		fields[k] = fieldsOf[name].get(e, s, i, "")
	}
	return fields
}

// porcelainFields are the fields of a record in version 1, forever.
var porcelainFields = []string{"number", "short", "uuid", "status", "priority", "labels", "assignees", "created_at", "updated_at", "due_at", "parent", "title"}

// field is a field of --format.
type field struct {
	get  func(e *command.Env, s *answer.Builder, i *store.Issue, modifier string) string
	date bool // takes the modifiers of dates
}

func text(get func(i *store.Issue) string) field {
	return field{get: func(_ *command.Env, _ *answer.Builder, i *store.Issue, _ string) string { return get(i) }}
}

// named returns the names of agents, or the ids of those without a name.
func named(get func(i *store.Issue) []string) field {
	return field{get: func(_ *command.Env, s *answer.Builder, i *store.Issue, _ string) string {
		return strings.Join(s.Names.Briefs(get(i)), ",")
	}}
}

func moment(get func(i *store.Issue) event.Time) field {
	return field{date: true, get: func(e *command.Env, _ *answer.Builder, i *store.Issue, modifier string) string {
		return e.Moment(get(i), modifier)
	}}
}

func others(get func(i *store.Issue) []event.UUID) field {
	return field{get: func(_ *command.Env, s *answer.Builder, i *store.Issue, _ string) string {
		var names []string
		for _, o := range verb.Shown(s.Projection, get(i)) {
			names = append(names, o.Name())
		}
		return strings.Join(names, ",")
	}}
}

// fieldsOf are the fields of --format: the members of the JSON shape, and id.
var fieldsOf = map[string]field{
	"id":     text(func(i *store.Issue) string { return i.Name() }),
	"number": text(func(i *store.Issue) string { return numberText(i) }),
	"short":  text(func(i *store.Issue) string { return i.Short }),
	"uuid":   text(func(i *store.Issue) string { return i.UUID.String() }),
	"title":  text(func(i *store.Issue) string { return i.Title }),
	"description": {get: func(_ *command.Env, s *answer.Builder, i *store.Issue, _ string) string {
		if full, err := s.Projection.Issue(i.UUID); err == nil { // rows of lists have no texts
			return full.Description
		}
		return ""
	}},
	"status":          text(func(i *store.Issue) string { return string(i.Status) }),
	"priority":        text(func(i *store.Issue) string { return string(i.Priority) }),
	"labels":          text(func(i *store.Issue) string { return strings.Join(i.Labels, ",") }),
	"assignees":       text(func(i *store.Issue) string { return strings.Join(i.Assignees, ",") }),
	"assignee_names":  named(func(i *store.Issue) []string { return i.Assignees }),
	"created_by_name": named(func(i *store.Issue) []string { return []string{i.CreatedBy} }),
	"status_by_name":  named(func(i *store.Issue) []string { return []string{i.StatusBy} }),
	"lock_name": named(func(i *store.Issue) []string {
		return []string{lockText(i, func(l *store.Lock) string { return l.Holder })}
	}),
	"created_by": text(func(i *store.Issue) string { return i.CreatedBy }),
	"status_by":  text(func(i *store.Issue) string { return i.StatusBy }),
	"reason":     text(func(i *store.Issue) string { return i.Reason }),
	"created_at": moment(func(i *store.Issue) event.Time { return i.CreatedAt }),
	"updated_at": moment(func(i *store.Issue) event.Time { return i.UpdatedAt }),
	"closed_at":  moment(func(i *store.Issue) event.Time { return i.ClosedAt }),
	"due_at":     moment(func(i *store.Issue) event.Time { return i.DueAt }),
	"scheduled_at": moment(func(i *store.Issue) event.Time {
		return i.ScheduledAt
	}),
	"parent":     others(func(i *store.Issue) []event.UUID { return []event.UUID{i.Parent} }),
	"blocked_by": others(func(i *store.Issue) []event.UUID { return i.BlockedBy }),
	"blocks":     others(func(i *store.Issue) []event.UUID { return i.Blocks }),
	"milestone": {get: func(_ *command.Env, s *answer.Builder, i *store.Issue, _ string) string {
		return s.MilestoneName(i.Milestone)
	}},
	"lock": text(func(i *store.Issue) string { return lockText(i, func(l *store.Lock) string { return l.Holder }) }),
	"lock_token": text(func(i *store.Issue) string {
		return lockText(i, func(l *store.Lock) string { return strconv.FormatUint(l.Token, 10) })
	}),
	"lock_since": moment(func(i *store.Issue) event.Time {
		if i.Lock == nil {
			return 0
		}
		return i.Lock.Since
	}),
	"child_count":   text(func(i *store.Issue) string { return strconv.Itoa(len(i.Children)) }),
	"comment_count": text(func(i *store.Issue) string { return strconv.Itoa(i.CommentCount) }),
}

// lockText is empty if the issue is not locked.
func lockText(i *store.Issue, get func(*store.Lock) string) string {
	if i.Lock == nil {
		return ""
	}
	return get(i.Lock)
}

func numberText(i *store.Issue) string {
	if i.Number == 0 {
		return ""
	}
	return strconv.FormatUint(i.Number, 10)
}

func fieldNames() []string {
	var names []string
	for n := range fieldsOf {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
