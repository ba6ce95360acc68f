//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// The load: many agents work without faults, and the costs are measured.
//
//	host: agents in linked worktrees of one clone, on a hub on the same machine
//	      that has a gate
//	http: each agent in a clone of its own, on a hub that answers over http, each
//	      request after 200 ms
//
// Two more clones contact the hub every few seconds, as agents do, and record when they
// first see each event.
const (
	loadHost = "host"
	loadHTTP = "http"

	loadWatchers = 2
	loadAsks     = 5 * time.Second        // between two fetches of a watcher
	loadAnswer   = 200 * time.Millisecond // before each answer over http
	loadComments = 3                      // in each job
)

// What many agents should get. It is printed beside the measurements, and people judge it:
// a busy machine is not a fault of the program.
const (
	lockTarget = 3 * time.Second
	seenTarget = 15 * time.Second
	pushTarget = 0.2
)

// load is one run.
type load struct {
	options
	dir     string
	program string
	url     string // of the hub
	end     time.Time
	pushes  atomic.Int64 // over http
	asks    atomic.Int64 // requests over http

	mu       sync.Mutex
	open     []string             // issues that no agent has taken
	written  map[string]time.Time // acknowledged events, with the start of their command
	seen     [loadWatchers]map[string]time.Time
	locks    []time.Duration
	slowest  string         // output of the slowest command
	commands map[string]int // by verb and exit status
	broken   []string
}

// member is an agent, or a watcher, and its directory.
type member struct {
	name, dir string
	rng       *rand.Rand
}

func runLoad(o options, dir string) error {
	programs, err := build(filepath.Join(dir, "programs"), skews[:1])
	if err != nil {
		return err
	}
	if o.agents == 0 {
		if o.agents = 50; o.load == loadHTTP {
			o.agents = 20
		}
	}
	l := &load{options: o, dir: dir, program: programs[0], written: map[string]time.Time{}, commands: map[string]int{}}
	// Background processes become children of this process, so that their processor time is
	// counted.
	const subreaper = 36 // PR_SET_CHILD_SUBREAPER
	if _, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, subreaper, 1, 0); e != 0 {
		return fmt.Errorf("adopt what continues in the background: %w", e)
	}
	agents, watchers, err := l.found()
	if err != nil {
		return err
	}
	testkit.Settle(l.mark())
	reap()
	sentBefore, cpuBefore := l.pushed(), childCPU()
	eventsBefore, err := l.events(watchers[0])
	if err != nil {
		return err
	}
	l.end = time.Now().Add(time.Duration(o.minutes * float64(time.Minute)))
	l.asks.Store(0)
	var working, watching sync.WaitGroup
	for _, m := range agents {
		working.Go(func() { l.work(m) })
	}
	done := make(chan struct{})
	for i, m := range watchers {
		l.seen[i] = map[string]time.Time{}
		watching.Go(func() { l.watch(i, m, done) })
	}
	working.Wait()
	close(done)
	watching.Wait()
	// waiting lines are sent now, so that the end of the run loses nothing
	for _, m := range append(slices.Clone(agents), watchers...) {
		if a := l.run(m, "sync"); a.status != 0 {
			l.fault("'%s': the last sync: status %d: %s", m.name, a.status, a.doc.Err.Message)
		}
	}
	testkit.Settle(l.mark())
	reap()
	eventsAfter, err := l.events(watchers[0])
	if err != nil {
		return err
	}
	lost, err := l.lost()
	if err != nil {
		return err
	}
	l.print(eventsAfter-eventsBefore, l.pushed()-sentBefore, childCPU()-cpuBefore, lost)
	if len(lost) > 0 || len(l.broken) > 0 {
		return fmt.Errorf("%d acknowledged events are lost, %d commands failed", len(lost), len(l.broken))
	}
	return nil
}

func (l *load) mark() string { return fmt.Sprintf("load-%d", os.Getpid()) }
func (l *load) hub() string  { return filepath.Join(l.dir, "hub.git") }

func (l *load) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = append(l.broken, fmt.Sprintf(format, args...))
}

func (l *load) env(agent string) []string {
	return append((&world{}).env(), "PATH="+filepath.Dir(l.program)+string(filepath.ListSeparator)+os.Getenv("PATH"), testkit.Mark(l.mark()),
		"HOME="+l.dir, "GIT_CONFIG_GLOBAL="+filepath.Join(l.dir, "gitconfig"), "GIT_CROSSLINK_AGENT="+agent)
}

