package replay_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/memory"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/replay/replaytest"
	"github.com/git-crosslink/git-crosslink/trust"
)

var ctx = context.Background()

// signer is a key that tests sign with: the same for a name in every run.
type signer struct {
	trust.Key
	ssh.Signer
}

func signerOf(name string) *signer {
	s, err := ssh.NewSignerFromSigner(ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%-32.32s", name))))
	must(err)
	k, err := trust.KeyOf(s.PublicKey())
	must(err)
	return &signer{k, s}
}

func (s *signer) sign(namespace string, message []byte) string {
	sig, err := s.Sign(rand.Reader, trust.SignedData(namespace, message))
	must(err)
	return trust.NewSignature(s.Key, namespace, sig).String()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// world is the refs of a replica as they change: those that are written here, and those that
// are accepted from a hub.
type world struct {
	*mathrand.Rand
	local refs.Local
	refs  map[string]refs.OID
	roll  *trust.State
	meta  refs.OID          // of roll
	keys  map[string]string // agent → the name of the key it signs with
	uuids []event.UUID
	clock event.Time
	kinds map[string]int
	lost  map[string]refs.OID // refs that went
}

const (
	hubID   = "7d7b2dd5-6c4c-4d4c-9b2f-1a5e6f0d4a11"
	otherID = "7d7b2dd5-6c4c-4d4c-9b2f-1a5e6f0d4a22"
)

func newWorld(seed uint64, kinds map[string]int) *world {
	w := &world{Rand: mathrand.New(mathrand.NewPCG(seed, 77)), local: memory.New(refs.SHA1), refs: map[string]refs.OID{}, keys: map[string]string{}, kinds: kinds, clock: 1_700_000_000_000_000_000, lost: map[string]refs.OID{}}
	m := &trust.Meta{Version: 4, Hub: hubID, Seq: 1, CreatedAt: 1, Signing: []string{trust.Off, trust.Warn, trust.Require}[w.IntN(3)], Open: true, Admins: []string{"alice@crosslink"}}
	s := (&trust.Signers{}).With(trust.Signer{Principal: "alice@crosslink", Key: signerOf("alice").Key})
	files := trust.MetaFiles(m, s)
	roll, err := trust.FirstMeta(files)
	must(err)
	w.roll = roll
	w.meta, err = refs.WriteCommit(ctx, w.local, files, nil, refs.CommitInfo{Author: "alice", Message: "meta"})
	must(err)
	w.refs[replay.HubRoot+replay.MetaName], w.refs[replay.TrustedMeta] = w.meta, w.meta
	return w
}

func (w *world) did(kind string) { w.kinds[kind]++ }

func (w *world) uuid() event.UUID {
	if len(w.uuids) > 0 && w.IntN(3) > 0 {
		return w.uuids[w.IntN(len(w.uuids))]
	}
	var u event.UUID
	for i := range u {
		u[i] = byte(w.Uint32())
	}
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	w.uuids = append(w.uuids, u)
	return u
}

// end is the good end of a tip.
func (w *world) end(hub, agent string, tip refs.OID) event.Chain {
	c := event.Chain{Hub: hub, Agent: agent}
	if tip == "" {
		return c
	}
	_, err := refs.WalkLogs(ctx, w.local, []refs.LogRequest{{Agent: agent, Tip: tip, From: 1}}, func(_ int, seq uint64, line []byte) bool {
		_, err := c.Next(slices.Clone(line))
		return err == nil
	})
	must(err)
	return c
}

// write appends n lines to a tip, each signed by the key of a name ("" unsigned).
func (w *world) write(hub, agent string, tip refs.OID, n int, by string) refs.OID {
	c := w.end(hub, agent, tip)
	var lines [][]byte
	for range n {
		w.clock += event.Time(w.IntN(1000)) * 1e6
		if c.Sign = nil; by != "" {
			k := signerOf(by)
			c.Sign = func(signed []byte) (string, string, error) {
				if signed == nil {
					return k.Fingerprint(), "", nil
				}
				return k.Fingerprint(), k.sign(trust.EventNamespace, signed), nil
			}
		}
		body := w.body(agent, by, c.Seq)
		line, err := c.Stamp(&event.Envelope{Body: body}, w.clock, 0)
		must(err)
		if r, ok := body.(*event.KeyRotated); ok && by == w.keys[agent] && r.PublicKey == signerOf(by+"'").String() {
			by += "'"
			w.keys[agent] = by
			w.did("rotated")
		}
		lines = append(lines, line)
	}
	tip, err := refs.AppendLog(ctx, w.local, agent, tip, lines, refs.CommitInfo{Author: agent, When: c.Time.Std(), Message: "log"})
	if err != nil { // the log contains something that is not a line
		return ""
	}
	return tip
}

func (w *world) body(agent, by string, seq uint64) event.Body {
	if seq == 0 {
		b := &event.AgentIntroduced{Kind: event.Machine}
		if by != "" {
			b.PublicKey = signerOf(by).String()
		}
		return b
	}
	switch n := w.IntN(20); {
	case n < 5:
		return &event.IssueCreated{UUID: w.uuid(), Title: "an issue", Priority: event.Medium, CreatedBy: agent}
	case n < 8:
		w.did("claimed")
		return &event.LockClaimed{Issue: w.uuid(), Wait: w.IntN(2) == 0}
	case n < 10:
		w.did("released")
		return &event.LockReleased{Issue: w.uuid()}
	case n < 11:
		return &event.LockBroken{Issue: w.uuid(), Token: uint64(1 + w.IntN(5)), Reason: "it is in the way"}
	case n < 12:
		return &event.IssueDeleted{UUID: w.uuid()}
	case n < 13 && by != "":
		return &event.KeyRotated{PublicKey: signerOf(by + "'").String()}
	}
	return &event.CommentAdded{Issue: w.uuid(), Comment: w.uuid(), Author: agent, Content: "words", CreatedAt: w.clock, Kind: "note"}
}

const agentCount = 4

func (w *world) agent() string { return fmt.Sprintf("agent-%d", w.IntN(agentCount)) }

// step changes something.
func (w *world) step() {
	id := w.agent()
	here, hub := replay.HereRoot+replay.Agents+id, replay.HubRoot+replay.Agents+id
	if w.keys[id] == "" {
		w.keys[id] = id
	}
	by := w.keys[id]
	if w.IntN(8) == 0 {
		by = []string{"", "stranger"}[w.IntN(2)]
	}
	n := 1 + w.IntN(3)
	if w.IntN(30) == 0 {
		n = 60 + w.IntN(80)
		w.did("many lines")
	}
	set := func(name string, tip refs.OID) {
		if tip != "" {
			w.refs[name] = tip
		}
	}
	own := w.refs[here] != "" || w.refs[hub] == "" && w.IntN(2) == 0
	switch k := w.IntN(40); {
	case k < 10 && own:
		set(here, w.write(hubID, id, w.refs[here], n, by))
		w.did("written here")
	case k < 10:
		set(hub, w.write(hubID, id, w.refs[hub], n, by))
		w.did("written elsewhere")
	case k < 15 && w.refs[here] != "":
		set(hub, w.refs[here])
		w.did("pushed")
	case k < 16 && w.refs[hub] != "":
		set(here, w.refs[hub])
		w.did("taken back")
	case k < 18:
		set(hub, w.write(hubID, id, w.refs[hub], n, []string{"", "stranger"}[w.IntN(2)]))
		w.did("appended by a stranger")
	case k < 19:
		set(hub, w.write(hubID, id, w.refs[hub], n, by))
		w.did("diverged")
	case k < 20 && w.refs[here] == "":
		set(here, w.write(otherID, id, "", n, by))
		w.did("foreign")
	case k < 21:
		tip, err := refs.AppendLog(ctx, w.local, id, w.refs[hub], [][]byte{[]byte("no line")}, refs.CommitInfo{Author: id, Message: "x"})
		if err == nil {
			set(hub, tip)
			w.did("garbage")
		}
	case k < 22:
		w.prove(id)
	case k < 23:
		w.lose()
	case k < 24:
		w.putBack()
	case k < 34:
		w.decide()
	case k < 38:
		w.change()
	default:
		if w.IntN(3) == 0 {
			tip, err := refs.WriteCommit(ctx, w.local, map[string][]byte{"hub.json": []byte("{}")}, []refs.OID{w.refs[replay.HubRoot+replay.MetaName]}, refs.CommitInfo{Author: "x", Message: "x"})
			must(err)
			w.refs[replay.HubRoot+replay.MetaName] = tip
			w.did("bad meta")
		}
	}
}

// lose removes a ref of a log, or sets the ledger back.
func (w *world) lose() {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(w.refs)), func(name string) bool {
		return name == replay.HubRoot+replay.MetaName || name == replay.TrustedMeta
	})
	if len(names) == 0 {
		return
	}
	name := names[w.IntN(len(names))]
	w.lost[name] = w.refs[name]
	delete(w.refs, name)
	w.did("lost")
}

