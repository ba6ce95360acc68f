// Package web is the dashboard's HTTP surface: pages, actions, and the stream
// by which pages follow what happens.
//
// The rules are:
//
//   - a route is served if it is in the table (routes.go), and every request goes
//     through the checks of dashboard/guard before its handler;
//   - GET and HEAD write nothing, not even the database;
//   - a page is complete without JavaScript; the script only replaces what has
//     changed;
//   - text that a person or an agent wrote passes clean before it is shown.
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os/user"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/guard"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/dashboard/stream"
)

// Options say what a Server works with.
type Options struct {
	DB      *db.DB
	Poller  *poll.Poller
	Library *place.Library
	Now     func() time.Time
	Reach
	ReadOnly bool
	Version  string
	Failed   func(what string, err error)                                                     // reports internal errors; nil drops them
	Track    func(ctx context.Context, at, slug string) (p db.Project, known bool, err error) // watches a path or URL; nil watches none
	GitHub   GitHub
	most     int    // see guard.Options; tests set it
	Wake     func() // called when a request to a webhook is queued; may be nil
}

// Reach is how browsers reach a server.
type Reach struct {
	Hosts   []string       // what a request's Host may be, with the port
	Base    string         // "https://…" before every path; "" is plain HTTP on this machine
	Path    string         // of Base: "/dash", "" for none
	Cookie  string         // name of the session's cookie
	TLS     *tls.Config    // nil if the server itself speaks plain HTTP
	Proxies *guard.Proxies // from which alone requests come; nil if browsers ask directly
}

// Server answers requests.
type Server struct {
	Options
	routes    *http.ServeMux
	guard     *guard.Guard
	streams   stream.Hub
	received  received
	searching chan struct{} // holds one for each project that is being searched
	operator  string
}

// The bounds of a server.
const (
	maxConnections = 256
)

// New returns a server.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Failed == nil {
		o.Failed = func(string, error) {}
	}
	if o.Wake == nil {
		o.Wake = func() {}
	}
	if o.Cookie == "" {
		o.Cookie = "crosslink_session"
	}
	s := &Server{Options: o, operator: "operator", searching: make(chan struct{}, searchWorkers)}
	if u, err := user.Current(); err == nil && u.Username != "" {
		s.operator = u.Username
	}
	s.build()
	return s
}

// Changed wakes the streams after something was stored.
func (s *Server) Changed() { s.streams.Wake() }

// LoginCode makes a code with which one browser may log in, once, soon.
func (s *Server) LoginCode() string { return s.guard.LoginCode() }

// Serve answers on the listeners until the context ends. Requests that run then
// get a second to end.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 120 * time.Second,
		MaxHeaderBytes: guard.MaxHeader, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	errs := make(chan error, len(listeners))
	var free = make(chan struct{}, maxConnections)
	for _, l := range listeners {
		l = &limitListener{Listener: l, free: free}
		if s.TLS != nil {
			l = tls.NewListener(l, s.TLS)
		}
		go func() { errs <- h.Serve(l) }()
	}
	housekeeping, stop := context.WithCancel(ctx)
	defer stop()
	go s.keepHouse(housekeeping)
	var err error
	select {
	case <-ctx.Done():
	case err = <-errs:
	}
	s.streams.End()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if serr := h.Shutdown(bounded); serr != nil {
		h.Close()
	}
	for range searchWorkers { // a search may outlast its request
		select {
		case s.searching <- struct{}{}:
		case <-bounded.Done():
		}
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// keepHouse writes what requests may not: GET writes nothing.
func (s *Server) keepHouse(ctx context.Context) {
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for hash, at := range s.guard.Seen() {
			if err := s.DB.SeenSession(ctx, hash, at); err != nil {
				s.Failed("sessions", err)
			}
		}
		if err := errors.Join(s.DB.TrimFeed(ctx), s.DB.TrimSeries(ctx), s.DB.TrimActions(ctx)); err != nil {
			s.Failed("trim", err)
		}
		if err := s.DB.BackupDaily(ctx); err != nil {
			s.Failed("backup", err)
		}
	}
}

// limitListener bounds how many connections there are.
type limitListener struct {
	net.Listener
	free chan struct{}
}

func (l *limitListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case l.free <- struct{}{}:
		return &limitConn{Conn: c, done: sync.OnceFunc(func() { <-l.free })}, nil
	default:
		c.Close() // a browser tries again; a flood is not served
		return &limitConn{Conn: c, done: func() {}}, nil
	}
}

type limitConn struct {
	net.Conn
	done func()
}

func (c *limitConn) Close() error {
	c.done()
	return c.Conn.Close()
}
