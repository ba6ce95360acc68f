package hubs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// The functions of this file interpret a hub's answers. They decide by the status of each
// ref and of the protocol, never by messages. Messages of git and of the server are only
// shown to people.

// RefusedBy returns git's reason for a push that the hub itself refused; "" if git refused
// it on this side. A gate gives its rule as the reason for the ref concerned. For the other
// refs of an atomic push, git reports only that the push failed; if the hub could not move
// a ref, git reports nothing else.
func RefusedBy(res *refs.PushResult) string {
	reason := ""
	for _, name := range slices.Sorted(maps.Keys(res.Refs)) {
		st := res.Refs[name]
		if st.RemoteRejected() && (reason == "" || telling(st.Reason) > telling(reason)) {
			reason = st.Reason
		}
	}
	return reason
}

// telling ranks a reason that git gives for a ref by how much it explains.
func telling(reason string) int {
	switch {
	case strings.HasPrefix(reason, "rule '"):
		return 2
	case strings.HasPrefix(reason, "atomic "):
		return 0
	}
	return 1
}

// WhyRefused returns why the hub refused a push: the rule and the server's own message.
func WhyRefused(res *refs.PushResult) string {
	why, words := cutLine(RefusedBy(res)), ServerWords(res.Stderr)
	switch {
	case words == "":
		return why
	case telling(why) == 0:
		return words
	}
	return why + " (" + words + ")"
}

// Answered classifies the result of a push.
func Answered(ctx context.Context, p refs.Push, res *refs.PushResult, err error) (e syncer.Pushed) {
	switch {
	case errors.Is(err, ErrSilent):
		e.Failure = syncer.Silent
		return e
	case err != nil:
		if ctx.Err() == context.DeadlineExceeded {
			e.Failure = syncer.Cut
		}
		return e
	case res.Busy() && !AllAccepted(p, res):
		e.Failure, e.RetryAfter, e.Why = syncer.Busy, res.RetryAfter, BusyText(res.Status, ServerWords(res.Stderr))
		return e
	case !res.Reached:
		if e.Failure, e.Why = syncer.Unreached, Gist(res.Stderr); res.Forbidden() {
			e.Failure = syncer.Forbidden
		}
		return e
	}
	e.Refs = map[string]syncer.Status{}
	for _, r := range p.Refs {
		if r.Dst == refs.HubPrefix+syncer.Meta {
			continue // an unchanged ref shows nothing about the hub
		}
		st, status := res.Refs[r.Dst], syncer.NotNamed
		switch {
		case st.Accepted():
			status = syncer.Accepted
		case st.Collateral():
			status = syncer.With
		case st.Rejected():
			status = syncer.Rejected
		case st.RemoteRejected():
			status = syncer.Refused
		}
		e.Refs[strings.TrimPrefix(r.Dst, refs.HubPrefix)] = status
	}
	why := RefusedBy(res)
	e.Rule, e.Gate, e.Why = why != "", telling(why) == 2, WhyRefused(res)
	return e
}

// Locked reports whether a refusal mentions a lock file on the hub, which a killed process
// may have left. It affects only hints.
func Locked(why string) bool {
	return strings.Contains(why, "cannot lock ref '") && strings.Contains(why, ".lock': File exists")
}

// FetchFailed classifies the reason why a fetch failed; err contains re.
func FetchFailed(err error, re *refs.RemoteError) (e syncer.Fetched) {
	switch {
	case errors.Is(err, ErrSilent):
		e.Failure = syncer.Silent
	case re.Busy():
		e.Failure, e.RetryAfter, e.Why = syncer.Busy, re.RetryAfter, BusyText(re.Status, ServerWords(re.Stderr))
	case re.NoConnection:
		e.Failure = syncer.Unreached
	default:
		e.Failure = syncer.NotStored
	}
	return e
}

// BusyText is the message that the server was too busy, or could not serve anybody.
func BusyText(status int, words string) string {
	why := fmt.Sprintf("the hub is busy (HTTP %d)", status)
	if words != "" {
		why += ": " + words
	}
	return why
}

// AllAccepted reports whether the hub accepted every ref of a push.
func AllAccepted(p refs.Push, res *refs.PushResult) bool {
	for _, r := range p.Refs {
		if st, ok := res.Refs[r.Dst]; !ok || !st.Accepted() {
			return false
		}
	}
	return true
}

