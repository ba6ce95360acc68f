package transfer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/importer"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// moved takes issues with parents and blockers through an import, up to the writing.
func moved(all ...*importer.Issue) *moving {
	m := &moving{Request: Request{Names: importer.Names{System: "beads", Scope: "s"}}, rep: &Report{}, above: forest{}}
	for n, i := range all {
		i.Line = n + 1
		m.acyclic(i)
	}
	m.waits.warn(&m.rep.Report)
	return m
}

func names(rep *Report) (all []string) {
	for _, w := range rep.Warnings {
		all = append(all, fmt.Sprintf("%d %s %s", w.Line, w.Key, w.Name))
	}
	return all
}

// The edge that closes a cycle is left out, named by its line and counted; all
// others stay.
func TestCyclesOfParents(t *testing.T) {
	issues := []*importer.Issue{{Key: "a", Parent: "b"}, {Key: "b", Parent: "c"}, {Key: "c", Parent: "a"}, {Key: "d", Parent: "a"}, {Key: "e", Parent: "e"}}
	m := moved(issues...)
	if got := names(m.rep); !slices.Equal(got, []string{"3 c parent-cycle", "5 e parent-cycle"}) || m.rep.EdgesSkipped != 2 {
		t.Errorf("%v, %d edges skipped", got, m.rep.EdgesSkipped)
	}
	if issues[0].Parent != "b" || issues[1].Parent != "c" || issues[2].Parent != "" || issues[3].Parent != "a" {
		t.Errorf("the parents are %q %q %q %q", issues[0].Parent, issues[1].Parent, issues[2].Parent, issues[3].Parent)
	}
}

// Blockers on a cycle are kept and named; those that lead to one are not.
func TestCyclesOfBlockers(t *testing.T) {
	m := moved(&importer.Issue{Key: "a", BlockedBy: []string{"b"}}, &importer.Issue{Key: "b", BlockedBy: []string{"a", "d"}}, &importer.Issue{Key: "c", BlockedBy: []string{"a"}})
	if got := names(m.rep); !slices.Equal(got, []string{"1 a blocker-cycle", "2 b blocker-cycle"}) || m.rep.EdgesSkipped != 0 {
		t.Errorf("%v, %d edges skipped", got, m.rep.EdgesSkipped)
	}
}

// Of random parents the kept ones close no cycle, and none is left out in vain.
func TestForest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	left := 0
	for range 2000 {
		n := 2 + r.IntN(8)
		f, edges := forest{}, make([][]int32, n)
		for _, child := range r.Perm(n) {
			parent := r.IntN(n)
			kept := f.add(event.UUID{byte(child)}, event.UUID{byte(parent)})
			edges[child] = []int32{int32(parent)}
			part := reducer.Components(edges)
			if cyclic := part[child] == part[parent]; cyclic == kept {
				t.Fatalf("%v: the edge from %d to %d: kept %v", edges, child, parent, kept)
			}
			if !kept {
				edges[child] = nil
				left++
			}
		}
	}
	if left < 500 {
		t.Errorf("only %d edges closed a cycle", left)
	}
}
