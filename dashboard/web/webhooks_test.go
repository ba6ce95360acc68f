package web

import (
	"net/url"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
)

// TestWebhooks: an endpoint is added on the page, its secret shown once, its URL
// never, and what is sent is listed.
func TestWebhooks(t *testing.T) {
	w := dashtest.New(t)
	s := serve(t, w, nil, w.Clone("a"))
	s.login()
	contains(t, s.get("/settings/webhooks"), "There are no endpoints", "Nothing was sent yet")
	add := url.Values{"url": {"https://example.com/hook?token=s3cr3t"}, "name": {"pager"}, "severity": {"warning"}, "request": {s.request("/settings/webhooks")}}
	page := s.do("POST", "/settings/webhooks", add, s.own()...).body
	contains(t, page, "whsec_", "https://example.com/…", "pager", "warning or worse")
	again := s.get("/settings/webhooks")
	if strings.Contains(again, "whsec_") || strings.Contains(again, "s3cr3t") || strings.Contains(page, "s3cr3t") {
		t.Error("a secret is shown again")
	}
	s.try("the URL of an endpoint begins with https:// (http:// only on this machine: --local)", "/settings/webhooks", "/settings/webhooks", url.Values{"url": {"http://example.com"}})
	s.try(`there is no project "o/x"`, "/settings/webhooks", "/settings/webhooks", url.Values{"url": {"https://example.com"}, "project": {"o/x"}})
	s.try("", "/settings/webhooks", "/settings/webhooks/1/test", nil)
	contains(t, s.get("/settings/webhooks"), "test to endpoint 1", "1 queued")
	contains(t, s.get("/settings/webhooks.json"), `"url":"https://example.com/…"`, `"event":"test"`, `"state":"queued"`)
	rotate := url.Values{"request": {s.request("/settings/webhooks")}}
	contains(t, s.do("POST", "/settings/webhooks/1/rotate", rotate, s.own()...).body, "whsec_")
	s.try("", "/settings/webhooks", "/settings/webhooks/1/remove", nil)
	s.try("there is no webhook 1", "/settings/webhooks", "/settings/webhooks/1/remove", nil)
	s.try("there is no such webhook", "/settings/webhooks", "/settings/webhooks/1/dance", nil)
	if audit := s.get("/audit.json"); strings.Contains(audit, "s3cr3t") || strings.Contains(audit, "whsec_") {
		t.Error("a secret is in the audit log")
	}
}
