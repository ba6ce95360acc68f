package reading

import (
	"fmt"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// TestCommandMessage: a subject has one line of at most 72 columns, whatever a
// command wrote, and the body is short.
func TestCommandMessage(t *testing.T) {
	lines := func(first uint64, bodies ...event.Body) (all []*event.Envelope) {
		for k, b := range bodies {
			all = append(all, &event.Envelope{Agent: "alice-box-ab2c", Seq: first + uint64(k), Body: b})
		}
		return all
	}
	var many []event.Body
	for k := range 500 {
		many = append(many, &event.IssueCreated{Title: fmt.Sprintf("issue %d %s", k, strings.Repeat("long ", 90))}, &event.LabelAdded{})
	}
	for _, x := range []struct {
		lines      []*event.Envelope
		subject    string
		bodyBefore string
	}{
		{lines(7, &event.LabelAdded{}), "crosslink: alice-box-ab2c 7 LabelAdded", ""},
		{lines(1, &event.AgentIntroduced{}, &event.IssueCreated{Title: "fix the flux"}), "crosslink: alice-box-ab2c 1 IssueCreated fix the flux", ""},
		{lines(1, &event.AgentIntroduced{}), "crosslink: alice-box-ab2c 1 AgentIntroduced", ""},
		{lines(3, &event.StatusChanged{}, &event.LockReleased{}), "crosslink: alice-box-ab2c 3 StatusChanged, LockReleased", "3 StatusChanged\n4 LockReleased\n"},
		{lines(9, many...), "crosslink: alice-box-ab2c 9 500 IssueCreated, 500 LabelAdded", "9 IssueCreated issue 0 "},
		{lines(2, &event.IssueCreated{Title: strings.Repeat("ü", 512)}), "crosslink: alice-box-ab2c 2 IssueCreated " + strings.Repeat("ü", 30) + "…", ""},
	} {
		subject, rest, _ := strings.Cut(CommandMessage(x.lines), "\n\n")
		if subject != x.subject {
			t.Errorf("subject %q, want %q", subject, x.subject)
		}
		if !strings.HasPrefix(rest, x.bodyBefore) || !strings.HasSuffix(rest, "[skip ci]\n") || strings.Count(rest, "\n") > bodyLines+4 || len(rest) > 3000 {
			t.Errorf("%q: body %q", x.subject, rest)
		}
	}
	if message := CommandMessage(lines(9, many...)); !strings.Contains(message, "\nand 980 more\n\n[skip ci]\n") {
		t.Errorf("%q", message)
	}
}
