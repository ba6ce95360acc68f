//go:build unix

package hooks

import (
	"os"
	"path/filepath"
	"syscall"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// waiting reports whether a detached sync of this replica has not begun yet: it
// will take along what this hook would sync.
func waiting(replica string) bool {
	f, err := statefile.Open(filepath.Join(replica, "next.lock"))
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK
}

// exclusive waits for the lock on path, which ends with the process.
func exclusive(path string) (unlock func(), err error) {
	f, err := statefile.OpenLock(path)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, &os.PathError{Op: "flock", Path: path, Err: err}
	}
	return func() { f.Close() }, nil
}
