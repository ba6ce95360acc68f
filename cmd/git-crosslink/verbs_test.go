package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli"
)

// forms are the columns of testdata/verbs.txt after the verb: in which forms each
// command is shown to work.
var forms = []string{"refused", "repeated", "json", "script", "offline", "second clone"}

// nounsOnly are commands that only have commands below them, and other names.
var nounsOnly = []string{"agent", "check", "ci", "hooks", "key", "locks", "locks check", "locks list", "locks lock", "locks unlock", "milestone", "request", "server", "session", "template", "time", "timer", "trust", "fork"}

// scriptLines are the lines of a script that run, in order. A line after a condition
// in brackets, and a script without a condition that it could be skipped for, run
// whenever the script does.
func scriptLines(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "script", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(b), "\n-- ")
	return strings.Split(text, "\n")
}

// TestEveryVerbInEveryForm: testdata/verbs.txt has a row for each command. A cell
// names a script and the line of it that shows the command in that form, or gives the
// reason why there is none, after '-'.
func TestEveryVerbInEveryForm(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("testdata/verbs.txt")
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for name := range maps.Keys(cli.Examples()) {
		if name = strings.TrimPrefix(name, "git crosslink "); !slices.Contains(nounsOnly, name) {
			missing[name] = true
		}
	}
	cells, reasons := 0, 0
	for row := range strings.Lines(string(table)) {
		row = strings.TrimSuffix(row, "\n")
		if row == "" || strings.HasPrefix(row, "#") {
			continue
		}
		cols := strings.Split(row, "\t")
		if len(cols) != 1+len(forms) {
			t.Errorf("%d cells, not %d: %s", len(cols), 1+len(forms), row)
			continue
		}
		verb := cols[0]
		if !missing[verb] {
			t.Errorf("'%s' is no command, or is there twice", verb)
		}
		delete(missing, verb)
		for k, cell := range cols[1:] {
			if why, ok := strings.CutPrefix(cell, "- "); ok {
				if reasons++; len(why) < 8 {
					t.Errorf("%s, %s: '%s' is no reason", verb, forms[k], why)
				}
				continue
			}
			cells++
			script, line, ok := strings.Cut(cell, ": ")
			if !ok {
				t.Errorf("%s, %s: '%s' names no script and line", verb, forms[k], cell)
				continue
			}
			if why := shows(scriptLines(t, script), line, verb, forms[k]); why != "" {
				t.Errorf("%s, %s: %s: %s", verb, forms[k], cell, why)
			}
		}
	}
	for verb := range missing {
		t.Errorf("testdata/verbs.txt has no row for '%s'", verb)
	}
	t.Logf("%d cells name a line, %d a reason", cells, reasons)
}

var (
	asLine   = regexp.MustCompile(`^(! )?(?:refused \d+ )?as (\S+) (.*)$`)
	scripted = regexp.MustCompile(`--porcelain| -z\b| -q\b|--quiet`)
)

// shows says why a line of a script does not show a verb in a form, "" if it does.
// The script passes, so each of its lines has run; TestScript sees to that.
func shows(lines []string, line, verb, form string) string {
	runs := regexp.MustCompile(`crosslink (?:(?:-C \S+|--offline|--json|-q) )*` + regexp.QuoteMeta(verb) + `(?:[ ')]|$)`)
	away, seen, first := false, 0, ""
	for _, l := range lines {
		if l = strings.TrimSpace(l); strings.Contains(l, "hub.git ") && strings.Contains(l, "mv ") && !strings.HasSuffix(l, "hub.git") {
			away = true
		} else if strings.HasSuffix(l, "hub.git") && strings.Contains(l, "mv ") {
			away = false
		}
		m := asLine.FindStringSubmatch(l)
		before := seen
		if m != nil && runs.MatchString(l) {
			if seen++; first == "" {
				first = m[2]
			}
		}
		if l != line {
			continue
		}
		switch {
		case form == "second clone" && (l == "same" || m != nil && m[2] != first):
			if before > 0 || m != nil && runs.MatchString(l) {
				return ""
			}
			continue
		case form == "second clone" && m != nil && slices.ContainsFunc(lines, func(h string) bool { return strings.HasPrefix(h, "hub ") && !strings.HasPrefix(h, "hub "+m[2]) }):
			return "" // a reader that is not the clone that began
		case m == nil || !runs.MatchString(l):
			return "the line does not run the command"
		}
		ok := map[string]bool{"refused": m[1] != "", "repeated": m[1] == "" && seen > 1 && slices.Index(lines, line) >= 0 && strings.Count(strings.Join(lines, "\n")+"\n", line+"\n") > 1,
			"json": strings.Contains(l, "--json"), "script": scripted.MatchString(l), "offline": strings.Contains(l, "--offline") || away}
		if ok[form] {
			return ""
		}
		if form == "repeated" || form == "offline" {
			continue // a later one of the same words
		}
		return "the line is not of this form"
	}
	return "there is no such line where it would show it"
}
