package statefile

import (
	"fmt"
	"os"
	"time"
)

// LockedError says that a lock file of git is in the way. git makes such a file
// before it writes another one, and leaves it behind when it is killed.
type LockedError struct {
	Path string // of the lock file
	Age  time.Duration
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("the lock file '%s' is %s old: a running process holds it, or a killed one left it", e.Path, AgeOf(e.Age))
}

// LockOf looks for the lock file of a file. It returns nil if there is none.
func LockOf(path string) *LockedError {
	st, err := os.Lstat(path + ".lock")
	if err != nil {
		return nil
	}
	return &LockedError{path + ".lock", max(time.Since(st.ModTime()), 0)}
}

// AgeOf is an age for people.
func AgeOf(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
