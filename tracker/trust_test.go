package tracker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// key is the key of a clone's agent.
func (c *clone) key() keys.Signer {
	c.w.t.Helper()
	all, err := (&keys.Ring{Dir: filepath.Join(c.dir, ".git", "crosslink", "keys")}).Made(c.name)
	if err != nil || len(all) != 1 {
		c.w.t.Fatalf("the keys of '%s': %v %v", c.name, all, err)
	}
	return all[0]
}

// signedBy makes a chain sign with a key.
func signedBy(t *testing.T, c *event.Chain, k keys.Signer) {
	c.Sign = func(b []byte) (string, string, error) {
		if b == nil {
			return k.Key().Fingerprint(), "", nil
		}
		s, err := k.Sign(context.Background(), trust.EventNamespace, b)
		if err != nil {
			t.Fatal(err)
		}
		return k.Key().Fingerprint(), s.String(), nil
	}
}

// trust is what a clone believes.
func (c *clone) trust() *tracker.Trust {
	c.w.t.Helper()
	tr := c.open()
	defer tr.Close()
	s, err := tr.Trust(context.Background())
	if err != nil {
		c.w.t.Fatalf("%s: %v", c.name, err)
	}
	return s
}

func (c *clone) trusts(agent string) tracker.TrustAgent {
	c.w.t.Helper()
	for _, a := range c.trust().Agents {
		if a.Agent == agent {
			return a
		}
	}
	c.w.t.Fatalf("'%s' does not know '%s'", c.name, agent)
	return tracker.TrustAgent{}
}

// admin does what only an admin may.
func (c *clone) admin(do func(*tracker.Tracker) error) {
	c.w.t.Helper()
	tr := c.open()
	defer tr.Close()
	if err := do(tr); err != nil {
		c.w.t.Fatalf("%s: %v", c.name, err)
	}
}

func (c *clone) approve(agents ...string) {
	c.w.t.Helper()
	c.admin(func(tr *tracker.Tracker) error {
		_, err := tr.Approve(context.Background(), tracker.Approve{Agents: agents})
		return err
	})
}

func (c *clone) require() {
	c.w.t.Helper()
	c.admin(func(tr *tracker.Tracker) error {
		return tr.SetPolicy(context.Background(), tracker.Policy{Signing: trust.Require})
	})
}

// ends is how an agent's log ends for a clone: how many lines count and by
// which rule the next does not, of the chain or of trust.
func (c *clone) ends(agent string) string {
	c.w.t.Helper()
	a := c.trusts(agent)
	rule := a.Ends
	for _, l := range c.status().Logs {
		if l.Agent == agent && l.Ended != "" {
			rule, _, _ = strings.Cut(l.Ended, ":")
		}
	}
	return fmt.Sprintf("%d %s", a.Counts, rule)
}

