// Package inbox is the list of what needs a person, most urgent first, made
// from a project's alerts and facts. The start page shows it (dashboard/web).
package inbox

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
)

// Group says how soon somebody is needed.
type Group string

// The groups, most urgent first.
const (
	Now   Group = "now"
	Soon  Group = "soon"
	Later Group = "later"
)

// Groups lists all groups, most urgent first.
var Groups = []Group{Now, Soon, Later}

// Item is one reason why a person is needed.
type Item struct {
	Key      string          `json:"key"` // of one reason at all times
	Group    Group           `json:"group"`
	Reason   string          `json:"reason"` // kind of the alert, "question", "mention", "rejected" or "assigned"
	Severity alerts.Severity `json:"severity"`
	Text     string          `json:"text"`
	Since    event.Time      `json:"-"`
	Began    event.Time      `json:"-"`               // of the reason: it tells one from a later one with the same key
	Project  string          `json:"project"`         // slug
	Issue    string          `json:"issue,omitempty"` // name of the issue it is about
	Agent    string          `json:"agent,omitempty"`
	Alert    int64           `json:"alert,omitempty"`
}

// Of returns what needs somebody in one project. The rules are:
//
//   - an alert that is active, at least a warning and not acknowledged: now, if it
//     is critical or an agent waits for an answer, else soon;
//   - a question of an agent on the issue whose lock it holds: now;
//   - a text on an open issue that addresses the operator, who has not commented since, for 30
//     days: soon;
//   - an event of the operator that has no effect, for 7 days: soon;
//   - an issue assigned to the operator: soon if it is due within the threshold,
//     later if it is ready. One that is overdue has an alert.
func Of(slug string, all []alerts.Alert, f *facts.Facts, th facts.Thresholds, c *facts.Clock) []Item {
	var items []Item
	for k := range all {
		a := &all[k]
		if !a.Active() || a.Ack.At != 0 || !a.Severity.AtLeast(alerts.Warning) {
			continue
		}
		i := Item{Key: KeyOf(slug, a), Group: Soon, Reason: string(a.Kind), Severity: a.Severity,
			Text: a.NowDetail, Since: a.Opened, Began: a.Opened, Project: slug, Alert: a.ID}
		if a.Severity == alerts.Critical || a.Kind == alerts.NeedsInput {
			i.Group = Now
		}
		what, name, _ := strings.Cut(a.Ref, ":")
		if o := issueOf(f, a.Subject); o != nil && a.Kind == alerts.OverdueIssue {
			i.Text, i.Since = fmt.Sprintf("%s %q is overdue", facts.Ref(o.Name), o.Title), o.Due
		}
		switch what {
		case "issue", "lock":
			i.Issue = name
		case "agent":
			i.Agent = name
			i.Issue = worksOn(f, name)
		}
		items = append(items, i)
	}
	asked := map[event.UUID]event.Time{}
	for k := range f.Locks {
		if l := &f.Locks[k]; l.Asked != 0 {
			asked[l.Issue] = l.Asked
			items = append(items, Item{Key: fmt.Sprintf("%s question %s", slug, l.Issue), Group: Now, Reason: "question", Severity: alerts.Warning,
				Text: fmt.Sprintf("%s asks on %s %q: %s", f.Shown(l.Holder).Brief(l.Holder), facts.Ref(l.Name), l.Title, l.Question), Since: l.Asked, Began: l.Asked, Project: slug, Issue: l.Name, Agent: l.Holder})
		}
	}
	for k := range f.Mentions {
		m := &f.Mentions[k]
		if asked[m.Issue] == m.At || c.After(m.At+mentionDays*day) {
			continue
		}
		items = append(items, Item{Key: fmt.Sprintf("%s mention %s", slug, m.Issue), Group: Soon, Reason: "mention", Severity: alerts.Info,
			Text: fmt.Sprintf("%s mentions you on %s %q: %s", f.Shown(m.By).Brief(m.By), facts.Ref(m.Name), m.Title, m.Text), Since: m.At, Began: m.At, Project: slug, Issue: m.Name, Agent: m.By})
	}
	for k := range f.Rejected {
		r := &f.Rejected[k]
		if c.After(r.At + rejectedDays*day) {
			continue
		}
		what := "your event " + r.Type
		if r.Name != "" {
			what = fmt.Sprintf("your change of %s %q", facts.Ref(r.Name), r.Title)
		}
		items = append(items, Item{Key: fmt.Sprintf("%s rejected %s/%d", slug, r.Agent, r.Seq), Group: Soon, Reason: "rejected", Severity: alerts.Warning,
			Text: what + " has no effect: " + r.Detail, Since: r.At, Began: r.At, Project: slug, Issue: r.Name, Agent: r.Agent})
	}
	for k := range f.Issues {
		i := &f.Issues[k]
		due := i.Due != 0 && c.From(i.Due-event.Time(th.DueSoon))
		if !i.Mine || i.Due != 0 && c.After(i.Due) || !due && !i.Ready {
			continue
		}
		one := Item{Key: fmt.Sprintf("%s assigned %s", slug, i.UUID), Group: Later, Reason: "assigned", Severity: alerts.Info,
			Text: fmt.Sprintf("%s %q is assigned to you and ready", facts.Ref(i.Name), i.Title), Since: i.Since, Began: i.Since, Project: slug, Issue: i.Name}
		if due {
			one.Group = Soon
			one.Text = fmt.Sprintf("%s %q is assigned to you and due soon", facts.Ref(i.Name), i.Title)
		}
		items = append(items, one)
	}
	Sort(items)
	return items
}

