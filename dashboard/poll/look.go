package poll

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/fault"
)

// look looks at a project that the caller has claimed and stores what it finds. The row is
// read here, after the claim: another look may have stored newer facts by then.
func (p *Poller) look(ctx context.Context, id string, o *project, fetch bool) (out Outcome, err error) {
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	row, err := p.o.DB.Project(ctx, id)
	if err != nil {
		if !errors.Is(err, db.ErrNotFound) && ctx.Err() == nil {
			p.o.Failed(id, "read", err)
		}
		return Outcome{}, err
	}
	defer func() {
		if r := recover(); r != nil {
			p.o.Failed(row.Slug, "panic", fmt.Sprintf("%v\n%s", r, debug.Stack()))
			o.drop()
			err = fmt.Errorf("internal error: %v", r)
			p.failed(ctx, row, o, err)
		}
	}()
	out, err = p.step(ctx, row, o, fetch)
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
func (p *Poller) step(ctx context.Context, row db.Project, o *project, mayFetch bool) (Outcome, error) {
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
	if host, fetch := o.place.Hub(); mayFetch && fetch && host == "" && row.Failures == 0 && o.place.HubMoved() {
		if _, err := p.refresh(ctx, row, o.place); err != nil {
			return Outcome{}, err
		}
		p.mu.Lock()
		o.dirty = true // a fetch also reports problems of the hub
		p.mu.Unlock()
	} else if mayFetch {
		p.refreshIfDue(ctx, row, o)
	}
	moved, err := o.place.Moved(ctx)
	if errors.Is(err, ErrGone) {
		o.drop()
		return p.gone(ctx, row, o)
	}
	if err != nil {
		o.drop() // the cached state may be the cause
		return Outcome{}, err
	}
	p.mu.Lock()
	again := o.dirty
	o.dirty = false
	p.mu.Unlock()
	if again { // a fetch may have ended after the row was read
		if row, err = p.o.DB.Project(ctx, row.ID); err != nil {
			o.drop()
			return Outcome{}, err
		}
	}
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
	h.Remote, h.FetchedAt = fetch && host != "" || h.Manual, max(row.FetchedAt, h.Contact)
	h.Failures, h.Why, h.Gone = row.Failures, row.FetchError, false
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
