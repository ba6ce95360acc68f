package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// near are uuids that are hard to tell apart, of digits alone, and deleted.
var near = []string{
	"0d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e", "0d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3f", "0d0f9f0f-0000-4000-8000-000000000000",
	"12345678-9012-4345-8678-901234567890", "12345678-9012-4345-8678-90123456789a", "deadbeef-0000-4000-8000-000000000000",
}

func nearby(t testing.TB) (*store.Memory, map[event.UUID]bool) {
	s := reducer.New()
	numbers, shown := map[event.UUID]uint64{}, map[event.UUID]bool{}
	put := func(seq uint64, b event.Body) {
		s.Apply(&event.Envelope{Agent: "alice", Seq: seq, Time: event.Time(seq), Body: b, Event: []byte{byte(seq)}})
	}
	for i, x := range near {
		u := uuid.MustParse(x)
		put(uint64(i+1), &event.IssueCreated{UUID: u, Title: x, Priority: event.Low, CreatedBy: "alice"})
		numbers[u], shown[u] = uint64(i+1), true
	}
	gone := uuid.MustParse(near[len(near)-1])
	put(100, &event.IssueDeleted{UUID: gone})
	delete(shown, gone)
	return store.NewMemory(s, nil, numbers), shown
}

// FuzzResolve: whatever is typed names one issue that is shown, or is refused
// with one of three errors; what is printed for an issue names it.
func FuzzResolve(f *testing.F) {
	for _, x := range near {
		f.Add(x)
		f.Add(strings.ToUpper(x[:7]))
		f.Add(x[:13])
	}
	for _, x := range []string{"1", "#1", "##1", "0001", "-1", "99999999999999999999", "deadbeef", "0d0f", "d", "----", "0d-0f-9f", "\x00", "é", "#"} {
		f.Add(x)
	}
	m, shown := nearby(f)
	f.Fuzz(func(t *testing.T, id string) {
		u, err := m.Resolve(id)
		var missing *store.NotFoundError
		var many *store.AmbiguousError
		var bad *store.BadIDError
		switch {
		case err == nil:
			if !shown[u] {
				t.Fatalf("%q names %s, which is not shown", id, u)
			}
			row, err := m.Issue(u)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := m.Resolve(row.Short); err != nil || again != u {
				t.Fatalf("the short id %s of %s names %s, %v", row.Short, u, again, err)
			}
			hex := strings.ReplaceAll(u.String(), "-", "")
			typed := strings.ToLower(strings.ReplaceAll(id, "-", ""))
			if strings.Trim(strings.TrimPrefix(id, "#"), "0123456789") != "" && !strings.HasPrefix(hex, typed) {
				t.Fatalf("%q names %s", id, u)
			}
		case u != (event.UUID{}):
			t.Fatal("both")
		case errors.As(err, &many):
			if len(many.Candidates) < 2 {
				t.Fatalf("%q: %+v", id, many)
			}
		case !errors.As(err, &missing) && !errors.As(err, &bad):
			t.Fatalf("%q: %v", id, err)
		}
		if c, i, err := m.ResolveComment(id); err == nil {
			t.Fatalf("%q names the comment %s of %s", id, c, i)
		}
	})
}

// A number that a hub lost names the issue that had it, unless the number has
// been given again: then it is that one's.
func TestLostNumbers(t *testing.T) {
	m, _ := nearby(t) // 1 to 6
	m.WithDecided(store.Decided{Aliases: map[uint64]uint64{9: 2, 3: 4, 8: 6, 10: 77}})
	for id, want := range map[string]string{"9": near[1], "#9": near[1], "3": near[2], "2": near[1]} {
		if u, err := m.Resolve(id); err != nil || u.String() != want {
			t.Errorf("'%s' is %s, %v", id, u, err)
		}
	}
	for id, gone := range map[string]string{"8": "6", "10": "", "11": ""} { // of a deleted one, of none, of nothing
		_, err := m.Resolve(id)
		missing, ok := errors.AsType[*store.NotFoundError](err)
		if !ok || missing.ID != id || missing.Deleted != gone {
			t.Errorf("'%s': %v", id, err)
		}
	}
}
