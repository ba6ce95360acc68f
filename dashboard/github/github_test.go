package github

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const token = "ghp_not-to-be-seen"

// server is GitHub, as far as it is asked: two pages of repositories, their refs, ETags.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int // paths, with the status that was answered
	fail  func(w http.ResponseWriter, r *http.Request) bool
}

func serve(t *testing.T) *server {
	s := &server{asked: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		answer := func(status int, body string) {
			s.asked[fmt.Sprint(r.URL.Path, " ", r.URL.Query().Get("page"), " ", status)]++
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
		if s.fail != nil && s.fail(w, r) {
			return
		}
		if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("Accept") != "application/vnd.github+json" || r.Header.Get("X-GitHub-Api-Version") == "" {
			answer(401, `{"message":"Bad credentials"}`)
			return
		}
		tag := fmt.Sprintf(`W/"%x"`, r.URL.String())
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			answer(304, "")
			return
		}
		repo := func(name string) string {
			return fmt.Sprintf(`{"full_name":"acme/%s","clone_url":"https://github.com/acme/%s.git","ssh_url":"git@github.com:acme/%s.git","default_branch":"main","owner":{"login":"acme"}}`, name, name, name)
		}
		switch r.URL.Path {
		case "/orgs/acme/repos":
			if r.URL.Query().Get("page") == "" {
				w.Header().Set("Link", fmt.Sprintf(`<%s/orgs/acme/repos?per_page=100&page=2>; rel="next", <%s/x>; rel="last"`, s.URL, s.URL))
				answer(200, "["+repo("new")+","+repo("old")+`,{"full_name":"../../etc","clone_url":"x"},{"full_name":"acme/.."}]`)
				return
			}
			answer(200, "["+repo("plain")+","+repo("empty")+"]")
		case "/repos/acme/new/git/matching-refs/heads/crosslink/":
			answer(200, `[{"ref":"refs/heads/crosslink/agents/a"},{"ref":"refs/heads/crosslink/meta"}]`)
		case "/repos/acme/old/git/matching-refs/heads/crosslink/":
			answer(200, `[{"ref":"refs/heads/crosslink/hub"}]`)
		case "/repos/acme/plain/git/matching-refs/heads/crosslink/":
			answer(200, `[]`)
		case "/repos/acme/empty/git/matching-refs/heads/crosslink/":
			answer(409, `{"message":"Git Repository is empty."}`)
		case "/users/me/repos":
			answer(200, `[]`)
		default:
			answer(404, `{"message":"Not Found"}`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func client(t *testing.T, s *server) *Client {
	t.Helper()
	c, err := New(s.URL, token, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func names(all []Repository) (s string) {
	for _, r := range all {
		s += r.FullName + " " + string(r.State) + "\n"
	}
	return s
}

// TestOrganization reads all pages, and asks the second time by the ETags.
func TestOrganization(t *testing.T) {
	s := serve(t)
	c := client(t, s)
	for range 2 {
		all, err := c.Organization(t.Context(), "acme")
		if want := "acme/new tracker\nacme/old older-format\n"; err != nil || names(all) != want {
			t.Fatalf("%q, %v", names(all), err)
		}
		if all[0].HTTPS != "https://github.com/acme/new.git" || all[0].SSH != "git@github.com:acme/new.git" {
			t.Errorf("%+v", all[0])
		}
	}
	for _, once := range []string{"/orgs/acme/repos  200", "/orgs/acme/repos 2 200", "/repos/acme/new/git/matching-refs/heads/crosslink/  200", "/orgs/acme/repos  304", "/orgs/acme/repos 2 304"} {
		if s.asked[once] != 1 {
			t.Errorf("%s: %d times", once, s.asked[once])
		}
	}
	if all, err := c.Organization(t.Context(), "me"); err != nil || len(all) != 0 { // a user is no organization
		t.Errorf("%v %v", all, err)
	}
}

// TestRefusals: each says what to do, and none holds the token.
func TestRefusals(t *testing.T) {
	s := serve(t)
	for name, c := range map[string]struct {
		fail func(w http.ResponseWriter, r *http.Request) bool
		want string
	}{
		"nobody": {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(401); return true }, "GitHub refuses the token"},
		"limit": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("X-RateLimit-Remaining", "0")
			w.Header().Set("X-RateLimit-Reset", "1900000000")
			w.WriteHeader(403)
			return true
		}, "GitHub's limit of requests is reached until "},
		"secondary limit": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(429)
			return true
		}, "GitHub's limit of requests is reached until "},
		"scope":     {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(403); return true }, "the token may not read organization 'acme'"},
		"trouble":   {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(502); return true }, "GitHub answers 502 for organization 'acme'"},
		"no answer": {func(w http.ResponseWriter, _ *http.Request) bool { panic(http.ErrAbortHandler) }, "cannot reach GitHub: EOF"},
		"no JSON":   {func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, "<html>"); return true }, "the answer for organization 'acme' cannot be read"},
		"too much": {func(w http.ResponseWriter, _ *http.Request) bool {
			fmt.Fprint(w, `["`+strings.Repeat("x", maxBody)+`"]`)
			return true
		}, "the answer for organization 'acme' is too large"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "https://evil.example/", http.StatusFound)
			return true
		}, "GitHub answers 302 for organization 'acme'"},
		"another server": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Link", `<https://evil.example/repos?page=2>; rel="next"`)
			fmt.Fprint(w, "[]")
			return true
		}, "GitHub links to another server for the next page"},
		"no end": {func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Link", fmt.Sprintf(`<%s/orgs/acme/repos?page=%d>; rel="next"`, s.URL, time.Now().UnixNano()))
			fmt.Fprint(w, "[]")
			return true
		}, "'acme' has more than 5000 repositories"},
	} {
		s.mu.Lock()
		s.fail = c.fail
		s.mu.Unlock()
		_, err := client(t, s).Organization(t.Context(), "acme")
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if limit := (*LimitError)(nil); strings.Contains(name, "limit") != errors.As(err, &limit) {
			t.Errorf("%s: %T", name, err)
		}
	}
	s.fail = nil
	if _, err := client(t, s).Organization(t.Context(), "nobody"); err == nil || err.Error() != "GitHub knows no organization 'nobody'" {
		t.Errorf("no organization: %v", err)
	}
	for _, org := range []string{"", "-x", "a/b", "..", "a b", strings.Repeat("x", 200)} {
		if _, err := client(t, s).Organization(t.Context(), org); err == nil {
			t.Errorf("%q is taken for an organization", org)
		}
	}
	for _, base := range []string{"", "http://github.example", "ftp://x", "https://me:secret@x", "://"} {
		if _, err := New(base, token, time.Now); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%q is taken for an API: %v", base, err)
		}
	}
}
