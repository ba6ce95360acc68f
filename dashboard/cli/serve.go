package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/deliver"
	"github.com/git-crosslink/git-crosslink/dashboard/github"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/dashboard/web"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/shell"
	"github.com/git-crosslink/git-crosslink/internal/system"
)

const defaultPort = 3100

func serveFlags() []urfave.Flag {
	return append(reachFlags(),
		&urfave.IntFlag{Name: "port", Usage: "listen on port `N` of this machine, or without --base-url on the next free port", Value: defaultPort},
		&urfave.BoolFlag{Name: "no-open", Usage: "open no browser"},
		&urfave.BoolFlag{Name: "read-only", Usage: "show everything, but allow no changes"},
	)
}

// open is the command without a subcommand: watch this repository, serve, show it.
func (e *env) open(u *urfave.Context) error {
	if u.Args().Len() > 0 {
		return frame.Misuse(fmt.Sprintf("there is no command 'dashboard %s'", u.Args().First()), "git crosslink dashboard --help")
	}
	d, dir, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	p, known, err := e.trackAt(u.Context, d, "", "")
	var f *fail.Error
	switch {
	case errors.As(err, &f) && f.Code == "no-repository": // then it shows the projects that are watched
	case err != nil:
		return err
	case !known:
		e.say("watching %s", p.Slug)
	}
	link, err := e.ask(u.Context, dir, "login-url", p.Slug)
	if err == nil {
		if !known && p.ID != "" {
			e.poke(u.Context, dir, "poke", p.ID)
		}
		return e.show(u.Context, link, !u.Bool("no-open"))
	}
	return e.server(u, d, dir, p.Slug, !u.Bool("no-open"))
}

// serve is the command of that name.
func (e *env) serve(u *urfave.Context) error {
	if u.Args().Len() > 0 {
		return frame.Misuse("'serve' takes no arguments")
	}
	d, dir, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	if u.Bool("rotate-sessions") {
		if err := d.EndSession(u.Context, ""); err != nil {
			return err
		}
	}
	return e.server(u, d, dir, "", u.Bool("open"))
}

// show prints a link, and opens it in a browser.
func (e *env) show(ctx context.Context, link string, browser bool) error {
	if e.json {
		if err := e.answer(map[string]any{"url": link}); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(e.out, link)
	}
	if browser {
		if err := e.browse(ctx, link); err != nil {
			e.say("cannot open a browser (%v): open the link above, it is valid for two minutes", err)
		}
	}
	return nil
}

