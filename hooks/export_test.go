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
