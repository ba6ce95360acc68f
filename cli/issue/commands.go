package issue

import (
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
)

// Commands are the commands about issues, in the order of help.
func Commands(e *command.Env) []*urfave.Command {
	return slices.Concat([]*urfave.Command{
		newNewCommand(e),
		newListCommand(e),
		newShowCommand(e),
		newTemplateCommand(e),
		newEditCommand(e),
		newCloseCommand(e),
		newReopenCommand(e),
		newArchiveCommand(e),
		newDeleteCommand(e),
		newUndoCommand(e),
		newCommentCommand(e),
	}, newSetCommands(e), []*urfave.Command{
		newLinkCommand(e),
		newUnlinkCommand(e),
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
}

// Nouns are the commands about milestones.
func Nouns(e *command.Env) []*urfave.Command {
	return []*urfave.Command{newMilestoneCommand(e)}
}
