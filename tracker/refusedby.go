package tracker

import (
	"context"
	"errors"
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

// mayPush holds back what the hub refused for good: it is asked again after a
// day, or when the user syncs by hand.
func (t *Tracker) mayPush() error {
	if t.holdsBack() {
		return errors.New(t.contact.Refused)
	}
	if why := t.apart(); why != "" && !t.insist {
		return errors.New(why)
	}
	if t.contact.NoMeta && t.contact.NoAtomic {
		return errors.New(t.lostReason()) // with an atomic push the lease on meta sees to it
	}
	if why := t.elsewhere(); why != "" && t.contact.NoAtomic {
		return errors.New(why)
	}
	return nil
}

// holdsBack reports whether the hub took no push at all, not long ago.
func (t *Tracker) holdsBack() bool {
	c := &t.contact
	return c.Refused != "" && !t.insist && t.now().Sub(c.RefusedAt) < refusedFor && (c.RefusedTo == "" || c.RefusedTo == t.pushTarget())
}

// withoutAtomic handles a server that answered a fetch but gave no line for
// the push: it either knows no atomic push or takes none from this user. One
// plain push of one log tells which.
func (t *Tracker) withoutAtomic(ctx context.Context, p refs.Push, first *refs.PushResult, o *outcome) (again bool) {
	if p.Atomic && !first.Forbidden() {
		res, err := t.push(ctx, p)
		if o.waits(err) {
			return false
		}
		if err == nil && res.Reached {
			return true // a connection was lost, nothing more
		}
		one := refs.Push{Refs: p.Refs[:1]}
		if res, err = t.push(ctx, one); o.waits(err) {
			return false
		}
		if err == nil && allAccepted(one, res) {
			return t.remember(func(c *contact) { c.NoAtomic = true }) == nil
		}
	}
	o.refused, o.reason = true, t.takesNone()
	if words := gist(first.Stderr); words != "" {
		o.reason += " (" + words + ")"
	}
	_ = t.noteRefused(o.reason)
	return false
}
