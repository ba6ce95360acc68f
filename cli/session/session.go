package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/cli/issue"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

func newSessionCommand(e *command.Env) *urfave.Command {
	return &urfave.Command{
		Name: "session", Category: frame.GroupAgents, HideHelp: true,
		Usage: "start and end a period of work, and hand it over",
		UsageText: `git crosslink session start [<options>] [<id>]
git crosslink session work [<options>] <id>
git crosslink session end [<options>]
git crosslink session status [<options>]
git crosslink session handoff [<options>] [<id>]`,
		Description: `A session is a period of work of this worktree's agent. A session remembers which
issue the agent works on and which locks it has claimed since the start. 'session
end' hands the work over: the notes become a comment on the issue, and the locks are
released.

If one worktree has several sessions, GIT_CROSSLINK_SESSION chooses one of them: its
uuid, or the beginning of the uuid. One worktree for each agent is better.

Examples:
  git crosslink session start 12
  git crosslink session end -m 'done: the parser; left: the writer'
  git crosslink session handoff`,
		Subcommands: []*urfave.Command{newSessionStart(e), newSessionWork(e), newSessionEnd(e), newSessionStatus(e), newSessionHandoff(e)},
	}
}

type sessionOptions struct {
	issue string // "": none
	key   string
	anew  bool
	emit  tracker.EmitOptions
}

func newSessionStart(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "start", Usage: "start a session",
		UsageText: "git crosslink session start [<options>] [<id>]",
		Description: `Starts a session and prints its uuid. If you name an issue, this command also claims
the issue, like 'session work'. If this worktree already has an open session, the
command prints that session and changes nothing; --new ends that session first.

--key computes the uuid from a key, so that a program that starts again with the
same key finds its session.

Examples:
  git crosslink session start
  git crosslink session start 12 --key claude:7f3a`,
		Flags: append([]urfave.Flag{
			&urfave.StringFlag{Name: "key", Usage: "`KEY` of the session; use the same key during one run of a program"},
			&urfave.BoolFlag{Name: "new", Usage: "end the open session first"},
		}, command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 0, 1, "at most one id of an issue")
		if err != nil {
			return err
		}
		opts := sessionOptions{issue: u.Args().First(), key: u.String("key"), anew: u.Bool("new")}
		if len(args) == 1 && opts.issue == "" {
			return frame.Misuse("the id is empty")
		}
		if u.IsSet("key") && (opts.key == "" || len(opts.key) > event.MaxTitle || frame.OneLine(opts.key) != opts.key) {
			return frame.Misuse("'--key' needs one line of 1 to 512 bytes")
		}
		if opts.emit, err = e.EmitOptions(u); err != nil {
			return err
		}
		return runSessionStart(u.Context, opts, e)
	})
}

func runSessionStart(ctx context.Context, opts sessionOptions, e *command.Env) error {
	if opts.issue != "" {
		if err := findIssue(ctx, e, opts.issue); err != nil {
			return err
		}
	}
	st, err := startSession(ctx, opts, e)
	if err != nil {
		return err
	}
	switch {
	case st.already:
		e.Progress("there is already an open session, started %s", e.Ago(st.is.StartedAt))
	case st.is != nil:
		e.Progress("ended the session that was started %s", e.Ago(st.is.StartedAt))
	}
	if !st.already {
		e.Progress("started a session")
		if note, err := verb.HandoffBy(st.r.View, st.r.Agent, nil); err == nil && note != nil {
			e.ProgressHint("git crosslink session handoff")
		}
	}
	if opts.issue == "" {
		return printSessionWrite(ctx, e, st.r, opts.emit, st.id, nil)
	}
	return workOn(ctx, opts, st, e)
}

// findIssue checks, before anything is written, that an id names an issue.
func findIssue(ctx context.Context, e *command.Env, id string) error {
	return e.Read(ctx, tracker.Here, func(_ *command.Repository, p tracker.Projection) error {
		_, err := verb.Resolve(p, id)
		return err
	})
}

