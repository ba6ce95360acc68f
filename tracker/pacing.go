package tracker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strconv"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

func (t *Tracker) pacePath() string {
	return filepath.Join(t.outer.CommonDir, "crosslink", "pace.json")
}

// pace is the note of how a hub is paced.
type pace struct {
	Hub string `json:"hub,omitempty"` // its URL
	syncer.Pace
}

// readPace returns the note as of now: a note that cannot be read, or is of
// another hub, is none.
func (t *Tracker) readPace() syncer.Pace {
	var p pace
	if readNote(t.pacePath(), maxPace, &p) != nil || t.hub != nil && p.Hub != t.hub.shown() {
		p = pace{}
	}
	return p.AsOf(t.now())
}

// notePace keeps the note. One that cannot be kept is no reason not to send.
func (t *Tracker) notePace(p syncer.Pace) {
	if reflect.DeepEqual(p, t.readPace()) {
		return
	}
	n := pace{Pace: p}
	if t.hub != nil {
		n.Hub = t.hub.shown()
	}
	_ = writeNote(t.pacePath(), n)
}

// limits are what crosslink.pushesPerMinute says, or what a known forge advises.
func (t *Tracker) limits() syncer.Limits {
	if n, set := t.count("crosslink.pushesPerMinute"); set {
		return syncer.Limits{Set: true, PerMinute: n}
	}
	if t.hub == nil || t.hub.self {
		return syncer.Limits{Never: true}
	}
	return syncer.Limits{PerMinute: t.forgeLimit(), Never: refs.IsLocal(t.pushTarget())}
}

// urgency is that of what waits here to be sent or decided.
func (s *snapshot) urgency() syncer.Urgency {
	most := syncer.Facts
	for _, id := range s.agents() {
		if s.logs[id].here == "" {
			continue
		}
		for _, e := range s.pending(id) {
			switch e.Body.(type) {
			case *event.LockClaimed, *event.LockReleased, *event.LockBroken:
				return syncer.Locks
			}
			most = syncer.Numbers
		}
	}
	return most
}

// pacedError says that no push was started, and when one may be.
type pacedError struct{ syncer.Paced }

func (e *pacedError) Error() string { return e.Why }

// push is a push outside of a run (drive.go): it starts at once, or not at all
// (*pacedError). The caller holds the sync lock.
func (t *Tracker) push(ctx context.Context, p refs.Push, u syncer.Urgency) (*refs.PushResult, error) {
	note, task, began := t.readPace(), t.task(false), t.now()
	if later := note.May(began, task.Limits, u, t.insist); later != nil {
		return nil, &pacedError{*later}
	}
	t.notePace(note.Started(began, task.Limits, u))
	res, err := t.send(ctx, p)
	e := t.answered(ctx, p, res, err)
	if err != nil && e.Failure == syncer.None {
		return res, err
	}
	e.At, e.Took = syncer.At{Now: t.now(), Jitter: rand.Float64()}, t.now().Sub(began)
	note, later := t.readPace().Answered(e, task) // others may have pushed while the hub was silent
	t.notePace(note)
	if later != nil {
		return nil, &pacedError{*later}
	}
	return res, err
}

// send is every push there is.
func (t *Tracker) send(ctx context.Context, p refs.Push) (res *refs.PushResult, err error) {
	unsent := 0
	if t.loaded != nil {
		unsent = t.loaded.unsent()
	}
	err = t.converse(ctx, unsent, func(ctx context.Context) (err error) {
		res, err = t.remote().Push(ctx, p)
		return err
	})
	return res, err
}

// sleepUntil waits for a time; false, at once, if ctx ends before it comes.
func (t *Tracker) sleepUntil(ctx context.Context, at time.Time) bool {
	d := at.Sub(t.now())
	if d <= 0 {
		return ctx.Err() == nil
	}
	if end, bounded := ctx.Deadline(); bounded && time.Now().Add(d).After(end) || ctx.Err() != nil {
		return false
	}
	if t.o.Sleep != nil {
		t.o.Sleep(d)
		return true
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// What is done again where a push came to nothing; surfaces know its command.
const (
	founding  = "init"
	detaching = "detach"
	changing  = "change" // what was just done
)

// pushPatiently waits for its turn: for what somebody watches. doing is what is
// done again if nothing comes of it.
func (t *Tracker) pushPatiently(ctx context.Context, p refs.Push, doing string) (*refs.PushResult, error) {
	for {
		res, err := t.push(ctx, p, syncer.Somebody)
		paced, ok := errors.AsType[*pacedError](err)
		if errors.Is(err, errSilent) {
			return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "unanswered/push", Err: err, Message: t.silentReason() + ": the push may or may not have arrived",
				Fields: fail.Fields{"doing": doing}}
		}
		if !ok {
			return res, err
		}
		if paced.Busy {
			return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "busy/push", Message: fmt.Sprintf("%s: nothing was written there", paced.Why),
				Fields: fail.Fields{"doing": doing}}
		}
		t.tellWaiting(syncer.Wait{Until: paced.Until, Why: paced.Why})
		if !t.sleepUntil(ctx, paced.Until) {
			return nil, ctx.Err()
		}
	}
}

// tellWaiting says why nothing happens just now.
func (t *Tracker) tellWaiting(w syncer.Wait) {
	if d := w.Until.Sub(t.now()); d >= time.Second && !t.unwatched {
		t.notice(fail.Notice{Code: "paced/waiting", Text: fmt.Sprintf("waiting %d s to push (%s)", int(d.Seconds())+1, w.Why)})
	}
}

// checkPacing is the doctor's look at how the hub takes pushes.
func (t *Tracker) checkPacing(context.Context, *snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	p := t.readPace()
	if p.Until.After(t.now()) {
		found = append(found, fail.Diagnosis{Code: "busy", Severity: fail.Warning, Text: fmt.Sprintf("%s; it is left alone for %d s", p.Why, int(p.Until.Sub(t.now()).Seconds())+1)})
	}
	if _, set := t.count("crosslink.pushesPerMinute"); len(found) == 0 && p.Slowed.After(t.now()) && !set && t.hub != nil && t.forgeLimit() == 0 {
		found = append(found, fail.Diagnosis{Code: "slowed", Severity: fail.Note, Text: fmt.Sprintf("the hub was busy or slow; pushes are limited to %d a minute for another %d min",
			syncer.SlowedPushes, int(p.Slowed.Sub(t.now()).Minutes())+1)})
	}
	if p.Slow(t.now()) {
		found = append(found, fail.Diagnosis{Code: "slow", Severity: fail.Note, Text: fmt.Sprintf("the last push took longer than %d s, so writes are sent in the background", int(t.wait().Seconds()))})
	}
	return found, nil
}

// count is the value of a setting that is a number; false where it is not set, or
// none.
func (t *Tracker) count(key string) (n int, set bool) {
	n, err := strconv.Atoi(t.config(key))
	return n, err == nil && n >= 0
}
