package members

import (
	"context"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// What became of a push that was not answered with a yes. Only the hub knows:
// an answer can be lost when the branch has moved already. So it is asked, and
// what is said is what is there.

// metaOutcome is that of a change of meta. again: somebody else was faster.
func (m *Members) metaOutcome(ctx context.Context, s *reading.Snapshot, commit refs.OID, res *refs.PushResult, pushed error) (again bool, err error) {
	if ctx.Err() != nil {
		return false, pushed
	}
	if res != nil {
		for _, st := range res.Refs {
			if st.RemoteRejected() {
				e := &fail.Error{Kind: fail.Denied, Code: "refused", Message: fmt.Sprintf("the hub refuses the change: %s", hubs.WhyRefused(res))}
				if hubs.Locked(e.Message) {
					e.Code = "refused/locked-meta"
				}
				return false, e
			}
			if st.Rejected() {
				return true, nil
			}
		}
	}
	if err := m.Fetch(ctx); err != nil {
		re, ok := errors.AsType[*refs.RemoteError](err)
		if !ok {
			return false, err
		}
		return false, m.Hub.Unanswered("unanswered/meta", "changed", hubs.GitWords(re))
	}
	now, err := m.Reads.Load(ctx)
	if err != nil {
		return false, err
	}
	tip, was := now.AllRefs[replay.HubRoot+replay.MetaName], s.AllRefs[replay.HubRoot+replay.MetaName]
	there, err := m.Reads.Replays().Metas(ctx).Holds(tip, commit, was)
	switch {
	case err != nil || there:
		return false, err
	case tip != was:
		return true, nil
	case pushed != nil:
		return false, pushed
	}
	return false, &fail.Error{Kind: fail.Unconfirmed, Code: "unreachable/push", Message: fmt.Sprintf("the hub on '%s' did not accept the push: nothing was changed", m.Hub.Name),
		Fields: fail.Fields{"git": hubs.Gist(res.Stderr)}}
}
