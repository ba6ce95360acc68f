package store_test

import (
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// Roots are found without a row being read. A deleted issue, or an issue in a cycle, is no
// parent, and connects no open issue to a tree.
func TestRoots(t *testing.T) {
	t.Parallel()
	w, _ := crowd(t, 40)
	var u []event.UUID
	for _, e := range w.lines {
		u = append(u, e.Body.(*event.IssueCreated).UUID)
	}
	// 1 has 0 as parent, and so on up to 9: a deep tree; 5 is deleted
	for n := 1; n < 10; n++ {
		w.say(t, &event.ParentChanged{Issue: u[n], Parent: u[n-1]})
	}
	w.say(t, &event.IssueDeleted{UUID: u[5]})
	w.say(t, &event.ParentChanged{Issue: u[11], Parent: u[10]}) // 12 is below 11, which forms a cycle with 10
	w.say(t, &event.ParentChanged{Issue: u[10], Parent: u[11]})
	w.say(t, &event.ParentChanged{Issue: u[12], Parent: u[11]})
	w.say(t, &event.ParentChanged{Issue: u[14], Parent: u[13]}) // closed, above an archived and an open one
	w.say(t, &event.ParentChanged{Issue: u[15], Parent: u[14]})
	w.say(t, &event.ParentChanged{Issue: u[17], Parent: u[16]}) // both closed
	w.say(t, &event.ParentChanged{Issue: u[20], Parent: u[19]}) // a circle of a closed and an open one
	w.say(t, &event.ParentChanged{Issue: u[19], Parent: u[20]})
	for _, n := range []int{0, 1, 2, 3, 4, 10, 11, 13, 16, 17, 18, 19} {
		w.say(t, &event.StatusChanged{UUID: u[n], NewStatus: event.Closed})
	}
	for _, n := range []int{14, 21} {
		w.say(t, &event.StatusChanged{UUID: u[n], NewStatus: event.Archived})
	}
	s := files(t)
	if _, err := w.bring(s); err != nil {
		t.Fatal(err)
	}
	f := mustFile(t, s, w)
	all := slices.Concat([]event.UUID{u[0], u[6], u[10], u[11], u[13], u[16]}, u[18:])
	open := slices.Concat([]event.UUID{u[6], u[11], u[13], u[20]}, u[22:])
	for _, p := range []projection{w.memory(), f} {
		if got, err := p.Roots(false); err != nil || !slices.Equal(got, all) {
			t.Errorf("%T: the roots are %v, %v", p, got, err)
		}
		if got, err := p.Roots(true); err != nil || !slices.Equal(got, open) {
			t.Errorf("%T: the roots of trees with an open issue are %v, %v", p, got, err)
		}
	}
	if f.Fallen() || f.RowsRead() != 0 {
		t.Errorf("%d rows were read", f.RowsRead())
	}
}