// TestAC61_TamperedLines: somebody who may push, and has not the key, puts a
// line behind those of an agent. A clone that was there all the time and one
// that comes later name the same rule, and everything before it counts.
func TestAC61_TamperedLines(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	hub := alice.init().Hub
	issue := alice.create("the flux")
	bob.comment(issue, "one")
	alice.sync()
	alice.approve("bob")
	alice.require()
	bob.comment(issue, "two")
	alice.sync()
	good := w.hubLines("bob")
	if len(good) != 3 {
		t.Fatalf("%d lines", len(good))
	}
	stranger, err := (&keys.Ring{Dir: filepath.Join(t.TempDir(), "keys")}).Make("stranger")
	if err != nil {
		t.Fatal(err)
	}
	// next is the next line of the log, signed by a key. change may alter the position that is
	// signed.
	next := func(by keys.Signer, change func(*event.Chain)) []byte {
		c := event.Chain{Hub: hub, Agent: "bob"}
		for _, l := range good {
			if _, err := c.Next(bytes.Clone(l)); err != nil {
				t.Fatal(err)
			}
		}
		if by != nil {
			signedBy(t, &c, by)
		}
		if change != nil {
			change(&c)
		}
		line, err := c.Stamp(&event.Envelope{Body: &event.CommentAdded{Issue: issue, Comment: event.UUID{6: 0x40, 8: 0x80, 15: 7}, Author: "bob", Content: "three", CreatedAt: 1, Kind: "note"}}, event.TimeOf(alice.now()), 0)
		if err != nil {
			t.Fatal(err)
		}
		return line
	}
	edit := func(l []byte, old, new string) []byte {
		if !bytes.Contains(l, []byte(old)) {
			t.Fatalf("%s does not hold %s", l, old)
		}
		return bytes.Replace(l, []byte(old), []byte(new), 1)
	}
	signed := next(bob.key(), nil)
	for _, c := range []struct {
		name string
		line []byte
		rule string
		form bool // it breaks a rule of the chain, not one of trust
	}{
		{"a flipped field", edit(signed, "three", "threw"), "3 " + trust.RuleBadSignature, false},
		{"unsigned", next(nil, nil), "3 " + trust.RuleUnsigned, false},
		{"re-signed by another key", next(stranger, nil), "3 " + trust.RuleUnknownSigner, false},
		{"another's key under its name", edit(next(stranger, nil), stranger.Key().Fingerprint(), bob.key().Key().Fingerprint()), "3 " + trust.RuleBadSignature, false},
		{"moved from another hub", next(bob.key(), func(c *event.Chain) { c.Hub = "0b54b9f0-3c5e-4c0e-9d7a-5d1f0f6f0a01" }), "3 " + event.WrongHub, true},
		{"moved from another agent", w.hubLines("alice")[0], "3 " + event.WrongAgent, true},
		{"moved from another position", next(bob.key(), func(c *event.Chain) { c.Seq++ }), "3 " + event.Sequence, true},
		{"a line replayed", good[2], "3 " + event.Sequence, true},
		{"wrong prev", next(bob.key(), func(c *event.Chain) { c.Hash = event.Hash(good[0]) }), "3 " + event.PrevHash, true},
		{"level downgrade", edit(signed, `{"v":4,`, `{"v":3,`), "3 " + event.NoVersion, true},
		{"as it should be", signed, "4 ", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := string(w.tip(branches + "agents/bob"))
			h := newHostile(w, hub)
			tampered := h.file("bob", bytes.Join(append(append([][]byte{}, good...), c.line, nil), []byte("\n")))
			h.ref("bob", tampered)
			h.land()
			warm, cold := w.clone("warm"+strings.ReplaceAll(c.name, " ", "-")), w.clone("cold"+strings.ReplaceAll(c.name, " ", "-"))
			w.move("refs/heads/crosslink/agents/bob", refs.OID(before))
			_ = warm.trySync()
			w.move("refs/heads/crosslink/agents/bob", tampered)
			warm.notices = nil
			_ = warm.trySync()
			if c.form {
				// a line that does not continue the log in form is not taken at all by
				// who knows the log: the rule is told, and the hub repaired
				if got := warm.ends("bob"); got != "3 " {
					t.Errorf("%s: %q", warm.name, got)
				}
				_, rule, _ := strings.Cut(c.rule, " ")
				if told := fmt.Sprintf("%q", warm.notices); !strings.Contains(told, "the hub's log of 'bob' has invalid data after event 3: "+rule+":") {
					t.Errorf("%s: the rule is not told: %s", warm.name, told)
				}
				if got := w.hubLines("bob"); len(got) != len(good) {
					t.Errorf("%s: the hub has %d lines", warm.name, len(got))
				}
				w.move("refs/heads/crosslink/agents/bob", tampered)
			} else if got := warm.ends("bob"); got != c.rule {
				t.Errorf("%s: %q, want %q", warm.name, got, c.rule)
			}
			_ = cold.trySync()
			if got := cold.ends("bob"); got != c.rule {
				t.Errorf("%s: %q, want %q", cold.name, got, c.rule)
			}
			if a, b := warm.read().Hash(), cold.read().Hash(); a != b {
				t.Errorf("warm and cold differ")
			}
			if c.rule[0] == '3' {
				w.move("refs/heads/crosslink/agents/bob", refs.OID(before))
			}
		})
	}
}

