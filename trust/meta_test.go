package trust

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/git-crosslink/git-crosslink/event"
)

const (
	testHub  = "5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e"
	testHash = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
	first    = `{"admins":[],"created_at":"2026-03-01T10:00:00.123456789Z","hub":"` + testHub + `","hub_version":4,"policy":{"open":true,"signing":"warn"},"revoked":{},"seq":1}` + "\n"
)

// shown returns the hub.json lines of docs/format.md, with LF.
func shown(t testing.TB) []string {
	t.Helper()
	doc, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), "\n```json hub\n")
	block, _, _ := strings.Cut(rest, "```")
	if !ok || block == "" {
		t.Fatal("docs/format.md shows no hub.json")
	}
	return strings.SplitAfter(strings.TrimSuffix(block, "\n"), "\n")
}

func TestFormatDoc_HubJSON(t *testing.T) {
	lines := shown(t)
	for i, l := range lines {
		l = strings.TrimSuffix(l, "\n") + "\n"
		m, err := DecodeMeta([]byte(l))
		if err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		if got := m.Encode(); string(got) != l {
			t.Fatalf("%s\nbecame %s", l, got)
		}
		if Level([]byte(l)) != 4 {
			t.Fatal("level")
		}
		if i == 0 {
			at, _ := event.ParseTime("2026-03-01T10:00:00.123456789Z")
			want := &Meta{
				Version: 4, Hub: testHub, Seq: 2, Prev: testHash, CreatedAt: at, Signing: Warn, Open: true, Admins: []string{"alice-box-ab2c@crosslink"},
				Revoked:  map[string]Revocation{"bob-box-cd3e": {12, testHash, "the box was stolen"}, "eve": {}},
				Base:     testHash,
				Migrated: &Migration{"eae53c3b9acd54b3c05f3a5f1dd2e9d599fd3883", map[string]Position{"alpha_1": {220, testHash}}},
			}
			if !reflect.DeepEqual(m, want) {
				t.Fatalf("got %+v\nwant %+v", m, want)
			}
		}
		if i == 1 && (string(m.Extra["unknown"]) != "[]" || string(m.PolicyExtra["quorum"]) != "2") {
			t.Fatalf("unknown members are lost: %v %v", m.Extra, m.PolicyExtra)
		}
	}
}

func TestDecodeMeta_WhatIsRefused(t *testing.T) {
	if _, err := DecodeMeta([]byte(first)); err != nil {
		t.Fatal(err)
	}
	second := strings.Replace(first, `"revoked":{},"seq":1`, `"prev":"`+testHash+`","revoked":{},"seq":2`, 1)
	if _, err := DecodeMeta([]byte(second)); err != nil {
		t.Fatal(err)
	}
	commit := strings.Repeat("a", 40)
	migrated := func(s string) string { return `"hub_version":4,"migrated_from":` + s }
	for _, c := range []struct{ rule, old, new string }{
		{"no LF", "\n", ""},
		{"two LFs", "\n", "\n\n"},
		{"white space", `"seq":1`, `"seq": 1`},
		{"an array", first, "[]\n"},
		{"another order", `"admins":[],"created_at":"2026-03-01T10:00:00.123456789Z"`, `"created_at":"2026-03-01T10:00:00.123456789Z","admins":[]`},
		{"another order inside", `"open":true,"signing":"warn"`, `"signing":"warn","open":true`},
		{"level 3", `"hub_version":4`, `"hub_version":3`},
		{"no level", `"hub_version":4,`, ``},
		{"no hub", `"hub":"` + testHub + `",`, ``},
		{"a hub that is no uuid", testHub, "hub"},
		{"sequence 0", `"seq":1`, `"seq":0`},
		{"no sequence", `,"seq":1`, ``},
		{"a second without prev", `"seq":1`, `"seq":2`},
		{"a first with prev", `"revoked"`, `"prev":"` + testHash + `","revoked"`},
		{"a prev that is no hash", `"revoked":{},"seq":1`, `"prev":"x","revoked":{},"seq":2`},
		{"an empty prev", `"revoked"`, `"prev":"","revoked"`},
		{"a time of another form", `2026-03-01T10:00:00.123456789Z`, `2026-03-01T10:00:00Z`},
		{"the epoch", `2026-03-01T10:00:00.123456789Z`, `1970-01-01T00:00:00.000000000Z`},
		{"no admins", `"admins":[],`, ``},
		{"a base that is no hash", `"created_at"`, `"base":"x","created_at"`},
		{"an empty base", `"created_at"`, `"base":"","created_at"`},
		{"admins that are no list", `"admins":[]`, `"admins":{}`},
		{"an admin that is no string", `"admins":[]`, `"admins":[1]`},
		{"an empty admin", `"admins":[]`, `"admins":[""]`},
		{"an admin with LF", `"admins":[]`, `"admins":["a\nb"]`},
		{"an admin twice", `"admins":[]`, `"admins":["a","a"]`},
		{"no policy", `"policy":{"open":true,"signing":"warn"},`, ``},
		{"no open", `"open":true,`, ``},
		{"no signing", `,"signing":"warn"`, ``},
		{"another signing", `"warn"`, `"maybe"`},
		{"no revoked", `"revoked":{},`, ``},
		{"a revocation without hash", `"revoked":{}`, `"revoked":{"eve":{"after_seq":1,"hash":"","reason":""}}`},
		{"a revocation of all with a hash", `"revoked":{}`, `"revoked":{"eve":{"after_seq":0,"hash":"` + testHash + `","reason":""}}`},
		{"a revocation without reason", `"revoked":{}`, `"revoked":{"eve":{"after_seq":0,"hash":""}}`},
		{"a revocation with more", `"revoked":{}`, `"revoked":{"eve":{"after_seq":0,"hash":"","reason":"","x":1}}`},
		{"a revoked id that is none", `"revoked":{}`, `"revoked":{"a b":{"after_seq":0,"hash":"","reason":""}}`},
		{"a reason over 64 KiB", `"revoked":{}`, `"revoked":{"eve":{"after_seq":0,"hash":"","reason":"` + strings.Repeat("x", 64<<10+1) + `"}}`},
		{"a migration from nowhere", `"hub_version":4`, migrated(`{"commit":"HEAD","logs":{}}`)},
		{"a migration without logs", `"hub_version":4`, migrated(`{"commit":"` + commit + `"}`)},
		{"a migration with more", `"hub_version":4`, migrated(`{"commit":"` + commit + `","logs":{},"x":1}`)},
		{"a position of no line", `"hub_version":4`, migrated(`{"commit":"` + commit + `","logs":{"bob":{"hash":"` + testHash + `","seq":0}}}`)},
		{"a position with more", `"hub_version":4`, migrated(`{"commit":"` + commit + `","logs":{"bob":{"hash":"` + testHash + `","seq":1,"x":1}}}`)},
		{"a migrated id that is none", `"hub_version":4`, migrated(`{"commit":"` + commit + `","logs":{"b":{"hash":"` + testHash + `","seq":1}}}`)},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if !strings.Contains(first, c.old) {
				t.Fatal("the example does not hold", c.old)
			}
			m, err := DecodeMeta([]byte(strings.Replace(first, c.old, c.new, 1)))
			if err == nil || m != nil {
				t.Fatalf("accepted as %+v", m)
			}
		})
	}
	if _, err := DecodeMeta(make([]byte, MaxMeta+1)); err == nil {
		t.Fatal("a hub.json over 1 MiB")
	}
}

