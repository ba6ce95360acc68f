package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The rows of the dashboard run git-crosslink-dashboard with many projects. Each is a clone
// with its own hub on a local path, in which nothing happens.
const (
	dashProjects = 100
	dashIdle     = 20 * time.Second // how long it is measured then
	dashPages    = 20
	dashWrites   = 8
)

// dash is the result of one run of the dashboard.
type dash struct {
	tick   float64 // ms of processor time for checking one project once
	memory float64 // MB
	page   float64 // ms
	cold   float64 // ms
	act    float64 // ms
	seen   float64 // ms
	search float64 // ms
	ready  float64 // ms
	ended  float64 // ms
}

// dashRun has the measurements that are made once for all rows.
type dashRun struct {
	once sync.Once
	is   *dash
	err  error

	browserOnce sync.Once
	browser     map[string]float64
	browserErr  error
}

func (b *bench) dash() (*dash, error) {
	r := &b.dashRun
	r.once.Do(func() { r.is, r.err = b.runDash() })
	return r.is, r.err
}

func (b *bench) dashProgram() string {
	return filepath.Join(filepath.Dir(b.program), "git-crosslink-dashboard")
}

func (b *bench) dashCmd(words ...string) *exec.Cmd {
	c := b.cmd(b.dir, append([]string{b.dashProgram()}, words...)...)()
	c.Env = append(c.Env, "XDG_STATE_HOME="+filepath.Join(b.dir, "state"))
	return c
}

func (b *bench) runDash() (*dash, error) {
	first, err := b.world()
	if err != nil {
		return nil, err
	}
	var last *world
	for k := range dashProjects {
		w, err := first.copied()
		if err != nil {
			return nil, err
		}
		last = w
		if out, err := b.dashCmd("track", "--slug", fmt.Sprintf("o/p%d", k), w.dir).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("track: %w: %s", err, out)
		}
	}
	d := &dash{}
	s, err := b.startDash()
	if err != nil {
		return nil, err
	}
	defer s.cmd.Process.Kill()
	if err := b.settled(); err != nil {
		return nil, err
	}
	time.Sleep(2 * dashTick) // a very recent change is read again, because another one could have the same time
	before, err := s.cpu()
	if err != nil {
		return nil, err
	}
	time.Sleep(dashIdle)
	after, err := s.cpu()
	if err != nil {
		return nil, err
	}
	d.tick = (after - before) * 1e3 / float64(dashProjects) / float64(dashIdle/dashTick)
	if d.memory, err = s.resident(); err != nil {
		return nil, err
	}
	c, err := s.login()
	if err != nil {
		return nil, err
	}
	if d.page, err = c.median("/p/o/p7", dashPages); err != nil {
		return nil, err
	}
	if d.search, err = c.median("/search?q=first", dashPages); err != nil {
		return nil, err
	}
	if d.act, err = b.comments(c); err != nil {
		return nil, err
	}
	if d.seen, err = c.sees(last, fmt.Sprintf("o/p%d", dashProjects-1)); err != nil {
		return nil, err
	}
	if d.ended, err = s.end(); err != nil {
		return nil, err
	}
	if s, err = b.startDash(); err != nil {
		return nil, err
	}
	d.ready = s.ready
	if c, err = s.login(); err != nil {
		return nil, err
	}
	if d.cold, err = c.get("/p/o/p11"); err != nil {
		return nil, err
	}
	_, err = s.end()
	return d, err
}

const dashTick = 5 * time.Second // poll.Period

// dashServer is a running server.
type dashServer struct {
	cmd   *exec.Cmd
	link  string  // URL that logs in
	ready float64 // ms until it was ready
}

func (b *bench) startDash() (*dashServer, error) {
	s := &dashServer{cmd: b.dashCmd("serve", "--port", "0")}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if s.link, err = bufio.NewReader(out).ReadString('\n'); err != nil {
		return nil, errors.Join(fmt.Errorf("the dashboard prints no link: %w", err), s.cmd.Process.Kill())
	}
	s.link = strings.TrimSpace(s.link)
	u, err := url.Parse(s.link)
	if err != nil {
		return nil, err
	}
	for ; ; time.Sleep(time.Millisecond) {
		got, err := http.Get("http://" + u.Host + "/readyz")
		if err == nil {
			got.Body.Close()
			if got.StatusCode == http.StatusOK {
				s.ready = float64(time.Since(began).Microseconds()) / 1e3
				return s, nil
			}
		}
		if time.Since(began) > time.Minute {
			return nil, errors.Join(errors.New("the dashboard is not ready within a minute"), err, s.cmd.Process.Kill())
		}
	}
}

