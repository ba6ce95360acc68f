package gate_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/trust"
)

// A name that differs from one of the tracker's only in case is the same name on a file system
// that folds case: both gates refuse it, whichever part differs. A name that only looks
// similar counts as code.
func TestTwinsOfTheTrackersNames(t *testing.T) {
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		t.Run(mode, func(t *testing.T) {
			w := settled(t, mode, trust.Warn, true)
			twins := []string{
				"refs/heads/Crosslink/meta", "refs/heads/CROSSLINK", "refs/heads/crosslinK/agents/alice", "refs/Heads/crosslink/meta",
				"refs/HEADS/cRoSsLiNk/checkpoint", "refs/Crosslink/presence/c1",
			}
			if mode == gate.Whole { // no hub holds these, or git does not report them
				twins = append(twins, "refs/Hub/meta", "refs/INCOMING/x", "refs/Replace/x", "refs/heads/cro\u00dflink/meta", "refs/heads/cro\u1e9elink",
					"refs/heads/cro\u017fslin\u212a/agents/alice", "refs/head\u017f/crosslink/checkpoint", "refs/heads/cross\u200clink/meta", "refs/heads./crosslink./meta",
					"refs/pre\u017fence/x")
			}
			for _, ref := range twins {
				w.refused(tampering{"a twin", gate.CaseTwin, ref, 0, func(w *world) refs.OID { return w.code("x") }}, mode)
			}
			for _, ref := range []string{"refs/heads/cr\u00f6sslink/x", "refs/heads/stra\u00dfe", "refs/heads/\u0441rosslink/x", "refs/heads/v1./x", "refs/heads/crosslinks/x", "refs/heads/a/Crosslink/x", "refs/heads/Cross-link", "refs/Heads/main", "refs/tags/crosslink"} {
				w.mustPush(string(w.code("y")) + ":" + ref)
			}
			w.git("--git-dir="+w.hub, "fetch", "-q", w.evil, string(w.code("x"))+":refs/heads/Crosslink/x") // from before the gate
			w.mustPush(":refs/heads/Crosslink/x")
			if mode == gate.PerRef { // and the code in the same push lands
				says, ok := w.push(string(w.code("z"))+":refs/heads/code", string(w.code("z"))+":refs/heads/Crosslink/meta")
				if ok || w.refs()["refs/heads/code"] == "" || w.refs()["refs/heads/Crosslink/meta"] != "" {
					t.Errorf("%s", says)
				}
			}
		})
	}
}

// The names of every namespace that a replica has (docs/architecture.md) are
// refused, and refs/replace: a mirror of a replica brings nothing to a hub.
func TestRefsThatTheProgramKeepsToItself(t *testing.T) {
	doc, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(doc), "In a clone, a private bare repository")
	_, list, _ = strings.Cut(list, "```\n")
	list, _, _ = strings.Cut(list, "```")
	names := []string{"refs/replace/" + strings.Repeat("1", 40)}
	for line := range strings.Lines(list) {
		name := strings.ReplaceAll(strings.Fields(line)[0], "\u2026", "x")
		if !strings.HasPrefix(name, "refs/heads/crosslink/") {
			names = append(names, name)
		}
	}
	if len(names) < 9 {
		t.Fatalf("docs/architecture.md lists only %q", names)
	}
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		t.Run(mode, func(t *testing.T) {
			w := settled(t, mode, trust.Warn, true)
			for _, ref := range names {
				w.refused(tampering{"kept to itself", gate.HiddenRef, ref, 0, func(w *world) refs.OID { return w.code("x") }}, mode)
			}
			w.git("--git-dir="+w.hub, "fetch", "-q", w.evil, string(w.code("x"))+":"+names[0]) // from before the gate
			w.mustPush(":" + names[0])
		})
	}
}

// Where the hub's own file system folds names, git tells the gate of every ref,
// so that no spelling of a name goes past it.
func TestPerRefWhereNamesFold(t *testing.T) {
	w := settled(t, gate.Whole, trust.Warn, true)
	if err := os.Mkdir(w.hub+"/refs/HEADS", 0o755); err != nil { // found as it would be there
		t.Fatal(err)
	}
	w.install(gate.PerRef)
	for _, ref := range []string{"refs/heads/cro\u00dflink/meta", "refs/heads/cross\u200clink/checkpoint", "refs/namespace\u017f/team/refs/heads/crosslink/meta"} {
		rule := gate.CaseTwin
		if strings.Contains(ref, "team") {
			rule = gate.HiddenRef
		}
		w.refused(tampering{"a twin", rule, ref, 0, func(w *world) refs.OID { return w.code("x") }}, gate.PerRef)
	}
	w.mustPush(string(w.code("y"))+":refs/heads/code", string(w.code("y"))+":refs/tags/v1")
	w.mustPush(":refs/heads/code")
}

