package members

import (
	"context"
	"fmt"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// pushMeta pushes the next meta, which follows was. accepted: it was fetched again, and so
// moved the refs here. again: others were faster.
func (m *Members) pushMeta(ctx context.Context, commit, was refs.OID) (accepted, again bool, err error) {
	p := hubs.Pushed{Push: refs.Push{Refs: []refs.PushRef{{Src: commit, Dst: replay.HereRoot + replay.MetaName, Lease: &was}}}}
	p.Res, p.Err = m.PushPatiently(ctx, p.Push, clone.Changing)
	look := func(ctx context.Context) (map[string]refs.OID, error) {
		accepted = true
		return m.Look(ctx)
	}
	out, err := p.Became(ctx, look, func(tip refs.OID) (bool, error) {
		return m.Reads.Replays().Metas(ctx).Holds(tip, commit, was)
	})
	switch {
	case err != nil || out.Result == hubs.Landed:
		return accepted, false, err
	case out.Result == hubs.Raced:
		return false, true, nil
	case out.Result == hubs.Refused:
		e := &fail.Error{Kind: fail.Denied, Code: "refused", Message: fmt.Sprintf("the hub refuses the change: %s", hubs.WhyRefused(p.Res))}
		if hubs.Locked(e.Message) {
			e.Code = "refused/locked-meta"
		}
		return false, false, e
	case out.Result == hubs.Unknown:
		return false, false, m.Hub.Unanswered("unanswered/meta", "changed", hubs.GitWords(out.Unasked))
	}
	return false, false, &fail.Error{Kind: fail.Unconfirmed, Code: "unreachable/push", Message: fmt.Sprintf("the hub on '%s' did not accept the push: nothing was changed", m.Hub.Name),
		Fields: fail.Fields{"git": hubs.Gist(p.Res.Stderr)}}
}
