//go:build unix

package testkit

import (
	"os"
	"syscall"
)

// lockHeld reports whether a process holds the lock on path.
func lockHeld(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}
