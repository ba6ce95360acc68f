package event

// Reasons a member is refused for. They appear in Invalid, in MemberError, in
// LineError where the envelope itself is at fault, and so in Rejections: they
// are part of the format and never change their meaning.
const (
	MissingMember    = "missing-member"
	MemberOrder      = "member-order" // a known member after its place or after an unknown one
	EmptyMember      = "empty-member" // written although it says nothing: absent is the one encoding
	WrongType        = "wrong-type"
	BadValue         = "bad-value"
	TooLong          = "too-long"
	ControlCharacter = "control-character"
	NotUTF8          = "utf-8"
)

// Further reasons a line ends its log for, beside those of package canon and
// those above.
const (
	LineTooLong = "line-too-long" // over MaxLine, or MaxForkLine for AgentForked
	NoVersion   = "no-version"    // no "v", or one below 4: a level-3 line where none may stand
	Newer       = "newer"         // "v" above 4: the line is of rules not known here
	WrongHub    = "hub"           // the line belongs to another hub
	WrongAgent  = "agent"         // the line belongs to another log
	Sequence    = "sequence"      // not the next one
	PrevHash    = "prev"          // not the hash of the line before
	TimeFalls   = "time-falls"    // earlier than the line before
)

// MemberError says which member of an event breaks which rule.
type MemberError struct {
	Reason string // one of the constants above
	Member string // its name on the wire
	Detail string // for people; never holds the value itself
}

func (e *MemberError) Error() string { return e.Detail }

// LineError is the reason why a line is not valid in its log. The log ends at the line before
// it; nothing after it counts.
type LineError struct {
	Reason string
	Detail string // for people
}

func (e *LineError) Error() string {
	if e.Detail == "" {
		return e.Reason
	}
	return e.Reason + ": " + e.Detail
}
