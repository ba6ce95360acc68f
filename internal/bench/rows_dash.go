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
	"time"
)

// The rows of the dashboard run git-crosslink-dashboard with many projects, each a
// clone with a hub of its own on a local path, in which nobody does anything.
const (
	dashProjects = 100
	dashIdle     = 20 * time.Second // how long it is watched then
	dashPages    = 20
)

// dash is what one run of the dashboard showed.
type dash struct {
	tick   float64 // ms of processor time, of one look at one project
	memory float64 // MB
	page   float64 // ms
	ready  float64 // ms
	ended  float64 // ms
}

func (b *bench) dash() (*dash, error) {
	b.dashOnce.Do(func() { b.dashRun, b.dashErr = b.runDash() })
	return b.dashRun, b.dashErr
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
	for k := range dashProjects {
		w, err := first.copied()
		if err != nil {
			return nil, err
		}
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
	time.Sleep(2 * dashTick) // a change so young that another could have its time is read again
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
	if d.page, err = s.pages(); err != nil {
		return nil, err
	}
	if d.ended, err = s.end(); err != nil {
		return nil, err
	}
	if s, err = b.startDash(); err != nil {
		return nil, err
	}
	d.ready = s.ready
	_, err = s.end()
	return d, err
}

const dashTick = 5 * time.Second // poll.Period

// dashServer is a server that runs.
type dashServer struct {
	cmd   *exec.Cmd
	link  string  // that logs in
	ready float64 // ms until it was
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

// settled waits until every project was looked at.
func (b *bench) settled() error {
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
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
				return errors.New(*p.Error)
			}
			if p.Polled == nil {
				left++
			}
		}
		if left == 0 {
			return nil
		}
	}
	return errors.New("the dashboard has not looked at every project within two minutes")
}

// proc reads a file of the process below /proc.
func (s *dashServer) proc(name string) (string, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), name))
	return string(b), err
}

// clockTicks is how /proc counts processor time, on every Linux there is.
const clockTicks = 100

// cpu is the processor time of the server and of all it has started, in seconds.
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

// resident is its memory, in MB.
func (s *dashServer) resident() (float64, error) {
	status, err := s.proc("status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(status, "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kb * 1024 / 1e6, err
}

// pages is how long a project's page takes that was asked for before: the median,
// in ms.
func (s *dashServer) pages() (float64, error) {
	u, err := url.Parse(s.link)
	if err != nil {
		return 0, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return 0, err
	}
	c := http.Client{Jar: jar}
	base := "http://" + u.Host
	r, err := http.NewRequest(http.MethodPost, base+"/login", strings.NewReader("code="+u.Fragment))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", base)
	got, err := c.Do(r)
	if err != nil {
		return 0, err
	}
	got.Body.Close()
	var took []float64
	for k := range dashPages + 1 {
		began := time.Now()
		got, err := c.Get(base + "/p/o/p7")
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, got.Body)
		got.Body.Close()
		if err != nil || got.StatusCode != http.StatusOK || !strings.HasPrefix(got.Request.URL.Path, "/p/") {
			return 0, fmt.Errorf("the page answers %s: %w", got.Status, err)
		}
		if k > 0 {
			took = append(took, float64(time.Since(began).Microseconds())/1e3)
		}
	}
	return median(took), nil
}

// end ends it, and returns how long that took, in ms.
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
