package tracker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// Trust is who may write to the hub, as it is believed here.
type Trust struct {
	Hub     string       `json:"hub"`
	Meta    string       `json:"meta"` // the commit believed
	Seq     uint64       `json:"seq"`
	Hash    string       `json:"hash"` // of its files: two people who see the same have the same meta
	Signing string       `json:"signing"`
	Open    bool         `json:"open"`
	Admins  []string     `json:"admins"` // principals
	Admin   bool         `json:"admin"`  // a key here may change it
	Signers []TrustKey   `json:"signers"`
	Agents  []TrustAgent `json:"agents"`
	Refused []string     `json:"refused"` // meta commits that nobody believes

	RefusedCommits []string `json:"-"` // their ids
}

// TrustKey is one line of allowed_signers.
type TrustKey struct {
	Principal   string   `json:"principal"`
	Fingerprint string   `json:"fingerprint"`
	Key         string   `json:"key"`
	Namespaces  []string `json:"namespaces"` // empty: for all purposes
}

// TrustAgent is what is believed of one agent's log.
type TrustAgent struct {
	Agent    string           `json:"agent"`
	Approved bool             `json:"approved"` // allowed_signers lists it
	Admin    bool             `json:"admin"`
	Keys     []TrustKey       `json:"keys"`   // in force in its log
	Events   uint64           `json:"events"` // known
	Counts   uint64           `json:"counts"` // of them, from the first on
	Signed   uint64           `json:"signed"` // of them, from the first on
	Ends     string           `json:"ends"`   // the rule by which the next does not count; "" if all do
	Mark     string           `json:"mark"`   // what is to be said of its newest event that counts
	Lapsed   bool             `json:"lapsed"` // it was signed once and is not any more
	Forked   bool             `json:"forked"`
	Revoked  *TrustRevocation `json:"revoked"`

	Marks []trust.Mark `json:"-"` // what is to be said of its lines, and of the one that ends them: runs
}

// TrustRevocation ends an agent's log.
type TrustRevocation struct {
	After  uint64 `json:"after"`
	Reason string `json:"reason"`
}

// Trust tells who may write to the hub and how each log stands.
func (t *Tracker) Trust(ctx context.Context) (*Trust, error) {
	s, err := t.load(ctx)
	if err != nil {
		return nil, err
	}
	return t.trustOf(s)
}

func (t *Tracker) trustOf(s *snapshot) (*Trust, error) {
	if s.roll == nil || s.roll.Newer() > 0 {
		return nil, &fail.Error{Kind: fail.No, Code: "no-hub", Message: "there is no tracker here yet: nobody has to be trusted"}
	}
	m := s.roll.Meta
	r := &Trust{Hub: m.Hub, Meta: string(s.metaCommit), Seq: m.Seq, Hash: s.roll.Hash(), Signing: m.Signing, Open: m.Open,
		Admins: append([]string{}, m.Admins...), Signers: []TrustKey{}, Agents: []TrustAgent{}, Refused: []string{}}
	_, err := t.adminKey(s)
	r.Admin = err == nil
	for _, x := range s.roll.Signers.All() {
		r.Signers = append(r.Signers, trustKey(x.Principal, x.Key, x.Namespaces))
	}
	r.Refused = append(r.Refused, s.metaBad.Texts()...)
	for b := s.metaBad; b != nil && len(r.RefusedCommits) < len(r.Refused); b = b.Below {
		r.RefusedCommits = append(r.RefusedCommits, string(b.Commit))
	}
	ids := s.agents()
	for _, x := range s.roll.Signers.All() { // approved before it has written
		if id := trust.AgentOf(x.Principal); id != "" && s.logs[id] == nil && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		l := s.logs[id]
		if l == nil {
			l = &log{agent: id}
		}
		r.Agents = append(r.Agents, s.trustAgent(l))
	}
	return r, nil
}

func trustKey(principal string, k trust.Key, namespaces []string) TrustKey {
	return TrustKey{principal, k.Fingerprint(), k.String(), append([]string{}, namespaces...)}
}

