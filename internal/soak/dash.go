//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The soak of the dashboard (-dashboard) lets it watch many projects with busy agents, and
// checks that its memory, descriptors and processes do not grow. Each agent has its own
// clone and works on one project after the other.
const (
	dashProjects = 50
	dashAgents   = 20
	dashSample   = 5 * time.Second
	dashPause    = 2 * time.Second // between two commands of an agent
	dashRest     = 24              // largest number of samples until all fetches have ended
)

// dashWorld has the hubs, the watched clones, and the clones of agents.
type dashWorld struct {
	dir      string
	programs string
	env      []string
	commands atomic.Int64
	failed   atomic.Int64
}

// held is what the dashboard uses at one moment.
type held struct {
	memory    float64 // MB
	files     int
	processes int
}

func soakDashboard(dir string, d time.Duration) error {
	programs := filepath.Join(dir, "programs") + string(filepath.Separator)
	build := exec.Command("go", "build", "-trimpath", "-tags", "urfave_cli_no_docs", "-o", programs, "./cmd/git-crosslink", "./cmd/git-remote-crosslink", "./cmd/git-crosslink-dashboard")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := os.MkdirAll(programs, 0o777); err != nil {
		return err
	}
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	w := &dashWorld{dir: dir, programs: programs, env: append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"), "HOME="+dir, "GIT_CONFIG_GLOBAL="+filepath.Join(dir, "gitconfig"),
		"GIT_CONFIG_NOSYSTEM=1", "XDG_STATE_HOME="+filepath.Join(dir, "state"), "XDG_CONFIG_HOME=", "CI=")}
	if err := os.WriteFile(filepath.Join(dir, "gitconfig"), []byte("[user]\n\tname = Soak\n\temail = soak@example.org\n[init]\n\tdefaultBranch = main\n"), 0o666); err != nil {
		return err
	}
	for k := range dashProjects {
		if err := w.project(k); err != nil {
			return err
		}
	}
	cmd := w.cmd(dir, "git-crosslink-dashboard", "serve", "--port", "0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Process.Kill()
	link, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the dashboard prints no link: %w", err)
	}
	stop := make(chan struct{})
	var agents sync.WaitGroup
	for k := range dashAgents {
		agents.Go(func() { w.agent(k, stop) })
	}
	samples, err := w.watch(cmd.Process.Pid, strings.TrimSpace(link), d)
	close(stop)
	agents.Wait()
	if err != nil {
		return err
	}
	var last held
	for range dashRest { // until running fetches have ended
		time.Sleep(dashSample)
		if last, err = holds(cmd.Process.Pid); err != nil {
			return err
		}
		if last.processes == 0 {
			break
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("the dashboard ended: %w", err)
	}
	fmt.Printf("%d projects, %d agents, %s: %d commands, %d of them failed\n", dashProjects, dashAgents, d, w.commands.Load(), w.failed.Load())
	return flat(samples, last)
}

func (w *dashWorld) cmd(dir string, words ...string) *exec.Cmd {
	c := exec.Command(words[0], words[1:]...)
	if path := filepath.Join(w.programs, words[0]); strings.HasPrefix(words[0], "git-") {
		c = exec.Command(path, words[1:]...)
	}
	c.Dir, c.Env = dir, slices.Clone(w.env)
	return c
}

func (w *dashWorld) run(dir string, words ...string) error {
	if out, err := w.cmd(dir, words...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, out)
	}
	return nil
}

func (w *dashWorld) hub(k int) string { return filepath.Join(w.dir, fmt.Sprintf("hub-%d.git", k)) }

