// Package poll keeps the dashboard's database current. It looks at every project at each
// tick, computes facts, counters and alerts after a change, and fetches from hubs.
//
// The rules are:
//
//   - a pass begins at once and then every Period; a tick that comes while a pass
//     runs is dropped and counted;
//   - a pass looks at every active project. A project is in one worker at a time.
//     One that takes longer than Patience no longer delays others, and one that failed
//     is skipped for a while; at most slowLooks do so at a time;
//   - what goes wrong with one project, a panic included, is stored in its row and
//     touches no other;
//   - a project is computed again if its tracker has moved, or if the time has come
//     at which an answer changes by time alone;
//   - a hub on a network is fetched at most every RefreshEvery, less often the more
//     often it failed; a hub on a local path in the pass that finds it changed. A fetch
//     that somebody asks for (Kick) is never dropped, only put off;
//   - Run ends within two seconds of its context.
package poll

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
)

// The times by which the poller works.
const (
	Period       = 5 * time.Second
	Patience     = 2 * time.Second  // how long a project may keep a worker
	Deadline     = 20 * time.Second // how long a look at a project, or a fetch, may take
	RefreshEvery = 60 * time.Second
	refreshMax   = 30 * time.Minute
	refreshIdle  = 10 * time.Minute // where nobody has looked for a day
	idleAfter    = 24 * time.Hour
	kickApart    = 10 * time.Second // between the beginnings of two fetches
	failMax      = 5 * time.Minute
	workers      = 4
	slowLooks    = 20 // looks beside the workers that have used up their Patience, and not yet their Deadline
	perHost      = 2
	ending       = 1500 * time.Millisecond
)

// ErrGone means that the repository of a place no longer exists.
var ErrGone = errors.New("the repository is gone")

// Place is a repository through which a project is read. Its methods are not called at the
// same time, except for Refresh.
type Place interface {
	// Moved reports whether the data that Facts depends on has changed since the last call. The
	// first call returns true.
	Moved(ctx context.Context) (bool, error)
	// HubMoved reports whether a hub on a local path has changed since the last
	// Refresh that succeeded; false if the hub is on a network.
	HubMoved() bool
	// HubSeen describes the hub's refs as that Refresh found them, so that another process
	// can compare; "" if there is nothing to compare.
	HubSeen() string
	// Facts extracts the current facts, and returns whether the place can be written.
	Facts(ctx context.Context) (facts.Facts, db.Place, error)
	// Refresh fetches from the hub. It never pushes.
	Refresh(ctx context.Context) error
	// Hub returns the hub's host, "" for a local path. fetch is false if there is nothing to
	// fetch from.
	Hub() (host string, fetch bool)
	Close() error
}

// Options say what a Poller works with.
type Options struct {
	DB       *db.DB
	Open     func(context.Context, db.Project) (Place, error)
	Now      func() time.Time
	Ticks    <-chan time.Time               // nil is one every Period
	Patience time.Duration                  // 0 is the constant
	Changed  func()                         // called after something was stored; may be nil
	Failed   func(slug, what string, _ any) // reports a panic or another internal error; nil drops it
}

// Outcome says what looking at a project changed.
type Outcome struct{ Opened, Resolved int }

// Poller looks at projects.
type Poller struct {
	o       Options
	slots   chan struct{} // of the workers
	slow    chan struct{} // of looks that have used up their Patience
	skipped atomic.Int64
	passed  atomic.Int64 // when the last pass ended

	mu       sync.Mutex
	life     context.Context // of Run; fetches end with it
	ended    bool            // nothing new begins
	projects map[string]*project
	hosts    map[string]int // fetches that run
	running  sync.WaitGroup
}

// project is what the poller remembers of one.
type project struct {
	// Used only by the goroutine that has claimed the project.
	place Place
	path  string

	// Under Poller.mu.
	busy       bool          // somebody looks at it
	idle       chan struct{} // closed when that ends
	refreshing bool
	dirty      bool // look again, whether or not it moved
	failures   int  // of looks, in a row
	notBefore  time.Time
	refreshAt  time.Time
	fetched    time.Time // when the last fetch began
	kicked     bool      // somebody has asked for a fetch since then
	viewed     time.Time
}

// New returns a Poller that has looked at nothing yet.
func New(o Options) *Poller {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	if o.Failed == nil {
		o.Failed = func(string, string, any) {}
	}
	if o.Patience == 0 {
		o.Patience = Patience
	}
	return &Poller{o: o, life: context.Background(), slots: make(chan struct{}, workers), slow: make(chan struct{}, slowLooks),
		projects: map[string]*project{}, hosts: map[string]int{}}
}

