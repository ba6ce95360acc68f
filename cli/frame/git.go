package frame

import (
	"context"
	"errors"
	"os/exec"
	"strings"
)

// Git runs git in the user's directory and environment: git var, and git config
// to look something up or, for package enrol, to set it.
func (s *System) Git(ctx context.Context, args ...string) (string, error) {
	s.Trace.Debug().Strs("git", args).Msg("child")
	out, err := exec.CommandContext(ctx, "git", args...).Output()
	return strings.TrimSuffix(string(out), "\n"), err
}

// GitMessage is what git wrote to stderr when it failed.
func GitMessage(err error) string {
	var x *exec.ExitError
	if errors.As(err, &x) && len(x.Stderr) > 0 {
		return strings.TrimPrefix(strings.TrimSpace(string(x.Stderr)), "fatal: ")
	}
	return err.Error()
}

// OnPath reports whether PATH leads to a program.
func (s *System) OnPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}
