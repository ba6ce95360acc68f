package frame

import (
	"context"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/cli/launch"
)

// Launch runs a program that is installed beside this one, with this terminal. kind
// names the failure if the program does not start; its own exit status is passed on.
func (t *Terminal) Launch(ctx context.Context, kind, program string, words []string) error {
	status, err := launch.Start(ctx, program, words, t.In, t.Out, t.Err)
	switch {
	case errors.Is(err, launch.ErrMissing):
		return Fatal(kind, "'"+program+"' is not installed", "install it from the source of git-crosslink: ./install.sh")
	case err != nil:
		return Fatal(kind, fmt.Sprintf("'%s' does not run: %v", program, err), "install it again: ./install.sh")
	case status != 0:
		return &Silent{Code: status} // it has printed the reason
	}
	return nil
}