func (w *world) putBack() {
	names := slices.Sorted(maps.Keys(w.lost))
	if len(names) == 0 {
		return
	}
	name := names[w.IntN(len(names))]
	if w.refs[name] == "" || w.IntN(2) == 0 {
		w.refs[name] = w.lost[name]
		w.did("put back")
	}
	delete(w.lost, name)
}

// prove writes a proof into somebody's log that another agent's key wrote two
// histories.
func (w *world) prove(teller string) {
	id := w.agent()
	by := w.keys[id]
	if by == "" || w.IntN(4) == 0 {
		by = "stranger"
	}
	tip := w.refs[replay.HubRoot+replay.Agents+id]
	c := w.end(hubID, id, tip)
	if w.IntN(2) == 0 { // early in the log
		all := w.end(hubID, id, tip)
		at := uint64(w.IntN(int(all.Seq + 1)))
		c = event.Chain{Hub: hubID, Agent: id}
		if at > 0 {
			_, err := refs.WalkLogs(ctx, w.local, []refs.LogRequest{{Agent: id, Tip: tip, From: 1}}, func(_ int, seq uint64, line []byte) bool {
				_, err := c.Next(slices.Clone(line))
				return err == nil && seq < at
			})
			must(err)
		}
	}
	k := signerOf(by)
	c.Sign = func(signed []byte) (string, string, error) {
		if signed == nil {
			return k.Fingerprint(), "", nil
		}
		return k.Fingerprint(), k.sign(trust.EventNamespace, signed), nil
	}
	d := c
	a, err := c.Stamp(&event.Envelope{Body: &event.AgentRetired{Reason: "a"}}, w.clock, 0)
	must(err)
	b, err := d.Stamp(&event.Envelope{Body: &event.AgentRetired{Reason: "b"}}, w.clock, 0)
	must(err)
	p, err := trust.NewProof(a, b)
	must(err)
	name := replay.HubRoot + replay.Agents + teller
	t := w.end(hubID, teller, w.refs[name])
	if t.Seq == 0 {
		return
	}
	line, err := t.Stamp(&event.Envelope{Body: p.Event()}, w.clock, 0)
	must(err)
	next, err := refs.AppendLog(ctx, w.local, teller, w.refs[name], [][]byte{line}, refs.CommitInfo{Author: teller, Message: "x"})
	if err == nil {
		w.refs[name] = next
		w.did("proof")
	}
}

