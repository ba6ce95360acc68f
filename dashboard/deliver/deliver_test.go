package deliver

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"code.dny.dev/ssrf"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
	"github.com/git-crosslink/git-crosslink/event"
)

// TestMain lets the test binary be the program that is killed while it sends.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "send" {
		d, err := db.Open(context.Background(), os.Args[2], nil)
		if err == nil {
			_, err = New(Options{DB: d}).Pass(context.Background())
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// world is a database with an endpoint on this machine, and what that received.
type world struct {
	*testing.T
	db     *db.DB
	dir    string
	now    time.Time
	sender *Sender
	id     int64
	secret string

	mu     sync.Mutex
	got    []string // ids
	answer func(w http.ResponseWriter, r *http.Request)
	server *httptest.Server
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, dir: t.TempDir(), now: time.Now()}
	d, err := db.Open(t.Context(), w.dir, func() time.Time { return w.now })
	if err != nil {
		t.Fatal(err)
	}
	w.db = d
	t.Cleanup(func() { d.Close() })
	w.sender = New(Options{DB: d, Now: func() time.Time { return w.now }, Chance: func() float64 { return 0.5 }})
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.got = append(w.got, r.Header.Get("webhook-id"))
		answer := w.answer
		w.mu.Unlock()
		if answer != nil {
			answer(rw, r)
		}
	}))
	t.Cleanup(w.server.Close)
	if w.id, w.secret, err = d.AddEndpoint(t.Context(), notify.Endpoint{Kind: notify.Standard, Name: "here", URL: w.server.URL + "/hook", Local: true}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) test() {
	w.Helper()
	if err := w.db.TestEndpoint(w.Context(), w.id); err != nil {
		w.Fatal(err)
	}
}

// pass looks at the queue once, and returns the newest delivery.
func (w *world) pass() db.Delivery {
	w.Helper()
	if _, err := w.sender.Pass(w.Context()); err != nil {
		w.Fatal(err)
	}
	all, err := w.db.Deliveries(w.Context(), w.id, 1)
	if err != nil || len(all) != 1 {
		w.Fatal(all, err)
	}
	return all[0]
}

func TestSends(t *testing.T) {
	w := newWorld(t)
	reference, err := webhooks.NewWebhook(w.secret)
	if err != nil {
		t.Fatal(err)
	}
	w.answer = func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := reference.Verify(body, r.Header); err != nil {
			t.Errorf("the reference library refuses it: %v", err)
		}
		fmt.Fprint(rw, "thanks\x00")
	}
	w.test()
	if x := w.pass(); x.State != "done" || x.Status != 200 || x.Answer != "thanks " || x.Tries != 1 {
		t.Errorf("%+v", x)
	}
	w.pass()
	if len(w.got) != 1 {
		t.Errorf("sent %d times", len(w.got))
	}
	again, err := w.db.RotateSecret(t.Context(), w.id)
	if err != nil || again == w.secret {
		t.Fatal(again, err)
	}
	w.test()
	if x := w.pass(); x.State != "done" {
		t.Errorf("%+v", x)
	}
	if reference, err = webhooks.NewWebhook(again); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(25 * time.Hour)
	w.answer = nil
	if err := w.db.Replay(t.Context(), w.pass().ID); err != nil {
		t.Fatal(err)
	}
	if w.pass(); len(w.got) != 3 || w.got[2] != w.got[1] {
		t.Errorf("what is replayed has the id that it had: %v", w.got)
	}
}

// TestTriesAgain with the same id, later and later, and gives up.
func TestTriesAgain(t *testing.T) {
	w := newWorld(t)
	w.answer = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) }
	w.test()
	var x db.Delivery
	for n := 1; n <= notify.MaxTries; n++ {
		if x = w.pass(); x.Tries != n {
			t.Fatalf("after try %d: %+v", n, x)
		}
		if before := w.pass(); before.Tries != n {
			t.Fatalf("tried again at once: %+v", before)
		}
		w.now = max2(w.now, x.Due.Std())
	}
	if x.State != "failed" || x.Error != "it answered 500" {
		t.Errorf("%+v", x)
	}
	for _, id := range w.got {
		if id != x.Message {
			t.Errorf("tried with another id: %v", w.got)
		}
	}
	w.test()
	if x := w.pass(); x.Tries != 1 {
		t.Errorf("%+v", x)
	}
	w.now = w.now.Add(3 * 24 * time.Hour)
	w.pass()
	if e, err := w.db.Endpoint(t.Context(), w.id); err != nil || e.DisabledAt == 0 {
		t.Errorf("an endpoint that failed for 5 days is told on: %+v, %v", e, err)
	}
	sent := len(w.got)
	w.now = w.now.Add(24 * time.Hour)
	if w.pass(); len(w.got) != sent {
		t.Error("an endpoint that is disabled is told")
	}
	if err := w.db.EnableEndpoint(t.Context(), w.id); err != nil {
		t.Fatal(err)
	}
	w.answer = nil
	if x := w.pass(); x.State != "done" {
		t.Errorf("%+v", x)
	}
}

