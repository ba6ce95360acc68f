package cli

import (
	"fmt"
	"testing"
)

// TestListed: of the findings of one name the first are listed and the rest is
// counted, whatever stands between them.
func TestListed(t *testing.T) {
	many := func(name string, n int) (all []diagnosisShape) {
		for i := range n {
			all = append(all, diagnosisShape{Name: name, Severity: "warning", Text: fmt.Sprint(name, " ", i)})
		}
		return all
	}
	for _, c := range []struct {
		all      []diagnosisShape
		unlisted int
		shown    int
		last     string
		total    int
	}{
		{nil, 0, 0, "", 0},
		{many("hub", shownAlike), 0, shownAlike, "hub 19", shownAlike},
		{many("hub", shownAlike+1), 0, shownAlike + 1, "and 1 more findings of this kind", shownAlike + 1},
		{many("hub", 1000), 4000, shownAlike + 1, "and 4980 more findings of this kind", 5000},
		{append(many("hub", 30), many("ended", 3)...), 0, shownAlike + 1 + 3, "ended 2", 33},
		{append(many("ended", 3), many("hub", 30)...), 5, 3 + shownAlike + 1, "and 15 more findings of this kind", 38},
	} {
		shown, total := listed(c.all, c.unlisted)
		last := ""
		if len(shown) > 0 {
			last = shown[len(shown)-1].Text
		}
		if len(shown) != c.shown || last != c.last || total != c.total {
			t.Errorf("%d findings: %d are shown, the last '%s', of %d; want %d, '%s', %d", len(c.all), len(shown), last, total, c.shown, c.last, c.total)
		}
	}
}
