package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

const (
	program   = "git-crosslink"
	issueNoun = "issue"
)

// The groups of commands.
const (
	groupIssues = "issues"
	groupNext   = "what next"
	groupLocks  = "locks"
	groupAgents = "agents"
	groupTrust  = "trust"
	groupHub    = "hub"
	groupRest   = "rest"
)

// groups are they in the order help shows them, each with its page of the
// manual, git-crosslink-<page>(1); "" is git-crosslink(1) itself.
var groups = []struct{ name, page, about string }{
	{groupIssues, "issue", "create, change, list and show issues"},
	{groupNext, "next", "find out what to work on"},
	{groupLocks, "lock", "claim issues and see who works on what"},
	{groupAgents, "agent", "see who writes, and settle who does"},
	{groupTrust, "trust", "see and say who may write, and with which key"},
	{groupHub, "hub", "share the tracker and keep it up to date"},
	{groupRest, "", ""},
}

// tree returns the whole command line. The root is no urfave App yet: permute
// and help read it first.
func tree(e *env) *urfave.Command {
	issues := []*urfave.Command{
		newNewCommand(e),
		newListCommand(e),
		newShowCommand(e),
		newEditCommand(e),
		newCloseCommand(e),
		newReopenCommand(e),
		newArchiveCommand(e),
		newDeleteCommand(e),
		newCommentCommand(e),
		newLabelCommand(e),
		newUnlabelCommand(e),
		newAssignCommand(e),
		newUnassignCommand(e),
		newBlockCommand(e),
		newUnblockCommand(e),
		newRelateCommand(e),
		newUnrelateCommand(e),
		newParentCommand(e),
		newScheduleCommand(e),
		newSearchCommand(e),
		newLogCommand(e),
		newTreeCommand(e),
		newReadyCommand(e),
		newBlockedCommand(e),
		newNextCommand(e),
		newLockCommand(e),
		newUnlockCommand(e),
		newLocksCommand(e),
	}
	rest := []*urfave.Command{
		newAgentCommand(e),
		newTrustCommand(e),
		newKeyCommand(e),
		newVerifyProofCommand(e),
		newHeartbeatCommand(e),
		newInitCommand(e),
		newForkCommand(e),
		newSyncCommand(e),
		newStatusCommand(e),
		newFsckCommand(e),
		newHooksCommand(e),
		newDoctorCommand(e),
		newServerCommand(e),
		newCompletionCommand(e),
		newVersionCommand(e),
		newHelpCommand(e),
	}
	noun := &urfave.Command{Name: issueNoun, Hidden: true, Subcommands: issues,
		Usage: "issues are the default noun: 'issue list' is 'list'"}
	root := &urfave.Command{
		Name:        program,
		Subcommands: append(slices.Concat(issues, rest), noun),
		Flags:       append(commonFlags(), &urfave.StringFlag{Name: "C", Usage: "run as if started in `DIR`"}),
	}
	for _, c := range root.Subcommands {
		c.HelpName = "git crosslink " + c.Name
		for _, s := range c.Subcommands {
			if c != noun {
				s.HelpName = c.HelpName + " " + s.Name
			}
		}
	}
	return root
}

// commandName is what people type for a command.
func commandName(c *urfave.Command) string {
	switch {
	case c.Name == program:
		return "git crosslink"
	case c.HelpName != "":
		return c.HelpName
	}
	return "git crosslink " + c.Name
}

// commonFlags are options of every command.
func commonFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.BoolFlag{Name: "json", Usage: "answer with one JSON document (docs/json.md)"},
		&urfave.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print ids only, say nothing else"},
		&urfave.BoolFlag{Name: "offline", Usage: "leave the hub alone"},
		&urfave.StringFlag{Name: "color", Usage: "auto, always or never", Value: "auto", DefaultText: "auto"},
		&urfave.BoolFlag{Name: "pager", Usage: "no pager, not even on a terminal", Value: true},
	}
}

