package testkit

import (
	"encoding/json"

	"github.com/git-crosslink/git-crosslink/event"
)

// Stands in for event.Chain until that exists.
type chainStandIn struct {
	Hub, Agent string
	Seq        uint64
	Time       event.Time
}

func stampStandIn(c *chainStandIn, b event.Body, now, seen event.Time) *event.Envelope {
	c.Seq++
	c.Time = min(event.MaxTime, max(now, seen+1, c.Time))
	e := &event.Envelope{V: 4, Hub: c.Hub, Agent: c.Agent, Seq: c.Seq, Time: c.Time, Body: b}
	if now != c.Time {
		e.Wall = now
	}
	j, _ := json.Marshal(b)
	e.Event = append([]byte(b.Type()), j...)
	e.Raw = e.Event
	if u, ok := b.(*event.Unknown); ok && (u.Name == "LabelAdded" || u.Name == "IssueCreated" || u.Name == "CommentAdded" || u.Name == "StatusChanged") {
		e.Body = &event.Invalid{Name: u.Name, Reason: "missing-member", Detail: "uuid"}
	}
	return e
}
