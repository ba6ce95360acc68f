package cli

import (
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/cli/issue"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// fields are the shapes for --fields, by command.
var fields = []struct {
	commands string // separated by commas
	frame.Fields
}{
	{"list, search, blocked, lock list", frame.FieldsOf(answer.Issue{})},
	{"ready", frame.FieldsOf(answer.Explained{}, "issue")}, // issue: of --claim
	{"next", frame.FieldsOf(answer.Explained{})},
	{"show", frame.FieldsOf(answer.Detail{})},
	{"tree", frame.FieldsOf(answer.Issue{}, "issue", "children")},
	{"new, edit, label, unlabel, assign, unassign, block, unblock, relate, unrelate, link, unlink, parent, schedule, comment",
		frame.FieldsOf(answer.Issue{}, "issue", "issues")},
	{"close, reopen, archive, delete, unlock, milestone add, milestone remove", frame.FieldsOf(answer.Issue{}, "issues", "unblocked", "next")},
	{"template list", frame.FieldsOf(issue.Template{})},
	{"undo", frame.FieldsOf(answer.Issue{}, "issues")},
	{"lock", frame.FieldsOf(answer.Issue{}, "claims", "issue")},
	{"lock check", frame.FieldsOf(answer.Issue{}, "issue")},
	{"log", frame.FieldsOf(answer.LogLine{})},
	{"milestone list", frame.FieldsOf(answer.MilestoneInfo{})},
	{"milestone show", frame.FieldsOf(answer.MilestoneDetail{})},
	{"milestone new, milestone edit, milestone close, milestone reopen, milestone delete", frame.FieldsOf(answer.MilestoneInfo{}, "milestone")},
	{"session status", frame.FieldsOf(answer.Session{})},
	{"session start, session work", frame.FieldsOf(answer.Session{}, "session")},
	{"time list", frame.FieldsOf(answer.TimeRow{})},
	{"time report", frame.FieldsOf(answer.TimeGroup{})},
	{"time add, time delete, timer stop", frame.FieldsOf(answer.TimeRow{}, "entries")},
	{"request list, request poll", frame.FieldsOf(answer.Request{})},
	{"request send, request ack", frame.FieldsOf(answer.Request{}, "requests")},
	{"agent list", frame.FieldsOf(answer.Agent{})},
	{"ci list", frame.FieldsOf(answer.Report{})},
	{"trust show", frame.FieldsOf(tracker.TrustAgent{}, "agents")},
	{"trust list, trust pending", frame.FieldsOf(tracker.TrustAgent{})},
	{"trust approve", frame.FieldsOf(tracker.Approved{})},
}

// offerFields gives the commands their option --fields.
func offerFields(t *frame.Terminal, root *urfave.Command) {
	for _, f := range fields {
		for name := range strings.SplitSeq(f.commands, ", ") {
			c := root
			for word := range strings.FieldsSeq(name) {
				c = c.Command(word)
			}
			t.OfferFields(c, f.Fields)
		}
	}
}