// writeFlags are options of every command that writes.
func writeFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.BoolFlag{Name: "wait", Usage: "wait for the hub; status 3 if it has it not in the end"},
	}
}

var colors = []string{"auto", "always", "never"}

// command completes a command: its common options, and what they mean.
func (e *env) command(c *urfave.Command, run func(*urfave.Context) error) *urfave.Command {
	c.Flags = append(c.Flags, commonFlags()...)
	c.HideHelp = true
	c.Action = func(u *urfave.Context) error {
		e.verb = c.Name
		e.asJSON = u.Bool("json")
		e.quiet = u.Bool("quiet")
		e.offline = u.Bool("offline")
		e.noPager = e.noPager || !u.Bool("pager")
		e.color = u.String("color")
		if !slices.Contains(colors, e.color) {
			return frame.BadValue("--color", e.color, colors)
		}
		return run(u)
	}
	return c
}

// dispatch finds the command and runs it.
func (e *env) dispatch(ctx context.Context, args []string) error {
	e.asJSON = asksForJSON(args)
	e.trace.Debug().Strs("args", args).Msg("start")
	root := tree(e)
	v, err := permute(root, args)
	for _, d := range v.dirs {
		if err := e.chdir(d); err != nil {
			return frame.Fatal("directory", fmt.Sprintf("cannot change to '%s': %v", d, frame.UnwrapPath(err)))
		}
	}
	switch {
	case err != nil && v.help == noHelp:
		return withUsage(err, v.command)
	case v.version:
		return runVersion(versionOptions{}, e)
	case v.help != noHelp:
		return e.help(root, v)
	case v.command == nil:
		return e.synopsis(root)
	case v.command.Action == nil:
		return e.synopsis(v.command)
	}
	app := &urfave.App{
		Name:                      program,
		HelpName:                  "git crosslink",
		Commands:                  root.Subcommands,
		Reader:                    e.in,
		Writer:                    io.Discard, // urfave is never to speak
		ErrWriter:                 io.Discard,
		HideHelp:                  true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*urfave.Context, error) {},
		OnUsageError:              func(_ *urfave.Context, err error, _ bool) error { return frame.Misuse(err.Error()) },
	}
	for _, c := range root.Subcommands {
		c.OnUsageError = app.OnUsageError
	}
	return withUsage(app.RunContext(ctx, v.words()), v.command)
}

// withUsage adds the command's synopsis to a mistake in usage.
func withUsage(err error, c *urfave.Command) error {
	if f, ok := err.(*frame.Failure); ok && f.Kind == "usage" && c != nil && f.Usage == nil && c.Name != program {
		f.Usage = usageLines(c)
	}
	return err
}

// asksForJSON finds --json before anything else is understood, so that an
// error in the words is told in JSON too.
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

// arguments returns the command's arguments if there are at least min and at
// most max of them (max < 0: any number).
func arguments(u *urfave.Context, min, max int, what string) ([]string, error) {
	args := u.Args().Slice()
	switch {
	case len(args) < min:
		return nil, frame.Misuse(fmt.Sprintf("'%s' needs %s", u.Command.Name, what))
	case max == 0 && len(args) > 0:
		return nil, frame.Misuse(fmt.Sprintf("'%s' takes no arguments, not '%s'", u.Command.Name, args[0]))
	case max > 0 && len(args) > max:
		return nil, frame.Misuse(fmt.Sprintf("'%s' takes %s; '%s' is too much", u.Command.Name, what, args[max]))
	}
	return args, nil
}

// oneOf checks an option with a closed list of values; "" is not given.
func oneOf(u *urfave.Context, name string, valid []string) (string, error) {
	v := u.String(name)
	if u.IsSet(name) && !slices.Contains(valid, v) {
		return "", frame.BadValue("--"+name, v, valid)
	}
	return v, nil
}