// TestAC61_Meta: somebody who may push puts meta commits on the hub that no
// admin has signed, and sets it back. Nobody believes any, an admin continues.
func TestAC61_Meta(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	bob.comment(alice.create("the flux"), "x")
	alice.sync()
	first := string(w.tip(branches + "meta"))
	alice.approve("bob")
	bob.sync()
	good := string(w.tip(branches + "meta"))
	was := bob.trust()

	// bob is listed, and no admin
	forge := func(change func(files map[string][]byte) map[string][]byte) {
		t.Helper()
		all, err := refs.ReadFiles(context.Background(), w.repo(), refs.OID(good), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{}
		for _, f := range []string{"hub.json", "allowed_signers", "meta.sig"} {
			files[f] = all[f]
		}
		files = change(files)
		h := newHostile(w, was.Hub)
		var es []string
		for _, f := range []string{"allowed_signers", "hub.json", "meta.sig"} {
			es = append(es, "100644 "+f, string(h.put(refs.Blob, files[f])))
		}
		tip := h.put(refs.Commit, fmt.Appendf(nil, "tree %s\nparent %s\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n", h.tree(es...), string(w.tip(branches+"meta"))))
		h.tips["refs/heads/crosslink/meta"] = tip
		h.land()
	}
	sign := func(k keys.Signer, files map[string][]byte) map[string][]byte {
		s, err := k.Sign(context.Background(), trust.MetaNamespace, trust.MetaSigned(files))
		if err != nil {
			t.Fatal(err)
		}
		return trust.Signed(files, s)
	}
	next := func(files map[string][]byte) *trust.State {
		r, err := trust.Believed(files)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, c := range []struct {
		rule   string
		change func(map[string][]byte) map[string][]byte
	}{
		{trust.RuleMetaNotAdmin, func(f map[string][]byte) map[string][]byte {
			m := *next(f).Meta
			m.Admins = append([]string{"bob@crosslink"}, m.Admins...)
			return sign(bob.key(), next(f).Draft(m, next(f).Signers))
		}},
		{trust.RuleMetaSignature, func(f map[string][]byte) map[string][]byte {
			m := *next(f).Meta
			m.Signing = trust.Off
			n := next(f).Draft(m, next(f).Signers)
			n["meta.sig"] = f["meta.sig"]
			return n
		}},
		{trust.RuleMetaOlder, func(f map[string][]byte) map[string][]byte { return f }}, // the same again, well signed
		{trust.RuleMetaMalformed, func(f map[string][]byte) map[string][]byte { f["hub.json"] = []byte("{}\n"); return f }},
	} {
		forge(c.change)
		cold := w.clone("cold-" + c.rule)
		cold.sync()
		bob.sync()
		for _, r := range []*clone{bob, cold} {
			s := r.trust()
			if s.Meta != good || s.Signing != trust.Warn || !strings.Contains(strings.Join(s.Refused, "\n"), c.rule) {
				t.Errorf("%s after %s: %+v", r.name, c.rule, s)
			}
			if mentions(r.status().Problems(), c.rule) != 1 {
				t.Errorf("%s is not told of %s: %q", r.name, c.rule, r.status().Problems())
			}
		}
	}
	// work continues above it, and so does the admin
	bob.create("meanwhile")
	alice.require()
	bob.sync()
	if s := bob.trust(); s.Signing != trust.Require || len(s.Refused) != 0 || s.Seq != was.Seq+1 {
		t.Errorf("%+v", s)
	}
	// set back to an old one, which was signed well
	w.move("refs/heads/crosslink/meta", refs.OID(first))
	_ = bob.trySync()
	if s := bob.trust(); s.Signing != trust.Require || s.Seq != was.Seq+1 {
		t.Errorf("an older meta is believed: %+v", s)
	}
	if p := bob.status().Problems(); mentions(p, "older") != 1 {
		t.Errorf("it is not told: %q", p)
	}
}

// TestAC66_EndToEnd: one key writes two histories, the hub shows one and then
// the other. Who saw both proves it, all end equal, the others continue; what the
// ledger covers of one stays.
func TestAC66_EndToEnd(t *testing.T) {
	for _, covered := range []bool{false, true} {
		t.Run(fmt.Sprintf("covered %v", covered), func(t *testing.T) {
			t.Parallel()
			equivocates(t, covered)
		})
	}
}

func equivocates(t *testing.T, covered bool) {
	w := newWorld(t)
	alice, mallory := w.clone("alice"), w.clone("mallory")
	alice.init()
	issue := alice.create("the flux")
	mallory.comment(issue, "common")
	alice.sync()
	alice.approve("mallory")
	mallory.sync()
	common := len(w.hubLines("mallory"))

	// a copy of the clone, key and all, that writes another history
	twin := &clone{w: w, name: "mallory", dir: filepath.Join(w.dir, "twin"), now: mallory.now}
	if err := os.CopyFS(twin.dir, os.DirFS(mallory.dir)); err != nil {
		t.Fatal(err)
	}
	before := string(w.tip(branches + "agents/mallory"))
	mallory.comment(issue, "for the ones")
	alice.sync()
	w.move("refs/heads/crosslink/agents/mallory", refs.OID(before))
	twin.comment(issue, "for the others")
	carol := w.clone("carol")
	carol.comment(issue, "carol has seen one history")
	counts := uint64(common)
	if covered { // a number is decided, over all that is there
		carol.create("by carol")
		counts++
	}
	if n := len(w.hubLines("mallory")); n != common+1 {
		t.Fatalf("the other history is not on the hub: %d lines", n)
	}

	alice.notices = nil
	alice.sync() // holds both
	if n := noticed(alice, "forked"); n != 1 {
		t.Fatalf("alice tells of %d forks: %v", n, alice.notices)
	}
	w.converge(alice, carol)
	dave := w.clone("dave") // sees it all at once
	dave.sync()
	for _, c := range []*clone{alice, carol, dave} {
		if a := c.trusts("mallory"); !a.Forked || a.Counts != counts || a.Ends != trust.RuleForked && a.Events > counts {
			t.Errorf("%s: %+v", c.name, a)
		}
		if a := c.trusts("carol"); a.Ends != "" || a.Counts != a.Events || a.Events == 0 {
			t.Errorf("%s: carol is affected: %+v", c.name, a)
		}
		if c.read().Hash() != alice.read().Hash() {
			t.Errorf("%s differs", c.name)
		}
	}
	told := 0
	for _, l := range append(w.hubLines("alice"), w.hubLines("carol")...) {
		told += bytes.Count(l, []byte(`"type":"AgentForked"`))
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	tr := dave.open()
	defer tr.Close()
	p, err := tr.ProofOf(context.Background(), "mallory")
	if err != nil {
		t.Fatal(err)
	}
	if q, err := tracker.VerifyProof(p.File); err != nil || q.Agent != "mallory" || q.Seq != uint64(common)+1 || q.Fingerprint != mallory.key().Key().Fingerprint() {
		t.Errorf("%+v %v", q, err)
	}
	// mallory itself is stopped, and told how to continue
	if err := mallory.trySync(); err != nil && errorName(err) != "copied-clone" {
		t.Error(err)
	}
	_, err = mallory.tryEmit(func(tr *tracker.Tracker) []event.Body {
		return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "x", Priority: event.Low, CreatedBy: "mallory"}}
	})
	if n := errorName(err); n != "forked" && n != "copied-clone" {
		t.Errorf("mallory writes on: %v", err)
	}
	// an admin settles it: the history that alice has is the one
	n := uint64(common) + 1
	alice.admin(func(tr *tracker.Tracker) error {
		_, err := tr.Revoke(context.Background(), "mallory", &n, "the first one counts")
		return err
	})
	if a := alice.trusts("mallory"); a.Counts != n || a.Revoked == nil {
		t.Errorf("%+v", a)
	}
}

// A proof that nobody counts is told again, also where the store was made by the
// agent that it is about: another one of its clone tells.
func TestForkIsToldByAnotherAgentOfTheClone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keepFrom = whereRead
	alice, mallory := w.clone("alice"), w.clone("mallory")
	alice.init()
	issue := alice.create("the flux")
	mallory.comment(issue, "common")
	alice.sync()
	alice.approve("mallory")
	carol := w.clone("carol")
	carol.comment(issue, "carol's")
	mallory.sync()
	twin := &clone{w: w, name: "mallory", dir: filepath.Join(w.dir, "twin"), now: mallory.now}
	if err := os.CopyFS(twin.dir, os.DirFS(mallory.dir)); err != nil {
		t.Fatal(err)
	}
	before := string(w.tip(branches + "agents/mallory"))
	mallory.comment(issue, "for the ones")
	carol.sync()
	w.move("refs/heads/crosslink/agents/mallory", refs.OID(before))
	twin.comment(issue, "for the others")
	n := uint64(len(w.hubLines("carol")))
	carol.sync() // holds both, and tells
	if len(carol.told("forked")) != 1 {
		t.Fatalf("%v", carol.notices)
	}
	alice.sync()
	alice.admin(func(tr *tracker.Tracker) error {
		_, err := tr.Revoke(context.Background(), "carol", &n, "not believed")
		return err
	})
	erin := &clone{w: w, name: "erin", dir: twin.dir, now: twin.now}
	erin.comment(issue, "erin's")
	if err := twin.trySync(); err != nil {
		t.Fatal(err)
	}
	twin.readsWith()
	erin.sync()
	if len(erin.told("forked")) != 1 {
		t.Errorf("%v", erin.notices)
	}
}

