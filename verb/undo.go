package verb

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Undo takes back what the events of one command did. The rules are:
//
//   - the state to restore is the one that all events but these add up to;
//   - what somebody else changed after the command is not undone: if one of its
//     fields is such, the command as a whole is refused;
//   - a lock that ended with the command is not claimed again: that is a decision,
//     which only the ledger makes. A command that only claims or releases locks,
//     or writes about sessions, requests, agents or milestones, is refused;
//   - a deletion is taken back by its name, a creation by a deletion. A deleted
//     comment or time entry is hidden forever;
//   - what was restored already, by anybody, emits nothing.

// undoing is one undo: the events of the command, and the two states it is between.
type undoing struct {
	p       tracker.Projection
	did     []*event.Envelope
	lines   []*event.Envelope // all that are about the same issues
	without *reducer.State    // as if the command had not been
	with    *reducer.State    // as it is
	mint    func() event.UUID
	plan    Plan
	own     map[position]bool   // the events of did
	created map[event.UUID]bool // issues that are hidden again, with all that hangs on them
	done    map[field]bool
}

// position names a line.
type position struct {
	agent string
	seq   uint64
}

// Undo returns the events that undo those of one command, which are one agent's. A
// refusal is a *fail.Error.
func Undo(p tracker.Projection, did []*event.Envelope, mint func() event.UUID) (Plan, error) {
	u := &undoing{p: p, mint: mint, without: reducer.New(), with: reducer.New(),
		own: map[position]bool{}, created: map[event.UUID]bool{}, done: map[field]bool{}}
	var locks []event.UUID
	for _, e := range did {
		switch b := e.Body.(type) {
		case *event.AgentIntroduced: // with an agent's first command
		case *event.LockReleased:
			locks = append(locks, b.Issue)
		case *event.LockBroken:
			locks = append(locks, b.Issue)
		default:
			if fieldsOf(b) == nil {
				return Plan{}, noInverse(p, b)
			}
			u.did = append(u.did, e)
			u.own[position{e.Agent, e.Seq}] = true
		}
	}
	switch {
	case u.did == nil && locks != nil:
		return Plan{}, &fail.Error{Kind: fail.No, Code: "not-undoable/lock", Message: "the last command here released locks; undo does not claim locks", Fields: issueField(p, locks[0])}
	case u.did == nil:
		return Plan{}, &fail.Error{Kind: fail.No, Code: "nothing-to-undo", Message: "nothing to undo: no command here has changed an issue, or the log was rewritten since"}
	}
	if err := u.read(); err != nil {
		return Plan{}, err
	}
	if err := u.unchanged(); err != nil {
		return Plan{}, err
	}
	for k := len(u.did) - 1; k >= 0; k-- {
		if err := u.undo(u.did[k].Body); err != nil {
			return Plan{}, err
		}
	}
	for _, issue := range locks {
		if i, err := p.Row(issue); err == nil && len(u.plan.Bodies) > 0 {
			u.plan.add(Effect{What: LockNotBack, Issue: i})
		}
	}
	return u.plan, nil
}

// issueField names an issue in a hint.
func issueField(p tracker.Projection, u event.UUID) fail.Fields {
	if i, err := p.Row(u); err == nil {
		return fail.Fields{"issue": i.Name()}
	}
	return fail.Fields{"issue": u.String()}
}

