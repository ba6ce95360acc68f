package statefile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// What is made beside the replica is as accessible as its surroundings: the
// umask decides, and where the directory is the group's (core.sharedRepository)
// so is the new entry, whatever the umask.

// MakeDir makes one directory; that it is already there is success. It never
// returns while the directory is narrower than its surroundings, unless it was
// narrowed on purpose: what is put into it next is as accessible as it is.
func MakeDir(dir string) error {
	err := os.Mkdir(dir, 0o777)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	mode, shared := groups(filepath.Dir(dir))
	if !shared {
		return nil
	}
	if err == nil {
		return os.Chmod(dir, mode.Perm()|mode&os.ModeSetgid)
	}
	if _, done := groups(dir); !done && empty(dir) {
		// Anybody who made it is between mkdir and chmod. Only the owner can
		// chmod; where that is another user, its process does.
		_ = os.Chmod(dir, mode.Perm()|mode&os.ModeSetgid)
	}
	return nil
}

func empty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

// MakeHome makes <git dir>/crosslink, or a directory in it, and says what else
// is in its place.
func MakeHome(dir string) error {
	if err := MakeDir(dir); err != nil {
		return err
	}
	return Dir(dir)
}

// Touch notes that somebody is at work in the clone whose tracker is kept in
// home: syncs in the background wait until a clone is at rest. It creates nothing.
func Touch(home string) {
	now := time.Now()
	_ = os.Chtimes(home, now, now)
}

// CreateTemp makes a new file in dir whose name begins with prefix. Unlike
// os.CreateTemp's it may be read by anybody who may read what lies beside it.
func CreateTemp(dir, prefix string) (*os.File, error) { return CreateMode(dir, prefix, 0o666) }

// CreateMode is CreateTemp with the mode that the umask is applied to.
func CreateMode(dir, prefix string, mode os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, prefix+rand.Text()), os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err == nil {
		Share(f, mode)
	}
	return f, err
}

// OpenLock opens a lock file for writing, made as accessible as its directory is
// if it is not there yet.
func OpenLock(path string) (*os.File, error) {
	f, _, err := open(path, os.O_RDWR)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) { // another process was faster
		f, _, err = open(path, os.O_RDWR)
		return f, err
	}
	if err == nil {
		Share(f, 0o666)
	}
	return f, err
}

// Share makes a new file as accessible as its directory is. It fails where another process made the file; then that has shared it.
func Share(f *os.File, mask os.FileMode) {
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
