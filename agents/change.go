package agents

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// Change is a draft of the next meta.
type Change struct {
	From    *trust.State
	Meta    trust.Meta
	Signers *trust.Signers
}

// NewChange returns a draft with the content of from.
func NewChange(from *trust.State) *Change {
	c := &Change{from, *from.Meta, from.Signers}
	c.Meta.Admins, c.Meta.Revoked = slices.Clone(c.Meta.Admins), maps.Clone(c.Meta.Revoked)
	if c.Meta.Revoked == nil {
		c.Meta.Revoked = map[string]trust.Revocation{}
	}
	return c
}

// Approved is one agent that was approved.
type Approved struct {
	Agent       string `json:"agent"`
	Fingerprint string `json:"fingerprint"`
	Already     bool   `json:"already"`
}

// Waits reports whether an agent waits for approval; v is the verdict on its log.
func (c *Change) Waits(agent string, v *trust.Verdict) bool {
	_, revoked := c.Meta.Revoked[agent]
	return !revoked && v != nil && !v.Listed && len(v.Keys) == 1
}

// Approve lists a key of an agent: the given one, otherwise the one that its log
// introduces; log is the verdict on the log, nil if there is no log here. The agent may
// become an admin, too.
func (c *Change) Approve(agent, given string, log *trust.Verdict, admin bool) (Approved, error) {
	k, err := c.keyOf(agent, given, log)
	if err != nil {
		return Approved{}, err
	}
	p := trust.Principal(agent)
	a := Approved{Agent: agent, Fingerprint: k.Fingerprint(), Already: slices.Contains(c.Signers.Keys(p, trust.MetaNamespace), k)}
	if !a.Already {
		c.Signers = c.Signers.With(trust.Signer{Principal: p, Key: k})
	}
	if admin && !slices.Contains(c.Meta.Admins, p) {
		c.Meta.Admins, a.Already = append(c.Meta.Admins, p), false
	}
	return a, nil
}

func (c *Change) keyOf(agent, given string, log *trust.Verdict) (trust.Key, error) {
	if err := event.ValidAgentID(agent); err != nil {
		return trust.Key{}, &fail.Error{Kind: fail.Fatal, Code: "agent-id/approve", Message: fmt.Sprintf("'%s' is not an agent id: %v", fail.Truncate(agent), err)}
	}
	if _, revoked := c.From.Meta.Revoked[agent]; revoked {
		return trust.Key{}, stillRevoked("revoked/still", agent)
	}
	if given != "" {
		k, err := trust.ParseKey(given)
		if err != nil {
			return k, &fail.Error{Kind: fail.Fatal, Code: "key", Message: err.Error()}
		}
		return k, nil
	}
	if log == nil {
		return trust.Key{}, &fail.Error{Kind: fail.No, Code: "no-agent/approve", Message: fmt.Sprintf("there is no log of '%s' here", agent),
			Fields: fail.Fields{"agent": agent}}
	}
	if len(log.Keys) != 1 {
		return trust.Key{}, &fail.Error{Kind: fail.No, Code: "no-key", Message: fmt.Sprintf("the log of '%s' contains no key", agent),
			Fields: fail.Fields{"agent": agent}}
	}
	return log.Keys[0], nil
}

// stillRevoked refuses a change after which lines after a revocation would count again.
func stillRevoked(code fail.Code, agent string) error {
	return &fail.Error{Kind: fail.Denied, Code: code, Message: fmt.Sprintf("the agent '%s' is revoked, and a revocation is permanent", agent),
		Fields: fail.Fields{"agent": agent}}
}

// RevokedLog is the log of an agent that will be revoked.
type RevokedLog struct {
	Lines, Counts uint64                       // lines here, and lines that count
	HashAt        func(uint64) (string, error) // hash of a line, "" if there is none
}

