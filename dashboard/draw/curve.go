package draw

import (
	"slices"
	"strconv"
	"strings"
)

// Point is one of a curve: a position from 0 to 1, and a value.
type Point struct {
	At    float64
	Value float64
}

// Steps draws values that hold until the next, as the points of an SVG polyline
// in a box. most is the value at its top.
func Steps(points []Point, most, width, height float64) string {
	if most <= 0 {
		most = 1
	}
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b Point) int {
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
	var b strings.Builder
	put := func(x, y float64) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.FormatFloat(x, 'f', 1, 64))
		b.WriteByte(',')
		b.WriteString(strconv.FormatFloat(y, 'f', 1, 64))
	}
	last := height
	for _, p := range points {
		x, y := min(max(p.At, 0), 1)*width, height-min(max(p.Value/most, 0), 1)*height
		put(x, last)
		put(x, y)
		last = y
	}
	if len(points) > 0 {
		put(width, last)
	}
	return b.String()
}
