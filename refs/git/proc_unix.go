//go:build unix

package git

import (
	"os"
	"os/exec"
	"syscall"
	"time"
)

// isolate puts a child where its whole family can be ended, and tells
// os/exec how. SIGTERM comes first: git then removes its lock files.
func isolate(cmd *exec.Cmd, iso isolation) {
	if iso == sameGroup {
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		return
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: iso == ownGroup, Setsid: iso == ownSession}
	cmd.Cancel = func() error {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil {
			return cmd.Process.Kill()
		}
		return nil
	}
}

// alone lets only the child itself end when the context does, not its family.
func alone(cmd *exec.Cmd) {
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
}

// endGroup kills what is left of a child's group after the child itself has
// been waited for. The group's number stays taken while it has a member.
func endGroup(cmd *exec.Cmd) {
	if cmd.Process != nil && cmd.SysProcAttr != nil && (cmd.SysProcAttr.Setpgid || cmd.SysProcAttr.Setsid) {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}

// endGroupGently is endGroup for those who would leave locks behind.
func endGroupGently(cmd *exec.Cmd) {
	if cmd.Process == nil {
		return
	}
	for n := range 50 {
		if n == 0 && syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) != nil || syscall.Kill(-cmd.Process.Pid, 0) != nil {
			return // all have ended
		}
		time.Sleep(10 * time.Millisecond)
	}
	endGroup(cmd)
}

// ownedByUs is git's own test of whose a repository is, without its exceptions.
func ownedByUs(st os.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Geteuid()
}
