package verb

import (
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// TakenError refuses a name that a milestone has already.
type TakenError struct{ Name string }

func (e *TakenError) Error() string { return "there is already a milestone '" + e.Name + "'" }

// CreateMilestone returns the event of a new milestone. The name must be free
// in every form and case.
func CreateMilestone(p tracker.Projection, u event.UUID, name, description string, now event.Time) ([]event.Body, error) {
	all, err := p.Milestones()
	if err != nil {
		return nil, err
	}
	name = store.Name(name)
	for _, m := range all {
		if strings.EqualFold(store.Name(m.Name), name) {
			return nil, &TakenError{m.Name}
		}
	}
	return Check([]event.Body{&event.MilestoneCreated{UUID: u, Name: name, Description: description, CreatedAt: now}}, nil)
}

// SetMilestoneStatus closes or reopens a milestone; nothing if it is so already.
func SetMilestoneStatus(m *reducer.Milestone, to event.Status, now event.Time) []event.Body {
	switch {
	case m.Status == to:
		return nil
	case to == event.Closed:
		return []event.Body{&event.MilestoneClosed{UUID: m.UUID, ClosedAt: now}}
	}
	return []event.Body{&event.MilestoneReopened{UUID: m.UUID}}
}

// SetMilestone puts an issue into a milestone, or into none; nothing if it is
// there already.
func SetMilestone(i *store.Issue, milestone event.UUID) []event.Body {
	if i.Milestone == milestone {
		return nil
	}
	return []event.Body{&event.MilestoneAssigned{Issue: i.UUID, Milestone: milestone}}
}
