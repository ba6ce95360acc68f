//go:build !unix

package discover

// owned is left to git, where the system has no owner that a number names.
func owned(string) bool { return true }
