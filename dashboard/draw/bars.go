package draw

import "slices"

// Bar is one of a row of bars that stand on the bottom of a box.
type Bar struct{ X, Y, H float64 }

// Bars draws counts, a step apart, in a box of a height that the greatest fills. One
// that is not 0 is seen, however small; one that is 0 is left out.
func Bars(counts []int, step, height float64) (all []Bar) {
	most := slices.Max(append([]int{1}, counts...))
	for k, n := range counts {
		if h := max(height*float64(n)/float64(most), 2); n > 0 {
			all = append(all, Bar{float64(k) * step, height - h, h})
		}
	}
	return all
}
