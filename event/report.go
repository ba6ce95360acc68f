package event

import "strings"

// StatusReported says what a check outside the tracker, such as a CI job, found
// about a commit of a branch. The newest report of a context and a branch counts.
type StatusReported struct {
	Context string // which check
	Branch  string
	Commit  string // its id, in full
	State   CheckState
	URL     string // url?: where to read more
}

// CheckState is what a check found. Closed list.
type CheckState string

const (
	Passing CheckState = "passing"
	Failing CheckState = "failing"
	Running CheckState = "pending" // it has begun
)

// CheckStates are all of them.
var CheckStates = []CheckState{Passing, Failing, Running}

func (e *StatusReported) members(m *members) {
	m.str("context", &e.Context, name)
	m.str("branch", &e.Branch, branch)
	m.str("commit", &e.Commit, objectID)
	enum(m, "state", &e.State, CheckStates)
	m.optStr("url", &e.URL, webURL)
}

func (*StatusReported) Type() string { return "StatusReported" }

// isObjectID reports whether s is a git object id in full.
func isObjectID(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}

// maxURL is how long a URL may be.
const maxURL = 2048

// isWebURL reports whether s is a URL that a browser opens, in printable ASCII.
func isWebURL(s string) bool {
	rest, secure := strings.CutPrefix(s, "https://")
	if !secure {
		var plain bool
		if rest, plain = strings.CutPrefix(s, "http://"); !plain {
			return false
		}
	}
	for i := range len(rest) {
		if rest[i] <= ' ' || rest[i] > '~' {
			return false
		}
	}
	return rest != "" && rest[0] != '/' && len(s) <= maxURL
}
