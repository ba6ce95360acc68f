package event

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func u(first byte) UUID {
	id, ok := ParseUUID("0d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e")
	if !ok {
		panic("uuid")
	}
	id[0] = first
	return id
}

func at(s string) Time {
	t, err := parseTime3(s)
	if err != nil {
		panic(err)
	}
	return t
}

func p[T any](v T) *T { return &v }

func readLines(t testing.TB, path string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
}

// Level-3 lines are read as the original reads them.
func TestDecode3_Fixture(t *testing.T) {
	want := []struct {
		rule string
		time string
		body Body
	}{
		{"no limits; an unknown priority is medium", "2026-03-01T10:00:00Z", &IssueCreated{UUID: u(0x0d), Title: "a title\nof two lines", Priority: Medium, CreatedBy: "al"}},
		{"any uuid spelling, any offset, null is absent", "2026-03-01T10:00:00.12Z", &IssueCreated{UUID: u(0x1d), Priority: High, Labels: []string{"a", "b"},
			Parent: u(0x0d), CreatedBy: "al", ScheduledAt: at("2026-03-02T08:00:00Z")}},
		{"any order; level-4 members are not read", "2026-03-01T10:00:00.123456Z", &StatusChanged{UUID: u(0x0d), NewStatus: Closed, ClosedAt: at("2026-03-01T10:00:00.123456Z")}},
		{"other escapes; open lists", "2026-03-01T10:00:00.123456789Z", &CommentAdded{Issue: u(0x0d), Comment: u(0x2d), Author: "al", Content: "café 𝄞",
			CreatedAt: at("2026-03-01T10:00:00.123456789Z"), Kind: "note", TriggerType: "something new"}},
		{"locks are by number", "2026-03-01T10:00:01Z", &Unknown{"LockClaimed"}},
		{"locks are by number", "2026-03-01T10:00:02Z", &Unknown{"LockReleased"}},
		{"relations have no kind", "2026-03-01T10:00:03Z", &RelationAdded{u(0x0d), u(0x1d), Related}},
		{"an update to an unknown priority is ignored", "2026-03-01T10:00:04Z", &IssueUpdated{UUID: u(0x0d), Title: p("t")}},
		{"numbers and booleans", "2026-03-01T10:00:05Z", &TimeEntryAdded{u(0x0d), u(0x3d), at("2026-03-01T09:00:00Z"), at("2026-03-01T10:00:00Z"), p(uint64(3600))}},
		{"types of level 4 are unknown", "2026-03-01T10:00:06Z", &Unknown{"SessionStarted"}},
		{"an unknown status changes nothing", "2026-03-01T10:00:07Z", &Invalid{"StatusChanged", BadValue, "'new_status' is not one of open, closed, archived"}},
		{"a missing member; times are cut to 1970", "1970-01-01T00:00:00Z", &Invalid{"IssueDeleted", MissingMember, "'uuid' is missing"}},
	}
	lines := readLines(t, "testdata/level3/events.log")
	if len(lines) != len(want) {
		t.Fatal(len(lines))
	}
	for i, line := range lines {
		w := want[i]
		t.Run(w.rule, func(t *testing.T) {
			e, err := Decode3(line)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(e.Body, w.body) {
				t.Errorf("got %#v\nwant %#v", e.Body, w.body)
			}
			if e.V != 3 || e.Hub != "" || e.Agent != "alpha-1" || e.Seq != uint64(i+1) || e.Time != at(w.time) {
				t.Errorf("%+v", e)
			}
			if !bytes.Equal(e.Raw, line) || !bytes.Contains(line, e.Event) {
				t.Error("raw bytes")
			}
			if (e.SignedBy != "") != (i == 3) || (e.Signature != "") != (i == 3) {
				t.Error("signature")
			}
		})
	}
}

