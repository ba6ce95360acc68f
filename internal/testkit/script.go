package testkit

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/git-crosslink/git-crosslink/internal/system"
)

// This file is the script language: testscript plus actors. The rules are:
//
//   - an actor is a name with a clone $WORK/<name>, a home of its own and an
//     identity of its own; `as` runs one command there and nothing leaks from
//     the environment of the test;
//   - a command that is expected to fail is written with `!`;
//   - what every `as` printed, on both streams, and its exit status go into
//     the script's transcript, which is compared with testdata/golden/<script>.txt
//     when the script ends (see transcript.go).
//
// Commands:
//
//	hub NAME…             bare repository $WORK/hub.git with one commit on main, a clone per name
//	hub-http [NAME:PASS]  serve the hub over http from here on; the clones' URLs follow
//	                      while $WORK/answer exists pushes are answered with the status it holds, or 'hang';
//	                      with 'all' before that, fetches too
//	hub-ssh               the same through a stub of ssh
//	actor NAME DIR        another actor whose clone is DIR (a worktree, a copy, nothing yet)
//	as NAME CMD…          run a command as that actor; ! demands failure
//	status N              exit status of the last `as`
//	sync [NAME…]          everybody (or those named) syncs, twice
//	same [NAME…]          they all have the same state hash and the same issues
//	count-git PATTERN N   N git processes of the last `as` match (regexp over "git push --atomic …")
//	kill-at POINT as …    the same as `as`, with CROSSLINK_FAULT=POINT; the process must die of SIGKILL
//	capture VAR           the last stdout, without its newline, becomes $VAR
//	refused N as NAME …   the same as `as`; the status must be N, no ref of the replica moves, no lock stays
//	unlocked NAME         no lock of that actor's tracker is held or left
//	transcript on|off     switch recording, for commands whose output depends on a race
//	golden NAME           compare what was recorded since the last golden with testdata/golden/<script>.NAME.txt
//	before NAME           remember that clone, every byte of it
//	untouched NAME        nothing but the tracker has changed there since
//	works NAME [OTHER…]   write and read there, leaving it untouched; the others see it; gc and fetch continue
//	newer-git             from here on git is the newer one
//
// Conditions: [newer-git] there is one, [hook-files] git knows hooks as files only,
// [root] the test may become another user.

var update = flag.Bool("update", false, "rewrite the golden transcripts of scripts")

type stateKey struct{}

// script is the state of one running script.
type script struct {
	work   string
	golden string // directory of golden transcripts
	name   string
	actors []*actor
	url    string // URL of the hub in the clones
	ssh    string // stub, "" until hub-ssh

	counts       bool // the script counts git processes: only then does git write a trace
	anyTransport bool // the transcript does not name the hub's URL
	last         struct {
		actor  *actor
		status int
		ran    bool
	}
	norm      *Normaliser
	record    strings.Builder
	recording bool
	t         tester
	hints     *hintRun // nil: hints do not run
	hinted    []string // hints that have run
}

type actor struct {
	name, dir, home, trace string

	before []string // the repository at 'before'
	walks  int      // how often 'works' ran
}

// Scripts runs every script of dir. Golden transcripts are in the directory 'golden' beside
// it.
//
// The hints that commands print are followed (hints.go).
func Scripts(t *testing.T, dir string, hints Hints) {
	for _, tool := range []string{"git", "env"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("scripts need '%s': %v", tool, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	run := newHintRun(hints, os.Getenv("CROSSLINK_NIGHTLY") != "")
	t.Cleanup(func() { run.done(t, len(files)) })
	testscript.Run(t, params(dir, run))
}

func params(dir string, hints *hintRun) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			return setup(e, dir, filepath.Join(dir, "..", "golden"), hints)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"hub": cmdHub, "hub-http": cmdHubHTTP, "hub-ssh": cmdHubSSH, "actor": cmdActor,
			"as": cmdAs, "status": cmdStatus, "sync": cmdSync, "same": cmdSame,
			"count-git": cmdCountGit, "kill-at": cmdKillAt, "capture": cmdCapture,
			"transcript": cmdTranscript, "golden": cmdGolden,
			"before": cmdBefore, "untouched": cmdUntouched, "works": cmdWorks, "newer-git": cmdNewerGit,
			"refused": cmdRefused, "unlocked": cmdUnlocked,
		},
		Condition: condition,
	}
}