// Revoke ends an agent's log: lines up to after count, and no later line; nil means all
// lines that count now. A log that is already revoked can only end earlier. log is nil if
// there is no log here.
func (c *Change) Revoke(agent string, after *uint64, reason string, log *RevokedLog) (trust.Revocation, error) {
	r := trust.Revocation{Reason: reason}
	if len(reason) > event.MaxText {
		return r, fmt.Errorf("the reason has %d bytes, and at most %d are kept: nothing was written", len(reason), event.MaxText)
	}
	p := trust.Principal(agent)
	if log == nil && !c.From.Signers.Lists(p) {
		return r, &fail.Error{Kind: fail.No, Code: "no-agent/revoke", Message: fmt.Sprintf("there is no agent '%s' here", fail.Truncate(agent))}
	}
	if log == nil {
		log = &RevokedLog{HashAt: func(uint64) (string, error) { return "", nil }}
	}
	if r.AfterSeq = log.Counts; after != nil {
		r.AfterSeq = *after
	}
	if r.AfterSeq > log.Lines {
		return r, &fail.Error{Kind: fail.Fatal, Code: "no-event", Message: fmt.Sprintf("the log of '%s' has no event %d here", agent, r.AfterSeq), Fields: fail.Fields{"agent": agent}}
	}
	var unread error
	hashAt := func(seq uint64) string {
		hash, err := log.HashAt(seq)
		unread = errors.Join(unread, err)
		return hash
	}
	if r.Hash = hashAt(r.AfterSeq); unread != nil {
		return r, unread
	}
	if was, already := c.Meta.Revoked[agent]; already {
		if !r.Within(was, hashAt) {
			return r, stillRevoked("revoked/ends", agent)
		}
		if r.Reason == "" {
			r.Reason = was.Reason
		}
	}
	c.Meta.Revoked[agent] = r
	c.Meta.Admins = slices.DeleteFunc(c.Meta.Admins, func(x string) bool { return x == p })
	if len(c.From.Meta.Admins) > 0 && len(c.Meta.Admins) == 0 {
		return r, &fail.Error{Kind: fail.Denied, Code: "last-admin", Message: fmt.Sprintf("'%s' is the only admin: nobody could change the trust settings afterward", agent)}
	}
	return r, nil
}

// Policy is a change of the hub's policy. "" and nil leave a part unchanged.
type Policy struct {
	Signing string
	Open    *bool
	Pushes  *uint64 // pushes per minute, of all clones together; 0 means no limit
}

// Nothing reports whether p changes nothing.
func (p Policy) Nothing() bool { return p == Policy{} }

// SetPolicy changes the policy.
func (c *Change) SetPolicy(p Policy) {
	if p.Signing != "" {
		c.Meta.Signing = p.Signing
	}
	if p.Open != nil {
		c.Meta.Open = *p.Open
	}
	if p.Pushes != nil {
		c.Meta.SetPushesPerMinute(*p.Pushes)
	}
}

// HandOver lists an admin's new key for all purposes, and the old one for the lines that it
// has signed, including the line that replaces it.
func (c *Change) HandOver(agent string, old, next trust.Key) error {
	p := trust.Principal(agent)
	if c.From.AdminOf(old) != p {
		return errors.New("the key belongs to an admin with another name")
	}
	c.Signers = c.Signers.With(trust.Signer{Principal: p, Namespaces: []string{trust.EventNamespace}, Key: old}).
		With(trust.Signer{Principal: p, Key: next})
	return nil
}

// Nothing reports whether the draft changes nothing.
func (c *Change) Nothing() bool {
	return string(c.Meta.Encode()) == string(c.From.Meta.Encode()) && string(c.Signers.Encode()) == string(c.From.Signers.Encode())
}

// Files returns the files of the next meta commit, signed with k, and the resulting state.
// k is nil if there are no admins, so no signature is needed.
func (c *Change) Files(ctx context.Context, k keys.Signer) (map[string][]byte, *trust.State, error) {
	files := c.From.Draft(c.Meta, c.Signers)
	if k != nil {
		sig, err := k.Sign(ctx, trust.MetaNamespace, trust.MetaSigned(files))
		if err != nil {
			return nil, nil, &fail.Error{Kind: fail.Denied, Code: "unsigned/meta", Err: err, Message: fmt.Sprintf("the key %s failed: %v: nothing was written", k.Key().Fingerprint(), err)}
		}
		files = trust.Signed(files, sig)
	}
	next, err := c.From.Next(files)
	if err != nil {
		return nil, nil, &fail.Error{Kind: fail.Denied, Code: "meta", Err: err, Message: fmt.Sprintf("no clone would accept this: %v", err)}
	}
	return files, next, nil
}

// Founding returns the files of a hub's first meta commit, at the format version in m. The
// founder is the hub's admin, if there is a key, k.
func Founding(ctx context.Context, m trust.Meta, agent string, k keys.Signer, listed ...trust.Signer) map[string][]byte {
	m.Signing, m.Open, m.Seq = trust.Warn, true, 1
	if k == nil {
		return trust.MetaFiles(&m, &trust.Signers{})
	}
	m.Admins = []string{trust.Principal(agent)}
	list := (&trust.Signers{}).With(trust.Signer{Principal: m.Admins[0], Key: k.Key()})
	for _, x := range listed {
		list = list.With(x)
	}
	files := trust.MetaFiles(&m, list)
	sig, err := k.Sign(ctx, trust.MetaNamespace, trust.MetaSigned(files))
	if err != nil { // an admin that cannot sign would stay admin permanently
		m.Admins = nil
		return trust.MetaFiles(&m, &trust.Signers{})
	}
	return trust.Signed(files, sig)
}
