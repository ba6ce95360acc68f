package tracker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ownlog"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/store"
)

// Repo is a repository with a tracker, for a long-lived program: its location and the git
// configuration at the time it was opened. A Repo is immutable and safe for concurrent
// use. Between calls it holds no files, processes or state of the tracker. Each call opens
// a session of its own and sees the tracker as it is then.
type Repo struct {
	site clone.Site

	mu   sync.Mutex
	read string // stamp of the data that the last read used; "" if there is none
}

// OpenRepo finds the repository of o.Dir. It writes nothing.
func OpenRepo(ctx context.Context, o Options) (*Repo, error) {
	site, err := clone.Find(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Repo{site: site}, nil
}

// Session opens the tracker for a few related calls of one goroutine.
func (r *Repo) Session(ctx context.Context) (*Tracker, error) {
	c, err := r.site.Open(ctx)
	if err != nil {
		return nil, err
	}
	x := &exchange.Exchange{Clone: c}
	return &Tracker{clone: c, exchange: x, writer: &ownlog.Writer{Exchange: x}}, nil
}

// Do runs f in a session of its own. f must not use the session or its results after it
// returns.
func (r *Repo) Do(ctx context.Context, f func(*Tracker) error) error {
	t, err := r.Session(ctx)
	if err != nil {
		return err
	}
	stamp := r.site.Stamp()
	err = f(t)
	if cerr := t.Close(); err == nil {
		err = cerr
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.read = stamp; err != nil {
		r.read = "" // perhaps nothing was read
	}
	return err
}

// Moved reports whether the result of a read may have changed since the last call of Do,
// Summary or Lines began. It starts no process, uses no network and reads no object. For a
// few seconds after a change it may report true without a reason, but it never misses a
// change.
func (r *Repo) Moved(context.Context) (bool, error) {
	now := r.site.Stamp()
	r.mu.Lock()
	defer r.mu.Unlock()
	return now == "" || now != r.read, nil
}

// Refresh fetches from the hub and accepts valid refs. It pushes nothing and never asks
// for a password. An unreachable hub is an error.
func (r *Repo) Refresh(ctx context.Context) error {
	t, err := r.Session(ctx)
	if err != nil {
		return err
	}
	err = t.refresh(ctx)
	return errors.Join(err, t.Close())
}

func (t *Tracker) refresh(ctx context.Context) error {
	if err := t.clone.Chosen(); err != nil || t.clone.Hub == nil {
		return err
	}
	if err := t.clone.EnsureReplica(ctx); err != nil {
		return t.clone.Unwritable(err)
	}
	unlock, free, err := t.clone.Link.Lock(ctx, hubs.Insistent)
	if err != nil || !free {
		return err // another process is fetching
	}
	defer unlock()
	err = t.exchange.Fetch(ctx)
	if re, ok := errors.AsType[*refs.RemoteError](err); ok {
		return t.clone.Unfetched(re)
	}
	if err == nil && t.clone.Contact.Other != "" {
		return t.clone.ElsewhereError()
	}
	return t.clone.Unwritable(err)
}

// Summary is the state of a tracker in numbers.
type Summary struct {
	Open        int       // issues
	Unsent      int       // events that the hub does not have
	Undecided   int       // events that wait for a step of the ledger
	Problems    int       // problems with the hub that the last fetch found
	LastContact time.Time // with the hub; zero means never
}

// Summary returns a Summary of the local data, without contacting the hub.
func (r *Repo) Summary(ctx context.Context) (s Summary, err error) {
	err = r.Do(ctx, func(t *Tracker) error {
		p, _, err := t.current(ctx) // makes the store from which the next call answers
		if err != nil {
			return err
		}
		if _, s.Open, err = p.List(store.Filter{Status: "open", Limit: 1}); err != nil {
			return err
		}
		is, err := t.clone.Reads.Load(ctx)
		if err != nil {
			return err
		}
		if s.Undecided = is.AllUndecided(); t.clone.Hub != nil {
			s.Unsent = is.Unsent()
		}
		s.Problems, s.LastContact = len(t.clone.Contact.Problems)+t.clone.Contact.Unlisted(), t.clone.Contact.Last
		return nil
	})
	return s, err
}

// Cursor is the position of a reader of Lines in each log, by agent.
type Cursor map[string]Position

// Position is the last event of a log that a reader received.
type Position struct {
	Seq  uint64     `json:"seq"`
	Hash string     `json:"hash"`
	Time event.Time `json:"time"`
}

// Lines returns the events after the cursor that count, in the order in which they apply,
// and the next cursor. It reads only the new part of each log. An event that is approved
// later is returned when it starts to count; an event that stops counting is not reported.
func (r *Repo) Lines(ctx context.Context, after Cursor) (lines []*event.Envelope, next Cursor, err error) {
	err = r.Do(ctx, func(t *Tracker) error {
		lines, next, err = t.Lines(ctx, after)
		return err
	})
	return lines, next, err
}

// Lines is Repo.Lines within a session.
func (t *Tracker) Lines(ctx context.Context, after Cursor) (lines []*event.Envelope, next Cursor, err error) {
	if next = maps.Clone(after); next == nil {
		next = Cursor{}
	}
	s, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return nil, next, err
	}
	for _, id := range s.AgentIDs() {
		if s.Counted(id) <= after[id].Seq {
			continue
		}
		fresh, err := t.linesBeyond(ctx, s.Log(id), after[id])
		if err != nil {
			return nil, next, err
		}
		if lines = append(lines, fresh...); len(fresh) > 0 {
			last := fresh[len(fresh)-1]
			next[id] = Position{last.Seq, event.Hash(last.Raw), last.Time}
		}
	}
	slices.SortFunc(lines, func(a, b *event.Envelope) int { return a.Key().Compare(b.Key()) })
	return lines, next, nil
}

// Tail returns a cursor that leaves at most n events in each log, and none in logs without
// events since a time. Only events that count are included.
func (t *Tracker) Tail(ctx context.Context, n int, since event.Time) (Cursor, error) {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	at := Cursor{}
	for _, l := range s.Logs() {
		seq := l.Counted
		if l.Shown >= since {
			seq -= min(seq, uint64(n))
		}
		e, err := t.clone.Reads.Line(ctx, l, seq)
		if refs.IgnoreMissing(err) != nil {
			return nil, err
		}
		if e != nil {
			at[l.Agent] = Position{e.Seq, event.Hash(e.Raw), e.Time}
		}
	}
	return at, nil
}

// linesBeyond reads the counted lines of a log after a position. A log that was written
// again, for another hub, is read from its first line.
func (t *Tracker) linesBeyond(ctx context.Context, l *reading.Log, p Position) ([]*event.Envelope, error) {
	hash, err := t.clone.Reads.Hash(ctx, l, p.Seq)
	if err != nil {
		return nil, err
	}
	from := l.Begin()
	if p.Seq > 0 && hash == p.Hash {
		from.Seq, from.Hash, from.Time = p.Seq, p.Hash, p.Time
	}
	lines, err := t.clone.Reads.LinesAfter(ctx, l, from)
	return slices.DeleteFunc(lines, func(e *event.Envelope) bool { return e.Seq <= p.Seq || e.Seq > l.Counted }), err
}