// change writes the next meta commit.
func (w *world) change() {
	m := *w.roll.Meta
	m.Revoked = maps.Clone(m.Revoked)
	s := w.roll.Signers
	id := w.agent()
	switch w.IntN(5) {
	case 0:
		if w.keys[id] != "" {
			s = s.With(trust.Signer{Principal: trust.Principal(id), Key: signerOf(w.keys[id]).Key})
		}
		w.did("approved")
	case 1:
		s = s.Without(trust.Principal(id), trust.Key{})
		w.did("removed")
	case 2:
		m.Signing = []string{trust.Off, trust.Warn, trust.Require}[w.IntN(3)]
		w.did("policy")
	case 3:
		m.Open = !m.Open
		w.did("open")
	case 4:
		if m.Revoked == nil {
			m.Revoked = map[string]trust.Revocation{}
		}
		c := w.end(hubID, id, w.refs[replay.HubRoot+replay.Agents+id])
		if _, revoked := m.Revoked[id]; revoked && w.IntN(2) == 0 {
			delete(m.Revoked, id)
		} else if m.Revoked[id] = (trust.Revocation{}); c.Seq > 0 {
			m.Revoked[id] = trust.Revocation{AfterSeq: c.Seq, Hash: c.Hash}
		}
		w.did("revoked")
	}
	files := w.roll.Draft(m, s)
	k := signerOf("alice")
	sig, err := k.Sign(rand.Reader, trust.SignedData(trust.MetaNamespace, trust.MetaSigned(files)))
	must(err)
	files = trust.Signed(files, trust.NewSignature(k.Key, trust.MetaNamespace, sig))
	roll, err := w.roll.Next(files)
	if err != nil {
		return // not every change is allowed
	}
	tip, err := refs.WriteCommit(ctx, w.local, files, []refs.OID{w.refs[replay.HubRoot+replay.MetaName]}, refs.CommitInfo{Author: "alice", Message: "meta"})
	must(err)
	w.roll, w.meta = roll, tip
	w.refs[replay.HubRoot+replay.MetaName], w.refs[replay.TrustedMeta] = tip, tip
}

