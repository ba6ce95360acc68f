package importer

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// Line is one event to write, and when it happened in the source. That time is only shown
// to people. 0 means now.
type Line struct {
	Body event.Body
	Wall event.Time
}

// Names turns the keys of one source into uuids.
type Names struct{ System, Scope string }

// Description is the description of an agent that imports from a scope.
func (n Names) Description() string { return "import " + n.System + ":" + n.Scope }

// NamesOf parses a Description. It does not accept names for an export of this program.
func NamesOf(description string) (n Names, ok bool) {
	rest, ok := strings.CutPrefix(description, "import ")
	if ok {
		n.System, n.Scope, ok = strings.Cut(rest, ":")
	}
	return n, ok && n.System != Own
}

// Issue returns the uuid of an issue. An export of this program names its issues itself.
func (n Names) Issue(key string) event.UUID { return n.id(TypeIssue, key) }

// Milestone returns the uuid of a milestone.
func (n Names) Milestone(key string) event.UUID { return n.id(TypeMilestone, key) }

func (n Names) comment(key string) event.UUID { return n.id(TypeComment, key) }

// Own is the system of an export of this program. Its keys are uuids.
const Own = "crosslink"

// OwnKey is the key of something of ours in a source of another system: it came from
// an export of this program, and keeps its uuid.
func OwnKey(u event.UUID) string { return ownPrefix + u.String() }

const ownPrefix = Own + ":"

// IsOwn reports whether a key is an OwnKey.
func IsOwn(key string) bool {
	uuid, ok := strings.CutPrefix(key, ownPrefix)
	if ok {
		_, ok = event.ParseUUID(uuid)
	}
	return ok
}

func (n Names) id(kind, key string) event.UUID {
	uuid, ok := strings.CutPrefix(key, ownPrefix)
	if ok || n.System == Own {
		if u, ok := event.ParseUUID(uuid); ok {
			return u
		}
	}
	return UUID(n.System, n.Scope, kind, key)
}

// Origin is the link from an imported issue to the issue in the source.
func (n Names) Origin(key string) string {
	return shorten(oneLine(n.System+":"+n.Scope+"#"+key), maxRef)
}

// maxRef is the longest reference to something outside, in bytes.
const maxRef = 512

// Founding returns the lines that create a milestone.
func (n Names) Founding(m *Milestone) []Line {
	u := n.Milestone(m.Key)
	cut := 0
	lines := []Line{{Body: &event.MilestoneCreated{UUID: u, Name: or(fitName(m.Name, &cut), "(no name)"), Description: shorten(text(m.Description), event.MaxText), CreatedAt: cmp.Or(m.Created, event.NotKnown), DueAt: m.Due}}}
	if m.Closed {
		lines = append(lines, Line{Body: &event.MilestoneClosed{UUID: u, ClosedAt: cmp.Or(m.ClosedAt, event.NotKnown)}})
	}
	return lines
}

// maxCreated is the number of labels in the line that creates an issue, whose length is
// bounded; the other labels are added later.
const maxCreated = 100

