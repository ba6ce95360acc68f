package command

import (
	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/verb"
)

// HandoffShape returns the JSON shape of a handoff note.
func HandoffShape(s *answer.Builder, n *verb.HandoffNote) *answer.HandoffNote {
	return &answer.HandoffNote{By: n.By, Name: s.Names.Name(n.By), At: n.At.String(), Issue: s.Ref(n.Issue), Session: answer.UUIDOrNull(n.Session),
		Comment: answer.UUIDOrNull(n.Comment), Text: n.Text, Mark: answer.TextOrNull(n.Mark)}
}
