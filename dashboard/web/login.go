package web

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/event"
)

// codeLife is how long a code lets somebody in.
const codeLife = 2 * time.Minute

// codes are the login codes that were made and not used.
type codes struct {
	mu  sync.Mutex
	now func() time.Time
	all []code
}

type code struct {
	text string
	ends time.Time
}

func (c *codes) mint() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := code{secret(16), c.now().Add(codeLife)}
	c.all = append(c.all, one)
	return one.text
}

// take uses a code up. Every code is compared, each in constant time.
func (c *codes) take(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, found := c.now(), false
	c.all = slices.DeleteFunc(c.all, func(one code) bool {
		if now.After(one.ends) {
			return true
		}
		same := subtle.ConstantTimeCompare([]byte(one.text), []byte(text)) == 1
		found = found || same
		return same
	})
	return found
}

// limits counts what happens in a minute, and keeps which sessions were used.
type limits struct {
	mu     sync.Mutex
	now    func() time.Time
	minute time.Time
	most   int // changes of one session
	counts map[string]int
	seen   map[string]event.Time
}

// allow reports whether something may happen once more in this minute.
func (l *limits) allow(what string, most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.now(); l.counts == nil || now.Sub(l.minute) >= time.Minute || now.Before(l.minute) {
		l.minute, l.counts = now, map[string]int{}
	}
	l.counts[what]++
	return l.counts[what] <= most
}

func (l *limits) see(session string, at event.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[string]event.Time{}
	}
	l.seen[session] = at
}

func (l *limits) takeSeen() map[string]event.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := l.seen
	l.seen = nil
	return seen
}

func (s *Server) loginPage(r *request) error {
	return s.render(r, "login", "Log in", nil)
}

// login exchanges a code for a session.
func (s *Server) login(r *request) error {
	if !s.codes.take(strings.TrimSpace(r.PostForm.Get("code"))) {
		if !s.limits.allow("login", 10) {
			return refuse(http.StatusTooManyRequests, "too many attempts: wait a minute")
		}
		return &problem{status: http.StatusForbidden, message: "the code is not valid, or was used", hints: []string{"git crosslink dashboard login-url"}}
	}
	value := secret(32) // a new one at each login: nobody can have chosen it
	agent := r.UserAgent()
	if len(agent) > 200 {
		agent = agent[:200]
	}
	if err := s.DB.AddSession(r.Context(), db.Session{Hash: hashOf(value), Scope: "act", UserAgent: clean(agent)}); err != nil {
		return err
	}
	s.setCookie(r, value, int(time.Duration(db.SessionIdle).Seconds()))
	return s.to(r, "/", nil)
}

func (s *Server) logout(r *request) error {
	if err := s.DB.EndSession(r.Context(), r.session.Hash); err != nil {
		return err
	}
	s.Changed() // its streams end
	s.setCookie(r, "", -1)
	return s.to(r, "/login", nil)
}

func (s *Server) setCookie(r *request, value string, age int) {
	http.SetCookie(r.w, &http.Cookie{Name: s.Cookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: strings.HasPrefix(s.Base, "https:")})
}
