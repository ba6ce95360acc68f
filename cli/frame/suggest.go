package frame

import "slices"

// Nearest returns the candidate that word is most likely a slip of the
// fingers for, or "".
func Nearest(word string, candidates []string) string {
	best, found := 1+max(1, len(word)/3), ""
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if d := distance(word, c); d < best && d < len(c) {
			best, found = d, c
		}
	}
	return found
}

// distance counts insertions, deletions, replacements and swaps of
// neighbors between two words.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
