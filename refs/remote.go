package refs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The names of the hub's refs on the hub, and of the refs in which Fetch stores them.
const (
	HubPrefix      = "refs/heads/crosslink/" // on the hub, and written here
	IncomingPrefix = "refs/incoming/"        // fetched last, not checked
	SeenPrefix     = "refs/hub/"             // last seen on the hub, and accepted
	Agents         = "agents/"               // below these: one log each

	HubPresence  = "refs/crosslink/presence/" // presence of clones on the hub
	PresenceHere = "refs/presence/"           // fetched last, not checked

	// ArchivedPrefix is the prefix of the logs that the hub keeps in its archive, by agent.
	ArchivedPrefix = "refs/archived/"

	// OuterPrefix is the prefix under which TakeOver copies the hub's refs from the user's
	// repository, unchecked. It is separate from refs/incoming because these refs may be
	// older.
	OuterPrefix = "refs/outer/"
)

// Remote is the hub as git reaches it. Make only one call at a time for each repository
// (the caller holds a sync lock): two fetches at once are safe, but one of them may fail.
type Remote interface {
	// Fetch makes refs/incoming/* the mirror of the hub's refs/heads/crosslink/*, and
	// refs/presence/* the mirror of its refs/crosslink/presence/*. It stores new and
	// rewound refs unchecked, and removes refs that the hub no longer has. Nothing else
	// moves. The fetched data is hostile until checked. The error is a *RemoteError; after
	// an error some refs may have moved, so look at them. Idempotent.
	Fetch(ctx context.Context) error

	// Push offers objects to the hub. The outcome is in the result, never in the error: an
	// error means that git did not run to its end (not found, ctx done), and the push may
	// have been applied anyway. Idempotent: pushing existing refs gives flag '='.
	Push(ctx context.Context, p Push) (*PushResult, error)

	// Heads returns the branches of the hub, including the user's, each with its tip. It
	// makes the hub advertise every branch, so it is only for founding a hub, never for a
	// sync. The error is a *RemoteError.
	Heads(ctx context.Context) (map[string]OID, error)

	// Receiving is a stamp of the data that is being received: it changes as long as a
	// fetch stores data. It may be called during Fetch.
	Receiving() string
}

// Push is one `git push`.
type Push struct {
	Refs   []PushRef
	Show   bool // the result must contain the refs that the hub has
	Atomic bool // all refs or none; a hub that cannot do this answers nothing (Reached false)
	Bulk   bool // it contains many objects: pack them faster, and hardly larger
}

// PushRef is one ref of a push. Without a Lease the hub's ref moves only
// forward.
type PushRef struct {
	Src   OID    // "" = delete
	Dst   string // full name on the hub
	Lease *OID   // nil = none; "" = expect it absent; else expect exactly this. Lifts the fast-forward test
	Force bool   // moves the ref whatever its value: only for refs without a history
}

// PushResult is the output of `git push --porcelain`.
type PushResult struct {
	Reached bool // git printed a To line: the hub was reached and answered
	Refs    map[string]RefStatus
	Exit    int    // git's exit status
	Stderr  string // for people; bytes of the server, so escape before printing

	// Shown are the refs below refs/heads/crosslink/ that the hub had before the push, if
	// the push asked for them; nil if they are not known.
	Shown map[string]OID

	Status     int           // of the server's last http answer, 0 if there was none
	RetryAfter time.Duration // how long the server wants to be left alone
}

// Busy reports whether the server could not or would not serve anybody just now.
func (r *PushResult) Busy() bool { return busy(r.Status) }

func busy(status int) bool { return status == 429 || status >= 500 }

// Forbidden reports whether the server knows the user, or asks who it is, and does not let
// the user push.
func (r *PushResult) Forbidden() bool { return r.Status == 401 || r.Status == 403 }

// RefStatus is one line of the answer.
type RefStatus struct {
	Flag    byte   // ' ' moved, '*' new, '=' up to date, '+' forced, '-' deleted, '!' refused
	Summary string // e.g. "[remote rejected]"
	Reason  string // e.g. "hook declined"; the server's words
}

// Accepted reports whether the hub has the pushed value.
func (s RefStatus) Accepted() bool {
	switch s.Flag {
	case ' ', '*', '=', '+', '-':
		return true
	}
	return false
}

// Rejected reports whether git refused on this side, before sending, because of the refs
// that the hub advertised: not a fast-forward, a lease that does not match, or another ref
// of an atomic push.
func (s RefStatus) Rejected() bool { return s.Flag == '!' && !s.RemoteRejected() }

// RemoteRejected reports whether the hub itself refused: a lost race, a hook, a rule.
func (s RefStatus) RemoteRejected() bool {
	return s.Flag == '!' && strings.HasPrefix(s.Summary, "[remote ")
}

// Collateral reports whether the ref was refused only because another ref of an atomic push
// was.
func (s RefStatus) Collateral() bool {
	return s.Flag == '!' && strings.HasPrefix(s.Reason, "atomic push fail")
}

// RemoteError is a fetch that failed.
type RemoteError struct {
	NoConnection bool   // the hub was not reached, or did not answer to the end
	Partly       bool   // the hub answered and the rest is stored, but some refs could not be stored
	Stderr       string // for people; bytes of the server, so escape before printing
	Err          error

	Status     int           // of the server's last http answer, 0 if there was none
	RetryAfter time.Duration // how long the server wants to be left alone
}

// Busy reports whether the server could not or would not serve anybody just now.
func (e *RemoteError) Busy() bool { return busy(e.Status) }

func (e *RemoteError) Error() string {
	what := "fetch from the hub failed"
	if e.NoConnection {
		what = "no connection to the hub"
	}
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", what, e.Err)
	}
	return what
}

// Unwrap returns the cause, e.g. context.DeadlineExceeded.
func (e *RemoteError) Unwrap() error { return e.Err }

// ErrNoRemote means that the configuration has no URL for the named remote.
var ErrNoRemote = errors.New("no such remote")
