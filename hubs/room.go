package hubs

import (
	"context"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// HasRoom refuses a remote without a branch of its own, because a forge would make the
// tracker's branch the default branch. It also refuses a remote with a branch whose name
// conflicts with a branch of the tracker. It returns the branches. hasRef reports whether
// the user's repository has a ref.
func (l *Link) HasRoom(ctx context.Context, agent string, hasRef func(context.Context, string) bool) (map[string]refs.OID, error) {
	heads, err := l.Heads(ctx, l.Remote())
	if err != nil {
		return nil, err
	}
	code := false
	for h := range heads {
		for _, ours := range []string{syncer.Meta, syncer.Ledger, refs.Agents + agent} {
			if ours = refs.HubPrefix + ours; strings.HasPrefix(ours, h+"/") || strings.HasPrefix(h, ours+"/") {
				return nil, l.Hub.branchInTheWay(strings.TrimPrefix(h, "refs/heads/"), strings.Trim(strings.TrimPrefix(ours, "refs/heads/"), "/"))
			}
		}
		code = code || !strings.HasPrefix(h, refs.HubPrefix)
	}
	if code || l.Hub.Self { // a local repository keeps its default branch
		return heads, nil
	}
	e := &fail.Error{Kind: fail.Fatal, Code: "empty-remote", Fields: fail.Fields{"remote": l.Hub.Name},
		Message: fmt.Sprintf("the remote '%s' has no branch yet, and a forge would make the tracker its default branch", l.Hub.Name)}
	if !hasRef(ctx, "HEAD") { // there is nothing to push
		e.Code = "empty-remote/no-commit"
	}
	return nil, e
}

func (h *Hub) branchInTheWay(there, ours string) error {
	return &fail.Error{Kind: fail.Fatal, Code: "branch-in-the-way",
		Message: fmt.Sprintf("the remote '%s' has a branch '%s', so git cannot create '%s' there: nothing was written", h.Name, there, ours),
		Fields:  fail.Fields{"remote": h.Name, "branch": there}}
}