// noInverse refuses to undo an event, and names the command that takes it back if
// there is one.
func noInverse(p tracker.Projection, b event.Body) error {
	did, instead := "wrote something that is no change of an issue", "nothing takes it back"
	switch b := b.(type) {
	case *event.LockClaimed:
		return &fail.Error{Kind: fail.No, Code: "not-undoable/claim", Message: "the last command here claimed a lock; 'unlock' releases it", Fields: issueField(p, b.Issue)}
	case *event.CommentDeleted:
		did, instead = "deleted a comment", "a deleted comment does not come back"
	case *event.TimeEntryDeleted:
		did, instead = "deleted a time entry", "a deleted time entry does not come back"
	case *event.MilestoneCreated:
		did, instead = fmt.Sprintf("created milestone '%s'", b.Name), "'milestone delete' takes it back"
	case *event.MilestoneUpdated:
		did, instead = "changed a milestone", "'milestone edit' changes it again"
	case *event.MilestoneClosed:
		did, instead = "closed a milestone", "'milestone reopen' takes it back"
	case *event.MilestoneReopened:
		did, instead = "reopened a milestone", "'milestone close' takes it back"
	case *event.MilestoneDeleted:
		did, instead = "deleted a milestone", "a deleted milestone does not come back"
	case *event.SessionStarted:
		did, instead = "started a session", "'session end' ends it"
	case *event.SessionWorked:
		did, instead = "set the issue that a session works on", "'session work' names another one"
	case *event.SessionEnded:
		did, instead = "ended a session", "'session start' starts a new one"
	case *event.AgentRetired:
		did = "retired an agent"
	case *event.RequestSent:
		did = "sent a request"
	case *event.RequestAcked:
		did = "answered a request"
	case *event.StatusReported:
		did = "reported the result of a check"
	}
	return &fail.Error{Kind: fail.No, Code: "not-undoable", Message: fmt.Sprintf("cannot undo the last command here, which %s: %s", did, instead)}
}

// read collects what is known of the issues that the command is about, and makes
// the two states of it.
func (u *undoing) read() error {
	seen := map[event.UUID]bool{}
	known := map[position]bool{}
	for _, e := range u.did {
		for _, issue := range u.about(e.Body) {
			if seen[issue] {
				continue
			}
			seen[issue] = true
			lines, err := u.p.History(issue)
			if missing := (*store.NotFoundError)(nil); err != nil && !errors.As(err, &missing) {
				return err
			}
			based, err := u.p.Based(issue)
			if missing := (*store.NotFoundError)(nil); err != nil && !errors.As(err, &missing) {
				return err
			}
			for _, b := range based {
				u.with.Apply(b)
				u.without.Apply(b)
			}
			for _, l := range lines {
				if at := (position{l.Agent, l.Seq}); !known[at] {
					known[at] = true
					u.lines = append(u.lines, l)
				}
			}
		}
	}
	for _, l := range u.lines {
		if u.with.Apply(l); !u.own[position{l.Agent, l.Seq}] {
			u.without.Apply(l)
		}
	}
	return nil
}

// about are the issues that an event is about.
func (u *undoing) about(b event.Body) (all []event.UUID) {
	switch b := b.(type) {
	case *event.CommentAdded:
		return []event.UUID{b.Issue}
	case *event.TimeEntryAdded:
		return []event.UUID{b.Issue}
	case *event.CommentEdited:
		if issue, _, err := u.p.ResolveComment(b.Comment.String()); err == nil {
			return []event.UUID{issue}
		}
	}
	for _, f := range fieldsOf(b) {
		if f.issue != (event.UUID{}) {
			all = append(all, f.issue)
		}
	}
	return all
}

// unchanged refuses where somebody changed a field after the command did.
func (u *undoing) unchanged() error {
	last := map[field]event.Key{}
	for _, e := range u.did {
		for _, f := range fieldsOf(e.Body) {
			last[f] = e.Key()
		}
		switch b := e.Body.(type) {
		case *event.IssueCreated:
			u.created[b.UUID] = true
		case *event.IssueUndeleted:
			u.created[b.UUID] = true
		}
	}
	for _, l := range u.lines {
		if u.own[position{l.Agent, l.Seq}] || reducer.Refused(l.Body) {
			continue
		}
		for _, f := range fieldsOf(l.Body) {
			if at, ours := last[f]; ours && at.Less(l.Key()) {
				return u.changed(f, l)
			}
		}
		for _, issue := range u.about(l.Body) { // it would be hidden with the issue
			if u.created[issue] && u.did[0].Key().Less(l.Key()) {
				return u.changed(field{issue, "issue", ""}, l)
			}
		}
	}
	return nil
}

