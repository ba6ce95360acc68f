package gate_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// settled is a hub at work, after its gate: signed logs of alice (who is the
// admin), bob and rex (whose key was rotated), a revoked one, a ledger. With
// warn there is also carol, whom nobody listed and who does not sign.
func settled(t testing.TB, mode, signing string, open bool) *world {
	t.Helper()
	w := newWorld(t, "sha1")
	w.accept(w.meta(nil, func(m *trust.Meta, s *trust.Signers) *trust.Signers {
		m.Admins, m.Open, m.Signing = []string{trust.Principal("alice")}, open, signing
		for _, name := range []string{"alice", "bob", "rex", "gone"} {
			s = w.list(s, name, name)
		}
		return s
	}))
	for _, name := range []string{"alice", "bob", "rex", "gone"} {
		w.log(name, w.key(name))
	}
	w.grow(w.logs["alice"], 70)
	w.grow(w.logs["bob"], 5)
	w.grow(w.logs["gone"], 4)
	rex := w.logs["rex"]
	w.grow(rex, 2)
	chain := rex.chain
	chain.Sign = rex.key.signer()
	turn := w.line(&chain, &event.KeyRotated{PublicKey: w.key("rex, later").String()})
	rex.tip, rex.chain, rex.lines, rex.key = w.put("rex", rex.tip, turn), chain, append(rex.lines, turn), w.key("rex, later")
	w.grow(rex, 1)
	w.tip = w.step("", w.metas[0].id, w.key("alice"), w.tips("alice", "bob", "rex"))
	specs := []string{
		string(w.metas[0].id) + ":refs/heads/crosslink/meta",
		string(w.tip) + ":refs/heads/crosslink/checkpoint",
	}
	if signing == trust.Warn && open {
		w.grow(w.log("carol", nil), 3)
	}
	for id, l := range w.logs {
		specs = append(specs, string(l.tip)+":"+agents+id)
	}
	w.install(mode)
	w.mustPush(specs...) // the gate lets in what is right
	w.accept(w.meta(w.key("alice"), func(m *trust.Meta, s *trust.Signers) *trust.Signers {
		m.Revoked["gone"] = trust.Revocation{AfterSeq: 3, Hash: event.Hash(w.logs["gone"].lines[2]), Reason: "left"}
		return s
	}))
	w.mustPush(string(w.metas[1].id) + ":refs/heads/crosslink/meta")
	return w
}

// tampering is one wrong thing to push.
type tampering struct {
	name  string
	rule  string // by which it is refused
	ref   string // below refs/heads/crosslink/, or whole
	line  uint64 // that is named; 0 = none
	build func(w *world) refs.OID
}

// on appends lines to alice's log as it is on the hub.
func onAlice(w *world, lines ...[]byte) refs.OID {
	return w.put("alice", w.logs["alice"].tip, lines...)
}

// chained appends one line to alice's log, stamped on a chain that was altered.
func chained(w *world, change func(c *event.Chain)) refs.OID {
	c := w.logs["alice"].chain
	c.Sign = w.key("alice").signer()
	change(&c)
	return onAlice(w, w.line(&c, w.body(w.logs["alice"], 71)))
}

// stand makes other lines stand where alice's log is, on top of its tip.
func stand(w *world, lines ...[]byte) refs.OID {
	old := w.logs["alice"].tip
	tip := w.put("alice", "", lines...)
	re, err := refs.Recommit(w.ctx, w.repo, tip, []refs.OID{old}, refs.CommitInfo{Author: "x", When: w.now(), Message: "x"})
	if err != nil {
		w.t.Fatal(err)
	}
	return re
}

// good is alice's next line.
func good(w *world) []byte { lines, _ := w.next(w.logs["alice"], 1); return lines[0] }

// with puts an entry beside alice's log, and a good line.
func with(mode, path, data string) func(w *world) refs.OID {
	return func(w *world) refs.OID {
		next := onAlice(w, good(w))
		return w.tree(next, map[string][]byte{mode + " " + path: []byte(data)}, next)
	}
}

func changed(line []byte, old, new string) []byte {
	if !bytes.Contains(line, []byte(old)) {
		panic(fmt.Sprintf("'%s' is not in %s", old, line))
	}
	return bytes.Replace(line, []byte(old), []byte(new), 1)
}

