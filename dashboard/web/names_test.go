package web

import (
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// TestNames: every page shows what an agent calls itself. The id stands beside a name that two
// agents have, and wherever somebody acts on an agent; in JSON the id stays what it is.
func TestNames(t *testing.T) {
	w := dashtest.New(t)
	a, b, c, d := w.Clone("a"), w.Clone("b"), w.Clone("c"), w.Clone("d")
	for dir, name := range map[string]string{a: "Alice O'Neil", b: "Bob", c: "bob", d: "\u0391lice O'Neil"} { // d's has a Greek letter
		w.Git("-C", dir, "config", "crosslink.name", name)
	}
	u := w.Create(a, "one", func(i *event.IssueCreated) { i.CreatedBy = "agent-a" })
	w.Emit(a, func(tracker.Projection) []event.Body {
		return []event.Body{&event.LockClaimed{Issue: u}, &event.AssigneeAdded{Issue: u, Assignee: "agent-a"}, &event.AssigneeAdded{Issue: u, Assignee: "carol"},
			&event.ScheduleChanged{Issue: u, DueAt: event.TimeOf(time.Now().Add(time.Hour))},
			&event.CommentAdded{Issue: u, Comment: event.UUID{1, 6: 0x40, 8: 0x80}, Author: "agent-a", Content: "?", CreatedAt: event.TimeOf(time.Now()), Kind: "question"}}
	})
	for n, dir := range []string{b, c, d} {
		w.Emit(dir, func(tracker.Projection) []event.Body {
			return []event.Body{&event.LockClaimed{Issue: u, Wait: true}, &event.CommentAdded{Issue: u, Comment: event.UUID{2, byte(n), 6: 0x40, 8: 0x80}, Author: "agent-a", Content: "said", CreatedAt: event.TimeOf(time.Now()), Kind: "note"}}
		})
	}
	w.Sync(a)
	s := serve(t, w, nil, a)
	s.login()
	const alice, whole = "Alice O&#39;Neil", `Alice O&#39;Neil <span class="dim">agent-a</span>`
	for path, want := range map[string][]string{
		"/p/o/a":                                  {whole, `Bob <span class="dim">agent-b</span>`, `bob <span class="dim">agent-c</span>`, "locked by <span class=\"who\" title=\"agent-a\">" + alice},
		"/agents":                                 {whole, `Bob <span class="dim">agent-b</span>`},
		"/p/o/a/agents/agent-a":                   {whole, ">" + alice + "</span></b> claimed the lock", "Type agent-a to ask"},
		"/p/o/a/i/1":                              {whole, alice + "</span></b> created", "written by <span class=\"who\" title=\"agent-b\">Bob (agent-b)", "written by <span class=\"who\" title=\"agent-d\">\u0391lice", "carol"},
		"/p/o/a/issues":                           {alice, "carol"},
		"/p/o/a/issues?view=board":                {"locked by <span class=\"who\" title=\"agent-a\">" + alice},
		"/p/o/a/issues?q=Alice":                   {"one"},
		"/p/o/a/locks":                            {whole, `then Bob <span class="dim">agent-b</span>`},
		"/p/o/a/log":                              {alice, "Bob (agent-b)", "bob (agent-c)"},
		"/activity":                               {alice, "Bob (agent-b)"},
		"/p/o/a/health":                           {whole},
		"/search?q=alice":                         {whole},
		"/p/o/a/timeline?by=agent":                {">" + alice + "</text>", "<h3>" + alice + "</h3>"},
		"/p/o/a/timeline?by=assignee":             {alice + ", carol"},
		"/p/o/a/issues?view=board&group=agent":    {alice, `data-key="col-` + alice},
		"/p/o/a/issues?view=board&group=assignee": {alice, "carol", `data-value="agent-a"`},
		"/alerts":                                 {"3 agents wait"},
		"/agents.json":                            {`"agent":"agent-a","name":"Alice O'Neil"`},
		"/p/o/a/locks.json":                       {`"assignees":["agent-a","carol"],"holder":"agent-a"`, `"queue":[{"agent":"agent-b"`},
	} {
		contains(t, s.get(path), want...)
	}
}
