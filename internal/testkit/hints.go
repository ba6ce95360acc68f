package testkit

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// This file tests hints: a hint that is a command is run as it was printed, in the
// situation in which it was printed. The rules are:
//
//   - The world ($WORK) is moved away and a copy of it is put at its path, so that the paths
//     in configuration and hints stay valid. Afterward the copy is removed and the world is
//     moved back, with the same inodes.
//   - Each hint runs once in a script. By default only a sample of the hints runs, with
//     CROSSLINK_NIGHTLY all of them.
//   - A hint runs where the command ran, with the variables that were set before the command.
//     A hint for an admin runs in every clone, one for the hub's owner in the hub. A hint that
//     begins with 'then' runs after the hints before it.
//   - It must end with a status that its command may have in that situation. If it changes
//     something, the command that printed the hint runs again, and must not print the hint
//     again.
//   - A hint with a placeholder (<label>) is not a command.

// Hints are the expectations for the hints of a set of scripts.
type Hints struct {
	Sample, All int               // the smallest number of hints to run, by default and with CROSSLINK_NIGHTLY
	Excepted    map[string]string // "<script>: <hint>", as in a failure → why it cannot be followed there

	Rows     map[string]*regexp.Regexp // the program's possible hints: a name → a pattern
	NotShown []string                  // names of rows that no script shows
}

// hintRun is the state of the hints during one run of a set of scripts.
type hintRun struct {
	Hints
	all     bool
	mu      sync.Mutex
	scripts int // scripts that have started
	ran     int
	used    map[string]bool // exceptions that were used
	shown   map[string]bool // hints that a script showed
}

func newHintRun(h Hints, all bool) *hintRun {
	return &hintRun{Hints: h, all: all, used: map[string]bool{}, shown: map[string]bool{}}
}

// done fails if too few hints were run, or if an exception is no longer needed. A run of
// only some scripts checks neither.
func (r *hintRun) done(t *testing.T, scripts int) {
	for _, name := range r.NotShown {
		if r.Rows[name] == nil {
			t.Errorf("the hint '%s', which is listed as not shown, is not in the table", name)
		}
	}
	least := r.Sample
	if r.all {
		least = r.All
	}
	if r.scripts < scripts {
		return
	}
	if r.ran < least {
		t.Errorf("only %d hints were run, not %d", r.ran, least)
	}
	for e, why := range r.Excepted {
		if r.all && !r.used[e] {
			t.Errorf("the exception '%s' (%s) was not needed", e, why)
		}
	}
	if r.all {
		for _, name := range sortedKeys(r.Rows) {
			switch shown := r.shows(r.Rows[name]); {
			case shown && slices.Contains(r.NotShown, name):
				t.Errorf("a script shows the hint '%s', which is listed as not shown", name)
			case !shown && !slices.Contains(r.NotShown, name) && hintCommand(name) != "":
				t.Errorf("no script shows the hint '%s'", name)
			}
		}
	}
	t.Logf("%d hints run", r.ran)
}

func (r *hintRun) shows(row *regexp.Regexp) bool {
	for h := range r.shown {
		if row.MatchString(h) {
			return true
		}
	}
	return false
}

// picked reports whether a hint of a script is run.
func (r *hintRun) picked(key string) bool {
	h := fnv.New32a()
	h.Write([]byte(key))
	return r.all || h.Sum32()%6 == 0
}

var (
	// command matches the command at the end of a hint.
	command     = regexp.MustCompile(`^(?:.*: )?((?:git|chmod|mv|ls|df|cd|eval|export) (?:[^:]|:\S)*|[A-Z_]+=\S+(?: git .*)?)$`)
	placeholder = regexp.MustCompile(`<[a-z][a-z -]*>`)
	notCommands = regexp.MustCompile(`^git (?:pull|push) and |^git crosslink dashboard(?: serve)?$`) // or commands that run until they are stopped
)

// hintCommand returns the command in a hint, "" if there is none that can be run unchanged.
func hintCommand(hint string) string {
	m := command.FindStringSubmatch(hint)
	if m == nil || placeholder.MatchString(m[1]) || notCommands.MatchString(m[1]) {
		return ""
	}
	return m[1]
}

// shownHints returns the hints of an answer: lines of both streams, and the "hints" of a
// JSON document.
func shownHints(stdout, stderr string) (hints []string) {
	for line := range strings.SplitSeq(stdout+"\n"+stderr, "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "remote: ") // a hint of a gate
		if h, ok := strings.CutPrefix(line, "hint: "); ok {
			hints = append(hints, h)
		}
	}
	var doc any
	if json.Unmarshal([]byte(stdout), &doc) == nil {
		hints = append(hints, documentHints(doc)...)
	}
	return hints
}

