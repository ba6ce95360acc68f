package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// countedRows records which rows are read.
type countedRows struct {
	tracker.Projection
	read  map[event.UUID]bool
	lists int
}

func (c *countedRows) Row(u event.UUID) (*store.Issue, error) {
	i, err := c.Projection.Row(u)
	if err == nil {
		c.read[u] = true
	}
	return i, err
}

func (c *countedRows) List(f store.Filter) ([]*store.Issue, int, error) {
	c.lists++
	return c.Projection.List(f)
}

// tree reads the issues that it prints and no other: people get a page.
func TestTreeReadsWhatItPrints(t *testing.T) {
	w := newWorld(t)
	for n := range 70 {
		w.id(fmt.Sprint("issue ", n))
	}
	for _, c := range []struct {
		words       []string
		first, rows int
		warned      bool
	}{
		{[]string{"tree"}, 1, 50, true},
		{[]string{"tree", "--limit", "2"}, 1, 2, true},
		{[]string{"tree", "--limit", "0"}, 1, 70, false},
		{[]string{"tree", "-q"}, 1, 70, false},
		{[]string{"tree", "-q", "--limit", "3"}, 1, 3, false},
		{[]string{"tree", "--after", w.hub.uuidOf(60), "--limit", "4"}, 61, 4, true},
		{[]string{"tree", "--porcelain"}, 0, 70, false},
	} {
		p := &countedRows{read: map[event.UUID]bool{}}
		w.hub.seen = func(all tracker.Projection) tracker.Projection { p.Projection = all; return p }
		r := w.ok(c.words...)
		lines := strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")
		if len(lines) != c.rows || len(p.read) != c.rows || p.lists != 0 || !strings.HasPrefix(lines[0], fmt.Sprint(c.first)) {
			t.Errorf("%v prints %d lines from %q, reads %d rows and lists %d times", c.words, len(lines), lines[0], len(p.read), p.lists)
		}
		if warned := strings.Contains(r.err, fmt.Sprintf("showing %d of 70 trees", c.rows)); warned != c.warned {
			t.Errorf("%v says %q", c.words, r.err)
		}
	}
}

// uuidOf is the uuid of a numbered issue.
func (h *memoryHub) uuidOf(number uint64) string {
	for u, n := range h.numbers {
		if n == number {
			return u.String()
		}
	}
	return ""
}