// decide writes a step of the ledger: on its tip, on an earlier one, or one that
// nobody believes.
func (w *world) decide() {
	const name = replay.HubRoot + replay.LedgerName
	r := ledger.NewReader(replay.NewSteps(ctx, w.local, hubID), hubID)
	commit := func(files map[string][]byte, base refs.OID, parents []string) refs.OID {
		var ps []refs.OID
		for _, p := range parents {
			ps = append(ps, refs.OID(p))
		}
		tip, err := refs.WriteChanges(ctx, w.local, base, files, ps, refs.CommitInfo{Author: "alice", When: time.Unix(1, 0), Message: "step"})
		must(err)
		return tip
	}
	tip := w.refs[name]
	if tip == "" {
		l, err := ledger.Root(hubID, nil, "alice", 1)
		must(err)
		tip = commit(l.Files(), "", nil)
	}
	view, err := r.Read(string(tip))
	must(err)
	if view.Step != "" && w.IntN(12) == 0 {
		w.refs[name] = commit(map[string][]byte{"state.json": []byte("nothing")}, tip, []string{string(tip)})
		w.did("bad step")
		return
	}
	if h, err := refs.ReadHead(ctx, w.local, tip); err == nil && len(h.Parents) > 0 && w.IntN(10) == 0 {
		w.refs[replay.LostRoot+string(tip)] = tip
		tip = h.Parents[0]
		view, err = r.Read(string(tip))
		must(err)
		w.did("another branch")
	}
	logs := map[string]string{}
	for n := range agentCount {
		id := fmt.Sprintf("agent-%d", n)
		if at := w.refs[replay.HubRoot+replay.Agents+id]; at != "" && w.IntN(4) > 0 {
			logs[id] = string(at)
		}
	}
	plan := ledger.Plan{On: view, Meta: string(w.meta), By: "alice", At: w.clock, Logs: logs}
	if w.roll.Meta.Signing == trust.Require {
		return // steps are not signed here
	}
	draft, err := r.Next(plan)
	if err != nil || draft == nil {
		w.refs[name] = tip
		return
	}
	w.refs[name] = commit(draft.Files(), refs.OID(draft.On.Step), draft.Parents)
	w.did("step")
}

func seeds(t *testing.T, n uint64) (from, to uint64) {
	if s := os.Getenv("CROSSLINK_SEED"); s != "" {
		one, err := strconv.ParseUint(s, 10, 64)
		must(err)
		return one, one + 1
	}
	switch {
	case os.Getenv("CROSSLINK_NIGHTLY") != "":
		n *= 10
	case testing.Short():
		n /= 5
	}
	return 0, n
}

