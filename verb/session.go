package verb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// SessionUUID returns the uuid of the session that an agent of a hub runs under a key: a
// version-8 uuid that depends only on these three.
func SessionUUID(hub, agent, key string) event.UUID {
	return event.NamedUUID("crosslink-session/1", hub, agent, key)
}

// SeveralSessionsError means that an agent runs several sessions and none was named.
type SeveralSessionsError struct{ Open []*reducer.Session }

func (e *SeveralSessionsError) Error() string {
	return fmt.Sprintf("%d sessions are open here", len(e.Open))
}

// OpenSession returns an open session of an agent: the one that is named, by its uuid or
// the beginning of it; otherwise the cached one, if it is open; otherwise the only one;
// nil if there is none.
func OpenSession(p tracker.Projection, agent, named string, cached event.UUID) (*reducer.Session, error) {
	if agent == "" {
		return nil, nil
	}
	open, err := p.Sessions(store.SessionFilter{Agent: agent, Open: true})
	if err != nil {
		return nil, err
	}
	if named != "" {
		open = slices.DeleteFunc(slices.Clone(open), func(x *reducer.Session) bool {
			return !strings.HasPrefix(x.UUID.String(), strings.ToLower(named))
		})
		if len(open) == 0 {
			return nil, &store.NotFoundError{What: "open session", ID: named}
		}
	}
	for _, x := range open {
		if x.UUID == cached {
			return x, nil
		}
	}
	switch len(open) {
	case 0:
		return nil, nil
	case 1:
		return open[0], nil
	}
	return nil, &SeveralSessionsError{open}
}

// SessionLocks are the issues whose lock, or place in its queue, a session has: its
// agent claimed them after the session started, and not after a later session did
// that is still open.
func SessionLocks(p tracker.Projection, x *reducer.Session) (rows []*store.Issue, err error) {
	open, err := p.Sessions(store.SessionFilter{Agent: x.Agent, Open: true})
	if err != nil {
		return nil, err
	}
	locked, err := p.Locked()
	if err != nil {
		return nil, err
	}
	for _, i := range locked {
		if c, err := tracker.Standing(p, i.UUID, x.Agent); err != nil || !c.Mine(x.Agent) {
			if err != nil {
				return nil, err
			}
			continue
		}
		lines, err := p.History(i.UUID)
		if err != nil {
			return nil, err
		}
		claimed := uint64(0)
		for _, e := range lines {
			if _, claim := e.Body.(*event.LockClaimed); claim && e.Agent == x.Agent {
				claimed = max(claimed, e.Seq)
			}
		}
		between := func(o *reducer.Session) bool { return o.Started.Seq > x.Started.Seq && o.Started.Seq < claimed }
		if claimed > x.Started.Seq && !slices.ContainsFunc(open, between) {
			rows = append(rows, i)
		}
	}
	return rows, nil
}

// Ending is how a session ends.
type Ending struct {
	Notes     string     // "" is none
	Comment   event.UUID // of the hand-off, if there are notes and an issue
	Author    string
	Now       event.Time
	KeepLocks bool
}

// EndSession ends a session in one write: its notes become a hand-off on its issue, and
// its locks are released.
func EndSession(p tracker.Projection, x *reducer.Session, how Ending) (bodies []event.Body, released []*store.Issue, err error) {
	bodies = append(bodies, &event.SessionEnded{Session: x.UUID, Notes: how.Notes})
	if how.Notes != "" && x.Issue != (event.UUID{}) {
		bodies = append(bodies, &event.CommentAdded{Issue: x.Issue, Comment: how.Comment, Author: how.Author, Content: how.Notes, CreatedAt: how.Now, Kind: Handoff})
	}
	if how.KeepLocks {
		return bodies, nil, nil
	}
	if released, err = SessionLocks(p, x); err != nil {
		return nil, nil, err
	}
	for _, i := range released {
		bodies = append(bodies, &event.LockReleased{Issue: i.UUID})
	}
	return bodies, released, nil
}

