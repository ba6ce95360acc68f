//go:build linux

package main

import (
	"math/rand/v2"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// server serves the hub over http, through git's own CGI program, and sometimes answers
// with errors while faulty is set.
type server struct {
	*httptest.Server
	tally  *tally
	faulty atomic.Bool
	git    http.Handler

	mu  sync.Mutex
	rng *rand.Rand
}

func serve(dir string, env []string, t *tally, rng *rand.Rand) (*server, error) {
	git, err := backend(dir, env)
	if err != nil {
		return nil, err
	}
	s := &server{tally: t, rng: rng, git: git}
	s.Server = httptest.NewServer(s)
	return s, nil
}

// backend is git's own CGI program for the repositories in a directory.
func backend(dir string, env []string) (http.Handler, error) {
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return nil, err
	}
	return &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Dir:  dir,
		Env: append(env, "GIT_PROJECT_ROOT="+dir, "GIT_HTTP_EXPORT_ALL=1",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.receivepack", "GIT_CONFIG_VALUE_0=true"),
		Stderr: os.Stderr,
	}, nil
}

// slowly serves git until this process ends, each request after loadAnswer, and
// returns the URL. note is called with the path of each.
func slowly(git http.Handler, note func(path string)) string {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note(r.URL.Path)
		time.Sleep(loadAnswer)
		git.ServeHTTP(w, r)
	})).URL
}

func (s *server) draw() (kind string, busy int) {
	if !s.faulty.Load() {
		return "", 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch n := s.rng.IntN(100); {
	case n < 4:
		return "http-busy", []int{http.StatusTooManyRequests, http.StatusServiceUnavailable}[s.rng.IntN(2)]
	case n < 7:
		return "http-cut", 0
	case n < 11:
		return "http-lost", 0
	case n < 12:
		return "http-hang", 0
	}
	return "", 0
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, busy := s.draw()
	if kind != "" {
		s.tally.fault(kind)
	}
	switch kind {
	case "http-busy":
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(busy)
	case "http-lost":
		s.git.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case "http-hang":
		select {
		case <-time.After(5 * time.Second):
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case "http-cut":
		panic(http.ErrAbortHandler)
	default:
		s.git.ServeHTTP(w, r)
	}
}

// slowHook makes a push wait as long as the file 'slow' says, and records this in 'slowed'.
const slowHook = `#!/bin/sh
[ -f slow ] || exit 0
cat >/dev/null
sleep "$(cat slow)" && echo >>slowed
`
