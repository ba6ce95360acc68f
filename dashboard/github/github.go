// Package github finds the repositories of an organization that have a tracker, through
// the REST API of GitHub. Everything that comes back was written by others: what is
// read is bounded, links are followed on the same server only, and names are checked.
//
// A token is a header of a request to that server, and nothing else: it is in no error,
// no log and no file.
package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The limits of requests.
const (
	perPage   = 100
	maxPages  = 50
	maxBody   = 8 << 20
	patience  = 30 * time.Second
	version   = "2022-11-28"
	maxCached = 16 << 20 // of all answers that are kept
)

// Public is where the API of github.com is.
const Public = "https://api.github.com"

// State says what a repository holds.
type State string

// The states.
const (
	None    State = ""
	Tracker State = "tracker"
	Older   State = "older-format" // a tracker of crosslink 0.9
)

// Repository is one repository.
type Repository struct {
	FullName string `json:"full_name"`
	HTTPS    string `json:"clone_url"`
	SSH      string `json:"ssh_url"`
	Default  string `json:"default_branch"`
	Archived bool   `json:"archived"`
	State    State  `json:"-"`
}

// Cached is an answer that may be asked for again without counting.
type Cached struct {
	ETag string          `json:"etag"`
	Next string          `json:"next,omitempty"`
	Body json.RawMessage `json:"body"`
}

// Client asks one server.
type Client struct {
	Base  string // Public, or that of another server
	Token string // "" asks as nobody
	Cache map[string]Cached
	Now   func() time.Time

	client http.Client
}

// New returns a client of a server. A token is sent over https, or to this machine.
func New(base, token string, now func() time.Time) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("'%s' is not the URL of an API", base)
	}
	local := u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" || u.Hostname() == "localhost"
	if u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return nil, fmt.Errorf("the URL of the API begins with https://, not '%s'", u.Scheme+"://")
	}
	c := &Client{Base: strings.TrimSuffix(base, "/"), Token: token, Cache: map[string]Cached{}, Now: now}
	c.client = http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c, nil
}

// LimitError says that the server wants to be left alone.
type LimitError struct{ Until time.Time }

// Error implements error.
func (e *LimitError) Error() string {
	return "GitHub's limit of requests is reached until " + e.Until.Local().Format("15:04:05")
}

// StatusError is an answer that is not one.
type StatusError struct {
	Status int
	What   string
}

// Error implements error.
func (e *StatusError) Error() string {
	switch e.Status {
	case http.StatusUnauthorized:
		return "GitHub refuses the token"
	case http.StatusForbidden:
		return "the token may not read " + e.What
	case http.StatusNotFound:
		return "GitHub knows no " + e.What
	}
	return fmt.Sprintf("GitHub answers %d for %s", e.Status, e.What)
}

var (
	orgForm  = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?$`)
	nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,99}/[A-Za-z0-9_.-]{1,100}$`)
)

// ValidOrg reports whether a word can be the name of an organization.
func ValidOrg(org string) bool { return orgForm.MatchString(org) }

// Organization returns the repositories of an organization, or of a user, that have a
// tracker.
func (c *Client) Organization(ctx context.Context, org string) ([]Repository, error) {
	if !ValidOrg(org) {
		return nil, fmt.Errorf("'%s' is not the name of an organization", org)
	}
	all, err := c.list(ctx, "/orgs/"+org+"/repos", org)
	if missing := (*StatusError)(nil); errors.As(err, &missing) && missing.Status == http.StatusNotFound {
		all, err = c.list(ctx, "/users/"+org+"/repos", org)
	}
	if err != nil {
		return nil, err
	}
	found := []Repository{}
	for _, r := range all {
		if r.State, err = c.state(ctx, r.FullName); err != nil {
			return nil, err
		}
		if r.State != None {
			found = append(found, r)
		}
	}
	return found, nil
}

// list reads all pages of a list of repositories.
func (c *Client) list(ctx context.Context, path, org string) (all []Repository, err error) {
	at := fmt.Sprintf("%s%s?per_page=%d&type=all", c.Base, path, perPage)
	for range maxPages {
		var page []Repository
		next, err := c.get(ctx, at, "organization '"+org+"'", &page)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			if nameForm.MatchString(r.FullName) && !strings.HasSuffix(r.FullName, "/..") && !strings.HasSuffix(r.FullName, "/.") {
				all = append(all, r)
			}
		}
		if next == "" {
			return all, nil
		}
		at = next
	}
	return nil, fmt.Errorf("'%s' has more than %d repositories", org, maxPages*perPage)
}

