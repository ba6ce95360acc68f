//go:build linux || darwin || freebsd

package system

import "syscall"

// FreeSpace is how many bytes are free for this user in the file system of a
// directory; 0 if unknown.
func FreeSpace(dir string) uint64 {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return 0
	}
	return uint64(st.Bavail) * uint64(st.Bsize)
}
