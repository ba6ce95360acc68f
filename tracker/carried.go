package tracker

import (
	"context"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// What a detached hub takes over of who may write. The rules are
// (docs/decisions/0017-a-detached-fork-is-written-again.md):
//
//   - its first meta commit is that of any new hub, open and 'warn': all steps
//     are decided again under it, for a revocation undoes no decision;
//   - its second one says what the old hub said: open or closed, signing,
//     approved keys (those in force: a rotation that is written again is not
//     signed), revocations, pinned to the lines as they are written again;
//   - 'require' becomes 'warn': nothing that was written again is signed, and
//     nothing of it would count;
//   - its admin is who detaches it, and nobody else;
//   - a log that stopped counting because it had forked is revoked there: the
//     proof is about lines of the old hub.

// carried makes the second meta commit, behind the first, "" if it would say
// nothing new.
func (t *Tracker) carried(ctx context.Context, s *snapshot, first refs.OID, chains map[string]rewritten) (refs.OID, *trust.State, error) {
	files, err := refs.ReadFiles(ctx, t.local(), first, replay.MetaLimit)
	if err != nil {
		return "", nil, err
	}
	roll, err := trust.FirstMeta(files)
	if err != nil || s.roll == nil || s.roll.Newer() > 0 {
		return "", roll, err
	}
	was, own := s.roll, trust.Principal(t.agent)
	m := *roll.Meta
	list := s.keysInForce(own)
	for _, x := range roll.Signers.All() {
		list = list.With(x)
	}
	if m.Signing = was.Meta.Signing; m.Signing == trust.Require {
		m.Signing = trust.Warn
	}
	m.Open = was.Meta.Open || !list.Lists(own) // or nobody could write
	m.Revoked = map[string]trust.Revocation{}
	for id, r := range was.Meta.Revoked {
		m.Revoked[id] = chains[id].revoked(r.AfterSeq, r.Reason)
	}
	for _, id := range s.agents() {
		v := s.logs[id].verdict
		switch _, revoked := m.Revoked[id]; {
		case v == nil:
		case v.Ends == trust.RuleRevokedHash:
			m.Revoked[id] = chains[id].revoked(0, m.Revoked[id].Reason)
		case v.Forked && !revoked:
			m.Revoked[id] = chains[id].revoked(v.Fed, "one key had written two histories on the hub "+s.hubID())
		}
	}
	delete(m.Revoked, t.agent) // whose tracker it is now
	m.PolicyExtra = was.Meta.PolicyExtra
	if string(m.Encode()) == string(roll.Meta.Encode()) && string(list.Encode()) == string(roll.Signers.Encode()) {
		return "", roll, nil
	}
	k, err := t.adminKey(s, roll)
	if err != nil {
		return "", nil, err
	}
	files, next, err := (&agents.Change{From: roll, Meta: m, Signers: list}).Files(ctx, k)
	if err != nil {
		return "", nil, fmt.Errorf("take over who may write: %w", err)
	}
	tip, err := refs.WriteCommit(ctx, t.local(), files, []refs.OID{first}, refs.CommitInfo{Address: t.committer(), Author: t.agent, When: t.now(),
		Message: fmt.Sprintf("crosslink: %s takes over what hub %.8s trusted\n\n[skip ci]\n", t.agent, s.hubID())})
	return tip, next, err
}

// keysInForce lists what the hub lists, with the keys that rotations have led
// to; of the principal own nothing.
func (s *snapshot) keysInForce(own string) *trust.Signers {
	list := s.roll.Signers.Without(own, trust.Key{})
	for _, id := range s.agents() {
		p, v := trust.Principal(id), s.logs[id].verdict
		if p == own || v == nil || !v.Listed || len(v.Keys) == 0 {
			continue
		}
		listed := s.roll.Signers.Keys(p, trust.EventNamespace)
		for _, x := range s.roll.Signers.All() {
			if x.Principal == p && slices.Contains(listed, x.Key) && !slices.Contains(v.Keys, x.Key) {
				list = list.Without(p, x.Key)
			}
		}
		for _, k := range v.Keys {
			if !slices.Contains(listed, k) {
				list = list.With(trust.Signer{Principal: p, Key: k})
			}
		}
	}
	return list
}

// rewritten is a log as it was written again: the hash of each line.
type rewritten []string

// revoked ends it behind a line; one it does not reach ends it nowhere later.
func (r rewritten) revoked(after uint64, reason string) trust.Revocation {
	x := trust.Revocation{AfterSeq: min(after, uint64(len(r))), Reason: reason}
	if x.AfterSeq > 0 {
		x.Hash = r[x.AfterSeq-1]
	}
	return x
}
