package guard

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// codeLife is how long a login code is valid.
const codeLife = 2 * time.Minute

// codes are the login codes that are still valid.
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
	one := code{Secret(16), c.now().Add(codeLife)}
	c.all = append(c.all, one)
	return one.text
}

// take uses up a code. It compares with every code, each time in constant time.
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

// limits counts what happens in a minute, and records which sessions were used.
type limits struct {
	mu     sync.Mutex
	now    func() time.Time
	minute time.Time
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

// LoginCode makes a code with which one browser can log in, once, within codeLife.
func (g *Guard) LoginCode() string { return g.codes.mint() }

// Enter uses up a login code.
func (g *Guard) Enter(code string) error {
	switch {
	case g.codes.take(code):
		return nil
	case !g.limits.allow("login", maxCodes):
		return Refuse(http.StatusTooManyRequests, "too many attempts: wait a minute")
	}
	return &Problem{Status: http.StatusForbidden, Message: "the code is not valid, or was used", Hints: []string{"git crosslink dashboard login-url"}}
}

// Seen returns the sessions that were used since it was asked last, and when.
func (g *Guard) Seen() map[string]event.Time { return g.limits.takeSeen() }
