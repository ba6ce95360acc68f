package ledger_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// Steps that nobody honest would write. Each is made from the honest next step
// of a chain with held and awaited locks and undecided lines.

type forgery struct {
	name   string
	reason string
	// forge returns the forged commit's ledger (or files) and parents, given
	// the honest step.
	forge func(s *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string)
}

// altered is a forgery of exported fields.
func altered(f func(s *scene, l *ledger.Ledger)) func(*scene, *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
	return func(s *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		l := d.Ledger.Copy()
		f(s, l)
		return l, nil, d.Parents
	}
}

// filed is a forgery of the tree.
func filed(f func(files map[string][]byte)) func(*scene, *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
	return func(s *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		files := d.Ledger.Files()
		f(files)
		return nil, files, d.Parents
	}
}

// parented is a forgery of the parents.
func parented(f func(s *scene, p []string) []string) func(*scene, *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
	return func(s *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		return d.Ledger, nil, f(s, slices.Clone(d.Parents))
	}
}

// replaced is a forgery of the text of state.json.
func replaced(old, now string) func(*scene, *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
	return filed(func(files map[string][]byte) {
		files["state.json"] = bytes.Replace(files["state.json"], []byte(old), []byte(now), 1)
	})
}

func anyLock(l *ledger.Ledger) event.UUID { return sortedKeys(l.Locks)[0] }