// Create returns the lines that create an issue, which must fit (see Issue.Fit). The last
// line has the time of the source's last change.
func (n Names) Create(i *Issue) []Line {
	u := n.Issue(i.Key)
	var lines []Line
	say := func(at event.Time, b event.Body) {
		if at == event.NotKnown {
			at = 0
		}
		lines = append(lines, Line{b, at})
	}
	created := &event.IssueCreated{
		UUID: u, Title: i.Title, Description: i.Description, Priority: i.Priority, Labels: i.Labels[:min(len(i.Labels), maxCreated)],
		CreatedBy: or(i.Author, "unknown"), ScheduledAt: i.Scheduled, DueAt: i.Due,
	}
	if created.Priority == "" {
		created.Priority = event.Medium
	}
	if i.Parent != "" {
		created.Parent = n.Issue(i.Parent)
	}
	say(i.Created, created)
	for _, l := range i.Labels[len(created.Labels):] {
		say(i.Created, &event.LabelAdded{Issue: u, Label: l})
	}
	for _, a := range i.Assignees {
		say(i.Updated, &event.AssigneeAdded{Issue: u, Assignee: a})
	}
	for _, b := range i.BlockedBy {
		say(i.Updated, &event.DependencyAdded{Blocked: u, Blocker: n.Issue(b)})
	}
	for _, r := range i.Relations {
		say(i.Updated, &event.RelationAdded{A: u, B: n.Issue(r.To), Kind: r.Kind})
	}
	for _, l := range i.Links {
		say(i.Updated, &event.LinkAdded{Issue: u, Kind: l.Kind, Ref: l.Ref})
	}
	if n.System != Own && !IsOwn(i.Key) {
		say(i.Updated, &event.LinkAdded{Issue: u, Kind: event.LinkOrigin, Ref: n.Origin(i.Key)})
	}
	if i.Milestone != "" {
		say(i.Updated, &event.MilestoneAssigned{Issue: u, Milestone: n.Milestone(i.Milestone)})
	}
	n.comments(i, say)
	for _, t := range i.Time {
		say(t.Started, &event.TimeEntryAdded{Issue: u, Entry: n.id(TypeTime, t.Key), StartedAt: t.Started, EndedAt: t.Ended, DurationSeconds: t.Seconds})
	}
	switch {
	case i.Deleted:
		say(i.Updated, &event.IssueDeleted{UUID: u})
	case i.Status == event.Closed:
		if i.Closer != "" && i.Closer != i.Author {
			say(i.ClosedAt, n.system(i, "closer", "closed by "+i.Closer, cmp.Or(i.ClosedAt, i.Created, event.NotKnown)))
		}
		say(i.ClosedAt, &event.StatusChanged{UUID: u, NewStatus: event.Closed, ClosedAt: i.ClosedAt, Reason: i.Reason})
	case i.Status == event.Archived:
		say(i.Updated, &event.StatusChanged{UUID: u, NewStatus: event.Archived, ClosedAt: i.ClosedAt, Reason: i.Reason})
	case i.Reason != "": // it was reopened and has a reason
		say(i.Updated, &event.StatusChanged{UUID: u, NewStatus: event.Open, Reason: i.Reason})
	}
	if last := &lines[len(lines)-1]; i.Updated > 0 && len(lines) > 1 {
		last.Wall = i.Updated
	}
	return lines
}

func (n Names) comments(i *Issue, say func(event.Time, event.Body)) {
	same := map[string]int{} // counts comments without a name
	for _, c := range i.Comments {
		key := i.Key + "\x00" + c.Key
		switch {
		case n.System == "github" && isNumber(c.Key), n.System == "git-bug", n.System == Own, IsOwn(c.Key):
			key = c.Key // unique in the whole scope
		case c.Key == "":
			anon := i.Key + "\x00" + c.Author + "\x00" + c.Created.String()
			same[anon]++
			key = anon + "\x00" + strconv.Itoa(same[anon])
		}
		u := n.comment(key)
		say(c.Created, &event.CommentAdded{
			Issue: n.Issue(i.Key), Comment: u, Author: or(c.Author, "unknown"), Content: c.Text,
			CreatedAt: c.Created, Kind: or(c.Kind, "note"),
			TriggerType: c.TriggerType, InterventionContext: c.Context, DriverKeyFingerprint: c.Fingerprint,
		})
		for _, e := range c.Edits {
			say(e.At, &event.CommentEdited{Comment: u, Content: shorten(text(e.Text), event.MaxText)})
		}
	}
}

// system writes data as a comment if no event can express it without speaking for somebody.
func (n Names) system(i *Issue, key, words string, at event.Time) *event.CommentAdded {
	return &event.CommentAdded{
		Issue: n.Issue(i.Key), Comment: n.comment(i.Key + "\x00" + key), Author: "import", Content: words, CreatedAt: at, Kind: System,
	}
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}