func documentHints(v any) (hints []string) {
	switch v := v.(type) {
	case string:
		return nil
	case []any:
		for _, e := range v {
			hints = append(hints, documentHints(e)...)
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			list, ok := v[key].([]any)
			if !ok || key != "hints" {
				hints = append(hints, documentHints(v[key])...)
				continue
			}
			for _, h := range list {
				if s, ok := h.(string); ok {
					hints = append(hints, s)
				}
			}
		}
	}
	return hints
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// followHints runs the hints of the command that has just run, and keeps that command's
// output for the script.
func (s *script) followHints(ts *testscript.TestScript, a *actor, args []string) {
	if s.hints == nil || len(ts.BackgroundCmds()) > 0 {
		return
	}
	stdout, stderr, last := ts.ReadFile("stdout"), ts.ReadFile("stderr"), s.last
	all, ran := shownHints(stdout, stderr), false
	s.hints.mu.Lock()
	for _, h := range all {
		s.hints.shown[h] = true
	}
	s.hints.mu.Unlock()
	for i, h := range all {
		key := s.name + ": " + s.shape(h)
		if hintCommand(h) == "" || slices.Contains(s.hinted, key) || !s.hints.picked(key) {
			continue
		}
		s.hinted, ran = append(s.hinted, key), true
		s.follow(ts, a, args, key, all[:i], h)
	}
	if ran {
		s.printAgain(ts, stdout, stderr)
		s.last = last
	}
}

var numbers = regexp.MustCompile(`\b[0-9a-f]*[0-9][0-9a-f]*\b|AAAA[A-Za-z0-9+/]{60,64}`)

// shape replaces numbers and names that differ between runs, so that equal hints can be
// recognized.
func (s *script) shape(hint string) string {
	hint = strings.ReplaceAll(hint, s.work, "$WORK")
	for _, a := range s.norm.agents {
		hint = strings.ReplaceAll(hint, a[0], a[1])
	}
	return numbers.ReplaceAllString(hint, "#")
}

// followed is the result of following a hint.
type followed struct {
	status int
	says   string // the output of the hint
	again  string // the output of the command that ran again
}

// takesBack matches a hint that undoes the command: if the command runs again, it prints
// the hint again.
var takesBack = regexp.MustCompile(`^(to go back|then have this clone begin again)\b`)

// follow runs one hint.
func (s *script) follow(ts *testscript.TestScript, a *actor, args []string, key string, before []string, hint string) {
	f := s.inCopy(ts, a, s.following(a, args, before, hint))
	s.hints.mu.Lock()
	defer s.hints.mu.Unlock()
	s.hints.ran++
	wrong := ""
	cmd := hintCommand(hint)
	switch {
	case !slices.Contains(mayEnd(cmd), f.status):
		wrong = fmt.Sprintf("ends with status %d", f.status)
	case changes.MatchString(cmd) && !corrects(cmd, args) && !takesBack.MatchString(hint) && s.last.status != 129 && !indirect(args) && slices.Contains(shownHints("", f.again), hint):
		wrong = fmt.Sprintf("does not help: '%s' says it again", quote(args))
	default:
		return
	}
	if s.hints.Excepted[key] != "" {
		s.hints.used[key] = true
		return
	}
	s.t.Errorf("%s: the hint of '%s'\n\t%s\nas '%s' %s:\n%s\nafter it:\n%s", s.name, quote(args), hint, key, wrong, f.says, f.again)
}

// changes matches hints after which the command has to be tried again.
var changes = regexp.MustCompile(`^(?:git config (?:--global |--unset |--add )*[a-z.A-Z]+|git remote (?:add|set-url|rename)|git crosslink (?:init|hooks|server install|agent fork|trust approve)\b|chmod |mv |export |eval |GIT_CROSSLINK_AGENT=)`)

// corrects reports whether a hint is the same command with other arguments: it runs instead
// of the command that printed it.
func corrects(cmd string, args []string) bool {
	ran := strings.Join(args, " ") + " "
	for _, same := range []string{"git crosslink agent fork ", "git crosslink server install "} {
		if strings.HasPrefix(cmd+" ", same) && strings.HasPrefix(ran, same) && cmd+" " != ran {
			return true
		}
	}
	return false
}

// ownersCommand matches a hint whose command is for the owner of the hub.
var ownersCommand = regexp.MustCompile(`(?:the hub's owner|the owner of this hub)\b.*[a-z]: git (?:crosslink server|config) `)

// indirect reports whether another command runs the command, and may override the setting
// in the hint.
func indirect(args []string) bool { return args[0] != "git" && args[0] != "env" }

// mayEnd returns the statuses with which a hint's command may end: a command that checks
// may find something, and one that contacts the hub may not reach it.
func mayEnd(cmd string) []int {
	for _, rule := range []struct {
		cmd      string
		statuses []int
	}{
		{` -h$`, []int{0, 129}},
		{`^GIT_CROSSLINK_TRACE=1 `, []int{0, 1, 128}},
		{`git crosslink (?:--offline )?lock (?:check|list)\b`, []int{0, 1, 2, 3}},
		{`git crosslink (?:sync|lock|ready)\b`, []int{0, 2, 3}},
		{`git crosslink (?:status|doctor|fsck|hooks status|server check|blocked|list|show|log|trust (?:show|list|pending))\b`, []int{0, 1}},
		{`git config --show-origin`, []int{0, 1}},
		{`git crosslink key show`, []int{0, 1}},
	} {
		if regexp.MustCompile(rule.cmd).MatchString(cmd) {
			return rule.statuses
		}
	}
	return []int{0}
}

// following returns a shell script that follows a hint and runs the command again, as a
// person would who pastes the hint and repeats the command. It writes its three answers to
// files in $1.
func (s *script) following(a *actor, args, before []string, hint string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cd %s || exit\n", quote([]string{a.dir}))
	for len(args) > 1 && (args[0] == "env" || strings.Contains(args[0], "=")) {
		if args = args[1:]; strings.Contains(args[0], "=") {
			fmt.Fprintf(&b, "export %s\n", quote(args[:1]))
		}
	}
	if strings.HasPrefix(hint, "then: ") || strings.HasPrefix(hint, "then ") {
		for _, h := range before {
			if cmd := hintCommand(h); cmd != "" {
				fmt.Fprintf(&b, "{ %s\n} >/dev/null 2>&1 </dev/null\n", cmd)
			}
		}
	}
	cmd := hintCommand(hint)
	switch {
	case strings.HasPrefix(hint, "ask an admin") || strings.HasPrefix(hint, "an admin"):
		b.WriteString("status=4\n")
		for _, o := range s.actors { // there may be several hubs
			fmt.Fprintf(&b, "(cd %s && env %s sh -c %s) >>\"$1/says\" 2>&1 </dev/null && status=0\n",
				quote([]string{o.dir}), quote(s.environ(o)), quote([]string{cmd}))
		}
		b.WriteString("echo $status >\"$1/status\"\n")
	case ownersCommand.MatchString(hint):
		fmt.Fprintf(&b, "(cd %s && %s) >\"$1/says\" 2>&1 </dev/null\necho $? >\"$1/status\"\n", quote([]string{filepath.Join(s.work, "hub.git")}), cmd)
	default:
		fmt.Fprintf(&b, "{ %s\n} >\"$1/says\" 2>&1 </dev/null\necho $? >\"$1/status\"\n", cmd)
	}
	fmt.Fprintf(&b, "%s >\"$1/again\" 2>&1 </dev/null\n", quote(args))
	return b.String()
}

// inCopy runs a shell script as an actor in a copy of the world that has the
// world's path.
func (s *script) inCopy(ts *testscript.TestScript, a *actor, text string) (f followed) {
	aside, notes := s.work+".world", s.work+".hint"
	ts.Check(os.Mkdir(notes, 0o777))
	defer os.RemoveAll(notes)
	ts.Check(os.WriteFile(filepath.Join(notes, "run"), []byte(text), 0o644))
	ts.Check(ts.Chdir(notes))
	ts.Check(os.Rename(s.work, aside))
	err := ts.Exec("cp", "-a", aside, s.work)
	if err == nil {
		env := append(s.environ(a), "GIT_EDITOR=true", "EDITOR=true", "GIT_TRACE2_EVENT=0")
		_ = ts.Exec("env", append(env, "sh", filepath.Join(notes, "run"), notes)...)
		if !Settle(s.work) { // for example an ssh agent
			Kill(s.work)
		}
		read := func(name string) string {
			b, _ := os.ReadFile(filepath.Join(notes, name))
			return string(b)
		}
		if f.status, err = strconv.Atoi(strings.TrimSpace(read("status"))); err != nil {
			err = fmt.Errorf("the hint was not run: %s%s", ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		}
		f.says, f.again = read("says"), read("again")
	}
	ts.Check(os.RemoveAll(s.work))
	ts.Check(os.Rename(aside, s.work))
	ts.Check(ts.Chdir(s.work))
	ts.Check(err)
	return f
}

// printAgain restores the output of the script's own command.
func (s *script) printAgain(ts *testscript.TestScript, stdout, stderr string) {
	notes := s.work + ".hint"
	ts.Check(os.Mkdir(notes, 0o777))
	defer os.RemoveAll(notes)
	ts.Check(os.WriteFile(filepath.Join(notes, "out"), []byte(stdout), 0o644))
	ts.Check(os.WriteFile(filepath.Join(notes, "err"), []byte(stderr), 0o644))
	ts.Check(ts.Exec("sh", "-c", `cat "$1/out"; cat "$1/err" >&2`, "sh", notes))
}
