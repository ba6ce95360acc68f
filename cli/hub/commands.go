package hub

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
)

// Commands are the commands about the hub and those who write to it, in the
// order of help.
func Commands(e *command.Env) []*urfave.Command {
	return []*urfave.Command{
		newAgentCommand(e),
		newTrustCommand(e),
		newKeyCommand(e),
		newVerifyProofCommand(e),
		newRequestCommand(e),
		newHeartbeatCommand(e),
		newSetupCommand(e),
		newCICommand(e),
		newInitCommand(e),
		newForkCommand(e),
		newMigrateCommand(e),
		newSyncCommand(e),
		newStatusCommand(e),
		newFsckCommand(e),
		newHooksCommand(e),
		newDoctorCommand(e),
		newGitCommand(e),
		newServerCommand(e),
	}
}