// started is the result of starting a session.
type started struct {
	r       *tracker.Receipt
	id      event.UUID
	is      *reducer.Session // the session that was open before; nil if there was none
	already bool             // it continues
}

// startSession starts a session, unless there is one already.
func startSession(ctx context.Context, opts sessionOptions, e *command.Env) (started, error) {
	repo, err := e.Repository(ctx)
	if err != nil {
		return started{}, err
	}
	var st started
	fresh := repo.MintUUID()
	emit := opts.emit
	emit.Offline = emit.Offline || opts.issue != "" // the claim is sent at once, and takes it with it
	st.r, err = e.Emit(ctx, emit, func(repo *command.Repository, p tracker.Projection) (bodies []event.Body, err error) {
		st.id = fresh
		if opts.key == "" {
			st.is, err = openSession(e, repo, p)
		} else {
			st.is, st.id, err = keyedSession(repo, p, opts.key, fresh)
		}
		if err != nil {
			return nil, err
		}
		if st.already = st.is != nil && !opts.anew; st.already {
			st.id = st.is.UUID
			return nil, nil
		}
		if st.is != nil {
			bodies = append(bodies, &event.SessionEnded{Session: st.is.UUID, Notes: verb.Superseded})
			if st.id == st.is.UUID {
				st.id = fresh
			}
		}
		return append(bodies, &event.SessionStarted{Session: st.id}), nil
	})
	if err != nil {
		return st, explainSessions(e, err)
	}
	if !st.already || readSessionNote(repo).UUID != st.id {
		n := sessionNote{UUID: st.id, Key: opts.key, PID: os.Getppid(), Started: e.Now().UTC().Format(time.RFC3339)}
		if err := command.WriteNote(sessionPath(repo), n); err != nil {
			e.Trace.Debug().Err(err).Msg("session note") // a cache
		}
	}
	return st, nil
}

// keyedSession returns the open session with a key, nil if there is none, and the uuid of
// that session or of a new one.
func keyedSession(repo *command.Repository, p tracker.Projection, key string, fresh event.UUID) (*reducer.Session, event.UUID, error) {
	id := verb.SessionUUID(repo.HubID(), repo.Agent(), key)
	all, err := p.Sessions(store.SessionFilter{Agent: repo.Agent()})
	if err != nil {
		return nil, id, err
	}
	note := readSessionNote(repo)
	for _, x := range all {
		switch {
		case !x.Ended && (x.UUID == id || note.Key == key && note.UUID == x.UUID):
			return x, x.UUID, nil
		case x.UUID == id: // that session has ended
			id = fresh
		}
	}
	return nil, id, nil
}

// workOn claims an issue as 'lock' does, and records that a session works on it. If the
// lock is refused, nothing is recorded.
func workOn(ctx context.Context, opts sessionOptions, st started, e *command.Env) error {
	repo := e.Opened
	var i *store.Issue
	err := e.Read(ctx, tracker.Here, func(_ *command.Repository, p tracker.Projection) (err error) {
		i, err = verb.Resolve(p, opts.issue)
		return err
	})
	if err != nil {
		return err
	}
	c, err := repo.Claim(ctx, i.UUID, tracker.ClaimOptions{Branch: issue.CurrentBranch(ctx, e, nil), Offline: e.Offline})
	if err != nil {
		return err
	}
	if i, err = c.View.Issue(i.UUID); err != nil {
		return err
	}
	no := issue.ClaimFailure(e, repo, c, i)
	if no != nil && no.Code != frame.ExitUnconfirmed {
		return no
	}
	r, err := e.Emit(ctx, opts.emit, func(repo *command.Repository, p tracker.Projection) ([]event.Body, error) {
		all, err := p.Sessions(store.SessionFilter{Agent: repo.Agent(), Open: true})
		for _, x := range all {
			if x.UUID == st.id && x.Issue == i.UUID {
				return nil, err
			}
		}
		return []event.Body{&event.SessionWorked{Session: st.id, Issue: i.UUID}}, err
	})
	if err != nil {
		return err
	}
	if len(r.Lines) == 0 {
		e.Progress("the session already works on %s", command.Named(i))
	} else {
		e.Progress("the session works on %s", command.Named(i))
	}
	return printSessionWrite(ctx, e, r, opts.emit, st.id, no)
}

