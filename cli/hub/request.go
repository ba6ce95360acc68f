package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

var requestKinds = []string{string(event.Pause), string(event.Resume), string(event.Kill), string(event.Reprioritise)}

func newRequestCommand(e *command.Env) *urfave.Command {
	return &urfave.Command{
		Name: "request", Category: frame.GroupAgents, HideHelp: true,
		Usage: "ask agents to pause, resume, stop or change course",
		UsageText: `git crosslink request send [<options>] <agent>[,<agent>…] <kind> [<id>]
git crosslink request list [<options>]
git crosslink request poll [<options>]
git crosslink request ack [<options>] <request> (--acted | --refused)`,
		Description: `A request asks an agent to do something. A request is an event and arrives with the
next sync. The agent's own clone decides whether to obey. It obeys requests of the
hub's admins, requests signed with a key of the same user, and requests signed with
a key in crosslink.commander; if that is 'none', the clone does not obey admins.
Other requests are listed and have no effect. Nothing in a reason is ever executed.

Examples:
  git crosslink request send bob-box-cd3e pause -r 'release freeze'
  git crosslink request list
  git crosslink agent flags --strict`,
		Subcommands: []*urfave.Command{newRequestSend(e), newRequestList(e), newRequestPoll(e), newRequestAck(e)},
	}
}

type sendOptions struct {
	targets []string // empty means all
	kind    event.RequestKind
	issue   string
	reason  string
	expires event.Time
	wait    bool
	emit    tracker.EmitOptions
}

// Defaults: how long a request is valid, and how long its sender waits for an answer.
const (
	killFor  = 24 * time.Hour
	askFor   = 7 * 24 * time.Hour
	ackWait  = 30 * time.Second
	ackEvery = 2 * time.Second
)

func newRequestSend(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "send", Usage: "ask agents for something",
		UsageText: "git crosslink request send [<options>] <agent>[,<agent>…] <kind> [<id>]\ngit crosslink request send --all [<options>] <kind> [<id>]",
		Description: `Sends a request to one agent, to several agents, or with --all to all agents that are
not retired. The kinds are pause, resume, kill (end the session) and reprioritise,
which names the issue to take first. A kill request expires after 24 hours, any other
request after 7 days, unless --expires gives a date.

--wait waits up to 30 seconds for the answer; without an answer the exit status is 3.

Examples:
  git crosslink request send bob-box-cd3e pause -r 'release freeze'
  git crosslink request send bob-box-cd3e reprioritise 12
  git crosslink request send --all resume`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "all", Usage: "ask all agents except yourself"},
			&urfave.StringFlag{Name: "reason", Aliases: []string{"r"}, Usage: "give `TEXT` as the reason"},
			&urfave.StringFlag{Name: "expires", Usage: "the request expires at `DATE`; none: never"},
			&urfave.BoolFlag{Name: "wait", Usage: "wait for the answer; exit 3 if there is no answer"},
		},
	}, func(u *urfave.Context) error {
		opts, err := sendOptionsOf(u, e)
		if err != nil {
			return err
		}
		return runRequestSend(u.Context, opts, e)
	})
}

func sendOptionsOf(u *urfave.Context, e *command.Env) (o sendOptions, err error) {
	args := u.Args().Slice()
	if u.Bool("all") {
		args = append([]string{""}, args...)
	}
	if len(args) < 2 || len(args) > 3 {
		return o, frame.Misuse("'send' needs an agent and a kind, and an issue for 'reprioritise'", "kinds: "+strings.Join(requestKinds, ", "))
	}
	if !u.Bool("all") {
		o.targets = strings.Split(args[0], ",")
	}
	if !slices.Contains(requestKinds, args[1]) {
		return o, frame.BadValue("<kind>", args[1], requestKinds)
	}
	o.kind = event.RequestKind(args[1])
	if len(args) == 3 {
		o.issue = args[2]
	}
	if (o.kind == event.Reprioritise) != (o.issue != "") {
		return o, frame.Misuse("'reprioritise' needs the id of an issue, and no other kind takes one")
	}
	o.reason = frame.TrimText(u.String("reason"))
	last := askFor
	if o.kind == event.Kill {
		last = killFor
	}
	o.expires = event.TimeOf(e.Now().Add(last))
	if u.IsSet("expires") {
		if o.expires, err = frame.ParseDate("--expires", u.String("expires"), frame.DayEnd, e.Now()); err != nil {
			return o, err
		}
		if o.expires != 0 && o.expires <= event.TimeOf(e.Now()) {
			f := frame.Misuse("the expiry date is in the past")
			f.Kind = "bad-value"
			return o, f
		}
	}
	o.wait = u.Bool("wait")
	o.emit, err = e.EmitOptions(u)
	return o, err
}

