package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The team: agents in their own clones take jobs from one hub, and other clones fetch every
// few seconds. The hub answers over http, each request after a delay, like a server on
// another machine.
const (
	teamJobs   = 8
	teamAgents = 4
	teamReader = 2                      // clones that only fetch
	teamAnswer = 200 * time.Millisecond // before each answer of the hub
	teamAsks   = 5 * time.Second        // between two fetches
	teamLimit  = 10 * time.Minute       // a team that takes longer is not measured
)

// team is the result of one run.
type team struct {
	took     time.Duration
	commands int
	done     int // jobs; a job done twice counts twice
	pushes   int64
	seen     []float64 // seconds from the start of a write until each reader sees it
}

// written is an event that readers have to see.
type written struct {
	at   time.Time
	seen func(issue) bool
	by   [teamReader]bool
}

// issue is what a reader checks.
type issue struct {
	Number   int      `json:"number"`
	Status   string   `json:"status"`
	Labels   []string `json:"labels"`
	Comments int      `json:"comment_count"`
	Lock     *struct {
		Confirmed bool `json:"confirmed"`
	} `json:"lock"`
}

// team is measured once in a run, for all its rows.
func (b *bench) team() (*team, error) {
	b.teamOnce.Do(func() { b.teamRun, b.teamErr = b.runTeam() })
	return b.teamRun, b.teamErr
}

func (b *bench) runTeam() (*team, error) {
	seed, err := b.world()
	if err != nil {
		return nil, err
	}
	for n := range teamJobs - 1 { // it has one issue already
		seed.ours("new", "-q", fmt.Sprint("job ", n+2))
	}
	var pushes atomic.Int64
	url, stop, err := b.serve(seed.top(), func(q *http.Request) {
		time.Sleep(teamAnswer)
		if q.URL.Query().Get("service") == "git-receive-pack" {
			pushes.Add(1)
		}
	})
	if err != nil {
		return nil, err
	}
	defer stop()
	clones := make([]*world, teamAgents+teamReader)
	for n := range clones {
		name := fmt.Sprint("agent-", n)
		seed.at(seed.top(), "git", "clone", "-q", url+"/hub.git", name)
		clones[n] = &world{b: b, hub: seed.hub, dir: filepath.Join(seed.top(), name)}
		seed.at(clones[n].dir, "git", "config", "crosslink.agent", name)
		seed.at(clones[n].dir, b.program, "sync", "-q")
	}
	if seed.err != nil {
		return nil, seed.err
	}
	pushes.Store(0)
	w := &teamwork{began: time.Now(), done: make(chan struct{})}
	var agents, asking sync.WaitGroup
	for _, c := range clones[:teamAgents] {
		agents.Go(func() { w.work(c) })
	}
	for n, c := range clones[teamAgents:] {
		asking.Go(func() { w.ask(n, c) })
	}
	agents.Wait()
	r := &team{took: time.Since(w.began), commands: int(w.commands.Load()), pushes: pushes.Load()}
	close(w.done)
	asking.Wait()
	r.seen, r.done = w.seen, len(w.events)/3
	for _, e := range w.events {
		if e.by != [teamReader]bool{true, true} {
			w.fail(errors.New("an event was never seen"))
		}
	}
	if r.done < teamJobs {
		w.fail(fmt.Errorf("%d jobs were done, not %d", r.done, teamJobs))
	}
	return r, errors.Join(w.errs...)
}

// teamwork is a run of the team.
type teamwork struct {
	began    time.Time
	done     chan struct{} // all jobs are done
	commands atomic.Int64

	mu     sync.Mutex
	events []*written
	seen   []float64
	errs   []error
}

func (t *teamwork) note(at time.Time, seen func(issue) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, &written{at: at, seen: seen})
}

func (t *teamwork) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errs = append(t.errs, err)
}

// work does jobs until there are none.
func (t *teamwork) work(c *world) {
	for time.Since(t.began) < teamLimit {
		more, err := c.job(&t.commands, t.note)
		if err != nil {
			t.fail(err)
		}
		if !more {
			return
		}
	}
	t.fail(errors.New("the team is not done in time"))
}

