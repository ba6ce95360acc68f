//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/internal/tokens"
)

// TestKilledAgentsCloseEachIssueOnce: agents in worktrees of one clone and in clones
// of their own, driven as a program for agents drives them (a hook when a session
// starts, then commands), work until nothing is open, while commands are killed at
// random. A killed agent starts a new session and continues with what it holds. Each
// issue is closed once, by anybody who was granted its lock; everybody else who asked
// for it saw exit status 2; and no session is told more than 1,500 tokens.
func TestKilledAgentsCloseEachIssueOnce(t *testing.T) {
	t.Parallel()
	issues, each, atMost := 6, 3, 10
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		issues, each, atMost = 50, 5, 20
	}
	h := &harness{t: t, w: newTown(t), took: map[string]time.Duration{}, granted: map[string]map[string]bool{}, random: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))}
	h.w.git("alice", "crosslink", "close", "1") // the town has one issue
	h.spaces = []string{"alice", "bob"}
	for i := 2; i <= each; i++ {
		h.spaces = append(h.spaces, fmt.Sprint("tree-", i), fmt.Sprint("clone-", i))
		h.w.git("alice", "worktree", "add", "-q", fmt.Sprint("../tree-", i))
		h.w.git(".", "clone", "-q", "hub.git", fmt.Sprint("clone-", i))
		h.w.git(fmt.Sprint("clone-", i), "remote", "set-url", "origin", "../hub.git")
	}
	rounds := 0
	for ; rounds < atMost && (rounds == 0 || h.kills == 0 || h.losers == 0 || h.resumed == 0) && !t.Failed(); rounds++ {
		for i := range issues {
			h.w.git("alice", "crosslink", "--offline", "new", fmt.Sprintf("課題 %d.%d の説明を書き直す", rounds, i))
		}
		h.w.git("alice", "crosslink", "sync")
		var all sync.WaitGroup
		for _, name := range h.spaces {
			all.Go(func() { h.work(name) })
		}
		all.Wait()
	}
	t.Logf("%d issues in %d rounds, %d sessions, %d commands; %d killed, %d lost a lock to somebody else, %d continued with what a killed session held; at most %d tokens injected",
		rounds*issues, rounds, h.sessions, h.commands, h.kills, h.losers, h.resumed, h.tokens)
	if h.kills == 0 || h.losers == 0 || h.resumed == 0 {
		t.Error("nothing is shown: no command was killed, or nobody lost, or no agent continued")
	}
	if h.tokens == 0 || h.tokens > 1500 {
		t.Errorf("a session was told %d tokens", h.tokens)
	}
	if !testkit.Settle(h.w.root) {
		t.Fatal("a process does not end")
	}
	h.verify(rounds * issues)
}

// harness drives agents.
type harness struct {
	t      *testing.T
	w      *town
	spaces []string // directories, each with an agent of its own

	mu                                         sync.Mutex
	random                                     *rand.Rand
	took                                       map[string]time.Duration // by verb, for kills in its midst
	granted                                    map[string]map[string]bool
	kills, losers, resumed, sessions, commands int
	tokens                                     int // the most that one session was told
}

var errKilled = errors.New("killed")

// run runs one command of an agent. One in ten is killed, at a moment of its life.
func (h *harness) run(name, stdin string, args ...string) (status int, out, msg string, err error) {
	cmd := h.w.command(name, append([]string{"git-crosslink"}, args...)...)
	cmd.Env = append(slices.Clone(cmd.Env), "GIT_CROSSLINK_AGENT="+name+"-1")
	cmd.Stdin = strings.NewReader(stdin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	h.mu.Lock()
	h.commands++
	kill, after := h.random.IntN(10) == 0, time.Duration(h.random.Float64()*1.1*float64(h.took[args[0]]))
	h.mu.Unlock()
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, "", "", err
	}
	if kill && after > 0 {
		timer := time.AfterFunc(after, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		defer timer.Stop()
	}
	werr := cmd.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		h.kills++
		return 0, "", "", errKilled
	}
	h.took[args[0]] = time.Since(start)
	var exit *exec.ExitError
	if werr != nil && !errors.As(werr, &exit) {
		return 0, "", "", werr
	}
	return cmd.ProcessState.ExitCode(), strings.TrimSpace(o.String()), e.String(), nil
}

// work is the life of one agent, session after session, until nothing is open.
func (h *harness) work(name string) {
	for n := range 300 {
		h.mu.Lock()
		h.sessions++
		h.mu.Unlock()
		done, err := h.session(name, fmt.Sprintf("%s-%d-%d", name, time.Now().UnixNano(), n))
		switch {
		case errors.Is(err, errKilled):
		case err != nil:
			h.t.Errorf("%s: %v", name, err)
			return
		case done:
			return
		}
	}
	h.t.Errorf("%s does not come to an end", name)
}

// holds are the issues that a prime says an agent holds, or has claimed and does not
// know whether it holds.
var holds = regexp.MustCompile(`(?m)^    (\d+) \[\w+\] .*\((since|not confirmed: git crosslink lock) `)

