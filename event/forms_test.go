package event

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestValidAgentID(t *testing.T) {
	for id, want := range map[string][2]bool{ // mintable, readable
		"alice-box-ab2c":        {true, true},
		"abc":                   {true, true},
		"0-1":                   {true, true},
		strings.Repeat("a", 64): {true, true},
		strings.Repeat("a", 65): {false, false},
		"ab":                    {false, false},
		"":                      {false, false},
		"Alice":                 {false, true},
		"a_b":                   {false, true},
		"a--b":                  {false, true},
		"-ab":                   {false, true},
		"ab-":                   {false, true},
		"con":                   {false, true},
		"nul":                   {false, true},
		"com1":                  {false, true},
		"lpt9":                  {false, true},
		"com":                   {true, true},
		"comx":                  {true, true},
		"com10":                 {true, true},
		"a.b":                   {false, false},
		"a/b":                   {false, false},
		"a b":                   {false, false},
		"älice":                 {false, false},
		"...":                   {false, false},
	} {
		if got := [2]bool{ValidAgentID(id) == nil, ValidAgentID3(id) == nil}; got != want {
			t.Errorf("%q: %v, want %v", id, got, want)
		}
	}
}

func TestMintAgentID(t *testing.T) {
	for _, c := range [][3]string{
		{"alice", "box", "alice-box-ab2c"},
		{"Alice Liddell", "Box.local", "alice-liddell-box-local-ab2c"},
		{"", "", "user-host-ab2c"},
		{"Ä", "...", "user-host-ab2c"},
		{"--a__b--", "_", "a-b-host-ab2c"},
		{strings.Repeat("x", 40), strings.Repeat("y", 23) + "-z", strings.Repeat("x", 24) + "-" + strings.Repeat("y", 23) + "-ab2c"},
	} {
		if got := MintAgentID(c[0], c[1], "ab2c"); got != c[2] {
			t.Errorf("%q, %q: %s, want %s", c[0], c[1], got, c[2])
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		id := MintAgentID(rapid.String().Draw(t, "user"), rapid.String().Draw(t, "host"), "a2b7")
		if err := ValidAgentID(id); err != nil {
			t.Fatalf("%q: %v", id, err)
		}
	})
}

func TestTime(t *testing.T) {
	for _, s := range []string{"1970-01-01T00:00:00.000000000Z", "2026-03-01T10:00:00.123456789Z", "2024-02-29T23:59:59.999999999Z", "2199-12-31T23:59:59.999999999Z"} {
		got, err := ParseTime(s)
		if err != nil || got.String() != s {
			t.Errorf("%s became %s (%v)", s, got, err)
		}
		if TimeOf(got.Std()) != got {
			t.Errorf("%s through time.Time", s)
		}
	}
	if m, _ := ParseTime("2199-12-31T23:59:59.999999999Z"); m != MaxTime {
		t.Error("MaxTime")
	}
	if TimeOf(time.Unix(-1, 0)) != 0 || TimeOf(MaxTime.Std().Add(1)) != MaxTime {
		t.Error("TimeOf does not cut")
	}
	rapid.Check(t, func(t *rapid.T) {
		x := Time(rapid.Int64Range(0, int64(MaxTime)).Draw(t, "t"))
		if got, err := ParseTime(x.String()); err != nil || got != x {
			t.Fatalf("%s: %v", x, err)
		}
	})
}

func TestKey_Order(t *testing.T) {
	keys := []Key{{1, "a", 9}, {2, "B", 1}, {2, "a", 1}, {2, "a", 2}, {2, "b", 1}}
	for i, a := range keys {
		for j, b := range keys {
			if want := min(max(i-j, -1), 1); a.Compare(b) != want || a.Less(b) != (want < 0) {
				t.Errorf("%v, %v: %d", a, b, a.Compare(b))
			}
		}
	}
}

// Check sees what cannot come from the wire, too.
func TestCheck_WhatOnlyAStructCanHold(t *testing.T) {
	for rule, b := range map[string]Body{
		"a forgotten uuid":            &IssueDeleted{},
		"a forgotten time":            &MilestoneClosed{UUID: UUID{1}},
		"a time before 1970":          &MilestoneClosed{UUID: UUID{1}, ClosedAt: -1},
		"a time behind 2199":          &ScheduleChanged{Issue: UUID{1}, DueAt: MaxTime + 1},
		"text that is not UTF-8":      &CommentEdited{UUID{1}, "\xff"},
		"a name that is not UTF-8":    &LabelAdded{UUID{1}, "\xc2"},
		"an update to no priority":    &IssueUpdated{UUID: UUID{1}, Priority: new(Priority)},
		"an integer over 2^53 − 1":    &LockBroken{UUID{1}, 1 << 53, "r"},
		"a duration over 2^53 − 1":    &TimeEntryAdded{Issue: UUID{1}, Entry: UUID{2}, StartedAt: 1, DurationSeconds: p(uint64(1 << 53))},
		"a forgotten priority":        &IssueCreated{UUID: UUID{1}, Title: "t", CreatedBy: "al"},
		"a relation of another kind":  &RelationRemoved{UUID{1}, UUID{2}, "likes"},
		"a label with a bad neighbor": &IssueCreated{UUID: UUID{1}, Title: "t", Priority: Low, Labels: []string{"a", "\x01"}, CreatedBy: "al"},
	} {
		if err := Check(b); err == nil {
			t.Error(rule, "is accepted")
		}
		if _, err := Encode(&Envelope{V: 4, Hub: testHub, Agent: "abc", Seq: 1, Body: b}); err == nil {
			t.Error(rule, "is written")
		}
	}
	if err := Check(&RelationAdded{A: UUID{1}, B: UUID{2}}); err != nil {
		t.Error("no kind is related:", err)
	}
	for rule, e := range map[string]*Envelope{
		"level 3":            {V: 3, Hub: testHub, Agent: "abc", Seq: 1, Body: &IssueDeleted{UUID: UUID{1}}},
		"a time before 1970": {V: 4, Hub: testHub, Agent: "abc", Seq: 1, Time: -1, Body: &IssueDeleted{UUID: UUID{1}}},
		"wall = timestamp":   {V: 4, Hub: testHub, Agent: "abc", Seq: 1, Time: 5, Wall: 5, Body: &IssueDeleted{UUID: UUID{1}}},
		"a signature alone":  {V: 4, Hub: testHub, Agent: "abc", Seq: 1, Signature: "AAAA", Body: &IssueDeleted{UUID: UUID{1}}},
	} {
		if _, err := Encode(e); err == nil {
			t.Error(rule, "is written")
		}
	}
}