// found makes the hub, and clones or worktrees for all members.
func (l *load) found() (agents, watchers []member, err error) {
	if err := os.WriteFile(filepath.Join(l.dir, "gitconfig"), []byte(gitconfig), 0o644); err != nil {
		return nil, nil, err
	}
	first := member{name: "founder", dir: filepath.Join(l.dir, "founder")}
	do := func(m member, words ...string) {
		if err == nil {
			program := words[0]
			if program == "git-crosslink" {
				program = l.program
			}
			cmd := exec.Command(program, words[1:]...)
			cmd.Dir, cmd.Env = m.dir, l.env(m.name)
			var out []byte
			if out, err = cmd.CombinedOutput(); err != nil {
				err = fmt.Errorf("'%s': %s: %w: %s", m.name, strings.Join(words, " "), err, out)
			}
		}
	}
	clone := func(name string) member {
		m := member{name: name, dir: filepath.Join(l.dir, name)}
		do(member{name, l.dir, nil}, "git", "clone", "-q", l.url, m.dir)
		return m
	}
	l.url = l.hub()
	do(member{first.name, l.dir, nil}, "git", "init", "-q", "--bare", l.hub())
	if err == nil { // counts the pushes that the gate accepts
		err = os.WriteFile(filepath.Join(l.hub(), "hooks", "pre-receive"), []byte("#!/bin/sh\necho >>pushes\n"), 0o755)
	}
	if err != nil {
		return nil, nil, err
	}
	first = clone(first.name)
	do(first, "git", "commit", "-q", "--allow-empty", "-m", "start")
	do(first, "git", "push", "-q", "origin", "HEAD")
	do(first, "git-crosslink", "init", "-q")
	do(first, "git-crosslink", "-C", l.hub(), "server", "install")
	if l.limit > 0 {
		do(first, "git-crosslink", "trust", "policy", "--pushes-per-minute", strconv.Itoa(l.limit))
	}
	if l.load == loadHTTP && err == nil {
		if l.url, err = l.serve(); err != nil {
			return nil, nil, err
		}
	}
	shared := clone("host")
	for i := range l.agents {
		m := member{name: fmt.Sprintf("agent-%02d", i), rng: rand.New(rand.NewPCG(l.seed, uint64(i)))}
		if m.dir = filepath.Join(l.dir, m.name); l.load == loadHTTP {
			m.dir = clone(m.name).dir
		} else {
			do(shared, "git", "worktree", "add", "-q", "-b", m.name, m.dir)
		}
		do(m, "git-crosslink", "new", "-q", "a job for "+m.name)
		agents = append(agents, m)
	}
	for i := range loadWatchers {
		m := clone(fmt.Sprint("watcher-", i))
		do(m, "git-crosslink", "sync", "-q")
		watchers = append(watchers, m)
	}
	if err == nil {
		for _, i := range l.run(watchers[0], "list", "-n", "0").issues() {
			l.open = append(l.open, i.UUID)
		}
	}
	return agents, watchers, err
}

// serve serves the hub over http, slowly.
func (l *load) serve() (string, error) {
	git, err := backend(l.dir, l.env("server"))
	if err != nil {
		return "", err
	}
	return slowly(git, func(path string) {
		if l.asks.Add(1); strings.HasSuffix(path, "/git-receive-pack") {
			l.pushes.Add(1)
		}
	}) + "/hub.git", nil
}

// pushed returns how many pushes have reached the hub.
func (l *load) pushed() int {
	if l.load == loadHTTP {
		return int(l.pushes.Load())
	}
	b, _ := os.ReadFile(filepath.Join(l.hub(), "pushes"))
	return bytes.Count(b, []byte("\n"))
}

// run runs one command, and counts its result.
func (l *load) run(m member, words ...string) answer {
	cmd := exec.Command(l.program, append(words, "--json")...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = m.dir, l.env(m.name), &out, &errs
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		l.fault("'%s': %s: not started: %v", m.name, words[0], err)
		return answer{status: -1}
	}
	a := answer{status: cmd.ProcessState.ExitCode(), stderr: errs.String()}
	var told struct {
		Warnings []struct{ Text string } `json:"warnings"`
	}
	_ = json.Unmarshal(out.Bytes(), &told) // an invalid document is noticed below
	for _, w := range told.Warnings {
		a.stderr += w.Text + "; "
	}
	if err := json.Unmarshal(out.Bytes(), &a.doc); err != nil {
		l.fault("'%s': %v: status %d and no JSON document: %s", m.name, words, a.status, a.stderr)
	} else if !slices.Contains([]int{0, 1, 2, 3}, a.status) {
		l.fault("'%s': %v: status %d: %s", m.name, words, a.status, a.doc.Err.Message)
	}
	l.mu.Lock()
	l.commands[fmt.Sprint(words[0], " ", a.status)]++
	l.mu.Unlock()
	return a
}

