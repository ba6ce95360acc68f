package git

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/git-crosslink/git-crosslink/refs"
)

// ErrNotRepository means that there is no git repository here.
var ErrNotRepository = errors.New("not a git repository")

// ErrNoGit says that there is no program git.
var ErrNoGit = errors.New("git is not installed")

// UnsafeError says that git refuses to work in a repository because it belongs
// to somebody else. Says holds git's own words, which tell what to do.
type UnsafeError struct{ Says string }

func (e *UnsafeError) Error() string { return firstLine(e.Says) }

// Outer is the user's repository, as git finds it from the current directory.
type Outer struct {
	refs.Place

	dir     string
	environ []string
}

var _ refs.Outer = (*Outer)(nil)

// Where implements refs.Outer.
func (o *Outer) Where() refs.Place { return o.Place }

// Linked reports whether this is a linked worktree.
func (o *Outer) Linked() bool { return o.GitDir != o.CommonDir }

// Discover asks git which repository dir belongs to, with the user's own environment and
// without --git-dir. So GIT_DIR, ceilings and safe.directory are honored, and nothing is
// trusted in a repository that git does not trust. A nil environ means the process's own.
// It takes one git process, and a second one in a linked worktree.
func Discover(ctx context.Context, dir string, environ []string) (*Outer, error) {
	if environ == nil {
		environ = os.Environ()
	}
	o := &Outer{dir: dir, environ: environ}

	// Paths may contain line breaks. rev-parse prints an unknown option unchanged, so a
	// random one marks the end of each path.
	mark := "--" + rand.Text()
	out, err := o.ask(ctx, "rev-parse", "--path-format=absolute", "--show-object-format", "--is-bare-repository",
		"--is-inside-work-tree", mark, "--git-common-dir", mark, "--git-dir", mark, "--show-toplevel")
	parts := strings.Split(string(out), mark+"\n")
	var head []string
	if len(parts) == 4 {
		head = strings.Fields(parts[0])
	}
	if len(head) != 3 {
		if err == nil {
			err = fmt.Errorf("git rev-parse: unexpected answer %q", out)
		}
		return nil, discoverError(err)
	}
	// --show-toplevel comes last because it fails if there is no worktree.
	inside := head[2] == "true"
	if err != nil && inside {
		return nil, discoverError(err)
	}
	path := func(s string) string { return filepath.Clean(strings.TrimSuffix(s, "\n")) }
	if o.Format, err = refs.ParseFormat(head[0]); err != nil {
		return nil, err
	}
	o.Bare = head[1] == "true"
	o.CommonDir, o.GitDir = path(parts[1]), path(parts[2])
	if inside {
		o.Worktree = path(parts[3])
	}
	switch {
	case o.Linked():
		return o, o.findMain(ctx)
	case o.Bare:
		o.Top = o.GitDir
	case inside:
		o.Top = o.Worktree
	case filepath.Base(o.CommonDir) == ".git": // the current directory is inside .git
		o.Top = filepath.Dir(o.CommonDir)
	default:
		o.Top = o.CommonDir
	}
	return o, nil
}

// Survey is Discover and Config at once: their two git processes run at the
// same time. The configuration of a repository that git does not trust is discarded.
func Survey(ctx context.Context, dir string, environ []string) (*Outer, refs.Config, error) {
	var conf refs.Config
	var confErr error
	var wg sync.WaitGroup
	wg.Go(func() {
		o := &Outer{dir: dir, environ: environ}
		if environ == nil {
			o.environ = os.Environ()
		}
		conf, confErr = o.Config(ctx)
	})
	o, err := Discover(ctx, dir, environ)
	wg.Wait()
	if err != nil {
		return nil, nil, err
	}
	if confErr != nil {
		return nil, nil, fmt.Errorf("read the git configuration: %w", confErr)
	}
	return o, conf, nil
}

// findMain finds the main worktree from a linked one.
func (o *Outer) findMain(ctx context.Context) error {
	out, err := o.ask(ctx, "worktree", "list", "--porcelain", "-z")
	if err != nil {
		return err
	}
	first, _, _ := bytes.Cut(out, []byte("\x00\x00"))
	lines := strings.Split(string(first), "\x00")
	top, ok := strings.CutPrefix(lines[0], "worktree ")
	if !ok {
		return fmt.Errorf("git worktree list: unexpected answer %q", first)
	}
	o.Top = filepath.Clean(top)
	for _, l := range lines {
		o.Bare = o.Bare || l == "bare"
	}
	// Commands run in this directory, so a main worktree that was removed cannot be used.
	if st, err := os.Stat(o.Top); o.Bare || err != nil || !st.IsDir() {
		o.Top = o.CommonDir
	}
	return nil
}

// ask runs git in the current directory, as the user would.
func (o *Outer) ask(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = o.dir
	for _, kv := range o.environ {
		// GIT_CONFIG would make `git config` read another file.
		if !strings.HasPrefix(kv, "GIT_CONFIG=") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C", InnerVariable+"=1")
	isolate(cmd, ownGroup)
	// It leaves no descendant that could keep a pipe open. On a busy machine its answer may
	// be read late, and a truncated answer would be wrong.
	cmd.WaitDelay = 30 * waitDelay
	var out bytes.Buffer
	cmd.Stdout = &out
	err := runCommand(ctx, cmd, args[0])
	return out.Bytes(), err
}

// discoverError classifies errors that git reports only as messages. This is the only
// function that reads these messages, in the C locale. Unknown messages are passed on
// unchanged.
func discoverError(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrNoGit, err)
	}
	ge, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	switch {
	case strings.Contains(ge.Stderr, "safe.directory"), strings.Contains(ge.Stderr, "safe.bareRepository"),
		strings.Contains(ge.Stderr, "dubious ownership"):
		return &UnsafeError{Says: ge.Stderr}
	case strings.Contains(ge.Stderr, "not a git repository"):
		return fmt.Errorf("%w: %w", ErrNotRepository, err)
	}
	return err
}

// HasRef implements refs.Outer.
func (o *Outer) HasRef(ctx context.Context, name string) bool {
	_, err := o.ask(ctx, "show-ref", "--verify", "--quiet", name)
	return err == nil
}

// SetConfig implements refs.Outer.
func (o *Outer) SetConfig(ctx context.Context, key, value string) error {
	return o.configure(ctx, "config", "--local", key, value)
}

// Config reads all configuration that applies in the current directory, including worktree
// scope and `git -c`. One git process.
func (o *Outer) Config(ctx context.Context) (refs.Config, error) {
	out, err := o.ask(ctx, "config", "--list", "-z", "--show-scope")
	if err != nil {
		return nil, err
	}
	return refs.ParseConfig(out)
}

// Contains reports whether commit old is an ancestor of commit id in the user's repository;
// false if either does not exist there.
func (o *Outer) Contains(ctx context.Context, id, old string) bool {
	_, err := o.ask(ctx, "merge-base", "--is-ancestor", "--end-of-options", old, id)
	return err == nil
}

// Version returns the output of `git version`.
func Version(ctx context.Context, environ []string) (string, error) {
	o := &Outer{environ: environ}
	out, err := o.ask(ctx, "version")
	return strings.TrimSpace(string(out)), err
}

// AtLeast reports whether the installed git has this version or a later one. An unknown
// form of version counts as later.
func (o *Outer) AtLeast(ctx context.Context, major, minor int) bool {
	says, err := Version(ctx, o.environ)
	if err != nil {
		return false
	}
	var a, b int
	if n, _ := fmt.Sscanf(says, "git version %d.%d", &a, &b); n < 2 {
		return true
	}
	return a > major || a == major && b >= minor
}
