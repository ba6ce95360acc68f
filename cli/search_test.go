package cli

import (
	"strings"
	"testing"
)

// search '#n' finds issue n itself if the filter lets it pass.
func TestSearchOfANumberIsFiltered(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "one", "--label", "core")
	w.ok("new", "two", "--body", "as #1 says")
	w.ok("new", "…")
	w.ok("close", "1", "3")
	for _, x := range []struct{ args, out string }{
		{"search #1 -q", "1\n2\n"}, // search finds closed issues, too
		{"search #1 -q --status open", "2\n"},
		{"search #1 -q --status closed", "1\n"},
		{"search #1 -q --label core", "1\n"},
		{"search #2 -q --status open", "2\n"},
		{"search #3 -q --status closed", "3\n"},
	} {
		check(t, x.args, w.ok(strings.Fields(x.args)...).out, x.out)
	}
	contains(t, "one of two", w.ok("search", "#1", "--limit", "1", "--json").out, `"total":2`)
	if r := w.ok("search", "#1", "--status", "open", "--limit", "1", "--json"); strings.Contains(r.out, `"total":2`) {
		t.Errorf("one of one: %s", r.out)
	}
}
