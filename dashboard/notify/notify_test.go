package notify

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
)

// TestSignatureIsStandard: the reference library accepts our signatures, and
// refuses others.
func TestSignatureIsStandard(t *testing.T) {
	secret, err := NewSecret(func(b []byte) (int, error) { return copy(b, strings.Repeat("k", len(b))), nil })
	if err != nil {
		t.Fatal(err)
	}
	reference, err := webhooks.NewWebhook(FormatSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"type":"test"}`)
	check := func(what string, secrets [][]byte, at time.Time, sent []byte, want bool) {
		t.Helper()
		h := http.Header{}
		h.Set("webhook-id", "msg_1")
		h.Set("webhook-timestamp", jsonOf(at.Unix()))
		h.Set("webhook-signature", Sign(secrets, "msg_1", at, body))
		if err := reference.Verify(sent, h); (err == nil) != want {
			t.Errorf("%s: %v", what, err)
		}
	}
	now := time.Now()
	check("as it is", [][]byte{secret}, now, body, true)
	check("while a secret is rotated", [][]byte{[]byte("other"), secret}, now, body, true)
	check("another secret", [][]byte{[]byte("other")}, now, body, false)
	check("another body", [][]byte{secret}, now, []byte("{}"), false)
	check("an old request", [][]byte{secret}, now.Add(-time.Hour), body, false)
}

func jsonOf(v any) string { b, _ := json.Marshal(v); return string(b) }

func TestEndpoints(t *testing.T) {
	for at, want := range map[string]struct {
		kind  Kind
		local bool
		ok    bool
	}{
		"https://example.com/hook":                        {Standard, false, true},
		"https://example.com:8443/hook":                   {Standard, false, true},
		"https://hooks.slack.com/services/x":              {Slack, false, true},
		"https://evil.example/?://hooks.slack.com/":       {Standard, false, true},
		"https://discord.com/api/webhooks/1/x":            {Discord, false, true},
		"https://discord.com.evil.example/api/webhooks/1": {Standard, false, true},
		"http://127.0.0.1:9000/x":                         {Standard, true, true},
		"http://[::1]:9000/x":                             {Standard, true, true},
		"http://example.com/hook":                         {Standard, false, false},
		"http://127.0.0.1:9000/":                          {Standard, false, false},
		"http://localhost:9000/x":                         {Standard, true, false},
		"http://127.0.0.1.example.com/":                   {Standard, true, false},
		"https://example.com:22/":                         {Standard, false, false},
		"https://user:secret@example.com/":                {Standard, false, false},
		"ftp://example.com/":                              {Standard, false, false},
		"gopher://127.0.0.1/":                             {Standard, true, false},
		"https:example.com":                               {Standard, false, false},
		"":                                                {Standard, false, false},
	} {
		e := Endpoint{Kind: KindOf(at), URL: at, Local: want.local}
		if err := e.Check(); e.Kind != want.kind || (err == nil) != want.ok {
			t.Errorf("%q: %s, %v", at, e.Kind, err)
		}
	}
	if got := Masked("https://hooks.slack.com/services/T/B/secret?x=secret"); got != "https://hooks.slack.com/…" {
		t.Error(got)
	}
}

func TestWhenItIsTriedAgain(t *testing.T) {
	total := time.Duration(0)
	tries := 1
	for ; ; tries++ {
		low, more := Next(tries, 0, 0)
		high, _ := Next(tries, 0.999999, 0)
		if !more {
			break
		}
		if mid := (low + high) / 2; high < low || high > mid*3/2 {
			t.Errorf("after try %d: %s … %s", tries, low, high)
		} else {
			total += mid
		}
	}
	if tries != MaxTries || tries != 10 || total < 75*time.Hour || total > 77*time.Hour {
		t.Errorf("%d tries in %s", tries, total)
	}
	if got, _ := Next(1, 0.5, time.Hour); got != time.Hour {
		t.Errorf("Retry-After is not obeyed: %s", got)
	}
	if got, _ := Next(1, 0.5, 1000*time.Hour); got != 24*time.Hour {
		t.Errorf("Retry-After is obeyed without a bound: %s", got)
	}
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{"": 0, "120": 2 * time.Minute, "-5": 0, "soon": 0, "Sun, 01 Mar 2026 10:01:00 GMT": time.Minute, "Sun, 01 Mar 2020 10:01:00 GMT": 0, "99999999999": 24 * time.Hour} {
		if got := RetryAfter(header, now); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

func TestBodies(t *testing.T) {
	m := Message{Event: Firing, Project: "o/r", At: 1_800_000_000e9, Alert: alerts.Alert{ID: 7, Identity: alerts.Identity{Kind: alerts.StaleLock, Subject: "lock:x"}, Ref: "lock:4",
		Severity: alerts.Warning, Detail: "<!channel> " + strings.Repeat("é", 5000), Opened: 1_800_000_000e9}}
	for _, k := range Kinds {
		b, err := Body(k, &m)
		if err != nil || !json.Valid(b) || len(b) > 20<<10 {
			t.Errorf("%s: %d bytes, %v", k, len(b), err)
		}
		if k == Slack && strings.Contains(string(b), "<!channel>") {
			t.Errorf("a text mentions a channel: %s", b)
		}
	}
	m.Alert.Detail = "lock on issue #4 held by x for 61 minute(s)"
	b, _ := Body(Generic, &m)
	want := `{"detail":"lock on issue #4 held by x for 61 minute(s)","event":"crosslink.alert.opened","kind":"stale_lock","opened_at":"2027-01-15T08:00:00Z","project_slug":"o/r","severity":"warning","subject_ref":"lock:4"}`
	if string(b) != want {
		t.Errorf("%s\nwant %s", b, want)
	}
}

func TestFilter(t *testing.T) {
	a := alerts.Alert{Identity: alerts.Identity{Kind: alerts.StaleLock}, Severity: alerts.Warning}
	for _, c := range []struct {
		f    Filter
		want bool
	}{
		{Filter{}, true}, {Filter{Projects: []string{"o/r"}}, true}, {Filter{Projects: []string{"o/x"}}, false},
		{Filter{Severity: alerts.Info}, true}, {Filter{Severity: alerts.Critical}, false},
		{Filter{Kinds: []alerts.Kind{alerts.StaleLock}}, true}, {Filter{Kinds: []alerts.Kind{alerts.Storm}}, false},
	} {
		if got := c.f.Lets("o/r", &a); got != c.want {
			t.Errorf("%+v: %v", c.f, got)
		}
	}
}
