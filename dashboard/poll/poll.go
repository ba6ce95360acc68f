// Package poll keeps the dashboard's database true: it looks at every project
// again and again, computes facts, counters and alerts where something has
// changed, and fetches from hubs now and then.
//
// The rules are:
//
//   - a pass begins at once and then every Period; a tick that comes while a pass
//     runs is dropped and counted;
//   - a pass looks at every active project. A project is in one worker at a time.
//     One that does not answer within Patience no longer keeps others waiting, and
//     is left alone for a while when it has failed;
//   - what goes wrong with one project, a panic included, is stored in its row and
//     touches no other;
//   - a project is computed anew if its tracker has moved, or if the time has come
//     at which an answer changes by time alone;
//   - a hub on a network is fetched at most every RefreshEvery, less often the more
//     often it failed; a hub on a local path in the pass that finds it changed;
//   - Run ends within two seconds of its context.
package poll

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/fault"
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
	kickApart    = 10 * time.Second // between two fetches that a person asked for
	failMax      = 5 * time.Minute
	workers      = 4
	perHost      = 2
	ending       = 1500 * time.Millisecond
)

// ErrGone says that the repository of a place is not there any more.
var ErrGone = errors.New("the repository is gone")

// Place is a repository through which a project is read. Its methods are not
// called at the same time, but for Refresh.
type Place interface {
	// Moved reports whether what Facts follow from has changed since it was asked
	// last. It is true the first time.
	Moved(ctx context.Context) (bool, error)
	// HubMoved reports whether a hub on a local path has changed since the last
	// Refresh that succeeded; false where the hub is on a network.
	HubMoved() bool
	// Facts extracts the facts of now, and says whether the place may be written.
	Facts(ctx context.Context) (facts.Facts, db.Place, error)
	// Refresh fetches from the hub. It never pushes.
	Refresh(ctx context.Context) error
	// Hub says where the hub is: a host's name, "" for a local path.
	// fetch is false where there is nothing to fetch from.
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
	Changed  func()                         // told after something was stored; nil drops it
	Failed   func(slug, what string, _ any) // told of a worker's panic; nil drops it
}

// Outcome says what looking at a project changed.
type Outcome struct{ Opened, Resolved int }

// Poller looks at projects.
type Poller struct {
	o       Options
	slots   chan struct{}
	skipped atomic.Int64
	passed  atomic.Int64 // when the last pass ended

	mu       sync.Mutex
	life     context.Context // of Run; fetches end with it
	ended    bool            // nothing begins any more
	projects map[string]*project
	hosts    map[string]int // fetches that run
	running  sync.WaitGroup
}