// rest is an agent's pause between two commands.
func (l *load) rest(m member) {
	time.Sleep(time.Duration(m.rng.ExpFloat64() * l.pause * float64(time.Second)))
}

func (l *load) wrote(began time.Time, keys ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range keys {
		l.written[k] = began
	}
}

// work does one job after the other: lock, comment, label, close, and a new issue in its
// place.
func (l *load) work(m member) {
	l.rest(m)
	for time.Now().Before(l.end) {
		uuid := l.take(m)
		if uuid == "" {
			l.create(m)
			l.rest(m)
			continue
		}
		began := time.Now()
		a := l.run(m, "lock", uuid)
		took := time.Since(began)
		l.mu.Lock()
		if l.locks = append(l.locks, took); took == slices.Max(l.locks) {
			l.slowest = strings.TrimSpace(a.stderr)
		}
		l.mu.Unlock()
		if a.status != 0 {
			l.rest(m)
			continue
		}
		l.wrote(began, "claim "+uuid+" "+m.name)
		l.job(m, uuid)
		l.create(m)
		l.rest(m)
	}
}

// take picks an issue that the agent's clone shows as ready. One in ten stays available for
// others, too, so that some claims are refused.
func (l *load) take(m member) string {
	ready := l.run(m, "ready", "-n", "50").issues()
	l.mu.Lock()
	defer l.mu.Unlock()
	ready = slices.DeleteFunc(ready, func(i issueDoc) bool { return !slices.Contains(l.open, i.UUID) })
	if len(ready) == 0 {
		return ""
	}
	uuid := ready[m.rng.IntN(len(ready))].UUID
	if m.rng.IntN(10) > 0 {
		l.open = slices.DeleteFunc(l.open, func(u string) bool { return u == uuid })
	}
	return uuid
}

func (l *load) job(m member, uuid string) {
	for n := range loadComments {
		l.rest(m)
		began := time.Now()
		a := l.run(m, "comment", uuid, fmt.Sprint("what was done, part ", n))
		var doc struct {
			Comment struct{ UUID string } `json:"comment"`
		}
		if json.Unmarshal(a.doc.Data, &doc); a.told() {
			l.wrote(began, "comment "+doc.Comment.UUID)
		}
	}
	l.rest(m)
	label := fmt.Sprint("done-", m.rng.IntN(1_000_000))
	began := time.Now()
	if l.run(m, "label", uuid, label).told() {
		l.wrote(began, "label "+uuid+" "+label)
	}
	l.rest(m)
	began = time.Now()
	if l.run(m, "close", uuid).told() {
		l.wrote(began, "close "+uuid)
	}
	l.mu.Lock()
	l.open = slices.DeleteFunc(l.open, func(u string) bool { return u == uuid })
	l.mu.Unlock()
}

func (l *load) create(m member) {
	began := time.Now()
	a := l.run(m, "new", "a job found by "+m.name)
	for _, i := range a.issues() {
		if a.told() {
			l.wrote(began, "issue "+i.UUID)
			l.mu.Lock()
			l.open = append(l.open, i.UUID)
			l.mu.Unlock()
		}
	}
}

// watch contacts the hub from time to time, and once more at the end, and records the
// events that it sees for the first time.
func (l *load) watch(n int, m member, done chan struct{}) {
	for last := false; ; {
		l.run(m, "ready", "-n", "1")
		now := time.Now()
		for _, k := range l.history(m, 5*time.Minute) {
			if l.seen[n][k].IsZero() {
				l.seen[n][k] = now
			}
		}
		if last {
			return
		}
		select {
		case <-done:
			last = true
		case <-time.After(loadAsks):
		}
	}
}

