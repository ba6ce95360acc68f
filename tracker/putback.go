package tracker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/syncer/drive"
)

// restore puts everything back on a hub that lost its meta: only by init,
// which somebody typed.
func (t *Tracker) restore(ctx context.Context, s *reading.Snapshot) (*InitReport, error) {
	if _, err := t.clone.Link.HasRoom(ctx, t.clone.Agent, t.clone.Outer.HasRef); err != nil {
		return nil, err
	}
	absent := refs.OID("")
	p := refs.Push{Atomic: true}
	r := &InitReport{Remote: t.clone.Hub.Name, URL: t.clone.Hub.Shown(), Hub: s.Hub, Restored: true, Moved: t.clone.Hub.Moved(t.clone.Contact), Agent: t.clone.Agent}
	for name, oid := range s.AllRefs {
		name, ok := strings.CutPrefix(name, replay.HubRoot)
		if !ok || s.AllRefs[replay.IncomingRoot+name] != "" {
			continue
		}
		p.Refs = append(p.Refs, refs.PushRef{Src: oid, Dst: replay.HereRoot + name, Lease: &absent})
		r.Branches = append(r.Branches, "crosslink/"+name)
	}
	slices.Sort(r.Branches)
	res, err := t.clone.PushPatiently(ctx, p, clone.Founding)
	if err != nil {
		return nil, err
	}
	if !hubs.AllAccepted(p, res) {
		e := t.clone.Hub.LostError()
		if hubs.RefusedBy(res) != "" {
			e.Kind, e.Message = fail.Denied, fmt.Sprintf("the remote '%s' refuses the tracker's branches: %s", t.clone.Hub.Name, hubs.WhyRefused(res))
		} else if words := hubs.Gist(res.Stderr); !res.Reached && words != "" {
			e.Fields = fail.Fields{"git": words}
		}
		return nil, e
	}
	if err := t.clone.Contact.Founded(t.clone.Hub, r.Hub); err != nil {
		return nil, err
	}
	got, err := t.exchange.FetchFor(ctx, exchange.Wants{Pin: true})
	if err != nil {
		return nil, err
	}
	out, err := t.exchange.Publish(ctx, drive.Run{Task: t.clone.Task(true, true), Lost: got.Lost})
	if err != nil {
		return nil, err
	}
	r.Sent = out.Sent
	return r, nil
}
