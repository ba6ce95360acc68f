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

// This file holds the program to its hints: a hint that is a command is run as
// it was printed, in the situation that printed it. The rules are:
//
//   - The world ($WORK) is moved aside and a copy of it is put at its path, so
//     that the paths in configuration and hints stay true. Afterwards the copy is
//     removed and the world is put back, inodes and all.
//   - Each hint runs once a script. By default only a sample of them does, with
//     CROSSLINK_NIGHTLY all of them.
//   - A hint runs where the command ran, with the variables that stood before the
//     command; one for an admin in every clone, one for the hub's owner in
//     the hub; one that begins with 'then' after those before it.
//   - It ends with a status that its command may have in that situation. If it
//     changes something, the command that printed the hint is run again, and must
//     not print the hint again.
//   - What holds a placeholder (<label>) is not a command yet.

// Hints say what is asked of the hints of a set of scripts.
type Hints struct {
	Sample, All int               // how many are run at least, by default and with CROSSLINK_NIGHTLY
	Excepted    map[string]string // "<script>: <hint>", as a failure shows it → why it cannot be followed there

	Rows     map[string]*regexp.Regexp // what the program may advise: a name → what it looks like
	NotShown []string                  // names of rows that no script shows
}

// hintRun are the hints of one run of a set of scripts.
type hintRun struct {
	Hints
	all     bool
	mu      sync.Mutex
	scripts int // that have started
	ran     int
	used    map[string]bool // exceptions
	shown   map[string]bool // hints, by any script
}

func newHintRun(h Hints, all bool) *hintRun {
	return &hintRun{Hints: h, all: all, used: map[string]bool{}, shown: map[string]bool{}}
}

// done fails if too few hints were run, or if an exception has become stale. A
// run of some scripts says nothing about either.
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
	// command is what a hint that is a command holds after its words.
	command     = regexp.MustCompile(`^(?:.*: )?((?:git|chmod|mv|ls|df|cd|eval|export) (?:[^:]|:\S)*|[A-Z_]+=\S+(?: git .*)?)$`)
	placeholder = regexp.MustCompile(`<[a-z][a-z -]*>`)
	notCommands = regexp.MustCompile(`^git (?:pull|push) and |^git crosslink dashboard(?: serve)?$`) // or run until they are stopped
)

// hintCommand returns the command that a hint holds, "" if there is none that
// can be run as it is.
func hintCommand(hint string) string {
	m := command.FindStringSubmatch(hint)
	if m == nil || placeholder.MatchString(m[1]) || notCommands.MatchString(m[1]) {
		return ""
	}
	return m[1]
}

// shownHints are the hints of an answer: lines of either stream, and what a
// document calls "hints".
func shownHints(stdout, stderr string) (hints []string) {
	for line := range strings.SplitSeq(stdout+"\n"+stderr, "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "remote: ") // a gate's
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

// followHints runs the hints of the command that has just run, and leaves what
// that command printed to the script.
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

// shape is what two hints have in common that differ in numbers and names of
// one run only.
func (s *script) shape(hint string) string {
	hint = strings.ReplaceAll(hint, s.work, "$WORK")
	for _, a := range s.norm.agents {
		hint = strings.ReplaceAll(hint, a[0], a[1])
	}
	return numbers.ReplaceAllString(hint, "#")
}

// followed is how following a hint ended.
type followed struct {
	status int
	says   string // what the hint printed
	again  string // what the command printed that was run again after it
}

// takesBack matches a hint that takes back what the command did: done again, the
// command says it again.
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

// changes matches hints after which the command is to be tried again.
var changes = regexp.MustCompile(`^(?:git config (?:--global |--unset |--add )*[a-z.A-Z]+|git remote (?:add|set-url|rename)|git crosslink (?:init|hooks|server install|agent fork|trust approve)\b|chmod |mv |export |eval |GIT_CROSSLINK_AGENT=)`)

// corrects reports a hint that is the same command with other arguments: it is
// run in place of the one that printed it.
func corrects(cmd string, args []string) bool {
	ran := strings.Join(args, " ") + " "
	for _, same := range []string{"git crosslink agent fork ", "git crosslink server install "} {
		if strings.HasPrefix(cmd+" ", same) && strings.HasPrefix(ran, same) && cmd+" " != ran {
			return true
		}
	}
	return false
}

// ownersCommand matches a hint whose command is one for the owner of the hub.
var ownersCommand = regexp.MustCompile(`(?:the hub's owner|the owner of this hub)\b.*[a-z]: git (?:crosslink server|config) `)

// indirect reports a command that is run by another one, which may set what the
// hint sets.
func indirect(args []string) bool { return args[0] != "git" && args[0] != "env" }

// mayEnd are the statuses that a command of a hint may end with: one that looks
// may find something, and one that asks the hub may not reach it.
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

// following is a shell script that follows a hint and runs the command again,
// as anybody who pastes the one and repeats the other. Its three answers go to
// files of $1.
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
		if !Settle(s.work) { // an agent of ssh, say
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

// printAgain lets a script continue with what its own command printed.
func (s *script) printAgain(ts *testscript.TestScript, stdout, stderr string) {
	notes := s.work + ".hint"
	ts.Check(os.Mkdir(notes, 0o777))
	defer os.RemoveAll(notes)
	ts.Check(os.WriteFile(filepath.Join(notes, "out"), []byte(stdout), 0o644))
	ts.Check(os.WriteFile(filepath.Join(notes, "err"), []byte(stderr), 0o644))
	ts.Check(ts.Exec("sh", "-c", `cat "$1/out"; cat "$1/err" >&2`, "sh", notes))
}
