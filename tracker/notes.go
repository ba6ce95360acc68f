package tracker

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// The largest notes that are read. Each is more than the tracker writes.
const (
	maxIdentity = 4 << 10
	maxContact  = 16 << 20 // a number for each one that the hub lost
	maxPace     = 64 << 10
	maxPresent  = 1 << 20
	maxJudged   = 1 << 20
)

// readNote decodes a note of this clone. What is wrong with a note that may be
// removed is told where it is written, so most callers take an error for none.
func readNote(path string, max int64, into any) error {
	b, err := statefile.Read(path, max)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// writeNote puts a note in place, whole or not at all.
func writeNote(path string, note any) error {
	b, err := json.Marshal(note)
	if err != nil {
		return err
	}
	return InTheWay(statefile.Write(path, append(b, '\n')))
}

// keepCache writes what costs the next command time if it cannot be kept, and
// nothing else. Something in its place is told once.
func (t *Tracker) keepCache(path string, cache any) {
	var e *fail.Error
	if errors.As(writeNote(path, cache), &e) {
		t.tellOnce(e.Notice(e.Message))
	}
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

// plainWord reports whether a word of a note can be the name of something: one
// line, and no option of a program that gets it.
func plainWord(s string) bool {
	return len(s) <= 256 && !strings.HasPrefix(s, "-") && !strings.ContainsFunc(s, unicode.IsControl)
}