// state looks at the names of the tracker's branches.
func (c *Client) state(ctx context.Context, name string) (State, error) {
	var refs []struct {
		Ref string `json:"ref"`
	}
	_, err := c.get(ctx, c.Base+"/repos/"+name+"/git/matching-refs/heads/crosslink/", "repository '"+name+"'", &refs)
	if missing := (*StatusError)(nil); errors.As(err, &missing) && (missing.Status == http.StatusNotFound || missing.Status == http.StatusConflict) {
		return None, nil // it is gone, or empty
	}
	state := None
	for _, r := range refs {
		switch r.Ref {
		case "refs/heads/crosslink/meta":
			return Tracker, err
		case "refs/heads/crosslink/hub", "refs/heads/crosslink/checkpoint":
			state = Older
		}
	}
	return state, err
}

// get reads one answer, and returns where the next page is. A repeated request names the ETag,
// so it does not count.
func (c *Client) get(ctx context.Context, at, what string, into any) (next string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", errors.New("the URL of the API cannot be used")
	}
	r.Header.Set("Accept", "application/vnd.github+json")
	r.Header.Set("X-GitHub-Api-Version", version)
	r.Header.Set("User-Agent", "git-crosslink-dashboard")
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	known, cached := c.Cache[at]
	if cached {
		r.Header.Set("If-None-Match", known.ETag)
	}
	got, err := c.client.Do(r)
	if err != nil {
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err
		}
		return "", fmt.Errorf("cannot reach GitHub: %w", err)
	}
	defer got.Body.Close()
	if cached && got.StatusCode == http.StatusNotModified {
		return known.Next, json.Unmarshal(known.Body, into)
	}
	if err := c.limit(got); err != nil {
		return "", err
	}
	if got.StatusCode != http.StatusOK {
		return "", &StatusError{got.StatusCode, what}
	}
	b, err := io.ReadAll(io.LimitReader(got.Body, maxBody+1))
	if err != nil || len(b) > maxBody {
		return "", errors.Join(err, fmt.Errorf("the answer for %s is too large", what))
	}
	if err := json.Unmarshal(b, into); err != nil {
		return "", fmt.Errorf("the answer for %s cannot be read", what)
	}
	if next, err = c.next(got.Header.Get("Link")); err != nil {
		return "", err
	}
	if tag := got.Header.Get("ETag"); tag != "" && len(tag) < 200 {
		if small, err := json.Marshal(into); err == nil { // only what is read of it
			c.Cache[at] = Cached{tag, next, small}
		}
	}
	return next, nil
}

// limit reports that there were too many requests.
func (c *Client) limit(got *http.Response) error {
	if got.StatusCode != http.StatusForbidden && got.StatusCode != http.StatusTooManyRequests {
		return nil
	}
	if n, err := strconv.Atoi(got.Header.Get("Retry-After")); err == nil && n >= 0 && n < 1e6 {
		return &LimitError{c.Now().Add(time.Duration(n) * time.Second)}
	}
	if reset, err := strconv.ParseInt(got.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil && got.Header.Get("X-RateLimit-Remaining") == "0" {
		return &LimitError{time.Unix(reset, 0)}
	}
	if got.StatusCode == http.StatusTooManyRequests {
		return &LimitError{c.Now().Add(time.Minute)}
	}
	return nil
}

var nextLink = regexp.MustCompile(`<([^<>]*)>; *rel="next"`)

// next is the page that a header links to. It is followed on the same server only: the
// token goes there.
func (c *Client) next(header string) (string, error) {
	m := nextLink.FindStringSubmatch(header)
	if m == nil {
		return "", nil
	}
	if !strings.HasPrefix(m[1], c.Base+"/") {
		return "", errors.New("GitHub links to another server for the next page")
	}
	return m[1], nil
}

// Trimmed is the cache if it is small enough to be kept.
func (c *Client) Trimmed() map[string]Cached {
	size := 0
	for at, one := range c.Cache {
		size += len(at) + len(one.Body) + len(one.ETag)
	}
	if size > maxCached {
		return nil
	}
	return c.Cache
}
