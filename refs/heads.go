package refs

import (
	"bytes"
	"context"
	"strings"
)

// Heads implements Remote.
func (g *gitRemote) Heads(ctx context.Context) (map[string]OID, error) {
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
	tips := map[string]OID{}
	for line := range strings.Lines(out.String()) {
		if oid, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			tips[name] = OID(oid)
		}
	}
	return tips, nil
}

// Heads implements Remote.
func (r *memoryRemote) Heads(ctx context.Context) (map[string]OID, error) {
	_, refs := r.hub.snapshot()
	tips := map[string]OID{}
	for name, oid := range refs {
		if strings.HasPrefix(name, "refs/heads/") {
			tips[name] = oid
		}
	}
	return tips, nil
}
