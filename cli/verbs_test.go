package cli

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func TestNewIsOneEmit(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "first")
	w.ok("new", "epic")
	r := w.ok("new", "fix", "-p", "high", "-lbug", "-l", "ui", "-l", "bug", "--parent", "2", "--blocked-by", "1",
		"--due", "2026-03-05", "--scheduled=tomorrow", "--assign", "@me", "--assign", "bob", "--force", "--discovered-from", "#1", "-d", "why\r\nso\n")
	check(t, "stdout", r.out, "3\n")
	contains(t, "stderr", r.err, "created 3 'fix'")
	check(t, "types", types(w.last()), "IssueCreated DependencyAdded RelationAdded AssigneeAdded AssigneeAdded")
	c := w.last()[0].(*event.IssueCreated)
	check(t, "labels", c.Labels, []string{"bug", "ui"})
	check(t, "due", c.DueAt, "2026-03-05T23:59:59.999999999Z")
	check(t, "scheduled", c.ScheduledAt, "2026-03-03T00:00:00.000000000Z")
	check(t, "created_by", c.CreatedBy, "alice-laptop-abcd")
	check(t, "description", c.Description, "why\nso")
	check(t, "me", w.last()[3].(*event.AssigneeAdded).Assignee, "alice-laptop-abcd")
}

func TestNewWithoutNumberPrintsShort(t *testing.T) {
	w := newWorld(t)
	w.hub.undecided, w.hub.sync = true, tracker.Queued
	r := w.ok("new", "x")
	check(t, "stdout", r.out, "00001a0\n")
	r = w.run("new", "y", "--wait")
	check(t, "status with --wait", r.code, frame.ExitUnconfirmed)
	check(t, "stdout with --wait", r.out, "00002a0\n")
	contains(t, "stderr with --wait", r.err, "error: saved locally, but not confirmed by the hub", "hint: git crosslink sync")
}

func TestNewFromMessage(t *testing.T) {
	w := newWorld(t)
	w.in = "the title\n\nlong\n\ntext\n"
	w.ok("new", "-F", "-")
	c := w.last()[0].(*event.IssueCreated)
	check(t, "title", c.Title, "the title")
	check(t, "description", c.Description, "long\n\ntext")
}

func TestNewRefusesTwoTitles(t *testing.T) {
	w := newWorld(t)
	r := w.run("new", "it's", "two")
	check(t, "status", r.code, frame.ExitUsage)
	contains(t, "stderr", r.err, "error: 2 titles", `git crosslink new 'it'\''s two'`)
	check(t, "without a title", w.run("new").code, frame.ExitUsage)
	check(t, "with an empty one", w.run("new", "").code, frame.ExitUsage)
	w.ok("new", "x", "-l", "a,b", "-l", "c")
	var labels []string
	for _, b := range w.last() {
		if l, ok := b.(*event.LabelAdded); ok {
			labels = append(labels, l.Label)
		} else if c, ok := b.(*event.IssueCreated); ok {
			labels = append(labels, c.Labels...)
		}
	}
	check(t, "labels with commas", strings.Join(labels, " "), "a b c")
	check(t, "an empty label", w.run("new", "x", "-l", "a,,b").code, frame.ExitUsage)
}

func TestMembersThatBreakARule(t *testing.T) {
	w := newWorld(t)
	r := w.run("new", strings.Repeat("x", 513))
	check(t, "status", r.code, frame.ExitUsage)
	contains(t, "stderr", r.err, "too long", "512")
}

