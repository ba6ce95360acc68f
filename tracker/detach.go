package tracker

import (
	"time"

	"github.com/git-crosslink/git-crosslink/clone"
)

// SyncLater starts a detached sync if the last contact with the hub is longer ago,
// and reports whether a sync is coming.
func (t *Tracker) SyncLater(after time.Duration) bool {
	if t.clone.Hub == nil || t.clone.Config("crosslink.sync") == "manual" {
		return false
	}
	age, known := t.clone.Contact.Since()
	if known && age <= after {
		return false
	}
	return t.clone.Detach()
}

// IsDetached reports whether Detach started the process with this environment.
func IsDetached(getenv func(string) string) bool { return clone.IsDetached(getenv) }

// Detach starts program, git-crosslink's own path, for a sync that nobody waits
// for. dir and environ say which repository, as for any command.
func Detach(program, dir string, environ []string) error {
	return clone.Detach(program, dir, environ)
}
