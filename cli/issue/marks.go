package issue

import (
	"fmt"

	"github.com/git-crosslink/git-crosslink/answer"
)

// Marked returns the mark that follows the name of an author, "" if there is none.
func Marked(rule string) string {
	if rule == "" {
		return ""
	}
	if w := answer.MarkWords[rule]; w != "" {
		rule = w
	}
	return " (" + rule + ")"
}

// marksSummary reports the marked lines that are shown without their author.
func marksSummary(m answer.Marks, name string) string {
	switch m.Others {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("1 change has no approved signature: git crosslink log %s", name)
	}
	return fmt.Sprintf("%d changes have no approved signature: git crosslink log %s", m.Others, name)
}
