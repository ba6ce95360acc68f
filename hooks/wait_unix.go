//go:build unix

package hooks

import (
	"os"
	"path/filepath"
	"syscall"
)

// waiting reports whether a detached sync of this replica has not begun yet: it
// will take along what this hook would sync.
func waiting(replica string) bool {
	f, err := os.Open(filepath.Join(replica, "next.lock"))
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK
}