func TestLevel_ReadsLeniently(t *testing.T) {
	for in, want := range map[string]int{
		"{\n  \"hub_version\": 3,\n  \"migrated_from_commit\": \"genesis\"\n}": 3,
		first:                        4,
		`{"hub_version":9,"x":null}`: 9,
		`{"hub_version":-1}`:         0,
		`{"hub_version":"4"}`:        0,
		`{}`:                         0,
		``:                           0,
		`[]`:                         0,
	} {
		if got := Level([]byte(in)); got != want {
			t.Errorf("%s is level %d, want %d", in, got, want)
		}
	}
	if Level(bytes.Repeat([]byte(" "), MaxMeta+1)) != 0 {
		t.Error("a hub.json over 1 MiB")
	}
}

func TestProperty_MetaRoundTrip(t *testing.T) {
	id := rapid.StringMatching(`[A-Za-z0-9_-]{3,12}`)
	hash := rapid.Map(rapid.SliceOf(rapid.Byte()), event.Hash)
	seq := rapid.Uint64Range(1, 1<<53-1)
	rapid.Check(t, func(t *rapid.T) {
		m := &Meta{
			Version: 4, Hub: testHub, Seq: seq.Draw(t, "seq"),
			CreatedAt: event.Time(rapid.Int64Range(1, int64(event.MaxTime)).Draw(t, "at")),
			Signing:   rapid.SampledFrom([]string{Off, Warn, Require}).Draw(t, "signing"),
			Open:      rapid.Bool().Draw(t, "open"),
			Admins:    rapid.SliceOfDistinct(rapid.StringMatching(`[a-z@é"\\]{1,9}`), rapid.ID[string]).Draw(t, "admins"),
			Revoked: rapid.MapOf(id, rapid.Custom(func(t *rapid.T) Revocation {
				return Revocation{seq.Draw(t, "seq"), hash.Draw(t, "hash"), rapid.String().Draw(t, "reason")}
			})).Draw(t, "revoked"),
		}
		if m.Seq > 1 {
			m.Prev = hash.Draw(t, "prev")
		}
		if rapid.Bool().Draw(t, "migrated") {
			m.Migrated = &Migration{strings.Repeat("0a", 32), rapid.MapOf(id, rapid.Custom(func(t *rapid.T) Position {
				return Position{seq.Draw(t, "seq"), hash.Draw(t, "hash")}
			})).Draw(t, "logs")}
		}
		if rapid.Bool().Draw(t, "extra") {
			m.Extra = map[string][]byte{rapid.StringMatching(`x.{0,3}`).Draw(t, "name"): []byte(`{"b":1,"a":[]}`)}
			m.PolicyExtra = map[string][]byte{"": []byte(`true`)}
		}
		b := m.Encode()
		got, err := DecodeMeta(b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if !reflect.DeepEqual(got, m) || !bytes.Equal(got.Encode(), b) {
			t.Fatalf("%s\ngot  %+v\nwant %+v", b, got, m)
		}
	})
}

func FuzzDecodeMeta(f *testing.F) {
	f.Add([]byte(first))
	for _, l := range shown(f) {
		f.Add([]byte(strings.TrimSuffix(l, "\n") + "\n"))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		is := Claimed(in)
		m, err := DecodeMeta(in)
		if err == nil && (is.Level != m.Version || is.Hub != m.Hub || is.Seq != m.Seq) {
			t.Fatalf("claims %+v, is %+v", is, m)
		}
		if is.Level < 0 || is.Level == 0 && is != (Claims{}) {
			t.Fatalf("%+v", is)
		}
		if err != nil {
			if m != nil {
				t.Fatal("an error and a value")
			}
			return
		}
		if got := m.Encode(); !bytes.Equal(got, in) {
			t.Fatalf("%q\nbecame %q", in, got)
		}
	})
}

