//go:build unix

package refs

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
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

// flock waits up to wait for the exclusive lock on path. The lock belongs to
// the open file, so it ends with the last process that holds it, however that
// process ends. ok is false when the time was not enough.
func flock(ctx context.Context, path string, wait time.Duration) (f *os.File, ok bool, err error) {
	return flockAs(ctx, path, wait, syscall.LOCK_EX)
}

// flockWithOthers is flock for a lock that any number may hold at once, but
// not beside one that holds it alone.
func flockWithOthers(ctx context.Context, path string, wait time.Duration) (f *os.File, ok bool, err error) {
	return flockAs(ctx, path, wait, syscall.LOCK_SH)
}

func flockAs(ctx context.Context, path string, wait time.Duration, how int) (f *os.File, ok bool, err error) {
	f, err = statefile.OpenLock(path)
	if err != nil {
		return nil, false, err
	}
	deadline := time.Now().Add(wait)
	for pause := time.Millisecond; ; pause = min(2*pause, 25*time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if err == nil {
			return f, true, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, false, &os.PathError{Op: "flock", Path: path, Err: err}
		}
		if !time.Now().Before(deadline) {
			f.Close()
			return nil, false, nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, false, context.Cause(ctx)
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// canPrune says that prune and writers can exclude each other here.
const canPrune = true

// syncDir makes the directory's entries survive power loss. git never does.
func syncDir(path string) error {
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

// ownedByUs is git's own test of whose a repository is, without its exceptions.
func ownedByUs(st os.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Geteuid()
}
