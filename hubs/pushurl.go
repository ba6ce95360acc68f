package hubs

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// OneRepository refuses to found a hub if the branches at the URL for pushes differ from
// those at the URL for fetches. If they are equal, or cannot be listed, the push will show
// it.
func (l *Link) OneRepository(ctx context.Context, heads map[string]refs.OID) error {
	pair := l.Hub.PushPair()
	if pair == "" || l.Contact.PushSeen == pair {
		return nil
	}
	there, err := l.Heads(ctx, l.PushRemote())
	if err != nil || maps.Equal(heads, there) {
		return ctx.Err()
	}
	if heads, err = l.Heads(ctx, l.Remote()); err != nil || maps.Equal(heads, there) { // somebody pushed just now
		return err
	}
	if err := l.Contact.Remember(func(n *Note) { n.PushApart = pair }); err != nil {
		return err
	}
	e := l.Hub.ApartError(l.Contact)
	e.Message += ": nothing was written there"
	return e
}

// Arrived reports whether a fully accepted push is really on the hub.
func (l *Link) Arrived(ctx context.Context, p refs.Push) (bool, error) {
	pair := l.Hub.PushPair()
	if pair == "" || l.Contact.PushSeen == pair {
		return true, nil
	}
	if err := l.Fetch(ctx); err != nil {
		return true, NotReached(err) // not reached: the next push is checked
	}
	there, err := l.Incoming(ctx)
	if err != nil {
		return false, err
	}
	for _, r := range p.Refs {
		name := strings.TrimPrefix(r.Dst, refs.HubPrefix)
		if there[name] == r.Src {
			continue
		}
		grown := false // somebody may have continued from it
		if there[name] != "" {
			if grown, err = Descends(ctx, l.Replica.Local(), there[name], r.Src); err != nil {
				return false, err
			}
		}
		if !grown {
			return false, l.Contact.Remember(func(n *Note) { n.PushApart, n.PushSeen = pair, "" })
		}
	}
	return true, l.Contact.Remember(func(n *Note) { n.PushApart, n.PushSeen = "", pair })
}

// LeaseLost reports whether the lease on meta was refused although the fetched meta is the
// expected one: then the two URLs lead to different repositories.
func (l *Link) LeaseLost(ctx context.Context, p refs.Push, res *refs.PushResult) (bool, error) {
	pair := l.Hub.PushPair()
	if pair == "" || l.Contact.PushSeen == pair {
		return false, nil
	}
	there, err := l.Incoming(ctx)
	if err != nil {
		return false, err
	}
	for _, r := range p.Refs {
		st := res.Refs[r.Dst]
		if r.Dst == refs.HubPrefix+syncer.Meta && r.Lease != nil && st.Rejected() && !st.Collateral() && there[syncer.Meta] == *r.Lease {
			return true, l.Contact.Remember(func(n *Note) { n.PushApart = pair })
		}
	}
	return false, nil
}

// Incoming returns the refs of the last fetch, by name.
func (l *Link) Incoming(ctx context.Context) (map[string]refs.OID, error) {
	all, err := l.Replica.Local().Refs(ctx, refs.IncomingPrefix)
	there := make(map[string]refs.OID, len(all))
	for _, r := range all {
		there[strings.TrimPrefix(r.Name, refs.IncomingPrefix)] = r.OID
	}
	return there, err
}

// MaxDescent bounds how far a tip's past is searched for another tip.
const MaxDescent = 10_000

// Descends reports whether old is found among the first parents of tip.
func Descends(ctx context.Context, in refs.Local, tip, old refs.OID) (bool, error) {
	for range MaxDescent {
		if tip == old {
			return true, nil
		}
		h, err := refs.ReadHead(ctx, in, tip)
		if errors.Is(err, refs.ErrMissing) || err == nil && len(h.Parents) == 0 {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		tip = h.Parents[0]
	}
	return false, nil
}