func (s *snapshot) trustAgent(l *log) TrustAgent {
	v := l.verdict
	if v == nil {
		v = s.roll.Log(l.agent, trust.LogOptions{}).Verdict()
	}
	p := trust.Principal(l.agent)
	a := TrustAgent{Agent: l.agent, Approved: v.Listed, Admin: slices.Contains(s.roll.Meta.Admins, p), Keys: []TrustKey{},
		Events: v.Lines, Counts: v.Fed, Signed: v.Vouched, Ends: v.Ends, Lapsed: v.Lapsed(), Forked: v.Forked}
	for _, k := range v.Keys {
		a.Keys = append(a.Keys, trustKey(p, k, nil))
	}
	if v.Fed > 0 {
		a.Mark = v.Mark(v.Fed)
	}
	a.Marks = v.Marks()
	if r, ok := s.roll.Meta.Revoked[l.agent]; ok {
		a.Revoked = &TrustRevocation{r.AfterSeq, r.Reason}
	}
	return a
}

// Approve are agents whose keys are to be listed.
type Approve struct {
	Agents []string
	All    bool   // all that wait
	Key    string // of the one agent; "" is the one its log introduces
	Admin  bool   // make it an admin, too
}

// Approved is one agent that was approved.
type Approved struct {
	Agent       string `json:"agent"`
	Fingerprint string `json:"fingerprint"`
	Already     bool   `json:"already"`
}

// Approve lists the keys of agents.
func (t *Tracker) Approve(ctx context.Context, o Approve) ([]Approved, error) {
	var done []Approved
	err := t.changeMeta(ctx, "approves", func(s *snapshot, m *trust.Meta, list *trust.Signers) (*trust.Signers, error) {
		done = nil
		ids := o.Agents
		if o.All {
			for _, id := range s.agents() {
				v := s.logs[id].verdict
				if _, revoked := m.Revoked[id]; !revoked && v != nil && !v.Listed && len(v.Keys) == 1 {
					ids = append(ids, id)
				}
			}
		}
		for _, id := range ids {
			k, err := s.keyToApprove(id, o.Key)
			if err != nil {
				return nil, err
			}
			p := trust.Principal(id)
			a := Approved{Agent: id, Fingerprint: k.Fingerprint(), Already: slices.Contains(list.Keys(p, trust.MetaNamespace), k)}
			if !a.Already {
				list = list.With(trust.Signer{Principal: p, Key: k})
			}
			if o.Admin && !slices.Contains(m.Admins, p) {
				m.Admins, a.Already = append(m.Admins, p), false
			}
			done = append(done, a)
		}
		return list, nil
	})
	return done, err
}

// keyToApprove is the key given, or the one that the agent's log introduces.
func (s *snapshot) keyToApprove(id, given string) (trust.Key, error) {
	if err := event.ValidAgentID(id); err != nil {
		return trust.Key{}, &fail.Error{Kind: fail.Fatal, Code: "agent-id/approve", Message: fmt.Sprintf("'%s' is no agent id: %v", fail.Truncate(id), err)}
	}
	if _, revoked := s.roll.Meta.Revoked[id]; revoked {
		return trust.Key{}, stillRevoked("revoked/still", id)
	}
	if given != "" {
		k, err := trust.ParseKey(given)
		if err != nil {
			return k, &fail.Error{Kind: fail.Fatal, Code: "key", Message: err.Error()}
		}
		return k, nil
	}
	l := s.logs[id]
	if l == nil {
		return trust.Key{}, &fail.Error{Kind: fail.No, Code: "no-agent/approve", Message: fmt.Sprintf("there is no log of '%s' here", id),
			Fields: fail.Fields{"agent": id}}
	}
	if l.verdict == nil || len(l.verdict.Keys) != 1 {
		return trust.Key{}, &fail.Error{Kind: fail.No, Code: "no-key", Message: fmt.Sprintf("the log of '%s' introduces no key", id),
			Fields: fail.Fields{"agent": id}}
	}
	return l.verdict.Keys[0], nil
}

// stillRevoked refuses what would let lines behind a revocation count again.
func stillRevoked(code fail.Code, agent string) error {
	return &fail.Error{Kind: fail.Denied, Code: code, Message: fmt.Sprintf("the agent '%s' is revoked, and stays so: what it wrote behind that would count again", agent),
		Fields: fail.Fields{"agent": agent}}
}

