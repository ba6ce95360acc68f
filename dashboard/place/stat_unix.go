//go:build unix

package place

import (
	"fmt"
	"io/fs"
	"syscall"
)

// inode tells a file from one that was put in its place.
func inode(st fs.FileInfo) string {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint(s.Dev, ":", s.Ino)
	}
	return ""
}
