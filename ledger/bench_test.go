package ledger_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/git-crosslink/git-crosslink/ledger"
)

// How long reading takes.

// chainSource keeps of each step what it changed, as git does, and hands out
// one tree after the other.
type chainSource struct {
	*world
	changes map[string]map[string][]byte
	at      string
	tree    map[string][]byte
}

func (s *chainSource) Files(id string) (map[string][]byte, bool, error) {
	if p := s.commits[id].parents; len(p) == 0 || p[0] != s.at {
		return nil, false, fmt.Errorf("step '%s' is read out of turn", id)
	}
	maps.Copy(s.tree, s.changes[id])
	s.at = id
	return s.tree, true, nil
}

// longChain is a chain of so many steps; each numbers an issue, ends one lock
// and grants another, with 50 locks held.
func longChain(t testing.TB, agents, steps int) (*chainSource, string, string) {
	s := newScene(t)
	src := &chainSource{world: s.world, changes: map[string]map[string][]byte{}}
	root := s.tip
	r := ledger.NewReader(s, hubID)
	v, err := r.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	var held []claimID // at most 50 at once
	for i := range steps {
		id := fmt.Sprintf("agent-%d", i%agents)
		logs := []string{id}
		if len(held) == 50 {
			s.release(held[0].agent, held[0].issue)
			logs = append(logs, held[0].agent)
			held = held[1:]
		}
		u := s.create(id)
		held = append(held, claimID{u, id, s.claim(id, u, false)})
		d, err := r.Next(ledger.Plan{On: v, Meta: s.meta, By: id, At: at(i), Logs: s.tips(logs...)})
		if err != nil {
			t.Fatal(err)
		}
		tip := s.add(&commit{parents: d.Parents})
		src.changes[tip] = d.Files()
		v = ledger.View{Tip: tip, Step: tip, Ledger: d.Ledger}
	}
	return src, root, v.Tip
}

func (s *chainSource) judge(t testing.TB, root, tip string) ledger.View {
	s.at, s.tree = root, maps.Clone(s.commits[root].files)
	r := ledger.NewReader(s, hubID)
	l, err := ledger.Decode(s.tree)
	if err != nil {
		t.Fatal(err)
	}
	r.Resume(ledger.View{Tip: root, Step: root, Ledger: l})
	v, err := r.Read(tip)
	if err != nil || v.Step != tip {
		t.Fatal(v.Bad, err)
	}
	return v
}

func BenchmarkJudge(b *testing.B) {
	for _, agents := range []int{10, 1000} {
		b.Run(fmt.Sprintf("10000steps/%dagents", agents), func(b *testing.B) {
			src, root, tip := longChain(b, agents, 10_000)
			b.ResetTimer()
			for range b.N {
				src.judge(b, root, tip)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/10_000, "µs/step")
		})
	}
}

// BenchmarkDecide is what a writer pays for a step on a large hub, and how
// large it is.
func BenchmarkDecide(b *testing.B) {
	s, d := crowd(b, 1000, 10_000, 50)
	size := float64(looseSize(s, d))
	b.ResetTimer()
	b.ReportMetric(size, "loose-bytes")
	for range b.N {
		if d := s.draft(); len(d.Files()) != 3 {
			b.Fatal(len(d.Files()))
		}
	}
}

// BenchmarkDecode is a restart: the judged tip is read from its files.
func BenchmarkDecode(b *testing.B) {
	_, d := crowd(b, 1000, 10_000, 50)
	files := d.Ledger.Files()
	b.ResetTimer()
	for range b.N {
		if _, err := ledger.Decode(files); err != nil {
			b.Fatal(err)
		}
	}
}