// Revoke ends an agent's log: lines 1 … after count, no line behind them. nil
// is all that counts now. One that is revoked already can only end earlier.
func (t *Tracker) Revoke(ctx context.Context, agent string, after *uint64, reason string) (*TrustRevocation, error) {
	var done *TrustRevocation
	err := t.changeMeta(ctx, "revokes", func(s *snapshot, m *trust.Meta, list *trust.Signers) (*trust.Signers, error) {
		l := s.logs[agent]
		if l == nil && !list.Lists(trust.Principal(agent)) {
			return nil, &fail.Error{Kind: fail.No, Code: "no-agent/revoke", Message: fmt.Sprintf("there is no agent '%s' here", fail.Truncate(agent))}
		}
		r := trust.Revocation{Reason: reason}
		switch {
		case after != nil:
			r.AfterSeq = *after
		case l != nil:
			r.AfterSeq = l.verdict.Fed
		}
		if l == nil && r.AfterSeq > 0 || l != nil && r.AfterSeq > l.chain.Seq {
			return nil, &fail.Error{Kind: fail.Fatal, Code: "no-event", Message: fmt.Sprintf("the log of '%s' has no event %d here", agent, r.AfterSeq), Fields: fail.Fields{"agent": agent}}
		}
		var unread error
		hashAt := func(seq uint64) string {
			hash, err := t.hashAt(ctx, l, seq)
			unread = errors.Join(unread, err)
			return hash
		}
		if r.Hash = hashAt(r.AfterSeq); unread != nil {
			return nil, unread
		}
		if was, already := m.Revoked[agent]; already {
			if !r.Within(was, hashAt) {
				return nil, stillRevoked("revoked/ends", agent)
			}
			if r.Reason == "" {
				r.Reason = was.Reason
			}
		}
		m.Revoked[agent] = r
		m.Admins = slices.DeleteFunc(m.Admins, func(p string) bool { return p == trust.Principal(agent) })
		if len(s.roll.Meta.Admins) > 0 && len(m.Admins) == 0 {
			return nil, &fail.Error{Kind: fail.Denied, Code: "last-admin", Message: fmt.Sprintf("'%s' is the only admin: nobody could change anything afterwards", agent)}
		}
		done = &TrustRevocation{r.AfterSeq, r.Reason}
		return list, nil
	})
	return done, err
}

// SetPolicy changes the hub's policy; "" and nil leave it as it is.
func (t *Tracker) SetPolicy(ctx context.Context, signing string, open *bool) error {
	return t.changeMeta(ctx, "sets the policy", func(_ *snapshot, m *trust.Meta, list *trust.Signers) (*trust.Signers, error) {
		if signing != "" {
			m.Signing = signing
		}
		if open != nil {
			m.Open = *open
		}
		return list, nil
	})
}

// adminKey returns the key here that may sign the next meta commit, nil if
// there are no admins and so nobody has to.
func (t *Tracker) adminKey(s *snapshot) (keys.Signer, error) {
	if len(s.roll.Meta.Admins) == 0 {
		return nil, nil
	}
	r := t.ring()
	var have []keys.Signer
	if v := t.config("crosslink.signingKey"); v != "" {
		if k, err := r.Configured(t.path(v)); err == nil {
			have = append(have, k)
		}
	}
	for _, id := range s.localAgents(t.agent) {
		made, err := r.Made(id)
		if err == nil {
			have = append(have, made...)
		}
	}
	for _, k := range have {
		if s.roll.AdminOf(k.Key()) != "" {
			return k, nil
		}
	}
	return nil, &fail.Error{Kind: fail.Denied, Code: "not-admin", Message: "no key here is an admin's of this hub: nothing was written"}
}

// localAgents are the agents that write in this clone, the one given first.
func (s *snapshot) localAgents(own string) []string {
	ids := []string{own}
	for _, id := range s.agents() {
		if s.logs[id].here != "" && id != own {
			ids = append(ids, id)
		}
	}
	return ids
}