// Gist returns why git failed: its own last line, and earlier lines of the server or ssh.
func Gist(stderr string) string {
	var lines []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		says, fatal := strings.CutPrefix(line, "fatal: ")
		if line != "" && line != "remote:" && (fatal || len(lines) < maxServerLines) {
			lines = append(lines, cutLine(says))
		}
		if fatal {
			break
		}
	}
	return strings.Join(lines, "; ")
}

// cutLine shortens a line that is longer than any line of a gate, and marks the cut.
func cutLine(line string) string {
	if len(line) > maxServerLine {
		return strings.ToValidUTF8(line[:maxServerLine], "") + "…"
	}
	return line
}

// Bounds for the part of a server's message that is repeated. A gate's refusal names the
// ref, rule, line and hint, and may quote 160 bytes of the pushed data, so it fits.
const (
	maxServerLines = 3   // and as many hints, which come last
	maxServerLine  = 800 // bytes
)

// ServerWords returns the first lines of the server's own message about a push, for people
// to read. git marks these lines, and mixes its own remarks into them. A line that is
// longer than any line of a gate is shortened, and the cut is marked.
func ServerWords(stderr string) string {
	var said, hints []string
	for line := range strings.Lines(stderr) {
		words, ok := strings.CutPrefix(line, "remote: ")
		words = strings.TrimSpace(words)
		if !ok || words == "" || strings.HasPrefix(words, "error: hook declined") {
			continue
		}
		words = cutLine(words)
		to := &said
		if strings.HasPrefix(words, "hint: ") {
			to = &hints
		}
		if len(*to) < maxServerLines {
			*to = append(*to, words)
		}
	}
	return strings.Join(append(said, hints...), "; ")
}

// GitWords returns git's message, or the reason why git did not run.
func GitWords(re *refs.RemoteError) string {
	if says := Gist(re.Stderr); says != "" {
		return strings.TrimPrefix(says, "error: ")
	}
	if re.Err != nil {
		return re.Err.Error()
	}
	return "nothing"
}

// A fetch fails because there is no connection, or because this clone could not store the
// result: a full disk, a lock. The two cases have different hints, so they have different
// messages.

// Unfetched explains why a fetch failed; it is nil if the hub answered and the result could
// not be stored here. silent is how long the hub may be silent.
func (h *Hub) Unfetched(re *refs.RemoteError, silent time.Duration) *fail.Error {
	switch {
	case errors.Is(re, ErrSilent):
		return &fail.Error{Kind: fail.Unconfirmed, Code: "unanswered", Err: re, Message: fmt.Sprintf("the hub on '%s' has been silent for %d s", h.Name, int(silent.Seconds())),
			Fields: fail.Fields{"remote": h.Name}}
	case re.Busy():
		return &fail.Error{Kind: fail.Unconfirmed, Code: "busy/fetch", Err: re, Message: BusyText(re.Status, ServerWords(re.Stderr))}
	case re.NoConnection:
		return &fail.Error{Kind: fail.Unconfirmed, Code: "unreachable",
			Message: fmt.Sprintf("the hub on '%s' is not reachable", h.Name),
			Fields:  fail.Fields{"git": GitWords(re)}, Err: re}
	}
	return nil
}

// UnfetchedReason is Unfetched as a clause that follows "saved locally"; it is "" where
// Unfetched is nil.
func UnfetchedReason(re *refs.RemoteError, silent time.Duration) string {
	switch {
	case errors.Is(re, ErrSilent):
		return SilentReason(silent)
	case re.Busy():
		return BusyText(re.Status, ServerWords(re.Stderr))
	case re.NoConnection:
		return "the hub is not reachable"
	}
	return ""
}

// SilentReason is the reason that the hub has been silent for too long.
func SilentReason(silent time.Duration) string {
	return fmt.Sprintf("the hub has been silent for %d s", int(silent.Seconds()))
}

// Unanswered is the failure of a push whose result nobody here knows.
func (h *Hub) Unanswered(code fail.Code, done, says string) *fail.Error {
	return &fail.Error{Kind: fail.Unconfirmed, Code: code, Message: fmt.Sprintf("the hub on '%s' has not answered: it is not known whether it was %s there", h.Name, done),
		Fields: fail.Fields{"git": says}}
}

// NotReached returns err, or nil if err only means that the hub did not answer.
func NotReached(err error) error {
	if re := (*refs.RemoteError)(nil); errors.As(err, &re) {
		return nil
	}
	return err
}
