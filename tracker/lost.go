package tracker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

// A hub can lose its branches: 'git push --mirror' from a plain clone deletes
// all that the clone has no branch for, a backup may lack some. What was seen
// on it stays in refs/hub and in view; these functions only tell.

// lostMeta is why nothing is sent to such a hub: lines there without a meta
// would belong to no hub.
const lostMeta = "the hub no longer has its branch 'crosslink/meta'"

// lostAll is said where nothing of the tracker is left.
const lostAll = "the hub no longer has the tracker's branches"

// believed names what the hub is known to have had, without the root.
func (t *Tracker) believed(ctx context.Context) ([]string, error) {
	all, err := t.local().Refs(ctx, hubRoot)
	var names []string
	for _, r := range all {
		names = append(names, strings.TrimPrefix(r.Name, hubRoot))
	}
	return names, err
}

// lost says which of the branches believed before a fetch it did not bring.
func (t *Tracker) lost(ctx context.Context, before []string) (meta bool, problems []hubProblem, err error) {
	all, err := t.local().Refs(ctx, incomingRoot)
	if err != nil {
		return false, nil, err
	}
	there := make(map[string]bool, len(all))
	for _, r := range all {
		there[strings.TrimPrefix(r.Name, incomingRoot)] = true
	}
	if t.moved() && !there[metaName] && slices.Contains(before, metaName) {
		return true, []hubProblem{{Ref: metaName, Text: t.notThere(), Gone: true}}, nil
	}
	if len(there) == 0 && slices.Contains(before, metaName) {
		return true, []hubProblem{{Ref: metaName, Text: lostAll + " ('git push --mirror' from a plain clone deletes them); what is known of them stays here", Gone: true}}, nil
	}
	if before, err = t.forgetEmpty(ctx, before, there); err != nil {
		return false, nil, err
	}
	for _, name := range before {
		if r := t.contact.Refusals[name]; !there[name] && !(r.Tip != "" && r.High == 0) {
			meta = meta || name == metaName
			problems = append(problems, hubProblem{Ref: name, Text: fmt.Sprintf("the hub no longer has its branch 'crosslink/%s'; what is known of it stays", name), Gone: true})
		}
	}
	return meta, problems, nil
}

// forgetEmpty drops the logs that the hub no longer has and that hold no line:
// somebody had put a branch in the place of a log, and the hub's owner removed it.
// It returns the other names.
func (t *Tracker) forgetEmpty(ctx context.Context, before []string, there map[string]bool) (kept []string, err error) {
	gone := func(name string) bool { return strings.HasPrefix(name, agentLogs) && !there[name] }
	if !slices.ContainsFunc(before, gone) {
		return before, nil
	}
	all, err := t.local().Refs(ctx, hubRoot)
	if err != nil {
		return nil, err
	}
	var ups []refs.Update
	for _, r := range all {
		name := strings.TrimPrefix(r.Name, hubRoot)
		if gone(name) {
			log, err := refs.ReadLog(ctx, t.local(), strings.TrimPrefix(name, agentLogs), r.OID, math.MaxUint64)
			if err != nil {
				return nil, err
			}
			if len(log.Lines) == 0 && len(log.Legacy) == 0 && log.Bad == "" {
				ups = append(ups, refs.Update{Ref: r.Name, Old: r.OID})
				continue
			}
		}
		kept = append(kept, name)
	}
	if len(ups) == 0 {
		return kept, nil
	}
	if err := t.local().Swap(ctx, ups); err != nil && !errors.Is(err, refs.ErrConflict) {
		return nil, err
	}
	return kept, nil
}

// notThere says that the remote's new URL leads to a repository without the tracker.
func (t *Tracker) notThere() string {
	return fmt.Sprintf("there is no tracker on '%s' (%s); it was at '%s'", t.hub.Name, t.hub.shown(), t.contact.URL)
}

// queued tells that something is kept here, and what would send it.
func (t *Tracker) queued(why string) fail.Notice {
	n := fail.Notice{Code: "queued", Text: "kept here, sent later: " + why}
	switch {
	case t.contact.Other != "", t.apart() != "":
		n.Code = "queued/elsewhere"
	case t.contact.NoMeta && t.moved():
		n.Code = "queued/moved"
	case t.contact.NoMeta:
		n.Code = "queued/lost"
	}
	return n
}

// lostCode is that of a hub that has lost its meta.
func (t *Tracker) lostCode() fail.Code {
	const moved, gone fail.Code = "hub-lost/moved", "hub-lost/gone"
	if t.moved() {
		return moved
	}
	return gone
}

// lostReason is why nothing is sent.
func (t *Tracker) lostReason() string {
	if t.moved() {
		return fmt.Sprintf("there is no tracker on '%s'", t.hub.Name)
	}
	if len(t.contact.Problems) > 0 && strings.HasPrefix(t.contact.Problems[0].Text, lostAll) {
		return lostAll
	}
	return lostMeta
}

// lostError refuses to make a second hub where one has lost its meta.
func (t *Tracker) lostError() *fail.Error {
	return &fail.Error{Kind: fail.Fatal, Code: "hub-lost",
		Message: fmt.Sprintf("the tracker's branches are gone from '%s'; what was seen there is kept here, nothing was written", t.hub.Name)}
}

// tellUnbound says why what was written is not shared. Who asked not to talk to
// the hub is not told that nobody did.
func (t *Tracker) tellUnbound(unasked bool) {
	if t.contact.Other != "" {
		e := t.elsewhereError()
		t.tellOnce(e.Notice("kept here: " + t.elsewhere()))
		return
	}
	if t.contact.Last.IsZero() && unasked {
		return
	}
	if t.contact.Last.IsZero() {
		t.tellOnce(fail.Notice{Code: "unreachable/kept", Text: fmt.Sprintf("kept here: the hub on '%s' is not reachable", t.hub.Name)})
		return
	}
	t.tellOnce(fail.Notice{Code: "unshared", Text: fmt.Sprintf("kept here: there is no tracker on '%s' yet", t.hub.Name)})
}
