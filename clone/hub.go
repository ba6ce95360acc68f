package clone

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/syncer"
)

func (c *Clone) contactPath() string {
	return filepath.Join(c.Outer.CommonDir, "crosslink", "contact.json")
}

// ChooseHub finds the hub and the link to it. The error explains why the user has to
// choose. self: the repository is a hub itself.
func (c *Clone) ChooseHub(self bool) *fail.Error {
	var err *fail.Error
	c.Hub, err = hubs.Choose(c.Conf, c.Contact, self, c.Outer.CommonDir)
	if c.Hub != nil && c.Contact.Remote == "" && c.Contact.URL != c.Hub.Shown() { // the stored data is about another remote
		c.Contact.Last, c.Contact.URL, c.Contact.Problems = time.Time{}, "", nil
	}
	c.Link = &hubs.Link{Hub: c.Hub, Contact: c.Contact, Replica: c.Replica, Conf: c.Conf, Silence: c.silence(), Now: c.Now, Sleep: c.Options.Sleep, Notice: c.tell,
		Pace: hubs.PaceOf(c.Hub, filepath.Join(c.Outer.CommonDir, "crosslink", "pace.json"), c.Now)}
	return err
}

// IsHub reports whether the repository is a hub itself: crosslink.hub is set ('init
// --hub'), or it is bare, has no remote and has a tracker that others pushed to it or
// 'init' created. Then it shows what its clones share; a replica beside that would be a
// second, private tracker.
func (c *Clone) IsHub(ctx context.Context) bool {
	if _, said := c.Conf.Get("crosslink.hub"); said {
		return c.Conf.Bool("crosslink.hub", false)
	}
	return c.Outer.Bare && len(c.Conf.Remotes()) == 0 && c.Outer.HasRef(ctx, replay.HereRoot+replay.MetaName)
}

// HubName is the remote that has the tracker, "" if there is none.
func (c *Clone) HubName() string {
	if c.Hub == nil {
		return c.Contact.Remote
	}
	return c.Hub.Name
}

// Pin stores the chosen remote permanently. A new name of a known hub is stored when the
// hub is found there.
func (c *Clone) Pin() error {
	if c.Hub == nil || c.Contact.Remote == c.Hub.Name || c.Contact.Remote != "" && c.Contact.Hub != "" {
		return nil
	}
	return c.Contact.Remember(func(note *hubs.Note) { note.Remote = c.Hub.Name })
}

// MetaTip returns the accepted tip of the hub's meta, "" for none.
func (c *Clone) MetaTip(ctx context.Context) (refs.OID, error) {
	all, err := c.Local().Refs(ctx, replay.HubRoot+replay.MetaName)
	if err != nil || len(all) == 0 || all[0].Name != replay.HubRoot+replay.MetaName {
		return "", err
	}
	return all[0].OID, nil
}

// ElsewhereError refuses an action that would mix this tracker with another one.
func (c *Clone) ElsewhereError() *fail.Error {
	e := c.Hub.ElsewhereError(c.Contact)
	if c.Contact.WasMigrated() && c.Replica != nil {
		e.Fields = fail.Fields{"path": filepath.Dir(c.Replica.Path())}
		if n := c.unsentHere(); n > 0 {
			e.Code, e.Message = "other-hub/unsent", fmt.Sprintf("%s; events that only this clone has: %d", e.Message, n)
		}
	}
	return e
}

// TellElsewhere gives the notice that the remote has another tracker.
func (c *Clone) TellElsewhere() {
	if c.Contact.Other != "" {
		e := c.ElsewhereError()
		c.TellOnce(e.Notice(e.Message))
	}
}

// Chosen returns an error if there is no hub and the user has to choose.
func (c *Clone) Chosen() error {
	if e := c.Unchosen(); e != nil {
		return e
	}
	return nil
}

// Unchosen returns why there is no hub, if the user has to choose; otherwise nil.
func (c *Clone) Unchosen() *fail.Error {
	if c.Hub != nil {
		return nil
	}
	_, err := hubs.Choose(c.Conf, c.Contact, false, c.Outer.CommonDir)
	return err
}

// tell gives a notice if somebody reads it.
func (c *Clone) tell(n fail.Notice) {
	if !c.Unwatched {
		c.Notice(n)
	}
}

// TellOnce gives a notice unless the same text was given since the last change.
func (c *Clone) TellOnce(n fail.Notice) {
	if !c.Unwatched && !c.Contact.ToldBefore(n) {
		c.Notice(n)
	}
}

// Unfetched explains a failed fetch. It fails because there is no connection, or because
// this side could not store the result: a full disk, a lock. The two cases have different
// hints, so they have different messages.
func (c *Clone) Unfetched(re *refs.RemoteError) *fail.Error {
	if e := c.Hub.Unfetched(re, c.Link.Silent()); e != nil {
		return e
	}
	if e, ok := c.Unwritable(re).(*fail.Error); ok {
		return e
	}
	return &fail.Error{Kind: fail.Unconfirmed, Code: "not-stored",
		Message: fmt.Sprintf("cannot store here what was fetched from the hub on '%s': %s", c.Hub.Name, hubs.GitWords(re)), Err: re}
}

