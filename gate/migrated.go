package gate

import (
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// A migration leaves branches of the old hub: the branch of level 2 at its place, and those
// of level 3 under another name. The new hub's base contains their data, so on a migrated
// hub they may be deleted ('migrate --finalize'). Nobody may create or move one: a branch
// that was created later was not migrated, but would be deleted as if it had been.

const (
	level2Ref   = heads + replay.Level2Name
	level3Below = "refs/crosslink/level3"
)

// isLeftover reports whether a command deletes a branch that a migration may have left.
func isLeftover(c Command) bool {
	return c.New == "" && (c.Ref == level2Ref || isBelow(c.Ref, level3Below))
}

// judgeLeftover judges the deletion of such a branch.
func (g *gate) judgeLeftover() *Refusal {
	if g.meta != nil && g.meta.refused == nil && g.meta.Migrated != nil {
		return nil
	}
	return refuse(Deletion, cureMirror, "the branches of an old tracker can be deleted only after it was migrated")
}

// findOldHub reports the branch of level 2 if it is the hub's tracker, or the one from
// which it was migrated. Beside another tracker it is a stray branch like any other.
func findOldHub(m *trust.Meta, find finder) (found bool) {
	switch {
	case m == nil:
		find(fail.Note, "old-hub", nil, "the branch 'crosslink/hub' holds a tracker of the original, which was not migrated yet")
	case m.Migrated != nil:
		find(fail.Note, "old-hub/migrated", nil, "the branch 'crosslink/hub' holds the old tracker, which was migrated")
	default:
		return false
	}
	return true
}
