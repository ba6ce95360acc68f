// Package statefile reads and writes the files that a clone keeps beside its
// replica, in <git dir>/crosslink. The rules are:
//
//   - a file is a regular file in a real directory: no symbolic link is
//     followed, by nobody who reads and nobody who writes, and nothing waits
//     for the other end of a named pipe;
//   - reading is bounded;
//   - a file counts only if its owner may say what is in it: this user, root,
//     the owner of the directory (git has asked whose the repository is) and,
//     where others may write the directory, anybody;
//   - a file is written under another name and installed whole.
//
// What a file may hold is for its reader to check.
package statefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/internal/system"
)

// OddError says that something else than a file, or a directory, of the tracker
// is in its place. errors.Is(err, fs.ErrNotExist) is false for it.
type OddError struct {
	Path  string
	Mode  fs.FileMode // what it is
	Want  string      // "file" or "directory"
	Owner string      // the owner, if that is the problem
	Size  int64       // in bytes, if that is the problem
}

func (e *OddError) Error() string {
	switch {
	case e.Owner != "":
		return fmt.Sprintf("'%s' belongs to %s, not to the owner of the repository", e.Path, e.Owner)
	case e.Size > 0:
		return fmt.Sprintf("'%s' has %d bytes, more than the tracker ever writes there", e.Path, e.Size)
	}
	return fmt.Sprintf("'%s' is %s; the tracker keeps a %s there", e.Path, kind(e.Mode), e.Want)
}

// IsLink reports a symbolic link.
func (e *OddError) IsLink() bool { return e.Mode&fs.ModeSymlink != 0 }

// Read returns what is in a file of at most max bytes.
func Read(path string, max int64) ([]byte, error) {
	if err := Dir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	f, st, err := open(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := trusted(path, st, "file"); err != nil {
		return nil, err
	}
	if st.Size() > max {
		return nil, &OddError{Path: path, Mode: st.Mode(), Want: "file", Size: st.Size()}
	}
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(b)) > max {
		err = &OddError{Path: path, Mode: st.Mode(), Want: "file", Size: int64(len(b))}
	}
	return b, err
}

// Open opens a file for reading, no matter who owns it.
func Open(path string) (*os.File, error) {
	f, _, err := open(path, os.O_RDONLY)
	return f, err
}

// open opens a regular file. Anything else at the path is an OddError.
func open(path string, flags int) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, flags|system.OpenFlags, 0)
	if err != nil {
		// a link, a socket, a directory opened for writing: the error is the system's
		if st, serr := os.Lstat(path); serr == nil && !st.Mode().IsRegular() {
			err = odd(path, st, "file")
		}
		return nil, nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = odd(path, st, "file")
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, st, nil
}

// Dir reports what is wrong with a directory of the tracker, nil if it is not
// there.
func Dir(dir string) error {
	st, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return odd(dir, st, "directory")
	}
	return trusted(dir, st, "directory")
}

// Write puts a file in place, whole or not at all, for anybody who may read what lies beside
// it. Anything at its path that is not a file of the tracker stays.
func Write(path string, b []byte) error {
	if err := Dir(filepath.Dir(path)); err != nil {
		return err
	}
	if err := Free(path); err != nil {
		return err
	}
	f, err := CreateTemp(filepath.Dir(path), filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

// Free reports what keeps a file from being written at path: a thing that is no
// file, or one of another user.
func Free(path string) error {
	st, err := os.Lstat(path)
	if err != nil {
		return nil // nothing, or what the write itself reports
	}
	if !st.Mode().IsRegular() {
		return odd(path, st, "file")
	}
	return trusted(path, st, "file")
}

func odd(path string, st fs.FileInfo, want string) error {
	return &OddError{Path: path, Mode: st.Mode(), Want: want}
}

// kind says what a mode stands for.
func kind(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "a file"
	case m.IsDir():
		return "a directory"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// trusted reports whose a file or directory is, if that is nobody who may say
// what is in it.
func trusted(path string, st fs.FileInfo, want string) error {
	uid, ok := system.Owner(st)
	if !ok || uid == 0 || uid == os.Geteuid() {
		return nil
	}
	above, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	if of, _ := system.Owner(above); uid == of || above.Mode().Perm()&0o022 != 0 {
		return nil
	}
	return &OddError{Path: path, Mode: st.Mode(), Want: want, Owner: system.UserName(uid)}
}

// maxLooked bounds how many entries NotWritable looks at.
const maxLooked = 100_000

// NotWritable finds a directory below root, root included, to which this user cannot
// write, and its owner's name if that is another user; "" if there is none. It is for
// explaining an error.
func NotWritable(root string) (path, owner string) {
	n := 0
	_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if n++; n > maxLooked {
			return fs.SkipAll
		}
		if d == nil || !d.IsDir() {
			return nil
		}
		st, serr := d.Info()
		if serr != nil || err == nil && system.Writable(p) {
			return nil
		}
		path = p
		if uid, ok := system.Owner(st); ok && uid != os.Geteuid() {
			owner = system.UserName(uid)
		}
		return fs.SkipAll
	})
	return path, owner
}
