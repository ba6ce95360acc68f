package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/inbox"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
)

// endpointDoc is an endpoint in JSON. Its secret is shown once, when it is made.
type endpointDoc struct {
	ID           int64         `json:"id"`
	Kind         notify.Kind   `json:"kind"`
	Name         string        `json:"name"`
	URL          string        `json:"url"` // scheme and host
	Filter       notify.Filter `json:"filter"`
	Local        bool          `json:"local"`
	Queued       int           `json:"queued"`
	DisabledAt   instant       `json:"disabled_at"`
	DisabledWhy  string        `json:"disabled_why"`
	FailingSince instant       `json:"failing_since"`
}

// deliveryDoc is a delivery in JSON.
type deliveryDoc struct {
	ID       int64        `json:"id"`
	Endpoint int64        `json:"endpoint"`
	Message  string       `json:"message"`
	Event    notify.Event `json:"event"`
	Body     string       `json:"body"`
	Made     instant      `json:"made_at"`
	State    string       `json:"state"`
	Tries    int          `json:"tries"`
	Tried    instant      `json:"tried_at"`
	Due      instant      `json:"due_at"`
	Status   int          `json:"status"`
	Error    string       `json:"error"`
	Answer   string       `json:"answer"`
}

// webhooksPage is the data of the page of webhooks.
type webhooksPage struct {
	Endpoints  []endpointDoc `json:"endpoints"`
	Deliveries []deliveryDoc `json:"deliveries"`
	Secret     string        `json:"secret,omitempty"` // of an endpoint that was just made
	Choices    choices       `json:"-"`
	Kinds      []notify.Kind `json:"-"`
}

func (s *Server) webhooks(r *request) error { return s.showWebhooks(r, "") }

func (s *Server) showWebhooks(r *request, secret string) error {
	d := webhooksPage{Endpoints: []endpointDoc{}, Deliveries: []deliveryDoc{}, Secret: secret, Kinds: notify.Kinds}
	all, err := s.DB.Endpoints(r.Context())
	if err != nil {
		return err
	}
	for _, x := range all {
		d.Endpoints = append(d.Endpoints, endpointDoc{x.ID, x.Kind, x.Name, notify.Masked(x.URL), x.Filter, x.Local, x.Queued, instant(x.DisabledAt), x.DisabledWhy, instant(x.FailingSince)})
	}
	sent, err := s.DB.Deliveries(r.Context(), 0, pageRows)
	if err != nil {
		return err
	}
	for _, x := range sent {
		d.Deliveries = append(d.Deliveries, deliveryDocOf(x))
	}
	if d.Choices, err = s.choices(r); err != nil {
		return err
	}
	return s.render(r, "webhooks", "Webhooks", d, "webhooks_changed", "alerts_changed")
}

// deliveryDocOf gives a delivery its shape. Only one that waits has a next try.
func deliveryDocOf(x db.Delivery) deliveryDoc {
	d := deliveryDoc{x.ID, x.Endpoint, x.Message, x.Event, string(x.Body), instant(x.Made), x.State, x.Tries, instant(x.Tried), instant(x.Due), x.Status, x.Error, x.Answer}
	if x.State != "queued" {
		d.Due = 0
	}
	return d
}

// disabledEndpoints are a reason to look, until each is enabled or removed.
func (s *Server) disabledEndpoints(r *request) ([]itemDoc, error) {
	all, err := s.DB.Endpoints(r.Context())
	items := []itemDoc{}
	for _, x := range all {
		if x.DisabledAt == 0 {
			continue
		}
		i := inbox.Item{Key: fmt.Sprintf("endpoint %d", x.ID), Group: inbox.Soon, Reason: "webhook_disabled", Severity: alerts.Warning, Since: x.DisabledAt,
			Text: fmt.Sprintf("webhook %d (%s) was disabled: %s", x.ID, notify.Masked(x.URL), x.DisabledWhy)}
		items = append(items, itemDoc{Item: i, Since: instant(x.DisabledAt), Link: "/settings/webhooks"})
	}
	return items, err
}

// addWebhook adds an endpoint and shows its secret.
func (s *Server) addWebhook(r *request) error {
	form := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	x := notify.Endpoint{URL: form("url"), Name: form("name"), Kind: notify.Kind(form("kind")), Local: form("local") != "", Filter: notify.Filter{Severity: alerts.Severity(form("severity")), Digest: form("digest") != ""}}
	if x.Kind == "" {
		x.Kind = notify.KindOf(x.URL)
	}
	if slug := form("project"); slug != "" {
		if _, err := s.DB.Project(r.Context(), slug); err != nil {
			return refuse(http.StatusNotFound, "there is no project %q", slug)
		}
		x.Filter.Projects = []string{slug}
	}
	if k := form("alert"); k != "" {
		x.Filter.Kinds = []alerts.Kind{alerts.Kind(k)}
	}
	if err := x.Check(); err != nil {
		return refuse(http.StatusBadRequest, "%s", err)
	}
	secret := ""
	err := s.audited(r, form("project"), "add webhook", notify.Masked(x.URL), func(ctx context.Context, _ *db.Action) (err error) {
		_, secret, err = s.DB.AddEndpoint(ctx, x)
		return err
	})
	if err != nil && !errors.Is(err, errDone) {
		return err
	}
	s.Changed()
	return s.showWebhooks(r, secret)
}

// actOnWebhook does something with an endpoint, or with a delivery.
func (s *Server) actOnWebhook(r *request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	do := map[string]func(context.Context, int64) error{"test": s.DB.TestEndpoint, "enable": s.DB.EnableEndpoint, "remove": s.DB.RemoveEndpoint, "replay": s.DB.Replay}[r.PathValue("verb")]
	if err != nil || do == nil && r.PathValue("verb") != "rotate" {
		return refuse(http.StatusNotFound, "there is no such webhook")
	}
	subject := fmt.Sprintf("webhook %d", id)
	missing := func(err error) error {
		if errors.Is(err, db.ErrNotFound) {
			return refuse(http.StatusNotFound, "there is no %s", subject)
		}
		return err
	}
	if do != nil {
		defer s.Wake()
		return s.did(r, "", r.PathValue("verb"), subject, "/settings/webhooks", func(ctx context.Context) error { return missing(do(ctx, id)) })
	}
	secret := ""
	err = s.audited(r, "", "rotate", subject, func(ctx context.Context, _ *db.Action) (err error) {
		secret, err = s.DB.RotateSecret(ctx, id)
		return missing(err)
	})
	if err != nil && !errors.Is(err, errDone) {
		return err
	}
	return s.showWebhooks(r, secret)
}