// ask fetches, as reader n, until all jobs are done and seen.
func (t *teamwork) ask(n int, c *world) {
	time.Sleep(time.Duration(n) * teamAsks / teamReader)
	for last := false; !last; {
		next := time.Now().Add(teamAsks)
		select {
		case <-t.done:
			last = time.Since(t.began) > teamLimit
		default:
		}
		issues, err := c.asks()
		if err != nil {
			t.fail(err)
			return
		}
		left := t.look(n, issues)
		select {
		case <-t.done:
			last = last || left == 0
		default:
		}
		if !last {
			time.Sleep(time.Until(next))
		}
	}
}

// look records which events reader n sees now, and returns how many it does not see yet.
func (t *teamwork) look(n int, issues []issue) (left int) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.events {
		if e.by[n] {
			continue
		}
		if e.by[n] = slices.ContainsFunc(issues, e.seen); e.by[n] {
			t.seen = append(t.seen, now.Sub(e.at).Seconds())
		} else {
			left++
		}
	}
	return left
}

// job does one job, from the claim to its end; false means that there is none.
func (w *world) job(commands *atomic.Int64, note func(time.Time, func(issue) bool)) (bool, error) {
	run := func(words ...string) (out string, status int, err error) {
		commands.Add(1)
		text, err := w.cmd(words...)().Output()
		if x := (*exec.ExitError)(nil); errors.As(err, &x) && x.ExitCode() > 0 {
			return string(text), x.ExitCode(), nil
		}
		return strings.TrimSpace(string(text)), 0, err
	}
	id, status, err := run("ready", "--claim", "-q")
	switch {
	case err != nil || status == 1:
		return false, err
	case status != 0: // not confirmed, or somebody else was faster: try again
		return true, nil
	}
	n, err := strconv.Atoi(id)
	if err != nil {
		return false, fmt.Errorf("'%s' is no number", id)
	}
	for _, step := range []struct {
		words []string
		seen  func(issue) bool
	}{
		{[]string{"comment", "-q", id, "done"}, func(i issue) bool { return i.Number == n && i.Comments > 0 }},
		{[]string{"label", "-q", id, "tested"}, func(i issue) bool { return i.Number == n && slices.Contains(i.Labels, "tested") }},
		{[]string{"close", "-q", id}, func(i issue) bool { return i.Number == n && i.Status == "closed" }},
	} {
		at := time.Now()
		if _, status, err := run(step.words...); err != nil || status != 0 {
			return false, fmt.Errorf("%v: status %d: %w", step.words, status, err)
		}
		note(at, step.seen)
	}
	return true, nil
}

// asks fetches, as an agent does, and returns all issues.
func (w *world) asks() ([]issue, error) {
	_ = w.cmd("ready", "-q")().Run() // 1: nothing is ready
	out, err := w.cmd("list", "--offline", "--json", "--status", "all", "-n", "0")().Output()
	if err != nil {
		return nil, err
	}
	var doc struct {
		Data []issue `json:"data"`
	}
	return doc.Data, json.Unmarshal(out, &doc)
}

func (b *bench) teamTook() (measurement, error) {
	t, err := b.team()
	if err != nil {
		return measurement{}, err
	}
	return measurement{value: t.took.Seconds(), note: fmt.Sprintf("%d jobs done, %d pushes", t.done, t.pushes)}, nil
}

func (b *bench) teamCommands() (measurement, error) {
	t, err := b.team()
	if err != nil {
		return measurement{}, err
	}
	return value(float64(t.commands)/teamJobs, nil)
}

func (b *bench) teamSeen(share float64) (measurement, error) {
	t, err := b.team()
	if err != nil {
		return measurement{}, err
	}
	slices.Sort(t.seen)
	return measurement{value: quantile(t.seen, share), note: fmt.Sprintf("%d samples", len(t.seen))}, nil
}

func (b *bench) teamSeenHalf() (measurement, error) { return b.teamSeen(0.5) }
func (b *bench) teamSeenMost() (measurement, error) { return b.teamSeen(0.9) }