func max2(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func TestAnswers(t *testing.T) {
	w := newWorld(t)
	other := atomic.Int32{}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { other.Add(1) }))
	defer elsewhere.Close()
	w.answer = func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, elsewhere.URL, http.StatusFound) }
	w.test()
	if x := w.pass(); x.State != "queued" || other.Load() != 0 || !strings.Contains(x.Error, "redirect") {
		t.Errorf("%+v, %d elsewhere", x, other.Load())
	}
	w.now = w.now.Add(time.Minute)
	w.answer = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Retry-After", "7200")
		rw.WriteHeader(http.StatusServiceUnavailable)
	}
	if x := w.pass(); x.Due.Std().Sub(w.now).Round(time.Second) != 2*time.Hour {
		t.Errorf("Retry-After is not obeyed: %s", x.Due.Std().Sub(w.now))
	}
	w.now = w.now.Add(3 * time.Hour)
	w.answer = func(rw http.ResponseWriter, _ *http.Request) { io.CopyN(rw, zeros{}, 1<<20) }
	if x := w.pass(); len(x.Answer) > keptAnswer || x.State != "done" {
		t.Errorf("%d bytes of an answer are kept, %s", len(x.Answer), x.State)
	}
	w.answer = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusGone) }
	w.test()
	if x := w.pass(); x.State != "failed" {
		t.Errorf("%+v", x)
	}
	if e, err := w.db.Endpoint(t.Context(), w.id); err != nil || e.DisabledAt == 0 || !strings.Contains(e.DisabledWhy, "410") {
		t.Errorf("%+v, %v", e, err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// hostile are addresses that no notification may reach.
var hostile = []string{
	"127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1",
	"198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
	"fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "ff02::1",
}

// TestAddressesThatAreRefused: whatever led there. The list is ours, so that a
// library that becomes laxer is noticed.
func TestAddressesThatAreRefused(t *testing.T) {
	guard := ssrf.New(ssrf.WithPorts(80, 443, 8443))
	for _, a := range hostile {
		network := "tcp4"
		if strings.Contains(a, ":") {
			network = "tcp6"
		}
		if err := guard.Safe(network, net.JoinHostPort(a, "443"), nil); err == nil {
			t.Errorf("%s is let through", a)
		}
	}
	for _, a := range []string{"93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"} {
		network := "tcp4"
		if strings.Contains(a, ":") {
			network = "tcp6"
		}
		if err := guard.Safe(network, net.JoinHostPort(a, "443"), nil); err != nil {
			t.Errorf("%s is refused: %v", a, err)
		}
		if guard.Safe(network, net.JoinHostPort(a, "22"), nil) == nil || onlyLoopback(network, net.JoinHostPort(a, "443"), nil) == nil {
			t.Errorf("%s is let through", a)
		}
	}
	w := newWorld(t)
	for _, host := range append(hostile, "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost.localdomain") {
		if strings.Contains(host, ":") {
			host = "[" + strings.ReplaceAll(host, "%", "%25") + "]"
		}
		x := &db.Due{To: notify.Endpoint{Kind: notify.Standard, URL: "https://" + host + "/"}}
		if got, _ := w.sender.send(t.Context(), x); got.OK || got.Status != 0 || got.Error == "" {
			t.Errorf("%s: %+v", host, got)
		}
	}
}

// TestNamesThatLeadHere: a name server that first answers with a public address
// and then with this machine leads nobody here.
func TestNamesThatLeadHere(t *testing.T) {
	reached := atomic.Int32{}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			c.Close()
		}
	}()
	names := nameServer(t, "127.0.0.1")
	w := newWorld(t)
	o := w.sender.o
	o.resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", names)
	}}
	s := New(o)
	for range 3 {
		got, _ := s.send(t.Context(), &db.Due{To: notify.Endpoint{Kind: notify.Standard, URL: "https://hooks.example.com/"}})
		if got.OK || !strings.Contains(got.Error, "not public") {
			t.Errorf("%+v", got)
		}
	}
	if reached.Load() != 0 {
		t.Error("this machine was reached")
	}
}

