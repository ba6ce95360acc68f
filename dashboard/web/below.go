package web

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// A server may be reached below a path (--base-url https://example.com/dash). Handlers and
// templates do not know it: the path is taken off requests, and put before the links of what
// is sent.

// below takes the server's path off a request; false if the request is for another path.
func (s *Server) below(q *http.Request) (*http.Request, bool) {
	if s.Path == "" {
		return q, true
	}
	at, found := strings.CutPrefix(q.URL.Path, s.Path)
	if !found || at != "" && at[0] != '/' {
		return q, false
	}
	if at == "" {
		at = "/"
	}
	// an escaped path is kept only if it is one below the path, too: the guard reads both
	raw, found := strings.CutPrefix(q.URL.RawPath, s.Path)
	if q.URL.RawPath != "" && !found {
		return q, false
	}
	r := q.WithContext(q.Context())
	r.URL = &url.URL{Path: at, RawPath: raw, RawQuery: q.URL.RawQuery}
	return r, true
}

// links are the attributes of a page that hold paths of this server. Text of others cannot
// hold one: its quotation marks are escaped.
var links = regexp.MustCompile(`( (?:href|src|action|formaction|data-base)=")/`)

// placed is a page whose links lead below the server's path.
func (s *Server) placed(page []byte) []byte {
	if s.Path == "" {
		return page
	}
	return links.ReplaceAll(bytes.Clone(page), []byte("${1}"+s.Path+"/"))
}

// redirect leads a browser to another page.
func (s *Server) redirect(r *request, to string) {
	http.Redirect(r.W, r.Request, s.Path+to, http.StatusSeeOther)
}