// session is one session of an agent, that ends early if a command is killed.
func (h *harness) session(name, key string) (done bool, err error) {
	// expect is a command whose statuses are known
	expect := func(stdin string, statuses []int, args ...string) (int, string, error) {
		status, out, msg, err := h.run(name, stdin, args...)
		if err == nil && !slices.Contains(statuses, status) {
			err = fmt.Errorf("%v: status %d\n%s", args, status, msg)
		}
		return status, out, err
	}
	hook := fmt.Sprintf(`{"session_id":%q,"hook_event_name":"SessionStart","source":"startup","cwd":"."}`, key)
	_, out, err := expect(hook, []int{0}, "prime", "--hook", "claude")
	if err != nil {
		return false, err
	}
	var told struct {
		Output struct{ HookEventName, AdditionalContext string } `json:"hookSpecificOutput"`
	}
	if err := json.Unmarshal([]byte(out), &told); err != nil || told.Output.HookEventName != "SessionStart" {
		return false, fmt.Errorf("prime --hook: %q, %v", out, err)
	}
	held, unsure := "", ""
	h.mu.Lock()
	h.tokens = max(h.tokens, tokens.Count(told.Output.AdditionalContext))
	if m := holds.FindStringSubmatch(told.Output.AdditionalContext); m != nil {
		if m[2] == "since" {
			held = m[1]
		} else {
			unsure = m[1]
		}
		h.resumed++
	}
	h.mu.Unlock()
	if _, _, err := expect("", []int{0, 3}, "session", "start", "--key", "claude:"+key); err != nil {
		return false, err
	}
	if held == "" {
		if held, err = h.claim(name, unsure); err != nil {
			return false, err
		}
	}
	if held == "" {
		_, open, err := expect("", []int{0}, "list", "-q")
		if err != nil {
			return false, err
		}
		_, _, err = expect("", []int{0, 3}, "session", "end")
		return open == "", err
	}
	for _, args := range [][]string{{"show", held}, {"comment", held, "half of it is done", "-k", "observation"}, {"close", held, "-r", "done by " + name}} {
		if _, _, err := expect("", []int{0, 3}, args...); err != nil {
			return false, err
		}
	}
	_, _, err = expect(strings.Repeat("左半分は完了。残り：パーサーの表のテスト。\n", 40), []int{0, 3}, "session", "end", "-F", "-")
	return false, err
}

// claim asks for a lock: for one that was claimed before a kill, else for the best
// issue there is, by name or not.
func (h *harness) claim(name, unsure string) (held string, err error) {
	h.mu.Lock()
	byName := h.random.IntN(3) > 0
	h.mu.Unlock()
	args := []string{"ready", "--claim", "-q"}
	if unsure != "" {
		args = []string{"lock", unsure, "-q"}
	} else if byName { // as everybody does who saw the same list
		_, id, _, err := h.run(name, "", "ready", "-q", "-n", "1")
		if err != nil || id == "" {
			return "", err
		}
		args = []string{"lock", id, "-q"}
	}
	status, id, msg, err := h.run(name, "", args...)
	if err != nil {
		return "", err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch status {
	case 0:
		if h.granted[id] == nil {
			h.granted[id] = map[string]bool{}
		}
		h.granted[id][name] = true
		return id, nil
	case 2:
		if !strings.Contains(msg, "is locked by") {
			return "", fmt.Errorf("%v: status 2 does not say who holds it: %s", args, msg)
		}
		h.losers++
	case 1, 3: // nothing is left, it was closed meanwhile, or the hub has not decided
	default:
		return "", fmt.Errorf("%v: status %d\n%s", args, status, msg)
	}
	return "", nil
}

// verify checks the final state, in a clone that has seen nothing before.
func (h *harness) verify(issues int) {
	for range 2 {
		for _, name := range h.spaces {
			cmd := h.w.command(name, "git-crosslink", "sync")
			cmd.Env = append(slices.Clone(cmd.Env), "GIT_CROSSLINK_AGENT="+name+"-1")
			if out, err := cmd.CombinedOutput(); err != nil {
				h.t.Errorf("%s: sync: %v\n%s", name, err, out)
			}
		}
	}
	h.w.git(".", "clone", "-q", "hub.git", "auditor")
	h.w.git("auditor", "remote", "set-url", "origin", "../hub.git")
	h.w.git("auditor", "crosslink", "sync")
	if open := h.w.git("auditor", "crosslink", "list", "-q"); open != "" {
		h.t.Errorf("still open: %s", open)
	}
	if locks := h.w.git("auditor", "crosslink", "lock", "list"); locks != "" {
		h.t.Errorf("locks are left when all is done:\n%s", locks)
	}
	for n := 2; n < issues+2; n++ {
		id := fmt.Sprint(n)
		var closers []string
		for l := range strings.Lines(h.w.git("auditor", "crosslink", "log", id, "--porcelain")) {
			if f := strings.Split(l, "\t"); f[3] == "StatusChanged" && f[5] == "" {
				closers = append(closers, f[1])
			}
		}
		if len(closers) != 1 {
			h.t.Errorf("issue %s was closed by %v:\n%s", id, closers, h.w.git("auditor", "crosslink", "log", id))
			continue
		}
		for name := range h.granted[id] {
			if name+"-1" != closers[0] {
				h.t.Errorf("issue %s was granted to %s and closed by %s", id, name, closers[0])
			}
		}
	}
}