// openBrowser opens a link, and waits for nothing.
func (e *env) openBrowser(ctx context.Context, link string) error {
	name := e.getenv("BROWSER")
	switch {
	case name != "":
	case runtime.GOOS == "darwin":
		name = "open"
	default:
		if e.getenv("DISPLAY") == "" && e.getenv("WAYLAND_DISPLAY") == "" {
			return errors.New("there is no display")
		}
		name = "xdg-open"
	}
	cmd := exec.Command(name, link)
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// server watches and serves until the context ends.
func (e *env) server(u *urfave.Context, d *db.DB, dir, slug string, browser bool) error {
	ctx, cancel := context.WithCancel(u.Context)
	defer cancel()
	lock, err := acquire(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	reach, err := e.reach(u)
	if err != nil {
		return err
	}
	options := place.Options{Now: e.now, Fetch: []string{e.program, fetchVerb}, Program: e.sibling("git-crosslink")}
	library := place.NewLibrary(options)
	defer library.Close()
	var s *web.Server
	failed := func(what string, err any) { fmt.Fprintf(e.err, "error: %s: %v\n", what, err) }
	allow, err := allowed(filepath.Join(dir, allowFile))
	if err != nil {
		return err
	}
	sender := deliver.New(deliver.Options{DB: d, Now: e.now, Failed: failed, Allow: allow})
	poller := poll.New(poll.Options{DB: d, Now: e.now, Changed: func() { s.Changed(); sender.Wake() },
		Failed: func(slug, what string, err any) { failed(strings.TrimSpace(slug+" "+what), err) },
		Open: func(ctx context.Context, p db.Project) (poll.Place, error) {
			options := options
			options.Seen = p.HubSeen
			return place.Open(ctx, p.Place.Path, options)
		}})
	s = web.New(web.Options{DB: d, Poller: poller, Library: library, Now: e.now, Reach: reach.Reach,
		Track: func(ctx context.Context, at, slug string) (db.Project, bool, error) {
			return e.trackAny(ctx, d, dir, at, slug)
		},
		GitHub: web.GitHub{
			Source: func(ctx context.Context) string {
				_, source := e.githubToken(ctx, cmp.Or(e.getenv("GITHUB_API_URL"), github.Public))
				return source
			},
			Track: func(ctx context.Context, at, slug string) (db.Project, bool, error) {
				return e.trackRemote(ctx, d, dir, at, slug)
			},
			Repositories: func(ctx context.Context, org string) ([]github.Repository, error) {
				return e.organization(ctx, "", org)
			}},
		ReadOnly: u.Bool("read-only"), Wake: sender.Wake, Failed: func(what string, err error) { failed(what, err) }})
	control, err := e.control(dir, s, poller, sender, reach.Base)
	if err != nil {
		return err
	}
	defer control.Close()
	var running sync.WaitGroup
	running.Go(func() { poller.Run(ctx) })
	running.Go(func() { sender.Run(ctx) })
	e.say("serving the dashboard; stop it with Ctrl-C")
	if err := e.show(ctx, loginURL(s, reach.Base), browser); err != nil {
		return err
	}
	err = s.Serve(ctx, reach.listeners...)
	cancel() // a server that ends ends the poller and what is sent
	running.Wait()
	return err
}

// allowFile names the addresses that webhooks may be sent to although they are not
// public, one prefix on a line. It is a file so that no page can change it.
const allowFile = "webhook-allow"

// allowed reads that file. One that others can write is as good as none.
func allowed(path string) (all []netip.Prefix, err error) {
	st, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if st.Mode().Perm()&0o022 != 0 {
		return nil, frame.Fatal("permissions", fmt.Sprintf("other users can write '%s'", path), "chmod 600 "+shell.Word(path))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for n, line := range strings.Split(string(b), "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		p, err := netip.ParsePrefix(line)
		if err != nil || p != p.Masked() {
			return nil, frame.Fatal("allow", fmt.Sprintf("line %d of '%s' is not an address prefix: '%s'", n+1, path, frame.OneLine(line)), "write prefixes such as 10.1.0.0/16")
		}
		all = append(all, p)
	}
	return all, nil
}

// loginURL is a link that logs one browser in.
func loginURL(s *web.Server, base string) string { return base + "/login#" + s.LoginCode() }

// sibling is a program in the directory of this one; "" if there is none.
func (e *env) sibling(name string) string {
	at := filepath.Join(filepath.Dir(e.program), name)
	if st, err := os.Stat(at); err == nil && st.Mode().IsRegular() {
		return at
	}
	at, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return at
}

// hosts are the names by which a browser on this machine may ask.
func hosts(port int) []string {
	return []string{fmt.Sprintf("localhost:%d", port), fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("[::1]:%d", port)}
}

// listen listens on both loopback addresses, on the first free port of as many as it may try.
func listen(port, tries int) ([]net.Listener, int, error) {
	if port < 0 || port > 65535 {
		return nil, 0, frame.Misuse(fmt.Sprintf("%d is not a valid port", port))
	}
	var err error
	for n := range tries {
		var first, second net.Listener
		if first, err = net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port+n)); err != nil {
			continue
		}
		got := first.Addr().(*net.TCPAddr).Port
		if second, err = net.Listen("tcp6", fmt.Sprintf("[::1]:%d", got)); err == nil {
			return []net.Listener{first, second}, got, nil
		}
		if !strings.Contains(err.Error(), "in use") { // there is no IPv6 here
			return []net.Listener{first}, got, nil
		}
		first.Close()
	}
	if tries == 1 {
		return nil, 0, frame.Fatal("no-port", fmt.Sprintf("cannot listen on port %d: %v", port, errors.Unwrap(err)), "choose another, and direct the proxy or --base-url to it: --port <n>")
	}
	return nil, 0, frame.Fatal("no-port", fmt.Sprintf("no port from %d on is free: %v", port, err), "choose another: --port <n>")
}

// running is the content of the lock file of a server.
type running struct {
	PID    int    `json:"pid"`
	Socket string `json:"socket"`
}

const lockFile = "dashboard.lock"

// control listens for the other commands of this user.
func (e *env) control(dir string, s *web.Server, p *poll.Poller, sent *deliver.Sender, base string) (io.Closer, error) {
	socket := filepath.Join(dir, "control.sock")
	if len(socket) > 100 { // longer than an address of a socket may be
		short, err := os.MkdirTemp("", "crosslink-")
		if err != nil {
			return nil, err
		}
		socket = filepath.Join(short, "control.sock")
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return nil, err
	}
	b, err := json.Marshal(running{os.Getpid(), socket})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, lockFile), b, 0o600); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login-url", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, loginURL(s, base)) })
	mux.HandleFunc("POST /base-url", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, base) })
	mux.HandleFunc("POST /poke", func(w http.ResponseWriter, r *http.Request) {
		defer sent.Wake()
		if r.FormValue("about") == "" {
			s.Changed()
			return
		}
		p.Kick(r.FormValue("about"))
		go p.Poll(context.WithoutCancel(r.Context()), r.FormValue("about"))
		s.Changed()
	})
	mux.HandleFunc("POST /poll", func(w http.ResponseWriter, r *http.Request) {
		p.Kick(r.FormValue("about"))
		if _, err := p.Poll(r.Context(), r.FormValue("about")); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	})
	h := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go h.Serve(l)
	return h, nil
}

var errNotRunning = errors.New("no dashboard is running")

func notRunning(err error) error {
	if errors.Is(err, errNotRunning) {
		return frame.No("not-running", err.Error(), "git crosslink dashboard serve")
	}
	return err
}

// ask sends a request to the running server; errNotRunning if there is none.
func (e *env) ask(ctx context.Context, dir, what, about string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, lockFile))
	var at running
	if err != nil || json.Unmarshal(b, &at) != nil || at.Socket == "" {
		return "", errNotRunning
	}
	c := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", at.Socket)
	}}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://dashboard/"+what, strings.NewReader("about="+about))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := c.Do(r)
	if err != nil {
		return "", errNotRunning
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, 64<<10))
	if err == nil && got.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(text)))
	}
	return string(text), err
}

// poke tells a running server that a project has changed.
func (e *env) poke(ctx context.Context, dir, what, about string) { _, _ = e.ask(ctx, dir, what, about) }

func (e *env) loginURL(u *urfave.Context) error {
	if err := noArguments(u); err != nil {
		return err
	}
	dir, err := e.dir()
	if err != nil {
		return err
	}
	link, err := e.ask(u.Context, dir, "login-url", "")
	if err != nil {
		return notRunning(err)
	}
	return e.show(u.Context, link, false)
}

// acquire takes the lock that the one server of a database holds.
func acquire(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "serving"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if ok, _ := system.TryLock(f, false); !ok {
		f.Close()
		return nil, frame.Fatal("running", "the dashboard is already running", "git crosslink dashboard login-url")
	}
	return f, nil
}
