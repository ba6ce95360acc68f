package refs

import (
	"bytes"
	"context"
	"strings"
)

// Heads implements Remote.
func (g *gitRemote) Heads(ctx context.Context) ([]string, error) {
	cmd, err := g.command(ctx, "ls-remote", "-q", "--heads", hubRemote)
	if err != nil {
		return nil, &RemoteError{Err: err}
	}
	// Not capped like stderr: tracker branches come first and may be many.
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := runCommand(ctx, cmd, "ls-remote"); err != nil {
		return nil, &RemoteError{NoConnection: true, Err: err}
	}
	var names []string
	for line := range strings.Lines(out.String()) {
		if _, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// Heads implements Remote.
func (r *memoryRemote) Heads(ctx context.Context) ([]string, error) {
	_, refs := r.hub.snapshot()
	var names []string
	for name := range refs {
		if strings.HasPrefix(name, "refs/heads/") {
			names = append(names, name)
		}
	}
	return names, nil
}
