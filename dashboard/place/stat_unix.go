//go:build unix

package place

import (
	"fmt"
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// inode tells a file from one that was put in its place.
func inode(st fs.FileInfo) string {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint(s.Dev, ":", s.Ino)
	}
	return ""
}

// writable reports whether this user may write in a directory.
func writable(dir string) bool { return unix.Access(dir, unix.W_OK) == nil }
