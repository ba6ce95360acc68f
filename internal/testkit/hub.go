package testkit

import (
	"errors"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func (s *script) git(ts *testscript.TestScript, a *actor, args ...string) {
	if st := s.run(ts, a, nil, append([]string{"git"}, args...)...); st != 0 {
		ts.Fatalf("git %s: exit status %d", strings.Join(args, " "), st)
	}
}

// WithoutCollection disables the 'git gc --auto' after every push to a hub, which would
// find nothing to do: a test pushes far fewer than the 6,700 objects that trigger it.
func WithoutCollection(hub string) error {
	f, err := os.OpenFile(filepath.Join(hub, "config"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("[receive]\n\tautogc = false\n")
	return errors.Join(err, f.Close())
}

// cmdHub makes the shared repository, with one commit, without which nothing is published,
// and a clone for each actor.
func cmdHub(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 0, "hub NAME…")
	s := get(ts)
	bare := filepath.Join(s.work, "hub.git")
	seed := &actor{name: "seed", dir: s.work, home: filepath.Join(s.work, "home"), trace: filepath.Join(s.work, "trace", "seed")}
	ts.Check(os.MkdirAll(seed.home, 0o755))
	s.git(ts, seed, "init", "-q", "--bare", "-b", "main", bare)
	ts.Check(WithoutCollection(bare))
	said := func(args ...string) string {
		s.git(ts, seed, append([]string{"-C", bare}, args...)...)
		return strings.TrimSpace(ts.ReadFile("stdout"))
	}
	tree := said("hash-object", "-w", "-t", "tree", os.DevNull)
	said("update-ref", "refs/heads/main", said("commit-tree", "-m", "start", tree))
	s.reach(bare)
	for _, name := range args {
		a := s.add(ts, name, filepath.Join(s.work, name))
		s.git(ts, a, "clone", "-q", bare, ".")
	}
	s.last.ran = false
}

func (s *script) move(ts *testscript.TestScript, url string) {
	s.reach(url)
	for _, a := range s.actors {
		s.git(ts, a, "remote", "set-url", "origin", url)
		s.git(ts, a, "config", "crosslink.pushesPerMinute", "0") // a script makes many pushes; pacing has its own scripts
	}
	s.last.ran = false
	ts.Setenv("HUB", url)
}

// cmdHubHTTP serves $WORK over git's own CGI program until the script ends, with a name and
// a password if they are given.
func cmdHubHTTP(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && (len(args) == 0 || len(args) == 1 && strings.Contains(args[0], ":")), "hub-http [NAME:PASSWORD]")
	s := get(ts)
	out, err := exec.Command("git", "--exec-path").Output()
	ts.Check(err)
	backend := filepath.Join(strings.TrimSpace(string(out)), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		ts.Fatalf("hub-http needs git-http-backend: %v", err)
	}
	var handler http.Handler = &cgi.Handler{
		Path: backend,
		Dir:  s.work,
		Env: append(Environment(),
			"GIT_PROJECT_ROOT="+s.work, "GIT_HTTP_EXPORT_ALL=1", "HOME="+filepath.Join(s.work, "home"),
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.receivepack", "GIT_CONFIG_VALUE_0=true"),
		InheritEnv: []string{"PATH"},
	}
	handler = answering(filepath.Join(s.work, "answer"), handler)
	if len(args) == 1 {
		open := handler
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if name, password, ok := r.BasicAuth(); !ok || name+":"+password != args[0] {
				w.Header().Set("WWW-Authenticate", `Basic realm="hub"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			open.ServeHTTP(w, r)
		})
	}
	server := httptest.NewServer(handler)
	ts.Defer(server.Close)
	s.move(ts, server.URL+"/hub.git")
}

// answering lets a script decide how pushes are answered: with the status in the file, or,
// if it contains "hang", not until the file is removed. Without the file, pushes are
// served. "all" before the status includes fetches.
func answering(file string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := os.ReadFile(file)
		answer, all := strings.CutPrefix(strings.TrimSpace(string(b)), "all ")
		status, _ := strconv.Atoi(answer)
		switch {
		case err != nil || !all && r.URL.Query().Get("service") != "git-receive-pack" && !strings.HasSuffix(r.URL.Path, "/git-receive-pack"):
			next.ServeHTTP(w, r)
		case answer == "hang":
			for r.Context().Err() == nil && err == nil {
				time.Sleep(20 * time.Millisecond)
				_, err = os.Stat(file)
			}
			next.ServeHTTP(w, r)
		default:
			w.WriteHeader(status)
		}
	})
}

// stub replaces ssh: it drops the options and the host and runs the command here. Its name
// is ssh, so that git passes the same arguments as to OpenSSH.
const stub = `#!/bin/sh
while :; do
	case $1 in
	-o | -p) shift 2 ;;
	-*) shift ;;
	*) break ;;
	esac
done
shift
exec sh -c "$*"
`

func cmdHubSSH(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "hub-ssh")
	s := get(ts)
	dir := filepath.Join(s.work, "stub")
	ts.Check(os.MkdirAll(dir, 0o755))
	s.ssh = filepath.Join(dir, "ssh")
	ts.Check(os.WriteFile(s.ssh, []byte(stub), 0o755))
	s.move(ts, "ssh://hub.example"+filepath.Join(s.work, "hub.git"))
}

// reach records the hub's URL. If all transports share one transcript, it is shown as $HUB.
func (s *script) reach(url string) {
	s.url = url
	if s.anyTransport {
		s.norm.Path(url, "$HUB")
	}
}
