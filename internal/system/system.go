// Package system owns what differs between operating systems: which file a
// name stands for and whose it is, locks, directories that survive a power cut,
// process groups, memory and free space. Files for one system are here and
// nowhere else; internal/arrows enforces it.
package system

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"
)

// FileID tells a file from another one at the same path.
type FileID struct {
	Device, Inode uint64
	Links         uint64 // how many names the file has
}

// Owned reports whether a file belongs to the user who runs this program. Where
// files have no owner that a number names, the answer is unknown.
func Owned(st fs.FileInfo, unknown bool) bool {
	if uid, ok := Owner(st); ok {
		return uid == os.Geteuid()
	}
	return unknown
}

// Lock waits up to wait for the lock on an open file, exclusive or shared with
// other shared holders. The lock ends when the file is closed, so also with the
// process. It reports false if the time was not enough.
func Lock(ctx context.Context, f *os.File, shared bool, wait time.Duration) (bool, error) {
	deadline := time.Now().Add(wait)
	for pause := time.Millisecond; ; pause = min(2*pause, 25*time.Millisecond) {
		ok, err := TryLock(f, shared)
		if ok || err != nil {
			return ok, err
		}
		if !time.Now().Before(deadline) {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}
