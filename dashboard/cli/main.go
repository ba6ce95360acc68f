// Package cli is the command line of git-crosslink-dashboard: which projects
// the dashboard watches, and the server that shows them. git crosslink dashboard
// starts it.
//
// Commands change the database themselves; a server that runs sees it on its
// next pass, and is woken at once through its control socket.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
)

// env is the outside world as one command sees it.
type env struct {
	out, err io.Writer
	getenv   func(string) string
	now      func() time.Time
	program  string // this program
	json     bool
	quiet    bool // print only ids
	browse   func(ctx context.Context, url string) error
}

// Main runs one command line, args[0] being the program, and returns the exit
// status.
func Main(args []string) int {
	program, err := os.Executable()
	if err != nil {
		program = args[0]
	}
	e := &env{out: os.Stdout, err: os.Stderr, getenv: os.Getenv, now: time.Now, program: program}
	e.browse = e.openBrowser
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return e.run(ctx, args[1:])
}

// run carries one command line to its exit status.
func (e *env) run(ctx context.Context, args []string) int {
	if len(args) == 2 && args[0] == fetchVerb {
		return e.fetch(ctx, args[1])
	}
	t := &frame.Terminal{Streams: frame.Streams{Out: e.out, Err: e.err}, System: frame.System{Getenv: e.getenv, Chdir: os.Chdir}}
	words := args
	if len(args) == 0 || args[0] != watchVerb {
		words = append([]string{"dashboard"}, args...)
	}
	err := t.Dispatch(ctx, e.tree(), words, nil)
	e.json = t.JSON
	return e.conclude(err)
}

// tree is the command line, below the program that starts this one.
func (e *env) tree() *urfave.Command {
	dashboard := &urfave.Command{Name: "dashboard", Usage: "watch many projects on one page", UsageText: usage, Flags: serveFlags(), Action: e.open, Subcommands: e.commands()}
	root := &urfave.Command{Name: frame.Program, Subcommands: []*urfave.Command{dashboard, e.watchCommand()}}
	e.complete("git crosslink", root.Subcommands)
	return root
}

// complete gives commands their full names, the options that all have, and what to
// do first.
func (e *env) complete(noun string, all []*urfave.Command) {
	for _, c := range all {
		c.HelpName, c.HideHelp = noun+" "+c.Name, true
		c.OnUsageError = func(_ *urfave.Context, err error, _ bool) error { return frame.Misuse(err.Error()) }
		e.complete(c.HelpName, c.Subcommands)
		if c.Action == nil {
			continue
		}
		c.Flags = append(c.Flags, &urfave.BoolFlag{Name: "json", Usage: "answer with one JSON document (docs/json.md)"},
			&urfave.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print only ids"})
		if c.UsageText == "" {
			c.UsageText = strings.TrimSpace(c.HelpName + " [<options>] " + c.ArgsUsage)
		}
		do := c.Action
		c.Action = func(u *urfave.Context) error {
			e.json, e.quiet = u.Bool("json"), u.Bool("quiet")
			return do(u)
		}
	}
}

const usage = `git crosslink dashboard [--port <n>] [--no-open]
git crosslink dashboard serve [--port <n>] [--base-url <url>] [--read-only]
git crosslink dashboard track [<path>|<url>] [--slug <owner/repo>] [--pin]
git crosslink dashboard list
git crosslink dashboard discover [<directory>…] [--depth <n>] [--track]
git crosslink dashboard untrack|pin|unpin|pause|resume|poll <owner/repo>
git crosslink dashboard webhook add <url>
git crosslink dashboard webhook list|log|test|enable|rotate|remove|replay [<id>]
git crosslink dashboard receive add|list|remove [<owner/repo>|<id>]
git crosslink dashboard token add <name> [--scope read|act]
git crosslink dashboard token list|remove [<id>]
git crosslink dashboard alerts [--resolved]
git crosslink dashboard ack <alert> [--note <text>] [--for <time>] [--undo]
git crosslink dashboard silence [--kind <kind>] [--for <time>] [--comment <text>]
git crosslink dashboard export projects|alerts|audit [--format csv|json]
git crosslink dashboard backup
git crosslink dashboard doctor
git crosslink dashboard login-url`

func (e *env) commands() []*urfave.Command {
	one := func(name, about string, do func(*urfave.Context, *db.DB, db.Project) error) *urfave.Command {
		return &urfave.Command{Name: name, Usage: about, ArgsUsage: "<owner/repo>", Action: func(u *urfave.Context) error { return e.onProject(u, do) }}
	}
	untrack := one("untrack", "stop watching a project", nil)
	untrack.Action = func(u *urfave.Context) error { return e.withProject(u, e.untrack) }
	untrack.Flags = []urfave.Flag{&urfave.BoolFlag{Name: "discard-unsent", Usage: "delete the repository that the dashboard created, even if it holds unsent events"}}
	return slices.Concat(e.alertCommands(), e.keepCommands(), []*urfave.Command{
		{Name: "serve", Usage: "serve the dashboard", Flags: append(serveFlags(),
			&urfave.BoolFlag{Name: "open", Usage: "open it in a browser"},
			&urfave.BoolFlag{Name: "rotate-sessions", Usage: "log every browser out"}), Action: e.serve},
		{Name: "track", Usage: "watch a repository", ArgsUsage: "[<path>|<url>]", Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "slug", Usage: "name of the project, `OWNER/REPO`"},
			&urfave.BoolFlag{Name: "pin", Usage: "show the project first"},
			&urfave.BoolFlag{Name: "init", Usage: "also create its tracker, or join the one on its remote, unless it has one"},
			&urfave.StringFlag{Name: "agent-id", Usage: "with --init: the repository writes as agent `ID`"},
		}, Action: e.track},
		untrack,
		{Name: "list", Usage: "list the watched projects", Action: e.list},
		one("pin", "show a project first", func(u *urfave.Context, d *db.DB, p db.Project) error { return d.Pin(u.Context, p.ID, true) }),
		one("unpin", "stop showing a project first", func(u *urfave.Context, d *db.DB, p db.Project) error { return d.Pin(u.Context, p.ID, false) }),
		one("pause", "stop reading a project until it is resumed", func(u *urfave.Context, d *db.DB, p db.Project) error { return d.SetStatus(u.Context, p.ID, db.Paused) }),
		one("resume", "read a paused project again", func(u *urfave.Context, d *db.DB, p db.Project) error { return d.SetStatus(u.Context, p.ID, db.Active) }),
		one("poll", "fetch and read a project now", e.poll),
		e.discoverCommand(),
		e.webhookCommand(),
		e.receiveCommand(),
		e.tokenCommand(),
		{Name: "login-url", Usage: "print a link that logs one browser in", Action: e.loginURL},
	})
}

