//go:build !unix

package disk

import (
	"context"
	"os"
	"time"
)

// Flock without flock(2): the exclusive creation of a second file. It outlives
// a killed process, so one that is older than a minute is taken away.
func Flock(ctx context.Context, path string, wait time.Duration) (*os.File, bool, error) {
	deadline := time.Now().Add(wait)
	for {
		f, err := os.OpenFile(path+".held", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil {
			return f, true, nil
		}
		if !os.IsExist(err) {
			return nil, false, err
		}
		if st, err := os.Stat(path + ".held"); err == nil && time.Since(st.ModTime()) > time.Minute {
			os.Remove(path + ".held")
		}
		if !time.Now().Before(deadline) {
			return nil, false, nil
		}
		select {
		case <-ctx.Done():
			return nil, false, context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// FlockShared cannot be had without flock(2): Maintain does not prune here.
func FlockShared(context.Context, string, time.Duration) (*os.File, bool, error) {
	return nil, true, nil
}

const CanPrune = false

func SyncDir(string) error { return nil }

func inode(os.FileInfo) uint64 { return 0 }
