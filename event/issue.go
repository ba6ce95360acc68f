package event

// Status of an issue or milestone. Closed list.
type Status string

const (
	Open     Status = "open"
	Closed   Status = "closed"
	Archived Status = "archived"
)

// Priority of an issue. Closed list.
type Priority string

const (
	Low      Priority = "low"
	Medium   Priority = "medium"
	High     Priority = "high"
	Critical Priority = "critical"
)

// RelationKind of two issues. Closed list; Related is undirected, the others
// read "a <kind> b".
type RelationKind string

const (
	Related        RelationKind = "related"
	DiscoveredFrom RelationKind = "discovered-from"
	Duplicates     RelationKind = "duplicates"
	Supersedes     RelationKind = "supersedes"
)

var (
	statuses      = []Status{Open, Closed, Archived}
	priorities    = []Priority{Low, Medium, High, Critical}
	relationKinds = []RelationKind{Related, DiscoveredFrom, Duplicates, Supersedes}
)

// IssueCreated writes an issue's first registers. It never writes status.
type IssueCreated struct {
	UUID               UUID
	Title              string
	Description        string // "" = absent
	Priority           Priority
	Labels             []string
	Parent             UUID // parent_uuid?
	CreatedBy          string
	ScheduledAt, DueAt Time
}

// IssueUpdated writes one register per member that is present.
type IssueUpdated struct {
	UUID        UUID
	Title       *string
	Description *string // "" clears
	Priority    *Priority

	TitleOver       Time // title_over?: of the event whose title the writer replaces
	DescriptionOver Time // description_over?
}

// StatusChanged writes status, close time, reason and actor as one register.
type StatusChanged struct {
	UUID      UUID
	NewStatus Status
	ClosedAt  Time // closed_at?
	Reason    string
}

// IssueDeleted hides an issue until IssueUndeleted names this deletion: forever
// if the deletion has no name.
type IssueDeleted struct {
	UUID     UUID
	Deletion UUID // deletion_uuid?
}

// IssueUndeleted takes one deletion of an issue back.
type IssueUndeleted struct {
	UUID     UUID
	Deletion UUID // deletion_uuid
}

// ScheduleChanged carries the full new value of both fields; absent = none.
type ScheduleChanged struct {
	Issue              UUID // issue_uuid
	ScheduledAt, DueAt Time
}

// ParentChanged sets or (absent) removes the parent.
type ParentChanged struct {
	Issue  UUID // issue_uuid
	Parent UUID // new_parent_uuid?
}

// LabelAdded and LabelRemoved move one element of the issue's label set.
type LabelAdded struct {
	Issue UUID // issue_uuid
	Label string
}

// LabelRemoved removes one label.
type LabelRemoved struct {
	Issue UUID // issue_uuid
	Label string
}

// AssigneeAdded adds one assignee.
type AssigneeAdded struct {
	Issue    UUID // issue_uuid
	Assignee string
}

// AssigneeRemoved removes one assignee.
type AssigneeRemoved struct {
	Issue    UUID // issue_uuid
	Assignee string
}

// DependencyAdded says that Blocked waits for Blocker.
type DependencyAdded struct{ Blocked, Blocker UUID } // blocked_uuid, blocker_uuid

// DependencyRemoved takes it back.
type DependencyRemoved struct{ Blocked, Blocker UUID }

// RelationAdded relates two issues; Kind "" on the wire is Related and decoded as such.
type RelationAdded struct {
	A, B UUID // uuid_a, uuid_b
	Kind RelationKind
}

// RelationRemoved takes one relation of that kind back.
type RelationRemoved struct {
	A, B UUID
	Kind RelationKind
}

// MilestoneAssigned puts the issue into a milestone, or (absent) into none.
type MilestoneAssigned struct {
	Issue     UUID // issue_uuid
	Milestone UUID // milestone_uuid?
}

func (e *IssueCreated) members(m *members) {
	m.uuid("uuid", &e.UUID)
	m.str("title", &e.Title, title)
	m.optStr("description", &e.Description, freeText)
	enum(m, "priority", &e.Priority, priorities)
	m.list("labels", &e.Labels, name)
	m.optUUID("parent_uuid", &e.Parent)
	m.str("created_by", &e.CreatedBy, name)
	m.optTime("scheduled_at", &e.ScheduledAt)
	m.optTime("due_at", &e.DueAt)
}

