package exporter

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/importer"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

const now = event.Time(2_000_000_000e9)

func format(t testing.TB, name string) Format {
	t.Helper()
	for _, f := range Formats {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no format %s", name)
	return Format{}
}

func write(t testing.TB, name string, s State) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := format(t, name).Write(&b, Source{State: s, Filter: store.Filter{Status: "all"}, Hub: "hub", Sequence: 7}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// reread imports an export into an empty tracker.
func reread(t testing.TB, read func(importer.Source, importer.Options, *importer.Sink) error, n importer.Names, text string) (*store.Memory, *importer.Report) {
	t.Helper()
	s, rep := reducer.New(), &importer.Report{}
	var seq uint64
	var lines []*event.Envelope
	say := func(all []importer.Line) {
		for _, l := range all {
			seq++
			e := &event.Envelope{V: 4, Hub: testkit.HistoryHub, Agent: "import-x", Seq: seq, Time: now + event.Time(seq), Wall: l.Wall, Body: l.Body}
			if seq > 1 {
				e.Prev = event.Hash(nil)
			}
			if _, err := event.Encode(e); err != nil {
				t.Fatalf("%#v: %v", l.Body, err)
			}
			if err := s.Check(e.Agent, l.Body); err != nil {
				t.Fatalf("%#v: %v", l.Body, err)
			}
			s.Apply(e)
			lines = append(lines, e)
		}
	}
	err := read(strings.NewReader(text), importer.Options{}, &importer.Sink{
		Report:    rep,
		Milestone: func(m *importer.Milestone) error { say(n.Founding(m)); return nil },
		Issue:     func(i *importer.Issue) error { i.Fit(now, rep); say(n.Create(i)); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return store.NewMemory(s, lines, nil), rep
}

// normal drops what a live tracker sets itself: the writer, and the time of the last change,
// because an edge changes both of its ends.
func normal(t testing.TB, export string) string {
	t.Helper()
	var b strings.Builder
	for l := range strings.Lines(export) {
		var row map[string]any
		if err := json.Unmarshal([]byte(l), &row); err != nil {
			t.Fatal(err)
		}
		if row["_type"] == "header" || row["_type"] == "agent" {
			continue
		}
		delete(row, "status_by")
		delete(row, "updated_at")
		for _, list := range []string{"comments", "time"} {
			for _, c := range asList(row[list]) {
				delete(c.(map[string]any), "by")
			}
		}
		out, _ := json.Marshal(row)
		b.Write(append(out, '\n'))
	}
	return b.String()
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

// randomStates is how many states the tests of this file draw.
func randomStates() int {
	switch {
	case os.Getenv("CROSSLINK_NIGHTLY") != "":
		return 10_000
	case testing.Short():
		return 60
	}
	return 300
}

// TestRoundTrip exports random states, imports them into an empty tracker and
// exports that: the two exports are equal.
func TestRoundTrip(t *testing.T) {
	runs := randomStates()
	issues, comments, edges := 0, 0, 0
	for seed := range uint64(runs) {
		history := testkit.History(rand.New(rand.NewPCG(seed, 1)), testkit.HistoryOptions{})
		s := reducer.New()
		for _, e := range history {
			s.Apply(e)
		}
		first := write(t, "jsonl", store.NewMemory(s, history, nil))
		again := store.NewMemory(s.Clone(), history, nil)
		for _, f := range Formats {
			if write(t, f.Name, again) != write(t, f.Name, store.NewMemory(s, history, nil)) {
				t.Fatalf("seed %d: two exports of one state as %s differ", seed, f.Name)
			}
		}
		p, rep := reread(t, importer.Crosslink, importer.Names{System: importer.Own, Scope: "x"}, first)
		if rep.Bad > 0 || len(rep.Skipped) > 0 || rep.EdgesSkipped > 0 {
			t.Fatalf("seed %d: %+v", seed, rep)
		}
		if got, want := normal(t, write(t, "jsonl", p)), normal(t, first); got != want {
			t.Fatalf("seed %d:\n%s", seed, firstDifference(got, want))
		}
		issues += strings.Count(first, `"_type":"issue"`)
		comments += strings.Count(first, `"driver_key_fingerprint"`)
		edges += strings.Count(first, `"kind":"duplicates"`) + strings.Count(first, `"blocked_by":["`)
	}
	if issues < runs || comments < runs/2 || edges < runs/10 {
		t.Errorf("only %d issues, %d comments and %d with edges", issues, comments, edges)
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "got  " + g[i] + "\nwant " + w[i]
		}
	}
	return "one is longer"
}

// rows parses lines, drops members of each row, and sorts them.
func rowsWithout(t testing.TB, export string, members ...string) string {
	t.Helper()
	var all []string
	for l := range strings.Lines(export) {
		var row map[string]any
		if err := json.Unmarshal([]byte(l), &row); err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			delete(row, m)
		}
		comments := asList(row["comments"])
		for _, c := range comments {
			delete(c.(map[string]any), "id")
		}
		at := func(n int, member string) string {
			v, _ := comments[n].(map[string]any)[member].(string)
			return v
		}
		for i := range comments { // those of one instant have no order that beads could hold
			for j := i; j > 0 && at(j, "created_at") == at(j-1, "created_at") && at(j, "text")+at(j, "author") < at(j-1, "text")+at(j-1, "author"); j-- {
				comments[j], comments[j-1] = comments[j-1], comments[j]
			}
		}
		if labels := asList(row["labels"]); labels != nil { // an import tidies names
			for n := range labels {
				labels[n] = strings.TrimSpace(labels[n].(string))
			}
			slices.SortFunc(labels, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
			row["labels"] = slices.Compact(labels)
		}
		out, _ := json.Marshal(row)
		all = append(all, string(out))
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// TestRoundTripBeads does the same with the fields that beads has: what beads
// cannot hold is gone after the first export, and all of that stays.
func TestRoundTripBeads(t *testing.T) {
	deps := 0
	for seed := range uint64(randomStates()) {
		history := testkit.History(rand.New(rand.NewPCG(seed, 2)), testkit.HistoryOptions{})
		s := reducer.New()
		for _, e := range history {
			s.Apply(e)
		}
		first := write(t, "beads", store.NewMemory(s, history, nil))
		n := importer.Names{System: "beads", Scope: "here"}
		p, rep := reread(t, importer.Beads, n, first)
		if rep.Bad > 0 || rep.EdgesSkipped > 0 {
			t.Fatalf("seed %d: %+v", seed, rep)
		}
		second := write(t, "beads", p)
		if got, want := rowsWithout(t, second, "updated_at"), rowsWithout(t, first, "updated_at"); got != want {
			t.Fatalf("seed %d:\n%s", seed, firstDifference(got, want))
		}
		deps += strings.Count(first, `"depends_on_id"`)
	}
	if deps < 20 {
		t.Errorf("only %d dependencies", deps)
	}
}

// What has no place here comes back in an export for beads: rows of beads that were
// imported are the same rows again.
func TestBeadsComeBack(t *testing.T) {
	const source = `{"_type":"issue","id":"bd-1","title":"one","status":"open","priority":1,"issue_type":"bug","created_by":"ann","created_at":"2026-01-01T00:00:00.000000000Z","updated_at":"2026-01-02T00:00:00.000000000Z","external_ref":"gh-42","close_reason":"not yet","estimated_minutes":30,"metadata":{"team":["a","<b>"]},"spec_id":"s\u0001"}
{"_type":"issue","id":"bd-1.1","title":"two","status":"closed","priority":4,"issue_type":"task","assignee":"ann","created_by":"unknown","created_at":"2026-01-01T00:00:01.000000000Z","updated_at":"2026-01-03T00:00:00.000000000Z","closed_at":"2026-01-03T00:00:00.000000000Z","labels":["assignee:bo"],"dependencies":[{"issue_id":"bd-1.1","depends_on_id":"bd-2","type":"waits-for","created_at":"2026-01-01T00:00:01.000000000Z","metadata":{"gate":"all"}},{"issue_id":"bd-1.1","depends_on_id":"bd-1","type":"parent-child","created_at":"2026-01-01T00:00:01.000000000Z"}],"sender":"eve"}
{"_type":"issue","id":"bd-2","title":"three","status":"closed","priority":2,"issue_type":"task","created_by":"unknown","created_at":"2026-01-01T00:00:02.000000000Z","updated_at":"2026-01-03T00:00:00.000000000Z","closed_at":"2026-01-03T00:00:00.000000000Z","labels":["status:archived"]}
`
	p, rep := reread(t, importer.Beads, importer.Names{System: "beads", Scope: "here"}, source)
	if rep.Bad > 0 || rep.EdgesSkipped > 0 || len(rep.Warnings) > 0 {
		t.Fatalf("%+v", rep)
	}
	if i := find(t, p, importer.UUID("beads", "here", "issue", "bd-2").String()); i.Status != event.Archived {
		t.Errorf("bd-2 is %s", i.Status)
	}
	if got, want := rowsWithout(t, write(t, "beads", p), "updated_at"), rowsWithout(t, source, "updated_at"); got != want {
		t.Errorf("%s", firstDifference(got, want))
	}
}

// TestRoundTripCSV does the same with a table.
func TestRoundTripCSV(t *testing.T) {
	cells := 0
	for seed := range uint64(randomStates()) {
		history := testkit.History(rand.New(rand.NewPCG(seed, 3)), testkit.HistoryOptions{})
		s := reducer.New()
		for _, e := range history {
			s.Apply(e)
		}
		first := write(t, "csv", store.NewMemory(s, history, nil))
		p, rep := reread(t, importer.CSV, importer.Names{System: "csv", Scope: "here"}, first)
		if rep.Bad > 0 {
			t.Fatalf("seed %d: %+v", seed, rep)
		}
		for _, i := range table(t, first) {
			row := find(t, p, i["uuid"])
			if row.Title != strings.TrimSpace(i["title"]) || string(row.Status) != i["status"] || string(row.Priority) != i["priority"] || row.DueAt.String() != orEpoch(i["due"]) {
				t.Fatalf("seed %d: %v became %+v", seed, i, row.Issue)
			}
			cells++
		}
	}
	if cells < 60 {
		t.Errorf("only %d rows", cells)
	}
}

func orEpoch(s string) string {
	if s == "" {
		return event.Time(0).String()
	}
	return s
}

func table(t testing.TB, text string) (rows []map[string]string) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range all[1:] {
		row := map[string]string{}
		for n, name := range all[0] {
			row[name] = rec[n]
		}
		rows = append(rows, row)
	}
	return rows
}

func find(t testing.TB, p *store.Memory, id string) *store.Issue {
	t.Helper()
	u, _ := event.ParseUUID(id)
	i, err := p.Issue(u)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// A cell that a spreadsheet would run begins with an apostrophe, which an import takes
// away: every text comes back as it was, and so does every label.
func TestFormulas(t *testing.T) {
	for s, want := range map[string]string{"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "a=b": "a=b", "": "", "'=1": "''=1", "'tis": "'tis", "''": "''"} {
		if got := formula(s); got != want {
			t.Errorf("formula(%q) = %q, want %q", s, got, want)
		}
	}
	texts := []string{"=1+1", "+1", "-1", "@x", "'=1", "''=1", "'tis", "''", "a=b", `say "=1"`, "a,b;c", `"`, `""`, `"a","b"`, `"a`, "'", "x, y", "=a,b"}
	for _, text := range texts {
		s := reducer.New()
		u := event.UUID{15: 1}
		created := &event.IssueCreated{UUID: u, Title: text, Description: text, Priority: event.Low, CreatedBy: text, Labels: []string{text, "other", `x"`}}
		for n, b := range []event.Body{created, &event.AssigneeAdded{Issue: u, Assignee: text}, &event.StatusChanged{UUID: u, NewStatus: event.Closed, ClosedAt: 5, Reason: text}} {
			s.Apply(&event.Envelope{V: 4, Hub: testkit.HistoryHub, Agent: "a", Seq: uint64(n + 1), Time: event.Time(n + 1), Body: b})
		}
		first := store.NewMemory(s, nil, nil)
		p, rep := reread(t, importer.CSV, importer.Names{System: "csv", Scope: "here"}, write(t, "csv", first))
		if rep.Bad > 0 {
			t.Fatalf("%q: %+v", text, rep)
		}
		was, _ := first.Issue(u)
		got := find(t, p, u.String())
		if got.Title != text || got.Description != text || got.CreatedBy != text || got.Reason != text || !slices.Equal(got.Labels, was.Labels) || !slices.Equal(got.Assignees, was.Assignees) {
			t.Errorf("%q became %+v", text, got.Issue)
		}
	}
}