func TestCloseSaysWhatItUnblocked(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a")
	w.ok("new", "b", "--blocked-by", "1")
	w.ok("new", "c", "--blocked-by", "1", "--blocked-by", "2")
	r := w.ok("close", "1", "--reason", "done", "--suggest-next")
	check(t, "stdout", r.out, "1\n")
	contains(t, "stderr", r.err, "closed 1 'a'", "unblocked 2 'b' (medium)", "next: 2 'b'")
	if strings.Contains(r.err, "'c'") {
		t.Errorf("c is not unblocked yet:\n%s", r.err)
	}
	written := len(w.hub.emitted)
	r = w.ok("done", "1")
	check(t, "again", r.out, "1\n")
	contains(t, "again", r.err, "1 'a' is already closed")
	check(t, "writes", len(w.hub.emitted), written)
	w.ok("close", "1", "--reason", "better words")
	check(t, "new reason", w.last()[0].(*event.StatusChanged).Reason, "better words")
	r = w.run("close", "2", "99")
	check(t, "one of several missing", r.code, frame.ExitNo)
	check(t, "all or nothing", w.run("list", "--status", "closed", "-q").out, "1\n")
}

func TestReopenArchiveDelete(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a")
	w.ok("close", "1")
	w.ok("reopen", "1")
	check(t, "open", w.ok("list", "-q").out, "1\n")
	w.ok("archive", "1")
	check(t, "archived", w.ok("list", "-q", "--status=archived").out, "1\n")
	check(t, "deleted", w.ok("delete", "1").out, "1\n")
	r := w.run("show", "1")
	check(t, "after deletion", r.code, frame.ExitNo)
	contains(t, "after deletion", r.err, "error: issue '1' is deleted")
}

func TestRepeatingWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a", "-l", "bug", "--parent", w.id("p"), "--due", "2026-04-01", "--assign", "bob", "--force")
	w.ok("new", "b")
	w.ok("block", "2", "3")
	w.ok("relate", "2", "3")
	written := len(w.hub.emitted)
	for _, args := range [][]string{
		{"label", "2", "bug"}, {"unlabel", "2", "x"}, {"assign", "2", "bob"}, {"unassign", "2", "eve"},
		{"block", "2", "3"}, {"unblock", "3", "2"}, {"relate", "2", "3"}, {"relate", "3", "2"}, {"unrelate", "1", "2"},
		{"parent", "2", "1"}, {"parent", "1", "none"}, {"schedule", "2", "--due", "2026-04-01"}, {"reopen", "2"},
		{"edit", "2", "--title", "a"},
	} {
		r := w.ok(args...)
		if r.out == "" || r.err == "" {
			t.Errorf("%v: the datum and what is so should be said: %q %q", args, r.out, r.err)
		}
	}
	check(t, "writes", len(w.hub.emitted), written)
}

// id makes an issue and returns its id.
func (w *world) id(title string) string { return strings.TrimSpace(w.ok("new", title).out) }

func TestCyclesAreRefused(t *testing.T) {
	w := newWorld(t)
	w.vars["LC_ALL"] = "C.UTF-8"
	for _, title := range []string{"a", "b", "c"} {
		w.id(title)
	}
	w.ok("block", "1", "2")
	w.ok("block", "2", "3")
	r := w.run("block", "3", "1")
	check(t, "status", r.code, frame.ExitFatal)
	contains(t, "stderr", r.err, "error: issue 3 cannot wait for issue 1: that would create a cycle: 3 → 1 → 2 → 3")
	contains(t, "itself", w.run("block", "3", "3").err, "error: issue 3 cannot wait for itself")
	w.ok("parent", "1", "2")
	contains(t, "parents", w.run("parent", "2", "1").err, "that would create a cycle: 2 → 1 → 2")
	w.vars["LC_ALL"] = "C"
	contains(t, "symbols outside UTF-8", w.run("block", "3", "1").err, "3 -> 1 -> 2 -> 3")
	w.ok("parent", "3", "1") // the two graphs are looked at apart
}

func TestUnrelateTakesEveryKindBack(t *testing.T) {
	w := newWorld(t)
	w.id("a")
	w.id("b")
	w.ok("relate", "1", "2", "--kind", "duplicates")
	w.ok("relate", "1", "2")
	w.ok("relate", "2", "1", "--kind=supersedes")
	w.ok("unrelate", "1", "2")
	check(t, "events", types(w.last()), "RelationRemoved RelationRemoved RelationRemoved")
	r := w.ok("show", "1")
	if strings.Contains(r.out, "relations") {
		t.Errorf("there should be none:\n%s", r.out)
	}
}

