//go:build unix

package place

import (
	"os/exec"
	"syscall"
	"time"
)

// ownGroup puts the child and all it starts, ssh among it, into a group of its
// own, which ends with the child's context: asked first, killed after grace.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		group := -cmd.Process.Pid
		time.AfterFunc(grace, func() { syscall.Kill(group, syscall.SIGKILL) })
		return syscall.Kill(group, syscall.SIGTERM)
	}
}
