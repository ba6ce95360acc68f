package event

import "testing"

func TestFollows(t *testing.T) {
	day := year / 365
	for _, x := range []struct{ now, want Time }{
		{-1, Reach},
		{0, Reach},
		{56 * year, 156 * year},
		{MaxTime - Reach - year, MaxTime - year},
		{MaxTime - Reach, MaxTime - year},
		{MaxTime - year - day, MaxTime - year},
		{MaxTime - day, MaxTime - day},
		{MaxTime, MaxTime},
		{1<<63 - 1, MaxTime},
	} {
		if got := Follows(x.now); got != x.want {
			t.Errorf("a clock that says %s follows up to %s, not %s", x.now, got, x.want)
		}
	}
}
