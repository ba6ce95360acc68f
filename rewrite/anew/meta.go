package anew

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// What a detached hub takes over of who may write. The rules are:
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

// begin writes the first meta commit of the new hub.
func (w Writer) begin(ctx context.Context, was Hub, first *trust.State, files map[string][]byte) (refs.OID, *trust.State, error) {
	m := *first.Meta
	m.Base = was.Steps.Ledger.BaseHash()
	m.SetOrigin(trust.Origin{Hub: was.ID, Meta: string(was.Meta), Step: was.Steps.Step})
	files = maps.Clone(files)
	files["hub.json"] = m.Encode()
	delete(files, "meta.sig") // of the other bytes; a first commit needs none
	first, err := trust.FirstMeta(files)
	if err != nil {
		return "", nil, err
	}
	tip, err := refs.WriteCommit(ctx, w.Local, files, nil, w.commit(w.Agent, w.Now, "hub %.8s, detached from %.8s", m.Hub, was.ID))
	return tip, first, err
}

// takeOver makes the second meta commit, after the first, "" if it would say
// nothing new.
func (r *run) takeOver(ctx context.Context, on refs.OID, first *trust.State) (refs.OID, *trust.State, error) {
	if r.was.State == nil || r.was.State.Newer() > 0 {
		return "", first, nil
	}
	c := r.policy(first)
	if c.Nothing() {
		return "", first, nil
	}
	k, err := r.Admin(first)
	if err != nil {
		return "", nil, err
	}
	files, next, err := c.Files(ctx, k)
	if err != nil {
		return "", nil, fmt.Errorf("take over who may write: %w", err)
	}
	tip, err := refs.WriteCommit(ctx, r.Local, files, []refs.OID{on}, r.commit(r.Agent, r.Now, "%s takes over what hub %.8s trusted", r.Agent, r.was.ID))
	return tip, next, err
}

// policy is what the old hub said, as the new one says it.
func (r *run) policy(first *trust.State) *agents.Change {
	was, own := r.was.State, trust.Principal(r.Agent)
	c := agents.NewChange(first)
	c.Signers = r.keysInForce(own)
	for _, x := range first.Signers.All() {
		c.Signers = c.Signers.With(x)
	}
	m := &c.Meta
	if m.Signing = was.Meta.Signing; m.Signing == trust.Require {
		m.Signing = trust.Warn
	}
	m.Open = was.Meta.Open || !c.Signers.Lists(own) // or nobody could write
	for id, x := range was.Meta.Revoked {
		m.Revoked[id] = r.hashes[id].revoked(x.AfterSeq, x.Reason)
	}
	for id, l := range r.was.Logs {
		v := l.Verdict
		switch _, revoked := m.Revoked[id]; {
		case v == nil:
		case v.Ends == trust.RuleRevokedHash:
			m.Revoked[id] = r.hashes[id].revoked(0, m.Revoked[id].Reason)
		case v.Forked && !revoked:
			m.Revoked[id] = r.hashes[id].revoked(v.Fed, "one key had written two histories on the hub "+r.was.ID)
		}
	}
	delete(m.Revoked, r.Agent) // whose tracker it is now
	m.PolicyExtra = was.Meta.PolicyExtra
	return c
}

// keysInForce lists what the hub lists, with the keys that rotations have led
// to; of the principal own nothing.
func (r *run) keysInForce(own string) *trust.Signers {
	was := r.was.State
	list := was.Signers.Without(own, trust.Key{})
	for _, id := range slices.Sorted(maps.Keys(r.was.Logs)) {
		p, v := trust.Principal(id), r.was.Logs[id].Verdict
		if p == own || v == nil || !v.Listed || len(v.Keys) == 0 {
			continue
		}
		listed := was.Signers.Keys(p, trust.EventNamespace)
		for _, x := range was.Signers.All() {
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

// revoked returns a revocation after a line, or after the last one if the log does not
// reach that line.
func (h hashes) revoked(after uint64, reason string) trust.Revocation {
	x := trust.Revocation{AfterSeq: min(after, uint64(len(h))), Reason: reason}
	if x.AfterSeq > 0 {
		x.Hash = h[x.AfterSeq-1]
	}
	return x
}