// What is revoked stays so: another revocation may end the same log earlier.
func TestRevocationsOnlyTighten(t *testing.T) {
	hashes := map[string][]string{"it": {"a", "b", "c", "d"}, "another": {"a", "b", "x", "y"}, "short": {"a"}, "none": nil}
	was := Revocation{AfterSeq: 3, Hash: "c"}
	for _, c := range []struct {
		log   string
		now   Revocation
		stays bool
	}{
		{"it", Revocation{AfterSeq: 3, Hash: "c", Reason: "said again"}, true},
		{"it", Revocation{AfterSeq: 2, Hash: "b"}, true},
		{"it", Revocation{}, true},
		{"it", Revocation{AfterSeq: 4, Hash: "d"}, false},
		{"it", Revocation{AfterSeq: 2, Hash: "x"}, false},
		{"another", Revocation{AfterSeq: 3, Hash: "x"}, false}, // of it nothing counts
		{"another", Revocation{AfterSeq: 2, Hash: "b"}, false},
		{"another", Revocation{}, true},
		{"short", Revocation{AfterSeq: 1, Hash: "a"}, false},
		{"none", Revocation{}, true},
	} {
		hashAt := func(seq uint64) string {
			if all := hashes[c.log]; seq > 0 && seq <= uint64(len(all)) {
				return all[seq-1]
			}
			return ""
		}
		if got := c.now.Within(was, hashAt); got != c.stays {
			t.Errorf("%s, %+v: %v", c.log, c.now, got)
		}
	}
	if !(Revocation{}).Within(Revocation{}, func(uint64) string { return "" }) || (Revocation{AfterSeq: 1, Hash: "a"}).Within(Revocation{}, func(uint64) string { return "a" }) {
		t.Error("all of it is revoked, and stays so")
	}
}

// The rules that meta admits are a number of at least 1; anything else says
// nothing.
func TestMetaRules(t *testing.T) {
	for says, want := range map[string]uint64{"": 1, "1": 1, "2": 2, "9007199254740991": 9007199254740991, "0": 1, `"2"`: 1, "null": 1, "[2]": 1, "2.5": 1} {
		m := &Meta{Extra: map[string][]byte{"rules": []byte(says)}}
		if got := m.Rules(); got != want {
			t.Errorf("%q admits %d", says, got)
		}
	}
	if got := (&Meta{}).Rules(); got != 1 {
		t.Errorf("nothing admits %d", got)
	}
}

// A hub that another one was migrated to is followed only if it may come from the same
// older hub, which may have continued since.
func TestMigratedAgain(t *testing.T) {
	pins := func(logs map[string]Position) *Migration {
		return &Migration{strings.Repeat("0a", 20), logs}
	}
	before := pins(map[string]Position{"alice": {3, "a3"}, "bob": {1, "b1"}})
	for name, c := range map[string]struct {
		is   *Migration
		want bool
	}{
		"not migrated":           {nil, false},
		"the same checkpoint":    {pins(nil), true},
		"the same logs":          {&Migration{"0b", before.Logs}, true},
		"longer, and a new log":  {&Migration{"0b", map[string]Position{"alice": {4, "a4"}, "bob": {1, "b1"}, "carol": {1, "c1"}}}, true},
		"a shorter log":          {&Migration{"0b", map[string]Position{"alice": {2, "a2"}, "bob": {1, "b1"}}}, false},
		"another log of a name":  {&Migration{"0b", map[string]Position{"alice": {3, "x3"}, "bob": {1, "b1"}}}, false},
		"a log is missing":       {&Migration{"0b", map[string]Position{"alice": {3, "a3"}}}, false},
		"another hub altogether": {&Migration{"0b", map[string]Position{"carol": {9, "c9"}}}, false},
	} {
		if got := c.is.Again(before); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
	if before.Again(nil) {
		t.Error("the hub known before was not migrated")
	}
	if !(&Migration{"0b", nil}).Again(&Migration{"0a", nil}) {
		t.Error("hubs without logs cannot be told apart")
	}
}
