package tracker

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// What a session knows of its hub (package hubs), and what is told of it.

func (t *Tracker) contactPath() string {
	return filepath.Join(t.outer.CommonDir, "crosslink", "contact.json")
}

// chooseHub finds the hub and how to talk with it; the error says why the user has
// to choose. self: the repository is a hub itself.
func (t *Tracker) chooseHub(self bool) *fail.Error {
	var err *fail.Error
	t.hub, err = hubs.Choose(t.conf, t.contact, self, t.outer.CommonDir)
	if t.hub != nil && t.contact.Remote == "" && t.contact.URL != t.hub.Shown() { // what is noted is about another remote
		t.contact.Last, t.contact.URL, t.contact.Problems = time.Time{}, "", nil
	}
	t.link = &hubs.Link{Hub: t.hub, Contact: t.contact, Replica: t.replica, Conf: t.conf, Silence: t.silence(), Now: t.now, Sleep: t.o.Sleep, Notice: t.tell,
		Pace: hubs.PaceOf(t.hub, filepath.Join(t.outer.CommonDir, "crosslink", "pace.json"), t.now)}
	return err
}

// isHub reports whether the repository is a hub itself: crosslink.hub says so
// ('init --hub'), or it is bare, has no remote and holds a tracker that others
// pushed to it or 'init' made. What its clones share is then what it shows; a
// replica of its own beside that would be a second, private tracker.
func (t *Tracker) isHub(ctx context.Context) bool {
	if _, said := t.conf.Get("crosslink.hub"); said {
		return t.conf.Bool("crosslink.hub", false)
	}
	return t.outer.Bare && len(t.conf.Remotes()) == 0 && t.outer.HasRef(ctx, headRoot+metaName)
}

// hubName is the remote the tracker lives on, "" where there is none.
func (t *Tracker) hubName() string {
	if t.hub == nil {
		return t.contact.Remote
	}
	return t.hub.Name
}

// pin notes the remote that was chosen, for good; another name of one that was
// found before is noted when it was found there.
func (t *Tracker) pin() error {
	if t.hub == nil || t.contact.Remote == t.hub.Name || t.contact.Remote != "" && t.contact.Hub != "" {
		return nil
	}
	return t.contact.Remember(func(c *hubs.Note) { c.Remote = t.hub.Name })
}

// noteHub remembers, after a fetch, where the hub is and which.
func (t *Tracker) noteHub(ctx context.Context, problems []hubs.Problem, noMeta bool, other string, w wants) error {
	tip, err := t.metaTip(ctx)
	if err != nil {
		return err
	}
	id := t.contact.Hub
	if tip != "" && id == "" {
		id = t.readClaims(ctx, tip).Hub
	}
	here := !noMeta && other == ""
	if was := t.contact.URL; t.hub.Moved(t.contact) && here && tip != "" {
		t.notice(fail.Notice{Code: "hub-moved", Text: fmt.Sprintf("the tracker is found at '%s' now; it was at '%s'", t.hub.Shown(), was)})
	}
	problems = t.tellProblems(problems, noMeta, w)
	return t.contact.Remember(func(c *hubs.Note) {
		c.Last, c.Problems, c.NoMeta, c.Hub, c.Other = t.now(), problems, noMeta, id, other
		if here && (tip != "" || w.pin) {
			c.Remote = t.hub.Name
		}
		if here {
			c.URL = t.hub.Shown()
		}
	})
}

// metaTip is the hub's meta as it is believed here, "" for none.
func (t *Tracker) metaTip(ctx context.Context) (refs.OID, error) {
	all, err := t.local().Refs(ctx, hubRoot+metaName)
	if err != nil || len(all) == 0 || all[0].Name != hubRoot+metaName {
		return "", err
	}
	return all[0].OID, nil
}

// elsewhereError refuses what would mix this tracker with another one.
func (t *Tracker) elsewhereError() *fail.Error { return t.hub.ElsewhereError(t.contact) }

// tellElsewhere says to a reader that the remote holds another tracker.
func (t *Tracker) tellElsewhere() {
	if t.contact.Other != "" {
		e := t.elsewhereError()
		t.tellOnce(e.Notice(e.Message))
	}
}

// chooseFor chooses the hub for init: what was chosen before stands, unless
// nothing was found there yet.
func (t *Tracker) chooseFor(ctx context.Context, o InitOptions) error {
	known := t.contact.Hub != "" && t.hub != nil
	switch {
	case o.Self && known && !t.hub.Self:
		return t.hub.ChosenError("hub-chosen", "")
	case o.Self || o.Remote == "" && t.outer.Bare && t.hub == nil && t.unchosen() == nil:
		if o.Self && !t.isHub(ctx) {
			if err := t.outer.SetConfig(ctx, "crosslink.hub", "true"); err != nil {
				return t.unwritable(fmt.Errorf("set 'crosslink.hub': %w", err))
			}
		}
		t.chooseHub(true)
	case o.Remote == "" || t.hub != nil && t.hub.Name == o.Remote:
	case !slices.Contains(t.conf.Remotes(), o.Remote):
		return hubs.NoSuchRemote(o.Remote)
	case t.isHub(ctx):
		return t.hub.ChosenError("hub-chosen", "")
	case known && hubs.URLOf(t.conf, o.Remote) != t.hub.Shown(), hubs.Said(t.conf) != "":
		return t.hub.ChosenError("hub-chosen/look", o.Remote)
	default:
		t.contact.Remote = o.Remote
		t.chooseHub(false)
	}
	return t.chosen()
}

