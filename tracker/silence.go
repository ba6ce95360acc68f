package tracker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// A hub may take a connection and never answer: a laptop that was asleep, an ssh
// that waits for the touch of a key. The rules are:
//
//   - every conversation with a hub ends when nothing has come from it for
//     crosslink.timeout (silence). A fetch that receives anything goes on, however
//     large it is. What a push sends cannot be seen, so it has more time the more
//     events it carries;
//   - where git may ask the user for a password, the bound is five times that;
//   - while nothing comes, the sync lock is let go, so that other processes of the
//     clone can reach a hub that answers.
var (
	silence = time.Minute     // crosslink.timeout, if that is not set
	letGo   = 5 * time.Second // of silence, before others have their turn
	look    = 250 * time.Millisecond
)

// eventsPerSecond is the slowest push that is waited for.
const eventsPerSecond = 20

// errSilent ends a conversation in which the hub says nothing.
var errSilent = errors.New("the hub does not answer")

// silentFor is how long the hub may say nothing.
func (t *Tracker) silentFor() time.Duration {
	d := silence
	if n, set := t.count("crosslink.timeout"); set && n > 0 {
		d = time.Duration(min(n, maxWait)) * time.Second
	}
	if t.hub != nil && t.hub.ask {
		d *= 5
	}
	return d
}

// lockHub takes the sync lock: one process of a clone talks to the hub at a
// time, for all of them. The lock is let go while the hub says nothing.
func (t *Tracker) lockHub(ctx context.Context, wait time.Duration) (unlock func(), ok bool, err error) {
	release, ok, err := t.replica.Lock(ctx, "sync", wait)
	if err != nil || !ok {
		return nil, ok, err
	}
	t.release = release
	return t.unlockHub, true, nil
}

// unlockHub lets the sync lock go, if it is held.
func (t *Tracker) unlockHub() {
	if t.release != nil {
		t.release()
		t.release = nil
	}
}

// converse runs a conversation with the hub, within the bound. The caller holds
// the sync lock, before it and after it.
func (t *Tracker) converse(ctx context.Context, events int, f func(context.Context) error) error {
	bounded, end := context.WithCancelCause(ctx)
	defer end(nil)
	done, link := make(chan error, 1), t.remote()
	go func() { done <- f(bounded) }()
	tick := time.NewTicker(look)
	defer tick.Stop()
	heard, came := time.Now().Add(time.Duration(events/eventsPerSecond)*time.Second), ""
	yielded := false
	for {
		select {
		case err := <-done:
			if yielded {
				if _, ok, lerr := t.lockHub(ctx, insistent); lerr != nil || !ok {
					return errors.Join(err, lerr, errors.New("another process of this clone has taken over"))
				}
			}
			if errors.Is(context.Cause(bounded), errSilent) && err != nil {
				return fmt.Errorf("%w: %w", errSilent, err)
			}
			return err
		case now := <-tick.C:
			if is := link.Receiving(); is != came {
				came = is
				if now.After(heard) {
					heard = now
				}
				continue
			}
			switch quiet := now.Sub(heard); {
			case quiet > t.silentFor():
				end(errSilent)
			case quiet > letGo && !yielded && t.release != nil:
				yielded = true
				t.unlockHub()
			}
		}
	}
}

// fetchHub is the fetch of everything, within the bound.
func (t *Tracker) fetchHub(ctx context.Context) error {
	return t.converse(ctx, 0, t.remote().Fetch)
}

// heads are the branches of a hub, asked for within the bound.
func (t *Tracker) heads(ctx context.Context, r refs.Remote) (heads map[string]refs.OID, err error) {
	err = t.converse(ctx, 0, func(ctx context.Context) (err error) {
		heads, err = r.Heads(ctx)
		return err
	})
	return heads, err
}

// silentReason says so to the user.
func (t *Tracker) silentReason() string {
	return fmt.Sprintf("the hub has been silent for %d s", int(t.silentFor().Seconds()))
}
