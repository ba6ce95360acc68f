package git

import (
	"os/exec"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/system"
)

// isolate puts a child where its whole family can be ended, and tells
// os/exec how. SIGTERM comes first: git then removes its lock files.
func isolate(cmd *exec.Cmd, iso isolation) {
	switch iso {
	case sameGroup:
		alone(cmd)
		return
	case ownSession:
		system.NewSession(cmd)
	default:
		system.NewGroup(cmd)
	}
	cmd.Cancel = func() error {
		if err := system.TerminateGroup(cmd); err != nil {
			return cmd.Process.Kill()
		}
		return nil
	}
}

// alone lets only the child itself end when the context does, not its family.
func alone(cmd *exec.Cmd) {
	cmd.Cancel = func() error { return system.Terminate(cmd.Process) }
}

// endGroup kills what is left of a child's group after the child itself has
// been waited for.
func endGroup(cmd *exec.Cmd) { system.KillGroup(cmd) }

// endGroupGently is endGroup for those who would leave locks behind.
func endGroupGently(cmd *exec.Cmd) {
	if cmd.Process == nil {
		return
	}
	for n := range 50 {
		if n == 0 && system.TerminateGroup(cmd) != nil || !system.GroupAlive(cmd) {
			return // all have ended
		}
		time.Sleep(10 * time.Millisecond)
	}
	endGroup(cmd)
}
