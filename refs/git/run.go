package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Only this file starts git. The rules are:
//
//   - never a shell; every argument that comes from data is checked first or follows a
//     fixed flag;
//   - always --git-dir with an absolute path, never -C into the replica (which fails under
//     safe.bareRepository=explicit). The working directory is the top of the main
//     worktree, so that a relative URL means the same as for the user;
//   - variables that locate or shape a repository are cleared; variables about how to
//     connect or which configuration to read stay;
//   - settings for one call are passed in GIT_CONFIG_COUNT, after the user's own; the user's
//     GIT_CONFIG_PARAMETERS (`git -c`) is kept;
//   - a child runs in its own process group, and the whole group ends when the context
//     does: no ssh is left behind.

// InnerVariable is set in every git that is started here. Our hooks and helper do nothing
// if it is set: otherwise one push could start hundreds.
const InnerVariable = "CROSSLINK_INNER"

// cleared are the variables of `git rev-parse --local-env-vars` without the two that carry
// the user's configuration, and four more that change what a repository is.
var cleared = map[string]bool{
	"GIT_ALTERNATE_OBJECT_DIRECTORIES": true,
	"GIT_CONFIG":                       true,
	"GIT_OBJECT_DIRECTORY":             true,
	"GIT_DIR":                          true,
	"GIT_WORK_TREE":                    true,
	"GIT_IMPLICIT_WORK_TREE":           true,
	"GIT_GRAFT_FILE":                   true,
	"GIT_INDEX_FILE":                   true,
	"GIT_NO_REPLACE_OBJECTS":           true,
	"GIT_REPLACE_REF_BASE":             true,
	"GIT_PREFIX":                       true,
	"GIT_INTERNAL_SUPER_PREFIX":        true,
	"GIT_SHALLOW_FILE":                 true,
	"GIT_COMMON_DIR":                   true,
	"GIT_REFERENCE_BACKEND":            true,
	"GIT_QUARANTINE_PATH":              true,
	"GIT_NAMESPACE":                    true,
	"GIT_DEFAULT_HASH":                 true,
	"GIT_DEFAULT_REF_FORMAT":           true,
	"GIT_TEMPLATE_DIR":                 true,
}

// ours are variables that every call sets, so the caller's values are dropped.
var ours = map[string]bool{
	"GIT_NO_LAZY_FETCH": true, "LC_ALL": true, InnerVariable: true,
	"GIT_OPTIONAL_LOCKS": true, "GIT_FLUSH": true,
}

// Unlocated returns an environment without the variables that locate or shape a
// repository.
func Unlocated(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return cleared[name]
	})
}

// innerEnv returns the environment of every git that works on the replica.
func innerEnv(environ []string) []string {
	env := slices.DeleteFunc(Unlocated(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return ours[name]
	})
	// Replacement objects would let a ref change the content behind an id.
	return append(env, "GIT_NO_LAZY_FETCH=1", "GIT_NO_REPLACE_OBJECTS=1", "LC_ALL=C", InnerVariable+"=1")
}

// withConfig appends settings to an environment, after the user's own.
func withConfig(env []string, settings []refs.Setting) []string {
	if len(settings) == 0 {
		return env
	}
	n := 0
	out := make([]string, 0, len(env)+2*len(settings)+1)
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "GIT_CONFIG_COUNT="); ok {
			n, _ = strconv.Atoi(v)
			continue
		}
		out = append(out, kv)
	}
	for _, s := range settings {
		out = append(out, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", n, s.Key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", n, s.Value))
		n++
	}
	return append(out, fmt.Sprintf("GIT_CONFIG_COUNT=%d", n))
}