// IssueOf returns the issue that an undoable event is about; zero if it is not about one.
func IssueOf(p tracker.Projection, b event.Body) event.UUID {
	switch b := b.(type) {
	case *event.LockReleased:
		return b.Issue
	case *event.LockBroken:
		return b.Issue
	}
	u := undoing{p: p}
	if all := u.about(b); len(all) > 0 {
		return all[0]
	}
	return event.UUID{}
}

func (u *undoing) changed(f field, l *event.Envelope) error {
	name := ""
	if i, err := u.p.Row(f.issue); err == nil {
		name = i.Name()
	}
	what := fmt.Sprintf("the %s of issue %s", f.what, name)
	switch {
	case f.what == "issue":
		what = "issue " + name
	case name == "":
		what = "the " + f.what
	}
	return &fail.Error{Kind: fail.No, Code: "changed-since", Fields: fail.Fields{"issue": name},
		Message: fmt.Sprintf("'%s' has changed %s since: nothing was undone", l.Agent, what)}
}

// undo adds what takes one event back.
func (u *undoing) undo(b event.Body) error {
	switch b := b.(type) {
	case *event.IssueCreated:
		return u.uncreate(b.UUID)
	case *event.IssueDeleted:
		return u.undelete(b)
	case *event.IssueUndeleted:
		return u.uncreate(b.UUID)
	case *event.CommentAdded:
		return u.uncomment(b.Comment, b.Issue, nil)
	case *event.CommentEdited:
		was := u.without.OwnComment(b.Comment)
		if !was.Added {
			return nil // added by the same command, or by somebody who is not believed
		}
		return u.uncomment(b.Comment, was.Issue, &event.CommentEdited{Comment: b.Comment, Content: was.Comment.Content})
	case *event.TimeEntryAdded:
		if o := u.with.OwnEntry(b.Entry); u.created[b.Issue] || !o.Added || o.Deleted {
			return nil
		}
		i, err := u.row(b.Issue)
		if err == nil {
			u.plan.add(Effect{What: PartRemoved, Issue: i, Name: "the time entry"}, &event.TimeEntryDeleted{Entry: b.Entry})
		}
		return err
	}
	for _, f := range fieldsOf(b) {
		if u.created[f.issue] || u.done[f] {
			continue
		}
		u.done[f] = true
		i, err := u.row(f.issue)
		if err != nil {
			return err
		}
		if err := u.restore(i, f, b); err != nil {
			return err
		}
	}
	return nil
}

// row is an issue that is shown.
func (u *undoing) row(issue event.UUID) (*store.Issue, error) {
	i, err := u.p.Row(issue)
	if missing := (*store.NotFoundError)(nil); errors.As(err, &missing) {
		return nil, &fail.Error{Kind: fail.No, Code: "changed-since", Message: fmt.Sprintf("issue %s has been deleted since: nothing was undone", cmp.Or(missing.Deleted, missing.ID))}
	}
	if err == nil && !u.without.OwnIssue(issue).Shown {
		return nil, &fail.Error{Kind: fail.No, Code: "not-undoable", Message: fmt.Sprintf("the state of issue %s before the command is not known", i.Name())}
	}
	return i, err
}

func (u *undoing) uncreate(issue event.UUID) error {
	i, err := u.p.Row(issue)
	if missing := (*store.NotFoundError)(nil); errors.As(err, &missing) {
		return nil // somebody deleted it
	}
	if err == nil {
		u.plan.add(Effect{What: Deleted, Issue: i}, &event.IssueDeleted{UUID: issue, Deletion: u.mint()})
	}
	return err
}

