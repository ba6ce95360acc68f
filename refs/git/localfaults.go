package git

import (
	"errors"
	"strings"
)

// localFaults are git's messages, in the C locale, about failures on this side although the
// hub answered.
var localFaults = []string{
	"No space left on device", "Disk quota exceeded", "Read-only file system",
	"insufficient permission for adding an object", "unable to create temporary file", "unable to write file",
	"Unable to create '", "cannot lock ref '", "unable to update local ref",
}

// failedHere reports whether a fetch failed on this side of the connection. Status 1 means
// that a ref could not be stored; other failures only show in messages. The server's
// messages come as lines that begin with 'remote:'.
func failedHere(err error) bool {
	var ge *Error
	if !errors.As(err, &ge) || ge.Exit < 0 {
		return false
	}
	if ge.Exit == 1 {
		return true
	}
	for line := range strings.Lines(ge.Stderr) {
		if strings.HasPrefix(line, "remote:") {
			continue
		}
		for _, words := range localFaults {
			if strings.Contains(line, words) {
				return true
			}
		}
	}
	return false
}
