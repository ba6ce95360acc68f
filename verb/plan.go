package verb

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// Plan is the result of a command: the events to write, and their effects.
type Plan struct {
	Bodies  []event.Body
	Effects []Effect
}

// Effect is one thing that a command does, or that was already done. Each surface has its
// own words for it.
type Effect struct {
	What     What
	Issue    *store.Issue
	Other    *store.Issue // blocker, parent or related issue
	Name     string       // label, assignee, link, or id of a comment or time entry
	Into     *reducer.Milestone
	From     *reducer.Milestone // that Issue was in before; may be nil
	Relation reducer.Relation   // seen from Issue
	Lock     *store.Lock        // that ended
	Time     event.Time         // due or scheduled; 0 clears it
}

// What is the kind of an effect.
type What string

// The kinds of effects. Those with Already, Not or No in their names emit nothing.
const (
	LabelAdded, LabelAlready, LabelRemoved, NoLabel            What = "label-added", "label-already", "label-removed", "no-label"
	Assigned, AssignedAlready, Unassigned, NotAssigned         What = "assigned", "assigned-already", "unassigned", "not-assigned"
	Blocked, BlockedAlready, Unblocked, NotBlocked             What = "blocked", "blocked-already", "unblocked", "not-blocked"
	Related, RelatedAlready, Unrelated, NotRelated             What = "related", "related-already", "unrelated", "not-related"
	ParentSet, ParentAlready, ParentRemoved, NoParent          What = "parent-set", "parent-already", "parent-removed", "no-parent"
	DueSet, ScheduledSet, DatesAlready                         What = "due-set", "scheduled-set", "dates-already"
	Linked, LinkedAlready, Unlinked, NotLinked                 What = "linked", "linked-already", "unlinked", "not-linked"
	MilestoneSet, MilestoneAlready, MilestoneLeft, NoMilestone What = "milestone-set", "milestone-already", "milestone-left", "no-milestone"
	StatusSet, StatusAlready                                   What = "status-set", "status-already"
	Deleted, DeletedAlready                                    What = "deleted", "deleted-already"
	Restored, FieldRestored, StatusRestored                    What = "restored", "field-restored", "status-restored" // of Undo
	PartRemoved, LockNotBack                                   What = "part-removed", "lock-not-back"                 // of Undo
	LockReleased, ClaimReleased, QueueLeft, LockBroken, NoLock What = "lock-released", "claim-released", "queue-left", "lock-broken", "no-lock"
	OwnLockEnded, LockEnded                                    What = "own-lock-ended", "lock-ended" // because the issue ended
)

func (p *Plan) add(e Effect, bodies ...event.Body) {
	p.Bodies = append(p.Bodies, bodies...)
	p.Effects = append(p.Effects, e)
}

func (p *Plan) join(o Plan) {
	p.Bodies = append(p.Bodies, o.Bodies...)
	p.Effects = append(p.Effects, o.Effects...)
}

// Check returns the bodies if their members obey the rules of events.
func Check(bodies []event.Body, err error) ([]event.Body, error) {
	if err != nil {
		return nil, err
	}
	for _, b := range bodies {
		if err := event.Check(b); err != nil {
			return nil, err
		}
	}
	return bodies, nil
}
