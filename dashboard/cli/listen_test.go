package cli

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

// server is a running server, as a browser reaches it.
type server struct {
	*bench
	base   string
	client *http.Client
	link   string
}

// start runs a server until the test ends. dial connects to it, whatever the URL says.
func (b *bench) start(dial func(ctx context.Context) (net.Conn, error), roots *x509.CertPool, args ...string) *server {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var out, errs stream
	done := make(chan int, 1)
	go func() { done <- b.env(&out, &errs).run(ctx, append([]string{"serve"}, args...)) }()
	b.Cleanup(func() {
		cancel()
		if code := <-done; code != 0 {
			b.Errorf("the server ended with %d: %s", code, errs.String())
		}
	})
	for strings.Count(out.String(), "\n") < 1 {
		select {
		case code := <-done:
			done <- code
			b.Fatalf("it ended with %d: %s", code, errs.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	link := strings.TrimSpace(out.String())
	base, _, _ := strings.Cut(link, "/login#")
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}}
	return &server{b, base, c, link}
}

// login logs in and returns the cookie's header.
func (s *server) login(base string) string {
	s.Helper()
	r, err := http.NewRequest(http.MethodPost, base+"/login", strings.NewReader("code="+s.link[strings.IndexByte(s.link, '#')+1:]))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", base)
	got, err := s.client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusSeeOther {
		text, _ := io.ReadAll(got.Body)
		s.Fatalf("login: %d\n%s", got.StatusCode, text)
	}
	return got.Header.Get("Set-Cookie")
}

// get asks for a path, with the name of a host.
func (s *server) get(host, path, cookie string) (int, string) {
	s.Helper()
	r, err := http.NewRequest(http.MethodGet, s.base+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Host = host
	if cookie != "" {
		r.Header.Set("Cookie", strings.Split(cookie, ";")[0])
	}
	got, err := s.client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer got.Body.Close()
	io.Copy(io.Discard, got.Body)
	return got.StatusCode, got.Proto
}

func (s *server) expectHosts(want map[string]int) {
	s.Helper()
	for host, status := range want {
		if got, _ := s.get(host, "/healthz", ""); got != status {
			s.Errorf("as '%s': %d, want %d", host, got, status)
		}
	}
}

// free is a port that nobody listens on just now.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func dialTCP(at string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "tcp", at) }
}

// certificate writes one for a name, and returns what trusts it.
func certificate(t *testing.T, dir, name string, ends time.Time) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: ends, IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
	for file, b := range map[string][]byte{"key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), "cert": text} {
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

// TestTLS: the server speaks https under one name, and takes a new certificate without a
// restart.
func TestTLS(t *testing.T) {
	b := newBench(t)
	dir, at := t.TempDir(), free(t)
	roots := certificate(t, dir, "dash.example.com", time.Now().Add(time.Hour))
	s := b.start(dialTCP(at), roots, "--listen", at, "--base-url", "https://dash.example.com/", "--tls-cert", filepath.Join(dir, "cert"), "--tls-key", filepath.Join(dir, "key"))
	if s.base != "https://dash.example.com" {
		t.Errorf("the link is %s", s.link)
	}
	s.expectHosts(map[string]int{"dash.example.com": 200, "dash.example.com:443": 200, "localhost": 421, at: 421, "evil.example": 421})
	cookie := s.login(s.base)
	if !strings.HasPrefix(cookie, "__Host-crosslink_session=") || !strings.Contains(cookie, "; Secure") || !strings.Contains(cookie, "Path=/;") {
		t.Errorf("the cookie is %s", cookie)
	}
	if got, proto := s.get("", "/", cookie); got != 200 || proto != "HTTP/2.0" {
		t.Errorf("logged in: %d %s", got, proto)
	}
	fresh := certificate(t, dir, "dash.example.com", time.Now().Add(2*time.Hour))
	if err := os.Chtimes(filepath.Join(dir, "cert"), time.Time{}, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: fresh}, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dialTCP(at)(ctx) }}}
	if got, _ := s.get("", "/healthz", ""); got != 200 {
		t.Errorf("with the new certificate: %d", got)
	}
}

