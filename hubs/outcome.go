package hubs

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// Result is the result of a push under leases. Only the hub knows it: an answer can be lost
// after the refs have moved. So if the answer does not show the result, the hub is asked.
type Result int

const (
	Unknown  Result = iota // the hub could not be asked
	Landed                 // the hub has what was pushed
	Raced                  // others changed the hub first: fetch again
	Refused                // by the hub, for another reason than a race
	NotTaken               // the hub has nothing of the push and gave no reason
)

// Pushed is a push under leases, and git's answer.
type Pushed struct {
	Push refs.Push
	Res  *refs.PushResult
	Err  error
}

// Outcome is the result of a push, with its reason.
type Outcome struct {
	Result  Result
	Unasked *refs.RemoteError // why the hub could not be asked; only with Unknown
}

// Became returns the result of a push of meta, alone or in an atomic push. look fetches and
// returns the hub's branches, by name below crosslink/. holds reports whether a tip of meta
// contains the pushed commit; nil means that they must be equal. An error is a failure on
// this side, or the reason why the push failed.
func (p Pushed) Became(ctx context.Context, look func(context.Context) (map[string]refs.OID, error), holds func(meta refs.OID) (bool, error)) (Outcome, error) {
	named := p.Res != nil && len(p.Res.Refs) > 0
	switch {
	case p.Err == nil && named && AllAccepted(p.Push, p.Res):
		return Outcome{Result: Landed}, nil
	case ctx.Err() != nil:
		return Outcome{}, cmp.Or(p.Err, ctx.Err())
	case named && RefusedBy(p.Res) == "": // git refused it here, because of what the hub has now
		return Outcome{Result: Raced}, nil
	}
	there, err := look(ctx)
	unasked, ok := errors.AsType[*refs.RemoteError](err)
	switch {
	case ok && named: // the next contact reports that the hub cannot be reached
		return Outcome{Result: Raced}, nil
	case ok:
		return Outcome{Unknown, unasked}, nil
	case err != nil:
		return Outcome{}, err
	}
	if !named {
		if has, err := p.arrived(there[syncer.Meta], holds); err != nil || has {
			return Outcome{Result: Landed}, err
		}
	}
	for _, r := range p.Push.Refs {
		if name, ours := strings.CutPrefix(r.Dst, refs.HubPrefix); ours && r.Lease != nil && there[name] != *r.Lease {
			return Outcome{Result: Raced}, nil
		}
	}
	switch {
	case named:
		return Outcome{Result: Refused}, nil
	case p.Err != nil:
		return Outcome{}, p.Err
	}
	return Outcome{Result: NotTaken}, nil
}

// arrived reports whether the hub's meta has the pushed commit.
func (p Pushed) arrived(meta refs.OID, holds func(refs.OID) (bool, error)) (bool, error) {
	for _, r := range p.Push.Refs {
		if meta != "" && r.Dst == refs.HubPrefix+syncer.Meta {
			if meta == r.Src || holds == nil {
				return meta == r.Src, nil
			}
			return holds(meta)
		}
	}
	return false, nil
}
