package git

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// The operations on the user's repository that installing hooks needs. Only these commands
// change it.

// HooksDir returns the directory in which git looks for hook files: core.hooksPath, or the
// git directory's own. It need not exist.
func (o *Outer) HooksDir(ctx context.Context) (string, error) {
	out, err := o.ask(ctx, "rev-parse", "--path-format=absolute", "--git-path", "hooks")
	if err != nil {
		return "", err
	}
	return filepath.Clean(strings.TrimSuffix(string(out), "\n")), nil
}

// ConfiguresHooks reports whether this git runs hooks that its configuration defines
// (hook.<name>.command, git 2.54). Only such a git can list them, and the exit status shows
// whether it knows the command.
func (o *Outer) ConfiguresHooks(ctx context.Context) bool {
	_, err := o.ask(ctx, "hook", "list", "pre-push")
	ge, failed := errors.AsType[*Error](err)
	return err == nil || failed && ge.Exit == 1
}

// ConfigFile is the repository's own configuration file.
func (o *Outer) ConfigFile() string { return filepath.Join(o.CommonDir, "config") }

// configure runs git config. If a lock file prevents it, the error names the file.
func (o *Outer) configure(ctx context.Context, args ...string) error {
	_, err := o.ask(ctx, args...)
	if err == nil {
		return nil
	}
	if locked := statefile.LockOf(o.ConfigFile()); locked != nil {
		return errors.Join(locked, err)
	}
	return err
}

// AddConfig adds a value to the repository's own configuration.
func (o *Outer) AddConfig(ctx context.Context, key, value string) error {
	return o.configure(ctx, "config", "--local", "--add", key, value)
}

// UnsetConfig removes the values of a key from the repository's own
// configuration.
func (o *Outer) UnsetConfig(ctx context.Context, key string) error {
	return o.configure(ctx, "config", "--local", "--unset-all", key)
}

// RemoveConfigSection removes a section from the repository's own configuration.
func (o *Outer) RemoveConfigSection(ctx context.Context, name string) error {
	return o.configure(ctx, "config", "--local", "--remove-section", name)
}
