package answer

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// LockCheck is what lock check says.
type LockCheck struct {
	Outcome     string    `json:"outcome"`
	Agent       string    `json:"agent"`
	Place       int       `json:"place"`
	LastSign    *string   `json:"last_sign"`
	Presence    *Presence `json:"presence"`
	Reached     bool      `json:"reached"`
	LastContact *string   `json:"last_contact"`
	Issue       Issue     `json:"issue"`
}

// Claim is one answer of lock.
type Claim struct {
	Outcome string `json:"outcome"`
	Already bool   `json:"already"`
	Place   int    `json:"place"`
	Issue   Issue  `json:"issue"`
}

// Claimed answers ready --claim.
type Claimed struct {
	Claim
	Handoff *HandoffNote `json:"handoff"` // the newest on the issue
	Flags   Flags        `json:"flags"`
}

// ClaimOf gives a claim its shape, and returns the issue as it is now.
func ClaimOf(c *tracker.Claim, u event.UUID) (shape Claim, i *store.Issue, err error) {
	if i, err = c.View.Issue(u); err != nil {
		return shape, nil, err
	}
	shape = Claim{Outcome: string(c.Outcome), Already: c.Already, Place: c.Place}
	shape.Issue, err = New(c.View).Issue(i)
	return shape, i, err
}