// Run looks at all projects until the context ends.
func (p *Poller) Run(ctx context.Context) error {
	ticks := p.o.Ticks
	if ticks == nil {
		t := time.NewTicker(Period)
		defer t.Stop()
		ticks = t.C
	}
	p.mu.Lock()
	p.life = ctx
	p.mu.Unlock()
	defer p.close()
	for {
		if err := p.Pass(ctx); err != nil && ctx.Err() == nil {
			p.o.Failed("", "pass", err)
		}
		for drained := false; !drained; { // ticks that came meanwhile are dropped
			select {
			case <-ticks:
				p.skipped.Add(1)
			default:
				drained = true
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticks:
		}
	}
}

// Skipped counts the ticks that were dropped.
func (p *Poller) Skipped() int64 { return p.skipped.Load() }

// LastPass is when the last pass ended; zero before the first.
func (p *Poller) LastPass() time.Time {
	if n := p.passed.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// Pass looks at every active project that is due, once, and returns when each
// has been looked at or has used up its Patience.
func (p *Poller) Pass(ctx context.Context) error {
	active, err := p.o.DB.ActiveProjects(ctx)
	if err != nil {
		return err
	}
	p.forget(active)
	var pass sync.WaitGroup
	for _, id := range active {
		if ctx.Err() != nil {
			break
		}
		o := p.claim(id, false)
		if o == nil {
			continue
		}
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			p.release(o)
			p.running.Done()
			continue
		}
		pass.Add(1)
		turn := p.begin(pass.Done)
		go func() {
			defer p.running.Done()
			defer p.release(o)
			defer turn.end()
			p.look(ctx, id, o, true)
		}()
	}
	waited := make(chan struct{})
	go func() { pass.Wait(); close(waited) }()
	select {
	case <-waited:
	case <-ctx.Done():
	}
	p.passed.Store(p.o.Now().UnixNano())
	return ctx.Err()
}

// Poll looks at one project now, for somebody who waits.
func (p *Poller) Poll(ctx context.Context, id string) (Outcome, error) {
	return p.now(ctx, id, true)
}

// Look is Poll after a write to the project. It fetches nothing, because the new events are
// already here; the next pass sees events of other agents on the hub.
func (p *Poller) Look(ctx context.Context, id string) (Outcome, error) {
	return p.now(ctx, id, false)
}

func (p *Poller) now(ctx context.Context, id string, fetch bool) (Outcome, error) {
	row, err := p.o.DB.Project(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	o, err := p.await(ctx, row.ID)
	if o == nil {
		return Outcome{}, err
	}
	defer p.running.Done()
	defer p.release(o)
	return p.look(ctx, row.ID, o, fetch)
}

// await claims a project. A worker that has it may have looked before what the caller
// wrote, so its look is waited for, for as long as Patience lasts; then nil is returned,
// and the project is looked at again in any case.
func (p *Poller) await(ctx context.Context, id string) (*project, error) {
	late := time.NewTimer(p.o.Patience)
	defer late.Stop()
	for {
		if o := p.claim(id, true); o != nil {
			return o, nil
		}
		p.mu.Lock()
		o := p.known(id)
		idle := o.idle
		p.mu.Unlock()
		if idle == nil { // it has ended meanwhile, or the poller is stopping
			if p.over() {
				return nil, nil
			}
			continue
		}
		select {
		case <-idle:
		case <-late.C:
			p.mu.Lock()
			o.dirty = true
			p.mu.Unlock()
			return nil, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// over reports whether the poller is stopping, so that nothing new begins.
func (p *Poller) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// Kick makes the project due now, and a fetch of it as soon as kickApart has passed since
// the last one began. It returns how long until that fetch is due.
func (p *Poller) Kick(id string) (wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o, now := p.known(id), p.o.Now()
	o.kicked, o.notBefore, o.dirty = true, time.Time{}, true
	if o.refreshAt = o.fetched.Add(kickApart); o.refreshAt.Before(now) {
		o.refreshAt = now
	}
	return o.refreshAt.Sub(now)
}

// Viewed notes that somebody looks at a project.
func (p *Poller) Viewed(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known(id).viewed = p.o.Now()
}

func (p *Poller) known(id string) *project {
	o := p.projects[id]
	if o == nil {
		o = &project{viewed: p.o.Now()}
		p.projects[id] = o
	}
	return o
}

// claim returns the project if it is due, or asked for, and no worker has it.
// It counts as running then.
func (p *Poller) claim(id string, asked bool) *project {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.known(id)
	if o.busy || p.ended || !asked && p.o.Now().Before(o.notBefore) {
		return nil
	}
	o.busy, o.idle = true, make(chan struct{})
	p.running.Add(1)
	return o
}

func (p *Poller) release(o *project) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o.busy = false
	close(o.idle)
	o.idle = nil
}

// forget closes the places of projects that are no longer polled.
func (p *Poller) forget(active []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, o := range p.projects {
		if _, found := slices.BinarySearch(active, id); o.busy || o.refreshing || found {
			continue
		}
		o.drop()
		delete(p.projects, id)
	}
}

func (o *project) drop() {
	if o.place != nil {
		o.place.Close()
		o.place = nil
	}
}

// close waits for the workers, but not forever, and closes what they held.
func (p *Poller) close() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	done := make(chan struct{})
	go func() { p.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(ending):
		return // a worker hangs in the system; the process ends
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.projects {
		o.drop()
	}
}
