// Package notify decides which alerts an endpoint is sent, what the request contains, how it
// is signed (Standard Webhooks 1.0), and when it is tried again. dashboard/deliver sends it.
package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
)

// Kind is the form of the requests to an endpoint.
type Kind string

// The kinds.
const (
	Standard Kind = "standard" // Standard Webhooks 1.0
	Generic  Kind = "generic"  // the body of crosslink 0.9, signed like a standard one
	Slack    Kind = "slack"
	Discord  Kind = "discord"
)

// Kinds are all of them.
var Kinds = []Kind{Standard, Generic, Slack, Discord}

// Endpoint is where notifications are sent.
type Endpoint struct {
	ID     int64
	Kind   Kind
	Name   string
	URL    string
	Filter Filter
	Local  bool // it is on this machine
}

// Filter says which alerts an endpoint is sent. The zero value lets all through.
type Filter struct {
	Projects []string        `json:"projects,omitempty"` // slugs
	Severity alerts.Severity `json:"severity,omitempty"` // at least
	Kinds    []alerts.Kind   `json:"kinds,omitempty"`
	Digest   bool            `json:"digest,omitempty"` // it is also sent a digest each day
}

// Lets reports whether an endpoint is sent an alert of a project.
func (f Filter) Lets(project string, a *alerts.Alert) bool {
	return (len(f.Projects) == 0 || slices.Contains(f.Projects, project)) && (f.Severity == "" || a.Severity.AtLeast(f.Severity)) &&
		(len(f.Kinds) == 0 || slices.Contains(f.Kinds, a.Kind))
}

// KindOf guesses the kind of an endpoint from the host of its URL, which must be exactly that
// of a service.
func KindOf(at string) Kind {
	u, err := url.Parse(at)
	switch {
	case err != nil || u.Scheme != "https":
	case u.Hostname() == "hooks.slack.com":
		return Slack
	case (u.Hostname() == "discord.com" || u.Hostname() == "discordapp.com") && strings.HasPrefix(u.Path, "/api/webhooks/"):
		return Discord
	}
	return Standard
}

// ports are those to which requests may be sent, except on this machine.
var ports = []string{"", "443", "80", "8443"}

// Check says what is wrong with an endpoint.
func (e *Endpoint) Check() error {
	u, err := url.Parse(e.URL)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return errors.New("the URL of an endpoint is of the form https://host/path")
	}
	switch {
	case !slices.Contains(Kinds, e.Kind):
		return fmt.Errorf("'%s' is no kind of endpoint: it is one of standard, generic, slack and discord", e.Kind)
	case len(e.URL) > 2048 || len(e.Name) > 128:
		return errors.New("the URL or the name of the endpoint is too long")
	case u.User != nil:
		return errors.New("the URL of an endpoint holds no password: requests are signed")
	case u.Fragment != "":
		return errors.New("the URL of an endpoint has no fragment")
	case e.Local && !loopback(u.Hostname()):
		return errors.New("an endpoint on this machine is http://127.0.0.1 or http://[::1]")
	case e.Local && (u.Scheme == "http" || u.Scheme == "https"):
		return nil
	case u.Scheme != "https":
		return errors.New("the URL of an endpoint begins with https:// (http:// only on this machine: --local)")
	case !slices.Contains(ports, u.Port()):
		return errors.New("the port of an endpoint is 443, 80 or 8443")
	}
	return nil
}

// loopback reports whether a host is a literal address of this machine.
func loopback(host string) bool { return host == "127.0.0.1" || host == "::1" }

// Masked returns a URL without what may be a secret: only scheme and host.
func Masked(at string) string {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		return "(not a URL)"
	}
	return u.Scheme + "://" + u.Host + "/…"
}

// secretBytes is how long a secret is.
const secretBytes = 32

const secretPrefix = "whsec_"

// FormatSecret is a secret as people get it.
func FormatSecret(secret []byte) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(secret)
}

// NewSecret makes a secret of random bytes.
func NewSecret(read func([]byte) (int, error)) ([]byte, error) {
	b := make([]byte, secretBytes)
	_, err := read(b)
	return b, err
}

// Sign is the webhook-signature of a request: that of each secret.
func Sign(secrets [][]byte, id string, at time.Time, body []byte) string {
	var all []string
	for _, s := range secrets {
		m := hmac.New(sha256.New, s)
		fmt.Fprintf(m, "%s.%d.", id, at.Unix())
		m.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(m.Sum(nil)))
	}
	return strings.Join(all, " ")
}

// waits are how long after each try that failed the next one follows.
var waits = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// MaxTries is how often a notification is tried.
var MaxTries = len(waits) + 1

// maxRetryAfter bounds what a server may ask for.
const maxRetryAfter = 24 * time.Hour

// Next is the time between one try and the next; false if there is no next try. chance is
// in [0, 1): it spreads tries by a fifth either way. The server's Retry-After is obeyed
// where it is longer.
func Next(tries int, chance float64, retryAfter time.Duration) (time.Duration, bool) {
	if tries < 1 || tries > len(waits) {
		return 0, false
	}
	wait := time.Duration(float64(waits[tries-1]) * (0.8 + 0.4*chance))
	return max(wait, min(retryAfter, maxRetryAfter)), true
}

// GiveUpAfter is how long an endpoint may fail before it is disabled.
const GiveUpAfter = 5 * 24 * time.Hour

// RetryAfter reads the header of that name.
func RetryAfter(header string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(header)); err == nil {
		return time.Duration(min(max(n, 0), int(maxRetryAfter/time.Second))) * time.Second
	}
	for _, form := range []string{time.RFC1123, "Mon, 02 Jan 2006 15:04:05 GMT"} {
		if at, err := time.Parse(form, header); err == nil {
			return min(max(at.Sub(now), 0), maxRetryAfter)
		}
	}
	return 0
}
