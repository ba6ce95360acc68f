package drive

import (
	"context"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// compose makes the objects and refs of a push.
func (d *driver) compose(ctx context.Context, a syncer.Push) (p refs.Push, err error) {
	for _, part := range a.Parts {
		l := d.seen.log(part.Name)
		var tip refs.OID
		switch {
		case part.Back:
			tip, err = d.onTop(ctx, part.Name, d.seen.hub(part.Name))
		case part.Empty:
			tip, err = d.nothingOnTop(ctx, l)
		case part.UpTo < l.Last:
			tip, err = d.beginning(ctx, l, part.UpTo)
		default:
			tip, err = d.onTop(ctx, part.Name, d.seen.here(part.Name))
		}
		if err != nil {
			return p, err
		}
		p.Refs = append(p.Refs, refs.PushRef{Src: tip, Dst: refs.HubPrefix + part.Name})
	}
	if a.Step {
		tip, err := d.clone.Step(ctx, p)
		if err != nil {
			return p, err
		}
		if tip != "" {
			p.Refs = append(p.Refs, refs.PushRef{Src: tip, Dst: refs.HubPrefix + syncer.Ledger})
		}
	}
	if meta := d.seen.hub(syncer.Meta); len(p.Refs) > 0 && a.Atomic {
		// meta as a no-op under a lease: a hub whose meta moved refuses everything
		p.Atomic = true
		p.Refs = append(p.Refs, refs.PushRef{Src: meta, Dst: refs.HubPrefix + syncer.Meta, Lease: &meta})
	}
	return p, nil
}

// commit is what a commit of a log says that is made for a push.
func (d *driver) commit(agent, message string) refs.CommitInfo {
	return refs.CommitInfo{Address: d.Committer, Author: agent, When: d.link.Now(), Message: "crosslink: " + message + "\n\n[skip ci]\n"}
}

// onTop is the tip of a log as it can go to the hub: where the hub holds
// something that it does not continue from, in the place of lines that were there
// before, a commit with this log on top of both.
func (d *driver) onTop(ctx context.Context, name string, tip refs.OID) (refs.OID, error) {
	there, in := d.Lost[name], d.link.Replica.Local()
	if there == "" {
		return tip, nil
	}
	if grown, err := hubs.Descends(ctx, in, tip, there); err != nil || grown {
		return tip, err
	}
	id := strings.TrimPrefix(name, refs.Agents)
	return refs.Recommit(ctx, in, tip, []refs.OID{there, tip}, d.commit(id, fmt.Sprintf("the log of %s is restored", id)))
}

// beginning makes a tip that holds what the hub has of a log and the lines
// after that up to a sequence.
func (d *driver) beginning(ctx context.Context, l syncer.Log, upTo uint64) (refs.OID, error) {
	id, in := strings.TrimPrefix(l.Name, refs.Agents), d.link.Replica.Local()
	got, err := refs.ReadLog(ctx, in, id, d.seen.here(l.Name), l.OnHub+1)
	if err != nil {
		return "", err
	}
	var lines [][]byte
	for seq := l.OnHub + 1; seq <= upTo; seq++ {
		line := got.At(seq)
		if line == nil {
			return "", fmt.Errorf("the log of '%s' has no event %d: %w", id, seq, refs.ErrBadLog)
		}
		lines = append(lines, line)
	}
	c := d.commit(id, fmt.Sprintf("%s up to event %d", id, upTo))
	c.Next = l.OnHub + 1
	return refs.AppendLog(ctx, in, id, refs.OID(l.Hub), lines, c)
}

// nothingOnTop makes a tip that adds no line to what the hub has of a log: to
// find out whether the hub refuses the log or a line.
func (d *driver) nothingOnTop(ctx context.Context, l syncer.Log) (refs.OID, error) {
	id, hub := strings.TrimPrefix(l.Name, refs.Agents), refs.OID(l.Hub)
	return refs.Recommit(ctx, d.link.Replica.Local(), hub, []refs.OID{hub}, d.commit(id, fmt.Sprintf("%s adds nothing to event %d", id, l.OnHub)))
}
