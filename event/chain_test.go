package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func stampAll(t *testing.T, c *Chain, n int) [][]byte {
	t.Helper()
	var lines [][]byte
	for range n {
		line, err := c.Stamp(&Envelope{Body: &LabelAdded{UUID{1}, "bug"}}, 1000, 0)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestChain_NextAcceptsWhatStampWrites(t *testing.T) {
	w := Chain{Hub: testHub, Agent: "alice"}
	r := w
	for i, line := range stampAll(t, &w, 5) {
		e, err := r.Next(line)
		if err != nil {
			t.Fatal(err)
		}
		if e.Seq != uint64(i+1) || (e.Prev == "") != (i == 0) || r.Hash != Hash(line) {
			t.Fatalf("%+v", e)
		}
		if e.Key() != (Key{1000, "alice", uint64(i + 1)}) || e.Shown() != 1000 {
			t.Fatalf("%+v", e.Key())
		}
	}
}

func TestChain_WhatEndsTheLog(t *testing.T) {
	w := Chain{Hub: testHub, Agent: "alice"}
	lines := stampAll(t, &w, 3)
	other := func(c Chain) []byte { return stampAll(t, &c, 1)[0] }
	at := Chain{Hub: testHub, Agent: "alice", Seq: 1, Hash: Hash(lines[0]), Time: 1000}
	change := func(f func(c *Chain)) []byte { c := at; f(&c); return other(c) }
	for _, c := range []struct {
		rule   string
		line   []byte
		reason string
	}{
		{"hub", change(func(c *Chain) { c.Hub = "6f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e" }), WrongHub},
		{"agent", change(func(c *Chain) { c.Agent = "bob" }), WrongAgent},
		{"the same line again", lines[0], Sequence},
		{"a line is left out", lines[2], Sequence},
		{"prev", change(func(c *Chain) { c.Hash = Hash(nil) }), PrevHash},
		{"no prev", change(func(c *Chain) { c.Hash = "" }), PrevHash},
		{"a newer level", []byte(`{"v":5}`), Newer},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := at
			e, err := r.Next(c.line)
			var l *LineError
			if e != nil || !errors.As(err, &l) || l.Reason != c.reason {
				t.Fatalf("got %v, want %s", err, c.reason)
			}
			if r.Seq != at.Seq || r.Hash != at.Hash || r.Time != at.Time {
				t.Fatal("the chain moved")
			}
		})
	}
	t.Run("a falling timestamp", func(t *testing.T) {
		r := at
		r.Time = 1001
		_, err := r.Next(lines[1])
		var l *LineError
		if !errors.As(err, &l) || l.Reason != TimeFalls {
			t.Fatal(err)
		}
	})
}

