package reducer

import (
	"math/rand/v2"
	"testing"
)

// TestComponentsAreWhatReachesEachOther compares with walking.
func TestComponentsAreWhatReachesEachOther(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		n := 1 + rng.IntN(12)
		edges := make([][]int32, n)
		reach := make([][]bool, n)
		for i := range edges {
			reach[i] = make([]bool, n)
			reach[i][i] = true
		}
		for range rng.IntN(2 * n) {
			a, b := rng.IntN(n), rng.IntN(n)
			edges[a] = append(edges[a], int32(b))
			reach[a][b] = true
		}
		for k := range n {
			for i := range n {
				for j := range n {
					reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
				}
			}
		}
		comp := Components(edges)
		for i := range n {
			for j := range n {
				if (comp[i] == comp[j]) != (reach[i][j] && reach[j][i]) {
					t.Fatalf("edges %v: components %v", edges, comp)
				}
			}
		}
	}
}

// TestComponentsOfALongChain: depth costs no stack.
func TestComponentsOfALongChain(t *testing.T) {
	const n = 300_000
	edges := make([][]int32, n)
	for i := range n - 1 {
		edges[i] = []int32{int32(i + 1)}
	}
	comp := Components(edges)
	if comp[0] == comp[n-1] {
		t.Error("a chain is no circle")
	}
	edges[n-1] = []int32{0}
	comp = Components(edges)
	if comp[0] != comp[n-1] || comp[0] != comp[n/2] {
		t.Error("a circle is one component")
	}
}
