package command

import (
	"context"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// EmitOptions reads the options of a write.
func (e *Env) EmitOptions(u *urfave.Context) (tracker.EmitOptions, error) {
	o := tracker.EmitOptions{Offline: u.Bool("offline"), Wait: u.Bool("wait")}
	if o.Offline && o.Wait {
		return o, frame.Misuse("'--wait' and '--offline' exclude each other")
	}
	return o, nil
}

// Emit publishes the events that build returns. If build does not find an id, the hub is
// contacted once and build runs again.
func (e *Env) Emit(ctx context.Context, o tracker.EmitOptions, build func(repo *Repository, p tracker.Projection) ([]event.Body, error)) (*tracker.Receipt, error) {
	repo, err := e.Repository(ctx)
	if err != nil {
		return nil, err
	}
	emit := func() (r *tracker.Receipt, err error) {
		defer func() { e.CutShort = err == nil && ctx.Err() != nil && len(r.Lines) > 0 }()
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

// Read calls use with the state. If use does not find an id, the hub is contacted once and
// use runs again, so it must not print.
func (e *Env) Read(ctx context.Context, wish tracker.Freshness, use func(repo *Repository, p tracker.Projection) error) error {
	repo, err := e.Repository(ctx)
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
	e.read = true
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

// Unconfirmed is the failure of a write that was not confirmed although --wait asked for
// it.
func Unconfirmed(r *tracker.Receipt, o tracker.EmitOptions) *frame.Failure {
	if !r.Unsettled(o) {
		return nil
	}
	return &frame.Failure{Code: frame.ExitUnconfirmed, Kind: "unconfirmed",
		Message: "saved locally, but not confirmed by the hub", Hints: []string{"git crosslink sync"}}
}

// WriteFlags are options of every command that writes.
func WriteFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.BoolFlag{Name: "wait", Usage: "wait for the hub; exit 3 if the hub has not confirmed the change"},
	}
}

// Named is an issue in a sentence: its id and its shortened title.
func Named(i *store.Issue) string { return NamedBy(i.Name(), i.Title) }

// NamedBy is the same for an object with a name and a title.
func NamedBy(name, title string) string { return name + " '" + frame.Brief(title) + "'" }

// Whose returns the agents whom a word names; nil for no word. Who runs the command is
// found out only if it matters.
func Whose(ctx context.Context, repo *Repository, p tracker.Projection, word string) ([]string, error) {
	if word == "" {
		return nil, nil
	}
	self := &people.Self{Agent: repo.Agent()}
	if word != people.This && strings.Contains(word, "@") {
		var err error
		if self, err = repo.Self(ctx, p); err != nil {
			return nil, err
		}
	}
	return verb.Whose(p, self, word), nil
}

// DateOf parses a date option; 0 if it is not given or 'none'.
func DateOf(u *urfave.Context, e *Env, name string, at frame.DayEdge) (event.Time, error) {
	if !u.IsSet(name) {
		return 0, nil
	}
	return frame.ParseDate("--"+name, u.String(name), at, e.Now())
}
