package issue

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// sessionNote is what a worktree remembers of its session. It is a cache: without it
// the session is the only one that its agent has open.
type sessionNote struct {
	UUID    event.UUID `json:"uuid"`
	Key     string     `json:"key,omitempty"`
	PID     int        `json:"pid"`
	Started string     `json:"started"`
}

// maxNote bounds the files of a worktree.
const maxNote = 4 << 10

func sessionPath(repo *command.Repository) string {
	if dir := repo.Worktree(); dir != "" {
		return filepath.Join(dir, "session")
	}
	return ""
}

func readSessionNote(repo *command.Repository) (n sessionNote) {
	readNote(sessionPath(repo), &n)
	return n
}

// readNote reads a file of this worktree; into stays as it is if there is none, or
// nothing that can be believed.
func readNote[T any](path string, into *T) bool {
	if path == "" {
		return false
	}
	b, err := statefile.Read(path, maxNote)
	if err != nil {
		return false
	}
	var n T
	if json.Unmarshal(b, &n) != nil {
		return false
	}
	*into = n
	return true
}

func writeNote(path string, n any) error {
	if path == "" {
		return nil
	}
	b, err := json.Marshal(n)
	if err == nil {
		err = statefile.MakeHome(filepath.Dir(path)) // in a linked worktree nothing else may have made it
	}
	if err != nil {
		return err
	}
	return statefile.Write(path, append(b, '\n'))
}

func removeNote(path string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// nameOfRef is what people type for an issue; "" for none.
func nameOfRef(r *answer.Ref) string {
	switch {
	case r == nil:
		return ""
	case r.Number != 0:
		return strconv.FormatUint(r.Number, 10)
	}
	return r.Short
}

func namesOfRefs(all []answer.Ref) string {
	names := make([]string, len(all))
	for k := range all {
		names[k] = nameOfRef(&all[k])
	}
	return strings.Join(names, ",")
}
