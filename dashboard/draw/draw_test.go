package draw

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

func TestLayout(t *testing.T) {
	g := Layout([]string{"d", "b", "a", "c", "e"}, []Edge{{"a", "b"}, {"b", "c"}, {"a", "d"}, {"d", "c"}, {"c", "a"}, {"a", "gone"}})
	layer := map[string]int{}
	for _, n := range g.Nodes {
		layer[n.ID] = n.Layer
		if n.Critical != (n.ID != "e") {
			t.Errorf("%s is on the longest path: %v", n.ID, n.Critical)
		}
	}
	if want := map[string]int{"a": 0, "b": 1, "d": 1, "c": 2, "e": 0}; !reflect.DeepEqual(layer, want) {
		t.Errorf("layers %v, want %v", layer, want)
	}
	cyclic := 0
	for _, l := range g.Lines {
		if l.Cyclic {
			cyclic++
			if l.Edge != (Edge{"c", "a"}) {
				t.Errorf("%v is taken for what closes the circle", l.Edge)
			}
		}
	}
	if cyclic != 1 || len(g.Lines) != 5 {
		t.Errorf("%d of %d lines close a circle, want 1 of 5", cyclic, len(g.Lines))
	}
	if empty := Layout(nil, nil); len(empty.Nodes) != 0 || empty.Width != 0 {
		t.Errorf("nothing: %+v", empty)
	}
}

// TestLayoutOfAny: whatever the graph and the order in which it is given, the drawing is the
// same, no two nodes are in the same place, and every node is to the right of the nodes it
// waits for.
func TestLayoutOfAny(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	began, most := time.Now(), 0
	for range 300 {
		n := r.IntN(MaxNodes) + 1
		most = max(most, n)
		var ids []string
		var edges []Edge
		for k := range n {
			ids = append(ids, fmt.Sprintf("%03d", k))
		}
		for range r.IntN(2*n + 1) {
			edges = append(edges, Edge{ids[r.IntN(n)], ids[r.IntN(n)]})
		}
		g := Layout(ids, edges)
		r.Shuffle(n, func(a, b int) { ids[a], ids[b] = ids[b], ids[a] })
		r.Shuffle(len(edges), func(a, b int) { edges[a], edges[b] = edges[b], edges[a] })
		if again := Layout(ids, edges); !reflect.DeepEqual(g, again) {
			t.Fatal("another order gives another drawing")
		}
		at, layer := map[[2]float64]bool{}, map[string]int{}
		for _, p := range g.Nodes {
			if at[[2]float64{p.X, p.Y}] {
				t.Fatalf("two nodes stand at %v, %v", p.X, p.Y)
			}
			at[[2]float64{p.X, p.Y}] = true
			layer[p.ID] = p.Layer
		}
		if len(layer) != n {
			t.Fatalf("%d nodes of %d are drawn", len(layer), n)
		}
		for _, l := range g.Lines {
			if !l.Cyclic && layer[l.From] >= layer[l.To] {
				t.Fatalf("%s is not right of %s", l.To, l.From)
			}
		}
	}
	t.Logf("300 graphs of up to %d nodes in %s", most, time.Since(began))
}

func TestSteps(t *testing.T) {
	for _, c := range []struct {
		points []Point
		most   float64
		want   string
	}{
		{nil, 1, ""},
		{[]Point{{0, 1}, {0.5, 2}}, 2, "0.0,10.0 0.0,5.0 50.0,5.0 50.0,0.0 100.0,0.0"},
		{[]Point{{0.5, 2}, {0, 1}}, 2, "0.0,10.0 0.0,5.0 50.0,5.0 50.0,0.0 100.0,0.0"},
		{[]Point{{-1, 5}, {2, 0}}, 0, "0.0,10.0 0.0,0.0 100.0,0.0 100.0,10.0 100.0,10.0"},
	} {
		if got := Steps(c.points, c.most, 100, 10); got != c.want {
			t.Errorf("%v of %v: %s, want %s", c.points, c.most, got, c.want)
		}
	}
}

func BenchmarkLayout(b *testing.B) {
	var ids []string
	var edges []Edge
	for k := range MaxNodes {
		ids = append(ids, fmt.Sprintf("%03d", k))
		for n := range min(k, 3) {
			edges = append(edges, Edge{ids[k-n-1], ids[k]})
		}
	}
	for b.Loop() {
		Layout(ids, edges)
	}
}

func TestBars(t *testing.T) {
	if got, want := fmt.Sprint(Bars([]int{0, 1, 100, 50}, 5, 16)), "[{5 14 2} {10 0 16} {15 8 8}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := Bars(nil, 5, 16); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}
