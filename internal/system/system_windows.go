package system

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

// OpenFlags: Windows has no such flags.
const OpenFlags = 0

// Identify returns the id of the file at path; false if unknown.
func Identify(path string, _ fs.FileInfo) (FileID, bool) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return FileID{}, false
	}
	h, err := windows.CreateFile(name, 0, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return FileID{}, false
	}
	defer windows.CloseHandle(h)
	var info windows.ByHandleFileInformation
	if windows.GetFileInformationByHandle(h, &info) != nil {
		return FileID{}, false
	}
	return FileID{
		Device: uint64(info.VolumeSerialNumber), Inode: uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow),
		Links: uint64(info.NumberOfLinks),
	}, true
}

// Owner is unknown: files have no owner that a number names.
func Owner(fs.FileInfo) (uid int, ok bool) { return 0, false }

// UserName is never asked: there is no Owner.
func UserName(int) string { return "another user" }

// Writable is only known after a write.
func Writable(string) bool { return true }

// TryLock is Lock without waiting. A lock keeps others from reading what it
// covers, so it covers one byte after the end of every file.
func TryLock(f *os.File, shared bool) (bool, error) {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if !shared {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	at := windows.Overlapped{Offset: ^uint32(0), OffsetHigh: 1<<31 - 1}
	switch err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &at); {
	case err == nil:
		return true, nil
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return false, nil
	default:
		return false, &os.PathError{Op: "LockFileEx", Path: f.Name(), Err: err}
	}
}

// SyncDir: a directory cannot be synced.
func SyncDir(string) error { return nil }

// NewGroup keeps ^C on the terminal from cmd. What cmd starts cannot be ended with it.
func NewGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// NewSession gives cmd a console of its own that has no window, so that the programs
// that cmd starts use it: without a console, each of them would open a window.
func NewSession(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.CREATE_NO_WINDOW}
}

// Terminate ends a process: it cannot be asked to.
func Terminate(p *os.Process) error { return p.Kill() }

// TerminateGroup ends the command alone.
func TerminateGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }

// KillGroup does nothing: a group cannot be found after its first process has ended.
func KillGroup(*exec.Cmd) {}

// GroupAlive is unknown.
func GroupAlive(*exec.Cmd) bool { return false }

// MakeFifo fails: pipes have no name among files.
func MakeFifo(string) error { return errors.ErrUnsupported }

var start = time.Now()

// CPUTime is the time since the program started.
func CPUTime() time.Duration { return time.Since(start) }

// PeakMemory is unknown.
func PeakMemory(*os.ProcessState) int64 { return 0 }

// Refused reports whether connecting failed because nobody listens.
func Refused(err error) bool { return errors.Is(err, syscall.Errno(10061)) } // WSAECONNREFUSED
