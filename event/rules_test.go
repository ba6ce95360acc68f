package event

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	u1 = `"0d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e"`
	u2 = `"1d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e"`
	ts = `"2026-03-01T10:00:00.123456789Z"`
)

// lineOf puts an event's members into an acceptable envelope.
func lineOf(event string) string {
	return `{"v":4,"hub":"` + testHub + `","agent_id":"alice-box-ab2c","agent_seq":1,"timestamp":` + ts + `,"event":` + event + `}`
}

// Anything wrong inside the event of a known type makes it Invalid; the line
// stands, and is written again as it was.
func TestDecode_FaultsInsideTheEventAreInvalid(t *testing.T) {
	created := func(members string) string { return `{"type":"IssueCreated","uuid":` + u1 + members + `}` }
	rest := `,"priority":"low","created_by":"al"`
	for _, c := range []struct{ rule, event, reason string }{
		{"a required member is missing", created(`,"priority":"low","created_by":"al"`), MissingMember},
		{"the last required member is missing", created(`,"title":"t","priority":"low"`), MissingMember},
		{"no member at all", `{"type":"LabelAdded"}`, MissingMember},
		{"required members change places", created(`,"priority":"low","title":"t","created_by":"al"`), MemberOrder},
		{"an optional member in front", created(`,"title":"t","priority":"low","description":"d","created_by":"al"`), MemberOrder},
		{"an unknown member in front of known ones", created(`,"x":1,"title":"t"` + rest), MemberOrder},
		{"an unknown member in front of an optional one", `{"type":"StatusChanged","uuid":` + u1 + `,"new_status":"open","x":1,"reason":"r"}`, MemberOrder},
		{"a title that is a number", created(`,"title":1` + rest), WrongType},
		{"a uuid that is a number", `{"type":"IssueDeleted","uuid":1}`, WrongType},
		{"a uuid in capitals", `{"type":"IssueDeleted","uuid":"0D0F9F0E-6A0E-4F5F-9A52-1B9A4F1C2D3E"}`, BadValue},
		{"a uuid without hyphens", `{"type":"IssueDeleted","uuid":"0d0f9f0e6a0e4f5f9a521b9a4f1c2d3e"}`, BadValue},
		{"a hyphen in the wrong place", `{"type":"IssueDeleted","uuid":"0d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d-e"}`, BadValue},
		{"the nil uuid", `{"type":"IssueDeleted","uuid":"00000000-0000-0000-0000-000000000000"}`, BadValue},
		{"the nil uuid as an optional one", `{"type":"ParentChanged","issue_uuid":` + u1 + `,"new_parent_uuid":"00000000-0000-0000-0000-000000000000"}`, EmptyMember},
		{"an optional uuid that is none", `{"type":"ParentChanged","issue_uuid":` + u1 + `,"new_parent_uuid":"x"}`, BadValue},
		{"an empty title", created(`,"title":""` + rest), EmptyMember},
		{"a title of 513 bytes", created(`,"title":"` + strings.Repeat("x", 513) + `"` + rest), TooLong},
		{"a title of two lines", created(`,"title":"a\nb"` + rest), ControlCharacter},
		{"a title with a tab", created(`,"title":"a\tb"` + rest), ControlCharacter},
		{"a title with DEL", created(",\"title\":\"a\x7fb\"" + rest), ControlCharacter},
		{"a title with a C1 control", created(",\"title\":\"a\u009bb\"" + rest), ControlCharacter},
		{"an empty description", created(`,"title":"t","description":""` + rest), EmptyMember},
		{"a description of 64 KiB + 1", created(`,"title":"t","description":"` + strings.Repeat("x", MaxText+1) + `"` + rest), TooLong},
		{"a description with CR", created(`,"title":"t","description":"a\r\nb"` + rest), ControlCharacter},
		{"a description with ESC", created(`,"title":"t","description":"\u001b[31m"` + rest), ControlCharacter},
		{"an unknown priority", created(`,"title":"t","priority":"urgent","created_by":"al"`), BadValue},
		{"no labels, written", created(`,"title":"t","priority":"low","labels":[],"created_by":"al"`), EmptyMember},
		{"labels that are no list", created(`,"title":"t","priority":"low","labels":"a","created_by":"al"`), WrongType},
		{"a label that is no string", created(`,"title":"t","priority":"low","labels":[1],"created_by":"al"`), WrongType},
		{"an empty label in the list", created(`,"title":"t","priority":"low","labels":[""],"created_by":"al"`), EmptyMember},
		{"an empty created_by", created(`,"title":"t","priority":"low","created_by":""`), EmptyMember},
		{"a schedule at the epoch", created(`,"title":"t"` + rest + `,"due_at":"1970-01-01T00:00:00.000000000Z"`), EmptyMember},
		{"a time with six digits", created(`,"title":"t"` + rest + `,"due_at":"2026-03-01T10:00:00.123456Z"`), BadValue},
		{"a time that is a number", created(`,"title":"t"` + rest + `,"due_at":5`), WrongType},
		{"a label of 129 bytes", `{"type":"LabelAdded","issue_uuid":` + u1 + `,"label":"` + strings.Repeat("x", 129) + `"}`, TooLong},
		{"a label with LF", `{"type":"LabelRemoved","issue_uuid":` + u1 + `,"label":"a\nb"}`, ControlCharacter},
		{"an update of nothing", `{"type":"IssueUpdated","uuid":` + u1 + `}`, MissingMember},
		{"an update to no title", `{"type":"IssueUpdated","uuid":` + u1 + `,"title":""}`, EmptyMember},
		{"an update to a title that is no string", `{"type":"IssueUpdated","uuid":` + u1 + `,"title":{}}`, WrongType},
		{"an update to no priority", `{"type":"IssueUpdated","uuid":` + u1 + `,"priority":""}`, EmptyMember},
		{"an update to an unknown priority", `{"type":"IssueUpdated","uuid":` + u1 + `,"priority":"x"}`, BadValue},
		{"an unknown status", `{"type":"StatusChanged","uuid":` + u1 + `,"new_status":"done"}`, BadValue},
		{"an unknown relation", `{"type":"RelationAdded","uuid_a":` + u1 + `,"uuid_b":` + u2 + `,"kind":"likes"}`, BadValue},
		{"the default relation, written", `{"type":"RelationAdded","uuid_a":` + u1 + `,"uuid_b":` + u2 + `,"kind":"related"}`, EmptyMember},
		{"a comment without a time", `{"type":"CommentAdded","issue_uuid":` + u1 + `,"comment_uuid":` + u2 + `,"author":"al","content":"c","kind":"note"}`, MissingMember},
		{"a comment at the epoch", `{"type":"CommentAdded","issue_uuid":` + u1 + `,"comment_uuid":` + u2 + `,"author":"al","content":"c","created_at":"1970-01-01T00:00:00.000000000Z","kind":"note"}`, EmptyMember},
		{"an unknown trigger", `{"type":"CommentAdded","issue_uuid":` + u1 + `,"comment_uuid":` + u2 + `,"author":"al","content":"c","created_at":` + ts + `,"kind":"intervention","trigger_type":"mood"}`, BadValue},
		{"a duration that is a string", `{"type":"TimeEntryAdded","issue_uuid":` + u1 + `,"entry_uuid":` + u2 + `,"started_at":` + ts + `,"duration_seconds":"5"}`, WrongType},
		{"wait, written though false", `{"type":"LockClaimed","issue_uuid":` + u1 + `,"wait":false}`, EmptyMember},
		{"wait that is no boolean", `{"type":"LockClaimed","issue_uuid":` + u1 + `,"wait":"yes"}`, WrongType},
		{"an empty branch", `{"type":"LockClaimed","issue_uuid":` + u1 + `,"branch":""}`, EmptyMember},
		{"token 0", `{"type":"LockBroken","issue_uuid":` + u1 + `,"token":0,"reason":"r"}`, BadValue},
		{"a token that is a string", `{"type":"LockBroken","issue_uuid":` + u1 + `,"token":"1","reason":"r"}`, WrongType},
		{"a request id in lower case", `{"type":"RequestAcked","request_id":"01hqzxk5m8n9p0q1r2s3t4v5w6","acted":true,"result":"r"}`, BadValue},
		{"acted that is no boolean", `{"type":"RequestAcked","request_id":"01HQZXK5M8N9P0Q1R2S3T4V5W6","acted":1,"result":"r"}`, WrongType},
		{"a target that is no agent id", `{"type":"RequestSent","request_id":"01HQZXK5M8N9P0Q1R2S3T4V5W6","target":"a b","kind":"kill","requested_by":"al"}`, BadValue},
		{"an unknown request", `{"type":"RequestSent","request_id":"01HQZXK5M8N9P0Q1R2S3T4V5W6","target":"bob","kind":"dance","requested_by":"al"}`, BadValue},
		{"an unknown kind of agent", `{"type":"AgentIntroduced","kind":"robot"}`, BadValue},
		{"a hash of 42 characters", `{"type":"AgentForkedFrom","agent":"bob","seq":1,"hash":"` + strings.Repeat("A", 42) + `"}`, BadValue},
		{"a hash with stray bits", `{"type":"AgentForkedFrom","agent":"bob","seq":1,"hash":"` + strings.Repeat("A", 42) + `B"}`, BadValue},
		{"a hash with stray bits at its end", `{"type":"AgentForkedFrom","agent":"bob","seq":1,"hash":"` + strings.Repeat("A", 42) + `_"}`, BadValue},
		{"a hash in the other alphabet", `{"type":"AgentForkedFrom","agent":"bob","seq":1,"hash":"` + strings.Repeat("+", 42) + `A"}`, BadValue},
		{"a forked line over its limit", `{"type":"AgentForked","agent":"bob","line_a":"` + strings.Repeat("x", MaxLine+1) + `","line_b":"x"}`, TooLong},
	} {
		t.Run(c.rule, func(t *testing.T) {
			line := lineOf(c.event)
			e, err := Decode([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			i, ok := e.Body.(*Invalid)
			if !ok || i.Reason != c.reason || i.Detail == "" {
				t.Fatalf("got %#v, want %s", e.Body, c.reason)
			}
			if got, err := again(e); err != nil || string(got) != line {
				t.Fatalf("became %s (%v)", got, err)
			}
			var m *MemberError
			if err := Check(e.Body); !errors.As(err, &m) || m.Reason != c.reason || m.Error() == "" {
				t.Fatalf("Check says %v", err)
			}
		})
	}
}

func TestDecode_WhatTheEventMaySay(t *testing.T) {
	for _, c := range []struct{ rule, event string }{
		{"an update may clear the description", `{"type":"IssueUpdated","uuid":` + u1 + `,"description":""}`},
		{"a title of 512 bytes", `{"type":"IssueUpdated","uuid":` + u1 + `,"title":"` + strings.Repeat("é", 256) + `"}`},
		{"a no-break space is no control", `{"type":"IssueUpdated","uuid":` + u1 + ",\"title\":\"a\u00a0b\"}"},
		{"text has lines and tabs", `{"type":"CommentEdited","comment_uuid":` + u1 + `,"content":"a\n\tb"}`},
		{"text may be empty", `{"type":"CommentEdited","comment_uuid":` + u1 + `,"content":""}`},
		{"64 KiB of text", `{"type":"CommentEdited","comment_uuid":` + u1 + `,"content":"` + strings.Repeat("x", MaxText) + `"}`},
		{"comment kinds are open", `{"type":"CommentAdded","issue_uuid":` + u1 + `,"comment_uuid":` + u2 + `,"author":"al","content":"c","created_at":` + ts + `,"kind":"poem"}`},
		{"no duration is not zero", `{"type":"TimeEntryAdded","issue_uuid":` + u1 + `,"entry_uuid":` + u2 + `,"started_at":` + ts + `,"duration_seconds":0}`},
		{"unknown members behind the known", `{"type":"LabelAdded","issue_uuid":` + u1 + `,"label":"a","x":{"y":[1]},"":true}`},
		{"archived", `{"type":"StatusChanged","uuid":` + u1 + `,"new_status":"archived"}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			e, err := Decode([]byte(lineOf(c.event)))
			if err != nil {
				t.Fatal(err)
			}
			if i, ok := e.Body.(*Invalid); ok {
				t.Fatalf("%#v", i)
			}
			if string(e.Event) != c.event {
				t.Fatalf("Event is %s", e.Event)
			}
			if got, err := again(e); err != nil || string(got) != lineOf(c.event) {
				t.Fatalf("became %s (%v)", got, err)
			}
		})
	}
}

func TestDecode_UnknownTypesAreKept(t *testing.T) {
	line := lineOf(`{"type":"MoonLanded","crew":["n","b"],"at":{"x":1}}`)
	e, err := Decode([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	if u, ok := e.Body.(*Unknown); !ok || u.Type() != "MoonLanded" || len(e.EventExtra) != 2 {
		t.Fatalf("%#v", e)
	}
	if got, err := again(e); err != nil || string(got) != line {
		t.Fatalf("became %s (%v)", got, err)
	}
	if Check(e.Body) == nil {
		t.Fatal("an unknown event may be written")
	}
}

// What is wrong with the JSON or the envelope ends the log.
func TestDecode_WhatEndsALog(t *testing.T) {
	ok := lineOf(`{"type":"IssueDeleted","uuid":` + u1 + `}`)
	change := func(old, new string) string {
		if !strings.Contains(ok, old) {
			t.Fatalf("the line does not hold %s", old)
		}
		return strings.Replace(ok, old, new, 1)
	}
	hash := Hash(nil)
	for _, c := range []struct{ rule, line, reason string }{
		{"nothing", ``, "unfinished"},
		{"not an object", `[]`, WrongType},
		{"two lines", ok + "\n" + ok, "trailing-bytes"},
		{"white space", change(`,"hub"`, `, "hub"`), "syntax"},
		{"null", change(`"uuid":`+u1, `"uuid":null`), "null"},
		{"a duplicate member", change(`"uuid":`+u1, `"uuid":`+u1+`,"uuid":`+u1), "duplicate-member"},
		{"a fraction", change(`"agent_seq":1`, `"agent_seq":1.0`), "number"},
		{"a negative number", change(`"agent_seq":1`, `"agent_seq":-1`), "number"},
		{"a sequence of 2^53", change(`"agent_seq":1`, `"agent_seq":9007199254740992`), "number"},
		{"too deep", change(u1, strings.Repeat("[", 15)+strings.Repeat("]", 15)), "too-deep"},
		{"invalid UTF-8", change(`IssueDeleted`, "Issue\xff"), "utf-8"},
		{"no v", change(`"v":4,`, ``), NoVersion},
		{"level 3", change(`"v":4`, `"v":3`), NoVersion},
		{"v as a string", change(`"v":4`, `"v":"4"`), WrongType},
		{"a newer level", change(`"v":4`, `"v":5`), Newer},
		{"a newer level of other rules", `{"v":10, null`, Newer},
		{"a newer level of any size", `{"v":99999999999999999999999,` + strings.Repeat("x", MaxForkLine), Newer},
		{"v 05 is not canonical", `{"v":05}`, "number"},
		{"no hub", change(`"hub":"`+testHub+`",`, ``), MissingMember},
		{"a hub that is no uuid", change(testHub, "hub"), BadValue},
		{"a bad agent id", change(`alice-box-ab2c`, `../etc`), BadValue},
		{"sequence 0", change(`"agent_seq":1`, `"agent_seq":0`), BadValue},
		{"sequence as a string", change(`"agent_seq":1`, `"agent_seq":"1"`), WrongType},
		{"members in another order", change(`"agent_id":"alice-box-ab2c","agent_seq":1`, `"agent_seq":1,"agent_id":"alice-box-ab2c"`), MemberOrder},
		{"an unknown member in front of the event", change(`,"event"`, `,"x":1,"event"`), MemberOrder},
		{"wall behind the event", change(`}}`, `},"wall":"2026-03-01T10:00:00.000000000Z"}`), MemberOrder},
		{"a timestamp of another form", change(ts, `"2026-03-01T10:00:00Z"`), BadValue},
		{"a timestamp with a comma", change(ts, `"2026-03-01T10:00:00,123456789Z"`), BadValue},
		{"a timestamp before 1970", change(ts, `"1969-12-31T23:59:59.999999999Z"`), BadValue},
		{"a timestamp behind 2199", change(ts, `"2200-01-01T00:00:00.000000000Z"`), BadValue},
		{"a day that does not exist", change(ts, `"2026-02-29T10:00:00.123456789Z"`), BadValue},
		{"month 0", change(ts, `"2026-00-01T10:00:00.123456789Z"`), BadValue},
		{"hour 24", change(ts, `"2026-03-01T24:00:00.123456789Z"`), BadValue},
		{"a leap second", change(ts, `"2026-03-01T10:00:60.123456789Z"`), BadValue},
		{"wall as the timestamp", change(`,"event"`, `,"wall":`+ts+`,"event"`), EmptyMember},
		{"wall at the epoch", change(`,"event"`, `,"wall":"1970-01-01T00:00:00.000000000Z","event"`), EmptyMember},
		{"prev that is no hash", change(`,"event"`, `,"prev":"x","event"`), BadValue},
		{"an empty prev", change(`,"event"`, `,"prev":"","event"`), EmptyMember},
		{"prev in front of wall", change(`,"event"`, `,"prev":"`+hash+`","wall":"2026-03-01T10:00:00.000000000Z","event"`), MemberOrder},
		{"no event", `{"v":4,"hub":"` + testHub + `","agent_id":"abc","agent_seq":1,"timestamp":` + ts + `}`, MissingMember},
		{"an event that is no object", lineOf(`"IssueDeleted"`), WrongType},
		{"an event without members", lineOf(`{}`), WrongType},
		{"type is not first", lineOf(`{"uuid":` + u1 + `,"type":"IssueDeleted"}`), WrongType},
		{"type is not a string", lineOf(`{"type":1}`), WrongType},
		{"type is empty", lineOf(`{"type":""}`), WrongType},
		{"type with a control", lineOf(`{"type":"a\u001b"}`), WrongType},
		{"signed_by alone", change(`}}`, `},"signed_by":"`+testKey+`"}`), MissingMember},
		{"signature alone", change(`}}`, `},"signature":"AAAA"}`), MissingMember},
		{"a fingerprint of another form", change(`}}`, `},"signed_by":"MD5:00","signature":"AAAA"}`), BadValue},
		{"a fingerprint with stray bits", change(`}}`, `},"signed_by":"SHA256:`+strings.Repeat("A", 42)+`+","signature":"AAAA"}`), BadValue},
		{"a signature that is no base64", change(`}}`, `},"signed_by":"`+testKey+`","signature":"AAA"}`), BadValue},
		{"a signature with stray bits", change(`}}`, `},"signed_by":"`+testKey+`","signature":"AB=="}`), BadValue},
		{"a signature with stray bits at one pad", change(`}}`, `},"signed_by":"`+testKey+`","signature":"AAB="}`), BadValue},
		{"something behind the signature", change(`}}`, `},"signed_by":"`+testKey+`","signature":"AAAA","x":1}`), MemberOrder},
		{"signature in front of signed_by", change(`}}`, `},"signature":"AAAA","signed_by":"`+testKey+`"}`), MemberOrder},
		{"an unknown member behind signed_by", change(`}}`, `},"signed_by":"`+testKey+`","x":1,"signature":"AAAA"}`), MemberOrder},
		{"a line over 256 KiB", lineOf(`{"type":"X","x":"` + strings.Repeat("x", MaxLine) + `"}`), LineTooLong},
		{"a fork over 1 MiB", lineOf(`{"type":"AgentForked","x":"` + strings.Repeat("x", MaxForkLine) + `"}`), LineTooLong},
	} {
		t.Run(c.rule, func(t *testing.T) {
			e, err := Decode([]byte(c.line))
			var l *LineError
			if e != nil || !errors.As(err, &l) || l.Reason != c.reason {
				t.Fatalf("got %v, %v, want %s", e, err, c.reason)
			}
			if !strings.HasPrefix(l.Error(), c.reason) {
				t.Fatal(l.Error())
			}
		})
	}
	if (&LineError{Reason: "x"}).Error() != "x" {
		t.Error("a LineError without detail")
	}
}

// Lines of 256 KiB and, for a fork's proof, 1 MiB are the longest.
func TestDecode_LongestLines(t *testing.T) {
	for _, c := range []struct {
		typ string
		max int
	}{{"X", MaxLine}, {"AgentForked", MaxForkLine}} {
		empty := len(lineOf(`{"type":"` + c.typ + `","x":""}`))
		line := lineOf(fmt.Sprintf(`{"type":"%s","x":"%s"}`, c.typ, strings.Repeat("x", c.max-empty)))
		if len(line) != c.max {
			t.Fatal(len(line))
		}
		e, err := Decode([]byte(line))
		if err != nil {
			t.Fatal(c.typ, err)
		}
		if _, err := again(e); err != nil {
			t.Fatal(c.typ, err)
		}
		long := *e
		long.Extra = [][]byte{[]byte(`"y":1`)}
		if _, err := again(&long); err == nil {
			t.Fatal(c.typ, "a longer line is written")
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	c := Chain{Hub: testHub, Agent: "alice-box-ab2c", Seq: 4, Hash: Hash(nil), Time: 99}
	l, err := c.Stamp(&Envelope{Body: &CommentAdded{Issue: UUID{1, 5, 200}, Comment: UUID{4, 100, 3}, Author: "alice",
		Content: "It is the third tile from the left.\nNext: the flux.", CreatedAt: 4, Kind: "note"}}, 1e18, 5)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(l)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(l); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	e, err := Decode([]byte(lineOf(`{"type":"LabelAdded","issue_uuid":` + u1 + `,"label":"bug"}`)))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(e); err != nil {
			b.Fatal(err)
		}
	}
}
