package refs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Where the hub's refs are on the hub, and where Fetch leaves them here.
const (
	HubPrefix      = "refs/heads/crosslink/" // on the hub, and our own here
	IncomingPrefix = "refs/incoming/"        // what the last fetch brought, unchecked
	SeenPrefix     = "refs/hub/"             // what was last seen on the hub, and accepted
	Agents         = "agents/"               // below these: one log each

	HubPresence  = "refs/crosslink/presence/" // presence of clones on the hub
	PresenceHere = "refs/presence/"           // what the last fetch brought of them, unchecked

	// ArchivedPrefix is where the logs are that the hub keeps in its archive, by agent.
	ArchivedPrefix = "refs/archived/"

	// OuterPrefix is where TakeOver leaves what the user's repository has of the
	// hub, unchecked. It is apart from refs/incoming because it may be older.
	OuterPrefix = "refs/outer/"
)

// Remote is the hub as git reaches it. Only one call at a time should be made
// per repository (the caller holds a sync lock): two fetches at once are safe
// but one of them may fail.
type Remote interface {
	// Fetch makes refs/incoming/* the mirror of the hub's
	// refs/heads/crosslink/*, and refs/presence/* that of its
	// refs/crosslink/presence/*: new and rewound refs are taken as they are, refs
	// the hub no longer has are removed. Nothing else moves. What it brings
	// is hostile until checked. The error is a *RemoteError; after one some
	// refs may have moved: look at them. Idempotent.
	Fetch(ctx context.Context) error

	// Push offers objects to the hub. The outcome is in the result, never in
	// the error: an error means that git could not be run to its end (not
	// found, ctx done), and then the push may have been applied anyway.
	// Idempotent: pushing what is already there gives flag '='.
	Push(ctx context.Context, p Push) (*PushResult, error)

	// Heads are the branches of the hub, the user's included, each with its tip.
	// It makes the hub advertise every one of them: only for founding a hub,
	// never in a sync. The error is a *RemoteError.
	Heads(ctx context.Context) (map[string]OID, error)

	// Receiving stands for what is being received: it differs from one time to
	// the next while a fetch stores what comes. It may be called beside Fetch.
	Receiving() string
}

// Push is one `git push`.
type Push struct {
	Refs   []PushRef
	Show   bool // the result is to say what the hub holds
	Atomic bool // all refs or none; a hub that cannot says nothing (Reached false)
	Bulk   bool // it brings many objects: packed in less time, and hardly larger
}

// PushRef is one ref of a push. Without a Lease the hub's ref moves only
// forward.
type PushRef struct {
	Src   OID    // "" = delete
	Dst   string // full name on the hub
	Lease *OID   // nil = none; "" = expect it absent; else expect exactly this. Lifts the fast-forward test
	Force bool   // moves the ref wherever it is: only for refs without a history
}

// PushResult is what `git push --porcelain` said.
type PushResult struct {
	Reached bool // a To line came: the hub was reached and had an opinion
	Refs    map[string]RefStatus
	Exit    int    // git's exit status
	Stderr  string // for people; bytes of the server, so escape before printing

	// Shown are the refs below refs/heads/crosslink/ that the hub had before the
	// push, if that was asked for; nil if it is not known.
	Shown map[string]OID

	Status     int           // of the server's last http answer, 0 if there was none to see
	RetryAfter time.Duration // how long it asks to be left alone
}

// Busy says that the server could not or would not serve anybody just now.
func (r *PushResult) Busy() bool { return busy(r.Status) }

func busy(status int) bool { return status == 429 || status >= 500 }

// Forbidden says that the server knows who asks, or wants to, and does not let
// them push.
func (r *PushResult) Forbidden() bool { return r.Status == 401 || r.Status == 403 }

// RefStatus is one line of the answer.
type RefStatus struct {
	Flag    byte   // ' ' moved, '*' new, '=' up to date, '+' forced, '-' deleted, '!' refused
	Summary string // e.g. "[remote rejected]"
	Reason  string // e.g. "hook declined"; the server's words
}

// Accepted says that the hub has what was pushed.
func (s RefStatus) Accepted() bool {
	switch s.Flag {
	case ' ', '*', '=', '+', '-':
		return true
	}
	return false
}

// Rejected says that git refused here, before sending, from what the hub
// advertised: not a fast-forward, a lease that does not hold, or another ref
// of an atomic push.
func (s RefStatus) Rejected() bool { return s.Flag == '!' && !s.RemoteRejected() }

// RemoteRejected says that the hub itself refused: a lost race, a hook, a rule.
func (s RefStatus) RemoteRejected() bool {
	return s.Flag == '!' && strings.HasPrefix(s.Summary, "[remote ")
}

// Collateral says that the ref was refused only because another ref of an
// atomic push was.
func (s RefStatus) Collateral() bool {
	return s.Flag == '!' && strings.HasPrefix(s.Reason, "atomic push fail")
}

// RemoteError is a fetch that failed.
type RemoteError struct {
	NoConnection bool   // the hub was not reached, or did not answer to the end
	Partly       bool   // the hub answered, all else is here, but some refs could not be stored
	Stderr       string // for people; bytes of the server, so escape before printing
	Err          error

	Status     int           // of the server's last http answer, 0 if there was none to see
	RetryAfter time.Duration // how long it asks to be left alone
}

// Busy says that the server could not or would not serve anybody just now.
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

// ErrNoRemote says that the configuration has no URL for the named remote.
var ErrNoRemote = errors.New("no such remote")
