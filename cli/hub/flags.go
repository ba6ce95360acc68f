package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

type flagsOptions struct {
	strict, fresh, hook bool
}

func newAgentFlags(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "flags", Usage: "show what requests tell this agent to do",
		UsageText: "git crosslink agent flags [<options>]",
		Description: `Prints the state of this worktree's agent that requests have set: run, paused or
killed. Also prints the issues to take first. Only requests that this clone obeys
count (see 'git crosslink help request'), answered or not. A new session ends the
state killed. This command contacts the hub only with --fresh.

With --strict the exit status is 2 if the agent is paused or killed. --hook is for
programs that run a command before each step. With --hook the command reads the step
from stdin. If the agent is paused or killed, it prints one line and exits with 2. It
always lets commands of git crosslink pass, and lets every step pass if the tracker
cannot be read. If the last sync is more than a minute ago, it starts a sync in the
background, so a request takes effect within 70 seconds.

Examples:
  git crosslink agent flags
  git crosslink agent flags --strict`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "strict", Usage: "exit 2 if paused or killed"},
			&urfave.BoolFlag{Name: "fresh", Usage: "ask the hub first"},
			&urfave.BoolFlag{Name: "hook", Usage: "for a hook of an agent's program: read its JSON from stdin, and exit 2 if paused or killed"},
		},
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		o := flagsOptions{u.Bool("strict"), u.Bool("fresh"), u.Bool("hook")}
		if o.hook && (o.fresh || u.Bool("json")) {
			return frame.Misuse("'--hook' excludes '--fresh' and '--json'")
		}
		if o.hook {
			return runFlagsHook(u.Context, e)
		}
		return runFlags(u.Context, o, e)
	})
}

// readFlags reads the flags that requests set for this worktree's agent.
func readFlags(ctx context.Context, e *command.Env, wish tracker.Freshness) (flags verb.Flags, s *answer.Builder, err error) {
	err = e.Read(ctx, wish, func(repo *command.Repository, p tracker.Projection) (err error) {
		s = answer.New(p)
		flags, err = command.FlagsOf(ctx, repo, p)
		return err
	})
	return flags, s, err
}

func runFlags(ctx context.Context, o flagsOptions, e *command.Env) error {
	wish := tracker.Here
	if o.fresh {
		wish = tracker.Fresh
	}
	flags, s, err := readFlags(ctx, e, wish)
	if err != nil {
		return err
	}
	doc := command.FlagsShape(s, flags)
	a := frame.Result{Data: doc, IDs: []string{flags.State}}
	if no := command.Stopped(s.Names, flags); no != nil && o.strict {
		a.Failure = no
	}
	a.Page = func(pg *frame.Page) {
		pg.Print("%s\n", flags.State)
		if r := flags.By; r != nil {
			pg.Print("    by %s, %s%s\n", s.Names.Full(r.By), e.Ago(r.SentAt), reasonOf(r.Reason))
		}
		for k := range doc.Reprioritise {
			i := &doc.Reprioritise[k]
			pg.Print("    take first: %s  %s\n", refName(i), i.Title)
		}
		if flags.Ignored > 0 {
			pg.Print("    %s ignored: git crosslink request list --to @me\n", frame.Count(flags.Ignored, "request"))
		}
	}
	return e.Print(ctx, a)
}

func refName(r *answer.Ref) string {
	if r.Number != 0 {
		return fmt.Sprint(r.Number)
	}
	return r.Short
}

func reasonOf(text string) string {
	if text == "" {
		return ""
	}
	return ": " + frame.OneLine(text)
}

// maxStep bounds the size of a program's step, and stepWait how long to wait for it.
const (
	maxStep  = 64 << 10
	stepWait = 200 * time.Millisecond
	askAfter = 60 * time.Second
)

// runFlagsHook stops a step of a program if its agent is paused or killed. It fails
// open: without an answer the step continues.
func runFlagsHook(ctx context.Context, e *command.Env) error {
	if !e.InTTY && ours(readStep(e.In)) {
		return nil
	}
	flags, s, err := readFlags(ctx, e, tracker.Offline)
	if err != nil {
		e.Trace.Debug().Err(err).Msg("flags")
		return nil
	}
	if !e.Offline {
		e.Opened.SyncLater(askAfter)
	}
	no := command.Stopped(s.Names, flags)
	if no == nil {
		return nil
	}
	e.Progress("%s; %s", no.Message, strings.Join(no.Hints, "; "))
	return &frame.Silent{Code: frame.ExitLost}
}

// readStep reads a program's description of its step.
func readStep(in io.Reader) []byte {
	read := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(io.LimitReader(in, maxStep))
		read <- b
	}()
	select {
	case b := <-read:
		return b
	case <-time.After(stepWait):
		return nil
	}
}

// ours reports whether a step is one command of git crosslink, and nothing else.
func ours(step []byte) bool {
	var s struct {
		Input struct {
			Command string `json:"command"`
		} `json:"tool_input"`
	}
	if json.Unmarshal(step, &s) != nil {
		return false
	}
	text := strings.TrimSpace(s.Input.Command)
	if strings.ContainsAny(text, ";&|<>`$\n\r") {
		return false
	}
	f := strings.Fields(text)
	return len(f) > 0 && (f[0] == "git-crosslink" || f[0] == "git" && len(f) > 1 && f[1] == "crosslink")
}
