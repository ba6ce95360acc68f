package tracker

import (
	"errors"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/note"
)

// keepCache writes what costs the next command time if it cannot be kept, and
// nothing else. Something in its place is told once.
func (t *Tracker) keepCache(path string, cache any) {
	var e *fail.Error
	if errors.As(note.Write(path, cache), &e) {
		t.tellOnce(e.Notice(e.Message))
	}
}
