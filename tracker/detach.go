package tracker

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// SyncLater starts a detached sync if the last contact with the hub was more than after
// ago. If nothing new has come for a while, the interval grows, up to a minute
// (clone.Poll). It reports whether a sync was started or is already running.
func (t *Tracker) SyncLater(after time.Duration) bool {
	if t.clone.Hub == nil || t.clone.Config("crosslink.sync") == "manual" {
		return false
	}
	return t.pollIsDue(after) && t.clone.Detach()
}

// pollIsDue reports whether the last contact with the hub is old enough for SyncLater.
func (t *Tracker) pollIsDue(after time.Duration) bool {
	age, known := t.clone.Contact.Since()
	return !known || age > after && age > t.clone.Poll(after, t.quiet())
}

// quiet is how long nothing has been written here and nothing has come from the hub.
func (t *Tracker) quiet() time.Duration {
	if !t.exchange.Idle(context.Background()) {
		return 0
	}
	return t.clone.Now().Sub(t.clone.Contact.Quiet)
}

// Pause returns how long to wait before the next poll of the hub: at first first, then
// longer while nothing new comes, up to a minute.
func Pause(first, quiet time.Duration) time.Duration {
	return syncer.Pause(first, quiet, rand.Float64())
}

// IsDetached reports whether Detach started the process with this environment.
func IsDetached(getenv func(string) string) bool { return clone.IsDetached(getenv) }

// Detach starts program, the path of git-crosslink, to sync in the background. dir and
// environ select the repository, as for any command.
func Detach(program, dir string, environ []string) error {
	return clone.Detach(program, dir, environ)
}
