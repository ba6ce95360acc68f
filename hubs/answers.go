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

// What a hub's answers mean. They are sorted by the status of each ref and of the
// protocol, never by words. Words of git and of the server are for people.

// RefusedBy is what git says about a push that the hub itself refused, "" if
// it was not the hub. A gate says its rule there, of the ref that it is about;
// of the others of an atomic push git says only that they went with it, and
// that is all it says where the hub could not move one of them.
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

// telling orders what git says of a ref by how much it explains.
func telling(reason string) int {
	switch {
	case strings.HasPrefix(reason, "rule '"):
		return 2
	case strings.HasPrefix(reason, "atomic "):
		return 0
	}
	return 1
}

// WhyRefused is why the hub refused a push: the rule, and what the server said itself.
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

// Answered sorts what came of a push.
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
			continue // a no-op says nothing of the hub
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

// Locked reports whether the words of a refusal name a lock file on the hub, which
// a killed process may have left. It decides what is advised, nothing else.
func Locked(why string) bool {
	return strings.Contains(why, "cannot lock ref '") && strings.Contains(why, ".lock': File exists")
}

// FetchFailed sorts why a fetch brought nothing: err holds re.
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

// BusyText says that the server could not or would not serve anybody.
func BusyText(status int, words string) string {
	why := fmt.Sprintf("the hub is busy (HTTP %d)", status)
	if words != "" {
		why += ": " + words
	}
	return why
}

// AllAccepted reports whether the hub has all that was pushed.
func AllAccepted(p refs.Push, res *refs.PushResult) bool {
	for _, r := range p.Refs {
		if st, ok := res.Refs[r.Dst]; !ok || !st.Accepted() {
			return false
		}
	}
	return true
}

// Gist is why git gave up: its own last words, and what the server, or ssh,
// said before them.
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

// cutLine visibly cuts a line that is longer than any gate's.
func cutLine(line string) string {
	if len(line) > maxServerLine {
		return strings.ToValidUTF8(line[:maxServerLine], "") + "…"
	}
	return line
}

// What is repeated of a server's words. A gate's refusal names ref, rule, line
// and hint, and may quote 160 bytes of what was pushed: it fits whole.
const (
	maxServerLines = 3   // and as many hints, which come after the rest
	maxServerLine  = 800 // bytes
)

// ServerWords are the first lines that the server itself said about a push, for
// people to read. git marks them, and repeats its own remarks among them. A line
// is taken whole or, if it is longer than any gate's, visibly cut.
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

// GitWords is what git said, or why there was no git to say anything.
func GitWords(re *refs.RemoteError) string {
	if says := Gist(re.Stderr); says != "" {
		return strings.TrimPrefix(says, "error: ")
	}
	if re.Err != nil {
		return re.Err.Error()
	}
	return "nothing"
}

// A fetch fails for want of a connection, or because this side could not keep
// what it brought: a full disk, a lock. The two have different hints, so they
// are never told as one.

// Unfetched explains a fetch that failed; nil if what it brought could not be kept
// here. silent is how long the hub may say nothing.
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

// UnfetchedReason is Unfetched as a clause after "kept here, sent later"; "" in the
// same case.
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

// SilentReason says that the hub has said nothing for too long.
func SilentReason(silent time.Duration) string {
	return fmt.Sprintf("the hub has been silent for %d s", int(silent.Seconds()))
}

// Unanswered says that nobody here knows whether a push has landed.
func (h *Hub) Unanswered(code fail.Code, done, says string) *fail.Error {
	return &fail.Error{Kind: fail.Unconfirmed, Code: code, Message: fmt.Sprintf("the hub on '%s' has not answered: it is not known whether it was %s there", h.Name, done),
		Fields: fail.Fields{"git": says}}
}

// NotReached keeps an error unless it is that the hub did not answer.
func NotReached(err error) error {
	if re := (*refs.RemoteError)(nil); errors.As(err, &re) {
		return nil
	}
	return err
}