// getenv returns a variable of an environment; the last one counts.
func getenv(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// runner runs the commands of one repository.
type runner struct {
	dir  string   // absolute git dir
	work string   // working directory
	env  []string // whole environment
}

// The relation of a child to our process group and terminal.
type isolation byte

const (
	ownGroup   isolation = iota // ^C does not reach it, and the group can be ended as a whole
	ownSession                  // in addition cannot reach the terminal, so it never asks
	sameGroup                   // may ask on the terminal; ^C reaches it
)

// waitDelay is how long a child may take to end after it was told to.
const waitDelay = time.Second

// command prepares `git --git-dir=… args…`. The leading settings win even over the user's
// `git -c`: no foreign hook runs here, written data is synced, and no huge blob is held in
// memory.
func (g *runner) command(ctx context.Context, iso isolation, args ...string) *exec.Cmd {
	full := append([]string{"--git-dir=" + g.dir, "-c", "core.hooksPath=/dev/null", "-c", "core.fsync=all",
		"-c", "core.logAllRefUpdates=false", "-c", "core.bigFileThreshold=32m"}, args...)
	cmd := exec.CommandContext(ctx, "git", full...)
	cmd.Dir = g.work
	cmd.Env = g.env
	isolate(cmd, iso)
	cmd.WaitDelay = waitDelay
	return cmd
}

// Error is a git command that failed.
type Error struct {
	Command string // e.g. "update-ref"
	Exit    int    // -1 if it did not exit by itself
	Stderr  string
	Err     error
}

func (e *Error) Error() string {
	if msg := firstLine(e.Stderr); msg != "" {
		return fmt.Sprintf("git %s: %s", e.Command, msg)
	}
	return fmt.Sprintf("git %s: %v", e.Command, e.Err)
}

// Is makes errors.Is(err, refs.ErrStorage) true.
func (e *Error) Is(target error) bool { return target == refs.ErrStorage }

// Unwrap returns the cause: *exec.ExitError, the context's error, …
func (e *Error) Unwrap() error { return e.Err }

// firstLine returns the line of stderr that explains why git gave up, otherwise the first.
func firstLine(stderr string) string {
	first := ""
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if s, ok := strings.CutPrefix(line, "fatal: "); ok {
			return s
		}
		if first == "" {
			first = line
		}
	}
	return strings.TrimPrefix(first, "error: ")
}

// run runs a command to its end and returns its output.
func (g *runner) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	cmd := g.command(ctx, ownGroup, args...)
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	err := runCommand(ctx, cmd, args[0])
	return out.Bytes(), err
}

// runCommand runs cmd, collects a bounded stderr, and names the failure. If ctx ends, the
// child and all its descendants end too.
func runCommand(ctx context.Context, cmd *exec.Cmd, name string) error {
	return runEnding(ctx, cmd, name, endGroup)
}

// runEnding is runCommand with a function that ends the child's descendants after the child
// has ended.
func runEnding(ctx context.Context, cmd *exec.Cmd, name string, end func(*exec.Cmd)) error {
	var stderr capped
	cmd.Stderr = &stderr
	err, cut := runWhole(ctx, cmd, end)
	if err == nil && cut == nil {
		return nil
	}
	e := &Error{Command: name, Exit: -1, Stderr: stderr.String(), Err: err}
	if cut != nil {
		e.Err = cut
	} else if cmd.ProcessState != nil {
		e.Exit = cmd.ProcessState.ExitCode()
	}
	if cause := context.Cause(ctx); cause != nil {
		e.Err = cause
	}
	return e
}

// runWhole runs cmd and reads its stdout to the end. err is how the process ended; cut means
// that its output is incomplete.
func runWhole(ctx context.Context, cmd *exec.Cmd, end func(*exec.Cmd)) (err, cut error) {
	out, err := readOutput(cmd, outputGrace)
	if err != nil {
		return err, nil
	}
	err = cmd.Start()
	if out != nil {
		out.begin()
	}
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil && ctx.Err() != nil {
		end(cmd)
	}
	// If a child finished but left its stderr open in a stray descendant, it has still
	// finished; its status counts.
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		err = nil
	}
	if out == nil {
		return err, nil
	}
	if cut = out.end(ctx); cut != nil && ctx.Err() != nil {
		end(cmd)
	}
	return err, cut
}

// capped keeps the first bytes of a child's output and drops the rest, because a hostile
// server can send much.
type capped struct{ buf bytes.Buffer }

const maxStderr = 64 << 10

func (c *capped) Write(p []byte) (int, error) {
	if room := maxStderr - c.buf.Len(); room > 0 {
		c.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// String returns text that can be shown: no URL in it contains a secret.
func (c *capped) String() string { return refs.WithoutSecrets(c.buf.String()) }

var _ io.Writer = (*capped)(nil)
