package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/guard"
	"github.com/git-crosslink/git-crosslink/dashboard/web"
	"github.com/git-crosslink/git-crosslink/internal/shell"
	"github.com/git-crosslink/git-crosslink/internal/system"
)

// Where the server listens, and under which URL browsers reach it. Pages show everything that
// the user may read. So access from other machines needs a URL with https, and either a
// certificate or a proxy that has one.

// reach is how browsers reach the server.
type reach struct {
	web.Reach
	listeners []net.Listener
}

func reachFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "listen", Usage: "listen on `ADDRESS` instead: host:port, or unix:<path>"},
		&urfave.StringFlag{Name: "base-url", Usage: "browsers reach the server at `URL`, such as https://dash.example.com"},
		&urfave.StringFlag{Name: "tls-cert", Usage: "serve https with the certificate in `FILE`"},
		&urfave.StringFlag{Name: "tls-key", Usage: "key of the certificate, in `FILE`"},
		&urfave.StringFlag{Name: "behind-proxy", Usage: "accept requests only from proxies at `ADDRESSES`, such as 127.0.0.1 or 10.1.0.0/16"},
	}
}

// reach reads the options and listens.
func (e *env) reach(u *urfave.Context) (*reach, error) {
	at, certificate, key := u.String("listen"), u.String("tls-cert"), u.String("tls-key")
	base, err := baseURL(u.String("base-url"))
	switch {
	case err != nil:
		return nil, err
	case at != "" && u.IsSet("port"):
		return nil, frame.Misuse("'--port' and '--listen' exclude each other", "--listen 127.0.0.1:<port>")
	case (certificate == "") != (key == ""):
		return nil, frame.Misuse("'--tls-cert' and '--tls-key' need each other")
	case certificate != "" && (base == nil || base.Scheme != "https"):
		return nil, frame.Misuse("'--tls-cert' needs the URL that the certificate is for", "--base-url https://…")
	case u.IsSet("behind-proxy") && base == nil:
		return nil, frame.Misuse("'--behind-proxy' needs the URL at which browsers reach the proxy", "--base-url https://…")
	case strings.HasPrefix(at, "unix:") && base == nil:
		return nil, frame.Misuse("'--listen unix:' needs the URL at which browsers reach the socket", "--base-url http://localhost:<port>, with: ssh -L <port>:<path> <host>")
	case base != nil && base.Scheme == "https" && certificate == "" && !u.IsSet("behind-proxy"):
		return nil, frame.Misuse("https needs a certificate, or a proxy that has one", "--tls-cert <file> --tls-key <file>", "--behind-proxy 127.0.0.1")
	}
	r := &reach{}
	if u.IsSet("behind-proxy") {
		if r.Proxies, err = proxies(u.String("behind-proxy")); err != nil {
			return nil, err
		}
	}
	if certificate != "" {
		if r.TLS, err = serveTLS(certificate, key, e.now); err != nil {
			return nil, err
		}
	}
	port := 0
	switch path, isPath := strings.CutPrefix(at, "unix:"); {
	case isPath:
		r.listeners, err = listenUnix(path)
	case at != "":
		r.listeners, port, err = listenAt(at, base != nil && base.Scheme == "https")
	default:
		tries := 20
		if base != nil { // the URL leads to this port: on another one, the program that took it would be sent the sessions
			tries = 1
		}
		r.listeners, port, err = listen(u.Int("port"), tries)
	}
	if err != nil {
		return nil, err
	}
	if base == nil {
		r.Base, r.Hosts, r.Cookie = fmt.Sprintf("http://localhost:%d", port), hosts(port), fmt.Sprintf("crosslink_session_%d", port)
		return r, nil
	}
	r.Base, r.Path, r.Hosts, r.Cookie = base.Scheme+"://"+base.Host+base.Path, base.Path, []string{base.Host}, "crosslink_session_"+base.Port()
	if base.Port() == "" {
		r.Hosts = append(r.Hosts, base.Host+map[string]string{"http": ":80", "https": ":443"}[base.Scheme])
	}
	if base.Scheme == "https" {
		r.Cookie = "__Host-crosslink_session" // browsers take it from this host alone, over https alone
		if base.Path != "" {
			r.Cookie = "__Secure-crosslink_session" // over https alone; a __Host- cookie would be sent for every path
		}
	}
	return r, nil
}

// basePath is the form of the paths below which the dashboard can be served.
var basePath = regexp.MustCompile(`^(/[A-Za-z0-9._-]+)+$`)

// baseURL reads the URL under which browsers reach the server; nil if none is given.
func baseURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, frame.Misuse(fmt.Sprintf("'%s' is not the URL of a server", text), "use a scheme and a host: --base-url https://dash.example.com")
	}
	if u.Path = strings.TrimSuffix(u.Path, "/"); u.Path != "" && (!basePath.MatchString(u.Path) || path.Clean(u.Path) != u.Path) {
		return nil, frame.Misuse(fmt.Sprintf("'%s' has a path that the dashboard cannot be served below", text), "use letters, digits, '.', '_' and '-': --base-url https://example.com/dash")
	}
	u.Host = strings.ToLower(u.Host)
	if u.Scheme == "http" && !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname()) {
		return nil, frame.Misuse("sessions would cross the network unencrypted", "--base-url https://"+u.Host)
	}
	return u, nil
}

