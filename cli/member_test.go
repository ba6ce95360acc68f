package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
)

// TestFieldsOverTheirLimits: what fits is written, one byte more is refused,
// with the limit, and nothing is emitted.
func TestFieldsOverTheirLimits(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int
		args  []string // VALUE stands for the text
		more  string   // in the hints, besides the limit
	}{
		{"title", event.MaxTitle, []string{"new", "VALUE"}, "goes into the description"},
		{"title", event.MaxTitle, []string{"edit", "1", "--title", "VALUE"}, "goes into the description"},
		{"label", event.MaxName, []string{"new", "x", "-l", "VALUE"}, ""},
		{"label", event.MaxName, []string{"label", "1", "VALUE"}, ""},
		{"assignee", event.MaxName, []string{"new", "x", "--force", "--assign", "VALUE"}, ""},
		{"assignee", event.MaxName, []string{"assign", "1", "VALUE", "--force"}, ""},
		{"description", event.MaxText, []string{"new", "x", "-d", "VALUE"}, ""},
		{"description", event.MaxText, []string{"edit", "1", "-d", "VALUE"}, ""},
		{"text", event.MaxText, []string{"comment", "1", "VALUE"}, ""},
		{"text", event.MaxText, []string{"comment", "edit", "COMMENT", "VALUE"}, ""},
		{"kind", event.MaxName, []string{"comment", "1", "x", "--kind", "VALUE"}, ""},
		{"context", event.MaxText, []string{"comment", "1", "x", "--context", "VALUE"}, ""},
		{"reason", event.MaxText, []string{"close", "1", "--reason", "VALUE"}, ""},
		{"reason", event.MaxText, []string{"reopen", "1", "--reason", "VALUE"}, ""},
		{"reason", event.MaxText, []string{"archive", "1", "--reason", "VALUE"}, ""},
	} {
		w := newWorld(t)
		w.ok("new", "first")
		comment := strings.TrimSpace(w.ok("comment", "1", "c").out)
		with := func(value string) []string {
			args := append([]string{}, c.args...)
			for k := range args {
				args[k] = strings.NewReplacer("VALUE", value, "COMMENT", comment).Replace(args[k])
			}
			return args
		}
		what := strings.Join(c.args, " ")
		before := len(w.hub.emitted)
		refused := func(value, words string, hints ...string) {
			t.Helper()
			r := w.run(with(value)...)
			check(t, what+": status", r.code, frame.ExitUsage)
			check(t, what+": stdout", r.out, "")
			contains(t, what, r.err, "error: '"+c.name+"' "+words+"\n", "hint: ")
			contains(t, what, r.err, hints...)
			check(t, what+": written", len(w.hub.emitted), before)
			d := w.json(with(value)...)
			check(t, what+": kind", d.Error.Kind, "bad-value")
			check(t, what+": written", len(w.hub.emitted), before)
		}
		refused(strings.Repeat("x", c.limit+1), "is too long", fmt.Sprintf("at most %d bytes", c.limit), c.more)
		refused("a\x1b[31m", "holds a control character")
		refused("a\x7f", "holds a control character")
		refused("a\u009b", "holds a control character")
		refused("a\xff", "is not valid UTF-8", "iconv")
		if !slices.Contains([]string{"description", "text", "context", "reason"}, c.name) {
			refused("a\nb", "holds a line break or a tab", "one line")
		}
		w.ok(with(strings.Repeat("x", c.limit))...)
		check(t, what+": written", len(w.hub.emitted), before+1)
	}
}

// TestTextsFromFilesObeyTheRules: the same rules apply to -F, from a file or stdin.
func TestTextsFromFilesObeyTheRules(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "first")
	for text, words := range map[string]string{
		"title\n\nbody\xff":             "'description' is not valid UTF-8",
		"ti\xfftle":                     "'title' is not valid UTF-8",
		"title\n\na\x00b":               "'description' holds a control character",
		"title\n\na\x1b]0;x\x07":        "'description' holds a control character",
		"ti\ttle":                       "'title' holds a line break or a tab",
		strings.Repeat("x", 513) + "\n": "'title' is too long",
		"t\n\n" + strings.Repeat("x", event.MaxText+1): "'description' is too long",
		strings.Repeat("x", frame.MaxText+1):           "'-' is longer than the limit for texts",
		"":                                             "an issue needs a title",
	} {
		w.in = text
		r := w.run("new", "-F", "-")
		if r.code != frame.ExitUsage && r.code != frame.ExitFatal {
			t.Errorf("%.20q: status %d", text, r.code)
		}
		contains(t, "stderr", r.err, "error: "+words+"\n")
		check(t, "written", len(w.hub.emitted), 1)
	}
}

