package answer

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Request is what one agent asks of another.
type Request struct {
	ID          string  `json:"id"`
	By          string  `json:"by"`
	Target      string  `json:"target"`
	Kind        string  `json:"kind"`
	Issue       *Ref    `json:"issue"`
	RequestedBy string  `json:"requested_by"`
	Reason      *string `json:"reason"`
	SentAt      string  `json:"sent_at"`
	ExpiresAt   *string `json:"expires_at"`
	AckedAt     *string `json:"acked_at"`
	Acted       bool    `json:"acted"`
	Result      *string `json:"result"`
	Notes       *string `json:"notes"`
	Obeyed      bool    `json:"obeyed"`
	Ignored     *string `json:"ignored"`

	Names map[string]string `json:"names,omitempty"` // of the agents
}

// Request gives a request its shape.
func (s *Builder) Request(c tracker.Command) Request {
	return Request{ID: c.ID, By: c.By, Target: c.Target, Kind: string(c.Kind), Issue: s.refOrNull(c.Subject), RequestedBy: c.RequestedBy,
		Reason: TextOrNull(c.Reason), SentAt: c.SentAt.String(), ExpiresAt: TimeOrNull(c.ExpiresAt), AckedAt: TimeOrNull(c.AckedAt),
		Acted: c.Acted, Result: TextOrNull(c.Result), Notes: TextOrNull(c.Notes), Obeyed: c.Ignored == "", Ignored: TextOrNull(c.Ignored), Names: s.Names.Of(c.By, c.Target)}
}

// RequestsWrite answers commands that send or answer requests.
type RequestsWrite struct {
	Write
	Requests []Request `json:"requests"`
}

// Flags are what requests come to for an agent.
type Flags struct {
	State        string  `json:"state"`
	Request      *string `json:"request"`
	By           *string `json:"by"`
	Reason       *string `json:"reason"`
	Since        *string `json:"since"`
	Reprioritise []Ref   `json:"reprioritise"`
	Ignored      int     `json:"ignored"`
}

// RefsOf names those of some issues that are shown and open.
func (s *Builder) RefsOf(us []event.UUID) []Ref {
	list := []Ref{}
	for _, r := range s.refs(us) {
		if r.Status == string(event.Open) {
			list = append(list, r)
		}
	}
	return list
}
