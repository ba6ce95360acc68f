package verb

import (
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// NewRequest is a request of one agent to another.
type NewRequest struct {
	ID      string // a ULID
	Target  string
	Kind    event.RequestKind
	Subject string // id of an issue; reprioritise needs one
	By      string // who asks
	Reason  string
	Expires event.Time
}

// RequestError refuses a request.
type RequestError struct{ Why string }

func (e *RequestError) Error() string { return e.Why }

// Request returns the event of a request to an agent with a log here.
func Request(p tracker.Projection, n *NewRequest) ([]event.Body, error) {
	if a := p.Agent(n.Target); a == nil || a.Retired {
		return nil, &RequestError{fmt.Sprintf("there is no agent '%s', or it has retired", n.Target)}
	}
	b := &event.RequestSent{ID: n.ID, Target: n.Target, Kind: n.Kind, RequestedBy: n.By, Reason: n.Reason, ExpiresAt: n.Expires}
	if n.Subject == "" && n.Kind == event.Reprioritise {
		return nil, &RequestError{"the request to reprioritise names no issue"}
	}
	if n.Subject != "" {
		i, err := Resolve(p, n.Subject)
		if err != nil {
			return nil, err
		}
		b.Subject = i.UUID
	}
	return Check([]event.Body{b}, nil)
}
