package cli

import (
	"fmt"

	"github.com/git-crosslink/git-crosslink/answer"
)

// What is not signed as it should be says so wherever it is shown.

// markWords are the rules of trust that mark a line which counts, for people.
var markWords = map[string]string{
	"unapproved":     "unapproved key",
	"unsigned":       "unsigned",
	"unknown-signer": "unknown key",
	"rotated-out":    "old key",
	"bad-signature":  "bad signature",
}

// marked is a mark behind the name of an author, or nothing.
func marked(rule string) string {
	if rule == "" {
		return ""
	}
	if w := markWords[rule]; w != "" {
		rule = w
	}
	return " (" + rule + ")"
}

// marksSummary tells of the marked lines that are shown without their author.
func marksSummary(m answer.Marks, name string) string {
	switch m.Others {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("1 change is not signed as it should be: git crosslink log %s", name)
	}
	return fmt.Sprintf("%d changes are not signed as they should be: git crosslink log %s", m.Others, name)
}