// openSession returns the session that a command refers to.
func openSession(e *command.Env, repo *command.Repository, p tracker.Projection) (*reducer.Session, error) {
	return verb.OpenSession(p, repo.Agent(), e.Getenv("GIT_CROSSLINK_SESSION"), readSessionNote(repo).UUID)
}

// explainSessions explains why no session can be chosen.
func explainSessions(e *command.Env, err error) error {
	if several := (*verb.SeveralSessionsError)(nil); errors.As(err, &several) {
		f := frame.Fatal("several-sessions", several.Error())
		for _, x := range several.Open {
			f.Hints = append(f.Hints, fmt.Sprintf("started %s: GIT_CROSSLINK_SESSION=%s", e.Ago(x.StartedAt), x.UUID))
		}
		return f
	}
	return err
}

// shapeOf returns the shape of a session, with this worktree's own data about it.
func shapeOf(e *command.Env, s *answer.Builder, x *reducer.Session, me string) (answer.Session, error) {
	locks, err := []*store.Issue(nil), error(nil)
	if !x.Ended {
		locks, err = verb.SessionLocks(s.Projection, x)
	}
	key := ""
	if n := readSessionNote(e.Opened); n.UUID == x.UUID {
		key = n.Key
	}
	return s.Session(x, me, key, locks), err
}

// sessionWrite is the answer of a write to a session.
func sessionWrite(e *command.Env, r *tracker.Receipt, id event.UUID) (s *answer.Builder, w answer.SessionWrite, err error) {
	w.Write = answer.WriteOf(r)
	s = answer.New(r.View)
	all, err := r.View.Sessions(store.SessionFilter{Agent: r.Agent})
	for _, x := range all {
		if x.UUID == id {
			shape, err := shapeOf(e, s, x, r.Agent)
			w.Session = &shape
			return s, w, err
		}
	}
	return s, w, err
}

func printSessionWrite(ctx context.Context, e *command.Env, r *tracker.Receipt, o tracker.EmitOptions, id event.UUID, no *frame.Failure) error {
	_, w, err := sessionWrite(e, r, id)
	if err != nil {
		return err
	}
	if no == nil {
		no = command.Unconfirmed(r, o)
	}
	return e.Print(ctx, frame.Result{Data: w, IDs: []string{id.String()}, Failure: no})
}

func newSessionWork(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "work", Usage: "work on an issue",
		UsageText: "git crosslink session work [<options>] <id>",
		Description: `Claims the lock of an issue, unless you already hold it, and records that the
session works on this issue. If no session is open, this command starts one. The exit
status is that of 'lock': with 1 and 2 the session does not work on the issue, with 3
the hub has not confirmed the lock yet.

Examples:
  git crosslink session work 12`,
		Flags: command.WriteFlags(),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, "the id of one issue")
		if err != nil {
			return err
		}
		emit, err := e.EmitOptions(u)
		if err != nil {
			return err
		}
		return runSessionWork(u.Context, args[0], emit, e)
	})
}

func runSessionWork(ctx context.Context, id string, emit tracker.EmitOptions, e *command.Env) error {
	if id == "" {
		return frame.Misuse("the id is empty")
	}
	opts := sessionOptions{issue: id, emit: emit}
	if err := findIssue(ctx, e, id); err != nil {
		return err
	}
	st, err := startSession(ctx, opts, e)
	if err != nil {
		return err
	}
	if !st.already {
		e.Progress("started a session")
	}
	return workOn(ctx, opts, st, e)
}