// project makes a hub with a tracker, and a watched clone.
func (w *dashWorld) project(k int) error {
	clone := filepath.Join(w.dir, fmt.Sprintf("watched-%d", k))
	for _, c := range [][]string{
		{w.dir, "git", "init", "-q", "--bare", w.hub(k)},
		{w.dir, "git", "clone", "-q", w.hub(k), clone},
		{clone, "git", "commit", "-q", "--allow-empty", "-m", "x"},
		{clone, "git", "push", "-q", "origin", "HEAD"},
		{clone, "git-crosslink", "init", "-q"},
		{clone, "git-crosslink-dashboard", "track", "--slug", fmt.Sprintf("soak/p%d", k)},
	} {
		if err := w.run(c[0], c[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// agent works until it is stopped.
func (w *dashWorld) agent(n int, stop chan struct{}) {
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	for {
		k := rng.IntN(dashProjects)
		clone := filepath.Join(w.dir, fmt.Sprintf("agent-%d-%d", n, k))
		if _, err := os.Stat(clone); err != nil && w.run(w.dir, "git", "clone", "-q", w.hub(k), clone) != nil {
			w.failed.Add(1)
			continue
		}
		for _, words := range [][]string{
			{"git-crosslink", "new", "-q", fmt.Sprintf("work %d", rng.IntN(1000)), "--due", "2030-01-01"},
			{"git-crosslink", "ready", "--claim", "-q"},
			{"git-crosslink", "comment", "-q", "1", "said **something** about #1"},
			{"git-crosslink", "close", "-q", "1"},
			{"git-crosslink", "reopen", "-q", "1"},
		} {
			w.commands.Add(1)
			if w.run(clone, words...) != nil {
				w.failed.Add(1)
			}
			select {
			case <-stop:
				return
			case <-time.After(dashPause + time.Duration(rng.Int64N(int64(dashPause)))):
			}
		}
	}
}

// watch takes samples for a while, and requests pages like a logged-in browser that follows
// the stream of events and shows one project after the other.
func (w *dashWorld) watch(pid int, link string, d time.Duration) (all []held, err error) {
	b, err := logIn(link)
	if err != nil {
		return nil, err
	}
	events, err := b.get("/events?topics=all")
	if err != nil {
		return nil, err
	}
	defer events.Body.Close()
	var seen atomic.Int64
	go func() {
		for lines := bufio.NewScanner(events.Body); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "event:") {
				seen.Add(1)
			}
		}
	}()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(dashSample) {
		h, err := holds(pid)
		if err != nil {
			return nil, err
		}
		all = append(all, h)
		project := fmt.Sprintf("/p/soak/p%d", len(all)%dashProjects)
		for _, path := range []string{"/readyz", "/", "/projects", "/agents", "/alerts", project, project + "/issues", project + "/log", project + "/graph", project + "/i/1.json"} {
			if err := b.look(path); err != nil {
				return nil, err
			}
		}
	}
	fmt.Printf("%d events on the stream; %d pages, the slowest (%s) in %s\n", seen.Load(), b.pages, b.slow, b.slowest.Round(time.Millisecond))
	if seen.Load() == 0 {
		return nil, errors.New("the stream of events was silent")
	}
	return all, nil
}

// browser is a logged-in browser.
type browser struct {
	base    string
	client  http.Client
	pages   int
	slowest time.Duration
	slow    string // the slowest page
}

func logIn(link string) (*browser, error) {
	u, err := url.Parse(link)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	b := &browser{base: "http://" + u.Host, client: http.Client{Jar: jar}}
	r, err := http.NewRequest(http.MethodPost, b.base+"/login", strings.NewReader(url.Values{"code": {u.Fragment}}.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.base)
	got, err := b.client.Do(r)
	if err != nil {
		return nil, err
	}
	got.Body.Close()
	if got.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("login: %s", got.Status)
	}
	return b, nil
}

func (b *browser) get(path string) (*http.Response, error) {
	got, err := b.client.Get(b.base + path)
	if err == nil && got.StatusCode != http.StatusOK && !(got.StatusCode == http.StatusNotFound && strings.Contains(path, "/i/")) {
		got.Body.Close()
		return nil, fmt.Errorf("GET %s: %s", path, got.Status)
	}
	return got, err
}

// look reads a page. A project without an issue 1 is new.
func (b *browser) look(path string) error {
	began := time.Now()
	got, err := b.get(path)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if _, err := io.Copy(io.Discard, got.Body); err != nil {
		return err
	}
	b.pages++
	if took := time.Since(began); took > b.slowest {
		b.slowest, b.slow = took, path
	}
	return nil
}

// holds reads the resources of a process from /proc.
func holds(pid int) (h held, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return h, err
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		return h, err
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return h, err
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			h.processes++
		}
	}
	h.memory, h.files = kb*1024/1e6, len(files)
	return h, nil
}

// flat reports what grew, by comparing the last quarter of the samples with the second.
func flat(samples []held, last held) error {
	n := len(samples) / 4
	if n == 0 {
		return errors.New("there are too few samples: -minutes")
	}
	mean := func(part []held, of func(held) float64) (sum float64) {
		for _, h := range part {
			sum += of(h) / float64(len(part))
		}
		return sum
	}
	var grown []string
	for _, x := range []struct {
		what  string
		of    func(held) float64
		slack float64
	}{
		{"memory in MB", func(h held) float64 { return h.memory }, 20},
		{"descriptors", func(h held) float64 { return float64(h.files) }, 10},
		{"processes", func(h held) float64 { return float64(h.processes) }, 4},
	} {
		before, after := mean(samples[n:2*n], x.of), mean(samples[len(samples)-n:], x.of)
		fmt.Printf("%-14s %8.1f then %8.1f, at rest %8.1f\n", x.what, before, after, x.of(last))
		if after > before*1.1+x.slack {
			grown = append(grown, x.what)
		}
	}
	if last.processes > 0 {
		grown = append(grown, "processes at rest")
	}
	if len(grown) > 0 {
		return fmt.Errorf("these grew: %s", strings.Join(grown, ", "))
	}
	return nil
}
