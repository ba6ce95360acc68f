//go:build unix

package statefile

import (
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

// openFlags follow no symbolic link and wait for nobody.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_NOCTTY

// Owner is the id of the user that a file belongs to; false where there are none.
func Owner(st fs.FileInfo) (uid int, ok bool) {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(sys.Uid), true
}

// name is a user as people know it.
func name(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil {
		return "'" + u.Username + "'"
	}
	return "user " + id
}

// Writable reports whether this user may make files in a directory.
func Writable(dir string) bool { return syscall.Access(dir, 3) == nil } // W_OK and X_OK
