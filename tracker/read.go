package tracker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/accept"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// Read returns the state. f says how it uses the hub.
func (t *Tracker) Read(ctx context.Context, f Freshness) (Projection, error) {
	return t.read(ctx, f, UUID{})
}

// read is Read for a command that asks for a lock, so that the lock's decision is not
// reported as news.
func (t *Tracker) read(ctx context.Context, f Freshness, asking UUID) (Projection, error) {
	news, err := t.takeOver(ctx)
	if err == nil {
		err = t.freshen(ctx, f)
	}
	if err != nil && !t.tellNotAsked(err) {
		return nil, err
	}
	p, g, err := t.current(ctx)
	if err != nil {
		return nil, err
	}
	t.clone.TellLevel(g)
	if e := t.clone.Unchosen(); e != nil {
		t.clone.TellOnce(e.Notice(e.Message))
	}
	if news && f == Here && t.clone.Hub != nil && t.clone.Config("crosslink.sync") != "manual" && g.Bound && g.Unsent > 0 {
		t.clone.Detach() // the hub was reachable just now, and something waits here
	}
	t.clone.TellDecided(p, asking)
	if f != Offline {
		t.clone.Pulse(g)
	}
	return p, nil
}

// current answers from the store, or loads the state and stores it.
func (t *Tracker) current(ctx context.Context) (Projection, reading.Glance, error) {
	a, err := t.clone.Reads.Current(ctx)
	if err != nil || a.Read == nil {
		return a.View, a.Glance, err
	}
	if a.Read.Apart {
		t.clone.TellApart()
	}
	if a.Read.UnboundLines() && t.exchange.Bind(ctx) == nil {
		a, err = t.clone.Reads.Current(ctx)
	}
	return a.View, a.Glance, err
}

// tellNotAsked reports whether err only means that the local disk cannot store the hub's
// data. Then the answer uses local data, and the user is informed.
func (t *Tracker) tellNotAsked(err error) bool {
	var e *fail.Error
	if !errors.As(t.clone.Unwritable(err), &e) || e.Code.Name() != "not-writable" && e.Code.Name() != "disk-full" {
		return false
	}
	why, _, _ := strings.Cut(e.Message, ": nothing")
	text := "the hub was not asked: " + why
	if !t.clone.Contact.Last.IsZero() {
		text = "as of " + ago(t.clone.Now().Sub(t.clone.Contact.Last)) + ", " + text
	}
	t.clone.Notice(fail.Notice{Code: "stale/not-asked", Text: text})
	return true
}

// takeOver accepts refs that the user's own fetch or pull brought, without using the
// network. They may be older than the known state, or invalid: then they are silently
// ignored, and the next fetch reports problems. news: something was new.
func (t *Tracker) takeOver(ctx context.Context) (news bool, err error) {
	if t.clone.Hub == nil || t.clone.Hub.Self {
		return false, nil
	}
	if t.clone.Replica == nil {
		if _, err := os.Lstat(t.clone.Outer.CommonDir + "/refs/remotes/" + t.clone.Hub.Name); err != nil {
			return false, nil // never fetched, so no replica is needed
		}
		if err := t.clone.EnsureReplica(ctx); err != nil {
			return false, err
		}
	}
	moved, err := t.clone.Replica.TakeOver(ctx, t.clone.Hub.Name, t.clone.Conf)
	if err != nil || !moved {
		return false, err
	}
	t.clone.PackRefs(ctx)
	if ok, err := t.copyMakesSense(ctx); err != nil || !ok {
		return true, err
	}
	a, err := t.exchange.Adopt(ctx, refs.OuterPrefix, false, exchange.Wants{})
	if err == nil && a.Other == "" {
		err = t.exchange.FromArchive(ctx, refs.OuterPrefix, false, &a)
	}
	if err != nil {
		return true, err
	}
	if err := t.exchange.Bind(ctx); err != nil {
		return true, err
	}
	when := t.clone.Outer.LastFetch()
	if when.IsZero() || when.After(t.clone.Now()) {
		when = t.clone.Now()
	}
	if _, known := t.clone.Contact.Since(); known && when.Before(t.clone.Contact.Last) {
		return true, nil
	}
	tip, err := t.clone.MetaTip(ctx)
	if err != nil || tip == "" {
		return true, err
	}
	id := accept.ReadClaims(ctx, t.clone.Local(), tip).Hub
	return true, t.clone.Contact.Remember(func(c *hubs.Note) {
		if c.Last = when; c.Hub == "" {
			c.Remote, c.URL, c.Hub = t.clone.Hub.Name, t.clone.Hub.Shown(), id
		}
	})
}