// NotesOnly writes notes of an agent that has begun no session: one that begins and
// ends with them. They are about the issue that the agent holds, if it is only one.
func NotesOnly(p tracker.Projection, how Ending, id event.UUID) (*reducer.Session, []event.Body, error) {
	x := &reducer.Session{SessionID: reducer.SessionID{Agent: how.Author, UUID: id}, StartedAt: how.Now}
	held, err := SessionLocks(p, x)
	if err != nil {
		return nil, nil, err
	}
	bodies := []event.Body{&event.SessionStarted{Session: id}}
	if len(held) == 1 {
		x.Issue = held[0].UUID
		bodies = append(bodies, &event.SessionWorked{Session: id, Issue: x.Issue})
	}
	how.KeepLocks = true
	end, _, err := EndSession(p, x, how)
	return x, append(bodies, end...), err
}

// Handoff is the kind of the comment with a session's notes.
const Handoff = "handoff"

// Superseded are the notes of a session that another one ended. They hand nothing on.
const Superseded = "ended by the next session"

// HandoffNote is what an agent left for the next one on the issue.
type HandoffNote struct {
	By      string
	At      event.Time
	Text    string
	Issue   event.UUID // zero if it is about none
	Session event.UUID // zero if it is known as a comment only
	Comment event.UUID // zero if it is known as notes only
	Mark    string     // a problem with its signature
	Signer  string     // fingerprint of the key that signed it
}

// Trusted decides by the mark of a line, and by the key that signed it, whether a
// hand-off is looked at. nil looks at all.
type Trusted func(mark, signer string) bool

// HandoffOn returns the newest hand-off on an issue, nil if there is none. Its writer is
// the agent whose text it is: the last one that edited the comment, if somebody did.
func HandoffOn(p tracker.Projection, i *store.Issue, trusted Trusted) (*HandoffNote, error) {
	lines, err := p.History(i.UUID)
	if err != nil {
		return nil, err
	}
	added, edited := map[event.UUID]*event.Envelope{}, map[event.UUID]*event.Envelope{}
	for _, e := range lines {
		switch b := e.Body.(type) {
		case *event.CommentAdded:
			if added[b.Comment] == nil {
				added[b.Comment] = e
			}
		case *event.CommentEdited:
			if last := edited[b.Comment]; last == nil || last.Key().Less(e.Key()) {
				edited[b.Comment] = e
			}
		}
	}
	for k := len(i.Comments) - 1; k >= 0; k-- {
		c := &i.Comments[k]
		if c.Kind != Handoff {
			continue
		}
		note := &HandoffNote{By: c.Author, At: c.CreatedAt, Text: c.Content, Issue: i.UUID, Comment: c.UUID}
		if line := cmp.Or(edited[c.UUID], added[c.UUID]); line != nil { // else it comes from a checkpoint
			note.By, note.Mark, note.Signer = line.Agent, p.Mark(line.Agent, line.Seq), line.SignedBy
		}
		if trusted == nil || trusted(note.Mark, note.Signer) {
			return note, nil
		}
	}
	return nil, nil
}

// maxUntrusted bounds how many hand-offs are skipped in search of a trusted one.
const maxUntrusted = 20

// HandoffBy returns the notes with which an agent ended a session last, nil if there
// are none. If agent is empty, any agent counts.
func HandoffBy(p tracker.Projection, agent string, trusted Trusted) (*HandoffNote, error) {
	all, err := p.Sessions(store.SessionFilter{Agent: agent})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(x *reducer.Session) bool { return !x.Ended || x.Notes == "" || x.Notes == Superseded })
	slices.Reverse(all) // of two that ended at one time, the later one first
	slices.SortStableFunc(all, func(x, y *reducer.Session) int { return cmp.Compare(y.EndedAt, x.EndedAt) })
	for _, x := range all[:min(len(all), maxUntrusted)] {
		note := &HandoffNote{By: x.Agent, At: x.EndedAt, Text: x.Notes, Issue: x.Issue, Session: x.UUID, Mark: p.Mark(x.Agent, x.Started.Seq)}
		line, err := p.Line(x.Agent, x.Started.Seq)
		if err != nil {
			return nil, err
		}
		if line != nil {
			note.Signer = line.SignedBy
		}
		if trusted == nil || trusted(note.Mark, note.Signer) {
			return note, nil
		}
	}
	return nil, nil
}
