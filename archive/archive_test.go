package archive_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/archive"
)

// Paths are formed like those of the ledger's positions, so they are the same everywhere and
// never change.
func TestPath(t *testing.T) {
	for agent, path := range map[string]string{"alice-box-ab2c": "logs/d/9/alice-box-ab2c", "bob": "logs/8/1/bob"} {
		if got := archive.Path(agent); got != path {
			t.Errorf("%s is at %s", agent, got)
		}
	}
	for _, path := range []string{"", "bob", "logs/8/2/bob", "logs/81/bob", "logs/8/1/bob/", "logs/8/1/bob/x", "logs/8/1/Bob", "8/1/bob", "/logs/8/1/bob", "logs/8/1/../bob"} {
		if got := archive.AgentAt(path); got != "" {
			t.Errorf("%q is the place of %q", path, got)
		}
	}
	if got := archive.AgentAt("logs/8/1/bob"); got != "bob" {
		t.Errorf("the place of bob is that of %q", got)
	}
}

func TestJudge(t *testing.T) {
	good := func(tree string) archive.Log {
		return archive.Log{Tree: tree, Seq: 5, Hash: "h-" + tree, Retired: true}
	}
	add := func(agent, tree string) archive.Entry { return archive.Entry{Path: archive.Path(agent), New: tree} }
	for _, c := range []struct {
		name    string
		changes []archive.Entry
		parents []archive.Log // sorted by agent
		want    string
	}{
		{"nothing", nil, nil, archive.Empty},
		{"one", []archive.Entry{add("bob", "t1")}, []archive.Log{good("t1")}, ""},
		{"two, in the order of ids", []archive.Entry{add("carol", "t2"), add("bob", "t1")}, []archive.Log{good("t1"), good("t2")}, ""},
		{"two, in another order", []archive.Entry{add("carol", "t2"), add("bob", "t1")}, []archive.Log{good("t2"), good("t1")}, archive.Altered},
		{"no parent", []archive.Entry{add("bob", "t1")}, nil, archive.BadParents},
		{"a parent too many", []archive.Entry{add("bob", "t1")}, []archive.Log{good("t1"), good("t2")}, archive.BadParents},
		{"a parent for nothing", nil, []archive.Log{good("t1")}, archive.BadParents},
		{"a removed entry", []archive.Entry{{Path: archive.Path("bob"), Old: "t1"}}, nil, archive.Removed},
		{"an altered entry", []archive.Entry{{Path: archive.Path("bob"), Old: "t1", New: "t2"}}, []archive.Log{good("t2")}, archive.Altered},
		{"an entry at another place", []archive.Entry{{Path: "logs/0/0/bob", New: "t1"}}, []archive.Log{good("t1")}, archive.BadTree},
		{"a file", []archive.Entry{{Path: archive.Path("bob"), New: "t1", Odd: true}}, []archive.Log{good("t1")}, archive.BadTree},
		{"a file that is removed", []archive.Entry{{Path: "x", Old: "t1", Odd: true}}, nil, archive.BadTree},
		{"a damaged log", []archive.Entry{add("bob", "t1")}, []archive.Log{{Tree: "t1", Seq: 5, Hash: "h-t1", Damaged: true, Retired: true}}, archive.Damaged},
		{"an empty log", []archive.Entry{add("bob", "t1")}, []archive.Log{{Tree: "t1", Retired: true}}, archive.Damaged},
		{"an agent at work", []archive.Entry{add("bob", "t1")}, []archive.Log{{Tree: "t1", Seq: 5, Hash: "h-t1"}}, archive.NotRetired},
		{"the second is at work", []archive.Entry{add("bob", "t1"), add("carol", "t2")}, []archive.Log{good("t1"), {Tree: "t2", Seq: 5, Hash: "h-t2"}}, archive.NotRetired},
		{"another end", []archive.Entry{add("bob", "t1")}, []archive.Log{{Tree: "t1", Seq: 6, Hash: "h-t1", Retired: true}}, archive.NotCovered},
		{"another log", []archive.Entry{add("bob", "t1")}, []archive.Log{{Tree: "t1", Seq: 5, Hash: "h", Retired: true}}, archive.NotCovered},
	} {
		f, err := archive.Judge(false, c.changes, len(c.parents), func(parent int, agent string) (archive.Log, error) {
			if want := []string{"bob", "carol"}[parent]; agent != want {
				t.Errorf("%s: parent %d is read as the log of %s", c.name, parent, agent)
			}
			return c.parents[parent], nil
		}, func(agent string, seq uint64, hash string) (bool, error) {
			return seq == 5 && slices.Contains([]string{"h-t1", "h-t2"}, hash), nil
		})
		got := ""
		if f != nil {
			got = f.Reason
		}
		if got != c.want || err != nil {
			t.Errorf("%s: %q, want %q; %v", c.name, got, c.want, err)
		}
	}
	if f, err := archive.Judge(true, nil, 0, nil, nil); f != nil || err != nil {
		t.Errorf("the first step: %v, %v", f, err)
	}
	if f, _ := archive.Judge(true, []archive.Entry{add("bob", "t1")}, 0, nil, nil); f == nil || f.Reason != archive.BadParents {
		t.Errorf("a first step with a log: %v", f)
	}
	broken := errors.New("broken")
	one := []archive.Entry{add("bob", "t1")}
	if _, err := archive.Judge(false, one, 1, func(int, string) (archive.Log, error) { return archive.Log{}, broken }, nil); err != broken {
		t.Error(err)
	}
	if _, err := archive.Judge(false, one, 1, func(int, string) (archive.Log, error) { return good("t1"), nil }, func(string, uint64, string) (bool, error) { return false, broken }); err != broken {
		t.Error(err)
	}
}
