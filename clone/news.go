package clone

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/standing"
	"github.com/git-crosslink/git-crosslink/store"
)

// A command can show something undecided: an issue without a number, a lock that is claimed
// or waited for. The first command of the clone that sees the decision reports it once. The
// same applies to a lock that others ended. If the stored data is lost, the notice is only
// not given.

type shown = hubs.Shown

// maxShown bounds the stored data; anything beyond is not reported.
const maxShown = 500

// Watch reports what has been decided with a write, or before, and stores what the write
// leaves undecided. A lock is watched until it is released, so that its breaking is
// reported too.
func (c *Clone) Watch(lines []*event.Envelope, p reading.Projection, asking event.UUID) {
	var add []shown
	drop := map[shown]bool{}
	for _, e := range lines {
		switch b := e.Body.(type) {
		case *event.IssueCreated:
			if c.Unwatched { // nobody saw it
				continue
			}
			if row, err := p.Issue(b.UUID); err == nil && row.Number == 0 {
				add = append(add, shown{Issue: b.UUID.String()})
			}
		case *event.LockClaimed:
			if claim, err := standing.Of(p, b.Issue, c.Agent); err == nil && claim.Outcome != standing.Free && claim.Outcome != standing.Taken && claim.Outcome != standing.Closed {
				add = append(add, shown{Issue: b.Issue.String(), Agent: c.Agent, Lock: string(claim.Outcome)})
			}
			drop[shown{Issue: b.Issue.String(), Agent: c.Agent}] = true
		case *event.LockReleased:
			if c.Unwatched { // written by a sync, so nobody saw it
				continue
			}
			drop[shown{Issue: b.Issue.String(), Agent: c.Agent}] = true
		}
	}
	if len(drop) > 0 {
		c.noteShown(func(n shown) bool { return drop[shown{Issue: n.Issue, Agent: n.Agent}] }, nil)
	}
	c.noteEdits(lines)
	c.TellDecided(p, asking)
	if len(add) > 0 {
		c.noteShown(func(shown) bool { return false }, add)
	}
}

// deletedAs returns the title of a deleted issue, "" for any other.
func deletedAs(p reading.Projection, u event.UUID) string {
	var gone *store.NotFoundError
	if _, err := p.Resolve(u.String()); errors.As(err, &gone) {
		return gone.Deleted
	}
	return ""
}

// noteShown removes the stored items for which gone is true, and adds new ones.
func (c *Clone) noteShown(gone func(shown) bool, add []shown) {
	_ = c.Contact.Remember(func(note *hubs.Note) {
		note.Shown = slices.DeleteFunc(note.Shown, gone)
		note.Shown = append(note.Shown, add[:min(len(add), max(0, maxShown-len(note.Shown)))]...)
	})
}

// TellDecided reports decisions about items that were shown as undecided. The result of the
// lock that the command asks for is the command's own answer, so it is left out.
func (c *Clone) TellDecided(p reading.Projection, asking event.UUID) {
	if c.Options.Notice == nil || c.Unwatched { // only if somebody reads the notices
		return
	}
	c.tellAliases(p)
	c.tellOverruled(p)
	if len(c.Contact.Shown) == 0 {
		return
	}
	done, changed := map[shown]bool{}, []shown(nil)
	for _, n := range c.Contact.Shown {
		if n.Agent != "" && n.Agent != c.Agent {
			continue // of another worktree
		}
		u, err := uuid.Parse(n.Issue)
		if err != nil {
			done[n] = true
			continue
		}
		next := c.tellOne(p, u, n, asking)
		if next == n {
			continue
		}
		if done[n] = true; next != (shown{}) {
			changed = append(changed, next)
		}
	}
	if len(done) > 0 {
		c.noteShown(func(n shown) bool { return done[n] }, changed)
	}
}

// tellAliases reports, once, numbers that now mean another issue because the hub had lost
// them and assigned them again. A new clone knows none of the old ones.
func (c *Clone) tellAliases(p reading.Projection) {
	now, first := p.Aliases(), c.Contact.Aliases == nil
	if c.Contact.Last.IsZero() || !first && len(now) == len(c.Contact.Aliases) {
		return
	}
	if !first {
		for _, a := range store.Renumbered(p) {
			if !slices.Contains(c.Contact.Aliases, a.Was) {
				c.Notice(fail.Notice{Code: "renumbered", Text: a.String()})
			}
		}
	}
	told := slices.AppendSeq([]uint64{}, maps.Keys(now))
	slices.Sort(told)
	_ = c.Contact.Remember(func(note *hubs.Note) { note.Aliases = told })
}

// tellOne reports the result for one item, and returns what is left to report.
func (c *Clone) tellOne(p reading.Projection, u event.UUID, n shown, asking event.UUID) shown {
	what := "claim of its lock"
	if n.Lock == string(standing.Held) {
		what = "lock"
	}
	row, err := p.Row(u)
	if err != nil {
		if name := deletedAs(p, u); n.Agent != "" && u != asking && name != "" {
			c.Notice(fail.Notice{Code: "lock", Text: fmt.Sprintf("issue %s was deleted: your %s has ended", name, what)})
		}
		return shown{}
	}
	if n.Agent == "" {
		if row.Number == 0 {
			return n
		}
		c.Notice(fail.Notice{Code: "numbered", Text: fmt.Sprintf("%s '%s' is now %d", row.Short, fail.Truncate(row.Title), row.Number)})
		return shown{}
	}
	claim, err := standing.Of(p, u, n.Agent)
	if err != nil || claim.Outcome == standing.Pending || string(claim.Outcome) == n.Lock {
		return n
	}
	name := fmt.Sprintf("%s '%s'", row.Name(), fail.Truncate(row.Title))
	tell := func(format string, args ...any) {
		if u != asking {
			c.Notice(fail.Notice{Code: "lock", Text: fmt.Sprintf(format, args...)})
		}
	}
	held, holder := n.Lock == string(standing.Held), ""
	if claim.Lock != nil {
		holder = people.NewNames(p).Quoted(claim.Lock.Holder)
	}
	switch n.Lock = string(claim.Outcome); claim.Outcome {
	case standing.Held:
		tell("you now hold the lock on %s (token %d)", name, claim.Lock.Token)
		return n
	case standing.Waiting:
		tell("you are number %[2]d in the queue for the lock on %[1]s; %[3]s holds it", name, claim.Place, holder)
		return n
	case standing.Taken:
		if held {
			tell("your lock on %s was ended; %s now holds it (token %d)", name, holder, claim.Lock.Token)
		} else {
			tell("%[2]s locked %[1]s first (token %[3]d): your claim has ended", name, holder, claim.Lock.Token)
		}
	case standing.Closed:
		tell("%s is %s: your %s has ended", name, row.Status, what)
	case standing.Free:
		if held {
			tell("your lock on %s was ended", name)
		} else {
			tell("your claim on %s has ended, and nobody holds the lock", name)
		}
	}
	return shown{}
}
