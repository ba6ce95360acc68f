package git

import (
	"errors"
	"strings"
)

// localFaults are git's words, in the C locale, for what this side could not
// do although the hub answered.
var localFaults = []string{
	"No space left on device", "Disk quota exceeded", "Read-only file system",
	"insufficient permission for adding an object", "unable to create temporary file", "unable to write file",
	"Unable to create '", "cannot lock ref '", "unable to update local ref",
}

// failedHere reports whether a fetch failed on this side of the connection.
// Status 1 says that a ref could not be stored; otherwise only words tell. What
// the server says comes as lines that begin with 'remote:'.
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
