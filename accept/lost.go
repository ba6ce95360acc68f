package accept

import (
	"context"
	"errors"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// A hub can lose data: it was restored from an old backup or rewound, or somebody deleted
// branches. The data seen there stays accepted in the clones, and any clone that syncs
// restores it: logs and ledger move forward again, nothing is forced. If meta is gone, it is
// no longer a hub, and nothing is sent automatically; init restores everything.

// Lost returns, after a fetch, the logs that have lost lines on the hub.
func Lost(ctx context.Context, reads *reading.Reader, local refs.Local) (hubs.Losses, error) {
	lost := hubs.Losses{}
	all, err := local.Refs(ctx, "refs/")
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
		rel, err := refs.IsPrefix(ctx, local, id, there[name], r.OID)
		if err == nil && (rel == refs.Diverged || rel == refs.Extends) { // and was not accepted: the data after it may not be a line
			rel, err = lostLines(ctx, reads, local, id, there[name], r.OID, rel)
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

// lostLines judges a log of the hub that is not a beginning of the known one. Lines that
// the ledger covers belong to the log, and a log without them counts as one that lacks
// lines. If the ledger covers neither, the two are a fork, unless the data in place of the
// lost lines is not valid.
func lostLines(ctx context.Context, reads *reading.Reader, local refs.Local, id string, tip, seen refs.OID, rel refs.Relation) (refs.Relation, error) {
	s, err := reads.Load(ctx)
	if err != nil {
		return refs.Diverged, err
	}
	if rel == refs.Extends {
		return onlyLost(ctx, local, s, id, tip, seen)
	}
	if s.Decided().Err != nil {
		return refs.Diverged, nil
	}
	at := s.Decided().View.Ledger.Position(id)
	if at.Seq == 0 {
		return onlyLost(ctx, local, s, id, tip, seen)
	}
	log, err := refs.ReadLog(ctx, local, id, tip, at.Seq)
	if err != nil {
		return refs.Diverged, err
	}
	if line := log.At(at.Seq); line != nil && event.Hash(line) == at.Hash {
		return onlyLost(ctx, local, s, id, tip, seen)
	}
	return refs.Prefix, nil
}

// onlyLost judges a log of the hub by its good part alone. If that part is a beginning of
// the known log or all of it, and the data after it is no line of this log, or lacks a
// required signature, then lines were only lost, and none was written in their place.
// Anybody with push access can append such data; it must not block the log's writer.
func onlyLost(ctx context.Context, local refs.Local, s *reading.Snapshot, id string, tip, seen refs.OID) (refs.Relation, error) {
	is, err := GoodPart(ctx, local, s, s.Hub, id, tip, 0)
	if err != nil || is.Ended == "" || is.Newer {
		return refs.Diverged, refs.IgnoreMissing(err)
	}
	was, err := GoodPart(ctx, local, s, s.Hub, id, seen, is.Seq)
	if err == nil && is.Seq > 0 && is.Seq <= was.Seq && was.At == is.Hash {
		return refs.Prefix, nil
	}
	return refs.Diverged, refs.IgnoreMissing(err)
}

// LedgerBack returns the known tip of the ledger if the hub was rewound or has no ledger;
// otherwise "". asked means that the hub was contacted just now.
func LedgerBack(s *reading.Snapshot, asked bool) (refs.OID, error) {
	known, there := s.AllRefs[replay.HubRoot+replay.LedgerName], s.AllRefs[replay.IncomingRoot+replay.LedgerName]
	if known == "" || known == there || there == "" && !asked {
		return "", nil
	}
	if there == "" {
		return known, nil
	}
	behind, err := s.Decided().Reader.Extends(string(known), string(there))
	if err != nil || !behind {
		return "", refs.IgnoreMissing(err)
	}
	return known, nil
}

// FromLedger finds logs that the ledger covers but that the hub lacks or has only in part.
// They are among the parents of the step, because a step contains its inputs. They are
// accepted like any log that was seen on the hub.
func FromLedger(ctx context.Context, local refs.Local, s *reading.Snapshot) (ups []refs.Update, err error) {
	if !s.Bound {
		return nil, nil
	}
	missing := s.Short()
	step := s.Ledger.Ref
	for range hubs.MaxDescent {
		if len(missing) == 0 || step == "" {
			break
		}
		h, err := refs.ReadHead(ctx, local, step)
		if err != nil {
			return nil, refs.IgnoreMissing(err)
		}
		if step = ""; len(h.Parents) == 0 {
			break
		}
		step = h.Parents[0]
		for _, p := range h.Parents[1:] {
			for id, at := range missing {
				log, err := refs.ReadLog(ctx, local, id, p, at.Seq)
				if err != nil {
					return nil, err
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
	return ups, nil
}
