package store

import (
	"testing"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// numbered is a projection of issues by number, and of lost numbers.
type numbered struct {
	rows    map[string]*Issue
	deleted map[string]bool
	aliases map[uint64]uint64
}

func (n numbered) Aliases() map[uint64]uint64 { return n.aliases }

func (n numbered) Resolve(id string) (event.UUID, error) {
	if r := n.rows[id]; r != nil {
		return r.UUID, nil
	}
	gone := &NotFoundError{What: "issue", ID: id}
	if n.deleted[id] {
		gone.Deleted = id
	}
	return event.UUID{}, gone
}

func (n numbered) Row(u event.UUID) (*Issue, error) {
	for _, r := range n.rows {
		if r.UUID == u {
			return r, nil
		}
	}
	return nil, &NotFoundError{What: "issue", ID: u.String()}
}

// The report of a lost number is correct: the number belongs to another issue only if it was
// assigned again, even if that issue has since been deleted.
func TestRenumberedSaysWhatIsSo(t *testing.T) {
	row := func(number uint64, title string) *Issue {
		r := &Issue{Issue: &reducer.Issue{}, Number: number}
		r.UUID, r.Title, r.Status = uuid.New(), title, event.Open
		return r
	}
	five, six := row(5, "five"), row(6, "six")
	p := numbered{aliases: map[uint64]uint64{3: 5, 4: 6, 2: 5, 1: 8, 7: 6},
		rows:    map[string]*Issue{"3": row(3, "three"), "5": five, "6": six, "7": six}, // 7 leads to its issue
		deleted: map[string]bool{"4": true, "8": true}}
	want := []string{
		"5 'five' was issue 2 until the hub lost that number",
		"5 'five' was issue 3 until the hub lost that number; 3 is now another issue",
		"6 'six' was issue 4 until the hub lost that number; 4 is now another issue",
		"6 'six' was issue 7 until the hub lost that number",
	}
	got := Renumbered(p)
	if len(got) != len(want) {
		t.Fatalf("%d of them: %v", len(got), got)
	}
	for i, a := range got {
		if a.String() != want[i] {
			t.Errorf("%q, not %q", a, want[i])
		}
	}
}
