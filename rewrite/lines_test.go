package rewrite

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

const (
	hub    = "0b9f2a52-6a3a-4a52-9f0e-0123456789ab"
	oldHub = "1b9f2a52-6a3a-4a52-9f0e-0123456789ab"
	oldKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJrUyo8U3SL4EoqoK4T6G9r0Zq6O4x1b9B7c5Vd3m2Xy"
	newKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1fG8m8AuHh5UkzOLv9q3oVSQQ2o5uJvrw7x9S2Khoh"
)

// randomLog is a log as an agent may have written it, with clocks that jump.
func randomLog(t *testing.T, r *rand.Rand) (log []*event.Envelope) {
	t.Helper()
	u := func() event.UUID { return event.UUID{0xab, 0xcd, 0xef, byte(r.IntN(4)), 6: 0x40, 8: 0x80} }
	c := event.Chain{Hub: oldHub, Agent: "old"}
	for range r.IntN(12) {
		bodies := []event.Body{
			&event.AgentIntroduced{Kind: event.Person, PublicKey: []string{"", oldKey}[r.IntN(2)], Description: []string{"", "x"}[r.IntN(2)]},
			&event.KeyRotated{PublicKey: oldKey},
			&event.IssueCreated{UUID: u(), Title: "t", Priority: event.Medium, CreatedBy: "a"},
			&event.LockClaimed{Issue: u()},
			&event.LockReleased{Issue: u()},
			&event.IssueDeleted{UUID: u(), Deletion: u()},
			&event.IssueUndeleted{UUID: u(), Deletion: u()},
			&event.LabelAdded{Issue: u(), Label: "a"},
			&event.AgentRetired{Reason: "x"},
		}
		e := &event.Envelope{Body: bodies[r.IntN(len(bodies))]}
		if len(log) == 0 {
			e.Body = bodies[0]
		}
		if r.IntN(3) == 0 {
			e.Extra = [][]byte{[]byte(`"zzz":1`)}
		}
		line, err := c.Stamp(e, event.Time(r.IntN(50)), event.Time(r.IntN(50)))
		if err != nil {
			t.Fatal(err)
		}
		if e, err = event.Decode(line); err != nil {
			t.Fatal(err)
		}
		log = append(log, e)
	}
	return log
}

// TestLines: the rewritten lines are a valid log with the same events in the same order, at
// accepted times. Of the keys, it has only the one that signs.
func TestLines(t *testing.T) {
	did := map[string]int{}
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 14))
		old := randomLog(t, r)
		p := Plan{On: event.Chain{Hub: hub, Agent: []string{"old", "new"}[r.IntN(2)]}, KeepKeys: r.IntN(3) == 0}
		if r.IntN(2) == 0 {
			p.Key = newKey
		}
		if r.IntN(2) == 0 {
			p.Latest = event.Time(1 + r.IntN(60))
		}
		at := r.IntN(len(old) + 1)
		start, first, err := Lines(old[:at], p)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		on := p
		on.On = start
		end, rest, err := Lines(old[at:], on)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		whole, all, err := Lines(old, p)
		if err != nil || !bytes.Equal(bytes.Join(all, nil), bytes.Join(append(first, rest...), nil)) || whole.Hash != end.Hash {
			t.Fatalf("seed %d: in two parts it is another log: %v", seed, err)
		}
		c, n := p.On, 0
		for _, e := range old {
			in, introduces := e.Body.(*event.AgentIntroduced)
			_, rotates := e.Body.(*event.KeyRotated)
			if !p.KeepKeys && (rotates || introduces && c.Seq > 0 && in.Description == "") {
				did["left out"]++
				continue
			}
			if n == len(all) {
				t.Fatalf("seed %d: line %d is missing", seed, e.Seq)
			}
			got, err := c.Next(all[n])
			if n++; err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			shown := e.Shown()
			if p.Latest > 0 && e.Time > p.Latest {
				shown = min(shown, p.Latest)
				did["stamped"]++
			}
			if got.Shown() != shown || p.Latest > 0 && got.Time > p.Latest || p.Latest == 0 && got.Time != e.Time {
				t.Fatalf("seed %d: line %d is of %d and shown as %d", seed, got.Seq, got.Time, got.Shown())
			}
			if is, ok := got.Body.(*event.AgentIntroduced); ok && !p.KeepKeys {
				if want := map[bool]string{true: p.Key}[got.Seq == 1]; is.PublicKey != want || is.Description != in.Description {
					t.Fatalf("seed %d: it introduces %+v", seed, is)
				}
				did["introduced"]++
			} else if !bytes.Equal(got.Event, e.Event) || got.SignedBy != "" || len(got.Extra) != len(e.Extra) {
				t.Fatalf("seed %d: it says %s, not %s", seed, got.Event, e.Event)
			}
		}
		if n != len(all) {
			t.Fatalf("seed %d: %d lines of %d", seed, len(all), n)
		}
	}
	for _, k := range []string{"left out", "stamped", "introduced"} {
		if did[k] < 100 {
			t.Errorf("'%s' happened %d times", k, did[k])
		}
	}
}

// TestFork: the log of the new agent says who it is and where the old one ends, and
// no lock goes over.
func TestFork(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 15))
		old := randomLog(t, r)
		at := r.IntN(len(old) + 1)
		from := &event.AgentForkedFrom{Agent: "old"}
		if at > 0 {
			from.Seq, from.Hash = uint64(at), event.Hash(old[at-1].Raw)
		}
		c := event.Chain{Hub: hub, Agent: "new"}
		lines, carried, err := Fork(old[at:], &event.AgentIntroduced{Kind: event.Machine}, from, 40, Plan{On: c, Key: newKey, Latest: 40})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		var all []event.Body
		for _, line := range lines {
			e, err := c.Next(line)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			switch e.Body.(type) {
			case *event.LockClaimed, *event.LockReleased, *event.LockBroken:
				t.Fatalf("seed %d: a lock went over", seed)
			}
			all = append(all, e.Body)
		}
		head := 1
		if in, ok := all[0].(*event.AgentIntroduced); !ok || in.PublicKey != newKey || in.Kind != event.Machine {
			t.Fatalf("seed %d: it begins with %+v", seed, all[0])
		}
		if at > 0 {
			head = 2
			if is, ok := all[1].(*event.AgentForkedFrom); !ok || *is != *from {
				t.Fatalf("seed %d: it goes on from %+v", seed, all[1])
			}
		}
		if carried != len(lines)-head {
			t.Fatalf("seed %d: %d of %d lines are carried over", seed, carried, len(lines))
		}
	}
}
