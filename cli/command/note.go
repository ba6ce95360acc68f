package command

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// maxNote bounds the files of a worktree.
const maxNote = 4 << 10

// ReadNote reads a file of this worktree. It leaves into unchanged if there is no file, or
// the file cannot be trusted.
func ReadNote[T any](path string, into *T) bool {
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

// WriteNote writes a file of this worktree; it does nothing if there is no worktree.
func WriteNote(path string, n any) error {
	if path == "" {
		return nil
	}
	b, err := json.Marshal(n)
	if err == nil {
		err = statefile.MakeHome(filepath.Dir(path)) // in a linked worktree the directory may not exist yet
	}
	if err != nil {
		return err
	}
	return statefile.Write(path, append(b, '\n'))
}

// RemoveNote removes a file of this worktree, if there is one.
func RemoveNote(path string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
