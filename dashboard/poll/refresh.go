package poll

import (
	"context"
	"errors"
	"hash/fnv"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/fault"
)

// refreshIfDue starts a fetch beside the workers if it is due.
func (p *Poller) refreshIfDue(ctx context.Context, row db.Project, o *project) {
	host, fetch := o.place.Hub()
	if !fetch || host == "" && row.Failures == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.o.Now()
	if o.refreshAt.IsZero() { // spread what was known before over a period
		o.refreshAt = row.FetchedAt.Std().Add(every(row, o, now, p.interval(ctx, row)))
	}
	if o.refreshing || now.Before(o.refreshAt) || p.hosts[host] >= perHost || ctx.Err() != nil {
		return
	}
	o.refreshing, o.fetched, o.kicked = true, now, false
	p.hosts[host]++
	place, ctx := o.place, p.life // the look that starts a fetch does not wait for it
	p.running.Add(1)
	go func() {
		defer p.running.Done()
		failures, err := p.refresh(ctx, row, place)
		interval := p.interval(ctx, row)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hosts[host]--
		o.refreshing, o.dirty = false, true
		if row.Failures = failures; err != nil {
			row.Failures++
		}
		if !o.kicked { // while it ran: what it found may be older
			o.refreshAt = p.o.Now().Add(every(row, o, p.o.Now(), interval))
		}
	}()
}

// interval is how often a project is to be fetched.
func (p *Poller) interval(ctx context.Context, row db.Project) time.Duration {
	set, err := p.o.DB.Settings(ctx, row.ID)
	if err != nil || set.Fetch == 0 {
		return RefreshEvery
	}
	return set.Fetch
}

// every is how long after a fetch the next is due.
func every(row db.Project, o *project, now time.Time, every time.Duration) time.Duration {
	if row.Failures > 0 {
		return min(max(every, RefreshEvery)<<min(row.Failures, 10), refreshMax)
	}
	if now.Sub(o.viewed) > idleAfter {
		every = max(every, refreshIdle)
	}
	h := fnv.New32a()
	h.Write([]byte(row.ID))
	return every + every/10*time.Duration(h.Sum32()%100)/100
}

// refresh fetches, stores what became of it, and returns how many fetches in a
// row have failed now.
func (p *Poller) refresh(ctx context.Context, row db.Project, place Place) (failures int, err error) {
	bounded, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	fault.Point("dashboard-fetch")
	began := p.o.Now()
	err = place.Refresh(bounded)
	fault.Point("dashboard-fetched")
	if ctx.Err() != nil {
		return row.Failures, context.Cause(ctx)
	}
	why := ""
	if err != nil {
		failures, why = row.Failures+1, err.Error()
	}
	now := p.o.Now()
	err = p.o.DB.Fetched(ctx, row.ID, db.Fetch{At: event.TimeOf(now), Took: now.Sub(began), Error: why}, failures, place.HubSeen())
	if errors.Is(err, db.ErrNotFound) {
		err = nil // untracked meanwhile
	}
	return failures, err
}

// Wait waits until nothing runs that was begun: looks, and fetches.
func (p *Poller) Wait() { p.running.Wait() }
