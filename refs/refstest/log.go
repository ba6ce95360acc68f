package refstest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
)

// race lets many writers append to one log by compare-and-swap: at the end every
// acknowledged line is in it exactly once.
func race(t *testing.T, l refs.Local, m LocalMaker) {
	const writers, each = 4, 5
	handles := []refs.Local{l, l}
	if m.Again != nil {
		other := m.Again(t, l)
		t.Cleanup(func() { other.Close() })
		handles[1] = other
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := AppendOne(handles[w%2], "alice-1", fmt.Sprintf("%d.%d", w, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := make(map[string]int)
	for _, line := range lines(t, l, "alice-1") {
		seen[line]++
	}
	if len(seen) != writers*each {
		t.Errorf("%d lines are there, %d were acknowledged", len(seen), writers*each)
	}
	for line, n := range seen {
		if n != 1 {
			t.Errorf("line %s is there %d times", line, n)
		}
	}
}

// AppendOne appends a line to an agent's log and tries again on conflict.
func AppendOne(l refs.Local, agent, line string) error {
	name := refs.HubPrefix + "agents/" + agent
	for {
		rs, err := l.Refs(ctx, name)
		if err != nil {
			return err
		}
		var tip refs.OID
		if len(rs) > 0 {
			tip = rs[0].OID
		}
		id, err := refs.AppendLog(ctx, l, agent, tip, [][]byte{[]byte(line)}, info(line))
		if err != nil {
			return err
		}
		err = l.Swap(ctx, []refs.Update{{Ref: name, Old: tip, New: id}})
		if !errors.Is(err, refs.ErrConflict) {
			return err
		}
	}
}

func lines(t *testing.T, l refs.Local, agent string) []string {
	t.Helper()
	rs, err := l.Refs(ctx, refs.HubPrefix+"agents/"+agent)
	if err != nil || len(rs) != 1 {
		t.Fatal(rs, err)
	}
	log, err := refs.ReadLog(ctx, l, agent, rs[0].OID, 0)
	if err != nil || log.Bad != "" {
		t.Fatal(err, log.Bad)
	}
	var out []string
	for _, b := range log.Lines {
		out = append(out, string(b))
	}
	return out
}

func logRoundTrip(t *testing.T, l refs.Local) {
	var tip refs.OID
	var want []string
	for i, n := range []int{1, 62, 1, 1, 130, 60, 1} {
		var add [][]byte
		for k := range n {
			add = append(add, fmt.Appendf(nil, "%d/%d", i, k))
			want = append(want, string(add[k]))
		}
		next, err := refs.AppendLog(ctx, l, "alice-1", tip, add, info("more"))
		if err != nil {
			t.Fatal(err)
		}
		rel, err := refs.IsPrefix(ctx, l, "alice-1", tip, next)
		if err != nil || rel != refs.Prefix {
			t.Fatal(rel, err)
		}
		tip = next
	}
	for _, from := range []uint64{0, 1, 64, 65, 200, 256, 257, 1000} {
		log, err := refs.ReadLog(ctx, l, "alice-1", tip, from)
		if err != nil || log.Bad != "" {
			t.Fatal(err, log.Bad)
		}
		if log.First > max(from, 1) && log.First != 193 || int(log.First)+len(log.Lines) != len(want)+1 {
			t.Fatalf("from %d: %d lines from %d", from, len(log.Lines), log.First)
		}
		for i, b := range log.Lines {
			if string(b) != want[int(log.First)-1+i] {
				t.Fatalf("from %d: line %d is %s", from, int(log.First)+i, b)
			}
		}
	}
}
