package guard

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

func TestCodesEnd(t *testing.T) {
	at := time.Unix(1_750_000_000, 0)
	c := codes{now: func() time.Time { return at }}
	code := c.mint()
	at = at.Add(codeLife)
	if !c.take(code) {
		t.Error("a code of exactly two minutes is refused")
	}
	code = c.mint()
	at = at.Add(codeLife + 1)
	if c.take(code) {
		t.Error("a code older than two minutes is taken")
	}
}

func TestLimits(t *testing.T) {
	at := time.Unix(1_750_000_000, 0)
	l := limits{now: func() time.Time { return at }}
	for k := range 30 {
		if !l.allow("x", 30) {
			t.Fatalf("refused after %d", k)
		}
	}
	if l.allow("x", 30) || !l.allow("y", 30) {
		t.Error("the bound is not each one's own")
	}
	at = at.Add(time.Minute)
	if !l.allow("x", 30) {
		t.Error("refused in the next minute")
	}
}

// TestStrangersNamesAreNotKept: a sender cannot fill the limits with names of receivers that do
// not exist, nor use up what a receiver may get.
func TestStrangersNamesAreNotKept(t *testing.T) {
	d, err := db.Open(t.Context(), t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Track(t.Context(), db.Project{ID: "a", Slug: "o/a", Place: db.Place{Kind: db.PlacePath, Path: "/a"}}); err != nil {
		t.Fatal(err)
	}
	one, _, err := d.AddReceiver(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	route, mux := &Route{Pattern: "POST /hook/{name}", Scope: Signed}, http.NewServeMux()
	mux.HandleFunc(route.Pattern, func(http.ResponseWriter, *http.Request) {})
	g := New(Options{DB: d, Now: func() time.Time { return time.Unix(1_750_000_000, 0) }, Hosts: []string{"localhost"}}, mux, []*Route{route})
	send := func(name string) int {
		t.Helper()
		_, err := g.Check(httptest.NewRecorder(), httptest.NewRequest("POST", "http://localhost/hook/"+name, nil))
		p := (*Problem)(nil)
		switch {
		case err == nil:
			return 200
		case errors.As(err, &p):
			return p.Status
		}
		t.Fatal(err)
		return 0
	}
	for _, name := range []string{"x", strings.Repeat("x", 10_000), one.Name + "0", strings.ToUpper(one.Name[:31]) + "F", one.Name[:31] + "%41"} {
		if got := send(name); got != 404 {
			t.Errorf("a name that no receiver can have: %d, want 404", got)
		}
	}
	for k := range 500 {
		want := 404
		if k >= maxSigned {
			want = 429
		}
		if got := send(fmt.Sprintf("%032x", k)); got != want {
			t.Fatalf("unknown name %d: %d, want %d", k, got, want)
		}
	}
	for k := range maxSigned + 1 {
		want := 200
		if k >= maxSigned {
			want = 429
		}
		if got := send(one.Name); got != want {
			t.Fatalf("request %d of the receiver: %d, want %d", k, got, want)
		}
	}
	if len(g.limits.counts) != 2 {
		t.Errorf("%d names are counted, want the receiver and one for all others", len(g.limits.counts))
	}
}
