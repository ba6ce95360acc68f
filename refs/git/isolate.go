package git

import (
	"os/exec"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/system"
)

// isolate starts a child so that it can be ended together with all its descendants, and
// configures os/exec to do so. SIGTERM comes first, so that git removes its lock files.
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

// alone makes the end of the context end only the child itself, not its descendants.
func alone(cmd *exec.Cmd) {
	cmd.Cancel = func() error { return system.Terminate(cmd.Process) }
}

// endGroup kills the rest of a child's group after the child itself was waited for.
func endGroup(cmd *exec.Cmd) { system.KillGroup(cmd) }

// endGroupGently is endGroup for processes that would leave locks behind.
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
