package exporter

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// GitHub's importer (its "issue import" API) takes an issue and its comments in one document. It has no
// authors: everything is by who imports it, so they are named in the texts.
type (
	githubRow struct {
		Issue    githubIssue     `json:"issue"`
		Comments []githubComment `json:"comments"`
	}
	githubIssue struct {
		Title     string   `json:"title"`
		Body      string   `json:"body"`
		CreatedAt string   `json:"created_at"`
		ClosedAt  *string  `json:"closed_at,omitempty"`
		Closed    bool     `json:"closed"`
		Labels    []string `json:"labels"`
	}
	githubComment struct {
		CreatedAt string `json:"created_at"`
		Body      string `json:"body"`
	}
)

// githubTitle is how many characters a title of GitHub may have.
const githubTitle = 256

func (x *export) github() error {
	numbers := x.numbers()
	return x.each(func(i *store.Issue) error {
		row := githubRow{Comments: []githubComment{}, Issue: githubIssue{
			Title: i.Title, CreatedAt: i.CreatedAt.Std().Format("2006-01-02T15:04:05Z"), Closed: i.Status != event.Open,
			Labels: orEmpty(slices.Clone(i.Labels)),
		}}
		if i.Priority != event.Medium {
			row.Issue.Labels = append(row.Issue.Labels, "priority:"+string(i.Priority))
		}
		if utf8.RuneCountInString(i.Title) > githubTitle {
			row.Issue.Title = string([]rune(i.Title)[:githubTitle-1]) + "…"
		}
		if i.ClosedAt > 0 {
			row.Issue.ClosedAt = text(i.ClosedAt.Std().Format("2006-01-02T15:04:05Z"))
		}
		body := []string{fmt.Sprintf("*Written by %s as issue %s.*", plain(i.CreatedBy), x.name(i.UUID, numbers))}
		if row.Issue.Title != i.Title {
			body = append(body, unmentioned(i.Title))
		}
		if i.Description != "" {
			body = append(body, unmentioned(i.Description))
		}
		body = append(body, x.githubFields(i, numbers)...)
		row.Issue.Body = strings.Join(body, "\n\n")
		for _, c := range i.Comments {
			by := plain(c.Author)
			if c.Kind != "note" {
				by += " (" + plain(c.Kind) + ")"
			}
			row.Comments = append(row.Comments, githubComment{c.CreatedAt.Std().Format("2006-01-02T15:04:05Z"), "*Written by " + by + ".*\n\n" + unmentioned(c.Content)})
		}
		return x.line(row)
	})
}

// githubFields names what GitHub has no text for, or takes only if it is there already:
// an assignee has to be a member, and a milestone has a number.
func (x *export) githubFields(i *store.Issue, numbers map[event.UUID]uint64) (lines []string) {
	add := func(what, value string) {
		if value != "" {
			lines = append(lines, what+": "+value)
		}
	}
	add("Reason for closing", unmentioned(oneLine(i.Reason)))
	add("Assigned to", codes(i.Assignees))
	if m := x.names[i.Milestone]; m != "" {
		add("Milestone", plain(m))
	}
	add("Due", orNothing(i.DueAt))
	add("Scheduled", orNothing(i.ScheduledAt))
	if i.Parent != (event.UUID{}) {
		add("Child of", x.name(i.Parent, numbers))
	}
	if b := x.list("Blocked by", i.BlockedBy, numbers); b != "" {
		lines = append(lines, b)
	}
	return lines
}