// history returns the keys of the events of this long that a clone shows.
func (l *load) history(m member, long time.Duration) (keys []string) {
	var rows []struct {
		Issue struct{ UUID string } `json:"issue"`
		Agent string                `json:"agent"`
		Type  string                `json:"type"`
		Event struct {
			Label   string `json:"label"`
			Comment string `json:"comment_uuid"`
		} `json:"event"`
	}
	a := l.run(m, "log", "--since", time.Now().Add(-long).UTC().Format(time.RFC3339), "--offline")
	if err := json.Unmarshal(a.doc.Data, &rows); err != nil && a.status == 0 {
		l.fault("'%s': log: %v", m.name, err)
	}
	for _, r := range rows {
		switch r.Type {
		case "IssueCreated":
			keys = append(keys, "issue "+r.Issue.UUID)
		case "CommentAdded":
			keys = append(keys, "comment "+r.Event.Comment)
		case "LabelAdded":
			keys = append(keys, "label "+r.Issue.UUID+" "+r.Event.Label)
		case "StatusChanged":
			keys = append(keys, "close "+r.Issue.UUID)
		case "LockClaimed":
			keys = append(keys, "claim "+r.Issue.UUID+" "+r.Agent)
		}
	}
	return keys
}

// events returns how many events of all agents a clone has.
func (l *load) events(m member) (n int, err error) {
	var doc struct {
		Logs []struct{ Events int } `json:"logs"`
	}
	err = json.Unmarshal(l.run(m, "status").doc.Data, &doc)
	for _, x := range doc.Logs {
		n += x.Events
	}
	return n, err
}

// lost returns the acknowledged events that a new clone does not have.
func (l *load) lost() (keys []string, err error) {
	m := member{name: "fresh", dir: filepath.Join(l.dir, "fresh")}
	cmd := exec.Command("git", "clone", "-q", l.hub(), m.dir)
	cmd.Env = l.env(m.name)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("a fresh clone: %w: %s", err, out)
	}
	if a := l.run(m, "sync"); a.status != 0 {
		return nil, errors.New("a fresh clone: " + a.doc.Err.Message)
	}
	there := map[string]bool{}
	for _, k := range l.history(m, 24*time.Hour) {
		there[k] = true
	}
	for k := range l.written {
		if !there[k] {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// print prints the measurements.
func (l *load) print(events, pushes int, cpu time.Duration, lost []string) {
	var sights []time.Duration
	unseen := 0
	for k, began := range l.written {
		for _, seen := range l.seen {
			if at, ok := seen[k]; ok {
				sights = append(sights, at.Sub(began))
			} else {
				unseen++
			}
		}
	}
	each := func(n float64) float64 { return n / float64(max(events, 1)) }
	fmt.Printf("%s: %d agents, %.1f min, a pause of %.1f s between the commands of each, hub limit %d\n", l.load, l.agents, l.minutes, l.pause, l.limit)
	fmt.Printf("%d events (%.1f/s), %d acknowledged and awaited, %d lost, %d sights missing\n", events, float64(events)/l.minutes/60, len(l.written), len(lost), unseen)
	fmt.Printf("lock: p50 %v, p95 %v of %d (target: p95 at most %v)\n", of(l.locks, 0.5), of(l.locks, 0.95), len(l.locks), lockTarget)
	if l.slowest != "" {
		fmt.Printf("the slowest lock took %v and printed: %s\n", slices.Max(l.locks).Round(10*time.Millisecond), l.slowest)
	}
	fmt.Printf("from the start of a command to the sight of its event in another clone: p50 %v, p95 %v of %d (target: p95 at most %v)\n", of(sights, 0.5), of(sights, 0.95), len(sights), seenTarget)
	fmt.Printf("pushes: %d, %.2f an event (target: at most %.1f)\n", pushes, each(float64(pushes)), pushTarget)
	if l.load == loadHTTP {
		fmt.Printf("requests: %d, %.2f an event\n", l.asks.Load(), each(float64(l.asks.Load())))
	}
	fmt.Printf("processor time of all clones and the hub: %v, %.0f ms an event\n", cpu.Round(time.Millisecond), each(float64(cpu.Milliseconds())))
	var ends []string
	for k, n := range l.commands {
		ends = append(ends, fmt.Sprint(k, ": ", n))
	}
	slices.Sort(ends)
	fmt.Printf("commands by status: %s\n", strings.Join(ends, ", "))
	for _, k := range lost {
		fmt.Printf("LOST: %s\n", k)
	}
	for _, text := range l.broken {
		fmt.Printf("FAILED: %s\n", text)
	}
}

// of returns a quantile.
func of(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	return all[min(int(share*float64(len(all))), len(all)-1)].Round(10 * time.Millisecond)
}

// reap collects background processes that have ended.
func reap() {
	for {
		var s syscall.WaitStatus
		if pid, err := syscall.Wait4(-1, &s, syscall.WNOHANG, nil); pid <= 0 || err != nil {
			return
		}
	}
}

// childCPU returns the processor time of all processes that have ended.
func childCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
