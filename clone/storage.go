package clone

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
)

// Unwritable explains an error of the local disk that ended a write before any part of it
// became visible. It returns other errors unchanged, including a missing connection to the
// hub.
func (c *Clone) Unwritable(err error) error {
	var hub *refs.RemoteError
	if err == nil || errors.As(err, &hub) && hub.NoConnection {
		return err
	}
	switch {
	case says(err, syscall.ENOSPC, "No space left on device"), says(err, syscall.EDQUOT, "Disk quota exceeded"):
		return &fail.Error{Kind: fail.Fatal, Code: "disk-full",
			Message: fmt.Sprintf("no space left on the disk of '%s': nothing was written", c.Outer.CommonDir),
			Fields:  fail.Fields{"path": c.Outer.CommonDir}, Err: err}
	case says(err, syscall.EROFS, "Read-only file system"):
		return &fail.Error{Kind: fail.Denied, Code: "not-writable/read-only",
			Message: fmt.Sprintf("the file system of '%s' is read-only: nothing was written", c.Outer.CommonDir), Err: err}
	case errors.Is(err, fs.ErrPermission), says(err, syscall.EACCES, "Permission denied"),
		says(err, syscall.EACCES, "insufficient permission for adding an object"):
		dir := c.Outer.CommonDir
		if path, owner := statefile.NotWritable(c.Home()); path != "" && system.Writable(dir) {
			if dir = path; owner != "" {
				return c.foreignDirectory(path, owner, err)
			}
		}
		return &fail.Error{Kind: fail.Denied, Code: "not-writable",
			Message: fmt.Sprintf("you may not write to '%s': nothing was written", dir),
			Fields:  fail.Fields{"path": dir}, Err: err}
	}
	return err
}

// foreignDirectory explains that a part of the tracker belongs to another user, for example
// after a command under sudo.
func (c *Clone) foreignDirectory(path, owner string, err error) *fail.Error {
	return &fail.Error{Kind: fail.Denied, Code: "foreign-directory", Err: err,
		Message: fmt.Sprintf("'%s' belongs to %s and you may not write there: nothing was written", path, owner),
		Fields:  fail.Fields{"path": c.Home()}}
}

// says reports whether err is an error of the system, from this process or in a message of
// git: children run in the C locale.
func says(err error, number syscall.Errno, words string) bool {
	if errors.Is(err, number) {
		return true
	}
	var g *git.Error
	return errors.As(err, &g) && strings.Contains(g.Stderr, words)
}
