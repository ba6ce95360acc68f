package verb

import (
	"slices"
	"sort"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// The states in which requests put an agent.
const (
	Run    = "run"
	Paused = "paused"
	Killed = "killed"
)

// Flags are the combined effect of requests on an agent.
type Flags struct {
	State        string
	By           *reducer.Request // that put it into the state; nil if none did
	Reprioritise []event.UUID     // issues to take first, the newest request first
	Ignored      int              // requests that are not obeyed, and wait for an answer
}

// FlagsOf is a function of a set of requests, in whatever order they came. session is
// the start of the agent's session, or of its newest. The rules are:
//
//   - only what is obeyed counts, in the order in which it was sent;
//   - an agent is paused if the last pause or resume is a pause;
//   - it is killed if a kill is newer than its session, so that a new session runs;
//   - whether a request was answered changes nothing.
func FlagsOf(all []tracker.Command, session *event.Key) Flags {
	all = slices.Clone(all)
	sort.Slice(all, func(i, j int) bool { return all[i].Sent.Compare(all[j].Sent) < 0 })
	f := Flags{State: Run}
	var pause, kill *reducer.Request
	for _, c := range all {
		switch {
		case c.Ignored != "":
			if !c.Acked && c.Ignored != "expired" {
				f.Ignored++
			}
		case c.Kind == event.Pause:
			pause = c.Request
		case c.Kind == event.Resume:
			pause = nil
		case c.Kind == event.Kill && (session == nil || session.Less(c.Sent)):
			kill = c.Request
		case c.Kind == event.Reprioritise && c.Subject != (event.UUID{}):
			f.Reprioritise = slices.DeleteFunc(f.Reprioritise, func(u event.UUID) bool { return u == c.Subject })
			f.Reprioritise = slices.Insert(f.Reprioritise, 0, c.Subject)
		}
	}
	switch {
	case kill != nil:
		f.State, f.By = Killed, kill
	case pause != nil:
		f.State, f.By = Paused, pause
	}
	return f
}

// First moves the issues in asked to the front, in that order, and returns how many it
// moved.
func First(rows []*store.Issue, asked []event.UUID) (n int) {
	for _, u := range asked {
		k := slices.IndexFunc(rows[n:], func(i *store.Issue) bool { return i.UUID == u })
		if k >= 0 {
			i := rows[n+k]
			copy(rows[n+1:n+k+1], rows[n:n+k])
			rows[n] = i
			n++
		}
	}
	return n
}

// SessionStart returns when the agent's newest open session started or, if none is open,
// its newest session; nil if there was none.
func SessionStart(p tracker.Projection, agent string) (*event.Key, error) {
	all, err := p.Sessions(store.SessionFilter{Agent: agent})
	var open, any *event.Key
	for _, x := range all { // by their start
		if any = &x.Started; !x.Ended {
			open = &x.Started
		}
	}
	if open != nil {
		return open, err
	}
	return any, err
}

// ResolveRequest returns the request with an id, or with at least the first 6 characters
// of it.
func ResolveRequest(p tracker.Projection, id string) (*reducer.Request, error) {
	all, err := p.Requests(store.RequestFilter{})
	if err != nil {
		return nil, err
	}
	return oneRequest(all, id)
}

func oneRequest(all []*reducer.Request, id string) (*reducer.Request, error) {
	const least = 6
	word := strings.ToUpper(id)
	var found []*reducer.Request
	for _, r := range all {
		if r.ID == word || len(word) >= least && strings.HasPrefix(r.ID, word) {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return nil, &store.NotFoundError{What: "request", ID: id}
	}
	e := &store.AmbiguousError{What: "request", ID: id}
	for _, r := range found {
		e.Candidates = append(e.Candidates, store.Candidate{Short: r.ID, Title: string(r.Kind) + " to " + r.Target})
	}
	return nil, e
}
