package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// emitOptions are what a writing command was told about the hub.
func (e *env) emitOptions(u *urfave.Context) (tracker.EmitOptions, error) {
	o := tracker.EmitOptions{Offline: u.Bool("offline"), Wait: u.Bool("wait")}
	if o.Offline && o.Wait {
		return o, frame.Misuse("'--wait' and '--offline' exclude each other")
	}
	return o, nil
}

// emit publishes what build makes. An id that is not known here is asked for
// at the hub once.
func (e *env) emit(ctx context.Context, o tracker.EmitOptions, build func(h hub, p tracker.Projection) ([]event.Body, error)) (*tracker.Receipt, error) {
	h, err := e.hub(ctx)
	if err != nil {
		return nil, err
	}
	emit := func() (r *tracker.Receipt, err error) {
		defer func() { e.cutShort = err == nil && ctx.Err() != nil && len(r.Lines) > 0 }()
		return h.Emit(ctx, o, func(p tracker.Projection) ([]event.Body, error) { return checked(build(h, p)) })
	}
	r, err := emit()
	if o.Offline || !unknown(err) {
		return r, err
	}
	e.asked = e.Now()
	if _, ferr := h.Read(ctx, tracker.Fresh); ferr != nil {
		return nil, ferr
	}
	return emit()
}

// read hands the state to use; an id that is not known here is asked for at
// the hub once, so use may run twice and must not print.
func (e *env) read(ctx context.Context, wish tracker.Freshness, use func(h hub, p tracker.Projection) error) error {
	h, err := e.hub(ctx)
	if err != nil {
		return err
	}
	if wish == tracker.Fresh {
		e.asked = e.Now()
	}
	p, err := h.Read(ctx, e.freshness(wish))
	if err != nil {
		return err
	}
	err = use(h, p)
	if wish == tracker.Fresh || e.Offline || !unknown(err) {
		return err
	}
	e.asked = e.Now()
	if p, err = h.Read(ctx, tracker.Fresh); err != nil {
		return err
	}
	return use(h, p)
}

func notFound(err error) bool {
	var missing *store.NotFoundError
	return errors.As(err, &missing)
}

// unknown reports an id that the hub may know.
func unknown(err error) bool {
	var missing *store.NotFoundError
	return errors.As(err, &missing) && missing.Deleted == ""
}

// deletedAs is what something was called that is deleted, "" if the error says
// anything else.
func deletedAs(err error) string {
	var missing *store.NotFoundError
	if errors.As(err, &missing) {
		return missing.Deleted
	}
	return ""
}

// resolve finds the issue an id names.
func resolve(p tracker.Projection, id string) (*store.Issue, error) {
	u, err := p.Resolve(id)
	if err != nil {
		return nil, err
	}
	return p.Issue(u)
}

// resolveAll finds issues by their ids, each once, in the order named.
func resolveAll(p tracker.Projection, ids []string) ([]*store.Issue, error) {
	var rows []*store.Issue
	for _, id := range ids {
		i, err := resolve(p, id)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(rows, func(o *store.Issue) bool { return o.UUID == i.UUID }) {
			rows = append(rows, i)
		}
	}
	return rows, nil
}

// known are the rows of those issues that are shown.
func known(p tracker.Projection, us []event.UUID) []*store.Issue {
	var rows []*store.Issue
	for _, u := range us {
		if i, err := p.Issue(u); err == nil {
			rows = append(rows, i)
		}
	}
	return rows
}

// unconfirmed is the status of a write that was to be confirmed and is not.
func unconfirmed(r *tracker.Receipt, o tracker.EmitOptions) *frame.Failure {
	if !r.Unsettled(o) {
		return nil
	}
	return &frame.Failure{Code: frame.ExitUnconfirmed, Kind: "unconfirmed",
		Message: "kept here, but not confirmed on the hub", Hints: []string{"git crosslink sync"}}
}

// wroteOne prints the answer of a write to one issue.
func (e *env) wroteOne(ctx context.Context, r *tracker.Receipt, o tracker.EmitOptions, u event.UUID) error {
	return e.wroteIssue(ctx, r, u, unconfirmed(r, o))
}

func (e *env) wroteIssue(ctx context.Context, r *tracker.Receipt, u event.UUID, no *frame.Failure) error {
	i, err := r.View.Issue(u)
	if err != nil {
		return err
	}
	s, err := answer.New(r.View)
	if err != nil {
		return err
	}
	shape, err := s.Issue(i)
	if err != nil {
		return err
	}
	return e.say(ctx, frame.Result{
		Data: answer.IssueWrite{Issue: shape, Write: answer.WriteOf(r)}, IDs: []string{i.Name()}, Failure: no,
	})
}

// named is how talk names an issue.
func named(i *store.Issue) string {
	return fmt.Sprintf("%s '%s'", i.Name(), frame.OneLine(i.Title))
}

// said collects what a command tells while it builds; building again starts
// anew.
type said []string

func (s *said) add(format string, args ...any) { *s = append(*s, fmt.Sprintf(format, args...)) }

func (s said) tell(e *env) {
	for _, l := range s {
		e.Progress("%s", l)
	}
}

// whom puts this worktree's own agent id in the place of '@me'.
func whom(h hub, name string) string {
	if name == "@me" {
		return h.Agent()
	}
	return name
}
