package migrate

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// Which number an issue has. The rules are:
//
//   - an issue keeps the number it is shown with; numbers that are free stay free;
//   - two issues with one number are refused: the person who migrates chooses which of them
//     gets another one;
//   - an issue without a number gets the next one, in the order of creation, as the
//     original would have given it;
//   - a number that the original could not have assigned does not count.

// Ask is a number that the user chose with --number.
type Ask struct {
	Issue  event.UUID
	Number uint64 // 0: the next one that is free
}

// Settled is a number that an issue did not have before.
type Settled struct {
	Issue event.UUID `json:"uuid"`
	Was   uint64     `json:"was,omitempty"` // 0: it had none
	Is    uint64     `json:"number"`
}

// TwiceError means that two issues have one number.
type TwiceError struct {
	Number uint64
	Issues []event.UUID
}

func (e *TwiceError) Error() string {
	return fmt.Sprintf("%d issues have the number %d", len(e.Issues), e.Number)
}

// TakenError means that a requested number belongs to another issue.
type TakenError struct {
	Number uint64
	Issue  event.UUID
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("the number %d is that of issue %s", e.Number, e.Issue)
}

// greatest is the greatest number of an issue that is accepted.
const greatest = 1 << 40

// Number decides the numbers. view has the numbers that people have already seen.
func (o *Old) Number(view View, asked []Ask) ([]Settled, error) {
	b := o.State
	rows, _, err := view.List(store.Filter{Status: "all"})
	if err != nil {
		return nil, err
	}
	is := map[event.UUID]uint64{}
	for u, n := range b.Numbers {
		if n < greatest {
			is[u] = n
		}
	}
	next := uint64(1)
	if b.NextIssue < greatest {
		next = max(next, b.NextIssue)
	}
	for _, n := range is {
		next = max(next, n+1)
	}
	for _, a := range asked {
		next = max(next, a.Number+1)
	}
	if is, err = settle(is, asked, &next); err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(x, y *store.Issue) int {
		return cmp.Or(x.Created.Compare(y.Created), bytes.Compare(x.UUID[:], y.UUID[:]))
	})
	for _, i := range rows {
		if is[i.UUID] == 0 {
			is[i.UUID] = next
			next++
		}
	}
	var all []Settled
	for _, i := range rows {
		if n := is[i.UUID]; n != i.Number {
			all = append(all, Settled{i.UUID, i.Number, n})
		}
	}
	b.Numbers, b.NextIssue = is, next
	for n := range b.Issues {
		b.Issues[n].Number = is[b.Issues[n].UUID]
	}
	o.numberMilestones()
	return all, nil
}

// having are the issues that have a number, sorted.
func (o *Old) having(n uint64) (all []event.UUID) {
	for u, is := range o.State.Numbers {
		if is == n {
			all = append(all, u)
		}
	}
	slices.SortFunc(all, func(x, y event.UUID) int { return bytes.Compare(x[:], y[:]) })
	return all
}

// settle gives the numbers that were asked for, and says which are given twice.
func settle(is map[event.UUID]uint64, asked []Ask, next *uint64) (map[event.UUID]uint64, error) {
	is = maps.Clone(is)
	for _, a := range asked {
		delete(is, a.Issue)
	}
	for _, a := range asked {
		for u, n := range is {
			if n == a.Number && n != 0 {
				return nil, &TakenError{n, u}
			}
		}
		if is[a.Issue] = a.Number; a.Number == 0 {
			is[a.Issue] = *next
			*next++
		}
	}
	by := map[uint64][]event.UUID{}
	for u, n := range is {
		by[n] = append(by[n], u)
	}
	for _, n := range slices.Sorted(maps.Keys(by)) {
		if us := by[n]; len(us) > 1 {
			slices.SortFunc(us, func(x, y event.UUID) int { return bytes.Compare(x[:], y[:]) })
			return nil, &TwiceError{n, us}
		}
	}
	return is, nil
}

// numberMilestones gives a milestone whose number is an older one's, or beyond all
// reason, the next: nothing else names a milestone by its number.
func (o *Old) numberMilestones() {
	b := o.State
	next, taken := uint64(1), map[uint64]bool{}
	if b.NextMilestone < greatest {
		next = max(next, b.NextMilestone)
	}
	var order []*event.BaseMilestone
	for n := range b.Milestones {
		if m := &b.Milestones[n]; m.Number != 0 {
			if order = append(order, m); m.Number < greatest {
				next = max(next, m.Number+1)
			}
		}
	}
	slices.SortStableFunc(order, func(x, y *event.BaseMilestone) int { return cmp.Compare(x.CreatedAt, y.CreatedAt) })
	for _, m := range order {
		if taken[m.Number] || m.Number >= greatest {
			m.Number = next
			next++
		}
		taken[m.Number] = true
	}
	b.NextMilestone = next
}