// stamp = min(MAX, max(now, newest seen + 1 ns, own last)); wall when it differs.
func TestChain_StampRule(t *testing.T) {
	for _, c := range []struct {
		rule            string
		now, seen, last Time
		time, wall      Time
	}{
		{"now", 100, 50, 60, 100, 0},
		{"after what was seen", 100, 100, 0, 101, 100},
		{"never before own last", 100, 50, 200, 200, 100},
		{"a clock far ahead was seen", 100, MaxTime - 1, 0, MaxTime, 100},
		{"at the end of time", 100, MaxTime, MaxTime, MaxTime, 100},
		{"beyond the end of time", MaxTime + 5, 0, 0, MaxTime, 0},
		{"a clock before 1970", -5, 7, 0, 8, 0},
		{"nothing seen", 5, 0, 0, 5, 0},
		{"nonsense seen", 5, -9, 0, 5, 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			ch := Chain{Hub: testHub, Agent: "alice", Seq: 3, Hash: Hash(nil), Time: c.last}
			e := &Envelope{Body: &IssueDeleted{UUID: UUID{1}}}
			line, err := ch.Stamp(e, c.now, c.seen)
			if err != nil {
				t.Fatal(err)
			}
			if e.Time != c.time || e.Wall != c.wall || ch.Time != c.time || ch.Seq != 4 {
				t.Fatalf("time %d wall %d, want %d %d", e.Time, e.Wall, c.time, c.wall)
			}
			if e.Shown() != max(c.wall, 0) && c.wall != 0 {
				t.Fatal(e.Shown())
			}
			if _, err := Decode(line); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestChain_StampRefusesAndStaysWhereItIs(t *testing.T) {
	for name, e := range map[string]*Envelope{
		"a bad event":                         {Body: &LabelAdded{UUID{1}, ""}},
		"no event":                            {},
		"an unknown type of a known name":     {Body: &Unknown{"LabelAdded"}},
		"an unknown type without name":        {Body: &Unknown{}},
		"an invalid event of an unknown name": {Body: &Invalid{Name: "X"}},
		"a foreign event":                     {Body: foreign{}},
		"an unknown member of a known name":   {Body: &LabelAdded{UUID{1}, "a"}, EventExtra: [][]byte{[]byte(`"label":"b"`)}},
		"an unknown member that moves a known": {Body: &StatusChanged{UUID: UUID{1}, NewStatus: Open},
			EventExtra: [][]byte{[]byte(`"x":1`), []byte(`"reason":"b"`)}},
		"an unknown member that is not JSON": {Body: &LabelAdded{UUID{1}, "a"}, Extra: [][]byte{[]byte(`x`)}},
	} {
		t.Run(name, func(t *testing.T) {
			c := Chain{Hub: testHub, Agent: "alice"}
			if line, err := c.Stamp(e, 1, 0); err == nil || line != nil {
				t.Fatalf("%s", line)
			}
			if c.Seq != 0 || c.Hash != "" || c.Time != 0 {
				t.Fatal("the chain moved")
			}
		})
	}
	c := Chain{Hub: "nonsense", Agent: "alice"}
	if _, err := c.Stamp(&Envelope{Body: &IssueDeleted{UUID: UUID{1}}}, 1, 0); err == nil {
		t.Fatal("a hub that is no uuid")
	}
}

type foreign struct{}

func (foreign) Type() string { return "LabelAdded" }

func TestCheck_ForeignBodies(t *testing.T) {
	if Check(foreign{}) == nil || Check(&Invalid{Name: "X", Reason: BadValue}) == nil {
		t.Fatal("accepted")
	}
}

// Signed bytes = the line without its signature member, signed_by included.
func TestChain_SignedBytes(t *testing.T) {
	var covered []byte
	c := Chain{Hub: testHub, Agent: "alice", Sign: func(b []byte) (string, string, error) {
		if b == nil {
			return testKey, "", nil
		}
		covered = bytes.Clone(b)
		return testKey, "AQID", nil
	}}
	r := Chain{Hub: testHub, Agent: "alice"}
	line, err := c.Stamp(&Envelope{Body: &LabelAdded{UUID{1}, `,"signature":"AAAA"}`}}, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(Signed(line), covered) {
		t.Fatalf("%s\n%s", Signed(line), covered)
	}
	if want := strings.Replace(string(line), `,"signature":"AQID"}`, `}`, 1); want != string(covered) || !strings.HasSuffix(want, `"signed_by":"`+testKey+`"}`) {
		t.Fatalf("%s", covered)
	}
	e, err := r.Next(line)
	if err != nil || e.SignedBy != testKey || e.Signature != "AQID" {
		t.Fatal(err)
	}
}

func TestChain_SignFails(t *testing.T) {
	broken := errors.New("no agent")
	for name, sign := range map[string]func([]byte) (string, string, error){
		"no key":               func([]byte) (string, string, error) { return "", "", broken },
		"a bad fingerprint":    func([]byte) (string, string, error) { return "x", "", nil },
		"a key that changes":   func(b []byte) (string, string, error) { return map[bool]string{true: testKey}[b == nil], "AQID", nil },
		"an empty signature":   func(b []byte) (string, string, error) { return testKey, "", nil },
		"failing at the bytes": func(b []byte) (string, string, error) { return testKey, "", map[bool]error{false: broken}[b == nil] },
	} {
		t.Run(name, func(t *testing.T) {
			c := Chain{Hub: testHub, Agent: "alice", Sign: sign}
			if _, err := c.Stamp(&Envelope{Body: &IssueDeleted{UUID: UUID{1}}}, 1, 0); err == nil || c.Seq != 0 {
				t.Fatal("stamped")
			}
		})
	}
	c := Chain{Hub: testHub, Agent: "alice", Sign: func([]byte) (string, string, error) { return "", "", nil }}
	e := &Envelope{Body: &IssueDeleted{UUID: UUID{1}}}
	if _, err := c.Stamp(e, 1, 0); err != nil || e.SignedBy != "" {
		t.Fatal("no key is no signature, not an error")
	}
}

func TestSigned_LinesWithoutSignature(t *testing.T) {
	for _, line := range []string{
		``, `{}`, `{"a":"b"}`,
		`{"event":{"type":"X","signature":"AAAA"}}`,
		`{"event":{"type":"X","signature":"AAAA","y":"z"}}`,
		`{"x":",\"signature\":\"AAAA\""}`,
		`,"signature":"`, `,"signature":"a`, `,"signature":"a"`,
	} {
		if got := Signed([]byte(line)); string(got) != line {
			t.Errorf("%s became %s", line, got)
		}
	}
}

// Timestamps never fall, sequences have no gaps, whatever the clocks say.
func TestProperty_StampedLogsAreAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := Chain{Hub: testHub, Agent: drawID.Draw(t, "agent")}
		r := w
		for range rapid.IntRange(1, 8).Draw(t, "lines") {
			clock := rapid.Int64()
			typ := rapid.SampledFrom(allTypes()).Draw(t, "type")
			line, err := w.Stamp(&Envelope{Body: drawBody(t, typ)}, Time(clock.Draw(t, "now")), Time(clock.Draw(t, "seen")))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Next(line); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
		if r.Seq != w.Seq || r.Hash != w.Hash || r.Time != w.Time {
			t.Fatal("reader and writer differ")
		}
	})
}

// H(n) = SHA-256(H(n−1) ‖ line n), H(0) = no bytes.
func TestRunningHash(t *testing.T) {
	var h RunningHash
	if h.String() != "" {
		t.Fatal("H(0) is not empty")
	}
	h.Add([]byte("one"))
	if h.String() != Hash([]byte("one")) {
		t.Fatal("H(1) is not the hash of the line")
	}
	again, err := ResumeRunningHash(h.String())
	if err != nil {
		t.Fatal(err)
	}
	one := sha256.Sum256([]byte("one"))
	two := sha256.Sum256(append(one[:], "two"...))
	fork := h
	fork.Add([]byte("other"))
	h.Add([]byte("two"))
	again.Add([]byte("two"))
	if want := base64.RawURLEncoding.EncodeToString(two[:]); h.String() != want || again.String() != want || !ValidHash(want) {
		t.Fatalf("%s, %s, want %s", h, again, want)
	}
	if empty, err := ResumeRunningHash(""); err != nil || empty.String() != "" {
		t.Fatal("H(0) again")
	}
	if _, err := ResumeRunningHash("x"); err == nil {
		t.Fatal("resumed from nonsense")
	}
}
