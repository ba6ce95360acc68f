// Package members manages who may write to a hub: it reports which agents and keys are
// trusted, and makes the changes of the hub's meta for admins.
package members

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ownlog"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Members reports and changes the members of a clone's hub.
type Members struct {
	*ownlog.Writer
}

// Trust says who may write to the hub, as far as this clone knows.
type Trust struct {
	Hub     string       `json:"hub"`
	Meta    string       `json:"meta"` // the accepted commit
	Seq     uint64       `json:"seq"`
	Hash    string       `json:"hash"` // of its files: two people who see the same have the same meta
	Signing string       `json:"signing"`
	Open    bool         `json:"open"`
	Pushes  uint64       `json:"pushes_per_minute"` // of all clones together; 0 is no limit
	Admins  []string     `json:"admins"`            // principals
	Admin   bool         `json:"admin"`             // a key here may change it
	Signers []TrustKey   `json:"signers"`
	Agents  []TrustAgent `json:"agents"`
	Refused []string     `json:"refused"` // meta commits that nobody accepts

	RefusedCommits []string `json:"-"` // their ids
}

// TrustKey is one line of allowed_signers.
type TrustKey struct {
	Principal   string   `json:"principal"`
	Fingerprint string   `json:"fingerprint"`
	Key         string   `json:"key"`
	Namespaces  []string `json:"namespaces"` // empty: for all purposes
}

// TrustAgent is the state of one agent's log.
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
	Lapsed   bool             `json:"lapsed"` // it was signed once and no longer is
	Forked   bool             `json:"forked"`
	Revoked  *TrustRevocation `json:"revoked"`

	Marks []trust.Mark `json:"-"` // what is to be said of its lines, and of the one that ends them: runs
}

// TrustRevocation ends an agent's log.
type TrustRevocation struct {
	After  uint64 `json:"after"`
	Reason string `json:"reason"`
}

// Trust reports who may write to the hub, and the state of each log.
func (m *Members) Trust(ctx context.Context) (*Trust, error) {
	s, err := m.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	return m.trustOf(s)
}

func (m *Members) trustOf(s *reading.Snapshot) (*Trust, error) {
	if s.Roll == nil || s.Roll.Newer() > 0 {
		return nil, &fail.Error{Kind: fail.No, Code: "no-hub", Message: "there is no tracker here yet, and so no trust settings"}
	}
	meta := s.Roll.Meta
	r := &Trust{Hub: meta.Hub, Meta: string(s.MetaCommit), Seq: meta.Seq, Hash: s.Roll.Hash(), Signing: meta.Signing, Open: meta.Open, Pushes: meta.PushesPerMinute(),
		Admins: append([]string{}, meta.Admins...), Signers: []TrustKey{}, Agents: []TrustAgent{}, Refused: []string{}}
	_, err := m.AdminKey(s, s.Roll)
	r.Admin = err == nil
	for _, x := range s.Roll.Signers.All() {
		r.Signers = append(r.Signers, trustKey(x.Principal, x.Key, x.Namespaces))
	}
	r.Refused = append(r.Refused, s.BadMeta.Texts()...)
	for b := s.BadMeta; b != nil && len(r.RefusedCommits) < len(r.Refused); b = b.Below {
		r.RefusedCommits = append(r.RefusedCommits, string(b.Commit))
	}
	ids := s.AgentIDs()
	for _, x := range s.Roll.Signers.All() { // approved before it has written
		if id := trust.AgentOf(x.Principal); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		l := s.Log(id)
		if l == nil {
			l = &reading.Log{Agent: id, Cursor: &replay.Cursor{}}
		}
		a := trustAgent(s, l)
		if a.Events == 0 && len(a.Keys) == 0 && !a.Approved && a.Revoked == nil {
			continue // a branch without an event, which anybody can push
		}
		r.Agents = append(r.Agents, a)
	}
	return r, nil
}

func trustKey(principal string, k trust.Key, namespaces []string) TrustKey {
	return TrustKey{principal, k.Fingerprint(), k.String(), append([]string{}, namespaces...)}
}

