package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs/disk"
)

// A replica can be damaged: an incomplete restore, a file system that lost names. HEAD and
// config have a fixed content, so they are written again. If objects or refs are missing,
// nobody knows what they were, and a log must never begin again: this is an error, and a
// person decides.

// DamagedError names the missing part of a replica.
type DamagedError struct {
	Replica string // its path
	Missing string // "objects" or "refs"
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("'%s' is missing", filepath.Join(e.Replica, e.Missing))
}

// inspect reports whether a replica is at path, and which of its fixed files are missing.
// An empty file counts as missing.
func inspect(path string) (missing []string, ok bool, err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, false, nil
	} else if err != nil {
		return nil, false, err
	}
	for _, dir := range []string{filepath.Dir(path), path, filepath.Join(path, "objects"), filepath.Join(path, "refs")} {
		if err := statefile.Dir(dir); err != nil {
			return nil, false, err
		}
	}
	for _, name := range []string{"objects", "refs"} {
		switch st, err := os.Stat(filepath.Join(path, name)); {
		case errors.Is(err, os.ErrNotExist) || err == nil && !st.IsDir():
			return nil, false, &DamagedError{path, name}
		case err != nil:
			return nil, false, err
		}
	}
	for _, name := range []string{"HEAD", "config"} {
		switch st, err := os.Stat(filepath.Join(path, name)); {
		case errors.Is(err, os.ErrNotExist) || err == nil && st.Size() == 0:
			missing = append(missing, name)
		case err != nil:
			return nil, false, err
		}
	}
	return missing, true, nil
}

// repairReplica writes the missing fixed files again.
func repairReplica(ctx context.Context, o *Outer, path string) error {
	return underCreationLock(ctx, o, path, func(shared string) error {
		missing, _, err := inspect(path)
		if err != nil || len(missing) == 0 {
			return err // another process was first
		}
		tmp, err := freshReplica(ctx, o, path, shared)
		defer os.RemoveAll(tmp)
		if err != nil {
			return fmt.Errorf("repair the replica: %w", err)
		}
		for _, name := range missing {
			if err := os.Rename(filepath.Join(tmp, name), filepath.Join(path, name)); err != nil {
				return fmt.Errorf("repair the replica: %w", err)
			}
		}
		return disk.SyncDir(path)
	})
}