// A hub in a git namespace has the same kind of gate: a push is checked against that
// namespace, and nobody can bypass the gate with the full names of its refs.
func TestNamespaces(t *testing.T) {
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		t.Run(mode, func(t *testing.T) {
			w := settled(t, mode, trust.Warn, true)
			base := w.refs()
			const ns = "refs/namespaces/team/"
			plainly := slices.Clone(w.env)
			within := append(slices.Clone(w.env), "GIT_NAMESPACE=team")

			w.env = within
			alice := w.logs["alice"]
			// no meta there yet: the one beside it does not count
			w.refused(tampering{"without meta", gate.NoHub, "agents/alice", 0, func(*world) refs.OID { return alice.tip }}, mode)
			w.mustPush(string(w.metas[0].id)+":refs/heads/crosslink/meta", string(alice.tip)+":"+agents+"alice", string(w.code("x"))+":refs/heads/main")
			now := w.refs()
			if now[ns+"refs/heads/crosslink/meta"] != string(w.metas[0].id) || now[ns+agents+"alice"] != string(alice.tip) {
				t.Errorf("%v", now)
			}
			for name, id := range base {
				if now[name] != id {
					t.Errorf("'%s' moved beside the namespace", name)
				}
			}
			w.refused(tampering{"a rewind", gate.FastForward, "agents/alice", 0, func(w *world) refs.OID { return w.put("alice", "", alice.lines[:60]...) }}, mode)
			w.refused(tampering{"meta of nobody", trust.RuleMetaUnsigned, "meta", 0, func(w *world) refs.OID {
				m := *w.metas[0].roll.Meta
				return w.metaOf(w.metas[0].roll.Draft(m, w.metas[0].roll.Signers), []refs.OID{w.metas[0].id}).id
			}}, mode)

			w.env = plainly
			for _, ref := range []string{ns + agents + "alice", ns + "refs/heads/crosslink/meta", ns + "refs/heads/Crosslink/x", "refs/namespaces/a/refs/namespaces/b/refs/heads/crosslink/meta"} {
				w.refused(tampering{"by its full name", gate.HiddenRef, ref, 0, func(w *world) refs.OID { return w.code("x") }}, mode)
			}
			before := w.refs()
			if says, ok := w.push(":" + ns + agents + "alice"); ok || !strings.Contains(says, "rule '"+gate.HiddenRef+"'") || len(w.refs()) != len(before) {
				t.Errorf("deleted by its full name: %s", says)
			}
			w.mustPush(string(w.code("y")) + ":" + ns + "refs/heads/code")
			r, err := gate.Inspect(w.ctx, w.hub, "", within)
			if err != nil || r.Level != 4 || r.Signing != trust.Warn {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// A push may bring as many commits as the gate examines, and not one more.
func TestTooMuch(t *testing.T) {
	w := newWorld(t, "sha1")
	w.accept(w.meta(nil, func(m *trust.Meta, s *trust.Signers) *trust.Signers { return s }))
	l := w.log("alice", nil)
	for range 4 {
		w.grow(l, 1)
	}
	repo := git.NewServer(w.evil, w.form, os.Environ())
	defer repo.Close()
	push := []gate.Command{{Ref: "refs/heads/crosslink/meta", New: w.metas[0].id}, {Ref: agents + "alice", New: l.tip}}
	brings := strings.Count(w.git("rev-list", string(w.metas[0].id), string(l.tip)), "\n") + 1
	if brings != 5 {
		t.Fatalf("the push brings %d commits", brings)
	}
	for bound, want := range map[int]int{brings: 0, brings + 1: 0, brings - 1: len(push), 1: len(push)} {
		was := gate.SetMaxCommits(bound)
		refused, err := gate.Check(w.ctx, repo, push, gate.Options{Now: w.when})
		gate.SetMaxCommits(was)
		if err != nil || len(refused) != want {
			t.Errorf("bound %d: %d refused, %v", bound, len(refused), err)
		}
		for _, r := range refused {
			if r.Rule != gate.TooMuch || r.Cure == "" || r.Ref == "" {
				t.Errorf("bound %d: %+v", bound, r)
			}
		}
	}
	// the hub's own commits are not counted
	got, err := repo.Incoming(w.ctx, []refs.OID{l.tip}, 4)
	if err != nil || len(got) != 4 {
		t.Errorf("%d commits, %v", len(got), err)
	}
	w.git("update-ref", "refs/heads/x", string(l.tip)+"~2")
	if got, err = repo.Incoming(w.ctx, []refs.OID{l.tip}, 2); err != nil || len(got) != 2 {
		t.Errorf("%d commits, %v", len(got), err)
	}
}

// A step by rules that the hub admits and this gate does not know is refused
// with what to install; without the hub's word it is a bad one. Logs continue.
func TestNewerRules(t *testing.T) {
	w := settled(t, gate.Whole, trust.Warn, true)
	w.grow(w.logs["alice"], 1)
	w.mustPush(string(w.logs["alice"].tip) + ":" + agents + "alice")
	newer := func(w *world) refs.OID {
		return restate(w, w.step(w.tip, w.metas[len(w.metas)-1].id, nil, w.tips("carol")), `"rules":1`, `"rules":2`)
	}
	w.refused(tampering{"not admitted", "ledger-" + ledger.OtherRules, "checkpoint", 0, newer}, gate.Whole)
	if says, _ := w.push(string(newer(w)) + ":refs/heads/crosslink/checkpoint"); !strings.Contains(says, "hint: git crosslink sync") {
		t.Errorf("%s", says)
	}
	w.accept(w.meta(w.key("alice"), func(m *trust.Meta, s *trust.Signers) *trust.Signers {
		m.Extra = map[string][]byte{"rules": []byte("2")}
		return s
	}))
	w.mustPush(string(w.metas[len(w.metas)-1].id) + ":refs/heads/crosslink/meta")
	w.refused(tampering{"admitted", "ledger-" + ledger.OtherRules, "checkpoint", 0, newer}, gate.Whole)
	if says, _ := w.push(string(newer(w)) + ":refs/heads/crosslink/checkpoint"); !strings.Contains(says, "hint: install a git-crosslink that supports this hub's level") {
		t.Errorf("%s", says)
	}
	w.grow(w.logs["bob"], 1)
	w.mustPush(string(w.logs["bob"].tip) + ":" + agents + "bob")
}
