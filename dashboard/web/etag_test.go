package web

import (
	"net/url"
	"testing"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

// TestUnchanged: a client that already has a page, its JSON or a table gets 304, but only as
// long as nothing in it has changed.
func TestUnchanged(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	s.login()
	s.Check(s.db.SetStatus(t.Context(), "id-a", db.Active))
	for _, path := range []string{"/p/o/a/i/1", "/p/o/a/i/1.json", "/p/o/a/issues", "/alerts?format=csv", old + "/projects/o/a"} {
		first := s.do("GET", path, nil)
		tag := first.header.Get("ETag")
		if first.status != 200 || tag == "" {
			t.Fatalf("%s: %d, ETag %q", path, first.status, tag)
		}
		for _, header := range []string{tag, `"other", ` + tag} {
			if got := s.do("GET", path, nil, "If-None-Match", header); got.status != 304 || got.body != "" || got.header.Get("ETag") != tag || got.header.Get("Content-Security-Policy") == "" {
				t.Errorf("%s, again: %d, ETag %q, %d bytes", path, got.status, got.header.Get("ETag"), len(got.body))
			}
		}
		for _, header := range []string{`"other"`, "*", ""} {
			if got := s.do("GET", path, nil, "If-None-Match", header); got.status != 200 {
				t.Errorf("%s with %s: %d", path, header, got.status)
			}
		}
	}
	issue, list := s.do("GET", "/p/o/a/i/1", nil).header.Get("ETag"), s.do("GET", "/p/o/a/i/1.json", nil).header.Get("ETag")
	if d := s.post("/p/o/a/i/1", "/p/o/a/i/1/comment", url.Values{"text": {"news"}}); !d.OK {
		t.Fatalf("%+v", d.Error)
	}
	for path, tag := range map[string]string{"/p/o/a/i/1": issue, "/p/o/a/i/1.json": list} {
		if got := s.do("GET", path, nil, "If-None-Match", tag); got.status != 200 || got.header.Get("ETag") == tag {
			t.Errorf("%s after a comment: %d", path, got.status)
		}
	}
	if got := s.do("GET", "/nowhere", nil); got.header.Get("ETag") != "" {
		t.Error("a refusal has an ETag")
	}
}