// conclude prints an error and returns the exit status.
func (e *env) conclude(err error) int {
	if err == nil || errors.Is(err, context.Canceled) {
		return frame.ExitDone
	}
	if silent := (*frame.Silent)(nil); errors.As(err, &silent) {
		return silent.Code // it has said why
	}
	f := explain(err)
	if e.json {
		_ = e.answerWith(nil, err) // anybody who reads it may be gone; the status says it, too
		return f.Code
	}
	fmt.Fprintln(e.err, "error:", frame.OneLine(f.Message))
	for _, h := range f.Hints {
		fmt.Fprintln(e.err, "hint:", frame.OneLine(h))
	}
	return f.Code
}

func explain(err error) *frame.Failure {
	switch {
	case errors.Is(err, db.ErrNewer):
		return frame.Fatal("newer", err.Error(), "update git-crosslink-dashboard")
	case errors.Is(err, db.ErrTaken):
		return frame.Fatal("taken", err.Error(), "choose another name: --slug <owner/repo>", "git crosslink dashboard list")
	}
	return frame.Explain(err)
}

// say prints a message on stderr.
func (e *env) say(format string, args ...any) {
	if !e.json && !e.quiet {
		fmt.Fprintf(e.err, format+"\n", args...)
	}
}

// line is one thing in a list.
type line struct {
	id    string
	cells []string
}

// lines prints a list, or only the ids of what is in it.
func (e *env) lines(all []line) error {
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	for _, one := range all {
		text := strings.Join(one.cells, "\t")
		if e.quiet {
			text = one.id
		}
		fmt.Fprintln(w, text)
	}
	return w.Flush()
}

// minute is a time as lists show it.
func minute(t event.Time) string { return t.Std().Local().Format("2006-01-02 15:04") }

// dir is where the dashboard keeps its files.
func (e *env) dir() (string, error) {
	state := e.getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home := e.getenv("HOME")
		if home == "" {
			return "", frame.Fatal("no-home", "neither HOME nor XDG_STATE_HOME is set")
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "git-crosslink", "dashboard"), nil
}

// databaseAlone opens the database for a command that takes no arguments.
func (e *env) databaseAlone(u *urfave.Context) (*db.DB, error) {
	if err := noArguments(u); err != nil {
		return nil, err
	}
	d, _, err := e.database(u.Context)
	return d, err
}

func (e *env) database(ctx context.Context) (*db.DB, string, error) {
	dir, err := e.dir()
	if err != nil {
		return nil, "", err
	}
	d, err := db.Open(ctx, dir, e.now)
	return d, dir, err
}

// fetchVerb is what the dashboard starts itself with for a fetch. It is no
// command for people.
const fetchVerb = "fetch-in-child"

func (e *env) fetch(ctx context.Context, path string) int {
	a := place.ChildAnswer{OK: true}
	if err := place.Fetch(ctx, path, place.Options{Now: e.now}); err != nil {
		a = place.ChildAnswer{Why: strings.TrimSpace(err.Error())}
	}
	if json.NewEncoder(e.out).Encode(a) != nil {
		return frame.ExitFatal
	}
	return frame.ExitDone
}
