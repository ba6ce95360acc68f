package tracker_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func (c *clone) doctor(offline bool, more ...string) *tracker.DoctorReport {
	c.w.t.Helper()
	t := c.open(more...)
	defer t.Close()
	r, err := t.Doctor(context.Background(), offline)
	if err != nil {
		c.w.t.Fatal(err)
	}
	for _, d := range r.Findings {
		if d.Severity != fail.Note && len(hints.For(d.Code, d.Fields)) == 0 {
			c.w.t.Errorf("no cure: %+v", d)
		}
	}
	return r
}

// diagnoses are the findings, as severity and name.
func diagnoses(r *tracker.DoctorReport) string {
	var all []string
	for _, d := range r.Findings {
		all = append(all, string(d.Severity)+" "+d.Code.Name())
	}
	return strings.Join(all, ", ")
}

// What each condition looks like to the doctor, from the first minute on.
func TestDoctor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	is := func(c *clone, offline bool, want string, more ...string) {
		t.Helper()
		if got := diagnoses(c.doctor(offline, more...)); got != want {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
	}
	is(alice, true, "note unseen")
	is(alice, false, "warning unshared")
	alice.init()
	issue := alice.create("one")
	is(alice, false, "")
	is(bob, false, "")
	is(bob, true, "problem agent-id", "GIT_CROSSLINK_AGENT=No")
	is(bob, true, "note no-agent", "GIT_CROSSLINK_AGENT=")
	is(bob, true, "warning odd-setting", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=crosslink.sync", "GIT_CONFIG_VALUE_0=manuel")
	is(bob, true, "warning odd-setting, warning odd-setting", "GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=crosslink.lockTimeout", "GIT_CONFIG_VALUE_0=1h",
		"GIT_CONFIG_KEY_1=crosslink.sign", "GIT_CONFIG_VALUE_1=maybe")
	is(bob, true, "problem ci-agent", "GIT_CROSSLINK_AGENT=", "CI=1")

	bob.cut(true)
	bob.comment(issue, "alone")
	is(bob, false, "problem unreachable, warning queued")
	if r := bob.doctor(false); r.Reached {
		t.Error("reached a hub that is not there")
	}
	bob.cut(false)
	bob.sync()
	is(bob, false, "")

	hook := filepath.Join(w.hub, "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	alice.comment(issue, "refused")
	is(alice, false, "problem refused")
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}
	alice.sync()
	w.git(w.hub, "update-ref", "refs/heads/crosslink/agents/Not_An_Id", strings.TrimSpace(w.git(w.hub, "rev-parse", "main")))
	alice.now = func() time.Time { return time.Now().AddDate(9, 0, 0) }
	alice.comment(issue, "from the future")
	alice.now = time.Now
	is(alice, false, "warning hub, warning far-future")

	bob.set("crosslink.sync", "manual")
	is(bob, false, "note manual")
}

func TestGitTooOld(t *testing.T) {
	for says, want := range map[string]string{
		"git version 2.39.5\n": "", "git version 2.36.0": "", "git version 3.0.1": "", "git version 10.1": "", "": "", "git": "", "git version next": "",
		"git version 2.35.8.windows.1\n": "2.35.8.windows.1", "git version 1.99.0": "1.99.0", "git version 2.9.5 (Apple Git-1)": "2.9.5",
	} {
		if got := tracker.TooOld(says); got != want {
			t.Errorf("%q: %q", says, got)
		}
	}
}

// destroys finds commands that take something away. "mv" moves aside, "config
// --unset" is written down in the configuration's own words.
var destroys = regexp.MustCompile(`(?i)\brm -|--force|\bpush -f|\breset --hard|\bclean -|--delete|update-ref -d|branch -D|\bprune\b|reflog expire|\brm '`)

// Where 'init' would refuse to make a hub, the doctor says what comes first.
func TestDoctorOnAnEmptyRemote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	main := strings.TrimSpace(w.git(w.hub, "rev-parse", "main"))
	w.git(w.hub, "update-ref", "-d", "refs/heads/main")
	if got := diagnoses(alice.doctor(false)); got != "warning empty-remote" {
		t.Errorf("%q", got)
	}
	w.git(w.hub, "update-ref", "refs/heads/crosslink", main)
	if got := diagnoses(alice.doctor(false)); got != "warning branch-in-the-way" {
		t.Errorf("%q", got)
	}
	w.git(w.hub, "update-ref", "-d", "refs/heads/crosslink")
	w.git(w.hub, "update-ref", "refs/heads/main", main)
	if got := diagnoses(alice.doctor(false)); got != "warning unshared" {
		t.Errorf("%q", got)
	}
}

