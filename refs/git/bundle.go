package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Bundle writes the replica's tracker as a git bundle. The bundle has the branches as a hub
// has them, with all their history. Branches written here also contain what was not sent
// yet.
func (p *Plumbing) Bundle(ctx context.Context, w io.Writer) error {
	tips, err := p.branches(ctx)
	if err != nil {
		return err
	}
	if len(tips) == 0 {
		return errors.New("bundle: the replica has no branch of the tracker")
	}
	var header, ids bytes.Buffer
	header.WriteString("# v2 git bundle\n")
	if p.form == refs.SHA256 {
		header.Reset()
		header.WriteString("# v3 git bundle\n@object-format=sha256\n")
	}
	for _, t := range tips {
		fmt.Fprintf(&header, "%s %s\n", t.OID, t.Name)
		fmt.Fprintf(&ids, "%s\n", t.OID)
	}
	header.WriteString("\n")
	if _, err := w.Write(header.Bytes()); err != nil {
		return err
	}
	cmd := p.git.command(ctx, ownGroup, "pack-objects", "--revs", "--stdout", "-q", "--delta-base-offset")
	cmd.Stdin, cmd.Stdout = &ids, w
	return runCommand(ctx, cmd, "pack-objects")
}

// branches lists the tracker's branches, under their names on a hub.
func (p *Plumbing) branches(ctx context.Context) ([]refs.Ref, error) {
	here, err := p.Refs(ctx, refs.HubPrefix)
	if err != nil {
		return nil, err
	}
	seen, err := p.Refs(ctx, refs.SeenPrefix)
	if err != nil {
		return nil, err
	}
	for _, s := range seen {
		s.Name = refs.HubPrefix + strings.TrimPrefix(s.Name, refs.SeenPrefix)
		at := slices.IndexFunc(here, func(h refs.Ref) bool { return h.Name == s.Name })
		if at < 0 {
			here = append(here, s)
			continue
		}
		more, err := p.git.run(ctx, nil, "rev-list", "-n", "1", string(s.OID), "^"+string(here[at].OID))
		if err != nil {
			return nil, err
		}
		if len(more) > 0 { // the hub has data that is missing here
			here[at] = s
		}
	}
	slices.SortFunc(here, func(a, b refs.Ref) int { return strings.Compare(a.Name, b.Name) })
	return here, nil
}
