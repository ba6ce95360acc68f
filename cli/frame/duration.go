package frame

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const durationForms = "1h30m, 90m, 2h, 45s"

// Duration formats a time spent in hours and minutes as people type it: 1h30m.
func Duration(seconds uint64) string {
	h, m, s := seconds/3600, seconds/60%60, seconds%60
	var b strings.Builder
	for _, part := range []struct {
		n    uint64
		unit string
	}{{h, "h"}, {m, "m"}, {s, "s"}} {
		if part.n > 0 {
			fmt.Fprintf(&b, "%d%s", part.n, part.unit)
		}
	}
	if b.Len() == 0 {
		return "0m"
	}
	return b.String()
}

// ParseDuration parses a time spent in whole seconds, at least one.
func ParseDuration(s string) (uint64, error) {
	bad := func() (uint64, error) {
		f := Misuse(fmt.Sprintf("'%s' is not a duration", s), "valid forms: "+durationForms)
		if strings.HasPrefix(s, "-") {
			f = Misuse(fmt.Sprintf("'%s': a duration cannot be negative", s), "to correct an entry, delete it and add it again: git crosslink time delete <entry>", "list the entries: git crosslink time list")
		}
		f.Kind = "bad-value"
		return 0, f
	}
	total, rest := 0.0, strings.ToLower(strings.TrimSpace(s))
	for units := "hms"; rest != ""; {
		n := strings.IndexAny(rest, units)
		if n < 1 {
			return bad()
		}
		v, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil || v < 0 || strings.Trim(rest[:n], "0123456789.") != "" {
			return bad()
		}
		total += v * map[byte]float64{'h': 3600, 'm': 60, 's': 1}[rest[n]]
		units = units[strings.IndexByte(units, rest[n])+1:]
		rest = strings.TrimSpace(rest[n+1:])
	}
	if total = math.Round(total); total < 1 || total > 1e9 {
		return bad()
	}
	return uint64(total), nil
}

// Entries counts time entries.
func Entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}