var forgeries = []forgery{
	{"two holders", ledger.BadLocks, altered(func(_ *scene, l *ledger.Ledger) {
		u := anyLock(l)
		l.Locks[u] = ledger.Lock{Agent: "agent-b", ClaimedAt: l.Queue[u][0].ClaimedAt, ClaimSeq: l.Queue[u][0].ClaimSeq, Token: l.Sequence}
		l.Queue[u] = l.Queue[u][1:]
	})},
	{"a holder without a claim", ledger.BadLocks, altered(func(s *scene, l *ledger.Ledger) {
		l.Locks[s.uuid()] = ledger.Lock{Agent: "agent-a", ClaimedAt: at(1), ClaimSeq: 1, Token: l.Sequence}
	})},
	{"a lock ended without a release", ledger.BadLocks, altered(func(_ *scene, l *ledger.Ledger) {
		u := anyLock(l)
		delete(l.Locks, u)
		delete(l.Queue, u)
	})},
	{"a token altered", ledger.BadLocks, altered(func(_ *scene, l *ledger.Ledger) {
		k := l.Locks[anyLock(l)]
		k.Token++
		l.Locks[anyLock(l)] = k
	})},
	{"a queue reordered", ledger.BadQueue, altered(func(_ *scene, l *ledger.Ledger) {
		slices.Reverse(l.Queue[anyLock(l)])
	})},
	{"a waiter left out", ledger.BadQueue, altered(func(_ *scene, l *ledger.Ledger) {
		l.Queue[anyLock(l)] = l.Queue[anyLock(l)][1:]
	})},
	{"a number reassigned", ledger.BadNumbers, func(_ *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		list := slices.Clone(d.Ledger.Issues())
		list[0].UUID, list[1].UUID = list[1].UUID, list[0].UUID
		return d.Ledger.ForgeNumbers(list), nil, d.Parents
	}},
	{"a number skipped", ledger.BadNumbers, func(_ *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		list := slices.Clone(d.Ledger.Issues())
		list[len(list)-1].Number += 5
		return d.Ledger.ForgeNumbers(list), nil, d.Parents
	}},
	{"numbers in another order", ledger.BadNumbers, func(_ *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		list := slices.Clone(d.Ledger.Issues())
		n := len(list)
		list[n-1].UUID, list[n-2].UUID = list[n-2].UUID, list[n-1].UUID
		return d.Ledger.ForgeNumbers(list), nil, d.Parents
	}},
	{"number files that are not what state.json says", ledger.BadNumbers, filed(func(files map[string][]byte) {
		files["numbers/issues/000000"] = append([]byte("7"), files["numbers/issues/000000"][1:]...)
	})},
	{"an issue left out", ledger.BadNumbers, func(_ *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		list := d.Ledger.Issues()
		return d.Ledger.ForgeNumbers(list[:len(list)-1]), nil, d.Parents
	}},
	{"a position that goes back", ledger.PositionBack, func(s *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		c := s.commits[s.log("agent-a").tip]
		return d.Ledger.ForgePositions(map[string]ledger.Position{"agent-a": {Seq: 1, Hash: c.hashes[0]}}), nil, d.Parents
	}},
	{"a position that is gone", ledger.PositionBack, func(s *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		return d.Ledger.ForgeWithout("agent-a"), nil, d.Parents
	}},
	{"a covered position with another hash", ledger.PositionBack, func(s *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		p := d.On.Ledger.Position("agent-a")
		return d.Ledger.ForgePositions(map[string]ledger.Position{"agent-a": {Seq: p.Seq, Hash: event.Hash(nil)}}), nil, d.Parents
	}},
	{"a position that its parent does not hold", ledger.NotInParent, func(s *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		p := d.Ledger.Position("agent-b")
		return d.Ledger.ForgePositions(map[string]ledger.Position{"agent-b": {Seq: p.Seq + 1, Hash: event.Hash(nil)}}), nil, d.Parents
	}},
	{"a position with a hash that its parent does not hold", ledger.NotInParent, func(s *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		p := d.Ledger.Position("agent-b")
		return d.Ledger.ForgePositions(map[string]ledger.Position{"agent-b": {Seq: p.Seq, Hash: event.Hash(nil)}}), nil, d.Parents
	}},
	{"an input that is an older tip of the log", ledger.NotInParent, parented(func(s *scene, p []string) []string {
		i := slices.Index(p, s.log("agent-b").tip)
		p[i] = s.commits[p[i]].parents[0]
		return p
	})},
	{"an input that is another agent's log", ledger.NotInParent, parented(func(s *scene, p []string) []string {
		p[1], p[2] = p[2], p[1]
		return p
	})},
	{"an input that is no log", ledger.NotInParent, parented(func(s *scene, p []string) []string {
		p[1] = s.meta
		return p
	})},
	{"an input that is not a parent", ledger.BadParents, parented(func(_ *scene, p []string) []string { return p[:len(p)-1] })},
	{"a parent too many", ledger.BadParents, parented(func(s *scene, p []string) []string { return append(p, s.meta) })},
	{"an old meta", ledger.MetaBack, func(s *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		l := d.Ledger.Copy()
		l.Meta = s.world.meta
		return l, nil, append(slices.Clone(d.Parents), l.Meta)
	}},
	{"a meta of nowhere", ledger.MetaBack, func(s *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		l := d.Ledger.Copy()
		l.Meta = s.add(&commit{policy: ledger.Free{}})
		return l, nil, append(slices.Clone(d.Parents), l.Meta)
	}},
	{"a meta that is not a parent", ledger.BadParents, altered(func(s *scene, l *ledger.Ledger) {
		l.Meta = s.add(&commit{policy: ledger.Free{}, parents: []string{s.meta}})
	})},
	{"no meta", ledger.BadParents, altered(func(_ *scene, l *ledger.Ledger) { l.Meta = "" })},
	{"another hub", ledger.OtherHub, altered(func(_ *scene, l *ledger.Ledger) { l.Hub = "11111111-3c5a-4d0e-9d7b-1c2d3e4f5a6b" })},
	{"a sequence too high", ledger.BadSequence, altered(func(_ *scene, l *ledger.Ledger) { l.Sequence++ })},
	{"a sequence too low", ledger.BadSequence, altered(func(_ *scene, l *ledger.Ledger) { l.Sequence-- })},
	{"a merge of nothing lost", ledger.BadMerge, func(s *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		l := d.Ledger.Copy()
		l.Merged = s.commits[s.tip].parents[0]
		return l, nil, append(slices.Clone(d.Parents), l.Merged)
	}},
	{"an alias from nowhere", ledger.BadAliases, altered(func(_ *scene, l *ledger.Ledger) { l.IssueAliases[7] = 1 })},
	{"rules that nobody admitted", ledger.OtherRules, replaced(`"rules":1`, `"rules":2`)},
	{"no rules", ledger.Malformed, replaced(`"rules":1`, `"rules":0`)},
	{"another level", ledger.Malformed, replaced(`"hub_version":4`, `"hub_version":5`)},
	{"an unknown member", ledger.Malformed, replaced(`"rules":1`, `"more":1,"rules":1`)},
	{"a migration base later than the root", ledger.BadBase, func(s *scene, d *ledger.Draft) (*ledger.Ledger, map[string][]byte, []string) {
		files := d.Ledger.Files()
		data, err := ledger.EncodeBase(&ledger.Base{HubVersion: 3, Source: strings.Repeat("a", 40)})
		if err != nil {
			s.t.Fatal(err)
		}
		files["base.json"] = data
		files["state.json"] = bytes.Replace(files["state.json"], []byte(`,"hub":`), []byte(`,"base":"`+event.Hash(data)+`","hub":`), 1)
		files["state.json"] = bytes.Replace(files["state.json"], []byte(`{"hub":`), []byte(`{"base":"`+event.Hash(data)+`","hub":`), 1)
		return nil, files, d.Parents
	}},
	{"state.json is junk", ledger.Malformed, filed(func(files map[string][]byte) { files["state.json"] = []byte("{}\n") })},
	{"state.json is not canonical", ledger.Malformed, replaced(`,"hub_version"`, `, "hub_version"`)},
	{"state.json is missing", ledger.Malformed, filed(func(files map[string][]byte) { delete(files, "state.json") })},
	{"a junk file", ledger.Malformed, filed(func(files map[string][]byte) { files["readme"] = []byte("x") })},
	{"a junk number file", ledger.Malformed, filed(func(files map[string][]byte) { files["numbers/issues/000001"] = []byte("x") })},
	{"an empty shard", ledger.Malformed, filed(func(files map[string][]byte) {
		for k := range 256 {
			if p := fmt.Sprintf("positions/%x/%x", k>>4, k&15); files[p] == nil {
				files[p] = []byte{}
				return
			}
		}
	})},
	{"a tree with other modes", ledger.Malformed, nil},
	{"a whole tree of nothing", ledger.Malformed, filed(func(files map[string][]byte) { clear(files) })},
	{"a signature that is no signature", ledger.Malformed, replaced(`"written_at"`, `"signed_by":"","written_at"`)},
}

