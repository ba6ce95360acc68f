package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// doc is a decoded envelope.
type doc struct {
	V        int
	OK       bool
	Code     int
	Data     json.RawMessage
	Error    *errorShape
	Warnings []warning
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
	check(w.t, fmt.Sprint(args, " ok"), d.OK, acceptable(d.Code))
	if (d.Error != nil) != (d.Code != 0) {
		w.t.Errorf("%v: error should be there exactly with a code: %s", args, r.out)
	}
	if strings.Contains(r.out, ":null,\"hints\"") || strings.Contains(r.out, "\"warnings\":null") {
		w.t.Errorf("%v: a list is null: %s", args, r.out)
	}
	return d
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

// TestExplain: every kind of error has its words and its status.
func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		kind string
		text string
	}{
		{&tracker.Error{Kind: tracker.Lost, Name: "held", Message: "held by 'bob'"}, 2, "held", "held by 'bob'"},
		{&tracker.Error{Kind: tracker.Denied, Name: "ci-agent", Message: "no id"}, 4, "ci-agent", "no id"},
		{fmt.Errorf("emit: %w", &tracker.Error{Kind: tracker.Fatal, Name: "level", Message: "m"}), 128, "level", "m"},
		{&store.NotFoundError{What: "issue", ID: "9"}, 1, "not-found", "no issue '9'"},
		{&store.BadIDError{What: "issue", ID: "zz"}, 129, "bad-id", "'zz' is not an id: a number, a uuid, or at least 4 hex digits of a uuid with a letter among them"},
		{&store.AmbiguousError{What: "issue", ID: "00aa", Candidates: make([]store.Candidate, 2)}, 128, "ambiguous", "short id '00aa' is ambiguous: 2 issues begin with it"},
		{&event.MemberError{Reason: event.BadValue, Member: "title", Detail: "bad"}, 129, "bad-value", "bad"},
		{&reducer.RejectedError{Reason: "self-edge", Detail: "d"}, 128, "self-edge", "d"},
		{&reducer.RejectedError{Reason: "not-target"}, 128, "not-target", "refused: 'not-target'"},
		{errors.New("disk full"), 128, "fatal", "disk full"},
		{context.Canceled, 130, "interrupted", "interrupted"},
	} {
		f := explain(c.err)
		check(t, c.text, fmt.Sprint(f.code, " ", f.kind, " ", f.message), fmt.Sprint(c.code, " ", c.kind, " ", c.text))
	}
}

func TestAmbiguousListsCandidates(t *testing.T) {
	f := explain(&store.AmbiguousError{What: "issue", ID: "00aa", Candidates: []store.Candidate{{Short: "00aa111", Title: "one"}, {Short: "00aa222", Title: "two"}}})
	check(t, "hints", f.hints, "['00aa111' is 'one' '00aa222' is 'two']")
}

func TestErrorsOfTheTracker(t *testing.T) {
	w := newWorld(t)
	w.hub.failWith = &tracker.Error{Kind: tracker.Denied, Name: "ci-agent", Message: "no agent id in a CI job", Hints: []string{"GIT_CROSSLINK_AGENT=ci"}}
	r := w.run("new", "x")
	check(t, "status", r.code, exitDenied)
	check(t, "stderr", r.err, "error: no agent id in a CI job\nhint: GIT_CROSSLINK_AGENT=ci\n")
	check(t, "stdout", r.out, "")
}

// TestInterrupted: a command that a signal ends keeps the hints of what it was
// at, and exits as shells expect.
func TestInterrupted(t *testing.T) {
	for sig, code := range map[os.Signal]int{os.Interrupt: 130, syscall.SIGTERM: 143} {
		w := newWorld(t)
		w.hub.failWith = fmt.Errorf("append: %w", context.Canceled)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(&interrupted{sig})
		w.ctx = ctx
		r := w.run("new", "x")
		check(t, "status", r.code, code)
		check(t, "stderr", r.err, "error: interrupted\n")
	}
}
