package issue

import (
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// sentences describe the effects of commands for people. {issue} and {other} are ids,
// {Issue} and {Other} ids with titles.
var sentences = map[verb.What]string{
	verb.LabelAdded:       "added label '{name}' to {issue}",
	verb.LabelAlready:     "{issue} already has label '{name}'",
	verb.LabelRemoved:     "removed label '{name}' from {issue}",
	verb.NoLabel:          "{issue} has no label '{name}'",
	verb.Assigned:         "assigned {issue} to {who}",
	verb.AssignedAlready:  "{issue} is already assigned to {who}",
	verb.Unassigned:       "unassigned {who} from {issue}",
	verb.NotAssigned:      "{issue} is not assigned to {who}",
	verb.Blocked:          "{issue} is now blocked by {Other}",
	verb.BlockedAlready:   "{issue} is already blocked by {Other}",
	verb.Unblocked:        "{issue} is no longer blocked by {Other}",
	verb.NotBlocked:       "{issue} is not blocked by {Other}",
	verb.Related:          "{issue}: {relation} {Other}",
	verb.RelatedAlready:   "{issue}: already {relation} {Other}",
	verb.Unrelated:        "{issue}: no longer {relation} {Other}",
	verb.NotRelated:       "{issue} is not related to {Other}",
	verb.ParentSet:        "{issue} is now a child of {Other}",
	verb.ParentAlready:    "{issue} is already a child of {Other}",
	verb.ParentRemoved:    "{issue} no longer has a parent",
	verb.NoParent:         "{issue} has no parent",
	verb.Linked:           "linked {issue} to '{name}'",
	verb.LinkedAlready:    "{issue} is already linked to '{name}'",
	verb.Unlinked:         "removed the link to '{name}' from {issue}",
	verb.NotLinked:        "{issue} has no link to '{name}'",
	verb.MilestoneAlready: "{issue} is already in milestone '{into}'",
	verb.MilestoneLeft:    "removed {issue} from milestone '{from}'",
	verb.NoMilestone:      "{issue} is in no milestone",
	verb.DatesAlready:     "{issue} already has these dates",
	verb.Deleted:          "deleted {Issue}",
	verb.DeletedAlready:   "{name} is already deleted",
	verb.Restored:         "restored '{name}'",
	verb.FieldRestored:    "restored the {name} of {issue}",
	verb.StatusRestored:   "{issue} is {name} again",
	verb.PartRemoved:      "removed {name} from {issue}",
	verb.LockNotBack:      "{issue} stays unlocked; to lock it: git crosslink lock {issue}",
	verb.LockReleased:     "unlocked {Issue}",
	verb.ClaimReleased:    "withdrew the claim on {Issue}",
	verb.QueueLeft:        "left the queue for {Issue}",
	verb.LockBroken:       "broke the lock of {holder} on {Issue} (token {token})",
	verb.NoLock:           "{Issue} is not locked",
	verb.OwnLockEnded:     "unlocked {issue}",
	verb.LockEnded:        "ended the lock of {holder} on {issue} (token {token})",
}

// Sentence describes an effect for people.
func Sentence(f verb.Effect, names *people.Names) string {
	values := []string{"{name}", frame.OneLine(f.Name), "{who}", frame.OneLine(names.Quoted(f.Name))}
	if f.Issue != nil {
		values = append(values, "{issue}", f.Issue.Name(), "{Issue}", command.Named(f.Issue))
	}
	if f.Other != nil {
		values = append(values, "{other}", f.Other.Name(), "{Other}", command.Named(f.Other), "{relation}", relationWords(f.Relation))
	}
	if f.Lock != nil {
		values = append(values, "{holder}", names.Quoted(f.Lock.Holder), "{token}", strconv.FormatUint(f.Lock.Token, 10))
	}
	if f.Into != nil {
		values = append(values, "{into}", frame.OneLine(f.Into.Name))
	}
	if f.From != nil {
		values = append(values, "{from}", frame.OneLine(f.From.Name))
	}
	return strings.NewReplacer(values...).Replace(sentences[f.What])
}

// printEffects prints what a command did.
func printEffects(e *command.Env, p tracker.Projection, effects []verb.Effect) {
	names := people.NewNames(p)
	for _, f := range effects {
		switch f.What {
		case verb.DueSet:
			e.Progress("%s is %s", f.Issue.Name(), dateWords(e, "due", f.Time, frame.DayEnd))
		case verb.ScheduledSet:
			e.Progress("%s is %s", f.Issue.Name(), dateWords(e, "scheduled", f.Time, frame.DayStart))
		case verb.MilestoneSet:
			if f.From == nil {
				e.Progress("added %s to milestone '%s'", f.Issue.Name(), f.Into.Name)
			} else {
				e.Progress("moved %s from milestone '%s' to '%s'", f.Issue.Name(), f.From.Name, f.Into.Name)
			}
		default:
			e.Progress("%s", Sentence(f, names))
		}
		if f.What == verb.Blocked && f.Other.Status != event.Open {
			e.Progress("%s is %s, so it blocks nothing", f.Other.Name(), f.Other.Status)
		}
	}
}

func dateWords(e *command.Env, what string, t event.Time, at frame.DayEdge) string {
	if t == 0 {
		return "not " + what + " any more"
	}
	return what + " " + e.DateAt(t, at)
}