// TestUnixSocket: only this user opens it, it answers to one name, and it is gone with the
// server.
func TestUnixSocket(t *testing.T) {
	b := newBench(t)
	path := filepath.Join(t.TempDir(), "s")
	dial := func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "unix", path) }
	t.Run("serve", func(t *testing.T) {
		b := &bench{World: b.World, state: b.state}
		b.World.T = t
		s := b.start(dial, nil, "--listen", "unix:"+path, "--base-url", "http://localhost:4000")
		s.expectHosts(map[string]int{"localhost:4000": 200, "localhost": 421, "evil.example:4000": 421})
		if cookie := s.login(s.base); !strings.HasPrefix(cookie, "crosslink_session_4000=") || strings.Contains(cookie, "Secure") {
			t.Errorf("the cookie is %s", cookie)
		}
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("the socket is %v, %v", st.Mode(), err)
		}
	})
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket outlives its server")
	}
}

// TestLongestSocket: every path that is accepted can be bound, though it is bound under another name first.
func TestLongestSocket(t *testing.T) {
	root, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root)
	for _, dirBytes := range []int{maxSocketDir, maxSocketDir + 1} {
		dir := filepath.Join(root, strings.Repeat("d", dirBytes-len(root)-1))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, bytes := range []int{dirBytes + 2, maxSocket, maxSocket + 1} {
			path := filepath.Join(dir, strings.Repeat("s", bytes-dirBytes-1))
			l, err := listenUnix(path)
			if fits := dirBytes <= maxSocketDir && bytes <= maxSocket; fits != (err == nil) || !fits && !strings.Contains(err.Error(), "is not an absolute path of at most") {
				t.Errorf("%d bytes in a directory of %d: %v", bytes, dirBytes, err)
			}
			for _, l := range l {
				l.Close()
			}
		}
	}
}