func runRequestSend(ctx context.Context, opts sendOptions, e *command.Env) error {
	by, err := e.Git(ctx, "config", "user.name")
	if err != nil || event.Check(&event.RequestSent{ID: newULID(e.Now()), Target: "somebody", Kind: event.Pause, RequestedBy: by}) != nil {
		by = ""
	}
	var ids []string
	r, err := e.Emit(ctx, opts.emit, func(repo *command.Repository, p tracker.Projection) (bodies []event.Body, err error) {
		subject := event.UUID{}
		if opts.issue != "" {
			i, err := verb.Resolve(p, opts.issue)
			if err != nil {
				return nil, err
			}
			subject = i.UUID
		}
		targets, err := targetsOf(p, repo.Agent(), opts.targets)
		if err != nil {
			return nil, err
		}
		ids = nil
		for _, agent := range targets {
			b := &event.RequestSent{ID: newULID(e.Now()), Target: agent, Kind: opts.kind, Subject: subject, RequestedBy: by, Reason: opts.reason, ExpiresAt: opts.expires}
			if b.RequestedBy == "" {
				b.RequestedBy = repo.Agent()
			}
			bodies, ids = append(bodies, b), append(ids, b.ID)
		}
		return bodies, nil
	})
	if missing := (*store.NotFoundError)(nil); errors.As(err, &missing) && missing.What == "agent" {
		f := e.Explain(ctx, err)
		f.Hints = candidates(missing.Known)
		return f
	}
	if err != nil {
		return err
	}
	view, no := r.View, command.Unconfirmed(r, opts.emit)
	if opts.wait && no == nil {
		if view, no, err = awaitAcks(ctx, e, view, ids); err != nil {
			return err
		}
	}
	doc := answer.RequestsWrite{Write: answer.WriteOf(r)}
	all, shapes, err := judged(ctx, e, view, func(q *reducer.Request) bool { return slices.Contains(ids, q.ID) })
	if err != nil {
		return err
	}
	doc.Requests = shapes
	for _, c := range all {
		switch {
		case c.Acked && c.Acted:
			e.Progress("'%s' did it: %s", c.Target, c.Result)
		case c.Acked:
			e.Progress("'%s' refused: %s", c.Target, c.Result)
		default:
			e.Progress("asked '%s' to %s", c.Target, requestWords(view, c.Request))
		}
		if c.Ignored != "" && !c.Acked {
			warnIgnored(e, c)
		}
	}
	return e.Print(ctx, frame.Result{Data: doc, IDs: ids, Failure: no})
}

// warnIgnored warns that an agent will not obey a request, as far as this clone knows.
func warnIgnored(e *command.Env, c tracker.Command) {
	why, hint := "you are not an admin of the hub, and it is not known to obey your key",
		"show your key, so that its user can add it to crosslink.commander: git crosslink key show"
	if c.Ignored != "not-allowed" {
		why, hint = "agents obey only signed requests that count, on a hub with a signing policy", "see who may write, and how: git crosslink trust show"
	}
	e.Warn("ignored", fmt.Sprintf("'%s' will ignore this request: %s", c.Target, why), hint)
}

// requestWords describes a request.
func requestWords(p tracker.Projection, r *reducer.Request) string {
	if i, err := p.Row(r.Subject); err == nil && r.Kind == event.Reprioritise {
		return "take " + command.Named(i) + " first"
	}
	return map[event.RequestKind]string{event.Pause: "pause", event.Resume: "resume", event.Kill: "stop", event.Reprioritise: "change course"}[r.Kind]
}

// targetsOf returns the recipients: the named agents, or all others.
func targetsOf(p tracker.Projection, me string, named []string) (targets []string, err error) {
	known := map[string]*reducer.Agent{}
	var active []string
	for _, a := range p.Agents() {
		known[a.ID] = a
		if !a.Retired {
			active = append(active, a.ID)
		}
	}
	if named == nil {
		if targets = slices.DeleteFunc(active, func(id string) bool { return id == me }); len(targets) == 0 {
			return nil, frame.No("no-agent", "there is no other agent to ask")
		}
		return targets, nil
	}
	if len(active) > 10 {
		active = active[:10]
	}
	for _, id := range named {
		switch a := known[id]; {
		case a == nil:
			return nil, &store.NotFoundError{What: "agent", ID: id, Known: active}
		case a.Retired:
			return nil, frame.No("retired", fmt.Sprintf("'%s' is retired: nobody would answer", id), candidates(active)...)
		}
		if !slices.Contains(targets, id) {
			targets = append(targets, id)
		}
	}
	return targets, nil
}

// candidates are hints that name the active agents.
func candidates(active []string) []string {
	return []string{"agents: " + strings.Join(active, ", "), "list all agents: git crosslink agent list"}
}