// changeMeta adds a meta commit and puts it on the hub: what is not there is
// not believed by anybody.
func (t *Tracker) changeMeta(ctx context.Context, does string, change func(*snapshot, *trust.Meta, *trust.Signers) (*trust.Signers, error)) error {
	if t.agent == "" {
		agent, err := t.settleAgent(ctx)
		if err != nil {
			return t.unwritable(err)
		}
		t.agent = agent
	}
	if err := t.ensureReplica(ctx); err != nil {
		return t.unwritable(err)
	}
	if t.hub != nil {
		unlock, ok, err := t.lockSync(ctx, SyncOptions{})
		if err != nil || !ok {
			return err
		}
		defer unlock()
	}
	for range tries {
		if t.hub != nil {
			if err := t.fetch(ctx); err != nil {
				var re *refs.RemoteError
				if errors.As(err, &re) {
					return t.unfetched(re)
				}
				return err
			}
		}
		again, err := t.changeMetaOnce(ctx, does, change)
		if err != nil || !again {
			return err
		}
	}
	return &fail.Error{Kind: fail.Unconfirmed, Code: "meta-race", Message: "the hub's meta kept changing; nothing was written"}
}

func (t *Tracker) changeMetaOnce(ctx context.Context, does string, change func(*snapshot, *trust.Meta, *trust.Signers) (*trust.Signers, error)) (again bool, err error) {
	s, err := t.load(ctx)
	if err != nil {
		return false, err
	}
	if err := t.refuseLevel(s); err != nil {
		return false, err
	}
	if _, err := t.trustOf(s); err != nil {
		return false, err
	}
	if t.hub != nil && !s.bound {
		return false, &fail.Error{Kind: fail.No, Code: "unshared", Message: fmt.Sprintf("there is no tracker on '%s' yet", t.hub.Name)}
	}
	k, err := t.adminKey(s)
	if err != nil {
		return false, err
	}
	m := *s.roll.Meta
	m.Admins, m.Revoked = slices.Clone(m.Admins), maps.Clone(m.Revoked)
	if m.Revoked == nil {
		m.Revoked = map[string]trust.Revocation{}
	}
	list, err := change(s, &m, s.roll.Signers)
	if err != nil {
		return false, err
	}
	if string(m.Encode()) == string(s.roll.Meta.Encode()) && string(list.Encode()) == string(s.roll.Signers.Encode()) {
		return false, nil
	}
	files := s.roll.Draft(m, list)
	if k != nil {
		sig, err := k.Sign(ctx, trust.MetaNamespace, trust.MetaSigned(files))
		if err != nil {
			return false, &fail.Error{Kind: fail.Denied, Code: "unsigned/meta", Err: err, Message: fmt.Sprintf("the key %s failed: %v: nothing was written", k.Key().Fingerprint(), err)}
		}
		files = trust.Signed(files, sig)
	}
	if _, err := s.roll.Next(files); err != nil {
		return false, &fail.Error{Kind: fail.Denied, Code: "meta", Err: err, Message: fmt.Sprintf("nobody would believe that: %v", err)}
	}
	ref := hubRoot + metaName
	if t.hub == nil {
		ref = headRoot + metaName
	}
	tip := s.refs[ref]
	commit, err := refs.WriteCommit(ctx, t.local(), files, []refs.OID{tip}, refs.CommitInfo{
		Address: t.committer(), Author: t.agent, When: t.now(), Message: fmt.Sprintf("crosslink: %s %s\n\n[skip ci]\n", t.agent, does)})
	if err != nil {
		return false, fmt.Errorf("write the meta commit: %w", err)
	}
	ups := []refs.Update{{Ref: ref, Old: tip, New: commit}}
	if t.hub != nil {
		p := refs.Push{Refs: []refs.PushRef{{Src: commit, Dst: headRoot + metaName, Lease: &tip}}}
		res, err := t.pushPatiently(ctx, p, changing)
		if err != nil || !hubs.AllAccepted(p, res) {
			return t.metaOutcome(ctx, s, commit, res, err)
		}
		ups = append(ups, refs.Update{Ref: replay.TrustedMeta, Old: s.refs[replay.TrustedMeta], New: commit})
	}
	err = t.local().Swap(ctx, ups)
	return errors.Is(err, refs.ErrConflict), ignoreConflict(err)
}
