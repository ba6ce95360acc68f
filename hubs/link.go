package hubs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// Link is the connection of a clone's session to its hub. A hub may accept a connection and
// never answer: a laptop that was asleep, an ssh that waits for the touch of a key. The
// rules are:
//
//   - one process of a clone exchanges data with the hub at a time, for all of them: it
//     holds the sync lock;
//   - every conversation ends when nothing has come from the hub for Silence. A fetch
//     that receives data continues, however large it is. The progress of a push cannot
//     be seen, so a push has more time the more events it carries;
//   - if git may ask the user for a password, the time is five times as long;
//   - while nothing comes, the sync lock is released, so that other processes of the
//     clone can use a hub that answers;
//   - every push is paced (syncer/pace.go).
type Link struct {
	Hub     *Hub
	Contact *Contact
	Replica refs.Replica // nil until there is one
	Conf    refs.Config
	Pace    Pace
	Silence time.Duration
	Now     func() time.Time
	Sleep   func(time.Duration) // nil: really sleep
	Notice  func(fail.Notice)   // nil: drop notices

	Reached bool      // the hub was reached in this session
	Asked   time.Time // when its last fetch began

	ask     bool // git may ask for passwords on the terminal
	remote  refs.Remote
	release func() // releases the sync lock; nil if it is not held
}

const (
	letGo = 5 * time.Second // how long the hub is silent before others may go first
	look  = 250 * time.Millisecond

	// Insistent is how long a command waits for the sync lock if it needs the lock.
	Insistent = 30 * time.Second

	eventsPerSecond = 20 // speed of the slowest push that a command waits for
)

// ErrSilent ends a conversation in which the hub is silent for too long.
var ErrSilent = errors.New("the hub does not answer")

// Remote is the hub as git reaches it; it needs a replica.
func (l *Link) Remote() refs.Remote {
	if l.remote == nil {
		a := refs.Address{Name: l.Hub.Name, Config: l.Conf, Ask: l.ask}
		if l.Hub.Self {
			a.Name, a.URL = "", l.Hub.URL
		}
		l.remote = l.Replica.Remote(a)
	}
	return l.remote
}

// PushRemote is the repository that pushes go to, as git fetches from it.
func (l *Link) PushRemote() refs.Remote {
	return l.Replica.Remote(refs.Address{URL: l.Hub.PushURL, Config: l.Conf, Ask: l.ask})
}

// MayAsk sets whether git may ask for passwords on the terminal.
func (l *Link) MayAsk(may bool) { l.ask, l.remote = may, nil }

// Silent returns how long the hub may be silent.
func (l *Link) Silent() time.Duration {
	if l.ask {
		return 5 * l.Silence
	}
	return l.Silence
}

// Lock takes the sync lock, which is released while the hub is silent.
func (l *Link) Lock(ctx context.Context, wait time.Duration) (unlock func(), ok bool, err error) {
	release, ok, err := l.Replica.Lock(ctx, "sync", wait)
	if err != nil || !ok {
		return nil, ok, err
	}
	l.release = release
	return l.Unlock, true, nil
}

// Unlock releases the sync lock, if it is held.
func (l *Link) Unlock() {
	if l.release != nil {
		l.release()
		l.release = nil
	}
}

// converse runs a conversation with the hub, with a time limit. The caller holds the sync
// lock before and after.
func (l *Link) converse(ctx context.Context, events int, f func(context.Context) error) error {
	bounded, end := context.WithCancelCause(ctx)
	defer end(nil)
	done, remote := make(chan error, 1), l.Remote()
	go func() { done <- f(bounded) }()
	tick := time.NewTicker(look)
	defer tick.Stop()
	heard, came := time.Now().Add(time.Duration(events/eventsPerSecond)*time.Second), ""
	yielded := false
	for {
		select {
		case err := <-done:
			if yielded {
				if _, ok, lerr := l.Lock(ctx, Insistent); lerr != nil || !ok {
					return errors.Join(err, lerr, errors.New("another process of this clone has taken over"))
				}
			}
			if errors.Is(context.Cause(bounded), ErrSilent) && err != nil {
				return fmt.Errorf("%w: %w", ErrSilent, err)
			}
			return err
		case now := <-tick.C:
			if receiving := remote.Receiving(); receiving != came {
				came = receiving
				if now.After(heard) {
					heard = now
				}
				continue
			}
			switch quiet := now.Sub(heard); {
			case quiet > l.Silent():
				end(ErrSilent)
			case quiet > letGo && !yielded && l.release != nil:
				yielded = true
				l.Unlock()
			}
		}
	}
}