// awaitAcks waits until requests are answered.
func awaitAcks(ctx context.Context, e *command.Env, p tracker.Projection, ids []string) (tracker.Projection, *frame.Failure, error) {
	answered := func() bool {
		all, err := p.Requests(store.RequestFilter{Pending: true})
		return err == nil && !slices.ContainsFunc(all, func(r *reducer.Request) bool { return slices.Contains(ids, r.ID) })
	}
	for until := e.Now().Add(ackWait); !answered(); {
		if e.Now().After(until) {
			return p, &frame.Failure{Code: frame.ExitUnconfirmed, Kind: "unanswered", Message: "sent, but not answered yet",
				Hints: []string{"git crosslink request list --from @me"}}, nil
		}
		select {
		case <-ctx.Done():
			return p, nil, ctx.Err()
		case <-time.After(ackEvery):
		}
		now, err := e.Opened.Read(ctx, tracker.Fresh)
		if err != nil {
			return p, nil, err
		}
		p = now
	}
	return p, nil, nil
}

// judged returns the requests for which want is true, with the verdict on each, and their
// shapes.
func judged(ctx context.Context, e *command.Env, p tracker.Projection, want func(*reducer.Request) bool) ([]tracker.Command, []answer.Request, error) {
	shapes := []answer.Request{}
	some, err := p.Requests(store.RequestFilter{})
	if err != nil {
		return nil, nil, err
	}
	some = slices.DeleteFunc(slices.Clone(some), func(r *reducer.Request) bool { return !want(r) })
	all, err := e.Opened.Commands(ctx, p, some)
	if err != nil {
		return nil, nil, err
	}
	s := answer.New(p)
	for _, c := range all {
		shapes = append(shapes, s.Request(c))
	}
	return all, shapes, nil
}

func newRequestAck(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "ack", Usage: "answer a request",
		UsageText: "git crosslink request ack [<options>] <request> (--acted | --refused)",
		Description: `Answers a request to this worktree's agent: the agent has done what was asked, or
refuses. Name the request by its id, or by at least the first 6 characters of the id.
Only the first answer counts. Only the agent that was asked can answer.

Examples:
  git crosslink request ack 01HQZXK5M8N9P0 --acted
  git crosslink request ack 01HQZXK5M8N9P0 --refused --result 'in the middle of a release'`,
		Flags: append([]urfave.Flag{
			&urfave.BoolFlag{Name: "acted", Usage: "the agent has done what was asked"},
			&urfave.BoolFlag{Name: "refused", Usage: "the agent refuses"},
			&urfave.StringFlag{Name: "result", Usage: "set the result to `TEXT` (default: done or refused)"},
			&urfave.StringFlag{Name: "notes", Usage: "add `TEXT` as notes about the result"},
		}, command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, "the id of a request")
		if err != nil {
			return err
		}
		if u.Bool("acted") == u.Bool("refused") {
			return frame.Misuse("'ack' needs either '--acted' or '--refused'")
		}
		emit, err := e.EmitOptions(u)
		if err != nil {
			return err
		}
		b := event.RequestAcked{Acted: u.Bool("acted"), Result: frame.TrimText(u.String("result")), Notes: frame.TrimText(u.String("notes"))}
		if b.Result == "" {
			b.Result = map[bool]string{true: "done", false: "refused"}[b.Acted]
		}
		return runRequestAck(u.Context, args[0], b, emit, e)
	})
}

func runRequestAck(ctx context.Context, id string, b event.RequestAcked, emit tracker.EmitOptions, e *command.Env) error {
	var asked *reducer.Request
	r, err := e.Emit(ctx, emit, func(repo *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		if asked, err = verb.ResolveRequest(p, id); err != nil || asked.Acked {
			return nil, err
		}
		if asked.Target != repo.Agent() {
			return nil, &frame.Failure{Code: frame.ExitDenied, Kind: "not-target", Message: fmt.Sprintf("the request is for '%s': only that agent can answer it", asked.Target)}
		}
		b.ID = asked.ID
		return []event.Body{&b}, nil
	})
	if err != nil {
		return err
	}
	if len(r.Lines) == 0 {
		e.Progress("the request was already answered: %s", asked.Result)
	} else {
		e.Progress("answered '%s': %s", asked.By, b.Result)
	}
	if state := map[event.RequestKind]string{event.Pause: "paused", event.Resume: "working"}[asked.Kind]; state != "" && b.Acted && len(r.Lines) > 0 {
		if _, err := e.Opened.Heartbeat(ctx, tracker.HeartbeatOptions{State: state, Offline: emit.Offline}); err != nil {
			e.Trace.Debug().Err(err).Msg("heartbeat") // the answer reports it, too
		}
	}
	_, shapes, err := judged(ctx, e, r.View, func(q *reducer.Request) bool { return q.ID == asked.ID })
	if err != nil {
		return err
	}
	return e.Print(ctx, frame.Result{Data: answer.RequestsWrite{Write: answer.WriteOf(r), Requests: shapes}, IDs: []string{asked.ID}, Failure: command.Unconfirmed(r, emit)})
}
