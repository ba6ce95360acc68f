package cli

import (
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
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

// issueMarks are the marks of the lines that an issue is made of.
type issueMarks struct {
	created  string                // of its creation
	comments map[event.UUID]string // of each comment
	others   int                   // lines beside these that are not signed as their log was
}

func marksOf(p tracker.Projection, u event.UUID) (issueMarks, error) {
	lines, err := p.History(u)
	if err != nil {
		return issueMarks{}, err
	}
	m := issueMarks{comments: map[event.UUID]string{}}
	created := false
	for _, e := range lines {
		mark := p.Mark(e.Agent, e.Seq)
		switch b := e.Body.(type) {
		case *event.IssueCreated:
			if !created {
				m.created, created = mark, true
				continue
			}
		case *event.CommentAdded:
			if _, again := m.comments[b.Comment]; !again {
				m.comments[b.Comment] = mark
				continue
			}
		}
		if mark != "" && mark != "unapproved" { // a new agent is no alarm on every issue
			m.others++
		}
	}
	return m, nil
}

// summary tells of the marked lines that are shown without their author.
func (m issueMarks) summary(name string) string {
	switch m.others {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("1 change is not signed as it should be: git crosslink log %s", name)
	}
	return fmt.Sprintf("%d changes are not signed as they should be: git crosslink log %s", m.others, name)
}
