package tracker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/syncer/drive"
)

// A hub can be set back: restored from an old backup, rewound, robbed of
// branches. What was seen on it stays believed here, and whoever syncs puts it
// back: logs and ledger go forward again, nothing is forced. If its meta is
// gone, it is no hub any more and nothing is sent unasked; init puts all back.

// lostLines finds, after a fetch, the logs of which the hub has lost lines.
func (t *Tracker) lostLines(ctx context.Context) (hubs.Losses, error) {
	lost := hubs.Losses{}
	all, err := t.clone.Local().Refs(ctx, "refs/")
	if err != nil {
		return nil, err
	}
	there := map[string]refs.OID{}
	for _, r := range all {
		if name, ok := strings.CutPrefix(r.Name, replay.IncomingRoot); ok {
			there[name] = r.OID
		}
	}
	if there[replay.MetaName] == "" {
		return lost, nil
	}
	for _, r := range all {
		name, ok := strings.CutPrefix(r.Name, replay.HubRoot)
		id, isLog := strings.CutPrefix(name, replay.Agents)
		if !ok || !isLog || there[name] == r.OID || event.ValidAgentID(id) != nil {
			continue
		}
		if there[name] == "" {
			lost[name] = ""
			continue
		}
		rel, err := refs.IsPrefix(ctx, t.clone.Local(), id, there[name], r.OID)
		switch {
		case err != nil:
		case rel == refs.Diverged:
			rel, err = t.againstLedger(ctx, id, there[name], r.OID)
		case rel == refs.Extends: // and was not believed: what follows may be no line
			rel, err = t.nothingElse(ctx, id, there[name], r.OID)
		}
		if err != nil && !errors.Is(err, refs.ErrMissing) {
			return nil, err
		}
		if err == nil && rel == refs.Prefix {
			lost[name] = there[name]
		}
	}
	return lost, nil
}

// againstLedger judges a log that is not what was seen on the hub before: what
// the ledger covers is the log, and one without it counts as one that lacks
// lines. Where the ledger says nothing the two are a fork, unless what the hub has
// in place of the lost lines is none.
func (t *Tracker) againstLedger(ctx context.Context, id string, tip, seen refs.OID) (refs.Relation, error) {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil || s.Decided().Err != nil {
		return refs.Diverged, err
	}
	at := s.Decided().View.Ledger.Position(id)
	if at.Seq == 0 {
		return t.onlyLost(ctx, s, id, tip, seen)
	}
	log, err := refs.ReadLog(ctx, t.clone.Local(), id, tip, at.Seq)
	if err != nil {
		return refs.Diverged, err
	}
	if line := log.At(at.Seq); line != nil && event.Hash(line) == at.Hash {
		return t.onlyLost(ctx, s, id, tip, seen)
	}
	return refs.Prefix, nil
}

// nothingElse judges a log of the hub that goes on behind what was seen there.
func (t *Tracker) nothingElse(ctx context.Context, id string, tip, seen refs.OID) (refs.Relation, error) {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return refs.Diverged, err
	}
	return t.onlyLost(ctx, s, id, tip, seen)
}

// onlyLost judges a log of the hub that is not what was seen there before by
// its good part alone: if that is a beginning of what was seen, or all of it, and
// what stands behind it is no line of this log, or not signed where it has to be,
// then lines were lost, or nothing was, and none was written in their place. Whoever may push can put such a thing
// there; it must not stop the log's writer.
func (t *Tracker) onlyLost(ctx context.Context, s *reading.Snapshot, id string, tip, seen refs.OID) (refs.Relation, error) {
	is, err := t.goodPart(ctx, s, s.Hub, id, tip, 0)
	if err != nil || is.Ended == "" || is.Newer {
		return refs.Diverged, ignoreMissing(err)
	}
	was, err := t.goodPart(ctx, s, s.Hub, id, seen, is.Seq)
	if err == nil && is.Seq > 0 && is.Seq <= was.Seq && was.At == is.Hash {
		return refs.Prefix, nil
	}
	return refs.Diverged, ignoreMissing(err)
}

// ledgerBack is the tip of the ledger as it is known here where the hub was set
// back or has none; "" where it was not.
func (t *Tracker) ledgerBack(s *reading.Snapshot) (refs.OID, error) {
	known, there := s.AllRefs[replay.HubRoot+replay.LedgerName], s.AllRefs[replay.IncomingRoot+replay.LedgerName]
	if known == "" || known == there || there == "" && !t.clone.Link.Reached {
		return "", nil
	}
	if there == "" {
		return known, nil
	}
	behind, err := s.Decided().Reader.Extends(string(known), string(there))
	if err != nil || !behind {
		return "", ignoreMissing(err)
	}
	return known, nil
}

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
	lost, err := t.fetchFor(ctx, wants{pin: true})
	if err != nil {
		return nil, err
	}
	out, err := t.publish(ctx, drive.Run{Task: t.clone.Task(true, true), Lost: lost})
	if err != nil {
		return nil, err
	}
	r.Sent = out.sent
	return r, nil
}

// fromLedger finds logs that the ledger covers and the hub no longer offers, or
// only their beginning: a step carries its inputs, so they are among its
// parents. They are believed like any log that was seen on the hub.
func (t *Tracker) fromLedger(ctx context.Context) error {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil || !s.Bound {
		return err
	}
	missing := s.Short()
	var ups []refs.Update
	step := s.Ledger.Ref
	for range hubs.MaxDescent {
		if len(missing) == 0 || step == "" {
			break
		}
		h, err := refs.ReadHead(ctx, t.clone.Local(), step)
		if err != nil {
			return ignoreMissing(err)
		}
		if step = ""; len(h.Parents) == 0 {
			break
		}
		step = h.Parents[0]
		for _, p := range h.Parents[1:] {
			for id, at := range missing {
				log, err := refs.ReadLog(ctx, t.clone.Local(), id, p, at.Seq)
				if err != nil {
					return err
				}
				if line := log.At(at.Seq); line == nil || event.Hash(line) != at.Hash {
					continue
				}
				name := replay.HubRoot + replay.Agents + id
				ups = append(ups, refs.Update{Ref: name, Old: s.AllRefs[name], New: p})
				delete(missing, id)
			}
		}
	}
	if err := t.clone.Local().Swap(ctx, ups); err != nil && !errors.Is(err, refs.ErrConflict) {
		return err
	}
	return nil
}
