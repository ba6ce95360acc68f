package replay

import (
	"encoding/json"
	"testing"

	"github.com/git-crosslink/git-crosslink/trust"
)

// A verdict that was kept and cannot be read lets nothing count: no verdict would mean
// that all lines do.
func TestUnreadVerdictCountsNothing(t *testing.T) {
	whole, err := json.Marshal(&trust.Verdict{Agent: "alice", Lines: 7, Fed: 5, Ends: trust.RuleRevoked})
	if err != nil {
		t.Fatal(err)
	}
	s := &State{Logs: newLogs(0)}
	for _, c := range []struct {
		name string
		Cursor
		fed  uint64
		ends string
	}{
		{"whole", Cursor{Judged: whole}, 5, trust.RuleRevoked},
		{"cut", Cursor{Judged: whole[:len(whole)-1]}, 0, trust.RuleUnread},
		{"of another type", Cursor{Judged: json.RawMessage(`{"Fed":"5"}`)}, 0, trust.RuleUnread},
		{"null", Cursor{Judged: json.RawMessage(`null`)}, 0, trust.RuleUnread},
		{"cut checkpoint", Cursor{Trust: json.RawMessage(`{"lines":7`)}, 0, trust.RuleUnread},
		{"bad key", Cursor{Trust: json.RawMessage(`{"lines":7,"keys":["ssh-ed25519 x"]}`)}, 0, trust.RuleUnread},
		{"null checkpoint", Cursor{Trust: json.RawMessage(`null`)}, 0, trust.RuleUnread},
	} {
		c.Seq = 7
		kept, err := DecodeCursor(c.Encode())
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		s.Logs.set("alice", kept)
		v := s.Verdict("alice")
		if v == nil || v.Fed != c.fed || v.Ends != c.ends || v.Lines != 7 || v.Agent != "alice" {
			t.Errorf("%s: %+v", c.name, v)
			continue
		}
		if v.Mark(6) != c.ends || v.Mark(1) != c.ends && c.fed == 0 {
			t.Errorf("%s: lines are marked %q, %q", c.name, v.Mark(1), v.Mark(6))
		}
	}
	s.Logs.set("alice", &Cursor{Seq: 7})
	if v := s.Verdict("alice"); v != nil {
		t.Errorf("without a meta: %+v", v)
	}
}
