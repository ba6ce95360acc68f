package frame

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/internal/shell"
)

const (
	Program   = "git-crosslink" // its name
	IssueNoun = "issue"         // optional before commands about issues
)

// The groups of commands.
const (
	GroupIssues     = "issues"
	GroupNext       = "what next"
	GroupLocks      = "locks"
	GroupMilestones = "milestones and time"
	GroupAgents     = "agents"
	GroupTrust      = "trust"
	GroupHub        = "hub"
	GroupRest       = "rest"
)

// groups lists the groups in the order of help, each with its page of the manual,
// git-crosslink-<page>(1); "" is git-crosslink(1) itself.
var groups = []struct{ name, page, about string }{
	{GroupIssues, "issue", "create, change, list and show issues"},
	{GroupNext, "next", "find the next thing to work on"},
	{GroupLocks, "lock", "claim issues and see who works on what"},
	{GroupMilestones, "milestone", "group issues that are due together, and record time"},
	{GroupAgents, "agent", "see who writes, and manage agents"},
	{GroupTrust, "trust", "see and decide who may write, and with which key"},
	{GroupHub, "hub", "share the tracker, sync it and check it"},
	{GroupRest, "", ""},
}

// CommandName is the name under which people type a command.
func CommandName(c *urfave.Command) string {
	switch {
	case c.Name == Program:
		return "git crosslink"
	case c.HelpName != "":
		return c.HelpName
	}
	return "git crosslink " + c.Name
}

// CommonFlags are options of every command.
func CommonFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.BoolFlag{Name: "json", Usage: "print one JSON document (docs/json.md)"},
		&urfave.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print only ids"},
		&urfave.BoolFlag{Name: "offline", Usage: "do not contact the hub"},
		&urfave.StringFlag{Name: "color", Usage: "auto, always or never", Value: "auto", DefaultText: "auto"},
		&urfave.BoolFlag{Name: "pager", Usage: "do not use a pager", Value: true},
	}
}

// Colors are the values of --color.
var Colors = []string{"auto", "always", "never"}

// Command adds the common options to a command, and applies them when it runs.
func (t *Terminal) Command(c *urfave.Command, run func(*urfave.Context) error) *urfave.Command {
	c.Flags = append(c.Flags, CommonFlags()...)
	c.HideHelp = true
	c.Action = func(u *urfave.Context) error {
		t.verb = c.Name
		t.JSON = u.Bool("json")
		t.Quiet = u.Bool("quiet")
		t.Offline = u.Bool("offline")
		t.NoPager = t.NoPager || !u.Bool("pager")
		t.Color = u.String("color")
		if !slices.Contains(Colors, t.Color) {
			return BadValue("--color", t.Color, Colors)
		}
		return run(u)
	}
	return c
}

// Dispatch finds the command that the arguments name and runs it.
func (t *Terminal) Dispatch(ctx context.Context, root *urfave.Command, args []string, version func() error) error {
	t.JSON = asksForJSON(args)
	t.Trace.Debug().Strs("args", args).Msg("start")
	v, err := Permute(root, args)
	t.quoted = v.quoted
	for _, d := range v.Dirs {
		if err := t.Chdir(d); err != nil {
			return Fatal("directory", fmt.Sprintf("cannot change to '%s': %v", d, UnwrapPath(err)))
		}
	}
	switch {
	case err != nil && v.Help == NoHelp:
		return withUsage(err, v.command)
	case v.version:
		return version()
	case v.Help != NoHelp:
		return t.help(root, v)
	case v.command == nil:
		return t.synopsis(root)
	case v.command.Action == nil:
		return t.synopsis(v.command)
	}
	app := &urfave.App{
		Name:                      Program,
		HelpName:                  "git crosslink",
		Commands:                  root.Subcommands,
		Reader:                    t.In,
		Writer:                    io.Discard, // urfave prints nothing
		ErrWriter:                 io.Discard,
		HideHelp:                  true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*urfave.Context, error) {},
		OnUsageError:              func(_ *urfave.Context, err error, _ bool) error { return Misuse(err.Error()) },
	}
	for _, c := range root.Subcommands {
		c.OnUsageError = app.OnUsageError
	}
	return withUsage(app.RunContext(ctx, v.Words()), v.command)
}

// withUsage adds the command's synopsis to a mistake in usage.
func withUsage(err error, c *urfave.Command) error {
	if f, ok := err.(*Failure); ok && f.Kind == "usage" && c != nil && f.Usage == nil && c.Name != Program {
		f.Usage = UsageLines(c)
	}
	return err
}

// asksForJSON looks for --json before anything else is parsed, so that a mistake in the
// command line is printed as JSON too.
func asksForJSON(args []string) bool {
	for _, a := range args {
		switch a {
		case "--":
			return false
		case "--json", "--json=true":
			return true
		}
	}
	return false
}

// Quoted is how many arguments, the last ones, came after '--'. They are taken literally.
func (t *Terminal) Quoted() int { return t.quoted }

// Arguments returns the command's arguments if there are at least min and at
// most max of them (max < 0: any number).
func Arguments(u *urfave.Context, min, max int, what string) ([]string, error) {
	args := u.Args().Slice()
	switch {
	case len(args) < min:
		return nil, Misuse(fmt.Sprintf("'%s' needs %s", u.Command.Name, what))
	case max == 0 && len(args) > 0:
		return nil, Misuse(fmt.Sprintf("'%s' takes no arguments, not '%s'", u.Command.Name, args[0]), insteadOf(u, args)...)
	case max > 0 && len(args) > max:
		return nil, Misuse(fmt.Sprintf("'%s' takes %s, and '%s' is one too many", u.Command.Name, what, args[max]))
	}
	return args, nil
}

// insteadOf names the command for arguments that users know from other trackers.
func insteadOf(u *urfave.Context, args []string) []string {
	switch {
	case u.Bool("json"):
		return []string{"members of the answer: --json --fields " + shell.Word(strings.Join(args, ","))}
	case u.Command.Name == "list" && u.Command.Category == GroupIssues:
		return []string{"to search: git crosslink search " + shell.Word(strings.Join(args, " "))}
	}
	return nil
}

// OneOf reads an option with a closed list of values; "" is not given.
func OneOf(u *urfave.Context, name string, valid []string) (string, error) {
	v := u.String(name)
	if u.IsSet(name) && !slices.Contains(valid, v) {
		return "", BadValue("--"+name, v, valid)
	}
	return v, nil
}
