package cli

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

const (
	nfc = "caf\u00e9"
	nfd = "cafe\u0301"
)

func (w *world) row(n uint64) *store.Issue {
	for u, is := range w.hub.numbers {
		if is == n {
			i, _ := w.hub.project().Issue(u)
			return i
		}
	}
	return nil
}

func TestIssuesAreNotNames(t *testing.T) {
	w := newWorld(t)
	w.id("a")
	w.id("b")
	w.id("c")
	for _, c := range []struct{ args, message, hint string }{
		{"assign 1 2 3", "'2' is issue 2, not an assignee", "name one issue, then names: git crosslink assign 1 <who>"},
		{"assign 1 2 alice", "'2' is issue 2, not an assignee", "several issues: git crosslink assign 1 2 +alice"},
		{"assign 1 #2", "'#2' is issue 2, not an assignee", "git crosslink assign 1 <who>"},
		{"label 1 2 3", "'2' is issue 2, not a label", "name one issue, then names: git crosslink label 1 <label>"},
		{"label 1 ２", "'２' is issue 2, not a label", "git crosslink label 1 <label>"},
		{"assign 1 ＃２", "'＃２' is issue 2, not an assignee", "git crosslink assign 1 <who>"},
		{"label 1 ui 2 3", "'2' is issue 2, not a label", "several issues: git crosslink label 1 2 3 +ui"},
		{"label 1 1", "'1' is issue 1, not a label", "git crosslink label 1 <label>"},
		{"unlabel 1 2", "'2' is issue 2, not a label", "git crosslink unlabel 1 <label>"},
		{"unassign 1 2", "'2' is issue 2, not an assignee", "git crosslink unassign 1 <who>"},
		{"new x --label 3", "'3' is issue 3, not a label", "to refer to issue 3: --parent 3, --blocked-by 3 or --discovered-from 3"},
		{"new x --assign 3", "'3' is issue 3, not an assignee", "to refer to issue 3: --parent 3, --blocked-by 3 or --discovered-from 3"},
	} {
		r := w.run(strings.Fields(c.args)...)
		check(t, c.args, r.code, frame.ExitUsage)
		contains(t, c.args, r.err, "error: "+c.message+"\n")
		contains(t, c.args, r.err, c.hint+"\n")
	}
	i := w.row(1)
	check(t, "labels", len(i.Labels)+len(i.Assignees), 0)
	for _, args := range []string{"label 1 4 2026 v2 beef " + strings.ToLower("DEADBEE1"), "assign --force 1 7 bob"} {
		w.ok(strings.Fields(args)...) // no issue is called that
	}
	r := w.run("label", "1", w.row(2).Short)
	check(t, "short", r.code, frame.ExitUsage)
	contains(t, "short", r.err, "' is issue 2, not a label\n")
	check(t, "prefix of a short", w.run("label", "1", w.row(2).Short[:6]).code, 0)

	w.put(&event.LabelAdded{Issue: i.UUID, Label: "3"}) // as older programs took it
	contains(t, "there already", w.ok("label", "1", "3").err, "1 already has label '3'\n")
	contains(t, "can be removed", w.ok("unlabel", "1", "3").err, "removed label '3' from 1\n")
}

// TestFormsOfNames: labels and people are written in one form, and found in any.
func TestFormsOfNames(t *testing.T) {
	w := newWorld(t)
	w.id("a")
	w.ok("label", "1", " "+nfd+"\t", "ui")
	w.ok("assign", "1", nfd+" ", "--force")
	i := w.row(1)
	check(t, "label", strings.Join(i.Labels, "|"), nfc+"|ui")
	check(t, "assignee", strings.Join(i.Assignees, "|"), nfc)
	w.ok("new", "b", "-l", nfd, "-l", nfc, "-l", " x ", "--assign", nfd)
	check(t, "label of new", strings.Join(w.row(2).Labels, "|"), nfc+"|x")
	check(t, "assignee of new", strings.Join(w.row(2).Assignees, "|"), nfc)
	contains(t, "again", w.ok("label", "1", nfc, nfd).err, "1 already has label '"+nfc+"'\n")
	for _, form := range []string{nfc, nfd, " " + nfc} {
		check(t, "by label "+form, w.ok("list", "-q", "--label", form).out, "2\n1\n")
		check(t, "by assignee "+form, w.ok("list", "-q", "--assignee", form).out, "2\n1\n")
	}
	check(t, "blank", w.run("label", "1", " ").code, frame.ExitUsage)
	check(t, "blank", w.run("new", "x", "--label", "\t").code, frame.ExitUsage)
	check(t, "blank", w.run("assign", "1", " ").code, frame.ExitUsage)

	// a name that somebody else wrote is not changed, and is found and removed in every form
	w.put(&event.LabelAdded{Issue: i.UUID, Label: nfd})
	w.put(&event.LabelAdded{Issue: i.UUID, Label: " "})
	w.put(&event.AssigneeAdded{Issue: i.UUID, Assignee: nfd})
	check(t, "both", len(w.row(1).Labels), 4)
	w.ok("unlabel", "1", nfc, " ")
	check(t, "removed", strings.Join(w.row(1).Labels, "|"), "ui")
	w.ok("unassign", "1", nfd, nfc)
	check(t, "unassigned", len(w.row(1).Assignees), 0)
}

func TestFormsOfText(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "one "+nfd)
	w.ok("new", "two", "-d", "the "+strings.ToUpper(nfc))
	w.ok("comment", "2", "plain cafe")
	w.ok("new", "three")
	w.ok("comment", "3", "the "+nfd+"s")
	check(t, "title is exact", w.row(1).Title, "one "+nfd)
	for _, form := range []string{nfc, nfd, strings.ToUpper(nfd)} {
		check(t, form, w.ok("search", "-q", form).out, "3\n2\n1\n")
	}
	check(t, "cafe", w.ok("search", "-q", "cafe").out, "2\n")

	m := w.hub.MintUUID()
	w.put(&event.MilestoneCreated{UUID: m, Name: nfd + " 1", CreatedAt: event.TimeOf(w.time)})
	w.ok("new", "x", "--milestone", nfc+" 1")
	check(t, "milestone", w.ok("list", "-q", "--milestone", nfc+" 1").out, "4\n")
}