// tester is what *testing.T offers beyond testscript.T.
type tester interface {
	Name() string
	Failed() bool
	Skipped() bool
	Errorf(format string, args ...any)
}

// Environment is the environment of every process of a script, besides PATH, HOME and the
// variables that name the actor: no configuration of the machine, no CI. Notices that are
// the same in every clone are disabled, and no push is paced.
func Environment() []string {
	return []string{
		"GIT_CONFIG_COUNT=3",
		"GIT_CONFIG_KEY_0=advice.crosslink.hooks", "GIT_CONFIG_VALUE_0=false",
		"GIT_CONFIG_KEY_1=crosslink.syncInterval", "GIT_CONFIG_VALUE_1=0",
		"GIT_CONFIG_KEY_2=crosslink.wait", "GIT_CONFIG_VALUE_2=60", // long enough for a machine that stalls
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"LC_ALL=C",
		"TZ=UTC",
	}
}

func setup(e *testscript.Env, dir, golden string, hints *hintRun) error {
	t := e.T().(tester)
	s := &script{work: e.WorkDir, golden: golden, name: path.Base(t.Name()), norm: NewNormaliser(), recording: true, t: t, hints: hints}
	if hints != nil {
		hints.mu.Lock()
		hints.scripts++
		hints.mu.Unlock()
	}
	s.norm.Path(e.WorkDir, "$WORK")
	text, err := os.ReadFile(filepath.Join(dir, s.name+".txtar"))
	if err != nil {
		return err
	}
	s.counts = strings.Contains(string(text), "count-git ")
	if err := system.MakeFifo(s.alive()); err != nil {
		return err
	}
	e.Vars = append(e.Vars, Environment()...)
	// A mark in every process of this script, so that Settle finds those that outlive the
	// command that started them.
	e.Vars = append(e.Vars, Mark(e.WorkDir), "HOME="+filepath.Join(e.WorkDir, "home"),
		"GIT_CONFIG_GLOBAL="+filepath.Join(e.WorkDir, "home", "gitconfig"))
	e.Values[stateKey{}] = s
	e.Defer(func() {
		defer os.Remove(s.alive()) // testscript removes the directory around it if it is empty
		if !Settle(e.WorkDir) {
			t.Errorf("the script left a process behind that does not end")
		}
		if t.Failed() || t.Skipped() {
			return // only the first failure matters
		}
		if err := s.compare(""); err != nil {
			t.Errorf("%v", err)
		}
	})
	return nil
}

func get(ts *testscript.TestScript) *script {
	return ts.Value(stateKey{}).(*script)
}

func usage(ts *testscript.TestScript, ok bool, how string) {
	if !ok {
		ts.Fatalf("usage: %s", how)
	}
}

func (s *script) actor(ts *testscript.TestScript, name string) *actor {
	for _, a := range s.actors {
		if a.name == name {
			return a
		}
	}
	ts.Fatalf("no actor '%s': name it in 'hub' or 'actor' first", name)
	return nil
}

func (s *script) some(ts *testscript.TestScript, names []string) []*actor {
	if len(names) == 0 {
		return s.actors
	}
	var as []*actor
	for _, n := range names {
		as = append(as, s.actor(ts, n))
	}
	return as
}

func (s *script) add(ts *testscript.TestScript, name, dir string) *actor {
	a := &actor{
		name:  name,
		dir:   dir,
		home:  filepath.Join(s.work, "home", name),
		trace: filepath.Join(s.work, "trace", name),
	}
	ts.Check(os.MkdirAll(a.home, 0o755))
	ts.Check(os.MkdirAll(a.dir, 0o755))
	s.actors = append(s.actors, a)
	return a
}

