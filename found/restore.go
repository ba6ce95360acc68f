package found

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

// restore restores everything on a hub that lost its meta. Only 'init' does this, because a
// person typed it.
func (f *Founder) restore(ctx context.Context, s *reading.Snapshot) (*InitReport, error) {
	if _, err := f.Link.HasRoom(ctx, f.Agent, f.Outer.HasRef); err != nil {
		return nil, err
	}
	absent := refs.OID("")
	p := refs.Push{Atomic: true}
	r := &InitReport{Remote: f.Hub.Name, URL: f.Hub.Shown(), Hub: s.Hub, Restored: true, Moved: f.Hub.Moved(f.Contact), Agent: f.Agent}
	for name, oid := range s.AllRefs {
		name, ok := strings.CutPrefix(name, replay.HubRoot)
		if !ok || s.AllRefs[replay.IncomingRoot+name] != "" {
			continue
		}
		p.Refs = append(p.Refs, refs.PushRef{Src: oid, Dst: replay.HereRoot + name, Lease: &absent})
		r.Branches = append(r.Branches, "crosslink/"+name)
	}
	slices.Sort(r.Branches)
	res, err := f.PushPatiently(ctx, p, clone.Founding)
	if err != nil {
		return nil, err
	}
	if !hubs.AllAccepted(p, res) {
		e := f.Hub.LostError()
		if hubs.RefusedBy(res) != "" {
			e.Kind, e.Message = fail.Denied, fmt.Sprintf("the remote '%s' refuses the tracker's branches: %s", f.Hub.Name, hubs.WhyRefused(res))
		} else if words := hubs.Gist(res.Stderr); !res.Reached && words != "" {
			e.Fields = fail.Fields{"git": words}
		}
		return nil, e
	}
	if err := f.Contact.Founded(f.Hub, r.Hub); err != nil {
		return nil, err
	}
	got, err := f.FetchFor(ctx, exchange.Wants{Pin: true})
	if err != nil {
		return nil, err
	}
	out, err := f.Publish(ctx, drive.Run{Task: f.Task(true, true), Lost: got.Lost})
	if err != nil {
		return nil, err
	}
	r.Sent = out.Sent
	return r, nil
}