// TestAllowedPrefix: an address that is not public is dialed if its prefix was allowed,
// and no other one is.
func TestAllowedPrefix(t *testing.T) {
	// every address in 127.0.0.0/8 is this machine, and none of them is public
	listen := func() (net.Listener, netip.Addr) {
		for range 100 {
			at := netip.AddrFrom4([4]byte{127, byte(1 + rand.IntN(250)), byte(rand.IntN(250)), byte(1 + rand.IntN(250))})
			if l, err := net.Listen("tcp4", at.String()+":8443"); err == nil {
				return l, at
			}
		}
		t.Skip("this system has only one address of its own")
		return nil, netip.Addr{}
	}
	var reached atomic.Int32
	l, at := listen()
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) })}}
	server.StartTLS()
	defer server.Close()
	names := nameServer(t, at.String())
	for name, test := range map[string]struct {
		allow string
		ok    bool
	}{
		"nothing is allowed":       {"", false},
		"its prefix is":            {netip.PrefixFrom(at, 24).Masked().String(), true},
		"it alone is":              {at.String() + "/32", true},
		"the address beside it is": {at.Next().String() + "/32", false},
		"another prefix is":        {"10.1.0.0/16", false},
	} {
		o := newWorld(t).sender.o
		o.roots = x509.NewCertPool()
		o.roots.AddCert(server.Certificate())
		o.resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "udp", names)
		}}
		if test.allow != "" {
			o.Allow = []netip.Prefix{netip.MustParsePrefix(test.allow)}
		}
		before := reached.Load()
		got, _ := New(o).send(t.Context(), &db.Due{To: notify.Endpoint{Kind: notify.Standard, URL: "https://example.com:8443/hook"}})
		if got.OK != test.ok || reached.Load()-before != map[bool]int32{true: 1}[test.ok] || !test.ok && !strings.Contains(got.Error, "not public") {
			t.Errorf("%s: %+v, reached %d times", name, got, reached.Load()-before)
		}
	}
}

// nameServer answers every question for an IPv4 address with one.
func nameServer(t *testing.T, address string) string {
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := p.ReadFrom(b)
			if err != nil {
				return
			}
			q := b[12:n]
			end := 0
			for q[end] != 0 {
				end += int(q[end]) + 1
			}
			question := q[:end+5]
			answer := append([]byte{b[0], b[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
			if question[end+2] == 1 { // A
				answer[7] = 1
				answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
				answer = append(answer, net.ParseIP(address).To4()...)
			}
			p.WriteTo(answer, from)
		}
	}()
	return p.LocalAddr().String()
}

// TestKilled: a program that is killed while it sends loses nothing, and what it
// sends once more has the id that it had.
func TestKilled(t *testing.T) {
	for _, point := range []string{"webhook-send", "webhook-sent", "webhook-noted"} {
		w := newWorld(t)
		w.test()
		for n := range 2 {
			cmd := exec.Command(os.Args[0], "send", w.dir)
			if cmd.Env = os.Environ(); n == 0 {
				cmd.Env = append(cmd.Env, "CROSSLINK_FAULT="+point)
			}
			out, err := cmd.CombinedOutput()
			if killed := err != nil; killed != (n == 0) || len(out) > 0 {
				t.Fatalf("%s, run %d: %v %s", point, n, err, out)
			}
		}
		all, err := w.db.Deliveries(t.Context(), 0, 10)
		if err != nil || len(all) != 1 || all[0].State != "done" {
			t.Errorf("%s: %+v, %v", point, all, err)
		}
		ids := map[string]bool{}
		for _, id := range w.got {
			ids[id] = true
		}
		if len(ids) != 1 {
			t.Errorf("%s: received %v", point, w.got)
		}
	}
}

// TestFollowsAlerts: what an alert becomes is queued with it, once, for those who
// want it.
func TestFollowsAlerts(t *testing.T) {
	w := newWorld(t)
	if err := w.db.Track(t.Context(), db.Project{ID: "1", Slug: "o/r", Place: db.Place{Kind: db.PlacePath, Path: "/r"}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.db.AddEndpoint(t.Context(), notify.Endpoint{Kind: notify.Standard, URL: "https://example.com/", Filter: notify.Filter{Severity: alerts.Critical}}); err != nil {
		t.Fatal(err)
	}
	poll := func(f facts.Facts) {
		t.Helper()
		in := db.Poll{Project: alerts.Project{ID: "1", Slug: "o/r"}, Facts: f, Settings: alerts.Defaults(), Now: event.TimeOf(w.now)}
		if _, err := w.db.Reconcile(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(5 * time.Second)
	}
	events := func() (all []notify.Event) {
		t.Helper()
		rows, err := w.db.Deliveries(t.Context(), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range rows {
			if x.Endpoint != w.id {
				t.Errorf("told against its filter: %+v", x)
			}
			all = append(all, x.Event)
		}
		return all
	}
	overdue := facts.Facts{Issues: []facts.Issue{{UUID: event.UUID{1}, Name: "4", Title: "x", Due: 1}}}
	poll(overdue)
	poll(overdue)
	if got := fmt.Sprint(events()); got != "[alert.firing]" {
		t.Error(got)
	}
	open, err := w.db.Alerts(t.Context(), "1")
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	if err := w.db.Ack(t.Context(), open[0].ID, "me", alerts.Ack{At: event.TimeOf(w.now), By: "me"}); err != nil {
		t.Fatal(err)
	}
	poll(facts.Facts{})
	poll(facts.Facts{})
	if got := fmt.Sprint(events()); got != "[alert.resolved alert.acked alert.firing]" {
		t.Error(got)
	}
}

func TestEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	hang := make(chan struct{})
	w.answer = func(http.ResponseWriter, *http.Request) { <-hang }
	defer close(hang)
	w.test()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.sender.Run(ctx) }()
	for w.count() == 0 {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(began) > time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	if all, err := w.db.Deliveries(t.Context(), 0, 1); err != nil || all[0].State != "queued" || all[0].Tries != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.got)
}