func TestDecode3_WhatCannotBeRead(t *testing.T) {
	ok := `{"agent_id":"a","agent_seq":1,"timestamp":"2026-03-01T10:00:00Z","event":{"type":"X"}}`
	if _, err := Decode3([]byte(ok)); err != nil {
		t.Fatal(err)
	}
	// An escape that only looks like a surrogate is a character.
	if e, err := Decode3([]byte(strings.Replace(ok, `X`, `\ud55c`, 1))); err != nil || e.Body.Type() != "한" {
		t.Fatal(err)
	}
	for _, c := range []struct{ rule, old, new, reason string }{
		{"not JSON", `}}`, `}`, "syntax"},
		{"two values", `}}`, `}}{}`, "syntax"},
		{"invalid UTF-8", `"X"`, "\"\xff\"", "syntax"},
		{"a lone leading surrogate", `"X"`, `"\ud834"`, "syntax"},
		{"a leading surrogate and another escape", `"X"`, `"\ud834\u0041"`, "syntax"},
		{"a lone trailing surrogate", `"X"`, `"\n\u0041\udd1e"`, "syntax"},
		{"a surrogate in capitals", `"X"`, `"\uDBFF"`, "syntax"},
		{"no agent", `"agent_id":"a",`, ``, MissingMember},
		{"an empty agent", `"agent_id":"a"`, `"agent_id":""`, MissingMember},
		{"no sequence", `"agent_seq":1,`, ``, MissingMember},
		{"a negative sequence", `"agent_seq":1`, `"agent_seq":-1`, "syntax"},
		{"no timestamp", `"timestamp":"2026-03-01T10:00:00Z",`, ``, MissingMember},
		{"a timestamp that is none", `2026-03-01T10:00:00Z`, `today`, BadValue},
		{"no event", `,"event":{"type":"X"}`, ``, WrongType},
		{"an event that is no object", `{"type":"X"}`, `5`, WrongType},
		{"no type", `{"type":"X"}`, `{}`, MissingMember},
		{"too long", `"X"`, `"` + strings.Repeat("x", MaxLine3) + `"`, LineTooLong},
	} {
		t.Run(c.rule, func(t *testing.T) {
			e, err := Decode3([]byte(strings.Replace(ok, c.old, c.new, 1)))
			var l *LineError
			if e != nil || !errors.As(err, &l) || l.Reason != c.reason {
				t.Fatalf("got %v, want %s", err, c.reason)
			}
		})
	}
}