// forge commits a forgery of a draft.
func (s *scene) forge(f forgery, d *ledger.Draft) string {
	if f.forge == nil {
		return s.add(&commit{parents: d.Parents, files: d.Ledger.Files(), broken: true, forged: true})
	}
	l, files, parents := f.forge(s, d)
	if files == nil {
		files = l.Files()
	}
	return s.add(&commit{parents: parents, files: files, forged: true})
}

// forgeScene has numbers, a held and awaited lock, two logs with undecided
// lines, and a meta that moved once.
func forgeScene(t testing.TB) *scene {
	s := newScene(t)
	u := s.create("agent-a")
	s.create("agent-a")
	s.claim("agent-a", u, false)
	s.claim("agent-b", u, true)
	s.claim("agent-c", u, true)
	s.step()
	s.meta = s.add(&commit{policy: ledger.Free{}, parents: []string{s.meta}})
	s.create("agent-b")
	s.step()
	s.create("agent-a")
	s.create("agent-b")
	s.say("agent-b", &event.LabelAdded{Issue: u, Label: "x"})
	return s
}

// TestForgedSteps: warm and cold readers all judge them bad, no reader accepts them, and work
// continues after them.
func TestForgedSteps(t *testing.T) {
	for _, f := range forgeries {
		t.Run(f.name, func(t *testing.T) {
			s := forgeScene(t)
			before := s.view()
			honest := s.draft()
			id := s.forge(f, honest)
			for who, r := range map[string]*ledger.Reader{"warm": s.warm, "cold": ledger.NewReader(s, hubID)} {
				v, err := r.Read(id)
				if err != nil {
					t.Fatalf("%s: %v", who, err)
				}
				if len(v.Bad) != 1 || v.Bad[0] != (ledger.Bad{ID: id, Sequence: before.Sequence() + 1, Reason: f.reason}) {
					t.Errorf("%s: %+v, want '%s'", who, v.Bad, f.reason)
				}
				if v.Step != before.Step || words(v.Ledger) != words(before.Ledger) || v.Since != 1 {
					t.Errorf("%s adopted it: %s", who, words(v.Ledger))
				}
			}
			s.tip = id
			l := s.step()
			if l.Sequence != before.Sequence()+2 {
				t.Errorf("the sequence is %d", l.Sequence)
			}
			l = l.Copy()
			l.Sequence--
			if words(l) != words(honest.Ledger) {
				t.Errorf("work did not go on:\n%s\n%s", words(l), words(honest.Ledger))
			}
		})
	}
}

// TestForgedStepsAreNotHonest: the honest step that forgeries are made from is
// valid, so it is the forgery that is judged.
func TestForgedStepsAreNotHonest(t *testing.T) {
	s := forgeScene(t)
	d := s.draft()
	if len(d.Parents) != 3 {
		t.Fatalf("%d parents", len(d.Parents))
	}
	s.take(s.write(d))
}

// TestJudgeComparesAllBytesButTimeAndSigner.
func TestJudgeComparesAllBytesButTimeAndSigner(t *testing.T) {
	s := forgeScene(t)
	d := s.draft()
	l := d.Ledger.Copy()
	l.WrittenAt, l.WrittenBy, l.SignedBy, l.Signature = at(12345), "agent-z", "SHA256:x", "AAAA"
	s.take(s.add(&commit{parents: d.Parents, files: l.Files()}))
	files := maps.Clone(l.Files())
	for path, data := range files {
		for i := range data {
			if path == "state.json" && i > bytes.Index(data, []byte(`"signature"`)) {
				break
			}
			bad := maps.Clone(files)
			bad[path] = slices.Clone(data)
			bad[path][i] ^= 1
			id := s.add(&commit{parents: d.Parents, files: bad})
			if v := s.cold(id); v.Step == id {
				t.Fatalf("byte %d of '%s' does not matter: %s", i, path, bad[path])
			}
		}
	}
}
