package answer

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Marks are the marks of the lines that an issue is made of, and who edited its
// comments.
type Marks struct {
	Created  string                // of its creation
	Comments map[event.UUID]string // of each comment
	Editors  map[event.UUID]string // agents whose edit of a comment is the one that is shown
	Others   int                   // lines beside these that are not signed as their log was
}

// MarksOf reads the marks of an issue's lines.
func MarksOf(p tracker.Projection, u event.UUID) (Marks, error) {
	lines, err := p.History(u)
	if err != nil {
		return Marks{}, err
	}
	m := Marks{Comments: map[event.UUID]string{}, Editors: map[event.UUID]string{}}
	edits := map[event.UUID]event.Key{}
	created := false
	for _, e := range lines {
		mark := p.Mark(e.Agent, e.Seq)
		switch b := e.Body.(type) {
		case *event.IssueCreated:
			if !created {
				m.Created, created = mark, true
				continue
			}
		case *event.CommentAdded:
			if _, again := m.Comments[b.Comment]; !again {
				m.Comments[b.Comment] = mark
				continue
			}
		case *event.CommentEdited:
			if last, again := edits[b.Comment]; !again || last.Less(e.Key()) {
				edits[b.Comment], m.Editors[b.Comment] = e.Key(), e.Agent
			}
		}
		if mark != "" && mark != "unapproved" { // a new agent is no alarm on every issue
			m.Others++
		}
	}
	return m, nil
}

// MarkWords are the rules of trust that mark a line which counts, for people.
var MarkWords = map[string]string{
	"unapproved":     "unapproved key",
	"unsigned":       "unsigned",
	"unknown-signer": "unknown key",
	"rotated-out":    "old key",
	"bad-signature":  "bad signature",
}
