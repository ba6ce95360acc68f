package tracker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

// A remote can push to another URL than it fetches from. Mostly that is the
// same repository by another way; where it is another one, a fork, pushes
// succeed and nobody ever sees them. So after the first push the hub is looked
// at, once for each pair of URLs.

// pushPair names the two URLs of the hub, "" if there is one for both.
func (t *Tracker) pushPair() string {
	push := t.pushURL()
	if push == "" {
		return ""
	}
	return t.hub.shown() + " " + refs.WithoutSecrets(push)
}

// pushURL is the URL that pushes go to if it is not the one of fetches.
func (t *Tracker) pushURL() string {
	if t.hub == nil || t.hub.self {
		return ""
	}
	if push := t.conf.PushURL(t.hub.Name); push != t.hub.URL {
		return push
	}
	return ""
}

// pushTarget is where pushes go, as it is noted.
func (t *Tracker) pushTarget() string {
	if push := t.pushURL(); push != "" {
		return refs.WithoutSecrets(push)
	}
	return t.hub.shown()
}

// apart says that pushes go to another repository than fetches come from; ""
// if that is not known.
func (t *Tracker) apart() string {
	pair := t.pushPair()
	if pair == "" || t.contact.PushApart != pair {
		return ""
	}
	from, to, _ := strings.Cut(pair, " ")
	return fmt.Sprintf("'%s' pushes to another repository ('%s') than it fetches from ('%s'), where nobody would see it", t.hub.Name, to, from)
}

// apartPushError is the same as a refusal.
func (t *Tracker) apartPushError() *fail.Error {
	return &fail.Error{Kind: fail.Fatal, Code: "push-url", Message: t.apart()}
}

// oneRepository refuses to found a hub where the branches that there are at
// the URL of pushes are not those at the URL of fetches. Where they are alike,
// or cannot be seen, the push will tell.
func (t *Tracker) oneRepository(ctx context.Context, heads map[string]refs.OID) error {
	pair := t.pushPair()
	if pair == "" || t.contact.PushSeen == pair {
		return nil
	}
	there, err := t.heads(ctx, t.replica.Remote(refs.Address{URL: t.pushURL(), Config: t.conf, Ask: t.hub.ask}))
	if err != nil || maps.Equal(heads, there) {
		return ctx.Err()
	}
	if heads, err = t.heads(ctx, t.remote()); err != nil || maps.Equal(heads, there) { // somebody pushed just now
		return err
	}
	if err := t.remember(func(c *contact) { c.PushApart = pair }); err != nil {
		return err
	}
	e := t.apartPushError()
	e.Message += ": nothing was written there"
	return e
}

// takeBack deletes what a push has just made in another repository than the
// hub, each branch only as it was made, and says so.
func (t *Tracker) takeBack(ctx context.Context, p refs.Push, branches []string) error {
	back := refs.Push{Atomic: true}
	for _, r := range p.Refs {
		back.Refs = append(back.Refs, refs.PushRef{Dst: r.Dst, Lease: &r.Src})
	}
	e := t.apartPushError()
	if res, err := t.pushPatiently(ctx, back, founding); err != nil || !allAccepted(back, res) {
		e.Message += fmt.Sprintf(": it holds %s now", strings.Join(branches, ", "))
	} else {
		e.Message += ": what was made there was taken back"
	}
	return e
}

// arrived looks whether what was pushed, all of it accepted, is on the hub.
func (t *Tracker) arrived(ctx context.Context, p refs.Push) (bool, error) {
	pair := t.pushPair()
	if pair == "" || t.contact.PushSeen == pair {
		return true, nil
	}
	if err := t.fetchHub(ctx); err != nil {
		return true, notReached(err) // not reached: the next push is looked after
	}
	there, err := t.incoming(ctx)
	if err != nil {
		return false, err
	}
	for _, r := range p.Refs {
		name := strings.TrimPrefix(r.Dst, headRoot)
		if there[name] == r.Src {
			continue
		}
		grown := false // somebody may have gone on from it
		if there[name] != "" {
			if grown, err = t.descends(ctx, there[name], r.Src); err != nil {
				return false, err
			}
		}
		if !grown {
			return false, t.remember(func(c *contact) { c.PushApart, c.PushSeen = pair, "" })
		}
	}
	return true, t.remember(func(c *contact) { c.PushApart, c.PushSeen = "", pair })
}

// leaseLost reports whether a push was refused for a meta that the hub, as it
// was just fetched, has as it was expected: then the two are not one.
func (t *Tracker) leaseLost(ctx context.Context, p refs.Push, res *refs.PushResult) (bool, error) {
	pair := t.pushPair()
	if pair == "" || t.contact.PushSeen == pair {
		return false, nil
	}
	there, err := t.incoming(ctx)
	if err != nil {
		return false, err
	}
	for _, r := range p.Refs {
		st := res.Refs[r.Dst]
		if r.Dst == headRoot+metaName && r.Lease != nil && st.Rejected() && !st.Collateral() && there[metaName] == *r.Lease {
			return true, t.remember(func(c *contact) { c.PushApart = pair })
		}
	}
	return false, nil
}

// notReached keeps an error unless it is that the hub did not answer.
func notReached(err error) error {
	if re := (*refs.RemoteError)(nil); errors.As(err, &re) {
		return nil
	}
	return err
}

// incoming is what the last fetch brought, by name.
func (t *Tracker) incoming(ctx context.Context) (map[string]refs.OID, error) {
	all, err := t.local().Refs(ctx, incomingRoot)
	there := make(map[string]refs.OID, len(all))
	for _, r := range all {
		there[strings.TrimPrefix(r.Name, incomingRoot)] = r.OID
	}
	return there, err
}
