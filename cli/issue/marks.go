package issue

import (
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/people"
)

// markedLine returns the mark of one line, "" if there is none, or if it applies to all
// lines of the agent: agentMarks shows such a mark once.
func markedLine(rule string) string {
	if slices.Contains(answer.OfAgents, rule) {
		return ""
	}
	return Marked(rule)
}

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

// whereMarked are the commands that explain the marks of agents.
var whereMarked = map[string]string{"unapproved": "git crosslink trust pending", "unsigned": "git crosslink trust list"}

// agentMarks lists the marks that apply to all lines of agents, one line for each rule.
func agentMarks(of map[string][]string, names *people.Names) (lines []string) {
	for _, rule := range answer.OfAgents {
		if ids := of[rule]; len(ids) > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s; see: %s", answer.MarkWords[rule], strings.Join(each(ids, names.Full), ", "), whereMarked[rule]))
		}
	}
	return lines
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