// TestSocketOfAnother: a socket is replaced if nobody listens on it, and only then.
func TestSocketOfAnother(t *testing.T) {
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	other := filepath.Join(dir, "other")
	d, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: other, Net: "unixgram"}) // refuses the protocol
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	left := filepath.Join(dir, "left")
	s, err := net.ListenUnix("unix", &net.UnixAddr{Name: left, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	s.SetUnlinkOnClose(false)
	for _, path := range []string{other, left} {
		if _, err := listenUnix(path); err == nil || !strings.Contains(err.Error(), "another program listens on") {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("a socket that is in use was removed: %v", err)
		}
	}
	s.Close()
	l, err := listenUnix(left)
	if err != nil {
		t.Fatal(err)
	}
	l[0].Close()
}

// TestProxy: only the proxy is answered, and the audit log says for whom it asked.
func TestProxy(t *testing.T) {
	b := newBench(t)
	at := free(t)
	s := b.start(dialTCP(at), nil, "--listen", at, "--base-url", "https://dash.example.com", "--behind-proxy", "127.0.0.1, 10.1.0.0/16")
	to, _ := url.Parse("http://" + at)
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = "dash.example.com"
		r.Out.Header["X-Forwarded-For"] = []string{"1.2.3.4, 198.51.100.7", "10.1.2.3"}
	}})
	defer proxy.Close()
	s.client.Transport = http.DefaultTransport
	s.base = proxy.URL
	r, _ := http.NewRequest(http.MethodPost, proxy.URL+"/login", strings.NewReader("code="+s.link[strings.IndexByte(s.link, '#')+1:]))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://dash.example.com")
	got, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	got.Body.Close()
	cookie := got.Header.Get("Set-Cookie")
	if got.StatusCode != 303 || !strings.HasPrefix(cookie, "__Host-crosslink_session=") {
		t.Fatalf("login: %d %s", got.StatusCode, cookie)
	}
	r, _ = http.NewRequest(http.MethodPost, proxy.URL+"/views", strings.NewReader("name=x")) // refused, and noted
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://dash.example.com")
	r.Header.Set("Cookie", strings.Split(cookie, ";")[0])
	if got, err = s.client.Do(r); err != nil {
		t.Fatal(err)
	}
	got.Body.Close()
	d, err := db.Open(t.Context(), filepath.Join(b.state, "git-crosslink", "dashboard"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	all, err := d.Actions(t.Context(), 0, 10)
	if err != nil || len(all) != 1 || all[0].Remote != "198.51.100.7" {
		t.Errorf("the audit log has %+v, %v", all, err)
	}
}

// TestStrangersAtTheProxysDoor: a request that does not come from a proxy is refused, whatever
// name it uses.
func TestStrangersAtTheProxysDoor(t *testing.T) {
	b := newBench(t)
	at := free(t)
	s := b.start(dialTCP(at), nil, "--listen", at, "--base-url", "http://localhost:4001", "--behind-proxy", "10.1.0.0/16")
	s.expectHosts(map[string]int{"localhost:4001": 403, "evil.example": 403})
}

// TestReachIsRefused: what would show the pages to others, or cannot work, is not served.
func TestReachIsRefused(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	certificate(t, dir, "x", time.Now().Add(-24*time.Hour))
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for args, want := range map[string]string{
		"--listen 0.0.0.0:0": "129 '0.0.0.0:0' can be reached by other machines", "--listen :0": "129 ':0' can be reached", "--listen [::]:0": "129 '[::]:0' can be reached",
		"--listen 0.0.0.0:0 --base-url http://localhost:1": "129 '0.0.0.0:0' can be reached", "--listen example": "129 'example' is not an address",
		"--base-url http://dash.example.com": "129 sessions would cross the network unencrypted", "--base-url https://dash.example.com": "129 https needs a certificate",
		"--base-url ftp://x": "129 'ftp://x' is not", "--base-url https://x/a/../b": "129 'https://x/a/../b' has a path", "--base-url https://x/a%20b": "129 'https://x/a%20b' has a path", "--base-url https://x//a": "129 'https://x//a' has a path", "--base-url https://u:p@x": "129 'https://u:p@x' is not", "--base-url x": "129 'x' is not",
		"--tls-cert " + cert: "129 '--tls-cert' and '--tls-key' need each other", "--tls-cert " + cert + " --tls-key " + key: "129 '--tls-cert' needs the URL",
		"--base-url https://x --tls-cert " + cert + " --tls-key " + key: "128 the certificate expired", "--base-url https://x --tls-cert " + key + " --tls-key " + cert: "128 cannot use the certificate",
		"--base-url https://x --tls-cert /nowhere --tls-key /nowhere": "128 cannot use the certificate", "--behind-proxy 127.0.0.1": "129 '--behind-proxy' needs the URL",
		"--base-url https://x --behind-proxy 10.1.2.3/16": "129 '10.1.2.3/16' is not an address or an address prefix", "--base-url https://x --behind-proxy localhost": "129 'localhost' is not an address or an address prefix",
		"--listen unix:/x": "129 '--listen unix:' needs the URL", "--listen unix:x --base-url http://localhost:1": "129 'x' is not an absolute path",
		"--listen unix:" + filepath.Join(dir, "file") + " --base-url http://localhost:1":    "128 '" + filepath.Join(dir, "file") + "' exists and is not a socket",
		"--listen unix:" + filepath.Join(dir, "no", "s") + " --base-url http://localhost:1": "128 cannot make", "--port 1 --listen 127.0.0.1:0": "129 '--port' and '--listen' exclude each other",
		"--listen " + taken.Addr().String(): "128 cannot listen on",
		// a proxy hands sessions to any program that has the port it knows
		fmt.Sprintf("--base-url https://x --behind-proxy 127.0.0.1 --port %d", taken.Addr().(*net.TCPAddr).Port): fmt.Sprintf("128 cannot listen on port %d: ", taken.Addr().(*net.TCPAddr).Port),
	} {
		code, _, said := b.run(b.Dir, append([]string{"serve"}, strings.Fields(args)...)...)
		if got := strings.Replace(fmt.Sprintf("%d %s", code, said), "error: ", "", 1); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s\nwant %s", args, got, want)
		}
	}
}