// settled waits until every project was read. A project that cannot be read on a busy
// machine is read again.
func (b *bench) settled() error {
	why := ""
	for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
		out, err := b.dashCmd("list", "--json").Output()
		if err != nil {
			return err
		}
		var doc struct {
			Data []struct {
				Polled *string `json:"polled_at"`
				Error  *string `json:"error"`
			}
		}
		if err := json.Unmarshal(out, &doc); err != nil {
			return err
		}
		left := 0
		for _, p := range doc.Data {
			if p.Error != nil {
				why = ": " + *p.Error
			}
			if p.Polled == nil || p.Error != nil {
				left++
			}
		}
		if left == 0 {
			return nil
		}
	}
	return errors.New("the dashboard has not looked at every project within four minutes" + why)
}

// proc reads a file of the process below /proc.
func (s *dashServer) proc(name string) (string, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), name))
	return string(b), err
}

// clockTicks is the unit of processor time in /proc, the same on every Linux.
const clockTicks = 100

// cpu returns the processor time of the server and all processes it has started, in
// seconds.
func (s *dashServer) cpu() (sum float64, err error) {
	stat, err := s.proc("stat")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	for _, f := range fields[11:15] {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return 0, err
		}
		sum += n / clockTicks
	}
	return sum, nil
}

// resident returns the server's memory, in MB.
func (s *dashServer) resident() (float64, error) {
	status, err := s.proc("status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(status, "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kb * 1024 / 1e6, err
}

// dashClient is a logged-in browser.
type dashClient struct {
	http.Client
	base string
}

func (s *dashServer) login() (*dashClient, error) {
	u, err := url.Parse(s.link)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := &dashClient{http.Client{Jar: jar}, "http://" + u.Host}
	r, err := http.NewRequest(http.MethodPost, c.base+"/login", strings.NewReader("code="+u.Fragment))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", c.base)
	got, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	return c, got.Body.Close()
}

// get returns how long a page takes, in ms.
func (c *dashClient) get(path string) (float64, error) {
	began := time.Now()
	got, err := c.Get(c.base + path)
	if err != nil {
		return 0, err
	}
	defer got.Body.Close()
	_, err = io.Copy(io.Discard, got.Body)
	if err != nil || got.StatusCode != http.StatusOK || got.Request.URL.Path == "/login" {
		return 0, fmt.Errorf("%s answers %s: %w", path, got.Status, err)
	}
	return float64(time.Since(began).Microseconds()) / 1e3, nil
}

// median returns how long a page takes that was requested before, in ms.
func (c *dashClient) median(path string, times int) (float64, error) {
	var took []float64
	for k := range times + 1 {
		ms, err := c.get(path)
		if err != nil {
			return 0, err
		}
		if k > 0 {
			took = append(took, ms)
		}
	}
	return median(took), nil
}

// comments returns how long a script waits for the answer to a comment: the median, in ms.
func (b *bench) comments(c *dashClient) (float64, error) {
	token, err := b.dashCmd("token", "add", "bench", "--scope", "act").Output()
	if err != nil {
		return 0, fmt.Errorf("token: %w", err)
	}
	var took []float64
	for k := range dashPages {
		r, err := http.NewRequest(http.MethodPost, c.base+"/p/o/p5/i/1/comment", strings.NewReader(`{"text":"as fast as can be"}`))
		if err != nil {
			return 0, err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		began := time.Now()
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err
		}
		text, err := io.ReadAll(got.Body)
		got.Body.Close()
		if err != nil || got.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("the comment is answered with %s: %s: %w", got.Status, text, err)
		}
		if k > 0 { // the first one makes the agent
			took = append(took, float64(time.Since(began).Microseconds())/1e3)
		}
	}
	return median(took), nil
}

