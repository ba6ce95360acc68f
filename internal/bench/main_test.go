package main

import (
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

func ms(v ...float64) []float64 { return v }

func TestLine(t *testing.T) {
	ratio := func(one, floor, cpuOne, cpuFloor float64) measurement {
		return measurement{one: series{ms(one), ms(cpuOne)}, floor: series{ms(floor), ms(cpuFloor)}}
	}
	for _, c := range []struct {
		r       row
		m       measurement
		verdict string
		says    []string
	}{
		{row{budget: 3, unit: "x"}, ratio(6, 2, 1, 1), "pass", []string{"6.00 ms", "2.00 ms", "3.00", "3.00–3.00", "1.00", "≤ 3 x", "pass"}},
		{row{budget: 3, unit: "x"}, ratio(7, 2, 1, 1), "missed", nil},
		{row{budget: 3, plus: 4, unit: "x"}, ratio(10, 2, 1, 1), "pass", []string{"10.00 ms", "2.00 ms", "5.00", "5.00–5.00", "1.00", "≤ 3 x + 4 ms", "pass"}},
		{row{budget: 3, plus: 4, unit: "x"}, ratio(10.1, 2, 1, 1), "missed", nil},
		{row{budget: 3, unit: "x", byCPU: true}, ratio(7, 2, 1, 1), "pass", []string{"7.00 ms", "2.00 ms", "3.50", "3.50–3.50", "1.00", "≤ 3 x of CPU", "pass"}},
		{row{budget: 3, unit: "x", byCPU: true}, ratio(1, 2, 4, 1), "missed", nil},
		{row{budget: 30, unit: "MB"}, measurement{value: 30}, "pass", []string{"30 MB", "", "", "", "", "≤ 30 MB", "pass"}},
		{row{budget: 30, unit: "MB"}, measurement{value: 30.1}, "missed", nil},
		{row{budget: 100_000, unit: "events/s", atLeast: true}, measurement{value: 99_999}, "missed", []string{"99999 events/s", "", "", "", "", "≥ 100000 events/s", "missed"}},
		{row{budget: 100_000, unit: "events/s", atLeast: true}, measurement{value: 100_000}, "pass", nil},
		{row{unit: "MB"}, measurement{value: 30}, "-", []string{"30 MB", "", "", "", "", "-", "-"}},
		{row{unit: "x"}, measurement{one: series{wall: ms(2)}, floor: series{wall: ms(1)}}, "-", []string{"2.00 ms", "1.00 ms", "2.00", "2.00–2.00", "-", "-", "-"}},
	} {
		l := line{c.r, c.m}
		if got := l.verdict(); got != c.verdict {
			t.Errorf("%+v: %s, not %s", c, got, c.verdict)
		}
		if c.says != nil && strings.Join(l.cells(), "|") != strings.Join(c.says, "|") {
			t.Errorf("%q, not %q", l.cells(), c.says)
		}
	}
}

func TestArithmetic(t *testing.T) {
	v := []float64{9, 1, 4}
	if m := median(v); m != 4 || v[0] != 9 {
		t.Error(m, v)
	}
	if m := median([]float64{9, 1, 4, 6}); m != 5 {
		t.Error(m)
	}
	if m := median(nil); !math.IsNaN(m) {
		t.Error(m)
	}
	if q := quantile([]float64{0, 10, 20, 30, 40}, 0.25); q != 10 {
		t.Error(q)
	}
	if q := quantile([]float64{0, 10}, 0.75); q != 7.5 {
		t.Error(q)
	}
	low, high := spread([]float64{2, 4, 6, 8, 10}, []float64{2, 2, 2, 2, 2})
	if low != 2 || high != 4 {
		t.Error(low, high)
	}
	var s series
	s.add(cost{2 * time.Millisecond, 1500 * time.Microsecond})
	if s.wall[0] != 2 || s.cpu[0] != 1.5 {
		t.Error(s)
	}
}

func TestInterleave(t *testing.T) {
	order := ""
	step := func(name string, d time.Duration) func() (cost, error) {
		return func() (cost, error) { order += name; return cost{d, d}, nil }
	}
	b := &bench{rounds: 2}
	m, err := b.interleave(step("a", time.Second), step("b", 2*time.Second))
	if err != nil || order != "ababab" || len(m.one.wall) != 2 || len(m.floor.cpu) != 2 {
		t.Fatal(order, m, err)
	}
}

func TestRows(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, r := range rows {
		if !name.MatchString(r.name) || seen[r.name] || r.what == "" || r.unit == "" || r.measure == nil || (r.unit == "x") != (r.against != "") {
			t.Errorf("%+v", r)
		}
		seen[r.name] = true
	}
}

// TestTableListsEveryRow holds the table in docs/performance.md to the rows:
// the same ones, in this order, with the same text and budget.
func TestTableListsEveryRow(t *testing.T) {
	doc, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), beginMark)
	text, _, closed := strings.Cut(rest, endMark)
	if !closed {
		t.Fatal("docs/performance.md has no table")
	}
	var want, listed []string
	for _, r := range rows {
		want = append(want, r.name)
	}
	for l := range strings.Lines(text) {
		name, ok := strings.CutPrefix(l, "| `")
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, "`")
		listed = append(listed, name)
		i := slices.IndexFunc(rows, func(r row) bool { return r.name == name })
		if i < 0 {
			continue
		}
		cells := line{row: rows[i]}.cells()
		if !strings.HasPrefix(l, "| `"+name+"` | "+rows[i].title()) || !strings.Contains(l, " | "+cells[len(cells)-2]+" | ") {
			t.Errorf("the table has another text or budget for '%s' than %q", name, rows[i].title())
		}
	}
	if !slices.Equal(listed, want) {
		t.Errorf("the table lists %q, not %q", listed, want)
	}
}

