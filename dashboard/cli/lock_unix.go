//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"syscall"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// lock is held by the one server of a database.
type lock struct{ f *os.File }

func acquire(dir string) (*lock, error) {
	f, err := os.OpenFile(filepath.Join(dir, "serving"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, frame.Fatal("running", "the dashboard is already running", "git crosslink dashboard login-url")
	}
	return &lock{f}, nil
}

func (l *lock) release() { l.f.Close() }
