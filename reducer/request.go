package reducer

import "github.com/git-crosslink/git-crosslink/event"

// The rules of requests are:
//
//   - all sends of one id are kept; the smallest is the request, and those with other bytes
//     are the Rejection duplicate-uuid;
//   - the target's smallest acknowledgment counts, so that an answer once given stays. Other
//     agents' acknowledgments are the Rejection not-target;
//   - acknowledgments are judged when their request is known and are pending before, so all of
//     them are kept;
//   - requests never touch issues.

type request struct {
	sent adds[*event.RequestSent]
	acks adds[*event.RequestAcked]
}

func (s *State) request(id string) *request { return find(s.requests, id) }

func (s *State) requestSent(at *stamp, e *event.RequestSent) {
	s.request(e.ID).sent.put(at, e)
}

func (s *State) requestAcked(at *stamp, e *event.RequestAcked) {
	s.request(e.ID).acks.put(at, e)
}

func (r *request) merge(o *request) {
	r.sent.merge(o.sent)
	r.acks.merge(o.acks)
}

func (r *request) canonical(w *writer) {
	for _, a := range r.sent.all() {
		w.name("sent")
		w.stamp(a.at)
		w.quote(a.body.Target)
		w.quote(string(a.body.Kind))
		w.uuid(a.body.Subject)
		w.quote(a.body.RequestedBy)
		w.quote(a.body.Reason)
		w.time(a.body.ExpiresAt)
		w.end()
	}
	for _, a := range r.acks.all() {
		w.name("ack")
		w.stamp(a.at)
		w.bool(a.body.Acted)
		w.quote(a.body.Result)
		w.quote(a.body.Notes)
		w.end()
	}
}

// Request is a request as people see it.
type Request struct {
	ID          string
	By          string // the agent that sent it
	Target      string
	Kind        event.RequestKind
	Subject     event.UUID // zero when none, unknown or deleted
	RequestedBy string
	Reason      string
	SentAt      event.Time
	ExpiresAt   event.Time // 0 when never

	Acked   bool
	AckedAt event.Time // 0 until acknowledged
	Acted   bool
	Result  string
	Notes   string

	Sent event.Key // of the smallest send
}

// see leaves Subject to View, which knows what is visible.
func (r *request) see(id string) *Request {
	s := r.sent.all()[0]
	v := &Request{
		ID:          id,
		By:          s.at.key.Agent,
		Target:      s.body.Target,
		Kind:        s.body.Kind,
		RequestedBy: s.body.RequestedBy,
		Reason:      s.body.Reason,
		SentAt:      s.at.shown,
		ExpiresAt:   s.body.ExpiresAt,
		Sent:        s.at.key,
	}
	for _, a := range r.acks.all() {
		if a.at.key.Agent == s.body.Target {
			v.Acked, v.AckedAt = true, a.at.shown
			v.Acted, v.Result, v.Notes = a.body.Acted, a.body.Result, a.body.Notes
			break
		}
	}
	return v
}