// proxies reads the addresses of proxies.
func proxies(text string) (*guard.Proxies, error) {
	p := &guard.Proxies{}
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		prefix, err := netip.ParsePrefix(word)
		if at, aerr := netip.ParseAddr(word); err != nil && aerr == nil {
			prefix, err = netip.PrefixFrom(at, at.BitLen()), nil
		}
		if err != nil || prefix != prefix.Masked() {
			return nil, frame.Misuse(fmt.Sprintf("'%s' is not an address or an address prefix", word), "--behind-proxy 127.0.0.1,10.1.0.0/16")
		}
		*p = append(*p, prefix)
	}
	return p, nil
}

// listenAt listens on an address. One that other machines reach needs https.
func listenAt(at string, secure bool) ([]net.Listener, int, error) {
	host, _, err := net.SplitHostPort(at)
	if err != nil {
		return nil, 0, frame.Misuse(fmt.Sprintf("'%s' is not an address", at), "--listen 127.0.0.1:3100", "--listen unix:<path>")
	}
	ip, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) && !secure {
		return nil, 0, frame.Misuse(fmt.Sprintf("'%s' can be reached by other machines, which needs https", at),
			"--base-url https://… --tls-cert <file> --tls-key <file>", "--base-url https://… --behind-proxy <address of the proxy>")
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, 0, frame.Fatal("no-port", fmt.Sprintf("cannot listen on '%s': %v", at, errors.Unwrap(err)), "choose another: --listen <host>:<port>")
	}
	return []net.Listener{l}, l.Addr().(*net.TCPAddr).Port, nil
}

const (
	maxSocket    = 103          // bytes of a socket's path: macOS takes the fewest
	socketSuffix = "4294967295" // as long as what os.MkdirTemp adds to a name
	maxSocketDir = maxSocket - len("/.s"+socketSuffix+"/s")
)

// listenUnix listens on a socket that only this user can open. A socket that no process
// listens on is replaced.
func listenUnix(path string) ([]net.Listener, error) {
	if !filepath.IsAbs(path) || len(path) > maxSocket || len(filepath.Dir(path)) > maxSocketDir {
		return nil, frame.Misuse(fmt.Sprintf("'%s' is not an absolute path of at most %d bytes, in a directory of at most %d bytes", path, maxSocket, maxSocketDir), "--listen unix:/run/user/1000/crosslink.sock")
	}
	if st, err := os.Lstat(path); err == nil {
		if st.Mode().Type() != fs.ModeSocket {
			return nil, frame.Fatal("no-port", fmt.Sprintf("'%s' exists and is not a socket", path), "choose another: --listen unix:<path>")
		}
		c, err := net.DialTimeout("unix", path, time.Second)
		switch {
		case err == nil:
			c.Close()
			fallthrough
		case !system.Refused(err): // the program that listens may be busy, or speak another protocol
			return nil, frame.Fatal("no-port", fmt.Sprintf("another program listens on '%s'", path), "choose another: --listen unix:<path>")
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	// the socket is made under another name, so nobody else can open it before its mode is set
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, frame.Fatal("no-port", fmt.Sprintf("cannot make '%s': %v", path, frame.UnwrapPath(err)), "choose another: --listen unix:<path>")
	}
	defer os.RemoveAll(dir)
	made := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return []net.Listener{&socketFile{l, path}}, nil
}

// socketFile removes its file when it is closed.
type socketFile struct {
	net.Listener
	path string
}

func (s *socketFile) Close() error {
	err := s.Listener.Close()
	if rerr := os.Remove(s.path); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return err
}

// serveTLS serves with a certificate, which is read again when its file has changed.
func serveTLS(certificate, key string, now func() time.Time) (*tls.Config, error) {
	load := func() (*tls.Certificate, time.Time, error) {
		st, err := os.Stat(certificate)
		if err != nil {
			return nil, time.Time{}, err
		}
		c, err := tls.LoadX509KeyPair(certificate, key)
		return &c, st.ModTime(), err
	}
	c, at, err := load()
	if err != nil {
		return nil, frame.Fatal("tls", fmt.Sprintf("cannot use the certificate: %v", err), "ls -l "+shell.Word(certificate)+" "+shell.Word(key))
	}
	if now().After(c.Leaf.NotAfter) {
		return nil, frame.Fatal("tls", fmt.Sprintf("the certificate expired on %s", c.Leaf.NotAfter.Format(time.DateOnly)), "renew it: "+shell.Word(certificate))
	}
	var mu sync.Mutex
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		if st, err := os.Stat(certificate); err == nil && !st.ModTime().Equal(at) {
			if fresh, stamp, err := load(); err == nil { // half-written files are read again at the next connection
				c, at = fresh, stamp
			}
		}
		return c, nil
	}}, nil
}
