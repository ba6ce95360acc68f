package frame

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Git runs git in the user's directory and environment: git var, and git config to read
// settings or, for package enrol, to write them.
func (s *System) Git(ctx context.Context, args ...string) (string, error) {
	s.Trace.Debug().Strs("git", args).Msg("child")
	out, err := exec.CommandContext(ctx, "git", args...).Output()
	return strings.TrimSuffix(string(out), "\n"), err
}

// GitMessage returns git's stderr after it failed.
func GitMessage(err error) string {
	var x *exec.ExitError
	if errors.As(err, &x) && len(x.Stderr) > 0 {
		return strings.TrimPrefix(strings.TrimSpace(string(x.Stderr)), "fatal: ")
	}
	return err.Error()
}

// OnPath reports whether a program is on PATH.
func (s *System) OnPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// PassedOn reports whether a command line is one of the verbs whose words another program
// parses. It changes to the directory of -C, and returns the words from the verb on; other
// options before the verb are not passed on.
func (t *Terminal) PassedOn(args []string, verbs ...string) (rest []string, passed bool, err error) {
	var dirs []string
	for len(args) > 1 {
		if args[0] == "-C" {
			dirs, args = append(dirs, args[1]), args[2:]
		} else if slices.Contains([]string{"--offline", "-q", "--quiet", "--no-pager", "--color", "--no-color"}, args[0]) || strings.HasPrefix(args[0], "--color=") {
			args = args[1:]
		} else {
			break
		}
	}
	if len(args) == 0 || !slices.Contains(verbs, args[0]) || len(args) > 1 && slices.Contains([]string{"-h", "--help"}, args[1]) {
		return nil, false, nil
	}
	for _, d := range dirs {
		if err := t.Chdir(d); err != nil {
			return nil, true, Fatal("directory", fmt.Sprintf("cannot change to '%s': %v", d, UnwrapPath(err)))
		}
	}
	return args, true, nil
}

// GitThrough runs git with the streams of this program, and returns its exit status.
func (t *Terminal) GitThrough(ctx context.Context, args ...string) (status int, err error) {
	t.Trace.Debug().Strs("git", args).Msg("child")
	c := exec.CommandContext(ctx, "git", args...)
	c.Stdin, c.Stdout, c.Stderr = t.In, t.Out, t.Err
	c.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0")
	err = c.Run()
	if x := (*exec.ExitError)(nil); errors.As(err, &x) {
		return x.ExitCode(), nil
	}
	return 0, err
}
