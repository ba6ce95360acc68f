// Package launch starts the programs that lie beside this one. The dashboard and
// the server for agents are programs of their own
// (docs/decisions/0031-the-dashboard-is-a-program.md): a command that answers in
// milliseconds should not carry a web server.
package launch

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrMissing says that a program is not installed.
var ErrMissing = errors.New("is not installed")

// Start runs a program with these words and streams, and returns its exit status.
// When the context ends the program is asked to end, too.
func Start(ctx context.Context, program string, words []string, in io.Reader, out, errs io.Writer) (status int, err error) {
	name, err := Find(program)
	if err != nil {
		return 0, ErrMissing
	}
	cmd := exec.CommandContext(ctx, name, words...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, errs
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends within two seconds
	err = cmd.Run()
	var x *exec.ExitError
	switch {
	case errors.As(err, &x):
		return max(x.ExitCode(), 1), nil
	case ctx.Err() != nil:
		return 0, nil
	}
	return 0, err
}

// Find returns a program that lies beside this one, else one on PATH.
func Find(name string) (string, error) {
	if self, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		at := filepath.Join(filepath.Dir(self), name)
		if st, err := os.Stat(at); err == nil && st.Mode().IsRegular() {
			return at, nil
		}
	}
	return exec.LookPath(name)
}
