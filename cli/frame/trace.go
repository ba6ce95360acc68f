package frame

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"
)

// traceTo returns the log for the diagnostics of GIT_CROSSLINK_TRACE, which has values like
// git's own trace variables: unset or 0 is none, 1, 2 or true is stderr, an absolute path
// is a file to append to. If the file cannot be opened, the program continues without it.
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

// escaped escapes characters that must not reach a terminal: zerolog escapes control
// characters, but not those that hide or turn text.
type escaped struct{ w io.Writer }

// Write is called with one JSON document.
func (e escaped) Write(p []byte) (int, error) {
	if _, err := e.w.Write(escapeHidden(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
