package git

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/disk"
)

// Stamp implements refs.Stamper.
func (o *Outer) Stamp(remote string) string {
	var paths []string
	for dir, below := range map[string][]string{
		ReplicaPath(o): {"refs"},
		o.CommonDir:    {"refs/remotes/" + remote + "/crosslink", "refs/heads/crosslink"}, // it may be a hub itself
	} {
		for _, name := range append(below, "packed-refs", "reftable") {
			paths = append(paths, filepath.Join(dir, filepath.FromSlash(name)))
		}
	}
	slices.Sort(paths)
	return disk.Stamp(time.Now(), paths...)
}

// Copies implements refs.Outer.
func (o *Outer) Copies(ctx context.Context, cfg refs.Config, names []string) (map[string]map[string]refs.OID, error) {
	if !o.mayCopy(cfg) {
		return nil, nil
	}
	args := []string{"for-each-ref", "--format=%(objectname) %(refname)"}
	for _, remote := range cfg.Remotes() {
		for _, n := range names {
			args = append(args, "refs/remotes/"+remote+"/crosslink/"+n)
		}
	}
	out, err := o.ask(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("look at the remote-tracking branches: %w", err)
	}
	found := map[string]map[string]refs.OID{}
	for line := range strings.Lines(string(out)) {
		id, ref, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		rest := strings.TrimPrefix(ref, "refs/remotes/")
		i := strings.LastIndex(rest, "/crosslink/")
		if i < 0 {
			continue
		}
		remote := rest[:i]
		if found[remote] == nil {
			found[remote] = map[string]refs.OID{}
		}
		found[remote][rest[i+len("/crosslink/"):]] = refs.OID(id)
	}
	return found, nil
}

// File implements refs.Outer.
func (o *Outer) File(ctx context.Context, commit refs.OID, path string, limit int) ([]byte, error) {
	if !o.Format.Valid(commit) {
		return nil, fmt.Errorf("bad object id '%s'", commit)
	}
	name := string(commit) + ":" + path
	out, err := o.ask(ctx, "cat-file", "-s", name)
	if err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(strings.TrimSpace(string(out))); err != nil || n > limit {
		return nil, fmt.Errorf("%w: '%s'", refs.ErrTooLarge, name)
	}
	return o.ask(ctx, "cat-file", "blob", name)
}