// chosen says why there is no hub, if the user has to choose.
func (t *Tracker) chosen() error {
	if e := t.unchosen(); e != nil {
		return e
	}
	return nil
}

func (t *Tracker) unchosen() *fail.Error {
	if t.hub != nil {
		return nil
	}
	_, err := hubs.Choose(t.conf, t.contact, false, t.outer.CommonDir)
	return err
}

// tell gives a notice if somebody reads it.
func (t *Tracker) tell(n fail.Notice) {
	if !t.unwatched {
		t.notice(n)
	}
}

// tellOnce gives a notice unless the same text was given since the last change.
func (t *Tracker) tellOnce(n fail.Notice) {
	if !t.unwatched && !t.contact.ToldBefore(n) {
		t.notice(n)
	}
}

// tellProblems tells those that are new and returns what is to be remembered.
func (t *Tracker) tellProblems(now []hubs.Problem, noMeta bool, w wants) []hubs.Problem {
	now, tell := t.contact.Found(now, t.unwatched, func(p hubs.Problem) fail.Notice {
		switch {
		case !noMeta || p.Ref != metaName:
			return fail.Notice{Code: "hub", Text: p.Text}
		case w.mend:
			return fail.Notice{}
		case t.hub.Moved(t.contact):
			return fail.Notice{Code: "hub/moved", Text: p.Text}
		}
		return fail.Notice{Code: "hub/lost", Text: p.Text}
	})
	for _, n := range tell {
		t.notice(n)
	}
	return now
}

// unfetched explains a fetch that failed. It fails for want of a connection, or
// because this side could not keep what it brought: a full disk, a lock. The two
// have different cures, so they are never told as one.
func (t *Tracker) unfetched(re *refs.RemoteError) *fail.Error {
	if e := t.hub.Unfetched(re, t.link.Silent()); e != nil {
		return e
	}
	if e, ok := t.unwritable(re).(*fail.Error); ok {
		return e
	}
	return &fail.Error{Kind: fail.Unconfirmed, Code: "not-stored",
		Message: fmt.Sprintf("what the hub on '%s' has could not be stored here: %s", t.hub.Name, hubs.GitWords(re)), Err: re}
}

// unfetchedReason is the same as a clause behind "kept here, sent later".
func (t *Tracker) unfetchedReason(re *refs.RemoteError) string {
	if why := hubs.UnfetchedReason(re, t.link.Silent()); why != "" {
		return why
	}
	why, _, _ := strings.Cut(t.unfetched(re).Message, ": nothing")
	return why
}

// shortened is what git said about the replica, with its paths as they are in
// the replica.
func (t *Tracker) shortened(says string) string {
	const most = 300
	says = strings.ReplaceAll(says, t.replica.Path()+"/", "")
	return strings.ToValidUTF8(says[:min(len(says), most)], "")
}

// urgency is that of what waits here to be sent or decided.
func urgency(s *reading.Snapshot) syncer.Urgency {
	most := syncer.Facts
	for _, id := range s.AgentIDs() {
		if s.Logs[id].Here == "" {
			continue
		}
		for _, e := range s.Pending(id) {
			switch e.Body.(type) {
			case *event.LockClaimed, *event.LockReleased, *event.LockBroken:
				return syncer.Locks
			}
			most = syncer.Numbers
		}
	}
	return most
}

// limits are what crosslink.pushesPerMinute says, or what a known forge advises.
func (t *Tracker) limits() syncer.Limits {
	return t.hub.Limits(t.conf.Count("crosslink.pushesPerMinute"))
}

// unsentHere is how many events a push may carry.
func (t *Tracker) unsentHere() int {
	if s := t.reads.Last(); s != nil {
		return s.Unsent()
	}
	return 0
}

// push is a push outside of a run (syncer/drive): it starts at once, or not at all.
func (t *Tracker) push(ctx context.Context, p refs.Push, u syncer.Urgency) (*refs.PushResult, error) {
	task := t.task(false, false)
	task.Urgency = u
	return t.link.Push(ctx, p, task, t.unsentHere())
}

// pushPatiently is a push that waits for its turn.
func (t *Tracker) pushPatiently(ctx context.Context, p refs.Push, doing string) (*refs.PushResult, error) {
	task := t.task(false, doing != changing)
	task.Urgency = syncer.Somebody
	return t.link.PushPatiently(ctx, p, task, t.unsentHere(), doing)
}

// What is done again where a push came to nothing; surfaces know its command.
const (
	founding  = "init"
	detaching = "detach"
	changing  = "change" // what was just done
)

// silence is how long the hub may say nothing.
func (t *Tracker) silence() time.Duration {
	if n, set := t.conf.Count("crosslink.timeout"); set && n > 0 {
		return time.Duration(min(n, maxWait)) * time.Second
	}
	return silence
}

var silence = time.Minute // crosslink.timeout, if that is not set

// tellUnbound says why what was written is not shared. Who asked not to talk to
// the hub is not told that nobody did.
func (t *Tracker) tellUnbound(unasked bool) {
	if t.contact.Other != "" {
		e := t.elsewhereError()
		t.tellOnce(e.Notice("kept here: " + t.hub.Elsewhere(t.contact)))
		return
	}
	if t.contact.Last.IsZero() && unasked {
		return
	}
	if t.contact.Last.IsZero() {
		t.tellOnce(fail.Notice{Code: "unreachable/kept", Text: fmt.Sprintf("kept here: the hub on '%s' is not reachable", t.hub.Name)})
		return
	}
	t.tellOnce(fail.Notice{Code: "unshared", Text: fmt.Sprintf("kept here: there is no tracker on '%s' yet", t.hub.Name)})
}
