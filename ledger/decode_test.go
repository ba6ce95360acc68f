package ledger_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// Reading trees: strict, bounded, and the same bytes again.

// rich is a ledger with something of everything.
func rich(t testing.TB) *ledger.Ledger {
	s := newScene(t)
	data, err := ledger.EncodeBase(migrated())
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Root(hubID, data, "agent-a", at(0))
	if err != nil {
		t.Fatal(err)
	}
	s.tip = s.add(&commit{files: l.Files()})
	u := s.create("agent-a")
	s.claim("agent-a", u, false)
	s.claim("agent-b", u, true)
	s.say("agent-b", &event.MilestoneCreated{UUID: s.uuid(), Name: "m", CreatedAt: at(1)})
	s.step()
	old := s.fork(func() { s.create("agent-b"); s.step("agent-b") }, func() { s.create("agent-a"); s.step("agent-a") })
	return s.merge(old)
}

func TestDecodeIsStrict(t *testing.T) {
	good := rich(t).Files()
	d, err := ledger.Decode(good)
	if err != nil || !maps.EqualFunc(d.Files(), good, bytes.Equal) {
		t.Fatal(err)
	}
	if words(d) != words(rich(t)) {
		t.Fatal(words(d))
	}
	for path, data := range good {
		without := maps.Clone(good)
		delete(without, path)
		for name, files := range map[string]map[string][]byte{
			"without": without,
			"cut":     with(good, path, data[:len(data)-1]),
			"longer":  with(good, path, append(bytes.Clone(data), '\n')),
			"twice":   with(good, path, append(bytes.Clone(data), data...)),
			"empty":   with(good, path, nil),
		} {
			if d, err := ledger.Decode(files); err == nil || d != nil {
				t.Errorf("%s '%s' is accepted", name, path)
			}
		}
	}
	state := string(good["state.json"])
	for _, x := range [][2]string{
		{`"hub_version":4`, `"hub_version":3`}, {`"rules":1`, `"rules":2`}, {`"sequence":`, `"sequence":0`},
		{`"sequence":`, `"more":1,"sequence":`}, {`"rules":1,`, ``}, {`"written_by":"agent-a"`, `"written_by":""`},
		{`"written_by":"agent-a"`, `"written_by":"a b"`}, {`"last":`, `"last":9`}, {`"claim_seq":2`, `"claim_seq":0`},
		{`"token":2`, `"token":0`}, {`"queue":{`, `"queue":{},"queu2":{`}, {`"aliases":{`, `"aliases":{},"aliaset":{`},
		{`[{"agent":"agent-b"`, `[{"agent":"agent-a"`}, {`"hub":"6`, `"hub":"X`}, {`"meta":"0`, `"meta":"x`},
	} {
		// {"last":9…} stays below the limit of the number and is refused for
		// nothing but its sum; one that is greater than all numbers is fine.
		now := strings.Replace(state, x[0], x[1], 1)
		if now == state {
			t.Fatalf("'%s' is not there:\n%s", x[0], state)
		}
		if _, err := ledger.Decode(with(good, "state.json", []byte(now))); err == nil && x[0] != `"last":` {
			t.Errorf("%s is accepted", x[1])
		}
	}
}

