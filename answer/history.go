package answer

import (
	"encoding/json"
	"strconv"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Line is one event of a log.
type Line struct {
	Agent    string          `json:"agent"`
	Name     string          `json:"name,omitempty"` // of the agent
	Seq      uint64          `json:"seq"`
	Time     string          `json:"time"`
	Ordered  string          `json:"ordered_at"`
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	SignedBy *string         `json:"signed_by"`
	Mark     *string         `json:"mark"`
	Rejected *Rejected       `json:"rejected"`
	Event    json.RawMessage `json:"event"`
}

// LogLine is a line of an issue's history in the answer of log.
type LogLine struct {
	Issue *Ref `json:"issue"`
	Line
}

// Rejected is the reason why a line has no effect.
type Rejected struct {
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// History returns the lines of an issue in their JSON shape.
func History(p tracker.Projection, u event.UUID, lines []*event.Envelope) []Line {
	shape := Lines(p)
	shapes := make([]Line, 0, len(lines))
	for _, l := range lines {
		shapes = append(shapes, shape(u, l))
	}
	return shapes
}

// Lines returns what gives a line its JSON shape, told as what it did to the issue u.
func Lines(p tracker.Projection) func(u event.UUID, l *event.Envelope) Line {
	type position struct {
		agent string
		seq   uint64
	}
	rejected := map[position]reducer.Rejection{}
	for _, r := range p.Rejections() {
		rejected[position{r.Agent, r.Seq}] = r
	}
	names := people.NewNames(p)
	return func(u event.UUID, l *event.Envelope) Line {
		s := Line{
			Agent: l.Agent, Name: names.Name(l.Agent), Seq: l.Seq, Time: l.Shown().String(), Ordered: l.Time.String(),
			Type: l.Body.Type(), Text: describe(p, names, u, l.Body), SignedBy: TextOrNull(l.SignedBy),
			Mark: TextOrNull(p.Mark(l.Agent, l.Seq)),
		}
		if json.Valid(l.Event) {
			s.Event = json.RawMessage(l.Event)
		}
		if r, ok := rejected[position{l.Agent, l.Seq}]; ok {
			s.Rejected = &Rejected{r.Reason, r.Detail}
		}
		return s
	}
}

// Fields returns the fields of a line, for a record.
func (l *Line) Fields() []string {
	signer, reason := "", ""
	if l.SignedBy != nil {
		signer = *l.SignedBy
	}
	if l.Rejected != nil {
		reason = l.Rejected.Reason
	}
	return []string{l.Time, l.Agent, strconv.FormatUint(l.Seq, 10), l.Type, signer, reason, l.Text}
}