func (u *undoing) undelete(b *event.IssueDeleted) error {
	if !u.without.OwnIssue(b.UUID).Shown {
		return &fail.Error{Kind: fail.No, Code: "changed-since", Message: "somebody else has deleted the issue, too: nothing was undone"}
	}
	if u.with.OwnIssue(b.UUID).Shown {
		return nil
	}
	if b.Deletion == (event.UUID{}) {
		return &fail.Error{Kind: fail.No, Code: "not-undoable", Message: "an older git-crosslink deleted the issue, and its deletions cannot be undone"}
	}
	was := u.without.OwnIssue(b.UUID).Issue
	u.plan.add(Effect{What: Restored, Name: was.Title}, &event.IssueUndeleted{UUID: b.UUID, Deletion: b.Deletion})
	return nil
}

// uncomment deletes a comment, or gives it its content back.
func (u *undoing) uncomment(c, issue event.UUID, edit *event.CommentEdited) error {
	now := u.with.OwnComment(c)
	if u.created[issue] || !now.Added || now.Deleted {
		return nil
	}
	i, err := u.row(issue)
	switch {
	case err != nil:
	case edit == nil:
		u.plan.add(Effect{What: PartRemoved, Issue: i, Name: "the comment"}, &event.CommentDeleted{Comment: c})
	case edit.Content != now.Comment.Content:
		u.plan.add(Effect{What: FieldRestored, Issue: i, Name: "comment"}, edit)
	}
	return err
}

// restore gives one field of an issue the value that it had.
func (u *undoing) restore(i *store.Issue, f field, b event.Body) error {
	before, now := u.without.OwnIssue(i.UUID), u.with.OwnIssue(i.UUID)
	was, is := &before.Issue, &now.Issue
	back := func(changed bool, body event.Body) {
		if changed {
			u.plan.add(Effect{What: FieldRestored, Issue: i, Name: f.what}, body)
		}
	}
	switch f.what {
	case "title":
		back(was.Title != is.Title, &event.IssueUpdated{UUID: i.UUID, Title: &was.Title})
	case "description":
		back(was.Description != is.Description, &event.IssueUpdated{UUID: i.UUID, Description: &was.Description})
	case "priority":
		back(was.Priority != is.Priority, &event.IssueUpdated{UUID: i.UUID, Priority: &was.Priority})
	case "status":
		if was.Status != is.Status || was.Reason != is.Reason || was.ClosedAt != is.ClosedAt {
			u.plan.add(Effect{What: StatusRestored, Issue: i, Name: string(was.Status)},
				&event.StatusChanged{UUID: i.UUID, NewStatus: was.Status, ClosedAt: was.ClosedAt, Reason: was.Reason})
		}
	case "dates":
		back(was.DueAt != is.DueAt || was.ScheduledAt != is.ScheduledAt, &event.ScheduleChanged{Issue: i.UUID, DueAt: was.DueAt, ScheduledAt: was.ScheduledAt})
	case "milestone":
		back(before.Milestone != now.Milestone, &event.MilestoneAssigned{Issue: i.UUID, Milestone: before.Milestone})
	case "parent":
		if before.Parent == now.Parent {
			return nil
		}
		if before.Parent != (event.UUID{}) {
			if p, err := u.p.Row(before.Parent); err == nil {
				if path := pathTo(u.p, p, i.UUID, func(i *store.Issue) []event.UUID { return []event.UUID{i.Parent} }); path != nil {
					return cycle("be a child of", i, path)
				}
			}
		}
		back(true, &event.ParentChanged{Issue: i.UUID, Parent: before.Parent})
	default:
		return u.element(i, f, b, before, now)
	}
	return nil
}

