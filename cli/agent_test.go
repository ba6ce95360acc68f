package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// TestAgentVerbs: stdout begins with the id, and remarks are on stderr.
func TestAgentVerbs(t *testing.T) {
	w := newWorld(t)
	w.json("new", "a")
	for _, c := range []struct{ args, out string }{
		{"agent show", "alice-laptop-abcd\n    set by identity\n"},
		{"agent show -q", "alice-laptop-abcd\n"},
		{"agent fork desk-2", "desk-2\n"},
		{"agent list --porcelain", ""},
	} {
		r := w.run(strings.Fields(c.args)...)
		if r.code != 0 || !strings.HasPrefix(r.out, c.out) {
			t.Errorf("%s: %d %s%s", c.args, r.code, r.out, r.err)
		}
	}
	contains(t, "talk", w.run("agent", "fork", "desk-2").err, "use it from now on: GIT_CROSSLINK_AGENT=desk-2")
	for _, args := range []string{"agent show", "agent list", "agent fork desk-2", "agent", "agent fork a b", "agent nope"} {
		w.json(strings.Fields(args)...)
	}
}

// TestHelpInJSON: anybody who says --json gets one document, whatever else is said.
func TestHelpInJSON(t *testing.T) {
	w := newWorld(t)
	for _, args := range []string{"", "-h", "list -h", "agent", "agent -h", "help", "help list", "list --help", "--help", "-v", "nope -h"} {
		w.json(strings.Fields(args)...)
	}
	var d struct {
		Data struct{ Command, Text string }
	}
	if err := json.Unmarshal([]byte(w.run("help", "close", "--json").out), &d); err != nil || d.Data.Command != "git crosslink close" {
		t.Errorf("%+v, %v", d, err)
	}
	contains(t, "text", d.Data.Text, "usage: git crosslink close")
}

// TestShapesKeepUp: what the tracker reports is in the answer.
func TestShapesKeepUp(t *testing.T) {
	counted := func(name string) bool { return name == "problems" || name == "findings_total" } // the findings again
	check(t, "status", slices.DeleteFunc(members(answer.Status{}), counted), members(tracker.Status{}))
	check(t, "log", members(answer.Log{}), members(tracker.LogInfo{}))
	check(t, "sync", members(answer.Sync{}), members(tracker.SyncReport{}))
	check(t, "init", members(answer.Init{}), members(tracker.InitReport{}))
}

// TestHubAnswersAreWhole: every documented member is there, with or without a
// value.
func TestHubAnswersAreWhole(t *testing.T) {
	w := newWorld(t)
	w.hub.report.State = tracker.Confirmed
	w.hub.status = tracker.Status{Hash: "x", Logs: []tracker.LogInfo{{Agent: "alice-1"}}}
	for _, c := range []struct {
		verb string
		v    any
	}{{"status", answer.Status{}}, {"sync", answer.Sync{}}, {"init", answer.Init{}}, {"agent show", answer.Who{}}} {
		var d struct{ Data map[string]any }
		out := w.run(append(strings.Fields(c.verb), "--json")...).out
		if err := json.Unmarshal([]byte(out), &d); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		for _, m := range members(c.v) {
			v, there := d.Data[m]
			if !there || v == "" {
				t.Errorf("%s: '%s' is %v, %v", c.verb, m, v, there)
			}
		}
		if logs, ok := d.Data["logs"].([]any); ok {
			for _, m := range members(answer.Log{}) {
				if _, there := logs[0].(map[string]any)[m]; !there {
					t.Errorf("%s: a log has no '%s'", c.verb, m)
				}
			}
		}
	}
}

// TestTitlesAreTidied: spaces around a title and a byte order mark are no part
// of it; '#' may stand before any id.
func TestTitlesAreTidied(t *testing.T) {
	w := newWorld(t)
	w.json("new", "  \ufeff a title \t")
	w.json("new", "\ufeffanother")
	w.in = "\ufeff  third  \r\n\r\n\ufefftext\r\n"
	w.json("new", "-F", "-")
	w.json("edit", "2", "--title", " \ufeffanother still ")
	out := w.run("list", "--format=%(title)|%(short)", "--sort", "number").out
	for _, want := range []string{"a title|", "another still|", "third|"} {
		contains(t, "titles", "\n"+out, "\n"+want)
	}
	short := strings.TrimSpace(w.run("list", "--format=%(short)", "--limit", "1").out)
	if r := w.run("show", "#"+short); r.code != 0 {
		t.Errorf("%s", r.err)
	}
}