// sees returns how long after the start of a command in a watched clone a page is informed:
// the longest of some runs, in ms.
func (c *dashClient) sees(w *world, slug string) (float64, error) {
	got, err := c.Get(c.base + "/events?topics=all")
	if err != nil {
		return 0, err
	}
	defer got.Body.Close()
	told := make(chan struct{}, 1000)
	go func() {
		defer close(told)
		for lines := bufio.NewScanner(got.Body); lines.Scan(); {
			if strings.Contains(lines.Text(), `"slug":"`+slug+`"`) && strings.Contains(lines.Text(), `"counters"`) {
				told <- struct{}{}
			}
		}
	}()
	longest := 0.0
	for range dashWrites {
		began := time.Now()
		if w.ours("new", "-q", "seen"); w.err != nil {
			return 0, w.err
		}
		select {
		case _, ok := <-told:
			if !ok {
				return 0, errors.New("the stream of events has ended")
			}
		case <-time.After(time.Minute):
			return 0, errors.New("no page is told of a write")
		}
		longest = max(longest, float64(time.Since(began).Microseconds())/1e3)
		time.Sleep(dashTick + time.Second) // the page also gets the hub's decision
		for len(told) > 0 {
			<-told
		}
	}
	return longest, nil
}

// end stops the server, and returns how long that took, in ms.
func (s *dashServer) end() (float64, error) {
	began := time.Now()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return 0, err
	}
	err := s.cmd.Wait()
	return float64(time.Since(began).Microseconds()) / 1e3, err
}

func (b *bench) dashOf(what func(*dash) float64) (measurement, error) {
	d, err := b.dash()
	if err != nil {
		return measurement{}, err
	}
	return value(what(d), nil)
}

func (b *bench) dashTick() (measurement, error) {
	return b.dashOf(func(d *dash) float64 { return d.tick })
}

func (b *bench) dashMemory() (measurement, error) {
	return b.dashOf(func(d *dash) float64 { return d.memory })
}

func (b *bench) dashReady() (measurement, error) {
	return b.dashOf(func(d *dash) float64 { return d.ready })
}

func (b *bench) dashPage() (measurement, error) {
	return b.dashOf(func(d *dash) float64 { return d.page })
}

func (b *bench) dashCold() (measurement, error) {
	return b.dashOf(func(d *dash) float64 { return d.cold })
}

func (b *bench) dashAct() (measurement, error) {
	return b.dashOf(func(d *dash) float64 { return d.act })
}

func (b *bench) dashSeen() (measurement, error) {
	return b.dashOf(func(d *dash) float64 { return d.seen })
}

func (b *bench) dashSearch() (measurement, error) {
	return b.dashOf(func(d *dash) float64 { return d.search })
}

func (b *bench) dashEnd() (measurement, error) {
	return b.dashOf(func(d *dash) float64 { return d.ended })
}

func (b *bench) dashSize() (measurement, error) {
	st, err := os.Stat(b.dashProgram())
	if err != nil {
		return measurement{}, err
	}
	return value(float64(st.Size())/1e6, nil)
}

// figure is one figure of the tests of dashboard/web that drive a browser.
func figure(name string) func(*bench) (measurement, error) {
	return func(b *bench) (measurement, error) {
		r := &b.dashRun
		r.browserOnce.Do(func() { r.browser, r.browserErr = browserFigures() })
		v, ok := r.browser[name]
		switch {
		case r.browserErr != nil:
			return measurement{}, r.browserErr
		case !ok:
			return measurement{}, errors.New("there is no browser: install chromium, or name one with CROSSLINK_CHROMIUM")
		}
		return value(v, nil)
	}
}

// browserFigures runs those tests, and reads the figures that they print.
func browserFigures() (map[string]float64, error) {
	cmd := exec.Command("go", "test", "-tags", "urfave_cli_no_docs", "-count=1", "-v", "-timeout", "20m", "-run", "^(TestFirstPaint|TestManyEvents)$", "./dashboard/web")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "CROSSLINK_BUDGETS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	all := map[string]float64{}
	for line := range strings.Lines(string(out)) {
		_, rest, found := strings.Cut(line, ": figure ")
		words := strings.Fields(rest)
		if !found || len(words) != 2 {
			continue
		}
		if all[words[0]], err = strconv.ParseFloat(words[1], 64); err != nil {
			return nil, err
		}
	}
	return all, nil
}