func trustAgent(s *reading.Snapshot, l *reading.Log) TrustAgent {
	v := l.Verdict()
	if v == nil {
		v = s.Roll.Log(l.Agent, trust.LogOptions{}).Verdict()
	}
	p := trust.Principal(l.Agent)
	a := TrustAgent{Agent: l.Agent, Approved: v.Listed, Admin: slices.Contains(s.Roll.Meta.Admins, p), Keys: []TrustKey{},
		Events: v.Lines, Counts: v.Fed, Signed: v.Vouched, Ends: v.Ends, Lapsed: v.Lapsed(), Forked: v.Forked}
	for _, k := range v.Keys {
		a.Keys = append(a.Keys, trustKey(p, k, nil))
	}
	if v.Fed > 0 {
		a.Mark = v.Mark(v.Fed)
	}
	a.Marks = v.Marks()
	if r, ok := s.Roll.Meta.Revoked[l.Agent]; ok {
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
type Approved = agents.Approved

// Approve lists the keys of agents.
func (m *Members) Approve(ctx context.Context, o Approve) ([]Approved, error) {
	var done []Approved
	err := m.ChangeMeta(ctx, "approves", func(s *reading.Snapshot, c *agents.Change) error {
		done = nil
		ids := o.Agents
		if o.All {
			for _, id := range s.AgentIDs() {
				if c.Waits(id, s.Log(id).Verdict()) {
					ids = append(ids, id)
				}
			}
		}
		for _, id := range ids {
			var verdict *trust.Verdict
			if l := s.Log(id); l != nil {
				verdict = l.Verdict()
			}
			a, err := c.Approve(id, o.Key, verdict, o.Admin)
			if err != nil {
				return err
			}
			done = append(done, a)
		}
		return nil
	})
	return done, err
}

// Revoke ends an agent's log: lines 1 to after count, and later lines do not. If after is
// nil, all lines that count now continue to count. A log that is already revoked can only
// end earlier.
func (m *Members) Revoke(ctx context.Context, agent string, after *uint64, reason string) (*TrustRevocation, error) {
	var done *TrustRevocation
	err := m.ChangeMeta(ctx, "revokes", func(s *reading.Snapshot, c *agents.Change) error {
		var ends *agents.RevokedLog
		if l := s.Log(agent); l != nil {
			ends = &agents.RevokedLog{Lines: l.Seq, Counts: l.Verdict().Fed, HashAt: func(seq uint64) (string, error) { return m.Reads.Hash(ctx, l, seq) }}
		}
		r, err := c.Revoke(agent, after, reason, ends)
		done = &TrustRevocation{r.AfterSeq, r.Reason}
		return err
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

// Policy is a change of the hub's policy.
type Policy = agents.Policy

// SetPolicy changes the hub's policy.
func (m *Members) SetPolicy(ctx context.Context, p Policy) error {
	return m.ChangeMeta(ctx, "sets the policy", func(_ *reading.Snapshot, c *agents.Change) error {
		c.SetPolicy(p)
		return nil
	})
}

// ChangeMeta writes a meta commit and pushes it to the hub. Until the hub has it, nobody
// accepts it.
func (m *Members) ChangeMeta(ctx context.Context, does string, change func(*reading.Snapshot, *agents.Change) error) error {
	if m.Agent == "" {
		agent, err := m.SettleAgent(ctx)
		if err != nil {
			return m.Unwritable(err)
		}
		m.Agent = agent
	}
	if err := m.EnsureReplica(ctx); err != nil {
		return m.Unwritable(err)
	}
	if m.Hub != nil {
		unlock, err := m.LockHub(ctx)
		if err != nil {
			return err
		}
		defer unlock()
	}
	for range clone.Tries {
		if m.Hub != nil {
			if err := m.Fetch(ctx); err != nil {
				var re *refs.RemoteError
				if errors.As(err, &re) {
					return m.Unfetched(re)
				}
				return err
			}
		}
		again, err := m.changeMetaOnce(ctx, does, change)
		if err != nil || !again {
			return err
		}
	}
	return &fail.Error{Kind: fail.Unconfirmed, Code: "meta-race", Message: "the hub's meta data kept changing: nothing was written"}
}

func (m *Members) changeMetaOnce(ctx context.Context, does string, change func(*reading.Snapshot, *agents.Change) error) (again bool, err error) {
	s, err := m.Reads.Load(ctx)
	if err != nil {
		return false, err
	}
	if err := m.RefuseLevel(s); err != nil {
		return false, err
	}
	if _, err := m.trustOf(s); err != nil {
		return false, err
	}
	if m.Hub != nil && !s.Bound {
		return false, &fail.Error{Kind: fail.No, Code: "unshared", Message: fmt.Sprintf("there is no tracker on '%s' yet", m.Hub.Name)}
	}
	k, err := m.AdminKey(s, s.Roll)
	if err != nil {
		return false, err
	}
	c := agents.NewChange(s.Roll)
	if err := change(s, c); err != nil || c.Nothing() {
		return false, err
	}
	files, _, err := c.Files(ctx, k)
	if err != nil {
		return false, err
	}
	ref := replay.HubRoot + replay.MetaName
	if m.Hub == nil {
		ref = replay.HereRoot + replay.MetaName
	}
	tip := s.AllRefs[ref]
	commit, err := refs.WriteCommit(ctx, m.Local(), files, []refs.OID{tip}, refs.CommitInfo{
		Address: m.Committer(), Author: m.Agent, When: m.Now(), Message: fmt.Sprintf("crosslink: %s %s\n\n[skip ci]\n", m.Agent, does)})
	if err != nil {
		return false, fmt.Errorf("write the meta commit: %w", err)
	}
	ups := []refs.Update{{Ref: ref, Old: tip, New: commit}}
	if m.Hub != nil {
		if accepted, again, err := m.pushMeta(ctx, commit, tip); accepted || again || err != nil {
			return again, err
		}
		ups = append(ups, refs.Update{Ref: replay.TrustedMeta, Old: s.AllRefs[replay.TrustedMeta], New: commit})
	}
	err = m.Local().Swap(ctx, ups)
	return errors.Is(err, refs.ErrConflict), refs.IgnoreConflict(err)
}

// Command is a request, and why it is not obeyed: "" if it is, else a word of
// package trust.
type Command struct {
	*reducer.Request
	Ignored string
}

// Trusted reports whether the signature of a line has no problem, or is by a key of this
// clone: the same user's, who needs no approval here.
func (m *Members) Trusted(mark, signer string) bool {
	return mark == "" || mark == trust.RuleUnapproved && slices.Contains(m.Signer().Fingerprints(), signer)
}

// Commands determines which requests are obeyed. A request to an agent of another clone is
// judged by what this clone knows of that agent, not by that clone's configuration.
func (m *Members) Commands(ctx context.Context, p reading.Projection, all []*reducer.Request) ([]Command, error) {
	if len(all) == 0 {
		return nil, nil
	}
	s, err := m.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	named := m.Conf.All("crosslink.commander")
	here := trust.Commander{Own: m.Signer().Fingerprints(), Named: named, NoAdmins: slices.Contains(named, "none")}
	now := event.TimeOf(m.Now())
	var list []Command
	for _, r := range all {
		c := here
		if l := s.Log(r.Target); l != nil && l.Here == "" {
			last, err := p.Line(r.Target, l.Seq)
			if err != nil {
				return nil, err
			}
			if c = (trust.Commander{}); last != nil {
				c.Own = []string{last.SignedBy}
			}
		}
		c.Signing, c.Expired = trust.Off, r.ExpiresAt != 0 && r.ExpiresAt <= now
		if s.Roll != nil {
			c.Signing = s.Roll.Meta.Signing
			c.Admin = slices.Contains(s.Roll.Meta.Admins, trust.Principal(r.By))
		}
		line, err := p.Line(r.Sent.Agent, r.Sent.Seq)
		if err != nil {
			return nil, err
		}
		if c.NotThere = line == nil; line != nil {
			c.Signer, c.Mark = line.SignedBy, p.Mark(line.Agent, line.Seq)
			c.Admin = c.Admin && slices.ContainsFunc(s.Keys(r.By), func(k trust.Key) bool { return k.Fingerprint() == line.SignedBy })
		}
		list = append(list, Command{r, c.Ignored()})
	}
	return list, nil
}
