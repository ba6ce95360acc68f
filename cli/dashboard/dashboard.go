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
		Usage:     "show this and other repositories in a browser",
		UsageText: "git crosslink dashboard [--port <n>] [--no-open] [--read-only]\ngit crosslink dashboard serve|track|untrack|discover|list|pin|unpin|pause|resume|poll …\ngit crosslink dashboard alerts|ack|silence|webhook|token|export|backup|doctor|login-url …",
		Description: `Starts a server for this repository and opens its page in a browser. The page shows
what needs you, who works on what, what is ready, and the latest changes, and it
updates itself. Changes that you make on the page are written by the agent of this
clone. The server listens only on this machine, on port 3100 or the next free port,
and runs until Ctrl-C.

'track <path>' adds another repository, 'list' lists all, 'untrack' removes one.
'pause' and 'resume' stop and start the updates of one. 'discover' finds the
repositories with a tracker under a directory. 'login-url' prints a new link that
logs a browser in.

'alerts' lists the alerts of all repositories, 'ack <alert>' acknowledges one, and
'silence' stops notifications for a while. 'webhook' sends alerts to other programs,
and 'token' lets scripts use the server. 'export' writes repositories, alerts or the
audit log as a table. 'backup' copies the database, and 'doctor' checks it.

This command starts git-crosslink-dashboard, which is installed with this program.
'git crosslink dashboard <command> --help' explains each command; docs/dashboard.md
lists all options.

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
		Usage:     "show what happens in this repository on one screen",
		UsageText: "git crosslink watch [--once]",
		Description: `Shows what needs you, who works on what, and the latest changes on one screen. The
screen updates itself until you press Ctrl-C. A hub on the network is fetched once a
minute. With '--once', or in a pipe, the screen is printed once.

This command starts git-crosslink-dashboard, which is installed with this program.

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
