// Package deliver sends the queued requests to webhooks. The rules are:
//
//   - each endpoint is sent one notification at a time, the oldest that is due;
//   - a try is stored before the next one: if the program is killed between a request
//     and storing it, it sends the request again, with the same id;
//   - an address that is not public is refused when it is dialed, so no name, redirect or
//     answer of a name server can lead to it;
//   - no proxy, no redirect and no cookie; at most 15 seconds and 64 KB.
package deliver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"code.dny.dev/ssrf"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/fault"
)

// The times and sizes by which it works.
const (
	Period     = 5 * time.Second // between two looks at the queue without Wake
	connecting = 5 * time.Second
	patience   = 15 * time.Second // of one request
	maxAnswer  = 64 << 10         // read
	keptAnswer = 2 << 10          // kept
	atOnce     = 8
	trimEvery  = time.Hour
)

// Options say what a Sender works with.
type Options struct {
	DB     *db.DB
	Now    func() time.Time
	Chance func() float64    // in [0, 1); nil is random
	Failed func(string, any) // reports internal errors; nil drops them
	Allow  []netip.Prefix    // addresses that are not public and may be sent to

	resolver *net.Resolver  // for tests
	roots    *x509.CertPool // for tests; nil is the system's
}

// Sender sends notifications.
type Sender struct {
	o             Options
	public, local *http.Client
	wake          chan struct{}
	trimmed       time.Time
}

// New returns a Sender.
func New(o Options) *Sender {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Chance == nil {
		o.Chance = rand.Float64
	}
	if o.Failed == nil {
		o.Failed = func(string, any) {}
	}
	var v4, v6 []netip.Prefix
	for _, p := range o.Allow {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	guard := ssrf.New(ssrf.WithPorts(80, 443, 8443), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	return &Sender{o: o, public: o.client(guard.Safe), local: o.client(onlyLoopback), wake: make(chan struct{}, 1)}
}

// client asks allow before it connects to an address, by whatever name.
func (o Options) client(allow func(network, address string, c syscall.RawConn) error) *http.Client {
	dialer := &net.Dialer{Timeout: connecting, Control: allow, Resolver: o.resolver}
	return &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: connecting, ResponseHeaderTimeout: patience, MaxResponseHeaderBytes: maxAnswer,
			DisableKeepAlives: true, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.roots}},
	}
}

// onlyLoopback allows addresses of this machine alone, for endpoints that are declared local.
func onlyLoopback(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("'%s' is not on this machine", address)
	}
	return nil
}

// Wake lets Run look at the queue now.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run sends until the context ends. What is not sent then stays in the queue.
func (s *Sender) Run(ctx context.Context) error {
	tick := time.NewTicker(Period)
	defer tick.Stop()
	for {
		if err := s.o.DB.QueueDigest(ctx); err != nil && ctx.Err() == nil {
			s.o.Failed("digest", err)
		}
		for {
			n, err := s.Pass(ctx)
			if err != nil && ctx.Err() == nil {
				s.o.Failed("webhooks", err)
			}
			if n == 0 || err != nil {
				break
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		case <-s.wake:
		}
	}
}

// Pass tries for each endpoint the oldest delivery that is due, and returns how
// many it tried.
func (s *Sender) Pass(ctx context.Context) (int, error) {
	due, err := s.o.DB.DueDeliveries(ctx)
	if err != nil {
		return 0, err
	}
	var (
		mu     sync.Mutex
		failed []error
		wg     sync.WaitGroup
		slots  = make(chan struct{}, atOnce)
	)
	for k := range due {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			err := s.deliver(ctx, &due[k])
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, err)
		})
	}
	wg.Wait()
	if now := s.o.Now(); now.Sub(s.trimmed) > trimEvery {
		s.trimmed = now
		failed = append(failed, s.o.DB.TrimDeliveries(ctx))
	}
	return len(due), errors.Join(failed...)
}

// deliver tries one delivery and stores the result.
func (s *Sender) deliver(ctx context.Context, x *db.Due) error {
	fault.Point("webhook-send")
	t, wait := s.send(ctx, x)
	if ctx.Err() != nil {
		return nil // the program ends: this was not a try
	}
	fault.Point("webhook-sent")
	if !t.OK {
		if after, again := notify.Next(x.Tries+1, s.o.Chance(), wait); again {
			t.Next = event.TimeOf(s.o.Now().Add(after))
		}
	}
	err := s.o.DB.Tried(ctx, x.Delivery, t)
	fault.Point("webhook-noted")
	return err
}

// send makes one request. wait is how long the server asks to be left alone.
func (s *Sender) send(ctx context.Context, x *db.Due) (t db.Tried, wait time.Duration) {
	if err := x.To.Check(); err != nil {
		return db.Tried{Error: err.Error()}, 0
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, x.To.URL, bytes.NewReader(x.Body))
	if err != nil {
		return db.Tried{Error: "the URL is not one"}, 0
	}
	now := s.o.Now()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "git-crosslink-dashboard")
	if x.To.Kind == notify.Standard || x.To.Kind == notify.Generic {
		r.Header.Set("webhook-id", x.Message)
		r.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
		r.Header.Set("webhook-signature", notify.Sign(x.Secrets, x.Message, now, x.Body))
	}
	client := s.public
	if x.To.Local {
		client = s.local
	}
	got, err := client.Do(r)
	if err != nil {
		return db.Tried{Error: reason(err)}, 0
	}
	defer got.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer))
	t = db.Tried{Status: got.StatusCode, Answer: text(answer), OK: got.StatusCode/100 == 2, Gone: got.StatusCode == http.StatusGone}
	switch {
	case t.OK:
	case err != nil:
		t.Error = reason(err)
	case got.StatusCode/100 == 3:
		t.Error = fmt.Sprintf("it answered %d: a redirect is not followed", got.StatusCode)
	default:
		t.Error = fmt.Sprintf("it answered %d", got.StatusCode)
	}
	switch got.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		wait = notify.RetryAfter(got.Header.Get("Retry-After"), now)
	}
	return t, wait
}

// reason returns the text of an error without the URL, which may be a secret.
func reason(err error) string {
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork):
		return "the name leads to an address that is not public: nothing was sent"
	case errors.Is(err, ssrf.ErrProhibitedPort):
		return "the port is none of 80, 443 and 8443: nothing was sent"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in 15 seconds"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return text([]byte(op.Op + ": " + op.Err.Error()))
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return text([]byte("the name is not known: " + dns.Err))
	}
	return "the request failed"
}

// text is the part of an answer that is stored.
func text(b []byte) string {
	s := strings.ToValidUTF8(string(b[:min(len(b), keptAnswer)]), "\uFFFD")
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' || c == utf8.RuneError {
			return ' '
		}
		return c
	}, s)
}