func TestWriteIntoDocument(t *testing.T) {
	one := &table{when: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), machine: "a machine", lines: []line{
		{rows[0], measurement{one: series{ms(3), ms(3)}, floor: series{ms(1), ms(1)}}},
		{rows[1], measurement{value: 12}},
	}}
	doc, err := one.splice([]byte("before\n" + beginMark + "old\n" + endMark + "\nafter\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := string(doc)
	if !strings.HasPrefix(got, "before\n"+beginMark+"Measured on 2026-01-02: a machine.\n") || !strings.HasSuffix(got, "|\n"+endMark+"\nafter\n") ||
		strings.Contains(got, "old") || !strings.Contains(got, "| `version` |") || !strings.Contains(got, "12 MB") {
		t.Fatal(got)
	}
	// a run of some rows keeps the lines of the others, each once
	two := &table{when: one.when, machine: "a machine", lines: []line{{rows[1], measurement{value: 13}}}}
	if doc, err = two.splice(doc); err != nil {
		t.Fatal(err)
	}
	if got := string(doc); strings.Contains(got, "12 MB") || strings.Count(got, "13 MB") != 1 || strings.Count(got, "| `version` |") != 1 {
		t.Fatal(got)
	}
	if _, err := two.splice([]byte("no table")); err == nil {
		t.Error("a document without markers was written")
	}
}

// The measured data is valid for the tracker: every line continues its log, and no comment is
// on an issue that does not exist.
func TestHistory(t *testing.T) {
	const n = 2000
	hub := uuidOf("hub", 0).String()
	issues, on := map[event.UUID]bool{}, []event.UUID(nil)
	events := 0
	err := history(hub, n, shortText, usually, true, nobody, func(agent string, lines [][]byte) error {
		c := event.Chain{Hub: hub, Agent: agent}
		for _, l := range lines {
			e, err := c.Next(l)
			if err != nil {
				return err
			}
			switch b := e.Body.(type) {
			case *event.IssueCreated:
				issues[b.UUID] = true
			case *event.CommentAdded:
				on = append(on, b.Issue)
			}
			events++
		}
		return nil
	})
	if err != nil || events != n+usually || len(issues) != n/5 || len(on) != n*4/5 {
		t.Fatal(events, len(issues), len(on), err)
	}
	for _, u := range on {
		if !issues[u] {
			t.Fatalf("a comment on '%s', which is no issue", u)
		}
	}
}

func TestSignedHasTheLengthOfASignature(t *testing.T) {
	a := author{chain: event.Chain{Hub: uuidOf("hub", 0).String(), Agent: agentName(0)}}
	signed(&a.chain)
	if err := a.say(0, body(0, agentName(0), shortText)); err != nil {
		t.Fatal(err)
	}
	e, err := event.Decode(a.lines[0])
	if err != nil || len(e.Signature) != 252 { // base64 of 189 bytes
		t.Fatal(len(e.Signature), err)
	}
}
