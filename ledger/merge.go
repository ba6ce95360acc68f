package ledger

import (
	"slices"
	"sort"

	"github.com/git-crosslink/git-crosslink/event"
)

// The merge step: a hub lost steps that were acknowledged, continued from an
// older one, and a clone that holds the lost ones brings them back. The rules
// are:
//   - the base is the hub's branch; its grants and queues continue, those of the
//     lost branch end;
//   - each issue numbered only on the lost branch, in the order of its lost
//     number, keeps it if it is free, else gets the next, with an alias from
//     the lost number; an issue numbered on both gets an alias from the lost
//     number where they differ; an alias that stands already is kept;
//   - `last` is at least both;
//   - where one log extends the other, the position is at least the greater of
//     both, else the hub's;
//   - then Decide for the lines beyond the hub's positions: creations,
//     deletions and releases among them count, also those that the lost branch
//     had covered (its ends are of claims that the hub's branch may hold);
//     a claim that the lost branch had covered is over; a break counts only if
//     it names a token from before the fork, since both branches may have
//     given the same token after it;
//   - for the same reason a grant that the hub's branch made after the fork
//     and that continues gets S as its token;
//   - S = 1 + the greater of both sequences.

// Lost is the branch that a merge step brings back.
type Lost struct {
	ID       string  // the lost tip
	Ledger   *Ledger // of its nearest valid step
	Sequence uint64  // of the tip, bad steps counted
	Fork     uint64  // sequence of the last commit that both branches have; 0 if none

	// Over maps agents to the sequence of their position on the lost branch, if
	// their newly covered lines contain that position. Their claims up to it have ended.
	Over map[string]uint64
}

func (x *Lost) over(claim event.Key) bool { return claim.Seq <= x.Over[claim.Agent] }

// mergeNumbers brings back what only the lost branch has numbered.
func (l *Ledger) mergeNumbers(lost *Ledger) {
	merge := func(mine, theirs *numbers, aliases *map[uint64]uint64, lostAliases map[uint64]uint64,
		number func(event.UUID) uint64, taken func(uint64) bool) {
		owned := false
		alias := func(lost, now uint64) {
			if _, stands := (*aliases)[lost]; stands || lost == now {
				return
			}
			if !owned {
				*aliases, owned = own(*aliases), true
			}
			(*aliases)[lost] = now
		}
		mine.last = max(mine.last, theirs.last)
		list := slices.Clone(theirs.all())
		sort.Slice(list, func(i, j int) bool { return list[i].Number < list[j].Number })
		for _, x := range list {
			was := x.Number
			if n := number(x.UUID); n != 0 {
				alias(was, n)
				continue
			}
			if taken(was) {
				x.Number = mine.last + 1
			}
			mine.add(x)
			alias(was, x.Number)
		}
		byNumber := map[uint64]event.UUID{}
		for _, x := range list {
			byNumber[x.Number] = x.UUID
		}
		for _, k := range slices.Sorted(keys(lostAliases)) {
			if u, ok := byNumber[lostAliases[k]]; ok {
				alias(k, number(u))
			}
		}
	}
	merge(&l.issues, &lost.issues, &l.IssueAliases, lost.IssueAliases, l.Issue, func(n uint64) bool {
		return l.issues.taken(n) || l.base != nil && l.base.taken[n]
	})
	merge(&l.milestones, &lost.milestones, &l.MilestoneAliases, lost.MilestoneAliases, l.Milestone, func(n uint64) bool {
		return l.milestones.taken(n) || l.base != nil && l.base.takenM[n]
	})
}

func keys(m map[uint64]uint64) func(func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// renew gives every grant made after the fork the token of this step.
func (d *locksDecision) renew(fork uint64) {
	l := d.ledger
	for _, u := range sortedUUIDs(l.Locks) {
		if k := l.Locks[u]; k.Token > fork && k.Token < l.Sequence {
			k.Token = l.Sequence
			d.store(u, k, true, l.Queue[u])
		}
	}
}
