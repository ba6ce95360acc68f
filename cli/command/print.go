package command

import (
	"context"
	"fmt"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
)

// Print prints a result and returns its failure.
func (e *Env) Print(ctx context.Context, r frame.Result) error {
	if e.Wrote && e.AfterWrite != nil {
		e.AfterWrite(ctx)
	}
	page := e.ShowsPage(r)
	if part := e.part(ctx, r.Cut); part != "" {
		const all = "show all: --limit 0"
		if page {
			r.Below = append(r.Below, part+"; "+all)
		} else {
			e.Warn("limited", part, all)
		}
	}
	age := ""
	if page && e.read && !e.Wrote {
		age = e.age()
	}
	if age != "" {
		r.Below = append(r.Below, age)
	} else {
		e.tellOld()
	}
	if err := e.Write(ctx, r); err != nil {
		return &frame.Unprinted{Err: err, Failure: r.Failure, IDs: r.IDs}
	}
	if r.Failure != nil {
		return r.Failure
	}
	return nil
}

// part says which part of a list is shown, "" for all of it, or if
// advice.crosslink.limited is off.
func (e *Env) part(ctx context.Context, c *frame.Cut) string {
	if c == nil || c.Next == nil {
		return ""
	}
	if v, _ := e.Setting(ctx, "advice.crosslink.limited"); !frame.IsTrue(v, true) {
		return ""
	}
	return fmt.Sprintf("showing %d of %s", c.Shown, frame.Count(c.Total, c.Of))
}

// Notice prints a notice of the tracker. On a terminal, the age of an answer is printed
// below the page, if there is one.
func (e *Env) Notice(n fail.Notice) {
	if n.Code.Name() == "unreachable" || n.Code.Name() == "unanswered" {
		if e.unreached {
			return // a command that waits asks again and again
		}
		e.unreached = true
	}
	if n.Code == "stale" && e.OutTTY {
		e.old = &n
		return
	}
	e.Terminal.Notice(n)
}

// tellOld prints the notice that Notice has kept.
func (e *Env) tellOld() {
	if n := e.old; n != nil {
		e.old = nil
		e.Terminal.Notice(*n)
	}
}

// recent is how old the data on a page may be without a notice.
const recent = 10 * time.Second

// age returns how old the data on a page is if the hub was not contacted, "" if it is
// recent. If it is old, a sync starts, so that the next page is new.
func (e *Env) age() string {
	remote, _ := e.Opened.Hub()
	_, last := e.Opened.Refreshed()
	old := e.Now().Sub(last)
	if remote == "" || last.IsZero() || old <= recent && old >= -recent {
		return ""
	}
	text := "last synced " + frame.Span(old) + " ago"
	if old < 0 { // the clock was wrong
		text = "last synced " + e.Ago(event.TimeOf(last))
	}
	if e.old != nil || !e.unreached && !e.Offline && e.Opened.SyncLater(recent) {
		text += "; asking the hub in the background"
	}
	e.old = nil
	return text
}