// No hint of the command line destroys anything.
func TestNoHintDestroys(t *testing.T) {
	hint := regexp.MustCompile(`[Hh]ints?\b|"[^"]*\bgit [a-z]`)
	// adds a name, and removes nothing
	const harmless = `"to assign somebody whom the tracker does not know: --force"`
	n := 0
	for _, pattern := range []string{"../cli/*.go", "../cli/*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") || strings.HasPrefix(f, "../cli/hints/") { // those are read below
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(b)) {
				if !hint.MatchString(line) {
					continue
				}
				n++
				if destroys.MatchString(strings.ReplaceAll(line, harmless, "")) {
					t.Errorf("%s: %s", f, strings.TrimSpace(line))
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("found only %d lines with hints", n)
	}
}

// Nor does any row of the table of hints, nor any text of the packages whose words reach
// people through git: what the gate, the helper, the hooks and the enrolment say, in Go and in
// shell. harmless are the texts that only name such a command.
func TestNoTextOfTheOthersDestroys(t *testing.T) {
	harmless := map[string]string{
		"push only your branches, without --mirror and --prune: git push <remote> <branch>":               "says what not to do",
		"not a fast-forward: the tracker's branches are never rewound or replaced, not even with --force": "says that it does not help",
	}
	seen := map[string]bool{}
	for _, pkg := range []string{"cli/hints", "gate", "helper", "enrol", "hooks"} {
		files, err := filepath.Glob("../" + pkg + "/*")
		if err != nil {
			t.Fatal(err)
		}
		scripts, err := filepath.Glob("../" + pkg + "/scripts/*")
		if err != nil {
			t.Fatal(err)
		}
		files, n := append(files, scripts...), 0
		check := func(where, text string) {
			n++
			if destroys.MatchString(text) && harmless[text] == "" {
				t.Errorf("%s: %q", where, text)
			}
			seen[text] = true
		}
		for _, f := range files {
			switch {
			case strings.HasSuffix(f, "_test.go"):
			case strings.HasSuffix(f, ".go"):
				set := token.NewFileSet()
				tree, err := parser.ParseFile(set, f, nil, 0)
				if err != nil {
					t.Fatal(err)
				}
				ast.Inspect(tree, func(x ast.Node) bool {
					if lit, ok := x.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						text, err := strconv.Unquote(lit.Value)
						if err != nil {
							t.Fatal(err)
						}
						check(set.Position(lit.Pos()).String(), text)
					}
					return true
				})
			case strings.HasSuffix(f, ".sh"), strings.Contains(f, "/scripts/"):
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(string(b)) {
					check(f, strings.TrimSpace(line))
				}
			}
		}
		if n < 30 {
			t.Errorf("%s: only %d texts", pkg, n)
		}
	}
	for text := range harmless {
		if !seen[text] {
			t.Errorf("nobody says %q any more", text)
		}
	}
	if !destroys.MatchString("git push --force") || !destroys.MatchString("rm -r x") {
		t.Error("it finds nothing")
	}
}

// Each situation that produces a finding, and on each of them status and doctor agree.
// Findings that need a hostile hub are checked in the tests that create them: every
// clone.status of a test asks both.
func TestStatusAndDoctorAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	seen := map[string]bool{}
	is := func(c *clone, want string, more ...string) {
		t.Helper()
		var got []string
		for _, d := range c.status(more...).Findings {
			got = append(got, string(d.Severity)+" "+d.Code.Name())
			seen[d.Code.Name()] = true
			if len(hints.For(d.Code, d.Fields)) == 0 {
				t.Errorf("%s: no cure: %+v", c.name, d)
			}
		}
		if all := strings.Join(got, ", "); all != want {
			t.Errorf("%s: %q, want %q", c.name, all, want)
		}
	}
	is(alice, "")
	alice.init()
	issue := alice.create("one")
	bob.sync()
	is(bob, "")
	is(bob, "problem agent-id", "GIT_CROSSLINK_AGENT=No")
	is(bob, "problem ci-agent", "GIT_CROSSLINK_AGENT=", "CI=1")
	set := func(c *clone, key, value string) func() {
		w.git(c.dir, "config", key, value)
		return func() { w.git(c.dir, "config", "--unset", key) }
	}
	unset := set(bob, "crosslink.lockTimeout", "soon")
	is(bob, "warning odd-setting")
	unset()
	unset = set(bob, "crosslink.committer", "Bob <bob@example.com>")
	is(bob, "problem committer")
	unset()

	// what the hub holds that is not believed
	meta := string(w.tip(branches + "meta"))
	tree := strings.TrimSpace(w.git(w.hub, "rev-parse", meta+"^{tree}"))
	stray := strings.TrimSpace(w.git(w.hub, "-c", "user.name=m", "-c", "user.email=m@example.com", "commit-tree", "-p", meta, "-m", "stray", tree))
	w.git(w.hub, "update-ref", "refs/heads/crosslink/meta", stray)
	w.git(w.hub, "update-ref", "refs/heads/crosslink/agents/Not_An_Id", strings.TrimSpace(w.git(w.hub, "rev-parse", "main")))
	bob.sync()
	is(bob, "warning meta, warning hub")
	w.move("refs/heads/crosslink/agents/Not_An_Id", "")

	alice.now = func() time.Time { return time.Now().AddDate(9, 0, 0) }
	alice.comment(issue, "from the future")
	alice.now = time.Now
	bob.sync()
	is(bob, "warning meta, warning far-future")

	w.move("refs/heads/crosslink/meta", "")
	bob.comment(issue, "to nobody")
	is(bob, "problem hub-lost, warning meta, warning far-future")
	if len(seen) < 8 {
		t.Errorf("only %d kinds of findings", len(seen))
	}
}

// agrees checks that status and doctor report the same findings about the data in the clone,
// in the same words.
func (c *clone) agrees(s *tracker.Status, more ...string) {
	c.w.t.Helper()
	list := func(all []fail.Diagnosis) (lines []string) {
		for _, d := range all {
			switch {
			case d.Severity == fail.Note:
			case d.Code.Name() == "unshared", d.Code.Name() == "queued": // status has a line for each
			case d.Code.Name() == "old-git": // would start a process
			case d.Code.Name() == "late-events": // would read logs whole
			default:
				lines = append(lines, fmt.Sprintf("%s %s: %s", d.Severity, d.Code.Name(), seconds.ReplaceAllString(d.Text, "N s")))
			}
		}
		return lines
	}
	got, want := list(s.Findings), list(c.doctor(true, more...).Findings)
	if !slices.Equal(got, want) {
		c.w.t.Errorf("%s: status and doctor do not agree:\nstatus %q\ndoctor %q", c.name, got, want)
	}
}

var seconds = regexp.MustCompile(`\d+ s\b`)