// TestDecodeRefusesWhatHasTheRightHash: the hashes agree, the files are wrong.
func TestDecodeRefusesWhatHasTheRightHash(t *testing.T) {
	s := newScene(t)
	u := s.create("agent-a")
	l := s.step()
	one := ledger.Numbered{Number: 1, UUID: u, Agent: "agent-a", Seq: 1}
	for name, list := range map[string][]ledger.Numbered{
		"a number twice":      {one, {Number: 1, UUID: s.uuid(), Agent: "agent-a", Seq: 2}},
		"a uuid twice":        {one, {Number: 2, UUID: u, Agent: "agent-a", Seq: 2}},
		"number 0":            {{Number: 0, UUID: u, Agent: "agent-a", Seq: 1}},
		"an agent of two":     {{Number: 1, UUID: u, Agent: "agent a", Seq: 1}},
		"the nil uuid":        {{Number: 1, Agent: "agent-a", Seq: 1}},
		"too great a number":  {{Number: 1 << 60, UUID: u, Agent: "agent-a", Seq: 1}},
		"too great a seq":     {{Number: 1, UUID: u, Agent: "agent-a", Seq: 1 << 60}},
		"an agent id missing": {{Number: 1, UUID: u, Seq: 1}},
	} {
		if _, err := ledger.Decode(l.ForgeNumbers(list).Files()); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := ledger.Decode(l.ForgeNumbers([]ledger.Numbered{one}).Files()); err != nil {
		t.Fatal(err)
	}
	files := l.Files()
	for p, data := range files {
		if strings.HasPrefix(p, "positions/") {
			delete(files, p)
			files["positions/0/0"] = data
		}
	}
	if _, err := ledger.Decode(files); err == nil {
		t.Error("an agent in the wrong shard is accepted")
	}
}

func with(files map[string][]byte, path string, data []byte) map[string][]byte {
	out := maps.Clone(files)
	out[path] = data
	return out
}

// FuzzDecode: no panic, nothing on an error, the same bytes again.
func FuzzDecode(f *testing.F) {
	// A tree as one text: length of the path, length of the bytes, both.
	pack := func(files map[string][]byte) (b []byte) {
		for _, p := range slices.Sorted(maps.Keys(files)) {
			b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(len(p))), uint64(len(files[p])))
			b = append(append(b, p...), files[p]...)
		}
		return b
	}
	unpack := func(b []byte) map[string][]byte {
		files := map[string][]byte{}
		for len(b) > 0 {
			n, k := binary.Uvarint(b)
			if k <= 0 {
				break
			}
			m, j := binary.Uvarint(b[k:])
			if j <= 0 || n > uint64(len(b)) || m > uint64(len(b)) || n+m > uint64(len(b)-k-j) {
				break
			}
			b = b[k+j:]
			files[string(b[:n])] = b[n : n+m : n+m]
			b = b[n+m:]
		}
		return files
	}
	root, _ := ledger.Root(hubID, nil, "agent-a", at(0))
	f.Add(pack(root.Files()))
	f.Add(pack(rich(f).Files()))
	_, d := crowd(f, 9, 70, 2)
	f.Add(pack(d.Ledger.Files()))
	f.Fuzz(func(t *testing.T, in []byte) {
		files := unpack(in)
		l, err := ledger.Decode(files)
		if err != nil {
			if l != nil {
				t.Fatal("a ledger and an error")
			}
			return
		}
		if !maps.EqualFunc(l.Files(), files, bytes.Equal) {
			t.Fatalf("%q became %q", files, l.Files())
		}
	})
}

// FuzzDecodeBase is the same for base.json.
func FuzzDecodeBase(f *testing.F) {
	data, err := ledger.EncodeBase(migrated())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, in []byte) {
		b, err := ledger.DecodeBase(in)
		if err != nil {
			return
		}
		if out, err := ledger.EncodeBase(b); err != nil || !bytes.Equal(in, out) {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
	})
}

// line3 is a level-3 line.
func line3(agent string, seq int) *event.Envelope {
	e, err := event.Decode3(fmt.Appendf(nil, `{"agent_id":%q,"agent_seq":%d,"timestamp":"2025-01-01T00:00:0%dZ","event":{"type":"LabelAdded","issue_uuid":"%s","label":"é\n"}}`, agent, seq, seq, event.UUID{1}))
	if err != nil {
		panic(err)
	}
	return e
}

// migrated is what a level-3 hub held.
func migrated() *ledger.Base {
	secs := uint64(90)
	return &ledger.Base{HubVersion: 3, Source: strings.Repeat("ab", 20), Base: event.Base{
		Issues: []event.BaseIssue{
			{
				UUID: event.UUID{1}, Number: 3, Title: "two\nlines", Description: "d", Status: event.Closed, Priority: event.High,
				Parent: event.UUID{2}, CreatedBy: "x", CreatedAt: at(1), UpdatedAt: at(2), ClosedAt: at(3), ScheduledAt: at(4), DueAt: at(5),
				Labels: []string{"a", "b"}, Assignees: []string{"ann", "bob"}, Blockers: []event.UUID{{2}}, Related: []event.UUID{{3}}, Milestone: event.UUID{9},
				Comments: []event.BaseComment{{
					UUID: event.UUID{4}, Author: "x", Content: "c", CreatedAt: at(6), Kind: "note",
					TriggerType: "redirect", InterventionContext: "i", DriverKeyFingerprint: "f",
				}},
				Time: []event.BaseTime{{UUID: event.UUID{5}, StartedAt: at(7), EndedAt: at(8), DurationSeconds: &secs}},
			},
			{UUID: event.UUID{2}, Title: "plain", Status: event.Open, Priority: event.Low, CreatedAt: at(1)},
		},
		Milestones: []event.BaseMilestone{{UUID: event.UUID{9}, Number: 2, Name: "m", Description: "d", Status: event.Open, CreatedAt: at(1), ClosedAt: at(9)}},
		Deleted:    []event.UUID{{7}},
		Lines:      []*event.Envelope{line3("Bob_3", 1), line3("ann", 1), line3("ann", 2)},
		Numbers:    map[event.UUID]uint64{{1}: 3, {7}: 1},
		NextIssue:  5, NextMilestone: 1,
	}}
}
