// Package dashboard is the command that starts the dashboard's program.
package dashboard

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

const (
	verb    = "dashboard"
	program = "git-crosslink-dashboard"
)

// New returns the command.
func New(t *frame.Terminal) *urfave.Command {
	return t.Command(&urfave.Command{
		Name: verb, Category: frame.GroupRest,
		Usage:     "watch this and other projects in a browser",
		UsageText: "git crosslink dashboard [--port <n>] [--no-open] [--read-only]\ngit crosslink dashboard serve|track|untrack|discover|list|pin|unpin|pause|resume|poll …\ngit crosslink dashboard alerts|ack|silence|webhook|token|export|backup|doctor|login-url …",
		Description: `Watches this repository and opens a page in a browser that shows what needs you,
who works on what, what is ready and what changed last. The page follows what
happens. Issues are closed and commented on there as by the agent of this clone.

'track <path>' watches another repository too, 'list' lists them, 'untrack' ends
it; 'pause' and 'resume' leave a project alone for a while. 'discover' finds the
repositories with a tracker in your home directory. The server listens on this
machine only, on port 3100 or the next free one, and runs until Ctrl-C.
'login-url' prints another link to log a browser in.

'alerts' lists what is wrong in all projects, 'ack <alert>' acknowledges an alert,
'silence' holds notifications back for a while. 'export' writes projects, alerts or
the audit log as a table, 'backup' copies the database, 'doctor' checks it.
'webhook' tells other programs of alerts, 'token' lets scripts use the server.

Starts git-crosslink-dashboard, which is installed with this program; its own
options are in docs/dashboard.md, and '<command> --help' explains each command.

Examples:
  git crosslink dashboard list
  git crosslink dashboard track --slug me/project .`,
	}, func(u *urfave.Context) error { return run(u.Context, t, u.Args().Slice()) })
}

// watch is the verb of the view in a terminal, which is the same program's.
const watch = "watch"

// NewWatch returns the command that shows one repository in the terminal.
func NewWatch(t *frame.Terminal) *urfave.Command {
	return t.Command(&urfave.Command{
		Name: watch, Category: frame.GroupNext,
		Usage:     "show this repository in the terminal, and follow it",
		UsageText: "git crosslink watch [--once]",
		Description: `Shows what needs you, who works on what, and what was done last, on one screen
that follows what happens, until Ctrl-C. A hub on a network is fetched once a
minute. With '--once', or in a pipe, it is printed once.

Starts git-crosslink-dashboard, which is installed with this program.

Examples:
  git crosslink watch --once`,
	}, func(u *urfave.Context) error { return run(u.Context, t, append([]string{watch}, u.Args().Slice()...)) })
}

// Run runs the dashboard if that is what a command line asks for. What follows
// the verb is the program's to read.
func Run(ctx context.Context, t *frame.Terminal, args []string) (ran bool, err error) {
	args, passed, err := t.PassedOn(args, verb, watch)
	if !passed || err != nil {
		return passed, err
	}
	if args[0] == verb {
		args = args[1:]
	}
	return true, run(ctx, t, args)
}

func run(ctx context.Context, t *frame.Terminal, words []string) error {
	return t.Launch(ctx, "no-dashboard", program, words)
}
