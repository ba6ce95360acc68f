package tracker

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
)

// refusedBy is what git says about a push that the hub itself refused, "" if
// it was not the hub. A gate says its rule there, of the ref that it is about;
// of the others of an atomic push git says only that they went with it, and
// that is all it says where the hub could not move one of them.
func refusedBy(res *refs.PushResult) string {
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

// whyRefused is why the hub refused a push: the rule, and what the server said itself.
func whyRefused(res *refs.PushResult) string {
	why, words := cutLine(refusedBy(res)), serverWords(res.Stderr)
	switch {
	case words == "":
		return why
	case telling(why) == 0:
		return words
	}
	return why + " (" + words + ")"
}

// lostRace reports whether an atomic push, every ref of it under a lease, did
// not land because others were faster. What git refused here, before anything
// was sent, the hub has changed; what the hub refused was a race if a ref is no
// longer what the lease expects, and a rule if all are.
func (t *Tracker) lostRace(ctx context.Context, p refs.Push, res *refs.PushResult) (bool, error) {
	if refusedBy(res) == "" {
		return true, nil
	}
	if err := t.fetch(ctx); err != nil {
		return true, notReached(err) // whoever looks again says so
	}
	there, err := t.incoming(ctx)
	for _, r := range p.Refs {
		if there[strings.TrimPrefix(r.Dst, headRoot)] != *r.Lease {
			return true, err
		}
	}
	return false, err
}