func (s *script) environ(a *actor) []string {
	mail := a.name + "@example.com"
	env := []string{
		"HOME=" + a.home, "XDG_CONFIG_HOME=" + filepath.Join(a.home, ".config"),
		"USER=" + a.name, "LOGNAME=" + a.name,
		"GIT_AUTHOR_NAME=" + a.name, "GIT_AUTHOR_EMAIL=" + mail,
		"GIT_COMMITTER_NAME=" + a.name, "GIT_COMMITTER_EMAIL=" + mail,
	}
	if s.counts {
		env = append(env, "GIT_TRACE2_EVENT="+a.trace)
	}
	if s.ssh != "" {
		env = append(env, "GIT_SSH_COMMAND="+s.ssh)
	}
	return env
}

// withVariables is a shell script that sets the leading variables and runs the command, as
// env does, with the pipe of alive open.
const withVariables = `while :; do case $1 in *=*) export "$1" && shift ;; *) exec "$@" 9>"$0" ;; esac; done`

// run runs a command as an actor and waits for the processes that it left running. The
// result is in ts (stdout, stderr) and s.last.
func (s *script) run(ts *testscript.TestScript, a *actor, extra []string, args ...string) int {
	if s.counts {
		ts.Check(os.RemoveAll(a.trace))
		ts.Check(os.MkdirAll(a.trace, 0o755))
	}
	ts.Check(ts.Chdir(a.dir))
	alive, err := os.OpenFile(s.alive(), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	ts.Check(err)
	defer alive.Close()
	words := []string{"-c", withVariables, s.alive()}
	err = ts.Exec("sh", slices.Concat(words, s.environ(a), extra, args)...)
	ts.Check(ts.Chdir(s.work))
	status := exitStatus(err)
	if status < 0 {
		ts.Fatalf("cannot run '%s': %v", strings.Join(args, " "), err)
	}
	if !ends(alive) {
		ts.Fatalf("'%s' left a process behind that does not end", strings.Join(args, " "))
	}
	s.last.actor, s.last.status, s.last.ran = a, status, true
	s.learn(a)
	return status
}

// alive is a pipe that every process of a command has open for writing, including
// background processes: it ends when the last of them does.
func (s *script) alive() string { return s.work + ".alive" }

func exitStatus(err error) int {
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return -1
	}
	if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return exit.ExitCode()
}

// learn reads the actor's agent id, so that the transcript shows 'alice'.
func (s *script) learn(a *actor) {
	git := filepath.Join(a.dir, ".git")
	if b, err := os.ReadFile(git); err == nil { // a linked worktree
		git = strings.TrimSpace(strings.TrimPrefix(string(b), "gitdir: "))
	}
	for _, dir := range []string{git, a.dir} {
		b, err := os.ReadFile(filepath.Join(dir, "crosslink", "identity"))
		if err != nil {
			continue
		}
		var id struct {
			Agent string `json:"agent"`
		}
		if json.Unmarshal(b, &id) == nil && id.Agent != "" {
			s.norm.Agent(id.Agent, a.name)
		}
	}
}

func cmdActor(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "actor NAME DIR")
	get(ts).add(ts, args[0], ts.MkAbs(args[1]))
}

func cmdAs(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) >= 2, "as NAME CMD…")
	s := get(ts)
	a := s.actor(ts, args[0])
	status := s.run(ts, a, nil, args[1:]...)
	s.write(a.name, args[1:], ts.ReadFile("stdout"), ts.ReadFile("stderr"), status)
	switch {
	case neg && status == 0:
		ts.Fatalf("unexpected success")
	case !neg && status != 0:
		ts.Fatalf("exit status %d", status)
	}
	s.followHints(ts, a, args[1:])
}

func cmdKillAt(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 4 && args[1] == "as", "kill-at POINT as NAME CMD…")
	s := get(ts)
	a := s.actor(ts, args[2])
	status := s.run(ts, a, []string{"CROSSLINK_FAULT=" + args[0]}, args[3:]...)
	stderr := died.ReplaceAllString(ts.ReadFile("stderr"), "")
	s.write(a.name, append([]string{"CROSSLINK_FAULT=" + args[0]}, args[3:]...), ts.ReadFile("stdout"), stderr, status)
	if status != 128+9 {
		ts.Fatalf("exit status %d: '%s' was not reached, or did not kill", status, args[0])
	}
}

// died is git's own message about a killed child.
var died = regexp.MustCompile(`(?m)^error: git-crosslink died of signal 9\n`)

