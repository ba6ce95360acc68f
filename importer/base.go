package importer

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/git-crosslink/git-crosslink/event"
)

// Start collects the content with which a new tracker starts: the issues of a source as
// values without events, with their numbers, authors and times. An import afterward adds
// what values cannot express (reasons for closing, kinds of relations, links).
type Start struct {
	Names  Names
	Now    event.Time
	Report *Report

	base  event.Base
	given map[uint64]bool
	seen  map[event.UUID]bool // comments and entries of time
	size  int
}

// maxNumber is the greatest number of an issue that is kept.
const maxNumber = 1 << 31

// TooLarge is the error for a source that is too large for a tracker to start from.
func TooLarge(system string) error {
	return &FormatError{Format: system, TooLarge: true, Text: fmt.Sprintf("it is too large for a tracker to start from, %d MiB; import it without --found", event.MaxBase>>20)}
}

// Milestone adds a milestone.
func (s *Start) Milestone(m *Milestone) error {
	made := s.Names.Founding(m)[0].Body.(*event.MilestoneCreated)
	b := event.BaseMilestone{UUID: made.UUID, Number: uint64(len(s.base.Milestones) + 1), Name: made.Name, Description: made.Description,
		Status: event.Open, CreatedAt: knownOr(made.CreatedAt, s.Now)}
	if m.Closed {
		b.Status, b.ClosedAt = event.Closed, cmp.Or(m.ClosedAt, s.Now)
	}
	if !slices.ContainsFunc(s.base.Milestones, func(o event.BaseMilestone) bool { return o.UUID == b.UUID }) {
		s.base.Milestones = append(s.base.Milestones, b)
	}
	return nil
}

// Issue adds an issue, which must already fit a base (see FitBase).
func (s *Start) Issue(i *Issue) error {
	if s.size += i.Size(); s.size > event.MaxBase {
		return TooLarge(s.Names.System)
	}
	b := s.Names.Base(i, s.Now)
	if s.given == nil {
		s.given, s.seen = map[uint64]bool{}, map[event.UUID]bool{}
	}
	if n := i.Number; n > 0 && (n > maxNumber || s.given[n]) {
		s.Report.Warn(Warning{i.Line, i.Key, "number", fmt.Sprintf("the number %d is given to another issue or too great; the issue gets a new one", n)})
	} else if n > 0 {
		b.Number, s.given[n] = n, true
	}
	b.Comments = slices.DeleteFunc(b.Comments, func(c event.BaseComment) bool { return s.twice(i, c.UUID) })
	b.Time = slices.DeleteFunc(b.Time, func(t event.BaseTime) bool { return s.twice(i, t.UUID) })
	if i.Deleted {
		s.base.Deleted = append(s.base.Deleted, b.UUID)
	}
	s.base.Issues = append(s.base.Issues, b)
	return nil
}

// twice reports whether the source has already named this comment or entry.
func (s *Start) twice(i *Issue, u event.UUID) bool {
	if s.seen[u] {
		s.Report.Warn(Warning{i.Line, i.Key, "refused", "the source names " + u.String() + " twice"})
		return true
	}
	s.seen[u] = true
	return false
}

// Base returns the collected content. Issues without a number get the next ones, in the
// order of the source.
func (s *Start) Base() event.Base {
	last := uint64(0)
	for n := range maps.Keys(s.given) {
		last = max(last, n)
	}
	b := s.base
	for n := range b.Issues {
		if i := &b.Issues[n]; i.Number == 0 {
			last++
			i.Number = last
		}
	}
	sortByUUID(b.Issues, func(i event.BaseIssue) event.UUID { return i.UUID })
	sortByUUID(b.Milestones, func(m event.BaseMilestone) event.UUID { return m.UUID })
	b.Deleted = uuidSet(b.Deleted)
	return b
}

// Base converts an issue to a BaseIssue; what a BaseIssue cannot represent is left
// out.
func (n Names) Base(i *Issue, now event.Time) event.BaseIssue {
	b := event.BaseIssue{Status: event.Open, UpdatedAt: cmp.Or(i.Updated, i.Created, now), CreatedAt: cmp.Or(i.Created, now)}
	for _, l := range n.Create(i) {
		switch e := l.Body.(type) {
		case *event.IssueCreated:
			b.UUID, b.Title, b.Description, b.Priority, b.CreatedBy = e.UUID, e.Title, e.Description, e.Priority, e.CreatedBy
			b.Labels, b.Parent, b.ScheduledAt, b.DueAt = slices.Clone(e.Labels), e.Parent, e.ScheduledAt, e.DueAt
		case *event.LabelAdded:
			b.Labels = append(b.Labels, e.Label)
		case *event.AssigneeAdded:
			b.Assignees = append(b.Assignees, e.Assignee)
		case *event.DependencyAdded:
			b.Blockers = append(b.Blockers, e.Blocker)
		case *event.RelationAdded:
			if e.Kind == event.Related {
				b.Related = append(b.Related, e.B)
			}
		case *event.MilestoneAssigned:
			b.Milestone = e.Milestone
		case *event.StatusChanged:
			b.Status, b.ClosedAt = e.NewStatus, e.ClosedAt
		case *event.CommentAdded:
			b.Comments = append(b.Comments, event.BaseComment{UUID: e.Comment, Author: e.Author, Content: e.Content, CreatedAt: knownOr(e.CreatedAt, now), Kind: e.Kind,
				TriggerType: e.TriggerType, InterventionContext: e.InterventionContext, DriverKeyFingerprint: e.DriverKeyFingerprint})
		case *event.TimeEntryAdded:
			b.Time = append(b.Time, event.BaseTime{UUID: e.Entry, StartedAt: cmp.Or(e.StartedAt, now), EndedAt: e.EndedAt, DurationSeconds: e.DurationSeconds})
		}
	}
	b.Labels, b.Assignees = wordSet(b.Labels), wordSet(b.Assignees)
	b.Blockers, b.Related = uuidSet(b.Blockers), uuidSet(b.Related)
	sortByUUID(b.Comments, func(c event.BaseComment) event.UUID { return c.UUID })
	sortByUUID(b.Time, func(t event.BaseTime) event.UUID { return t.UUID })
	return b
}

// knownOr returns a time, or now if the time is not known, because the time of a base's
// record cannot be empty.
func knownOr(t, now event.Time) event.Time {
	if t == event.NotKnown {
		return now
	}
	return cmp.Or(t, now)
}

// FitBase makes an issue obey the limits of a base. They are wider than those of events, so
// an export of this program is imported unchanged.
func (i *Issue) FitBase(now event.Time, rep *Report) {
	if i.Exact && len(i.Leftover) == 0 {
		i.fitTimes(now, rep)
		return
	}
	i.Fit(now, rep)
}

func sortByUUID[T any](all []T, of func(T) event.UUID) {
	sort.SliceStable(all, func(i, j int) bool { x, y := of(all[i]), of(all[j]); return bytes.Compare(x[:], y[:]) < 0 })
}

func uuidSet(all []event.UUID) []event.UUID {
	sortByUUID(all, func(u event.UUID) event.UUID { return u })
	return slices.Compact(all)
}

func wordSet(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}