// TestClosedLists: a word that is not one of the valid ones is refused with them.
func TestClosedLists(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a")
	for _, c := range []struct {
		valid string
		args  []string
	}{
		{"low, medium, high, critical", []string{"new", "x", "-p", "soonest"}},
		{"low, medium, high, critical", []string{"edit", "1", "-p", "soonest"}},
		{"low, medium, high, critical", []string{"list", "-p", "soonest"}},
		{"open, closed, archived, all", []string{"list", "--status", "opne"}},
		{"created, updated, priority, due, number, title", []string{"list", "--sort", "size"}},
		{"auto, always, never", []string{"list", "--color=blue"}},
		{"v1", []string{"list", "--porcelain=v2"}},
		{"related, discovered-from, duplicates, supersedes", []string{"relate", "1", "1", "--kind", "x"}},
		{"tool_rejected, tool_blocked, redirect, context_provided, manual_action, question_answered", []string{"comment", "1", "x", "--trigger", "y"}},
		{"relative, short, unix", []string{"list", "--format", "%(due_at:long)"}},
		{"assignees", []string{"list", "--format", "%(asignees)"}},
		{"2026-03-01, 31.12.2026, 2026-03-01T10:00:00Z, today, tomorrow, 3d, in 2 weeks", []string{"schedule", "1", "--due", "soon"}},
	} {
		r := w.run(c.args...)
		what := strings.Join(c.args, " ")
		check(t, what, r.code, frame.ExitUsage)
		contains(t, what, r.err, c.valid)
		check(t, what+": written", len(w.hub.emitted), 1)
	}
}

// TestDeletingTwice: repeating oneself succeeds and reports it.
func TestDeletingTwice(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a")
	w.ok("new", "b")
	w.ok("delete", "1")
	written := len(w.hub.emitted)
	r := w.ok("delete", "1", "00001a0")
	check(t, "stdout", r.out, "1\n00001a0\n")
	check(t, "stderr", r.err, "1 is already deleted\n00001a0 is already deleted\n")
	check(t, "written", len(w.hub.emitted), written)
	r = w.ok("delete", "1", "2")
	check(t, "one of two", r.out, "2\n1\n")
	w = newWorld(t)
	w.ok("new", "a")
	c := strings.TrimSpace(w.ok("comment", "1", "x").out)
	w.ok("comment", "delete", c)
	written = len(w.hub.emitted)
	r = w.ok("comment", "delete", c)
	check(t, "comment", r.out, c+"\n")
	check(t, "comment", r.err, "comment "+c+" is already deleted\n")
	check(t, "written", len(w.hub.emitted), written)
	for _, args := range [][]string{{"show", "99"}, {"delete", "99"}, {"comment", "delete", "abcdef0"}} {
		check(t, strings.Join(args, " "), w.run(args...).code, frame.ExitNo)
	}
}

// TestReasonHasItsOwnLine in show.
func TestReasonHasItsOwnLine(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a")
	w.ok("close", "1", "-r", "no longer, medium priority")
	contains(t, "show", w.ok("show", "1").out, "    closed, medium priority\n", "\n    reason: no longer, medium priority\n")
	w.ok("close", "1", "-r", "one\ntwo")
	contains(t, "show", w.ok("show", "1").out, "\n    reason:\n        one\n        two\n")
}

// TestUnknownMilestoneNamesTheKnown: the valid choices are in the message.
func TestUnknownMilestoneNamesTheKnown(t *testing.T) {
	w := newWorld(t)
	contains(t, "none", w.run("new", "x", "--milestone", "v9").err, "error: no milestone 'v9'", "hint: there are no milestones")
	e := &event.Envelope{V: 3, Agent: "eve", Seq: 1, Time: event.TimeOf(w.time),
		Body: &event.MilestoneCreated{UUID: w.hub.MintUUID(), Name: "v1", CreatedAt: event.TimeOf(w.time)}}
	w.hub.state.Apply(e)
	contains(t, "one", w.run("list", "--milestone", "v9").err, "hint: existing milestones: 'v1'")
}
