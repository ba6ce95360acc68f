package tracker

import (
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
)

// refusedBy is what git says about a push that the hub itself refused, "" if
// it was not the hub. A gate says its rule there, of the ref that it is about;
// the others only went with it.
func refusedBy(p refs.Push, res *refs.PushResult) string {
	reason := ""
	for _, r := range p.Refs {
		st, ok := res.Refs[r.Dst]
		if !ok || !st.RemoteRejected() || strings.HasPrefix(st.Reason, "atomic ") {
			continue
		}
		if reason == "" || !strings.HasPrefix(reason, "rule '") && strings.HasPrefix(st.Reason, "rule '") {
			reason = st.Reason
		}
	}
	return reason
}