// copyMakesSense reports whether the user's copy has a readable meta. A copy may have been
// pruned or rewritten ('git filter-branch --all' also rewrites remote-tracking branches),
// and such a copy shows nothing about the hub.
func (t *Tracker) copyMakesSense(ctx context.Context) (bool, error) {
	all, err := t.clone.Local().Refs(ctx, refs.OuterPrefix)
	if err != nil {
		return false, err
	}
	v2 := false
	for _, r := range all {
		switch strings.TrimPrefix(r.Name, refs.OuterPrefix) {
		case replay.Level2Name:
			v2 = replay.IsLevel2(ctx, t.clone.Local(), r.OID)
		case replay.MetaName:
			return accept.ReadClaims(ctx, t.clone.Local(), r.OID).Err == nil, nil
		}
	}
	return v2, nil
}

// Refreshed reports whether this process has contacted the hub, and the time of this
// clone's last contact.
func (t *Tracker) Refreshed() (now bool, last time.Time) {
	return t.clone.Link.Reached, t.clone.Contact.Last
}

func (t *Tracker) freshen(ctx context.Context, f Freshness) error {
	if f == Offline || t.clone.Hub == nil || t.clone.Config("crosslink.sync") == "manual" {
		return nil
	}
	never := t.clone.Contact.Last.IsZero()
	if f == Here && !never && !t.clone.Hub.Self {
		if age := t.clone.Now().Sub(t.clone.Contact.Last); age > stale || age < -stale { // a clock was wrong: contact the hub again
			t.clone.Notice(fail.Notice{Code: "stale", Text: "as of " + ago(age)})
			t.clone.Detach()
		}
		return nil
	}
	if err := t.clone.EnsureReplica(ctx); err != nil {
		return err
	}
	began, patience := t.clone.Now(), t.firstPatience(never)
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	unlock, ok, err := t.clone.Link.Lock(bounded, t.clone.Wait())
	if err != nil || !ok {
		return t.late(bounded, err) // another process is syncing
	}
	defer unlock()
	if t.clone.Contact.Reload(); t.clone.Contact.Last.After(began) { // another process has contacted the hub in the meantime
		t.clone.Link.Reached = true
		t.clone.TellElsewhere()
		return nil
	}
	err = t.exchange.Fetch(bounded)
	var re *refs.RemoteError
	if err == nil || !errors.As(err, &re) && bounded.Err() != context.DeadlineExceeded {
		t.clone.TellElsewhere()
		return err
	}
	if re == nil {
		re = &refs.RemoteError{NoConnection: true, Err: err}
	}
	e := t.clone.Unfetched(re)
	if e.Kind != fail.Unconfirmed {
		return e
	}
	if re.NoConnection && bounded.Err() == context.DeadlineExceeded { // the hub is busy or hangs
		e.Message = fmt.Sprintf("the hub on '%s' has not answered within %d s", t.clone.Hub.Name, int(patience.Seconds()))
	}
	if !never {
		e.Message += ", as of " + ago(t.clone.Now().Sub(t.clone.Contact.Last))
	}
	if e.Code == "unanswered" {
		t.clone.Notice(fail.Notice{Code: "unanswered/read", Text: e.Message})
	} else {
		t.clone.Notice(fail.Notice{Code: "unreachable/kept", Text: e.Message})
	}
	return nil
}

// firstPatience is how long to wait for the hub: longer if the clone has no data yet.
func (t *Tracker) firstPatience(never bool) time.Duration {
	wait := t.patience(EmitOptions{})
	if never {
		wait = max(wait, 3*t.clone.Wait())
	}
	return wait
}

// ago formats how long ago something was, in one unit.
func ago(d time.Duration) string {
	switch {
	case d < -time.Minute:
		return "a time in the future"
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}