// TestAC67_NothingSecret: no part of a private key is in what is told, in JSON,
// in the replica or in the hub.
func TestAC67_NothingSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	alice.init()
	alice.create("the flux")
	file := filepath.Join(alice.dir, ".git", "crosslink", "keys", "alice")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, st.Mode(), err)
		}
	}
	block, _ := pem.Decode(b)
	if block == nil {
		t.Fatal("no key file")
	}
	tr := alice.open()
	defer tr.Close()
	was, is, err := tr.RotateKey(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if was.Fingerprint == is.Fingerprint || !is.Admin {
		t.Errorf("%+v %+v", was, is)
	}
	var all bytes.Buffer
	s, err := tr.Trust(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	st, err := tr.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{was, is, s, st, alice.notices} {
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(j)
	}
	all.WriteString(w.git(w.hub, "log", "--all", "-p"))
	all.WriteString(w.git(alice.replica(), "log", "--all", "-p"))
	// the seed follows the public key: 64 bytes, before the comment
	for i := 0; i+16 < len(block.Bytes); i++ {
		part := block.Bytes[i : i+16]
		if bytes.Contains(all.Bytes(), part) {
			t.Fatalf("bytes %d … of the key file are elsewhere", i)
		}
	}
	secret := secretLines(b)
	if len(secret) == 0 {
		t.Fatal("nothing to look for")
	}
	for _, l := range secret {
		if bytes.Contains(all.Bytes(), []byte(l)) {
			t.Fatal("a line of the key file is elsewhere")
		}
	}
}

// secretLines are the lines of a key file but the first two, which hold the
// public key.
func secretLines(file []byte) (lines []string) {
	for i, l := range splitLines(string(file)) {
		if i > 2 && !strings.HasPrefix(l, "-----") {
			lines = append(lines, l)
		}
	}
	return lines
}
