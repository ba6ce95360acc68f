package cli

import (
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/dashboard"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/cli/hub"
	"github.com/git-crosslink/git-crosslink/cli/issue"
	"github.com/git-crosslink/git-crosslink/cli/mcp"
	"github.com/git-crosslink/git-crosslink/cli/session"
	"github.com/git-crosslink/git-crosslink/cli/timing"
	"github.com/git-crosslink/git-crosslink/cli/transfer"
)

// ManPages returns the manual of the command line.
func ManPages() []frame.ManPage {
	return frame.ManPages(tree(&command.Env{Terminal: &frame.Terminal{}}))
}

// Examples returns the examples in help, by the command that they explain.
func Examples() map[string][]string {
	return frame.Examples(tree(&command.Env{Terminal: &frame.Terminal{}}))
}

// tree returns the whole command line. The root is not a urfave App yet: permute and help
// read it first.
func tree(e *command.Env) *urfave.Command {
	issues := issue.Commands(e)
	rest := append(slices.Concat(issue.Nouns(e), session.Commands(e), timing.Commands(e), hub.Commands(e, transfer.Roll), transfer.Commands(e)),
		dashboard.New(e.Terminal),
		mcp.New(e.Terminal),
		dashboard.NewWatch(e.Terminal),
		newCompletionCommand(e),
		newVersionCommand(e),
		frame.NewHelpCommand(e.Terminal, func() *urfave.Command { return tree(e) }))
	noun := &urfave.Command{Name: frame.IssueNoun, Hidden: true, Subcommands: issues,
		Usage: "the default noun: 'issue list' is the same as 'list'"}
	root := &urfave.Command{
		Name:        frame.Program,
		Subcommands: append(slices.Concat(issues, rest), noun),
		Flags:       append(frame.CommonFlags(), &urfave.StringFlag{Name: "C", Usage: "run as if git crosslink was started in `DIR`"}),
	}
	offerFields(e.Terminal, root)
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