// project is what the poller remembers of one.
type project struct {
	// Of whoever made it busy.
	place Place
	path  string

	// Under Poller.mu.
	busy       bool // somebody looks at it
	refreshing bool
	dirty      bool // look again, whether or not it moved
	failures   int  // of looks, in a row
	notBefore  time.Time
	refreshAt  time.Time
	kicked     time.Time
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
	return &Poller{o: o, life: context.Background(), slots: make(chan struct{}, workers), projects: map[string]*project{}, hosts: map[string]int{}}
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
	all, err := p.o.DB.Projects(ctx)
	if err != nil {
		return err
	}
	p.forget(all)
	slices.SortFunc(all, func(a, b db.Project) int { return compare(a.ID, b.ID) })
	var pass sync.WaitGroup
	for _, row := range all {
		if row.Status != db.Active || ctx.Err() != nil {
			continue
		}
		o := p.claim(row.ID, false)
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
		free := sync.OnceFunc(func() { <-p.slots; pass.Done() })
		slow := time.AfterFunc(p.o.Patience, free)
		go func() {
			defer p.running.Done()
			defer p.release(o)
			defer func() { slow.Stop(); free() }()
			p.look(ctx, row, o)
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

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Poll looks at one project now, for somebody who waits.
func (p *Poller) Poll(ctx context.Context, id string) (Outcome, error) {
	row, err := p.o.DB.Project(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	o := p.claim(row.ID, true)
	if o == nil {
		return Outcome{}, nil // a worker has it: it is being looked at
	}
	defer p.running.Done()
	defer p.release(o)
	return p.look(ctx, row, o)
}

// Kick makes a fetch of a project due now, and the project itself.
func (p *Poller) Kick(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	o, now := p.known(id), p.o.Now()
	if now.Sub(o.kicked) < kickApart {
		return false
	}
	o.kicked, o.refreshAt, o.notBefore, o.dirty = now, now, time.Time{}, true
	return true
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
	o.busy = true
	p.running.Add(1)
	return o
}

func (p *Poller) release(o *project) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o.busy = false
}

// forget closes the places of projects that are not polled any more.
func (p *Poller) forget(all []db.Project) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, o := range p.projects {
		k := slices.IndexFunc(all, func(row db.Project) bool { return row.ID == id })
		if o.busy || o.refreshing || k >= 0 && all[k].Status == db.Active {
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

// close waits for the workers, but not for ever, and closes what they held.
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

// look looks at a project and stores what it finds.
func (p *Poller) look(ctx context.Context, row db.Project, o *project) (out Outcome, err error) {
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			p.o.Failed(row.Slug, "panic", fmt.Sprintf("%v\n%s", r, debug.Stack()))
			o.drop()
			err = fmt.Errorf("internal error: %v", r)
			p.failed(ctx, row, o, err)
		}
	}()
	out, err = p.step(ctx, row, o)
	switch {
	case err != nil && errors.Is(context.Cause(ctx), context.Canceled):
	case err != nil:
		p.failed(ctx, row, o, err)
		fault.Point("dashboard-failed")
	default:
		p.mu.Lock()
		o.failures, o.notBefore = 0, time.Time{}
		p.mu.Unlock()
	}
	return out, err
}

// failed stores why a project cannot be read, and leaves it alone for a while.
func (p *Poller) failed(ctx context.Context, row db.Project, o *project, why error) {
	p.mu.Lock()
	wait := min(Period<<min(o.failures, 10), failMax)
	o.failures++
	o.notBefore = p.o.Now().Add(wait)
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Patience)
	defer cancel()
	if err := p.o.DB.PollFailed(ctx, alerts.Project{ID: row.ID, Slug: row.Slug}, event.TimeOf(p.o.Now()), why.Error()); err != nil && !errors.Is(err, db.ErrNotFound) {
		p.o.Failed(row.Slug, "store", err)
	}
	p.o.Changed()
}

// step is one look at a project.
func (p *Poller) step(ctx context.Context, row db.Project, o *project) (Outcome, error) {
	if o.place != nil && o.path != row.Place.Path {
		o.drop()
	}
	if o.place == nil {
		place, err := p.o.Open(ctx, row)
		if errors.Is(err, ErrGone) {
			return p.gone(ctx, row, o)
		}
		if err != nil {
			return Outcome{}, err
		}
		o.place, o.path = place, row.Place.Path
	}
	if host, fetch := o.place.Hub(); fetch && host == "" && row.Failures == 0 && o.place.HubMoved() {
		if _, err := p.refresh(ctx, row, o.place); err != nil {
			return Outcome{}, err
		}
		again, err := p.o.DB.Project(ctx, row.ID)
		if err != nil {
			return Outcome{}, err
		}
		row = again
		p.mu.Lock()
		o.dirty = true // a fetch also tells what is wrong with the hub
		p.mu.Unlock()
	} else {
		p.refreshIfDue(ctx, row, o)
	}
	moved, err := o.place.Moved(ctx)
	if errors.Is(err, ErrGone) {
		o.drop()
		return p.gone(ctx, row, o)
	}
	if err != nil {
		o.drop() // what is held may be what is wrong
		return Outcome{}, err
	}
	p.mu.Lock()
	again := o.dirty
	o.dirty = false
	p.mu.Unlock()
	f, place := row.State.Facts, row.Place
	switch now := event.TimeOf(p.o.Now()); {
	case moved || again:
		was := f
		if f, place, err = o.place.Facts(ctx); err != nil {
			o.drop()
			return Outcome{}, err
		}
		f.Continue(&was)
		if place.URL != row.Place.URL || place.Agent != row.Place.Agent || place.Capability != row.Place.Capability || place.Cure != row.Place.Cure {
			if err := p.o.DB.Capability(ctx, row.ID, place); err != nil {
				return Outcome{}, err
			}
		}
	case row.State.NextDue != 0 && row.State.NextDue <= now || row.PollError != "":
	default:
		return Outcome{}, nil
	}
	host, fetch := o.place.Hub()
	h := &f.Health
	h.Remote, h.FetchedAt, h.Failures, h.Why, h.Gone = fetch && host != "", row.FetchedAt, row.Failures, row.FetchError, false
	return p.store(ctx, row, f)
}

// gone stores that the repository of a project is not there: what was known of
// it stays.
func (p *Poller) gone(ctx context.Context, row db.Project, o *project) (Outcome, error) {
	f := row.State.Facts
	f.Health.Gone, f.Health.Why = true, ErrGone.Error()
	out, err := p.store(ctx, row, f)
	return out, errors.Join(err, ErrGone)
}

func (p *Poller) store(ctx context.Context, row db.Project, f facts.Facts) (Outcome, error) {
	set, err := p.o.DB.Settings(ctx, row.ID)
	if err != nil {
		return Outcome{}, err
	}
	done, err := p.o.DB.Reconcile(ctx, db.Poll{Project: alerts.Project{ID: row.ID, Slug: row.Slug}, Facts: f, Settings: set, Now: event.TimeOf(p.o.Now())})
	if err != nil {
		return Outcome{}, err
	}
	fault.Point("dashboard-stored")
	if done.Changed {
		p.o.Changed()
	}
	return Outcome{done.Opened, done.Resolved}, nil
}