// element adds an element to a set again, or removes it.
func (u *undoing) element(i *store.Issue, f field, b event.Body, before, now reducer.OwnIssue) error {
	both := func(has func(o reducer.OwnIssue) bool) (was, is bool) { return has(before), has(now) }
	change := func(was, is bool, add, remove func() Plan) {
		switch {
		case was && !is:
			u.plan.join(add())
		case is && !was:
			u.plan.join(remove())
		}
	}
	switch b := b.(type) {
	case *event.LabelAdded, *event.LabelRemoved:
		was, is := both(func(o reducer.OwnIssue) bool { return slices.Contains(o.Issue.Labels, f.elem) })
		change(was, is, func() Plan { return Labels.one(i, f.elem, true) }, func() Plan { return Labels.one(i, f.elem, false) })
	case *event.AssigneeAdded, *event.AssigneeRemoved:
		was, is := both(func(o reducer.OwnIssue) bool { return slices.Contains(o.Issue.Assignees, f.elem) })
		change(was, is, func() Plan { return Assignees.one(i, f.elem, true) }, func() Plan { return Assignees.one(i, f.elem, false) })
	case *event.LinkAdded:
		u.link(i, b.Kind, b.Ref, before, now)
	case *event.LinkRemoved:
		u.link(i, b.Kind, b.Ref, before, now)
	case *event.DependencyAdded:
		return u.dependency(i, b.Blocker, before, now)
	case *event.DependencyRemoved:
		return u.dependency(i, b.Blocker, before, now)
	case *event.RelationAdded:
		u.relation(i, b.A, b.B, b.Kind, before, now)
	case *event.RelationRemoved:
		u.relation(i, b.A, b.B, b.Kind, before, now)
	}
	return nil
}

func (u *undoing) link(i *store.Issue, kind, ref string, before, now reducer.OwnIssue) {
	has := func(o reducer.OwnIssue) bool {
		return slices.ContainsFunc(o.Issue.Links, func(l reducer.Link) bool { return l.Kind == kind && l.Ref == ref })
	}
	switch was, is := has(before), has(now); {
	case was && !is:
		u.plan.add(Effect{What: Linked, Issue: i, Name: ref}, &event.LinkAdded{Issue: i.UUID, Kind: kind, Ref: ref})
	case is && !was:
		u.plan.add(Effect{What: Unlinked, Issue: i, Name: ref}, &event.LinkRemoved{Issue: i.UUID, Kind: kind, Ref: ref})
	}
}

func (u *undoing) dependency(i *store.Issue, blocker event.UUID, before, now reducer.OwnIssue) error {
	was, is := slices.Contains(before.Blockers, blocker), slices.Contains(now.Blockers, blocker)
	other, err := u.p.Row(blocker)
	switch {
	case was == is:
		return nil
	case err != nil: // deleted: the edge is not shown, and is put back anyway
		other = nil
	}
	e := Effect{What: FieldRestored, Issue: i, Name: "blockers"}
	if is {
		if other != nil {
			e = Effect{What: Unblocked, Issue: i, Other: other}
		}
		u.plan.add(e, &event.DependencyRemoved{Blocked: i.UUID, Blocker: blocker})
		return nil
	}
	if other != nil {
		if path := pathTo(u.p, other, i.UUID, func(i *store.Issue) []event.UUID { return i.BlockedBy }); path != nil {
			return cycle("wait for", i, path)
		}
		e = Effect{What: Blocked, Issue: i, Other: other}
	}
	u.plan.add(e, &event.DependencyAdded{Blocked: i.UUID, Blocker: blocker})
	return nil
}

func (u *undoing) relation(i *store.Issue, a, b event.UUID, kind event.RelationKind, before, now reducer.OwnIssue) {
	has := func(o reducer.OwnIssue) bool {
		return slices.ContainsFunc(o.Relations, func(t reducer.Tie) bool {
			return relationField(t.A, t.B, t.Kind) == relationField(a, b, kind)
		})
	}
	switch was, is := has(before), has(now); {
	case was && !is:
		u.plan.add(Effect{What: FieldRestored, Issue: i, Name: "relations"}, &event.RelationAdded{A: a, B: b, Kind: kind})
	case is && !was:
		u.plan.add(Effect{What: FieldRestored, Issue: i, Name: "relations"}, &event.RelationRemoved{A: a, B: b, Kind: kind})
	}
}
