package main

import (
	"net"
	"net/http"
	"net/http/cgi"
	"path/filepath"
	"strings"
)

// serve serves a directory of repositories with git's own CGI program, on the loopback
// address, until stop is called. before is called before each answer.
func (b *bench) serve(dir string, before func(*http.Request)) (url string, stop func(), err error) {
	return b.serveThrough(dir, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, q *http.Request) {
			before(q)
			h.ServeHTTP(rw, q)
		})
	})
}

// serveThrough is serve with a handler around git's program.
func (b *bench) serveThrough(dir string, around func(http.Handler) http.Handler) (url string, stop func(), err error) {
	exe, err := b.cmd("", "git", "--exec-path")().Output()
	if err != nil {
		return "", func() {}, err
	}
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", func() {}, err
	}
	s := &http.Server{Handler: around(http.HandlerFunc(func(rw http.ResponseWriter, q *http.Request) {
		h := cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(exe)), "git-http-backend"),
			Env: append([]string{"GIT_PROTOCOL=" + q.Header.Get("Git-Protocol"), "GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1",
				"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.receivepack", "GIT_CONFIG_VALUE_0=true"}, b.env...)}
		h.ServeHTTP(rw, q)
	}))}
	go s.Serve(at)
	return "http://" + at.Addr().String(), func() { s.Close() }, nil
}
