package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// Filter selects and orders the issues of a list. The zero Filter is every open issue,
// newest first.
type Filter struct {
	Status      string     // "open" ("" is open), "closed", "archived" or "all"
	Issue       event.UUID // this one alone
	Except      []event.UUID
	Labels      []string // all of them, by Name
	Without     []string // none of these labels, by Name
	NoLabel     bool
	Priority    event.Priority
	AtLeast     bool     // Priority, or a more urgent one
	Authors     []string // who created it: any of them, by Name
	Assignees   []string // any of them, by Name
	Unassigned  bool
	Locked      bool     // by an agent that has not given it back
	Unlocked    bool     // not Locked
	LockedBy    []string // agent ids: held or claimed by any of them
	Milestone   event.UUID
	Parent      event.UUID
	Ready       bool // open, no open blocker, not locked by others than Me, not scheduled for later than Now
	Me          string
	Blocked     bool       // open, with at least one open blocker
	Connected   bool       // open, and waits for an open issue or blocks one
	Overdue     bool       // open, due before Now
	DueBy       event.Time // due then or earlier; 0 is no bound
	ClosedSince event.Time // closed then or later; 0 is no bound
	Since       event.Time // changed then or later; 0 is no bound
	Now         event.Time
	Sort        string     // one of Sorts; "" is "created"
	Reverse     bool       // the order of Sort from its end
	After       event.UUID // only what follows this issue in the order, whether the filter lets it through or not
	Skip        int        // so many rows before those within Limit
	Limit       int        // 0 is all
}

// Sorts are the orders a list may have. Each is total: created and uuid break
// ties.
var Sorts = []string{"created", "updated", "priority", "due", "number", "title"}

// Statuses are the values Filter.Status may have.
var Statuses = []string{"open", "closed", "archived", "all"}

// Rank orders priorities, most urgent first.
func Rank(p event.Priority) int {
	switch p {
	case event.Critical:
		return 0
	case event.High:
		return 1
	case event.Medium:
		return 2
	}
	return 3
}

func (f *Filter) check() error {
	if f.Status != "" && !slices.Contains(Statuses, f.Status) {
		return fmt.Errorf("no status '%s'", f.Status)
	}
	if f.Sort != "" && !slices.Contains(Sorts, f.Sort) {
		return fmt.Errorf("no sort order '%s'", f.Sort)
	}
	return nil
}

// match needs the projection to ask whether a blocker is open.
func (f *Filter) match(m *Memory, i *Issue) bool {
	switch f.Status {
	case "all":
	case "":
		if i.Status != event.Open {
			return false
		}
	default:
		if i.Status != event.Status(f.Status) {
			return false
		}
	}
	for _, l := range f.Labels {
		if len(Called(i.Labels, l)) == 0 {
			return false
		}
	}
	for _, l := range f.Without {
		if len(Called(i.Labels, l)) > 0 {
			return false
		}
	}
	switch {
	case f.Issue != event.UUID{} && i.UUID != f.Issue,
		slices.Contains(f.Except, i.UUID),
		f.NoLabel && len(i.Labels) > 0,
		f.Priority != "" && Rank(i.Priority) != Rank(f.Priority) && !(f.AtLeast && Rank(i.Priority) < Rank(f.Priority)),
		len(f.Authors) > 0 && len(Called(f.Authors, i.CreatedBy)) == 0,
		len(f.Assignees) > 0 && !slices.ContainsFunc(f.Assignees, func(name string) bool { return len(Called(i.Assignees, name)) > 0 }),
		f.Unassigned && len(i.Assignees) > 0,
		f.Locked && (i.Lock == nil || i.Lock.Ending),
		f.Unlocked && i.Lock != nil && !i.Lock.Ending,
		i.ClosedAt < f.ClosedSince,
		f.DueBy != 0 && (i.DueAt == 0 || i.DueAt > f.DueBy),
		len(f.LockedBy) > 0 && (i.Lock == nil || !slices.Contains(f.LockedBy, i.Lock.Holder)),
		f.Milestone != event.UUID{} && i.Milestone != f.Milestone,
		f.Parent != event.UUID{} && i.Parent != f.Parent,
		i.UpdatedAt < f.Since,
		f.Overdue && !(i.Status == event.Open && i.DueAt != 0 && i.DueAt < f.Now):
		return false
	}
	if f.Ready && (i.Status != event.Open || i.Lock != nil && !i.Lock.Ending && i.Lock.Holder != f.Me || i.ScheduledAt > f.Now || len(m.openBlockers(i)) > 0) {
		return false
	}
	if f.Blocked && (i.Status != event.Open || len(m.openBlockers(i)) == 0) {
		return false
	}
	if f.Connected && (i.Status != event.Open || !slices.ContainsFunc(slices.Concat(i.BlockedBy, i.Blocks, i.Cyclic), func(u event.UUID) bool {
		o := m.listed[u]
		return o != nil && o.Status == event.Open
	})) {
		return false
	}
	return true
}

func (f *Filter) less() func(a, b *Issue) int {
	less := f.forward()
	if f.Reverse {
		return func(a, b *Issue) int { return less(b, a) }
	}
	return less
}

func (f *Filter) forward() func(a, b *Issue) int {
	newest := func(a, b *Issue) int { return -byCreation(a, b) }
	switch f.Sort {
	case "updated":
		return func(a, b *Issue) int { return cmp.Or(-cmp.Compare(a.UpdatedAt, b.UpdatedAt), newest(a, b)) }
	case "priority":
		return func(a, b *Issue) int {
			return cmp.Or(cmp.Compare(Rank(a.Priority), Rank(b.Priority)), byCreation(a, b))
		}
	case "due":
		last := func(t event.Time) event.Time {
			if t == 0 {
				return event.MaxTime
			}
			return t
		}
		return func(a, b *Issue) int { return cmp.Or(cmp.Compare(last(a.DueAt), last(b.DueAt)), byCreation(a, b)) }
	case "number":
		last := func(n uint64) uint64 { return n - 1 } // 0, undecided, becomes the greatest
		return func(a, b *Issue) int { return cmp.Or(cmp.Compare(last(a.Number), last(b.Number)), byCreation(a, b)) }
	case "title":
		return func(a, b *Issue) int { return cmp.Or(strings.Compare(a.Title, b.Title), byCreation(a, b)) }
	}
	return newest
}

func byCreation(a, b *Issue) int {
	return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), slices.Compare(a.UUID[:], b.UUID[:]))
}
