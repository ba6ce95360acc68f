package migrate

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// OverLimits returns the issues of a view with something that this program would not
// write, such as an empty title or a title of more than 512 bytes. The migration keeps
// them unchanged.
func OverLimits(view View) (over []event.UUID, err error) {
	rows, _, err := view.List(store.Filter{Status: "all"})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		i, err := view.Issue(row.UUID)
		if err != nil {
			return nil, err
		}
		if !within(i) {
			over = append(over, i.UUID)
		}
	}
	return over, nil
}

func within(i *store.Issue) bool {
	if event.Check(&event.IssueCreated{UUID: i.UUID, Title: i.Title, Description: i.Description, Priority: i.Priority, Labels: i.Labels, CreatedBy: i.CreatedBy}) != nil {
		return false
	}
	for _, c := range i.Comments {
		if event.Check(&event.CommentAdded{Issue: i.UUID, Comment: c.UUID, Author: c.Author, Content: c.Content, CreatedAt: c.CreatedAt, Kind: c.Kind,
			TriggerType: c.TriggerType, InterventionContext: c.InterventionContext, DriverKeyFingerprint: c.DriverKeyFingerprint}) != nil {
			return false
		}
	}
	return true
}
