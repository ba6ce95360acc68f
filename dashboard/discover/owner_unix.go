//go:build unix

package discover

import (
	"os"
	"syscall"
)

// owned reports whether a directory belongs to whoever runs this program.
func owned(path string) bool {
	st, err := os.Stat(path)
	if err != nil {
		return false
	}
	s, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}
