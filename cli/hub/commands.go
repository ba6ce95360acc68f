package hub

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
)

// Roll moves a tracker from the hub on one remote to a new one on another.
type Roll func(ctx context.Context, e *command.Env, remote, from string) error

// Commands are the commands about the hub and its writers, in the order of help.
func Commands(e *command.Env, roll Roll) []*urfave.Command {
	return []*urfave.Command{
		newAgentCommand(e),
		newTrustCommand(e),
		newKeyCommand(e),
		newVerifyProofCommand(e),
		newRequestCommand(e),
		newHeartbeatCommand(e),
		newSetupCommand(e),
		newCICommand(e),
		newInitCommand(e, roll),
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