// UnfetchedReason returns the same as a clause that follows "saved locally".
func (c *Clone) UnfetchedReason(re *refs.RemoteError) string {
	if why := hubs.UnfetchedReason(re, c.Link.Silent()); why != "" {
		return why
	}
	why, _, _ := strings.Cut(c.Unfetched(re).Message, ": nothing")
	return why
}

// Shortened shortens a message of git about the replica: paths are relative to the replica.
func (c *Clone) Shortened(says string) string {
	const most = 300
	says = strings.ReplaceAll(says, c.Replica.Path()+"/", "")
	return strings.ToValidUTF8(says[:min(len(says), most)], "")
}

// Urgency returns the urgency of the lines that wait here to be sent or decided. Nobody
// waits for the lock of an issue that its holder has closed, so its release is no more
// urgent than a number.
func Urgency(s *reading.Snapshot) syncer.Urgency {
	most := syncer.Facts
	for _, l := range s.Active() {
		if l.Here == "" {
			continue
		}
		for _, e := range s.Pending(l.Agent) {
			switch b := e.Body.(type) {
			case *event.LockClaimed, *event.LockBroken:
				return syncer.Locks
			case *event.LockReleased:
				if i, err := s.View.Row(b.Issue); err != nil || i.Status == event.Open {
					return syncer.Locks
				}
			}
			most = syncer.Numbers
		}
	}
	return most
}

// Limits returns crosslink.pushesPerMinute or a known forge's recommendation, and the hub's
// own limit.
func (c *Clone) Limits() syncer.Limits {
	l := c.Hub.Limits(c.Conf.Count("crosslink.pushesPerMinute"))
	if s := c.Reads.Last(); s != nil {
		l.Hub = c.Shared(s)
	}
	return l
}

// activeFor is how long after its newest event an agent shares the hub's limit.
const activeFor = 10 * time.Minute

// Shared returns the limit that all clones of the hub share, and among how many agents.
func (c *Clone) Shared(s *reading.Snapshot) syncer.Shared {
	if s.Meta == nil || !s.Bound || c.Hub == nil || c.Hub.Self || s.Meta.PushesPerMinute() == 0 {
		return syncer.Shared{}
	}
	h := syncer.Shared{PerMinute: s.Meta.PushesPerMinute()}
	h.Active, h.Here = s.WroteSince(max(event.TimeOf(c.Now()), s.Newest) - event.Time(activeFor))
	return h
}

// unsentHere returns how many events a push may carry.
func (c *Clone) unsentHere() int {
	if s := c.Reads.Last(); s != nil {
		return s.Unsent()
	}
	return 0
}

// push is a push outside of a run (syncer/drive): it starts at once, or not at all.
func (c *Clone) push(ctx context.Context, p refs.Push, u syncer.Urgency) (*refs.PushResult, error) {
	task := c.Task(false, false)
	task.Urgency = u
	return c.Link.Push(ctx, p, task, c.unsentHere())
}

// PushPatiently is a push that waits until it may start.
func (c *Clone) PushPatiently(ctx context.Context, p refs.Push, doing string) (*refs.PushResult, error) {
	task := c.Task(false, doing != Changing)
	task.Urgency = syncer.Somebody
	return c.Link.PushPatiently(ctx, p, task, c.unsentHere(), doing)
}

// Names of actions to repeat after a failed push; each surface knows the command.
const (
	Founding  = "init"
	Detaching = "detach"
	Migrating = "migrate"
	Folding   = "fold"
	Changing  = "change" // the action that was just done
)

// silence returns how long the hub may be silent.
func (c *Clone) silence() time.Duration {
	if n, set := c.Conf.Count("crosslink.timeout"); set && n > 0 {
		return time.Duration(min(n, maxWait)) * time.Second
	}
	return Silence
}

var Silence = time.Minute // default of crosslink.timeout

// TellUnbound gives the notice why changes are not shared. If the hub was not contacted on
// purpose, there is no notice that it was not reached.
func (c *Clone) TellUnbound(unasked bool) {
	if c.Contact.Other != "" {
		e := c.ElsewhereError()
		c.TellOnce(e.Notice("saved locally: " + c.Hub.Elsewhere(c.Contact)))
		return
	}
	if c.Contact.Last.IsZero() && unasked {
		return
	}
	if c.Contact.Last.IsZero() {
		c.TellOnce(fail.Notice{Code: "unreachable/kept", Text: fmt.Sprintf("saved locally: the hub on '%s' is not reachable", c.Hub.Name)})
		return
	}
	c.TellOnce(fail.Notice{Code: "unshared", Text: fmt.Sprintf("saved locally: there is no tracker on '%s' yet", c.Hub.Name)})
}

// Task returns the task of a run. insist: contact a hub again that was busy or has refused
// something.
func (c *Clone) Task(decide, insist bool) syncer.Task {
	u := syncer.Facts
	if insist {
		u = syncer.Somebody
	}
	return syncer.Task{Decide: decide, Insist: insist, Background: c.Unwatched, Look: c.Hub.Moved(c.Contact) || c.Contact.Other != "",
		Looked: c.Contact.Last, Urgency: u, Limits: c.Limits(), CommandWait: c.Wait(), Own: replay.Agents + c.Agent}
}