func TestScheduleKeepsWhatIsNotNamed(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a", "--due", "2026-04-01")
	w.ok("schedule", "1", "--scheduled", "+2w")
	c := w.last()[0].(*event.ScheduleChanged)
	check(t, "due", c.DueAt, "2026-04-01T23:59:59.999999999Z")
	check(t, "scheduled", c.ScheduledAt, "2026-03-16T00:00:00.000000000Z")
	w.ok("schedule", "1", "--due", "none")
	check(t, "cleared", w.last()[0].(*event.ScheduleChanged).DueAt == 0, true)
	check(t, "no date", w.run("schedule", "1").code, frame.ExitUsage)
}

func TestEdit(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a", "-d", "text")
	w.ok("edit", "1", "--title", "b", "-d", "")
	u := w.last()[0].(*event.IssueUpdated)
	check(t, "title", *u.Title, "b")
	check(t, "description", *u.Description, "")
	check(t, "priority", u.Priority == nil, true)
	check(t, "nothing named", w.run("edit", "1").code, frame.ExitUsage)
}

func TestComments(t *testing.T) {
	w := newWorld(t)
	w.id("a")
	r := w.ok("comment", "1", "hello", "--trigger", "redirect", "--context", "c")
	id := strings.TrimSpace(r.out)
	c := w.last()[0].(*event.CommentAdded)
	check(t, "kind", c.Kind, "intervention")
	check(t, "author", c.Author, "alice-laptop-abcd")
	w.ok("comment", "edit", id, "bye")
	contains(t, "show", w.ok("show", "1").out, "bye", "edited", "trigger: redirect")
	w.ok("comment", "delete", id)
	check(t, "gone", w.run("comment", "edit", id, "x").code, frame.ExitNo)
	check(t, "no text", w.run("comment", "1").code, frame.ExitUsage)
	check(t, "trigger of a note", w.run("comment", "1", "x", "--kind", "note", "--trigger", "t").code, frame.ExitUsage)
	w.in = "from stdin\n"
	w.ok("comment", "1", "-F-")
	check(t, "stdin", w.last()[0].(*event.CommentAdded).Content, "from stdin")
}

func TestReadyBlockedNext(t *testing.T) {
	w := newWorld(t)
	check(t, "nothing", w.run("ready").code, frame.ExitNo)
	check(t, "nothing", w.run("next").code, frame.ExitNo)
	w.id("a")
	w.ok("new", "b", "-p", "critical", "--blocked-by", "1")
	w.ok("new", "c", "--scheduled", "+3d")
	w.ok("new", "d", "-p", "low", "--due", "2026-03-01")
	r := w.ok("ready", "-q")
	check(t, "ready", r.out, "1\n4\n")
	check(t, "blocked", w.ok("blocked", "-q").out, "2\n")
	check(t, "next", w.ok("next", "-q").out, "1\n")
	contains(t, "explained", w.ok("ready", "--explain").out, "medium priority, not blocked, blocks 1", "overdue since")
	contains(t, "explained", w.ok("blocked", "--explain").out, "blocked by 1 'a'")
	contains(t, "explained", w.ok("next", "--explain").out, "first of 2 ready")
	check(t, "ready syncs", w.hub.reads[0], tracker.Fresh)
	w.ok("ready", "--offline")
	check(t, "unless it may not", w.hub.reads[len(w.hub.reads)-1], tracker.Offline)
}

