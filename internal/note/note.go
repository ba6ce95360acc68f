// Package note reads and writes the small JSON files beside the replica, and
// explains what is in their place.
package note

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// Read decodes a note of this clone that holds at most max bytes. Problems of a note that may
// be removed are reported when it is written, so most callers treat an error like a missing
// note.
func Read(path string, max int64, into any) error {
	b, err := statefile.Read(path, max)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// Write puts a note in place, whole or not at all.
func Write(path string, note any) error {
	b, err := json.Marshal(note)
	if err != nil {
		return err
	}
	return InTheWay(statefile.Write(path, append(b, '\n')))
}

// InTheWay explains err where something else than a file of ours is in its
// place, or a lock file of git is.
func InTheWay(err error) error {
	if locked, ok := errors.AsType[*statefile.LockedError](err); ok && !errors.As(err, new(*fail.Error)) {
		e := &fail.Error{Kind: fail.Fatal, Code: "locked-file", Message: locked.Error(), Fields: fail.Fields{"path": locked.Path}, Err: err}
		if filepath.Base(locked.Path) == "config.lock" {
			e.Code = "config-locked"
		}
		return e
	}
	odd, ok := errors.AsType[*statefile.OddError](err)
	if !ok || errors.As(err, new(*fail.Error)) {
		return err
	}
	e := &fail.Error{Kind: fail.Fatal, Code: "in-the-way", Message: odd.Error(), Fields: fail.Fields{"path": odd.Path}, Err: err}
	if odd.Owner != "" {
		e.Kind, e.Code = fail.Denied, "foreign-file"
	}
	return e
}

// PlainWord reports whether a word of a note can be the name of something: one
// line, and no option of a program that gets it.
func PlainWord(s string) bool {
	return len(s) <= 256 && !strings.HasPrefix(s, "-") && !strings.ContainsFunc(s, unicode.IsControl)
}
