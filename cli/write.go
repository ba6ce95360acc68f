package cli

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
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
func (e *env) emit(ctx context.Context, o tracker.EmitOptions, build func(repo *repository, p tracker.Projection) ([]event.Body, error)) (*tracker.Receipt, error) {
	repo, err := e.repository(ctx)
	if err != nil {
		return nil, err
	}
	emit := func() (r *tracker.Receipt, err error) {
		defer func() { e.cutShort = err == nil && ctx.Err() != nil && len(r.Lines) > 0 }()
		return repo.Emit(ctx, o, func(p tracker.Projection) ([]event.Body, error) { return verb.Check(build(repo, p)) })
	}
	r, err := emit()
	if o.Offline || !verb.Unknown(err) {
		return r, err
	}
	e.asked = e.Now()
	if _, ferr := repo.Read(ctx, tracker.Fresh); ferr != nil {
		return nil, ferr
	}
	return emit()
}

// read hands the state to use; an id that is not known here is asked for at
// the hub once, so use may run twice and must not print.
func (e *env) read(ctx context.Context, wish tracker.Freshness, use func(repo *repository, p tracker.Projection) error) error {
	repo, err := e.repository(ctx)
	if err != nil {
		return err
	}
	if wish == tracker.Fresh {
		e.asked = e.Now()
	}
	p, err := repo.Read(ctx, e.freshness(wish))
	if err != nil {
		return err
	}
	err = use(repo, p)
	if wish == tracker.Fresh || e.Offline || !verb.Unknown(err) {
		return err
	}
	e.asked = e.Now()
	if p, err = repo.Read(ctx, tracker.Fresh); err != nil {
		return err
	}
	return use(repo, p)
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

// who is the agent in the place of '@me'.
func who(me, name string) string {
	if name == "@me" {
		return me
	}
	return name
}

// whoAll does so for several.
func whoAll(me string, names []string) []string {
	all := make([]string, len(names))
	for k, n := range names {
		all[k] = who(me, n)
	}
	return all
}
