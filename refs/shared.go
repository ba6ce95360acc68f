package refs

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
)

// What is made beside the replica is as accessible as its surroundings: the
// umask decides, and where the directory is the group's (core.sharedRepository)
// so is the new entry, whatever the umask.

// MakeHome makes <git dir>/crosslink; that it is there already is success.
func MakeHome(dir string) error { return mkdirShared(dir) }

// mkdirShared makes one directory; that it is there already is success.
func mkdirShared(dir string) error {
	if err := os.Mkdir(dir, 0o777); err != nil {
		if errors.Is(err, os.ErrExist) {
			return nil
		}
		return err
	}
	if mode, ok := groups(filepath.Dir(dir)); ok {
		return os.Chmod(dir, mode.Perm()|mode&os.ModeSetgid)
	}
	return nil
}

// CreateTemp makes a new file in dir whose name begins with prefix. Unlike
// os.CreateTemp's it may be read by whoever may read what lies beside it.
func CreateTemp(dir, prefix string) (*os.File, error) { return createIn(dir, prefix, 0o666) }

// createIn is CreateTemp with the mode that the umask is applied to.
func createIn(dir, prefix string, mode os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, prefix+rand.Text()), os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err == nil {
		share(f, mode)
	}
	return f, err
}

// openShared opens a lock file, made as accessible as its directory is.
func openShared(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if !errors.Is(err, os.ErrNotExist) {
		return f, err
	}
	if f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666); err == nil {
		share(f, 0o666)
	}
	return f, err
}

// share fails where another process made the file; then that has shared it.
func share(f *os.File, mask os.FileMode) {
	if mode, ok := groups(filepath.Dir(f.Name())); ok {
		f.Chmod(mode.Perm() & mask)
	}
}

// groups reports the mode of a directory that its group may write.
func groups(dir string) (os.FileMode, bool) {
	st, err := os.Stat(dir)
	if err != nil || st.Mode().Perm()&0o020 == 0 {
		return 0, false
	}
	return st.Mode(), true
}

// OpenShared opens a file for writing, made as accessible as its directory is
// if it is not there yet.
func OpenShared(path string) (*os.File, error) { return openShared(path) }
