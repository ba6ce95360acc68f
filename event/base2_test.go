package event

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

const (
	issueA = "0d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e"
	issueB = "1d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e"
	noteA  = "2d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e"
	mileA  = "5d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e"
	mileB  = "6d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e"
)

func json2(id string, number int, more string) string {
	return fmt.Sprintf(`{"uuid":"%s","display_id":%d,"title":"t%d","status":"open","priority":"low","created_by":"a",`+
		`"created_at":"2026-03-01T10:00:00Z","updated_at":"2026-03-01T11:00:00+01:00"%s}`, id, number, number, more)
}

func milestone2(id, name string) string {
	return fmt.Sprintf(`{"uuid":"%s","display_id":3,"name":"%s","status":"open","created_at":"2026-03-01T10:00:00Z"}`, id, name)
}

func files2(pairs ...string) map[string][]byte {
	m := map[string][]byte{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = []byte(pairs[i+1])
	}
	return m
}

func mustBase2(t *testing.T, pairs ...string) *Base {
	t.Helper()
	b, err := ParseBase2(files2(pairs...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Both layouts are read: a file per issue, and a directory per issue.
func TestParseBase2_Layouts(t *testing.T) {
	b := mustBase2(t,
		"issues/"+issueB+".json", json2(issueB, 2, `,"labels":["z","a","a"],"blockers":["`+issueA+`"],"parent_uuid":"`+issueA+`"`),
		"issues/"+issueA+"/issue.json", json2(issueA, 7, `,"description":"d","milestone_uuid":"`+mileA+`","closed_at":null`),
		"issues/README", "not JSON", "other/x.json", "{}")
	if len(b.Issues) != 2 || b.Issues[0].UUID != uuid.MustParse(issueA) || b.Issues[1].UUID != uuid.MustParse(issueB) {
		t.Fatalf("%+v", b.Issues)
	}
	a, c := b.Issues[0], b.Issues[1]
	if a.Title != "t7" || a.Description != "d" || a.Milestone.String() != mileA || a.ClosedAt != 0 || a.Status != Open || a.Priority != Low {
		t.Errorf("%+v", a)
	}
	if !slices.Equal(c.Labels, []string{"a", "z"}) || c.Parent != a.UUID || len(c.Blockers) != 1 || c.UpdatedAt != c.CreatedAt {
		t.Errorf("%+v", c)
	}
	if b.NextIssue != 8 || b.NextMilestone != 1 || !reflect.DeepEqual(b.Numbers, map[UUID]uint64{a.UUID: 7, c.UUID: 2}) {
		t.Errorf("next %d, %d, %v", b.NextIssue, b.NextMilestone, b.Numbers)
	}
}

// Comments are in the file of the issue, by number, or in files of their own, by uuid. Those
// without a uuid get the one that the original's migration gives them.
func TestParseBase2_CommentsAndTimes(t *testing.T) {
	inside := `,"comments":[{"id":4,"author":"x","content":"inside","created_at":"2026-03-01T10:00:00Z"}],` +
		`"time_entries":[{"id":5,"started_at":"2026-03-01T10:00:00Z","ended_at":"2026-03-01T10:01:00Z","duration_seconds":60}]`
	apart := `{"uuid":"` + noteA + `","author":"y","content":"apart","created_at":"2026-03-01T10:00:00Z","kind":"plan"}`
	b := mustBase2(t, "issues/"+issueA+"/issue.json", json2(issueA, 1, inside),
		"issues/"+issueA+"/comments/"+noteA+".json", apart,
		"issues/"+issueB+"/comments/"+noteA+".json", apart, // of an issue that is not there
		"issues/"+issueA+"/comments/bad.json", "{}")
	cs := b.Issues[0].Comments
	if len(cs) != 2 {
		t.Fatalf("%+v", cs)
	}
	derived := func(kind string, id int) UUID {
		h := sha256.Sum256(fmt.Appendf(nil, "crosslink-hub-v3:%s:%s:%d", kind, issueA, id))
		return UUID(h[:16])
	}
	byContent := map[string]BaseComment{cs[0].Content: cs[0], cs[1].Content: cs[1]}
	if c := byContent["inside"]; c.UUID != derived("comment", 4) || c.Kind != "note" || c.Author != "x" {
		t.Errorf("%+v", c)
	}
	if c := byContent["apart"]; c.UUID.String() != noteA || c.Kind != "plan" {
		t.Errorf("%+v", c)
	}
	if e := b.Issues[0].Time; len(e) != 1 || e[0].UUID != derived("time-entry", 5) || *e[0].DurationSeconds != 60 {
		t.Errorf("%+v", e)
	}
}

// Milestones are in one file, or in a file each. Only the bad one is skipped, and of two with
// the same uuid the one with the first path counts.
func TestParseBase2_Milestones(t *testing.T) {
	together := `{"milestones":{"` + mileA + `":` + milestone2(mileA, "together") + `,"` + mileB + `":{"name":"no status"},"nonsense":` + milestone2(mileB, "x") + `}}`
	b := mustBase2(t, "meta/milestones.json", together,
		"meta/milestones/"+mileA+".json", milestone2(mileA, "apart"),
		"meta/milestones/"+mileB+".json", milestone2(mileB, "b"),
		"meta/milestones/bad.json", "[]",
		"meta/counters.json", `{"next_display_id":5,"next_milestone_id":9}`)
	var got []string
	for _, m := range b.Milestones {
		got = append(got, m.UUID.String()+" "+m.Name)
	}
	if !slices.Equal(got, []string{mileA + " together", mileB + " b"}) {
		t.Errorf("%q", got)
	}
	if b.NextIssue != 5 || b.NextMilestone != 9 {
		t.Errorf("next %d, %d", b.NextIssue, b.NextMilestone)
	}
}

// A file that cannot be read is skipped; the others do not depend on it.
func TestParseBase2_OneBadFileStopsNoOther(t *testing.T) {
	good := json2(issueA, 1, "")
	for name, bad := range map[string]string{
		"not JSON": "x", "list": "[]", "empty": "", "no title": strings.Replace(json2(issueB, 2, ""), `"title"`, `"tittle"`, 1),
		"bad status": strings.Replace(json2(issueB, 2, ""), "open", "ajar", 1), "bad priority": strings.Replace(json2(issueB, 2, ""), "low", "mid", 1),
		"bad uuid": json2("x", 2, ""), "bad time": strings.Replace(json2(issueB, 2, ""), "T10", "T99", 1), "not UTF-8": json2(issueB, 2, ",\"x\":\"\xff\""),
		"bad comment": json2(issueB, 2, `,"comments":[{"id":1,"created_at":"x"}]`), "rest": json2(issueB, 2, "") + "x",
		"uuid of another": json2(issueA, 9, ""),
	} {
		b := mustBase2(t, "issues/"+issueA+".json", good, "issues/"+issueB+".json", bad)
		if len(b.Issues) != 1 || b.Issues[0].UUID.String() != issueA || b.NextIssue != 2 {
			t.Errorf("%s: %+v", name, b)
		}
		if len(b.Unread) != 1 || b.Unread[0].Path != "issues/"+issueB+".json" || b.Unread[0].Reason == "" {
			t.Errorf("%s: passed over %+v", name, b.Unread)
		}
	}
}

// Every skipped file is listed with the reason, whatever kind of object it is for.
func TestParseBase2_Unread(t *testing.T) {
	b := mustBase2(t, "issues/"+issueA+".json", json2(issueA, 1, ""),
		"issues/"+issueA+"/issue.json", json2(issueA, 2, ""),
		"issues/"+issueB+".json", strings.Replace(json2(issueB, 2, ""), "open", "in_progress", 1),
		"issues/"+noteA+"/issue.json", json2(mileB, 3, ""),
		"issues/x.json", json2(mileA, 4, ""),
		"issues/"+issueA+"/comments/"+noteA+".json", "{",
		"issues/"+issueB+"/comments/"+noteA+".json", "{}",
		"meta/milestones/"+mileA+".json", milestone2(mileB, "b"),
		"meta/milestones.json", `{"milestones":{}}`,
		"meta/counters.json", "x")
	var got []string
	for _, f := range b.Unread {
		got = append(got, f.Path+": "+f.Reason)
	}
	want := []string{
		"issues/" + issueA + "/issue.json: another file holds the same issue",
		"issues/" + issueB + ".json: status 'in_progress' is none of [open closed archived]",
		"issues/" + noteA + "/issue.json: it says the uuid " + mileB,
		"issues/x.json: its name is no uuid",
		"issues/" + issueA + "/comments/" + noteA + ".json: unexpected EOF",
		"issues/" + issueB + "/comments/" + noteA + ".json: its issue cannot be read",
		"meta/milestones/" + mileA + ".json: it says the uuid " + mileB,
		"meta/counters.json: invalid character 'x' looking for beginning of value",
	}
	if len(b.Issues) != 1 || b.Issues[0].Number != 1 || len(b.Milestones) != 0 {
		t.Errorf("%+v", b)
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("%d: got  %q\nwant %q", i, got, want)
		}
	}
}

func TestParseBase2_NothingThere(t *testing.T) {
	for _, files := range []map[string][]byte{nil, files2("x.json", "{}"), files2("meta/counters.json", "x"), files2("issues/x", "{}")} {
		if b, err := ParseBase2(files); err == nil || b != nil {
			t.Errorf("%v: %+v, %v", files, b, err)
		}
	}
	if b := mustBase2(t, "meta/counters.json", `{"next_display_id":-3,"next_milestone_id":0}`); b.NextIssue != 1 || b.NextMilestone != 1 {
		t.Errorf("%+v", b)
	}
}

// FuzzParseBase2 takes files as lines "> path" and what follows.
func FuzzParseBase2(f *testing.F) {
	// small seeds: the fuzzer tries every byte of what it finds
	f.Add("> issues/a.json\n" + json2(issueA, 1, `,"comments":[{"id":1,"created_at":"2026-03-01T10:00:00Z"}]`))
	f.Add("> issues/" + issueA + "/comments/b.json\n{}\n> meta/milestones.json\n{\"milestones\":{}}")
	f.Add("> meta/milestones/" + mileA + ".json\n" + milestone2(mileA, "m"))
	f.Add("> meta/counters.json\n{\"next_display_id\":9223372036854775807}")
	f.Fuzz(func(t *testing.T, text string) {
		files := map[string][]byte{}
		for _, part := range strings.Split("\n"+text, "\n> ")[1:] {
			name, data, _ := strings.Cut(part, "\n")
			files[name] = []byte(data)
		}
		a, errA := ParseBase2(files)
		b, errB := ParseBase2(files)
		if (a == nil) != (errA != nil) || (errA != nil) != (errB != nil) || !reflect.DeepEqual(a, b) {
			t.Fatal("not the same twice")
		}
		if a == nil {
			return
		}
		for i, x := range a.Issues {
			if i > 0 && compareUUID(a.Issues[i-1].UUID, x.UUID) >= 0 {
				t.Fatal("issues are not sorted, each once")
			}
			if x.Number >= a.NextIssue {
				t.Fatalf("number %d is taken, next is %d", x.Number, a.NextIssue)
			}
		}
		for i := range a.Milestones {
			if i > 0 && compareUUID(a.Milestones[i-1].UUID, a.Milestones[i].UUID) >= 0 {
				t.Fatal("milestones are not sorted, each once")
			}
		}
	})
}