func TestDecode3_BadMembersMakeTheEventInvalid(t *testing.T) {
	for _, event := range []string{
		`{"type":"IssueDeleted","uuid":"x"}`,
		`{"type":"IssueDeleted","uuid":5.5}`,
		`{"type":"IssueDeleted","uuid":"00000000-0000-0000-0000-000000000000"}`,
		`{"type":"MilestoneClosed","uuid":` + u1 + `,"closed_at":"today"}`,
		`{"type":"LabelAdded","issue_uuid":` + u1 + `,"label":["x",{}]}`,
		`{"type":"LabelAdded","issue_uuid":` + u1 + `,"label":-1}`,
		`{"type":"TimeEntryAdded","issue_uuid":` + u1 + `,"entry_uuid":` + u2 + `,"started_at":` + ts + `,"duration_seconds":"x"}`,
		`{"type":"TimeEntryAdded","issue_uuid":` + u1 + `,"entry_uuid":` + u2 + `,"started_at":5}`,
	} {
		e, err := Decode3([]byte(`{"agent_id":"a","agent_seq":1,"timestamp":"2026-03-01T10:00:00Z","event":` + event + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if i, ok := e.Body.(*Invalid); !ok || i.Reason == "" {
			t.Errorf("%s gave %#v", event, e.Body)
		}
	}
}

func TestParseBase3_Fixture(t *testing.T) {
	data, err := os.ReadFile("testdata/level3/state.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseBase3(data)
	if err != nil {
		t.Fatal(err)
	}
	want := &Base{
		Issues: []BaseIssue{{
			UUID: u(0x0d), Number: 7, Title: "first\nof two lines", Description: "d", Status: Closed, Priority: Critical, Parent: u(0x1d), CreatedBy: "al",
			CreatedAt: at("2026-03-01T10:00:00Z"), UpdatedAt: at("2026-03-02T10:00:00Z"), ClosedAt: at("2026-03-02T10:00:00Z"),
			ScheduledAt: at("2026-03-01T00:00:00Z"), DueAt: at("2026-03-03T00:00:00Z"), Labels: []string{"a", "b"},
			Blockers: []UUID{u(0x1d)}, Related: []UUID{u(0x1d), u(0x9d)}, Milestone: u(0x5d),
			Comments: []BaseComment{
				{UUID: u(0x2d), Author: "al", CreatedAt: at("2026-03-01T12:00:00Z"), Kind: "note"},
				{u(0x3d), "al", "later uuid", at("2026-03-01T11:00:00Z"), "intervention", "redirect", "context", "SHA256:x"},
			},
			Time: []BaseTime{
				{UUID: u(0x4c), StartedAt: at("2026-03-01T09:00:00Z"), DurationSeconds: p(uint64(0))},
				{u(0x4d), at("2026-03-01T09:00:00Z"), at("2026-03-01T10:00:00Z"), p(uint64(3600))},
			},
		}, {
			// Its own number is missing; the map knows it.
			UUID: u(0x1d), Number: 8, Title: "second", Status: Open, Priority: Low, CreatedBy: "m",
			CreatedAt: at("2026-03-01T10:00:00.12Z"), UpdatedAt: at("2026-03-01T10:00:00.12Z"),
		}},
		Milestones: []BaseMilestone{{u(0x5d), 1, "1.0", "first", Closed, at("2026-03-01T09:00:00Z"), at("2026-03-02T09:00:00Z")}},
		Deleted:    []UUID{u(0x9d)},
		Numbers:    map[UUID]uint64{u(0x0d): 7, u(0x1d): 8, u(0x9d): 2},
		NextIssue:  9, NextMilestone: 2,
		Locks: []BaseLock{{2, "beta", "", at("2026-03-01T10:00:00Z")}, {7, "alpha-1", "fix", at("2026-03-01T10:00:00Z")}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseBase3_Genesis(t *testing.T) {
	b, err := ParseBase3([]byte(`{"next_display_id":1,"next_comment_id":1,"display_id_map":{},"locks":{},"issues":{},"next_milestone_id":1,
		"watermark":{"timestamp":"1970-01-01T00:00:00Z","agent_id":"hub-v3-genesis","agent_seq":0}}`))
	if err != nil || len(b.Issues) != 0 || b.NextIssue != 1 || b.NextMilestone != 1 {
		t.Fatalf("%+v %v", b, err)
	}
}

// Numbers below 1 count as missing, as in a checkpoint that never assigned any.
func TestParseBase3_WithoutMilestonesAndNumbers(t *testing.T) {
	b, err := ParseBase3([]byte(`{"next_display_id":0,"next_comment_id":1,"display_id_map":{` + u1 + `:0},"locks":{},"issues":{}}`))
	if err != nil || len(b.Numbers) != 0 || b.NextIssue != 1 || b.NextMilestone != 1 {
		t.Fatalf("%+v %v", b, err)
	}
}

// Half a base would be a wrong one.
func TestParseBase3_OneBadValueMakesAllUnreadable(t *testing.T) {
	data, err := os.ReadFile("testdata/level3/state.json")
	if err != nil {
		t.Fatal(err)
	}
	second := `"1d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e": {`
	for _, c := range []struct{ rule, old, new string }{
		{"not JSON", `{`, `[`},
		{"a required member is missing", `"next_comment_id"`, `"x"`},
		{"an unknown status", `"status": "open"`, `"status": "done"`},
		{"an unknown priority", `"priority": "low"`, `"priority": "urgent"`},
		{"no title", `"title": "second",`, ``},
		{"a uuid that is none", second, `"x": {`},
		{"one issue in two spellings", second, `"0D0F9F0E-6A0E-4F5F-9A52-1B9A4F1C2D3E": {`},
		{"one number in two spellings", `"1d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e": 8`, `"0D0F9F0E-6A0E-4F5F-9A52-1B9A4F1C2D3E": 8`},
		{"one comment in two spellings", `"3d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e": {`, `"2D0F9F0E-6A0E-4F5F-9A52-1B9A4F1C2D3E": {`},
		{"no created_at", `"created_at": "2026-03-01T10:00:00.120Z",`, ``},
		{"a lock of no number", `"7": {`, `"x": {`},
		{"a milestone without name", `"name": "1.0",`, ``},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if !bytes.Contains(data, []byte(c.old)) {
				t.Fatal("the fixture does not hold", c.old)
			}
			if b, err := ParseBase3(bytes.Replace(data, []byte(c.old), []byte(c.new), 1)); err == nil || b != nil {
				t.Fatal("read")
			}
		})
	}
	if _, err := ParseBase3(make([]byte, MaxBase+1)); err == nil {
		t.Fatal("read a checkpoint that is too long")
	}
}

// The real hub of the original: every line and the whole checkpoint.
func TestLevel3_RealHub(t *testing.T) {
	bundle, err := filepath.Abs("../../shared/data/crosslink-v3-hub.bundle")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(bundle); err != nil {
		t.Skip("NOT RUN: the bundle of the original's own hub is not at ../shared/data beside the repository")
	}
	repo := t.TempDir()
	git := func(args ...string) []byte {
		cmd := exec.Command("git", append([]string{"--git-dir=" + repo}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "LC_ALL=C")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(args, err)
		}
		return out
	}
	git("init", "-q", "--bare")
	git("fetch", "-q", bundle, "+refs/heads/*:refs/heads/*")
	b, err := ParseBase3(git("show", "refs/heads/crosslink/checkpoint:state.json"))
	if err != nil {
		t.Fatal(err)
	}
	comments := 0
	for _, i := range b.Issues {
		comments += len(i.Comments)
	}
	if len(b.Issues) != 784 || comments != 1395 || len(b.Numbers) != 784 || len(b.Locks) != 35 || b.NextIssue != 786 {
		t.Fatalf("%d issues, %d comments, %d numbers, %d locks, next %d", len(b.Issues), comments, len(b.Numbers), len(b.Locks), b.NextIssue)
	}
	count := map[string]int{}
	for _, agent := range []string{"anon-ab6221f8", "dashboard-bootstrap"} {
		log := git("show", "refs/heads/crosslink/agents/"+agent+":events.log")
		for _, line := range bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n")) {
			e, err := Decode3(line)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if i, ok := e.Body.(*Invalid); ok {
				t.Fatalf("%s: %s", line, i.Detail)
			}
			count[e.Body.Type()]++
		}
	}
	want := map[string]int{"IssueCreated": 25, "LabelAdded": 24, "CommentAdded": 50, "StatusChanged": 17, "RelationAdded": 1, "LockClaimed": 77, "LockReleased": 38}
	if !reflect.DeepEqual(count, want) {
		t.Fatalf("%v", count)
	}
	_, err = Decode(bytes.Split(git("show", "refs/heads/crosslink/agents/anon-ab6221f8:events.log"), []byte("\n"))[0])
	var l *LineError
	if !errors.As(err, &l) || l.Reason != NoVersion {
		t.Fatalf("a level-3 line as level 4: %v", err)
	}
}

func FuzzDecode3(f *testing.F) {
	for _, line := range readLines(f, "testdata/level3/events.log") {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := Decode3(line)
		if (e == nil) != (err != nil) {
			t.Fatal("neither or both")
		}
		if e != nil && (e.Body == nil || e.Time < 0 || e.Time > MaxTime || !bytes.Equal(e.Raw, line)) {
			t.Fatalf("%+v", e)
		}
	})
}

func FuzzParseBase3(f *testing.F) {
	f.Add([]byte(`{"next_display_id":3,"next_comment_id":2,"display_id_map":{"` + issueA + `":2},"issues":{"` + issueA + `":` + json2(issueA, 2, "") + `}}`))
	f.Add([]byte(`{"next_display_id":1,"next_comment_id":1,"display_id_map":{},"locks":{},"issues":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, errA := ParseBase3(data)
		b, errB := ParseBase3(data)
		if (a == nil) != (errA != nil) || (errA != nil) != (errB != nil) || !reflect.DeepEqual(a, b) {
			t.Fatal("not the same twice")
		}
	})
}
