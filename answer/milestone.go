package answer

import (
	"cmp"
	"strconv"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// MilestoneInfo is a milestone with its progress.
type MilestoneInfo struct {
	UUID        string  `json:"uuid"`
	Short       string  `json:"short"`
	Number      uint64  `json:"number,omitempty"` // only once decided
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Status      string  `json:"status"`
	DueAt       *string `json:"due_at"`
	CreatedBy   string  `json:"created_by"`
	CreatedAt   string  `json:"created_at"`
	ClosedAt    *string `json:"closed_at"`
	IssueCount  int     `json:"issue_count"`
	ClosedCount int     `json:"closed_count"`
	Seconds     uint64  `json:"duration_seconds"`
}

// ID is what people type for the milestone: its number once decided, else its short
// uuid.
func (m *MilestoneInfo) ID() string {
	if m.Number != 0 {
		return "%" + strconv.FormatUint(m.Number, 10)
	}
	return m.Short
}

// MilestoneDetail is a milestone with its issues.
type MilestoneDetail struct {
	MilestoneInfo
	Issues []Issue `json:"issues"`
}

// MilestoneWrite answers commands that write to a milestone.
type MilestoneWrite struct {
	Milestone MilestoneInfo `json:"milestone"`
	Write
}

// MilestoneInfos gives milestones their shape, with their progress and the time
// spent on their issues.
func (s *Builder) MilestoneInfos(all []*reducer.Milestone) ([]MilestoneInfo, error) {
	entries, err := s.Projection.Time(store.TimeFilter{})
	if err = cmp.Or(s.Err, err); err != nil {
		return nil, err
	}
	spent := map[event.UUID]uint64{}
	for k := range entries {
		spent[entries[k].Issue] += entries[k].Seconds()
	}
	list, numbers := make([]MilestoneInfo, 0, len(all)), s.Projection.MilestoneNumbers()
	for _, m := range all {
		x := MilestoneInfo{UUID: m.UUID.String(), Short: s.MilestoneShort(m.UUID), Number: numbers[m.UUID], Name: m.Name, Description: m.Description, Status: string(m.Status),
			DueAt: TimeOrNull(m.DueAt), CreatedBy: m.CreatedBy, CreatedAt: m.CreatedAt.String(), ClosedAt: TimeOrNull(m.ClosedAt)}
		for _, u := range m.Issues {
			i, err := s.Projection.Row(u)
			if err != nil {
				return nil, err
			}
			if x.IssueCount++; i.Status != event.Open {
				x.ClosedCount++
			}
			x.Seconds += spent[u]
		}
		list = append(list, x)
	}
	return list, nil
}

// MilestoneShort is the short id to print for a milestone.
func (s *Builder) MilestoneShort(u event.UUID) string {
	if s.shorts == nil {
		all := []event.UUID{u}
		for o := range s.Milestones {
			all = append(all, o)
		}
		s.shorts = store.Shorts(all)
	}
	return s.shorts(u)
}
