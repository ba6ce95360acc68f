package tracker

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/store"
)

// What a command had to show undecided (an issue without a number, a lock that
// is claimed or waited for) is told once when it is decided, by whichever
// command of the clone sees it first; so is the end of a lock by others. Nothing hangs on these notes: a lost one
// is a sentence that is not said.

type shown = hubs.Shown

// maxShown bounds the notes; what is beyond is not told.
const maxShown = 500

// watch tells what has been decided with a write, or before, and notes what the
// write leaves undecided. A lock is watched until it is given back, so that
// its breaking is told, too.
func (t *Tracker) watch(r *Receipt, asking UUID) {
	var add []shown
	drop := map[shown]bool{}
	for _, e := range r.Lines {
		switch b := e.Body.(type) {
		case *event.IssueCreated:
			if t.clone.Unwatched { // nobody was shown it
				continue
			}
			if row, err := r.View.Issue(b.UUID); err == nil && row.Number == 0 {
				add = append(add, shown{Issue: b.UUID.String()})
			}
		case *event.LockClaimed:
			if c, err := Standing(r.View, b.Issue, r.Agent); err == nil && c.Outcome != Free && c.Outcome != Taken && c.Outcome != Closed {
				add = append(add, shown{Issue: b.Issue.String(), Agent: r.Agent, Lock: string(c.Outcome)})
			}
			drop[shown{Issue: b.Issue.String(), Agent: r.Agent}] = true
		case *event.LockReleased:
			if t.clone.Unwatched { // a sync's own doing, which nobody has heard of
				continue
			}
			drop[shown{Issue: b.Issue.String(), Agent: r.Agent}] = true
		}
	}
	if len(drop) > 0 {
		t.noteShown(func(n shown) bool { return drop[shown{Issue: n.Issue, Agent: n.Agent}] }, nil)
	}
	t.tellDecided(r.View, asking)
	if len(add) > 0 {
		t.noteShown(func(shown) bool { return false }, add)
	}
}

// deletedAs is what an issue was called that is deleted, "" for any other.
func deletedAs(p Projection, u event.UUID) string {
	var gone *store.NotFoundError
	if _, err := p.Resolve(u.String()); errors.As(err, &gone) {
		return gone.Deleted
	}
	return ""
}

// noteShown drops the notes that gone says, and adds some.
func (t *Tracker) noteShown(gone func(shown) bool, add []shown) {
	_ = t.clone.Contact.Remember(func(c *hubs.Note) {
		c.Shown = slices.DeleteFunc(c.Shown, gone)
		c.Shown = append(c.Shown, add[:min(len(add), max(0, maxShown-len(c.Shown)))]...)
	})
}

// tellDecided tells what has been decided since it was shown undecided. What becomes
// of the lock that is being asked for is the command's answer, and no news.
func (t *Tracker) tellDecided(p Projection, asking UUID) {
	if t.clone.Options.Notice == nil || t.clone.Unwatched { // whoever is there to hear it is told
		return
	}
	t.tellAliases(p)
	if len(t.clone.Contact.Shown) == 0 {
		return
	}
	done, changed := map[shown]bool{}, []shown(nil)
	for _, n := range t.clone.Contact.Shown {
		if n.Agent != "" && n.Agent != t.clone.Agent {
			continue // another worktree's
		}
		u, err := uuid.Parse(n.Issue)
		if err != nil {
			done[n] = true
			continue
		}
		next := t.tellOne(p, u, n, asking)
		if next == n {
			continue
		}
		if done[n] = true; next != (shown{}) {
			changed = append(changed, next)
		}
	}
	if len(done) > 0 {
		t.noteShown(func(n shown) bool { return done[n] }, changed)
	}
}

// tellAliases tells, once, which numbers mean another issue because the hub
// had lost them and given them again. A new clone knows none of the old ones.
func (t *Tracker) tellAliases(p Projection) {
	now, first := p.Aliases(), t.clone.Contact.Aliases == nil
	if t.clone.Contact.Last.IsZero() || !first && len(now) == len(t.clone.Contact.Aliases) {
		return
	}
	if !first {
		for _, a := range store.Renumbered(p) {
			if !slices.Contains(t.clone.Contact.Aliases, a.Was) {
				t.clone.Notice(fail.Notice{Code: "renumbered", Text: a.String()})
			}
		}
	}
	told := slices.AppendSeq([]uint64{}, maps.Keys(now))
	slices.Sort(told)
	_ = t.clone.Contact.Remember(func(c *hubs.Note) { c.Aliases = told })
}

// tellOne tells what became of one thing, and returns what is left to be told.
func (t *Tracker) tellOne(p Projection, u event.UUID, n shown, asking UUID) shown {
	what := "claim of its lock"
	if n.Lock == string(Held) {
		what = "lock"
	}
	row, err := p.Row(u)
	if err != nil {
		if name := deletedAs(p, u); n.Agent != "" && u != asking && name != "" {
			t.clone.Notice(fail.Notice{Code: "lock", Text: fmt.Sprintf("issue %s was deleted: your %s is over", name, what)})
		}
		return shown{}
	}
	if n.Agent == "" {
		if row.Number == 0 {
			return n
		}
		t.clone.Notice(fail.Notice{Code: "numbered", Text: fmt.Sprintf("%s '%s' is %d now", row.Short, row.Title, row.Number)})
		return shown{}
	}
	c, err := Standing(p, u, n.Agent)
	if err != nil || c.Outcome == Pending || string(c.Outcome) == n.Lock {
		return n
	}
	name := fmt.Sprintf("%s '%s'", row.Name(), row.Title)
	tell := func(format string, args ...any) {
		if u != asking {
			t.clone.Notice(fail.Notice{Code: "lock", Text: fmt.Sprintf(format, args...)})
		}
	}
	held := n.Lock == string(Held)
	switch n.Lock = string(c.Outcome); c.Outcome {
	case Held:
		tell("%s is locked by you now (token %d)", name, c.Lock.Token)
		return n
	case Waiting:
		tell("you wait for the lock of %s, place %d; '%s' has it", name, c.Place, c.Lock.Holder)
		return n
	case Taken:
		if held {
			tell("your lock of %s was ended; '%s' has it now (token %d)", name, c.Lock.Holder, c.Lock.Token)
		} else {
			tell("%s was locked by '%s' first (token %d): your claim is over", name, c.Lock.Holder, c.Lock.Token)
		}
	case Closed:
		tell("%s is %s: your %s is over", name, row.Status, what)
	case Free:
		if held {
			tell("your lock of %s was ended", name)
		} else {
			tell("your claim of the lock of %s is over, and nobody holds it", name)
		}
	}
	return shown{}
}
