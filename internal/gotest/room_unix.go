//go:build linux || darwin

package main

import "syscall"

// room is how many bytes are free in the file system of a directory.
func room(dir string) uint64 {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return 0
	}
	return st.Bavail * uint64(st.Bsize)
}
