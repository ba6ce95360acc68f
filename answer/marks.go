package answer

import (
	"slices"

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
	Agents   map[string][]string   // a rule of OfAgents: the agents whose lines it marks
}

// OfAgents are the rules that mark all that an agent writes, not one line.
var OfAgents = []string{"unapproved", "unsigned"}

// MarksOf reads the marks of an issue's lines.
func MarksOf(p tracker.Projection, u event.UUID) (Marks, error) {
	lines, err := p.History(u)
	if err != nil {
		return Marks{}, err
	}
	m := Marks{Comments: map[event.UUID]string{}, Editors: map[event.UUID]string{}, Agents: map[string][]string{}}
	edits := map[event.UUID]event.Key{}
	created := false
	for _, e := range lines {
		mark := p.Mark(e.Agent, e.Seq)
		if slices.Contains(OfAgents, mark) && !slices.Contains(m.Agents[mark], e.Agent) {
			m.Agents[mark] = append(m.Agents[mark], e.Agent)
		}
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
		if mark != "" && !slices.Contains(OfAgents, mark) {
			m.Others++
		}
	}
	return m, nil
}

// MarkWords has, in words for people, the rules of trust that mark a line which still counts.
var MarkWords = map[string]string{
	"unapproved":     "unapproved key",
	"unsigned":       "unsigned",
	"unknown-signer": "unknown key",
	"rotated-out":    "old key",
	"bad-signature":  "bad signature",
}
