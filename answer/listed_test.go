package answer_test

import (
	"fmt"
	"testing"

	"github.com/git-crosslink/git-crosslink/answer"
)

// TestListed: the first findings of each name are listed, and the rest are counted,
// even if findings of other names come in between.
func TestListed(t *testing.T) {
	many := func(name string, n int) (all []answer.Diagnosis) {
		for i := range n {
			all = append(all, answer.Diagnosis{Name: name, Severity: "warning", Text: fmt.Sprint(name, " ", i)})
		}
		return all
	}
	for _, c := range []struct {
		all      []answer.Diagnosis
		unlisted int
		shown    int
		last     string
		total    int
	}{
		{nil, 0, 0, "", 0},
		{many("hub", answer.MaxAlike), 0, answer.MaxAlike, "hub 19", answer.MaxAlike},
		{many("hub", answer.MaxAlike+1), 0, answer.MaxAlike + 1, "and 1 more findings of this kind", answer.MaxAlike + 1},
		{many("hub", 1000), 4000, answer.MaxAlike + 1, "and 4980 more findings of this kind", 5000},
		{append(many("hub", 30), many("ended", 3)...), 0, answer.MaxAlike + 1 + 3, "ended 2", 33},
		{append(many("ended", 3), many("hub", 30)...), 5, 3 + answer.MaxAlike + 1, "and 15 more findings of this kind", 38},
	} {
		shown, total := answer.Listed(c.all, c.unlisted)
		last := ""
		if len(shown) > 0 {
			last = shown[len(shown)-1].Text
		}
		if len(shown) != c.shown || last != c.last || total != c.total {
			t.Errorf("%d findings: %d are shown, the last '%s', of %d; want %d, '%s', %d", len(c.all), len(shown), last, total, c.shown, c.last, c.total)
		}
	}
}
