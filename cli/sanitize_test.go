package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/event"
)

// TestSanitize is golden: what stands here is what terminals get.
func TestSanitize(t *testing.T) {
	for _, c := range []struct{ name, in, line, lines string }{
		{"plain", "flux ü 世 👍", "flux ü 世 👍", "flux ü 世 👍"},
		{"empty", "", "", ""},
		{"lines", "a\nb\tc", `a\nb\tc`, "a\nb\tc"},
		{"carriage return", "a\r\nb", `a\r\nb`, "a\\r\nb"},
		{"colour", "\x1b[31mred", `\x1b[31mred`, `\x1b[31mred`},
		{"title of the window", "\x1b]0;x\x07", `\x1b]0;x\x07`, `\x1b]0;x\x07`},
		{"NUL and DEL", "\x00\x7f", `\x00\x7f`, `\x00\x7f`},
		{"C1", "\u009b31m\u0085", `\u009b31m\u0085`, `\u009b31m\u0085`},
		{"C1 as bytes", "\x9b31m", `\x9b31m`, `\x9b31m`},
		{"override", "\u202etxt.exe\u202c", `\u202etxt.exe\u202c`, `\u202etxt.exe\u202c`},
		{"isolates", "\u2066x\u2069", `\u2066x\u2069`, `\u2066x\u2069`},
		{"zero width", "a\u200bb\u200d\u2060\ufeff", `a\u200bb\u200d\u2060\ufeff`, `a\u200bb\u200d\u2060\ufeff`},
		{"separators", "a\u2028b\u2029", `a\u2028b\u2029`, `a\u2028b\u2029`},
		{"tags", "a\U000e0041", `a\U000e0041`, `a\U000e0041`},
		{"not UTF-8", "a\xffb\xc3", `a\xffb\xc3`, `a\xffb\xc3`},
		{"replacement character", "\ufffd", "\ufffd", "\ufffd"},
		{"overlong", "\xc0\x9b", `\xc0\x9b`, `\xc0\x9b`},
		{"surrogate", "\xed\xa0\x80", `\xed\xa0\x80`, `\xed\xa0\x80`},
	} {
		check(t, c.name, oneLine(c.in), c.line)
		check(t, c.name+", lines", manyLines(c.in), c.lines)
		check(t, c.name+", twice", oneLine(oneLine(c.in)), oneLine(c.in))
	}
}

// fit reports whether a terminal may see every byte of s.
func fit(s string) bool {
	for _, r := range s {
		if r < 0x20 && r != '\n' && r != '\t' && r != 0 || r >= 0x7F && hidden(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

func FuzzSanitize(f *testing.F) {
	f.Add("\x1b[31m\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if l := oneLine(s); !fit(l) || strings.ContainsAny(l, "\n\t\x00") {
			t.Errorf("%q gives %q", s, l)
		}
		if l := manyLines(s); !fit(l) || strings.Contains(l, "\x00") {
			t.Errorf("%q gives %q", s, l)
		}
	})
}

func TestEscapeHiddenKeepsTheMeaning(t *testing.T) {
	for _, s := range []string{"plain", "\u202e", "\u009b\u007f\ufeff", "a\U000e0041b", "\x00\n\"\\", "ü世👍"} {
		doc, err := json.Marshal(map[string]string{"s": s})
		if err != nil {
			t.Fatal(err)
		}
		esc := escapeHidden(doc)
		var back map[string]string
		if err := json.Unmarshal(esc, &back); err != nil {
			t.Fatal(err)
		}
		check(t, "text", back["s"], s)
		if !fit(string(esc)) {
			t.Errorf("%q", esc)
		}
	}
}

// TestNothingUnfitReachesStdout lets every reading verb print issues whose
// every text is hostile, as lines of level 3 may bring them.
func TestNothingUnfitReachesStdout(t *testing.T) {
	const evil = "\x1b]0;x\x07\u202e\u009b\xff\r\n\tx\u200b\x7f"
	w := newWorld(t)
	put := func(seq uint64, b event.Body) {
		e := &event.Envelope{V: 3, Agent: "eve" + evil, Seq: seq, Time: event.TimeOf(w.time) + event.Time(seq), Body: b, Event: []byte(b.Type())}
		w.hub.state.Apply(e)
		w.hub.lines = append(w.hub.lines, e)
	}
	a, b, c, m := w.hub.MintUUID(), w.hub.MintUUID(), w.hub.MintUUID(), w.hub.MintUUID()
	put(1, &event.IssueCreated{UUID: a, Title: "a" + evil, Description: evil, Priority: event.High, Labels: []string{evil}, CreatedBy: evil})
	put(2, &event.IssueCreated{UUID: b, Title: "b" + evil, Priority: event.Low, CreatedBy: evil, Parent: a})
	put(3, &event.DependencyAdded{Blocked: b, Blocker: a})
	put(4, &event.AssigneeAdded{Issue: a, Assignee: evil})
	put(5, &event.CommentAdded{Issue: a, Comment: c, Author: evil, Content: evil, CreatedAt: event.TimeOf(w.time), Kind: evil, TriggerType: evil, InterventionContext: evil})
	put(6, &event.RelationAdded{A: a, B: b, Kind: event.Duplicates})
	put(7, &event.MilestoneCreated{UUID: m, Name: evil, CreatedAt: event.TimeOf(w.time)})
	put(8, &event.MilestoneAssigned{Issue: a, Milestone: m})
	put(9, &event.StatusChanged{UUID: a, NewStatus: event.Open, Reason: evil})
	put(10, &event.Unknown{Name: evil})
	w.hub.numbers[a], w.hub.numbers[b] = 1, 2
	w.hub.status.Remote, w.hub.status.URL, w.hub.status.Agent = evil, evil, evil
	w.hub.status.Problems = []string{evil}
	w.hub.report.Remote, w.hub.report.Hub, w.hub.report.Reason = evil, evil, evil
	for _, args := range [][]string{
		{"list"}, {"list", "--porcelain"}, {"list", "-z"}, {"list", "--format", "%(title)%(description)%(milestone)%(reason)%(labels)"},
		{"show", "1", "2"}, {"ready", "--explain"}, {"blocked", "--explain"}, {"next", "--explain"}, {"tree"},
		{"log", "1"}, {"log", "1", "--porcelain"}, {"search", "a"}, {"status"}, {"status", "--porcelain"}, {"sync"},
		{"show", evil}, {"list", "--label", evil}, {"list", "--sort", evil}, {evil}, {"list", "--" + evil}, {"list", "-" + evil},
		{"label", "1", evil}, {"parent", "1", "2"}, {"parent", "2", "1"}, {"block", "2", "1"}, {"close", "1", "--suggest-next"},
		{"new", evil, evil}, {"new", evil, "--due", evil}, {"new", "x", "-F", evil}, {"unlabel", "1", evil},
	} {
		for _, form := range [][]string{nil, {"--json"}} {
			r := w.run(append(form, args...)...)
			if !fit(r.out) || !fit(r.err) {
				t.Errorf("%q: unfit\nstdout %q\nstderr %q", args, r.out, r.err)
			}
			if form != nil && !json.Valid([]byte(r.out)) {
				t.Errorf("%q --json: %q", args, r.out)
			}
		}
	}
}
