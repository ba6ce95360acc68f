package tracker

import (
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

// hubProblem is something wrong with the hub, as the last fetch found it. Each
// is listed by status until a fetch no longer finds it or a push has mended
// it, and told once, by the first command that somebody watches.
type hubProblem struct {
	Ref  string `json:"ref,omitempty"` // below crosslink/; "" is of none in particular
	Text string `json:"text"`
	Told bool   `json:"told,omitempty"`
	Here bool   `json:"here,omitempty"` // its cause is on this side
	Gone bool   `json:"gone,omitempty"` // the hub has lost the branch
	More int    `json:"more,omitempty"` // how many problems beyond maxProblems this one stands for
}

const (
	maxProblems = 1000 // remembered of a fetch
	maxTold     = 10   // told one by one
)

// tellProblems tells those that are new and returns what is to be remembered.
func (t *Tracker) tellProblems(now []hubProblem, noMeta bool) []hubProblem {
	told := map[hubProblem]bool{}
	for _, p := range t.contact.Problems {
		told[hubProblem{Ref: p.Ref, Text: p.Text, Told: p.Told}] = p.Told
	}
	if n := len(now) - maxProblems; n > 0 {
		now = append(slices.Clip(now[:maxProblems]), hubProblem{Text: fmt.Sprintf("%d more are not listed", n), Told: true, More: n})
	}
	tell, more := 0, (&contact{Problems: now}).unlisted()
	for i := range now {
		p := &now[i]
		if p.Told = p.Told || told[hubProblem{Ref: p.Ref, Text: p.Text, Told: true}]; p.Told || t.unwatched {
			continue
		}
		n := fail.Notice{Code: "hub", Text: p.Text}
		if noMeta && p.Ref == metaName {
			if p.Told = t.mending; p.Told {
				continue
			}
			if n.Code = "hub/lost"; t.moved() {
				n.Code = "hub/moved"
			}
		}
		if p.Told, tell = true, tell+1; tell <= maxTold {
			t.notice(n)
		}
	}
	if tell > maxTold {
		t.notice(fail.Notice{Code: "hub", Text: fmt.Sprintf("there are %d more problems with the hub", tell-maxTold+more)})
	}
	return now
}

// unlisted is how many problems of the last fetch were too many to remember.
func (c *contact) unlisted() int {
	if n := len(c.Problems); n > 0 {
		return c.Problems[n-1].More
	}
	return 0
}

// overcome forgets the problems of branches that the hub has just taken.
func (t *Tracker) overcome(p refs.Push, res *refs.PushResult) error {
	over := func(h hubProblem) bool {
		return h.Ref != "" && slices.ContainsFunc(p.Refs, func(r refs.PushRef) bool {
			st, ok := res.Refs[r.Dst]
			return r.Dst == headRoot+h.Ref && ok && st.Accepted()
		})
	}
	if !slices.ContainsFunc(t.contact.Problems, over) {
		return nil
	}
	return t.remember(func(c *contact) { c.Problems = slices.DeleteFunc(c.Problems, over) })
}