func TestUnknownIDAsksTheHubOnce(t *testing.T) {
	w := newWorld(t)
	w.id("a")
	w.hub.status.Remote = "origin"
	w.hub.late = func(h *memoryHub) { // what a sync brings
		h.late = nil
		h.Emit(t.Context(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
			return []event.Body{&event.IssueCreated{UUID: h.MintUUID(), Title: "b", Priority: event.Low, CreatedBy: "bob"}}, nil
		})
	}
	contains(t, "show", w.ok("show", "2").out, "b")
	w.ok("close", "2")
	r := w.run("close", "9")
	contains(t, "still unknown", r.err, "error: no issue '9' (hub not reached)")
	contains(t, "offline", w.run("show", "9", "--offline").err, "error: no issue '9' (hub not asked)")
	check(t, "a word", w.run("show", "zz").code, frame.ExitUsage)
	check(t, "reads of every event", w.hub.statuses, 0)
}

func TestListFormsAndLimit(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.ok("new", "title", "--label", "x")
	}
	if r := w.run("new", "t"); r.code != 0 {
		t.Fatal(r.err)
	}
	check(t, "format", w.ok("list", "--format=%(number)%09%(status)%%", "--limit", "1").out, "4\topen%\n")
	check(t, "dates", w.ok("list", "--format", "%(created_at:short) %(due_at)", "-n1").out, "2026-03-02 \n")
	check(t, "NUL", strings.Count(w.ok("list", "-z").out, "\x00"), 4)
	line := strings.Split(w.ok("list", "--porcelain", "--reverse").out, "\n")[0]
	check(t, "fields", len(strings.Split(line, "\t")), 12)
	r := w.ok("list", "--limit", "2")
	check(t, "cut", strings.Count(r.out, "\n"), 2)
	contains(t, "cut", r.err, "showing 2 of 4 issues")
	check(t, "unknown field", w.run("list", "--format", "%(nope)").code, frame.ExitUsage)
	check(t, "bad limit", w.run("list", "--limit", "x").code, frame.ExitUsage)
	check(t, "json and porcelain", w.run("list", "--json", "--porcelain").code, frame.ExitUsage)
}

func TestTreeAndLog(t *testing.T) {
	w := newWorld(t)
	w.id("epic")
	w.ok("new", "child", "--parent", "1")
	w.ok("new", "grandchild", "--parent", "2")
	w.id("other")
	w.ok("close", "4")
	w.vars["LANG"] = "en_US.UTF-8"
	check(t, "tree", w.ok("tree").out, "1  open  epic\n└─ 2  open  child\n   └─ 3  open  grandchild\n")
	check(t, "subtree", w.ok("tree", "2", "-q").out, "2\n3\n")
	w.ok("label", "1", "bug")
	contains(t, "log", w.ok("log", "1").out, "alice-laptop-abcd  created 'epic', medium priority", "added label 'bug'")
	check(t, "porcelain", len(strings.Split(strings.Split(w.ok("log", "1", "--porcelain").out, "\n")[0], "\t")), 7)
}

func TestSearch(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "Flux capacitor")
	w.ok("close", "1")
	check(t, "found", w.ok("search", "flux", "CAP", "-q").out, "1\n")
	check(t, "not found", w.run("search", "nothing").code, frame.ExitNo)
}

func TestSyncInitStatus(t *testing.T) {
	w := newWorld(t)
	w.hub.report = tracker.SyncReport{Remote: "origin", Hub: "h", Unsent: 2, State: tracker.Queued, Reason: "no connection"}
	r := w.run("sync")
	check(t, "queued", r.code, frame.ExitUnconfirmed)
	contains(t, "queued", r.err, "error: 2 events saved locally, not on the hub: no connection")
	check(t, "detached", w.run("sync", "--detached").code, 0)
	w.hub.report = tracker.SyncReport{Remote: "origin", Hub: "h", Sent: 1, State: tracker.Confirmed}
	contains(t, "sent", w.ok("sync").err, "received 0, sent 1 event ('origin')")
	contains(t, "init", w.ok("init", "up").err, "created the hub on 'up'", "crosslink/meta")
	check(t, "offline", w.run("init", "--offline").code, frame.ExitUsage)
	contains(t, "status", w.ok("status").out, "hub: none", "issues: 0 open")
	contains(t, "porcelain", w.ok("status", "--porcelain").out, "remote\t\n", "open\t0\n")
}