var tamperings = []tampering{
	// lines
	{"a flipped field", trust.RuleBadSignature, "agents/alice", 71, func(w *world) refs.OID {
		return onAlice(w, changed(good(w), "comment 71", "comment 17"))
	}},
	{"an event of another hub", event.WrongHub, "agents/alice", 71, func(w *world) refs.OID {
		return chained(w, func(c *event.Chain) { c.Hub = "11111111-8a9f-4f1a-9d53-3f1f3c3b7a10" })
	}},
	{"an event of another agent", event.WrongAgent, "agents/alice", 71, func(w *world) refs.OID {
		lines, _ := w.next(w.logs["bob"], 1)
		return onAlice(w, lines...)
	}},
	{"an event of another agent, at the place for it", event.WrongAgent, "agents/alice", 71, func(w *world) refs.OID {
		return chained(w, func(c *event.Chain) { c.Agent = "bob"; c.Sign = w.key("bob").signer() })
	}},
	{"an event of another position", event.Sequence, "agents/alice", 71, func(w *world) refs.OID {
		lines, _ := w.next(w.logs["alice"], 2)
		return onAlice(w, lines[1])
	}},
	{"signed again by another key", trust.RuleUnknownSigner, "agents/alice", 71, func(w *world) refs.OID {
		return chained(w, func(c *event.Chain) { c.Sign = w.key("bob").signer() })
	}},
	{"by another key, under the name of hers", trust.RuleBadSignature, "agents/alice", 71, func(w *world) refs.OID {
		return chained(w, func(c *event.Chain) {
			sign := w.key("bob").signer()
			c.Sign = func(b []byte) (string, string, error) {
				_, s, err := sign(b)
				return w.key("alice").Fingerprint(), s, err
			}
		})
	}},
	{"a replayed line", event.Sequence, "agents/alice", 71, func(w *world) refs.OID { return onAlice(w, w.logs["alice"].lines[69]) }},
	{"the last line dropped", gate.Rewritten, "agents/alice", 70, func(w *world) refs.OID { return stand(w, w.logs["alice"].lines[:69]...) }},
	{"the last segment dropped", gate.Rewritten, "agents/alice", 65, func(w *world) refs.OID { return stand(w, w.logs["alice"].lines[:64]...) }},
	{"a line dropped inside", gate.Rewritten, "agents/alice", 10, func(w *world) refs.OID {
		all := w.logs["alice"].lines
		return stand(w, append(append([][]byte{}, all[:9]...), all[10:]...)...)
	}},
	{"a line altered inside", gate.Rewritten, "agents/alice", 3, func(w *world) refs.OID {
		all := append([][]byte{}, w.logs["alice"].lines...)
		all[2] = changed(all[2], "comment 3", "comment 4")
		return stand(w, all...)
	}},
	{"a gap", event.Sequence, "agents/alice", 71, func(w *world) refs.OID { return chained(w, func(c *event.Chain) { c.Seq++ }) }},
	{"a wrong prev", event.PrevHash, "agents/alice", 71, func(w *world) refs.OID {
		return chained(w, func(c *event.Chain) { c.Hash = event.Hash([]byte("another line")) })
	}},
	{"a falling timestamp", event.TimeFalls, "agents/alice", 71, func(w *world) refs.OID {
		w.when = w.when.Add(-time.Hour)
		defer func() { w.when = w.when.Add(time.Hour) }()
		return chained(w, func(c *event.Chain) { c.Time = 0 })
	}},
	{"a line of level 3", event.NoVersion, "agents/alice", 71, func(w *world) refs.OID {
		return onAlice(w, changed(good(w), `{"v":4,"hub":"`+hubID+`",`, `{`))
	}},
	{"a line of a newer level", event.Newer, "agents/alice", 71, func(w *world) refs.OID { return onAlice(w, changed(good(w), `{"v":4`, `{"v":5`)) }},
	{"what is no line", "syntax", "agents/alice", 71, func(w *world) refs.OID { return onAlice(w, []byte("hello\x1b[31m")) }},
	{"another spelling of a line", "syntax", "agents/alice", 71, func(w *world) refs.OID { return onAlice(w, changed(good(w), `{"v":4`, `{ "v":4`)) }},
	{"after the revocation", trust.RuleRevoked, "agents/gone", 5, func(w *world) refs.OID {
		lines, _ := w.next(w.logs["gone"], 1)
		return w.put("gone", w.logs["gone"].tip, lines...)
	}},
	{"by a key that was rotated out", trust.RuleRotatedOut, "agents/rex", 5, func(w *world) refs.OID {
		c := w.logs["rex"].chain
		c.Sign = w.key("rex").signer()
		return w.put("rex", w.logs["rex"].tip, w.line(&c, w.body(w.logs["rex"], 5)))
	}},
	{"a stamp far ahead", gate.Clock, "agents/alice", 71, func(w *world) refs.OID {
		was := w.when
		w.when = time.Now().Add(2 * time.Hour)
		defer func() { w.when = was }()
		return onAlice(w, good(w))
	}},
	{"an oversize line", event.LineTooLong, "agents/alice", 71, func(w *world) refs.OID {
		return onAlice(w, changed(good(w), `comment 71`, strings.Repeat("x", 256<<10)))
	}},
	{"a segment of any size", gate.Tree, "agents/alice", 71, func(w *world) refs.OID {
		data := append(bytes.Join(w.logs["alice"].lines[64:], []byte("\n")), '\n')
		data = append(data, bytes.Repeat([]byte("x"), 20<<20)...)
		return w.tree(w.logs["alice"].tip, map[string][]byte{"100644 " + refs.SegmentPath("alice", 65): data}, w.logs["alice"].tip)
	}},
	{"half a line", gate.Tree, "agents/alice", 71, func(w *world) refs.OID {
		data := append(bytes.Join(w.logs["alice"].lines[64:], []byte("\n")), '\n')
		return w.tree(w.logs["alice"].tip, map[string][]byte{"100644 " + refs.SegmentPath("alice", 65): append(data, good(w)...)}, w.logs["alice"].tip)
	}},

	// trees
	{"an executable", gate.Tree, "agents/alice", 0, func(w *world) refs.OID {
		next := onAlice(w, good(w))
		data := w.git("cat-file", "blob", string(next)+":"+refs.SegmentPath("alice", 65)) + "\n"
		return w.tree(next, map[string][]byte{"100755 " + refs.SegmentPath("alice", 65): []byte(data)}, w.logs["alice"].tip)
	}},
	{"a symbolic link", gate.Tree, "agents/alice", 0, with("120000", refs.SegmentPath("alice", 129), "/etc/passwd")},
	{"an executable segment", gate.Tree, "agents/alice", 0, with("100755", refs.SegmentPath("alice", 129), "x\n")},
	{"a submodule", gate.Tree, "agents/alice", 0, with("160000", "events/module", "")},
	{"a submodule in place of a directory", gate.Tree, "agents/alice", 0, with("160000", "events/000001", "")},
	{"a file at the top", gate.Tree, "agents/alice", 0, with("100644", ".gitmodules", "x")},
	{"a file among the segments", gate.Tree, "agents/alice", 0, with("100644", "events/000000/readme", "x")},
	{"a segment of another agent", gate.Tree, "agents/alice", 0, with("100644", refs.SegmentPath("bob", 129), "x\n")},
	{"a segment out of its place", gate.Tree, "agents/alice", 0, with("100644", "events/000001/"+refs.SegmentName("alice", 129), "x\n")},
	{"a segment between two", gate.Tree, "agents/alice", 72, with("100644", refs.SegmentPath("alice", 66), "x\n")},
	{"a log of level 3", gate.Tree, "agents/alice", 0, with("100644", "events.log", "x\n")},
	{"a file that was there for one commit", gate.Tree, "agents/alice", 0, func(w *world) refs.OID {
		between := w.tree(w.logs["alice"].tip, map[string][]byte{"100644 secrets": []byte("x")}, w.logs["alice"].tip)
		next, err := refs.Recommit(w.ctx, w.repo, onAlice(w, good(w)), []refs.OID{between}, refs.CommitInfo{Author: "x", When: w.now(), Message: "x"})
		if err != nil {
			w.t.Fatal(err)
		}
		return next
	}},
	{"other lines for one commit", gate.Tree, "agents/alice", 0, func(w *world) refs.OID {
		between := onAlice(w, changed(good(w), "comment 71", "another 71"))
		next, err := refs.Recommit(w.ctx, w.repo, onAlice(w, good(w)), []refs.OID{between}, refs.CommitInfo{Author: "x", When: w.now(), Message: "x"})
		if err != nil {
			w.t.Fatal(err)
		}
		return next
	}},
	{"code merged into a log", gate.Tree, "agents/alice", 0, func(w *world) refs.OID {
		next, err := refs.Recommit(w.ctx, w.repo, onAlice(w, good(w)), []refs.OID{w.logs["alice"].tip, w.code("elsewhere")}, refs.CommitInfo{Author: "x", When: w.now(), Message: "x"})
		if err != nil {
			w.t.Fatal(err)
		}
		return next
	}},
	{"no log at all", gate.Tree, "agents/newcomer", 0, func(w *world) refs.OID { return w.files(map[string][]byte{"x": nil}, nil) }},
	{"an empty log", gate.Tree, "agents/newcomer", 0, func(w *world) refs.OID { return w.tree("", nil) }},

	// refs
	{"a rewind", gate.FastForward, "agents/alice", 0, func(w *world) refs.OID { return refs.OID(w.git("rev-parse", string(w.metas[0].id)+"^{commit}")) }},
	{"a rewind of a log", gate.FastForward, "agents/rex", 0, func(w *world) refs.OID { return refs.OID(w.git("rev-parse", string(w.logs["rex"].tip)+"^")) }},
	{"a forced push of another history", gate.FastForward, "agents/alice", 0, func(w *world) refs.OID { return w.put("alice", "", w.logs["alice"].lines...) }},
	{"a log deleted", gate.Deletion, "agents/bob", 0, func(w *world) refs.OID { return "" }},
	{"meta deleted", gate.Deletion, "meta", 0, func(w *world) refs.OID { return "" }},
	{"the ledger deleted", gate.Deletion, "checkpoint", 0, func(w *world) refs.OID { return "" }},
	{"a branch of no known name", gate.Name, "wiki", 0, func(w *world) refs.OID { return w.code("x") }},
	{"code as the archive", "archive-tree", "archive", 0, func(w *world) refs.OID { return w.code("x") }},
	{"a path for an id", gate.AgentID, "agents/new/comer", 0, func(w *world) refs.OID { return w.code("x") }},
	{"an id in capitals", gate.AgentID, "agents/Newcomer", 0, func(w *world) refs.OID { return w.code("x") }},
	{"the id of a device", gate.AgentID, "agents/con", 0, func(w *world) refs.OID { return w.code("x") }},
	{"an id like an option", gate.AgentID, "agents/--upload-pack", 0, func(w *world) refs.OID { return w.code("x") }},
	{"refs/hub", gate.HiddenRef, "refs/hub/agents/alice", 0, func(w *world) refs.OID { return w.logs["alice"].tip }},
	{"refs/incoming", gate.HiddenRef, "refs/incoming/meta", 0, func(w *world) refs.OID { return w.metas[0].id }},
	{"refs/lost", gate.HiddenRef, "refs/lost/x", 0, func(w *world) refs.OID { return w.tip }},
	{"refs/forked", gate.HiddenRef, "refs/forked/alice/x", 0, func(w *world) refs.OID { return w.logs["alice"].tip }},
	{"refs/archived", gate.HiddenRef, "refs/archived/alice", 0, func(w *world) refs.OID { return w.logs["alice"].tip }},
	{"refs/outer", gate.HiddenRef, "refs/outer/meta", 0, func(w *world) refs.OID { return w.metas[0].id }},
	{"refs/crosslink", gate.HiddenRef, "refs/crosslink/none", 0, func(w *world) refs.OID { return w.metas[0].id }},
	{"a sign of life with a past", gate.Tree, "refs/crosslink/presence/abc123", 0, func(w *world) refs.OID {
		return w.files(map[string][]byte{"presence.json": []byte("{}\n")}, []refs.OID{w.metas[0].id})
	}},
	{"a sign of life with luggage", gate.Tree, "refs/crosslink/presence/abc123", 0, func(w *world) refs.OID {
		return w.files(map[string][]byte{"presence.json": []byte("{}\n"), "x": nil}, nil)
	}},
	{"a sign of life of any size", gate.Unreadable, "refs/crosslink/presence/abc123", 0, func(w *world) refs.OID {
		return w.files(map[string][]byte{"presence.json": make([]byte, 1<<20)}, nil)
	}},

	// meta
	{"old meta, well signed", trust.RuleMetaOlder, "meta", 0, func(w *world) refs.OID { return w.metaOf(w.metas[0].files, []refs.OID{w.metas[1].id}).id }},
	{"meta rewound", gate.FastForward, "meta", 0, func(w *world) refs.OID { return w.metas[0].id }},
	{"meta signed by one who is no admin", trust.RuleMetaNotAdmin, "meta", 0, func(w *world) refs.OID { return w.meta(w.key("bob"), require).id }},
	{"meta by one who makes himself admin", trust.RuleMetaNotAdmin, "meta", 0, func(w *world) refs.OID {
		return w.meta(w.key("bob"), func(m *trust.Meta, s *trust.Signers) *trust.Signers {
			m.Admins = []string{trust.Principal("bob")}
			return s
		}).id
	}},
	{"unsigned meta", trust.RuleMetaUnsigned, "meta", 0, func(w *world) refs.OID { return w.meta(nil, require).id }},
	{"meta altered behind its signature", trust.RuleMetaSignature, "meta", 0, func(w *world) refs.OID {
		c := w.meta(w.key("alice"), require)
		c.files["hub.json"] = changed(c.files["hub.json"], `"open":true`, `"open":false`)
		return w.metaOf(c.files, []refs.OID{w.metas[1].id}).id
	}},
	{"meta of another hub", trust.RuleMetaHub, "meta", 0, func(w *world) refs.OID {
		c := w.meta(w.key("alice"), require)
		c.files["hub.json"] = changed(c.files["hub.json"], hubID, "11111111-8a9f-4f1a-9d53-3f1f3c3b7a10")
		return w.metaOf(c.files, []refs.OID{w.metas[1].id}).id
	}},
	{"a lower level", gate.Level, "meta", 0, func(w *world) refs.OID {
		return w.metaOf(map[string][]byte{"hub.json": []byte(`{"hub_version":3}` + "\n")}, []refs.OID{w.metas[1].id}).id
	}},
	{"a level that the gate does not know", gate.Level, "meta", 0, func(w *world) refs.OID {
		return w.metaOf(map[string][]byte{"hub.json": []byte(`{"hub":"` + hubID + `","hub_version":5,"seq":3}` + "\n")}, []refs.OID{w.metas[1].id}).id
	}},
	{"meta with luggage", gate.Tree, "meta", 0, func(w *world) refs.OID {
		c := w.meta(w.key("alice"), require)
		c.files["notes.txt"] = []byte("x")
		return w.metaOf(c.files, []refs.OID{w.metas[1].id}).id
	}},
	{"meta with two parents", gate.Tree, "meta", 0, func(w *world) refs.OID {
		return w.metaOf(w.meta(w.key("alice"), require).files, []refs.OID{w.metas[1].id, w.metas[0].id}).id
	}},

	// ledger
	{"a forged step: another number", "ledger-" + ledger.BadNumbers, "checkpoint", 0, func(w *world) refs.OID { return forgedStep(w, `"last":4`, `"last":9`) }},
	{"a forged step: a lock", "ledger-" + ledger.BadLocks, "checkpoint", 0, func(w *world) refs.OID {
		return forgedStep(w, `"locks":{}`, `"locks":{"`+uuid(7).String()+`":{"agent":"bob","claim_seq":1,"claimed_at":"2026-01-01T00:00:00.000000000Z","token":3}}`)
	}},
	{"a step that covers a forged log", gate.NotOnHub, "checkpoint", 0, func(w *world) refs.OID {
		c := event.Chain{Hub: hubID, Agent: "newcomer"}
		tip := w.put("newcomer", "", w.line(&c, &event.IssueCreated{UUID: uuid(3), Title: "forged", Priority: event.Low, CreatedBy: "newcomer"}))
		return w.step(w.tip, w.metas[1].id, w.key("alice"), map[string]string{"newcomer": string(tip)})
	}},
	{"a step under meta that is not on the hub", gate.NotOnHub, "checkpoint", 0, func(w *world) refs.OID {
		c := w.meta(w.key("alice"), require)
		tip := w.put("bob", w.logs["bob"].tip, w.line(bobs(w), &event.IssueCreated{UUID: uuid(4), Title: "x", Priority: event.Low, CreatedBy: "bob"}))
		return w.step(w.tip, c.id, w.key("alice"), map[string]string{"bob": string(tip)})
	}},
	{"the ledger rewound", gate.FastForward, "checkpoint", 0, func(w *world) refs.OID { return refs.OID(w.git("rev-parse", string(w.tip)+"^")) }},
	{"another ledger", gate.FastForward, "checkpoint", 0, func(w *world) refs.OID { return w.step("", w.metas[0].id, w.key("alice"), w.tips("bob")) }},
	{"a step with a false signature", "ledger-" + ledger.BadSignature, "checkpoint", 0, misSigned},
	{"a step under the name of a key that is not its own", "ledger-" + ledger.BadSignature, "checkpoint", 0, func(w *world) refs.OID {
		right := w.step(w.tip, w.metas[1].id, w.key("bob"), w.tips("carol"))
		return restate(w, right, w.key("bob").Fingerprint(), w.key("alice").Fingerprint())
	}},
	{"no step", "ledger-" + ledger.Malformed, "checkpoint", 0, func(w *world) refs.OID { return w.files(map[string][]byte{"x": nil}, []refs.OID{w.tip}) }},
}