// Fetch fetches everything, with a time limit.
func (l *Link) Fetch(ctx context.Context) error {
	l.Asked = l.Now()
	return l.converse(ctx, 0, l.Remote().Fetch)
}

// Heads lists the branches of a repository, with a time limit.
func (l *Link) Heads(ctx context.Context, r refs.Remote) (heads map[string]refs.OID, err error) {
	err = l.converse(ctx, 0, func(ctx context.Context) (err error) {
		heads, err = r.Heads(ctx)
		return err
	})
	return heads, err
}

// Send makes one push that carries a number of events, with a time limit.
func (l *Link) Send(ctx context.Context, p refs.Push, events int) (res *refs.PushResult, err error) {
	err = l.converse(ctx, events, func(ctx context.Context) (err error) {
		res, err = l.Remote().Push(ctx, p)
		return err
	})
	return res, err
}

// pacedError means that no push was started, and says when one may start.
type pacedError struct{ syncer.Paced }

func (e *pacedError) Error() string { return e.Why }

// Push is a push outside of a run of the machine: it starts at once, or not at
// all. The caller holds the sync lock.
func (l *Link) Push(ctx context.Context, p refs.Push, t syncer.Task, events int) (*refs.PushResult, error) {
	pace, began := l.Pace.Read(), l.Now()
	if later := pace.May(began, t.Limits, t.Urgency, t.Insist); later != nil {
		return nil, &pacedError{*later}
	}
	l.Pace.Keep(pace.Started(began, t.Limits, t.Urgency))
	res, err := l.Send(ctx, p, events)
	e := Answered(ctx, p, res, err)
	if err != nil && e.Failure == syncer.None {
		return res, err
	}
	e.At, e.Took = l.At(), l.Now().Sub(began)
	pace, later := l.Pace.Read().Answered(e, t, began) // others may have pushed while the hub was silent
	l.Pace.Keep(pace)
	if later != nil {
		return nil, &pacedError{*later}
	}
	return res, err
}

// At is the current time, in the form that the machine uses.
func (l *Link) At() syncer.At { return syncer.At{Now: l.Now(), Jitter: rand.Float64()} }

// PushPatiently is a Push that waits until it may start, for pushes that a person waits
// for. doing names the command to repeat if the push fails.
func (l *Link) PushPatiently(ctx context.Context, p refs.Push, t syncer.Task, events int, doing string) (*refs.PushResult, error) {
	for {
		res, err := l.Push(ctx, p, t, events)
		paced, ok := errors.AsType[*pacedError](err)
		switch {
		case errors.Is(err, ErrSilent):
			return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "unanswered/push", Err: err, Message: SilentReason(l.Silent()) + ": the push may or may not have arrived",
				Fields: fail.Fields{"doing": doing}}
		case !ok:
			return res, err
		case paced.Busy:
			return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "busy/push", Message: fmt.Sprintf("%s: nothing was written there", paced.Why),
				Fields: fail.Fields{"doing": doing}}
		}
		l.Waiting(syncer.Wait{Until: paced.Until, Why: paced.Why})
		if !l.SleepUntil(ctx, paced.Until) {
			return nil, ctx.Err()
		}
	}
}

// Waiting prints why the command waits.
func (l *Link) Waiting(w syncer.Wait) {
	if d := w.Until.Sub(l.Now()); d >= time.Second && l.Notice != nil {
		l.Notice(fail.Notice{Code: "paced/waiting", Text: fmt.Sprintf("waiting %d s to push (%s)", int(d.Seconds())+1, w.Why)})
	}
}

// Memory is what the clone remembers about the hub, in the form that the machine uses.
func (l *Link) Memory() syncer.Memory { return l.Contact.Memory(l.Hub, l.Pace.Read()) }

// NoteBusy remembers that the hub answered a fetch as busy and must be left alone.
func (l *Link) NoteBusy(err error) {
	if re, ok := errors.AsType[*refs.RemoteError](err); ok && re.Busy() {
		p, _ := l.Pace.Read().Busy(l.Now(), BusyText(re.Status, ServerWords(re.Stderr)), re.RetryAfter, rand.Float64())
		l.Pace.Keep(p)
	}
}

// SleepUntil waits until a time; it returns false at once if ctx ends before.
func (l *Link) SleepUntil(ctx context.Context, at time.Time) bool {
	d := at.Sub(l.Now())
	if d <= 0 {
		return ctx.Err() == nil
	}
	if end, bounded := ctx.Deadline(); bounded && time.Now().Add(d).After(end) || ctx.Err() != nil {
		return false
	}
	if l.Sleep != nil {
		l.Sleep(d)
		return true
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
