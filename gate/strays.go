package gate

import (
	"context"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/replay"
)

// findStrays reports branches with the tracker's prefix that do not belong to it: from
// before the gate was installed, or made by the owner of the hub. All readers ignore them,
// and some keep git from creating a branch of the tracker.
func (h *hub) findStrays(ctx context.Context, environ []string, find finder) error {
	local := git.NewPlumbing(h.outer.CommonDir, h.outer.CommonDir, h.outer.Format, environ)
	defer local.Close()
	above := aboveOf(environ)
	all, err := local.Refs(ctx, above+strings.TrimSuffix(heads, "/"))
	if err != nil {
		return err
	}
	for _, r := range all {
		ref := strings.TrimPrefix(r.Name, above)
		refused := (&gate{}).name(Command{Ref: ref, New: r.OID}, nil)
		if refused == nil || !isBelow(ref, strings.TrimSuffix(heads, "/")) {
			continue
		}
		if ref == level2Ref && replay.IsLevel2(ctx, local, r.OID) {
			if m, err := h.level(ctx, environ); err == nil && findOldHub(m, find) {
				continue
			}
		}
		name := plain(strings.TrimPrefix(ref, "refs/heads/"))
		const text = "the branch '%s' is not a branch of the tracker: %s"
		if above != "" || name != strings.TrimPrefix(ref, "refs/heads/") {
			find(fail.Warning, "stray-branch/list", fail.Fields{"refs": above + heads}, text, name, refused.Why)
			continue
		}
		find(fail.Warning, "stray-branch", fail.Fields{"branch": name}, text, name, refused.Why)
	}
	return nil
}
