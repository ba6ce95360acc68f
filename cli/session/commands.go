package session

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
)

// Commands are the commands about sessions, and prime.
func Commands(e *command.Env) []*urfave.Command {
	return []*urfave.Command{newSessionCommand(e), newPrimeCommand(e)}
}
