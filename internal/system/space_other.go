//go:build !linux && !darwin && !freebsd

package system

// FreeSpace is unknown.
func FreeSpace(string) uint64 { return 0 }