func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "status N")
	s := get(ts)
	if !s.last.ran {
		ts.Fatalf("no 'as' ran yet")
	}
	if got := strconv.Itoa(s.last.status); got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}

func cmdCapture(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "capture VAR")
	ts.Setenv(args[0], strings.TrimSuffix(ts.ReadFile("stdout"), "\n"))
}

func cmdSync(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg, "sync [NAME…]")
	s := get(ts)
	for range 2 {
		for _, a := range s.some(ts, args) {
			if st := s.run(ts, a, nil, "git", "crosslink", "sync"); st != 0 {
				ts.Fatalf("sync of '%s': exit status %d", a.name, st)
			}
		}
	}
}

// same compares the state hash and the rows of `list`: the first is the reducer's result,
// the second is what the user sees.
func cmdSame(ts *testscript.TestScript, neg bool, args []string) {
	s := get(ts)
	var first, firstName string
	equal := true
	for _, a := range s.some(ts, args) {
		state := s.answer(ts, a, "status", "--json")
		hash, ok := state["state"].(string)
		if !ok || hash == "" {
			ts.Fatalf("status of '%s' has no state hash", a.name)
		}
		list, err := json.MarshalIndent(s.data(ts, a, "list", "--status", "all", "--limit", "0", "--json"), "", " ")
		ts.Check(err)
		got := "state " + hash + "\n" + string(list) + "\n"
		if first == "" {
			first, firstName = got, a.name
			continue
		}
		if got != first {
			equal = false
			if !neg {
				ts.Fatalf("'%s' and '%s' differ:\n%s\n%s", firstName, a.name, first, got)
			}
		}
	}
	if neg && equal {
		ts.Fatalf("everybody has the same state")
	}
}

func (s *script) answer(ts *testscript.TestScript, a *actor, args ...string) map[string]any {
	m, ok := s.data(ts, a, args...).(map[string]any)
	if !ok {
		ts.Fatalf("'%s' of '%s': data is not an object", strings.Join(args, " "), a.name)
	}
	return m
}

func (s *script) data(ts *testscript.TestScript, a *actor, args ...string) any {
	if st := s.run(ts, a, nil, append([]string{"git", "crosslink"}, args...)...); st != 0 {
		ts.Fatalf("'%s' of '%s': exit status %d", strings.Join(args, " "), a.name, st)
	}
	var e struct {
		OK   bool `json:"ok"`
		Data any  `json:"data"`
	}
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &e); err != nil || !e.OK {
		ts.Fatalf("'%s' of '%s': not an envelope with ok: %v", strings.Join(args, " "), a.name, err)
	}
	return e.Data
}

func cmdCountGit(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "count-git PATTERN N")
	s := get(ts)
	if !s.last.ran {
		ts.Fatalf("no 'as' ran yet")
	}
	re, err := regexp.Compile(args[0])
	ts.Check(err)
	all, err := gitProcesses(s.last.actor.trace)
	ts.Check(err)
	n := 0
	for _, p := range all {
		if re.MatchString(p) {
			n++
		}
	}
	if strconv.Itoa(n) != args[1] {
		ts.Fatalf("%d git processes match '%s', want %s, of:\n%s", n, args[0], args[1], strings.Join(all, "\n"))
	}
}

// ScriptOver runs one script file once per transport, with "hub-http" and the like in place
// of TRANSPORT. All runs share one golden transcript, because the output does not depend on
// how the hub is reached.
func ScriptOver(t *testing.T, file string, transports ...string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\nTRANSPORT\n") {
		t.Fatalf("'%s' has no line TRANSPORT", file)
	}
	golden, err := filepath.Abs(filepath.Join(filepath.Dir(file), "..", "golden"))
	if err != nil {
		t.Fatal(err)
	}
	for _, transport := range transports {
		name := transport
		if name == "" {
			name = "file"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			variant := strings.Replace(string(text), "\nTRANSPORT\n", "\n"+transport+"\n", 1)
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), []byte(variant), 0o644); err != nil {
				t.Fatal(err)
			}
			p := params(dir, nil)
			p.Setup = func(e *testscript.Env) error {
				err := setup(e, dir, golden, nil)
				e.Values[stateKey{}].(*script).anyTransport = true
				return err
			}
			testscript.Run(t, p)
		})
	}
}