// How long what concerns the operator is shown.
const (
	day          = event.Time(24 * time.Hour)
	mentionDays  = 30
	rejectedDays = 7
)

// NextDue is the open issue that is due next; nil if none is.
func NextDue(f *facts.Facts, c *facts.Clock) (next *facts.Issue) {
	for k := range f.Issues {
		if i := &f.Issues[k]; i.Due != 0 && !c.After(i.Due) && (next == nil || i.Due < next.Due) {
			next = i
		}
	}
	return next
}

// OfFacts reports whether there may be items that are not of alerts.
func OfFacts(f *facts.Facts) bool {
	return len(f.Mentions)+len(f.Rejected) > 0 || slices.ContainsFunc(f.Locks, func(l facts.Lock) bool { return l.Asked != 0 }) || slices.ContainsFunc(f.Issues, func(i facts.Issue) bool { return i.Mine })
}

// KeyOf is the key of the item that an alert makes.
func KeyOf(slug string, a *alerts.Alert) string {
	return fmt.Sprintf("%s %s %s", slug, a.Kind, a.Subject)
}

// issueOf returns the issue that an alert's subject names; nil if the subject is not an issue.
func issueOf(f *facts.Facts, subject string) *facts.Issue {
	for k := range f.Issues {
		if "issue:"+f.Issues[k].UUID.String() == subject {
			return &f.Issues[k]
		}
	}
	return nil
}

// worksOn names the issue whose lock an agent holds; "" if there is none.
func worksOn(f *facts.Facts, agent string) string {
	for k := range f.Locks {
		if f.Locks[k].Holder == agent {
			return f.Locks[k].Name
		}
	}
	return ""
}

// Sort puts items in their order.
func Sort(items []Item) { slices.SortFunc(items, Compare) }

// Compare orders items by group, then severity, then the newest first.
func Compare(a, b Item) int {
	return cmp.Or(cmp.Compare(slices.Index(Groups, a.Group), slices.Index(Groups, b.Group)),
		cmp.Compare(slices.Index(alerts.Severities, a.Severity), slices.Index(alerts.Severities, b.Severity)),
		cmp.Compare(b.Since, a.Since), cmp.Compare(a.Key, b.Key))
}
