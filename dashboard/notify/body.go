package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/event"
)

// Event is what a notification is about.
type Event string

// The events.
const (
	Firing   Event = "alert.firing"
	Resolved Event = "alert.resolved"
	Flapped  Event = "alert.flapped" // it fired and resolved many times, and is quiet now
	Acked    Event = "alert.acked"
	Digest   Event = "digest.daily"
	Disabled Event = "endpoint.disabled" // another endpoint was disabled
	Test     Event = "test"
)

// EventOf is the event of a notice; "" if there is none.
func EventOf(n alerts.Notice) Event {
	return map[alerts.Notice]Event{alerts.NoticeFiring: Firing, alerts.NoticeResolved: Resolved, alerts.NoticeFlapped: Flapped}[n]
}

// Message is one notification, before it has the form of an endpoint.
type Message struct {
	Event   Event
	Project string // slug
	At      event.Time
	Alert   alerts.Alert
	Digest  *DigestOf // of a digest
}

// maxDetail is how much of an alert's text is sent.
const maxDetail = 2048

// Body is the body of a request.
func Body(k Kind, m *Message) ([]byte, error) {
	detail := cut(m.Alert.NowDetail, maxDetail)
	if m.Event == Resolved || detail == "" {
		detail = cut(m.Alert.Detail, maxDetail)
	}
	project := m.Project
	if project == "" {
		project = "dashboard"
	}
	if m.Digest != nil {
		detail = m.Digest.text()
	}
	switch k {
	case Generic:
		return json.Marshal(map[string]any{"event": generic[m.Event], "kind": m.Alert.Kind, "severity": m.Alert.Severity, "project_slug": m.Project,
			"subject_ref": m.Alert.Ref, "detail": detail, "opened_at": m.Alert.Opened.Std().Format(time.RFC3339)})
	case Slack:
		text := fmt.Sprintf("*%s* %s: %s", escapeSlack(project), headline(m), escapeSlack(detail))
		return json.Marshal(map[string]any{"text": text, "blocks": []any{map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": text}}}})
	case Discord:
		return json.Marshal(map[string]any{"content": "", "allowed_mentions": map[string]any{"parse": []string{}},
			"embeds": []any{map[string]any{"title": project + ": " + headline(m), "description": detail, "color": colors[m.Alert.Severity]}}})
	}
	data := map[string]any{"project": m.Project}
	switch m.Event {
	case Test:
	case Digest:
		return standard(m, m.Digest)
	case Disabled:
		return standard(m, map[string]any{"endpoint": m.Alert.Ref, "detail": detail})
	default:
		data["alert"] = map[string]any{"id": m.Alert.ID, "kind": m.Alert.Kind, "severity": m.Alert.Severity, "subject": m.Alert.Subject, "subject_ref": m.Alert.Ref,
			"detail": detail, "opened_at": timeOf(m.Alert.Opened), "resolved_at": timeOf(m.Alert.Resolved), "acknowledged_by": m.Alert.Ack.By}
	}
	return standard(m, data)
}

// standard is a body of Standard Webhooks.
func standard(m *Message, data any) ([]byte, error) {
	return json.Marshal(struct {
		Type      Event  `json:"type"`
		Timestamp string `json:"timestamp"`
		Data      any    `json:"data"`
	}{m.Event, m.At.String(), data})
}

// generic are the names that crosslink 0.9 had, or would have.
var generic = map[Event]string{Firing: "crosslink.alert.opened", Resolved: "crosslink.alert.resolved", Flapped: "crosslink.alert.flapped", Acked: "crosslink.alert.acknowledged",
	Digest: "crosslink.digest.daily", Disabled: "crosslink.endpoint.disabled", Test: "crosslink.test"}

var colors = map[alerts.Severity]int{alerts.Critical: 0xe61e4c, alerts.Warning: 0xf59e0b, alerts.Info: 0x38bdf8}

// headline says in words what happened.
func headline(m *Message) string {
	what := strings.ReplaceAll(string(m.Alert.Kind), "_", " ")
	switch m.Event {
	case Test:
		return "this is a test"
	case Digest:
		return "what happened until " + m.Digest.Day
	case Disabled:
		return "a webhook was disabled"
	case Resolved:
		return what + " is resolved"
	case Flapped:
		return what + " fired again and again, and is quiet now"
	case Acked:
		return what + " was acknowledged"
	}
	return what + " (" + string(m.Alert.Severity) + ")"
}

// slack takes the meaning from what Slack reads as a mention or a link.
var slack = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func escapeSlack(s string) string { return slack.Replace(s) }

func timeOf(t event.Time) *string {
	if t == 0 {
		return nil
	}
	s := t.String()
	return &s
}

// cut is the beginning of a text, no character cut in two.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