func require(m *trust.Meta, s *trust.Signers) *trust.Signers { m.Signing = trust.Require; return s }

func bobs(w *world) *event.Chain {
	c := w.logs["bob"].chain
	c.Sign = w.key("bob").signer()
	return &c
}

// forgedStep is a step that says something else than what follows.
func forgedStep(w *world, old, new string) refs.OID {
	return restate(w, w.step(w.tip, w.metas[1].id, nil, w.tips("carol")), old, new)
}

// restate is a step whose state says something else.
func restate(w *world, step refs.OID, old, new string) refs.OID {
	state := []byte(w.git("cat-file", "blob", string(step)+":state.json") + "\n")
	var parents []refs.OID
	for _, p := range strings.Fields(w.git("log", "-1", "--format=%P", string(step))) {
		parents = append(parents, refs.OID(p))
	}
	return w.tree(step, map[string][]byte{"100644 state.json": changed(state, old, new)}, parents...)
}

// misSigned is a step that carries the signature of another one.
func misSigned(w *world) refs.OID {
	signature := func(step refs.OID) string {
		_, after, _ := strings.Cut(w.git("cat-file", "blob", string(step)+":state.json"), `"signature":"`)
		s, _, _ := strings.Cut(after, `"`)
		return s
	}
	one := w.step(w.tip, w.metas[1].id, w.key("alice"), w.tips("carol"))
	return restate(w, one, signature(one), signature(w.tip))
}

