package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// doc is a decoded envelope.
type doc struct {
	V        int
	OK       bool
	Code     int
	Data     json.RawMessage
	Error    *frame.ErrorShape
	Warnings []frame.Warning
}

func (w *world) json(args ...string) doc {
	w.t.Helper()
	r := w.run(append(args, "--json")...)
	var d doc
	if err := json.Unmarshal([]byte(r.out), &d); err != nil {
		w.t.Fatalf("%v: %v\n%s", args, err, r.out)
	}
	check(w.t, fmt.Sprint(args, " code"), d.Code, r.code)
	check(w.t, fmt.Sprint(args, " stderr"), r.err, "")
	check(w.t, fmt.Sprint(args, " ok"), d.OK, d.Code == frame.ExitDone || d.Code == frame.ExitNo && d.Error != nil && slices.Contains(wholeAnswers, d.Error.Kind))
	if has := strings.Contains(r.out, `"data":`); has != (d.Code == frame.ExitDone || d.Code == frame.ExitNo || d.Code == frame.ExitUnconfirmed) && d.Code != frame.ExitLost {
		w.t.Errorf("%v: data is there: %v, with %d", args, has, d.Code)
	}
	if (d.Error != nil) != (d.Code != 0) {
		w.t.Errorf("%v: error should be there exactly with a code: %s", args, r.out)
	}
	if strings.Contains(r.out, ":null,\"hints\"") || strings.Contains(r.out, "\"warnings\":null") {
		w.t.Errorf("%v: a list is null: %s", args, r.out)
	}
	return d
}

// wholeAnswers are the kinds of "no" that leave nothing open.
var wholeAnswers = []string{"no-match", "nothing-ready", "none-pending", "no-agent", "no-session", "no-handoff", "no-request", "no-timer", "findings", "hooks-missing"}

// TestJSONIsOKOnlyIfAllIsSo runs commands with different results: "ok" is true if everything
// that was requested has happened, and false if a write did not happen, or was not confirmed
// although that was requested.
func TestJSONIsOKOnlyIfAllIsSo(t *testing.T) {
	for _, c := range []struct {
		does string // with the hub before; "" is nothing
		args string
		code int
		ok   bool
	}{
		// writes
		{"", "new b", 0, true},
		{"", "close 1", 0, true},
		{"closed", "close 1", 0, true}, // already so
		{"", "close 77", 1, false},
		{"", "edit 77 --title x", 1, false},
		{"", "label 77 x", 1, false},
		{"", "assign 77 bob", 1, false},
		{"", "block 1 77", 1, false},
		{"", "comment 77 x", 1, false},
		{"", "delete 77", 1, false},
		{"", "parent 1 77", 1, false},
		{"", "schedule 77 --due today", 1, false},
		{"", "new b --milestone none", 1, false},
		{"queued", "new b", 0, true}, // saved here, which is what was asked for
		{"queued", "new b --wait", 3, false},
		{"queued", "close 1 --wait", 3, false},
		{"queued", "comment 1 x --wait", 3, false},
		{"", "lock 1", 0, true},
		{"", "lock 77", 1, false},
		{"bob", "lock 1", 2, false},
		{"undecided", "lock 1", 3, false},
		{"bob", "unlock 1", 2, false},
		{"closed", "ready --claim", 1, false},
		{"", "close 1 --claim-next", 1, false},
		{"", "close", 129, false},
		{"", "new ''", 129, false},
		{"unsent", "sync", 3, false},
		// questions
		{"", "list", 0, true},
		{"closed", "list", 0, true},
		{"", "show 1", 0, true},
		{"", "show 77", 1, false},
		{"", "show 1 77", 1, false},
		{"", "log 77", 1, false},
		{"", "search nothing", 1, true},
		{"closed", "ready", 1, true},
		{"closed", "next", 1, true},
		{"", "lock check 77", 1, false},
		{"", "lock check 1", 1, false}, // it is not yours
		{"bob", "lock check 1", 2, false},
		{"undecided claim", "lock check 1", 3, false},
		{"findings", "fsck", 1, true},
	} {
		w := newWorld(t)
		w.id("a")
		switch c.does {
		case "closed":
			w.ok("close", "1")
		case "queued":
			w.hub.sync = tracker.Queued
		case "bob":
			w.bobs(issueUUID(1))
		case "undecided":
			w.hub.undecided = true
		case "undecided claim":
			w.hub.undecided = true
			w.run("lock", "1")
		case "unsent":
			w.hub.report = tracker.SyncReport{Remote: "origin", Unsent: 1, State: tracker.Queued}
		case "findings":
			w.hub.fsck.Findings = []tracker.Finding{{Kind: "rejected", Text: "x"}}
		}
		args := strings.Fields(c.args)
		for k := range args {
			args[k] = strings.Trim(args[k], "'")
		}
		d := w.json(args...)
		check(t, fmt.Sprintf("%s: %s: code", c.does, c.args), d.Code, c.code)
		check(t, fmt.Sprintf("%s: %s: ok", c.does, c.args), d.OK, c.ok)
	}
}

