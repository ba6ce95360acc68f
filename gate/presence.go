package gate

import (
	"github.com/git-crosslink/git-crosslink/refs"
)

// maxPresence bounds a heartbeat.
const maxPresence = 64 << 10

// presence looks at a heartbeat: one commit without a past, one small file. It
// is force-moved and may go, as nothing depends on it.
func (g *gate) presence(c Command) (*Refusal, error) {
	if c.New == "" {
		return nil, nil
	}
	h, err := g.commit(c.New)
	if err != nil {
		return nil, err
	}
	if len(h.Parents) > 0 {
		return refuse(Tree, cureNoPush, "a sign of life has no past"), nil
	}
	w := treeWalk{g: g, seen: map[string]bool{}, allow: func(p string, e entry) string {
		if p != "presence.json" || e.mode != refs.ModeBlob {
			return "is no part of a sign of life"
		}
		return ""
	}}
	if r, err := w.tree("", h.Tree); r != nil || err != nil {
		return r, err
	}
	_, err = refs.ReadFiles(g.ctx, g.repo, c.New, maxPresence)
	return nil, err
}
