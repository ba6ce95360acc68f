//go:build unix && !linux

package main

import "syscall"

// mknod leaves a named pipe: how devices are numbered differs.
func mknod(path string, mode uint32, _ int) error { return syscall.Mkfifo(path, mode&0o777) }