// TestTampering: each wrong thing is refused by its rule, in words that name
// ref, rule and line, and nothing on the hub changes.
func TestTampering(t *testing.T) {
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		t.Run(mode, func(t *testing.T) {
			if testing.Short() && mode == gate.PerRef {
				t.Skip("short: one checker serves both hooks; the other one is looked at without -short")
			}
			t.Parallel()
			w := settled(t, mode, trust.Warn, true)
			for _, c := range tamperings {
				t.Run(c.name, func(t *testing.T) {
					w.t = t
					w.refused(c, mode)
				})
			}
			w.t = t
		})
	}
}

// refused pushes what must not be taken.
func (w *world) refused(c tampering, mode string) {
	w.t.Helper()
	ref := c.ref
	if !strings.HasPrefix(ref, "refs/") {
		ref = "refs/heads/crosslink/" + ref
	}
	before := w.refs()
	says, ok := w.push("+" + string(c.build(w)) + ":" + ref)
	if ok {
		w.t.Errorf("it was taken: %s", says)
	}
	for name, id := range w.refs() {
		if before[name] != id {
			w.t.Errorf("'%s' moved", name)
		}
		delete(before, name)
	}
	for name := range before {
		w.t.Errorf("'%s' is gone", name)
	}
	want := "refused '" + strings.ReplaceAll(ref, "\u200c", `\u200c`) + "': rule '" + c.rule
	if mode == gate.PerRef {
		want = "\t[remote rejected] (rule '" + c.rule
	}
	want += "'"
	if c.line > 0 {
		want += fmt.Sprintf(", line %d", c.line)
	}
	if !strings.Contains(says, want) || !strings.Contains(says, "hint: ") || strings.Contains(says, "\x1b") {
		w.t.Errorf("want %q, git says\n%s", want, says)
	}
}
