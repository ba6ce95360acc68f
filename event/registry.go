package event

// entry is one event type: how to make an empty one, and whether level 3 has
// an event of that name and shape.
type entry struct {
	make   func() visited
	level3 bool
}

// types is every event type this program knows, by its name on the wire. A
// name that is not here is Unknown. (Level 3 has LockClaimed and LockReleased
// too, but by number: they are another event there.)
var types = map[string]entry{
	"IssueCreated":      {func() visited { return new(IssueCreated) }, true},
	"IssueUpdated":      {func() visited { return new(IssueUpdated) }, true},
	"StatusChanged":     {func() visited { return new(StatusChanged) }, true},
	"IssueDeleted":      {func() visited { return new(IssueDeleted) }, true},
	"IssueUndeleted":    {func() visited { return new(IssueUndeleted) }, false},
	"ScheduleChanged":   {func() visited { return new(ScheduleChanged) }, true},
	"ParentChanged":     {func() visited { return new(ParentChanged) }, true},
	"LabelAdded":        {func() visited { return new(LabelAdded) }, true},
	"LabelRemoved":      {func() visited { return new(LabelRemoved) }, true},
	"AssigneeAdded":     {func() visited { return new(AssigneeAdded) }, false},
	"AssigneeRemoved":   {func() visited { return new(AssigneeRemoved) }, false},
	"DependencyAdded":   {func() visited { return new(DependencyAdded) }, true},
	"DependencyRemoved": {func() visited { return new(DependencyRemoved) }, true},
	"RelationAdded":     {func() visited { return new(RelationAdded) }, true},
	"RelationRemoved":   {func() visited { return new(RelationRemoved) }, true},
	"LinkAdded":         {func() visited { return new(LinkAdded) }, false},
	"LinkRemoved":       {func() visited { return new(LinkRemoved) }, false},
	"MilestoneAssigned": {func() visited { return new(MilestoneAssigned) }, true},
	"CommentAdded":      {func() visited { return new(CommentAdded) }, true},
	"CommentEdited":     {func() visited { return new(CommentEdited) }, false},
	"CommentDeleted":    {func() visited { return new(CommentDeleted) }, false},
	"TimeEntryAdded":    {func() visited { return new(TimeEntryAdded) }, true},
	"TimeEntryDeleted":  {func() visited { return new(TimeEntryDeleted) }, false},
	"MilestoneCreated":  {func() visited { return new(MilestoneCreated) }, true},
	"MilestoneUpdated":  {func() visited { return new(MilestoneUpdated) }, false},
	"MilestoneClosed":   {func() visited { return new(MilestoneClosed) }, true},
	"MilestoneReopened": {func() visited { return new(MilestoneReopened) }, false},
	"MilestoneDeleted":  {func() visited { return new(MilestoneDeleted) }, true},
	"LockClaimed":       {func() visited { return new(LockClaimed) }, false},
	"LockReleased":      {func() visited { return new(LockReleased) }, false},
	"LockBroken":        {func() visited { return new(LockBroken) }, false},
	"SessionStarted":    {func() visited { return new(SessionStarted) }, false},
	"SessionWorked":     {func() visited { return new(SessionWorked) }, false},
	"SessionEnded":      {func() visited { return new(SessionEnded) }, false},
	"RequestSent":       {func() visited { return new(RequestSent) }, false},
	"StatusReported":    {func() visited { return new(StatusReported) }, false},
	"RequestAcked":      {func() visited { return new(RequestAcked) }, false},
	"AgentIntroduced":   {func() visited { return new(AgentIntroduced) }, false},
	"KeyRotated":        {func() visited { return new(KeyRotated) }, false},
	"AgentForked":       {func() visited { return new(AgentForked) }, false},
	"AgentForkedFrom":   {func() visited { return new(AgentForkedFrom) }, false},
	"AgentRetired":      {func() visited { return new(AgentRetired) }, false},
}
