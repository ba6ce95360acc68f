package verb

import (
	"errors"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

func draft(n byte, ref, parent string, before ...string) Draft {
	return Draft{NewIssue: NewIssue{UUID: event.UUID{n}, Parent: parent, BlockedBy: before}, Ref: ref}
}

func TestConnectTakesNamesOfDraftsOut(t *testing.T) {
	drafts := []Draft{draft(1, "a", "c", "b", "12", "b"), draft(2, "b", ""), draft(3, "c", "9")}
	edges, err := Connect(drafts)
	if err != nil {
		t.Fatal(err)
	}
	if len(edges) != 2 {
		t.Fatalf("%d edges", len(edges))
	}
	if p, ok := edges[0].(*event.ParentChanged); !ok || p.Parent != drafts[2].UUID || p.Issue != drafts[0].UUID {
		t.Errorf("parent: %+v", edges[0])
	}
	if d, ok := edges[1].(*event.DependencyAdded); !ok || d.Blocked != drafts[0].UUID || d.Blocker != drafts[1].UUID {
		t.Errorf("blocker: %+v", edges[1])
	}
	if a := drafts[0]; a.Parent != "" || len(a.BlockedBy) != 1 || a.BlockedBy[0] != "12" || drafts[2].Parent != "9" {
		t.Errorf("left: %+v", drafts)
	}
}

func TestConnectRefuses(t *testing.T) {
	found := draft(1, "a", "")
	found.DiscoveredFrom = "a"
	for _, c := range []struct {
		drafts []Draft
		at     int
		says   string
	}{
		{[]Draft{draft(1, "a", ""), draft(2, "a", "")}, 1, "twice"},
		{[]Draft{draft(1, "a", "", "a")}, 0, "wait for itself"},
		{[]Draft{draft(1, "x", ""), draft(2, "a", "", "b"), draft(3, "b", "", "c"), draft(4, "c", "", "a")}, 1, "wait for itself"},
		{[]Draft{draft(1, "a", "b"), draft(2, "b", "a")}, 0, "own parent"},
		{[]Draft{found}, 0, "itself"},
	} {
		_, err := Connect(c.drafts)
		var wrong *DraftError
		if !errors.As(err, &wrong) || wrong.Draft != c.at || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.says, err)
		}
	}
}
