package session

import (
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/event"
)

// sessionNote is what a worktree remembers about its session. It is a cache: without it,
// the session is the only one that its agent has open.
type sessionNote struct {
	UUID    event.UUID `json:"uuid"`
	Key     string     `json:"key,omitempty"`
	PID     int        `json:"pid"`
	Started string     `json:"started"`
}

func sessionPath(repo *command.Repository) string {
	if dir := repo.Worktree(); dir != "" {
		return filepath.Join(dir, "session")
	}
	return ""
}

func readSessionNote(repo *command.Repository) (n sessionNote) {
	command.ReadNote(sessionPath(repo), &n)
	return n
}

func namesOfRefs(all []answer.Ref) string {
	names := make([]string, len(all))
	for k := range all {
		names[k] = all[k].Name()
	}
	return strings.Join(names, ",")
}
