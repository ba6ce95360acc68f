package reducer

// Components returns, for each node of a directed graph, the number of its strongly
// connected component. Two nodes have the same number exactly if each can be reached from
// the other. edges[i] are the nodes that i points to.
//
// It is Tarjan's algorithm in linear time, with its own stack instead of the program's: a
// chain of a hundred thousand parents is somebody's mistake, but must not crash the reader.
func Components(edges [][]int32) []int32 {
	n := len(edges)
	var (
		comp  = make([]int32, n) // 0 while unknown
		index = make([]int32, n) // 0 while not visited
		low   = make([]int32, n)
		stack []int32 // Tarjan's: visited, component unknown
		path  []frame // the path from the root to the current node
		next  int32   = 1
		found int32   = 1
	)
	for root := range n {
		if index[root] != 0 {
			continue
		}
		path = append(path, frame{node: int32(root)})
		for len(path) > 0 {
			f := &path[len(path)-1]
			v := f.node
			if f.edge == 0 {
				index[v], low[v] = next, next
				next++
				stack = append(stack, v)
			}
			if f.edge < len(edges[v]) {
				w := edges[v][f.edge]
				f.edge++
				switch {
				case index[w] == 0:
					path = append(path, frame{node: w})
				case comp[w] == 0:
					low[v] = min(low[v], index[w])
				}
				continue
			}
			if low[v] == index[v] {
				for {
					w := stack[len(stack)-1]
					stack = stack[:len(stack)-1]
					comp[w] = found
					if w == v {
						break
					}
				}
				found++
			}
			path = path[:len(path)-1]
			if len(path) > 0 {
				up := path[len(path)-1].node
				low[up] = min(low[up], low[v])
			}
		}
	}
	return comp
}

// frame is a node on the path and the next edge to follow from it.
type frame struct {
	node int32
	edge int
}