// TestJSONOfEveryVerb: one document, no talk, the same code inside and outside.
func TestJSONOfEveryVerb(t *testing.T) {
	w := newWorld(t)
	for _, args := range []string{
		"list", "ready", "next", "blocked", "search x", "tree", "new a -l x", "new b --blocked-by 1", "show 1 2", "show 1 9",
		"edit 1 --title c", "label 1 y", "unlabel 1 y", "assign 1 @me", "unassign 1 @me", "block 2 1", "unblock 2 1",
		"relate 1 2", "unrelate 1 2", "parent 2 1", "schedule 1 --due today", "comment 1 x", "log 1", "ready --explain", "next",
		"close 1 --suggest-next", "reopen 1", "archive 2", "delete 2", "sync", "init", "status", "version",
		"show", "nope", "close 77", "list --sort x", "show zz",
	} {
		w.json(strings.Fields(args)...)
	}
}

func TestJSONOfAnIssue(t *testing.T) {
	w := newWorld(t)
	w.hub.undecided = true
	var data struct {
		Issue   map[string]any
		Changed bool
		Sync    string
	}
	d := w.json("new", "a")
	if err := json.Unmarshal(d.Data, &data); err != nil {
		t.Fatal(err)
	}
	if _, ok := data.Issue["number"]; ok {
		t.Error("an undecided number is shown")
	}
	check(t, "short", data.Issue["short"], "00001a0")
	check(t, "sync", data.Sync, "confirmed")
	check(t, "changed", data.Changed, true)
	check(t, "lock", data.Issue["lock"] == nil, true)
	check(t, "labels", data.Issue["labels"], "[]")
	check(t, "empty list", string(newWorld(t).json("list").Data), "[]")
	check(t, "no next", string(newWorld(t).json("next").Data), "null")
}

func TestWarningsAreInTheDocument(t *testing.T) {
	w := newWorld(t)
	w.id("a")
	w.id("b")
	d := w.json("list", "--limit", "1")
	if len(d.Warnings) != 1 || d.Warnings[0].Name != "limited" {
		t.Errorf("%+v", d.Warnings)
	}
}

func TestErrorsOfTheTracker(t *testing.T) {
	w := newWorld(t)
	w.hub.failWith = &fail.Error{Kind: fail.Denied, Code: "ci-agent", Message: "no agent id in a CI job"}
	r := w.run("new", "x")
	check(t, "status", r.code, frame.ExitDenied)
	check(t, "stderr", r.err, "error: no agent id in a CI job\nhint: set the same id for all jobs of this kind: export GIT_CROSSLINK_AGENT=ci-build\n"+
		"hint: to sign, give all jobs of this kind the same key: git config crosslink.signingKey <file>\n")
	check(t, "stdout", r.out, "")
}

// TestInterrupted: a command that a signal ends keeps the hints of what it was
// at, and exits as shells expect.
func TestInterrupted(t *testing.T) {
	for sig, code := range map[os.Signal]int{os.Interrupt: 130, syscall.SIGTERM: 143} {
		w := newWorld(t)
		w.hub.failWith = fmt.Errorf("append: %w", context.Canceled)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(&frame.Interrupted{Signal: sig})
		w.ctx = ctx
		r := w.run("new", "x")
		check(t, "status", r.code, code)
		check(t, "stderr", r.err, "error: interrupted\n")
	}
}
