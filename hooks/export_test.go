package hooks

import "io"

// Dangerous names the branches dangerous finds.
func Dangerous(stdin io.Reader) string {
	s := ""
	for _, u := range dangerous(stdin) {
		s += u.ref
	}
	return s
}

// Version is version.
var Version = version

// AsksForMirror is the answer of asksForMirror.
func AsksForMirror(words []string) bool { asked, _ := asksForMirror(words); return asked }
