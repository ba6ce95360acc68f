package inbox

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
)

const now = event.Time(1_750_000_000_000_000_000)

func alert(k alerts.Kind, s alerts.Severity, ref string) alerts.Alert {
	return alerts.Alert{Identity: alerts.Identity{Kind: k, Subject: ref}, Ref: ref, Severity: s, State: alerts.Firing, NowDetail: string(k), Opened: now}
}

func lines(items []Item) string {
	var all []string
	for _, i := range items {
		all = append(all, strings.TrimRight(strings.Join([]string{string(i.Group), i.Text, i.Issue, i.Agent}, " | "), " |"))
	}
	return strings.Join(all, "\n")
}

func TestOf(t *testing.T) {
	acked := alert(alerts.StaleLock, alerts.Warning, "lock:9")
	acked.Ack.At = 1
	pending := alert(alerts.StaleLock, alerts.Warning, "lock:8")
	pending.State = alerts.Pending
	mine := func(name string, due event.Time, ready bool) facts.Issue {
		return facts.Issue{UUID: event.UUID{name[0]}, Name: name, Title: "t", Mine: true, Due: due, Ready: ready}
	}
	f := facts.Facts{
		Locks: []facts.Lock{{Name: "4", Holder: "X", Title: "t", Question: "Shall I?", Asked: now - 1}},
		Issues: []facts.Issue{
			mine("1", now+day, false), mine("2", now+day+1, false), mine("3", now-1, true), mine("5", 0, true), mine("6", 0, false),
			{Name: "7", Ready: true},
		},
	}
	u := event.UUID{9}
	f.Locks = append(f.Locks, facts.Lock{Issue: u, Name: "10", Holder: "X", Title: "t", Question: "@me?", Asked: now - 5})
	f.Mentions = []facts.Mention{{Issue: u, Name: "10", Title: "t", By: "X", Text: "@me?", At: now - 5}, {Issue: event.UUID{8}, Name: "11", Title: "t", By: "Y", Text: "see @me", At: now - 30*day}, {Issue: event.UUID{7}, Name: "12", Title: "t", By: "Y", At: now - 30*day - 1}}
	f.Rejected = []facts.Refusal{{Agent: "me", Seq: 4, Type: "LabelAdded", Detail: "no issue", At: now - 7*day}, {Agent: "me", Seq: 5, Name: "13", Title: "t", Detail: "it is closed", At: now - 7*day + 1}, {Agent: "me", Seq: 3, At: now - 7*day - 1}}
	overdue := alert(alerts.OverdueIssue, alerts.Warning, "issue:3")
	overdue.Subject = "issue:" + event.UUID{'3'}.String()
	all := []alerts.Alert{
		overdue,
		alert(alerts.StaleLock, alerts.Warning, "lock:4"), acked, pending, alert(alerts.Cycle, alerts.Info, "issue:1"),
		alert(alerts.NeedsInput, alerts.Warning, "agent:X"), alert(alerts.HubLost, alerts.Critical, "project:o/r"),
	}
	want := `now | hub_lost
now | needs_input | 4 | X
now | X asks on #4 "t": Shall I? | 4 | X
now | X asks on #10 "t": @me? | 10 | X
soon | stale_lock | 4
soon | #3 "t" is overdue | 3
soon | your change of #13 "t" has no effect: it is closed | 13 | me
soon | your event LabelAdded has no effect: no issue |  | me
soon | Y mentions you on #11 "t": see @me | 11 | Y
soon | #1 "t" is assigned to you and due soon | 1
later | #5 "t" is assigned to you and ready | 5`
	if items := Of("o/r", []alerts.Alert{overdue}, &f, facts.Defaults(), facts.NewClock(now)); items[0].Since != now-1 {
		t.Errorf("it is overdue since %d", items[0].Since)
	}
	if OfFacts(&facts.Facts{Issues: f.Issues[5:]}) || !OfFacts(&facts.Facts{Locks: f.Locks}) || !OfFacts(&facts.Facts{Issues: f.Issues}) || !OfFacts(&facts.Facts{Mentions: f.Mentions}) || !OfFacts(&facts.Facts{Rejected: f.Rejected}) {
		t.Error("items that are not of alerts")
	}
	if got := lines(Of("o/r", all, &f, facts.Defaults(), facts.NewClock(now))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSort(t *testing.T) {
	items := []Item{{Group: Later, Text: "d"}, {Group: Soon, Severity: alerts.Warning, Since: 1, Text: "c"}, {Group: Soon, Severity: alerts.Warning, Since: 2, Text: "b"}, {Group: Now, Text: "a"}}
	Sort(items)
	if got := lines(items); got != "now | a\nsoon | b\nsoon | c\nlater | d" {
		t.Errorf("order:\n%s", got)
	}
}

func TestNextDue(t *testing.T) {
	f := facts.Facts{Issues: []facts.Issue{{Name: "1", Due: now - 1}, {Name: "2"}, {Name: "3", Due: now + 2}, {Name: "4", Due: now}, {Name: "5", Due: now + 1}}}
	for at, want := range map[event.Time]string{now - 2: "1", now - 1: "1", now: "4", now + 1: "5", now + 2: "3"} {
		if got := NextDue(&f, facts.NewClock(at)); got == nil || got.Name != want {
			t.Errorf("at %d: %+v, want %s", at-now, got, want)
		}
	}
	if got := NextDue(&f, facts.NewClock(now+3)); got != nil {
		t.Errorf("%+v", got)
	}
}
