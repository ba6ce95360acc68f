package tracker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Forges take few pushes a minute and answer 429 to more. The rules are:
//
//   - at most 6 pushes start in any 60 s, of all processes of a clone together,
//     whatever they are for. Half of them are kept for what is to be decided,
//     and the last one for those who wait: claims, --wait, sync, init;
//   - a push that nobody watches starts at the earliest 10 s after the last one,
//     so that what is written meanwhile goes with it;
//   - a server that is busy (429, 5xx, no answer at all) is left alone for as long as it asks,
//     else 30 s, twice as long each time, at most an hour; only 'git crosslink
//     sync' asks it before;
//   - a hub on this machine is not a forge and is not paced.
//     crosslink.pushesPerMinute says otherwise, 0 is no pacing.
//
// The note is read and written under the sync lock, so no push is missed.
const (
	pushesPerMinute = 6
	minute          = 60 * time.Second
	coalesce        = 10 * time.Second
	firstHold       = 30 * time.Second
	longestHold     = time.Hour
)

// urgency says how much of a minute's pushes a push may use up.
type urgency byte

const (
	facts    urgency = iota // nobody notices when they arrive
	numbers                 // an issue is shown without its number meanwhile
	somebody                // waits for it
)

// share is how many of n pushes a minute there may be before this one waits.
func (u urgency) share(n int) int {
	switch u {
	case facts:
		return n - n/2
	case numbers:
		return n - n/6
	}
	return n
}

// pace is what a clone remembers of its pushes.
type pace struct {
	Pushes []time.Time `json:"pushes,omitempty"` // when they started, those of the last minute
	Holds  int         `json:"holds,omitempty"`  // how often in a row the hub was busy
	Until  time.Time   `json:"until,omitzero"`   // it is left alone
	Why    string      `json:"why,omitempty"`
	Slow   bool        `json:"slow,omitempty"` // a push took longer than a command waits, and none less since
}

func (t *Tracker) pacePath() string {
	return filepath.Join(t.outer.CommonDir, "crosslink", "pace.json")
}

// readPace returns the note as of now: a note that cannot be read is none, and
// times that have not come yet, of a clock that was wrong, are now.
func (t *Tracker) readPace() pace {
	var p pace
	if readNote(t.pacePath(), maxPace, &p) != nil {
		p = pace{}
	}
	now := t.now()
	recent := p.Pushes[:0]
	for _, at := range p.Pushes {
		if at.After(now) {
			at = now
		}
		if now.Sub(at) < minute {
			recent = append(recent, at)
		}
	}
	p.Pushes = recent
	if p.Until.After(now.Add(2 * longestHold)) {
		p.Until = time.Time{}
	}
	return p
}

// notePace keeps the note. One that cannot be kept is no reason not to send.
func (t *Tracker) notePace(p pace) {
	_ = writeNote(t.pacePath(), p)
}

// perMinute is how many pushes a minute the hub is sent, 0 for any number.
func (t *Tracker) perMinute() int {
	if n, set := t.count("crosslink.pushesPerMinute"); set {
		return n
	}
	if t.hub == nil || t.hub.self || refs.IsLocal(t.hub.URL) {
		return 0
	}
	return pushesPerMinute
}

// slot is when the next push may start, from now on.
func (t *Tracker) slot(p pace) time.Time {
	n := t.perMinute()
	if n == 0 {
		return time.Time{}
	}
	n = t.urgency.share(n)
	if len(p.Pushes) < n {
		return time.Time{}
	}
	return p.Pushes[len(p.Pushes)-n].Add(minute)
}

// quiet is when a push that nobody watches may start.
func (t *Tracker) quiet() time.Time {
	p := t.readPace()
	at := t.slot(p)
	if n := len(p.Pushes); n > 0 && t.perMinute() > 0 && p.Pushes[n-1].Add(coalesce).After(at) {
		at = p.Pushes[n-1].Add(coalesce)
	}
	if p.Until.After(at) {
		at = p.Until
	}
	return at
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
	if at := t.slot(note); at.After(now) {
		return nil, &pacedError{at, fmt.Sprintf("the hub is sent no more than %d pushes in 60 s", t.perMinute()), false}
	}
	if t.perMinute() > 0 {
		note.Pushes = append(note.Pushes, now)
		t.notePace(note)
	}
	start := time.Now()
	res, err := t.remote().Push(ctx, p)
	slow := ctx.Err() == context.DeadlineExceeded || note.Slow && time.Since(start) > t.wait()
	switch {
	case err == nil && res.Busy() && !allAccepted(p, res):
		return nil, t.holdOff(note, fmt.Sprintf("the hub is busy (HTTP %d)", res.Status), res.RetryAfter)
	case err != nil && ctx.Err() == context.DeadlineExceeded && t.unwatched:
		t.holdOff(note, "the hub does not answer", 0)
	case slow != note.Slow || note.Holds > 0 && err == nil:
		note.Slow, note.Holds, note.Until, note.Why = slow, 0, time.Time{}, ""
		t.notePace(note)
	}
	return res, err
}

// holdOff leaves the hub alone for a while.
func (t *Tracker) holdOff(note pace, why string, asked time.Duration) *pacedError {
	wait := min(firstHold<<min(note.Holds, 10), longestHold)
	wait += rand.N(wait / 4) // not all clones at once
	note.Holds++
	note.Until, note.Why = t.now().Add(max(wait, min(asked, longestHold))), why
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
		if !ok {
			return res, err
		}
		if paced.busy {
			return nil, &Error{Kind: Unconfirmed, Name: "busy", Message: fmt.Sprintf("%s: nothing was written there", paced.why),
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
	t.notice(Notice{Name: "paced", Text: fmt.Sprintf("waiting %d s: %s", int(paced.until.Sub(t.now()).Seconds())+1, paced.why)})
}

// checkPacing is the doctor's look at how the hub takes pushes.
func (t *Tracker) checkPacing(context.Context, *snapshot) ([]Diagnosis, error) {
	var found []Diagnosis
	p := t.readPace()
	if p.Until.After(t.now()) {
		found = append(found, Diagnosis{"busy", Warning, fmt.Sprintf("%s; it is left alone for %d s", p.Why, int(p.Until.Sub(t.now()).Seconds())+1),
			[]string{"ask it now: git crosslink sync"}})
	}
	if p.Slow {
		found = append(found, Diagnosis{"slow", Note, fmt.Sprintf("the hub takes longer than %d s, so writes are sent in the background", int(t.wait().Seconds())), nil})
	}
	return found, nil
}
