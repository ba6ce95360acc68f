package frame

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"
)

// traceTo gives the log of diagnostics that GIT_CROSSLINK_TRACE asks for, in
// the manner of git's own trace variables: unset or 0 is none, 1, 2 or true is
// stderr, an absolute path is a file to append to. A file that cannot be
// opened is no reason to fail.
func traceTo(where string, stderr io.Writer) zerolog.Logger {
	var w io.Writer
	switch strings.ToLower(where) {
	case "", "0", "false", "no", "off":
		return zerolog.Nop()
	case "1", "2", "true", "yes", "on":
		w = stderr
	default:
		if !filepath.IsAbs(where) {
			return zerolog.Nop()
		}
		f, err := os.OpenFile(where, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return zerolog.Nop()
		}
		w = f
	}
	return zerolog.New(escaped{w}).With().Timestamp().Int("pid", os.Getpid()).Logger()
}

// escaped keeps from w what a terminal must not see: zerolog escapes control
// characters, but not what hides or turns text.
type escaped struct{ w io.Writer }

// Write is called with one JSON document.
func (e escaped) Write(p []byte) (int, error) {
	if _, err := e.w.Write(escapeHidden(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
