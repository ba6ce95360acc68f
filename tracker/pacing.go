package tracker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

func (t *Tracker) pacePath() string {
	return filepath.Join(t.outer.CommonDir, "crosslink", "pace.json")
}

// readPace returns the note as of now: a note that cannot be read, or is of
// another hub, is none.
func (t *Tracker) readPace() pace {
	var p pace
	if readNote(t.pacePath(), maxPace, &p) != nil {
		p = pace{}
	}
	if t.hub != nil && p.Hub != t.hub.shown() {
		p = pace{Hub: t.hub.shown()}
	}
	p.asOf(t.now())
	return p
}

// notePace keeps the note. One that cannot be kept is no reason not to send.
func (t *Tracker) notePace(p pace) {
	_ = writeNote(t.pacePath(), p)
}

// perMinute is how many pushes a minute the hub is sent, 0 for any number: what
// crosslink.pushesPerMinute says; else what a known forge advises; else any
// number, unless it was busy or slow within the last hour. A path is not paced.
func (t *Tracker) perMinute(p pace) int {
	if n, set := t.count("crosslink.pushesPerMinute"); set {
		return n
	}
	if t.hub == nil || t.hub.self {
		return 0
	}
	n := t.forgeLimit()
	if n == 0 && !refs.IsLocal(t.pushTarget()) && p.Slowed.After(t.now()) {
		n = slowedPushes
	}
	return n
}

// mayStart is when a push of this urgency may start.
func (t *Tracker) mayStart(u urgency) time.Time {
	p := t.readPace()
	return latest(p.turn(t.perMinute(p), u), p.Until)
}

// urgency is that of what waits here to be sent or decided.
func (s *snapshot) urgency() urgency {
	most := facts
	for _, id := range s.agents() {
		if s.logs[id].here == "" {
			continue
		}
		for _, e := range s.pending(id) {
			switch e.Body.(type) {
			case *event.LockClaimed, *event.LockReleased, *event.LockBroken:
				return locks
			}
			most = numbers
		}
	}
	return most
}

// pacedError says that no push was started, and when one may be.
type pacedError struct {
	until time.Time
	why   string
	busy  bool // the hub said so, or did not answer; else it is our own measure
}

func (e *pacedError) Error() string { return e.why }

// push is every push there is: it starts at once, or not at all (*pacedError).
// The caller holds the sync lock.
func (t *Tracker) push(ctx context.Context, p refs.Push) (*refs.PushResult, error) {
	note, now := t.readPace(), t.now()
	if note.Until.After(now) && !t.insist {
		return nil, &pacedError{note.Until, note.Why, true}
	}
	n := t.perMinute(note)
	if at := note.turn(n, t.urgency); at.After(now) {
		return nil, &pacedError{at, limited(n, t.urgency), false}
	}
	if n > 0 {
		note.started(now, t.urgency)
		t.notePace(note)
	}
	var res *refs.PushResult
	unsent := 0
	if t.loaded != nil {
		unsent = t.loaded.unsent()
	}
	err := t.converse(ctx, unsent, func(ctx context.Context) (err error) {
		res, err = t.remote().Push(ctx, p)
		return err
	})
	ended, cut := t.now(), ctx.Err() == context.DeadlineExceeded || errors.Is(err, errSilent)
	note = t.readPace() // the sync lock was let go if the hub was silent: others may have pushed
	switch {
	case err == nil && res.Busy() && !allAccepted(p, res):
		why := fmt.Sprintf("the hub is busy (HTTP %d)", res.Status)
		if words := serverWords(res.Stderr); words != "" {
			why += ": " + words
		}
		return nil, t.holdOff(note, why, res.RetryAfter)
	case errors.Is(err, errSilent) && t.unwatched:
		t.holdOff(note, "the hub does not answer", 0)
	case err == nil || cut:
		if note.ended(ended, ended.Sub(now), t.wait(), cut) {
			t.notePace(note)
		}
	}
	return res, err
}

// holdOff leaves the hub alone for a while.
func (t *Tracker) holdOff(note pace, why string, asked time.Duration) *pacedError {
	note.busy(t.now(), why, asked)
	t.notePace(note)
	return &pacedError{note.Until, why, true}
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

// pushPatiently waits for its turn: for what somebody watches. again is the
// command to try again with.
func (t *Tracker) pushPatiently(ctx context.Context, p refs.Push, again string) (*refs.PushResult, error) {
	for {
		res, err := t.push(ctx, p)
		paced, ok := errors.AsType[*pacedError](err)
		if errors.Is(err, errSilent) {
			return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "unanswered", Err: err, Message: t.silentReason() + ": the push may or may not have arrived",
				Hints: []string{"when the hub answers again: git crosslink sync", "then, if the change is not there: " + again}}
		}
		if !ok {
			return res, err
		}
		if paced.busy {
			return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "busy", Message: fmt.Sprintf("%s: nothing was written there", paced.why),
				Hints: []string{"try again in a while: " + again}}
		}
		t.tellWaiting(paced)
		if !t.sleepUntil(ctx, paced.until) {
			return nil, ctx.Err()
		}
	}
}

// tellWaiting says why nothing happens just now.
func (t *Tracker) tellWaiting(paced *pacedError) {
	t.notice(fail.Notice{Code: "paced", Text: fmt.Sprintf("waiting %d s to push (%s)", int(paced.until.Sub(t.now()).Seconds())+1, paced.why)})
}

// checkPacing is the doctor's look at how the hub takes pushes.
func (t *Tracker) checkPacing(context.Context, *snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	p := t.readPace()
	if p.Until.After(t.now()) {
		found = append(found, fail.Diagnosis{Code: "busy", Severity: fail.Warning, Text: fmt.Sprintf("%s; it is left alone for %d s", p.Why, int(p.Until.Sub(t.now()).Seconds())+1),
			Hints: []string{"ask it now: git crosslink sync"}})
	}
	if _, set := t.count("crosslink.pushesPerMinute"); len(found) == 0 && p.Slowed.After(t.now()) && !set && t.hub != nil && t.forgeLimit() == 0 {
		found = append(found, fail.Diagnosis{Code: "slowed", Severity: fail.Note, Text: fmt.Sprintf("the hub was busy or slow; pushes are limited to %d a minute for another %d min",
			slowedPushes, int(p.Slowed.Sub(t.now()).Minutes())+1)})
	}
	if p.Slow {
		found = append(found, fail.Diagnosis{Code: "slow", Severity: fail.Note, Text: fmt.Sprintf("the hub takes longer than %d s, so writes are sent in the background", int(t.wait().Seconds()))})
	}
	return found, nil
}

// count is the value of a setting that is a number; false where it is not set, or
// none.
func (t *Tracker) count(key string) (n int, set bool) {
	n, err := strconv.Atoi(t.config(key))
	return n, err == nil && n >= 0
}
