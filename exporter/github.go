package exporter

import (
	"fmt"
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
		Assignee  string   `json:"assignee,omitempty"`
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
			Labels: orEmpty(append(append([]string(nil), i.Labels...), "priority:"+string(i.Priority))),
		}}
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
		if b := x.list("Blocked by", i.BlockedBy, numbers); b != "" {
			body = append(body, b)
		}
		row.Issue.Body = strings.Join(body, "\n\n")
		for _, c := range i.Comments {
			row.Comments = append(row.Comments, githubComment{c.CreatedAt.Std().Format("2006-01-02T15:04:05Z"), fmt.Sprintf("*Written by %s (%s).*\n\n%s", plain(c.Author), plain(c.Kind), unmentioned(c.Content))})
		}
		return x.line(row)
	})
}