// TestResumeIsTheWhole: a state that was reached in any number of reads is, byte
// for byte, the one that a single read from nothing gives, and so is what a store
// makes of the deltas.
func TestResumeIsTheWhole(t *testing.T) {
	from, to := seeds(t, 40)
	kinds, resumed := map[string]int{}, 0
	for seed := from; seed < to; seed++ {
		w := newWorld(seed, kinds)
		type point struct {
			state *replay.State
			model *replaytest.Model
		}
		points := []point{{&replay.State{}, &replaytest.Model{}}}
		warm := replay.NewReader(w.local, nil)
		for range 12 + w.IntN(20) {
			for range 1 + w.IntN(4) {
				w.step()
			}
			whole := &replaytest.Model{}
			state, d, err := replay.NewReader(w.local, nil).Advance(ctx, &replay.State{}, w.refs)
			if err != nil {
				t.Fatalf("CROSSLINK_SEED=%d: %v", seed, err)
			}
			if err := whole.Apply(d); err != nil {
				t.Fatalf("CROSSLINK_SEED=%d: %v", seed, err)
			}
			for n, p := range points[max(0, len(points)-1-w.IntN(4)):] {
				r := replay.NewReader(w.local, nil)
				if w.IntN(2) == 0 {
					r = warm
				}
				old := p.state
				if old.Cacheable() && w.IntN(2) == 0 {
					read := func(agent string) (*replay.Cursor, error) {
						kinds["cursor read"]++
						return replay.DecodeCursor(p.model.Cursors[agent])
					}
					if old, err = replay.Decode(replay.Saved{Stamp: p.model.Stamp, Header: p.model.Header, Index: p.model.Index, Cursor: read}); err != nil {
						t.Fatal(err)
					}
					kinds["decoded"]++
					kinds["cursor not read"] += len(old.AgentIDs()) - len(old.Active())
				}
				next, d, err := r.Advance(ctx, old, w.refs)
				if err != nil {
					t.Fatalf("CROSSLINK_SEED=%d: resumed: %v", seed, err)
				}
				m := p.model.Clone()
				if err := m.Apply(d); err != nil {
					t.Fatalf("CROSSLINK_SEED=%d: resumed: %v", seed, err)
				}
				if diff := m.Differs(whole); diff != "" {
					t.Fatalf("CROSSLINK_SEED=%d, read %d, resumed from %d:\n%s", seed, len(points), n, diff)
				}
				if string(next.Header()) != string(state.Header()) {
					t.Fatalf("CROSSLINK_SEED=%d: another header", seed)
				}
				resumed++
			}
			for _, id := range state.AgentIDs() {
				w.note(state, id)
			}
			points = append(points, point{state, whole})
		}
	}
	t.Logf("%d resumed reads of %d histories: %v", resumed, to-from, kinds)
	for _, k := range []string{"written here", "written elsewhere", "pushed", "taken back", "appended by a stranger", "diverged", "foreign", "garbage", "proof", "lost", "put back", "step", "bad step",
		"another branch", "approved", "removed", "policy", "open", "revoked", "bad meta", "rotated", "many lines", "decoded", "cursor read", "cursor not read",
		"is diverged", "is beyond", "is foreign", "is ended", "is forked", "trails", "not all count", "no checkpoint"} {
		if floor := int(min(10, (to-from)/8)); to-from > 1 && kinds[k] < floor { // few histories have fewer of each
			t.Errorf("'%s' happened %d times", k, kinds[k])
		}
	}
}

// note counts what a log is.
func (w *world) note(s *replay.State, id string) {
	c, v := s.Cursor(id), s.Verdict(id)
	for kind, is := range map[string]bool{"is diverged": c.Diverged, "is beyond": c.Beyond, "is foreign": c.Foreign, "is ended": c.Ended != "", "is forked": v != nil && v.Forked,
		"trails": c.Trails, "not all count": c.Counted < c.Seq, "no checkpoint": c.Trust == nil} {
		if is {
			w.did(kind)
		}
	}
}
