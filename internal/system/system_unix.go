//go:build unix

package system

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// OpenFlags keep an open from following a symbolic link, from waiting for
// another process and from taking a terminal.
const OpenFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_NOCTTY

// Identify returns the id of the file that st describes; false if unknown.
func Identify(_ string, st fs.FileInfo) (FileID, bool) {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return FileID{}, false
	}
	return FileID{Device: uint64(s.Dev), Inode: uint64(s.Ino), Links: uint64(s.Nlink)}, true
}

// Owner returns the id of the user that a file belongs to; false if unknown.
func Owner(st fs.FileInfo) (uid int, ok bool) {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}

// UserName is a user as people know them, for messages.
func UserName(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil {
		return "'" + u.Username + "'"
	}
	return "user " + id
}

// Writable reports whether this user may create files in a directory.
func Writable(dir string) bool {
	const writeAndSearch = 3 // W_OK and X_OK
	return syscall.Access(dir, writeAndSearch) == nil
}

// TryLock is Lock without waiting.
func TryLock(f *os.File, shared bool) (bool, error) {
	how := syscall.LOCK_EX
	if shared {
		how = syscall.LOCK_SH
	}
	for {
		switch err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, &os.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
	}
}

// SyncDir makes the names in a directory survive a power cut. git never does.
func SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	// Some file systems cannot sync a directory and say so.
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

// NewGroup starts cmd in a process group of its own: ^C on the terminal does
// not reach it, and it can be ended together with all that it starts.
func NewGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// NewSession is NewGroup for a process that must not reach the terminal at all.
func NewSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// Terminate asks a process to end. git then removes its lock files.
func Terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

// TerminateGroup asks the group of a running command to end.
func TerminateGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

// KillGroup kills the remaining processes of a command's group, also after the command itself
// has been waited for: the group's number stays taken while it has a member. It does nothing
// to a command that has no group of its own.
func KillGroup(cmd *exec.Cmd) {
	if a := cmd.SysProcAttr; cmd.Process != nil && a != nil && (a.Setpgid || a.Setsid) {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}

// GroupAlive reports whether a command's group still has a member.
func GroupAlive(cmd *exec.Cmd) bool { return syscall.Kill(-cmd.Process.Pid, 0) == nil }

// MakeFifo creates a named pipe.
func MakeFifo(path string) error { return syscall.Mkfifo(path, 0o600) }

// CPUTime is the processor time that this process has used.
func CPUTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// PeakMemory is the most memory that an ended process held, in bytes; 0 if unknown.
func PeakMemory(p *os.ProcessState) int64 {
	u, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) * 1024
}

// Refused reports whether connecting failed because nobody listens.
func Refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