func (e *IssueUpdated) members(m *members) {
	m.uuid("uuid", &e.UUID)
	m.strPtr("title", &e.Title, title)
	m.strPtr("description", &e.Description, freeText)
	enumPtr(m, "priority", &e.Priority, priorities)
	m.optTime("title_over", &e.TitleOver)
	m.optTime("description_over", &e.DescriptionOver)
	m.some(e.Title != nil || e.Description != nil || e.Priority != nil, "title", "and all other members are absent: nothing is updated")
}

func (e *StatusChanged) members(m *members) {
	m.uuid("uuid", &e.UUID)
	enum(m, "new_status", &e.NewStatus, statuses)
	m.optTime("closed_at", &e.ClosedAt)
	if m.v4() {
		m.optStr("reason", &e.Reason, freeText)
	}
}

func (e *IssueDeleted) members(m *members) {
	m.uuid("uuid", &e.UUID)
	if m.v4() {
		m.optUUID("deletion_uuid", &e.Deletion)
	}
}

func (e *IssueUndeleted) members(m *members) {
	m.uuid("uuid", &e.UUID)
	m.uuid("deletion_uuid", &e.Deletion)
}

func (e *ScheduleChanged) members(m *members) {
	m.uuid("issue_uuid", &e.Issue)
	m.optTime("scheduled_at", &e.ScheduledAt)
	m.optTime("due_at", &e.DueAt)
}

func (e *ParentChanged) members(m *members) {
	m.uuid("issue_uuid", &e.Issue)
	m.optUUID("new_parent_uuid", &e.Parent)
}

func (e *LabelAdded) members(m *members) {
	m.uuid("issue_uuid", &e.Issue)
	m.str("label", &e.Label, name)
}

func (e *LabelRemoved) members(m *members) { (*LabelAdded)(e).members(m) }

func (e *AssigneeAdded) members(m *members) {
	m.uuid("issue_uuid", &e.Issue)
	m.str("assignee", &e.Assignee, name)
}

func (e *AssigneeRemoved) members(m *members) { (*AssigneeAdded)(e).members(m) }

func (e *DependencyAdded) members(m *members) {
	m.uuid("blocked_uuid", &e.Blocked)
	m.uuid("blocker_uuid", &e.Blocker)
}

func (e *DependencyRemoved) members(m *members) { (*DependencyAdded)(e).members(m) }

func (e *RelationAdded) members(m *members) {
	m.uuid("uuid_a", &e.A)
	m.uuid("uuid_b", &e.B)
	if m.v4() {
		m.relationKind("kind", &e.Kind)
	} else {
		e.Kind = Related
	}
}

func (e *RelationRemoved) members(m *members) { (*RelationAdded)(e).members(m) }

// relationKind visits a relation's kind: absent on the wire means Related, and
// Related is never written.
func (m *members) relationKind(name string, p *RelationKind) {
	kind := *p
	if m.walk != reading && kind == Related {
		kind = ""
	}
	if optEnum(m, name, &kind, relationKinds); m.walk != reading {
		return
	}
	switch kind {
	case "":
		kind = Related
	case Related:
		m.fail(EmptyMember, name, "is written though it is the default")
	}
	*p = kind
}

func (e *MilestoneAssigned) members(m *members) {
	m.uuid("issue_uuid", &e.Issue)
	m.optUUID("milestone_uuid", &e.Milestone)
}

func (*IssueCreated) Type() string      { return "IssueCreated" }
func (*IssueUpdated) Type() string      { return "IssueUpdated" }
func (*StatusChanged) Type() string     { return "StatusChanged" }
func (*IssueDeleted) Type() string      { return "IssueDeleted" }
func (*IssueUndeleted) Type() string    { return "IssueUndeleted" }
func (*ScheduleChanged) Type() string   { return "ScheduleChanged" }
func (*ParentChanged) Type() string     { return "ParentChanged" }
func (*LabelAdded) Type() string        { return "LabelAdded" }
func (*LabelRemoved) Type() string      { return "LabelRemoved" }
func (*AssigneeAdded) Type() string     { return "AssigneeAdded" }
func (*AssigneeRemoved) Type() string   { return "AssigneeRemoved" }
func (*DependencyAdded) Type() string   { return "DependencyAdded" }
func (*DependencyRemoved) Type() string { return "DependencyRemoved" }
func (*RelationAdded) Type() string     { return "RelationAdded" }
func (*RelationRemoved) Type() string   { return "RelationRemoved" }
func (*MilestoneAssigned) Type() string { return "MilestoneAssigned" }
