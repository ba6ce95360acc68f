package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

// TestReceive: a request that a forge has signed makes a fetch due, once. Any other request
// does nothing.
func TestReceive(t *testing.T) {
	w := dashtest.New(t)
	s := serve(t, w, nil, w.Clone("a"))
	var at atomic.Int64 // how far the clock is ahead: a project is fetched at most every ten seconds
	s.stop()
	s.server.Now = func() time.Time { return time.Now().Add(time.Duration(at.Load())) }
	one, secret, err := s.db.AddReceiver(t.Context(), "id-a")
	s.Check(err)
	two, _, err := s.db.AddReceiver(t.Context(), "id-a")
	s.Check(err)
	body := `{"ref":"refs/heads/crosslink/agents/a"}`
	sign := func(key, body string) string {
		m := hmac.New(sha256.New, []byte(key))
		m.Write([]byte(body))
		return "sha256=" + hex.EncodeToString(m.Sum(nil))
	}
	type answer struct {
		Project     string
		Fetch, Seen bool
		In          int `json:"fetch_seconds"`
	}
	send := func(name, body, signature, delivery string) (int, answer) {
		t.Helper()
		r, err := http.NewRequestWithContext(context.Background(), "POST", "http://"+s.server.Hosts[0]+"/hook/"+name, strings.NewReader(body))
		s.Check(err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Hub-Signature-256", signature)
		r.Header.Set("X-GitHub-Delivery", delivery)
		back := &recorder{header: http.Header{}}
		s.server.ServeHTTP(back, r)
		var d answer
		if back.status < 300 {
			s.Check(json.Unmarshal([]byte(back.body.String()), &d))
		}
		return back.status, d
	}
	for what, c := range map[string]struct {
		name, body, signature string
		want                  int
	}{
		"no signature":              {one.Name, body, "", 403},
		"another body":              {one.Name, body + " ", sign(secret, body), 403},
		"another secret":            {one.Name, body, sign("x", body), 403},
		"a name that nobody has":    {strings.Repeat("0", 32), body, sign(secret, body), 404},
		"the signature of another":  {two.Name, body, sign(secret, body), 403},
		"another hash":              {one.Name, body, strings.Replace(sign(secret, body), "sha256", "sha1", 1), 403},
		"a signature in capitals":   {one.Name, body, strings.ToUpper(sign(secret, body)), 403},
		"a body that is no JSON":    {one.Name, "x=\xff", sign("y", "x=\xff"), 403},
		"an empty secret's digest":  {one.Name, "", sign("", ""), 403},
		"the secret as a signature": {one.Name, body, secret, 403},
	} {
		if got, _ := send(c.name, c.body, c.signature, "d-"+what); got != c.want {
			t.Errorf("%s: %d, want %d", what, got, c.want)
		}
	}
	all, err := s.db.Receivers(t.Context())
	s.Check(err)
	if all[0].Used != 0 {
		t.Error("a request that was refused counts as one that was received")
	}
	if got, d := send(one.Name, body, sign(secret, body), "d1"); got != 202 || d != (answer{"o/a", true, false, 0}) {
		t.Errorf("a push: %d %+v", got, d)
	}
	if got, d := send(one.Name, body, sign(secret, body), "d1"); got != 200 || d != (answer{"o/a", false, true, 0}) {
		t.Errorf("the same delivery: %d %+v", got, d)
	}
	if got, d := send(one.Name, body, sign(secret, body), "d2"); got != 202 || !d.Fetch {
		t.Errorf("another one at once: %d %+v", got, d)
	}
	// a delivery that failed was not received: when it is sent again, it makes a fetch due
	backup, err := s.db.Backup(t.Context())
	s.Check(err)
	raw, err := sql.Open("sqlite", filepath.Join(filepath.Dir(backup), db.File))
	s.Check(err)
	defer raw.Close()
	exec := func(query string) {
		t.Helper()
		_, err := raw.Exec(query)
		s.Check(err)
	}
	exec("CREATE TRIGGER broken BEFORE UPDATE ON receivers BEGIN SELECT raise(abort, 'the disk is full'); END")
	at.Add(int64(time.Minute))
	if got, _ := send(one.Name, body, sign(secret, body), "d3"); got != 500 {
		t.Errorf("a push that cannot be noted: %d, want 500", got)
	}
	if len(s.failed) != 1 || !strings.Contains(s.failed[0], "the disk is full") {
		t.Errorf("the failures are %q", s.failed)
	}
	s.failed = nil // the failure above
	exec("DROP TRIGGER broken")
	if got, d := send(one.Name, body, sign(secret, body), "d3"); got != 202 || d.Seen {
		t.Errorf("the push that failed, sent again: %d %+v", got, d)
	}
	// an id that is too long to be remembered is no id
	for range 2 {
		at.Add(int64(time.Minute))
		if got, d := send(one.Name, body, sign(secret, body), strings.Repeat("x", maxDeliveryID+1)); got != 202 || d.Seen {
			t.Errorf("a push with a long id: %d %+v", got, d)
		}
	}
	for k := range 70 {
		got, _ := send(one.Name, body, "", "")
		if k > 60 && got != 429 {
			t.Fatalf("request %d of a minute: %d", k, got)
		}
	}
	if all, err = s.db.Receivers(t.Context()); err != nil || all[0].Used == 0 {
		t.Errorf("nothing was noted: %+v %v", all, err)
	}
	s.stop = func() {}
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *recorder) Header() http.Header              { return r.header }
func (r *recorder) WriteHeader(status int)           { r.status = status }
func (r *recorder) Write(b []byte) (int, error)      { return r.body.Write(b) }
func (r *recorder) SetWriteDeadline(time.Time) error { return nil }

// TestReceivedForgets: ids are remembered, and not forever.
func TestReceivedForgets(t *testing.T) {
	var o received
	if o.has("a") {
		t.Error("an id is known before it was added")
	}
	o.add("a")
	o.add("a")
	if !o.has("a") || o.next != 1 {
		t.Errorf("an id that was added twice has %d places", o.next)
	}
	for k := range receivedKept {
		o.add(strings.Repeat("b", k/100+1) + string(rune('!'+k%100)))
	}
	if len(o.all) > receivedKept || o.has("a") {
		t.Errorf("%d ids are remembered", len(o.all))
	}
}
