// Package timing has the commands about the time that people and agents spend on
// issues.
package timing

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
)

// Commands are the commands about time, in the order of help.
func Commands(e *command.Env) []*urfave.Command {
	return []*urfave.Command{newTimerCommand(e), newTimeCommand(e)}
}
