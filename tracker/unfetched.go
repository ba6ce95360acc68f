package tracker

import (
	"errors"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

// A fetch fails for want of a connection, or because this side could not keep
// what it brought: a full disk, a lock. The two have different cures, so they
// are never told as one.

// unfetched explains a fetch that failed.
func (t *Tracker) unfetched(re *refs.RemoteError) *fail.Error {
	if errors.Is(re, errSilent) {
		return &fail.Error{Kind: fail.Unconfirmed, Code: "unanswered", Err: re, Message: fmt.Sprintf("the hub on '%s' has been silent for %d s", t.hub.Name, int(t.silentFor().Seconds())),
			Fields: fail.Fields{"remote": t.hub.Name}}
	}
	if re.Busy() {
		return &fail.Error{Kind: fail.Unconfirmed, Code: "busy/fetch", Err: re, Message: busyText(re.Status, serverWords(re.Stderr))}
	}
	if re.NoConnection {
		return &fail.Error{Kind: fail.Unconfirmed, Code: "unreachable",
			Message: fmt.Sprintf("the hub on '%s' is not reachable", t.hub.Name),
			Fields:  fail.Fields{"git": gitWords(re)}, Err: re}
	}
	if e, ok := t.unwritable(re).(*fail.Error); ok {
		return e
	}
	return &fail.Error{Kind: fail.Unconfirmed, Code: "not-stored",
		Message: fmt.Sprintf("what the hub on '%s' has could not be stored here: %s", t.hub.Name, gitWords(re)), Err: re}
}

// unfetchedReason is the same as a clause behind "kept here, sent later".
func (t *Tracker) unfetchedReason(re *refs.RemoteError) string {
	if errors.Is(re, errSilent) {
		return t.silentReason()
	}
	if re.Busy() {
		return busyText(re.Status, serverWords(re.Stderr))
	}
	if re.NoConnection {
		return "the hub is not reachable"
	}
	why, _, _ := strings.Cut(t.unfetched(re).Message, ": nothing")
	return why
}

// shortened is what git said about the replica, with its paths as they are in
// the replica.
func (t *Tracker) shortened(says string) string {
	const most = 300
	says = strings.ReplaceAll(says, t.replica.Path()+"/", "")
	return strings.ToValidUTF8(says[:min(len(says), most)], "")
}

// gitWords is what git said, or why there was no git to say anything.
func gitWords(re *refs.RemoteError) string {
	if says := gist(re.Stderr); says != "" {
		return strings.TrimPrefix(says, "error: ")
	}
	if re.Err != nil {
		return re.Err.Error()
	}
	return "nothing"
}
