package cli

import (
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// ManPages returns the manual of the command line.
func ManPages() []frame.ManPage { return frame.ManPages(tree(&env{Terminal: &frame.Terminal{}})) }

// Examples returns the command lines that help gives as examples, by the
// command that explains them.
func Examples() map[string][]string { return frame.Examples(tree(&env{Terminal: &frame.Terminal{}})) }

// tree returns the whole command line. The root is no urfave App yet: permute
// and help read it first.
func tree(e *env) *urfave.Command {
	issues := slices.Concat([]*urfave.Command{
		newNewCommand(e),
		newListCommand(e),
		newShowCommand(e),
		newEditCommand(e),
		newCloseCommand(e),
		newReopenCommand(e),
		newArchiveCommand(e),
		newDeleteCommand(e),
		newCommentCommand(e),
	}, newSetCommands(e), []*urfave.Command{
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
	})
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
		frame.NewHelpCommand(e.Terminal, func() *urfave.Command { return tree(e) }),
	}
	noun := &urfave.Command{Name: frame.IssueNoun, Hidden: true, Subcommands: issues,
		Usage: "issues are the default noun: 'issue list' is 'list'"}
	root := &urfave.Command{
		Name:        frame.Program,
		Subcommands: append(slices.Concat(issues, rest), noun),
		Flags:       append(frame.CommonFlags(), &urfave.StringFlag{Name: "C", Usage: "run as if started in `DIR`"}),
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

// writeFlags are options of every command that writes.
func writeFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.BoolFlag{Name: "wait", Usage: "wait for the hub; status 3 if it has it not in the end"},
	}
}
