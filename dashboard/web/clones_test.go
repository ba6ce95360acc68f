package web

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
)

// TestTwoClonesOfOneHub: two clones of one hub are one project, whose alerts are there once. What
// is wrong with one of the clones is shown, and the other one is shown in its place.
func TestTwoClonesOfOneHub(t *testing.T) {
	w := dashtest.New(t)
	a, b := w.Clone("a"), w.Clone("b")
	w.Create(a, "late", overdue)
	s := serve(t, w, nil, a, b, w.Hub)
	s.login()
	for _, id := range []string{"id-b", "id-hub.git"} {
		if _, err := s.poller.Poll(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	s.poll()
	if got := tiles(s.get("/projects")); got != "o/a" {
		t.Errorf("projects: %s", got)
	}
	contains(t, s.get("/projects?q=o/b"), "through", `<a href="/p/o/b/health">o/b</a>`)
	contains(t, s.get("/projects.json"), `"places":[{"slug":"o/a"`)
	contains(t, s.get("/p/o/b/health"), "Clones of this hub", a, b, w.Hub)
	for page, key := range map[string]string{"/alerts": `<li data-key="alert-`, "/": `<li data-key="o/a overdue_issue`} {
		if n := strings.Count(s.get(page), key); n != 1 {
			t.Errorf("%s shows the alert %d times", page, n)
		}
	}
	contains(t, s.get("/"), "Who works on what") // with one project the start page is its overview
	contains(t, s.get("/p/o/b"), "late")         // each clone can be looked at
	s.Check(os.Rename(a, a+"-gone"))
	if _, err := s.poller.Poll(t.Context(), "id-a"); err == nil {
		t.Error("a clone that is gone was looked at")
	}
	if got := tiles(s.get("/projects")); got != "o/b" {
		t.Errorf("projects after one clone is gone: %s", got)
	}
	contains(t, s.get("/"), "dashboard could not fetch the hub branch")
}

// TestCopiesAreNamed: a hub that was copied has the id of the original, and both pages say so.
func TestCopiesAreNamed(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	w.Git("clone", "-q", "--mirror", w.Hub, "copy.git")
	w.Git("clone", "-q", "copy.git", "b")
	b := filepath.Join(w.Dir, "b")
	s := serve(t, w, nil, a, b)
	s.login()
	if _, err := s.poller.Poll(t.Context(), "id-b"); err != nil {
		t.Fatal(err)
	}
	s.poll()
	contains(t, s.get("/p/o/a/health"), "same hub id", `<a href="/p/o/b/health">o/b</a> at `+filepath.Join(w.Dir, "copy.git"))
	contains(t, s.get("/p/o/b/health.json"), `"copies":[{"slug":"o/a","url":"`+w.Hub+`"}]`)
	if got := tiles(s.get("/projects")); got != "o/a o/b" && got != "o/b o/a" {
		t.Errorf("projects: %s", got)
	}
}
