package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
)

func (e *env) webhookCommand() *urfave.Command {
	return &urfave.Command{Name: "webhook", Usage: "notify other programs of alerts", Subcommands: []*urfave.Command{
		{Name: "add", Usage: "add an endpoint, and print its secret once", ArgsUsage: "<url>", Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "name", Usage: "`NAME` of the endpoint"},
			&urfave.StringFlag{Name: "kind", Usage: "`KIND`: standard, generic, slack or discord (default: by the URL)"},
			&urfave.StringSliceFlag{Name: "project", Usage: "only alerts of project `OWNER/REPO`; may be repeated"},
			&urfave.StringSliceFlag{Name: "alert", Usage: "only alerts of this `KIND`; may be repeated"},
			&urfave.StringFlag{Name: "severity", Usage: "only alerts of this `SEVERITY` or higher: critical, warning or info"},
			&urfave.BoolFlag{Name: "digest", Usage: "also send a digest of all projects once a day"},
			&urfave.BoolFlag{Name: "local", Usage: "the endpoint is on this machine: http://127.0.0.1 is allowed"},
		}, Action: e.webhookAdd},
		{Name: "list", Usage: "list the endpoints", Action: e.webhookList},
		{Name: "log", Usage: "list the latest deliveries", ArgsUsage: "[<id>]", Action: e.webhookLog},
		{Name: "test", Usage: "send a test notification", ArgsUsage: "<id>", Action: e.onEndpoint((*db.DB).TestEndpoint, "queued a test notification for endpoint %d")},
		{Name: "enable", Usage: "enable a disabled endpoint", ArgsUsage: "<id>", Action: e.onEndpoint((*db.DB).EnableEndpoint, "enabled endpoint %d")},
		{Name: "rotate", Usage: "give an endpoint a new secret, and print the secret once", ArgsUsage: "<id>", Action: e.webhookRotate},
		{Name: "remove", Usage: "remove an endpoint", ArgsUsage: "<id>", Action: e.onEndpoint((*db.DB).RemoveEndpoint, "removed endpoint %d")},
		{Name: "replay", Usage: "send a delivery again", ArgsUsage: "<delivery>", Action: e.onEndpoint((*db.DB).Replay, "queued delivery %d again")},
	}}
}

func (e *env) webhookAdd(u *urfave.Context) error {
	if u.Args().Len() != 1 {
		return frame.Misuse("name one URL", "git crosslink dashboard webhook add https://example.com/hook")
	}
	x := notify.Endpoint{URL: u.Args().First(), Name: u.String("name"), Kind: notify.Kind(u.String("kind")), Local: u.Bool("local"),
		Filter: notify.Filter{Projects: u.StringSlice("project"), Severity: alerts.Severity(u.String("severity")), Digest: u.Bool("digest")}}
	if x.Kind == "" {
		x.Kind = notify.KindOf(x.URL)
	}
	for _, k := range u.StringSlice("alert") {
		x.Filter.Kinds = append(x.Filter.Kinds, alerts.Kind(k))
	}
	if err := x.Check(); err != nil {
		return frame.Misuse(err.Error())
	}
	d, dir, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	for _, slug := range x.Filter.Projects {
		if _, err := d.Project(u.Context, slug); err != nil {
			return noProject(slug)
		}
	}
	id, secret, err := d.AddEndpoint(u.Context, x)
	if err != nil {
		return err
	}
	e.poke(u.Context, dir, "poke", "")
	if e.json {
		return e.answer(map[string]any{"id": id, "secret": secret, "kind": x.Kind})
	}
	e.say("added endpoint %d (%s, %s); its secret is shown only once:", id, notify.Masked(x.URL), x.Kind)
	fmt.Fprintln(e.out, secret)
	return nil
}

// answer prints one JSON document.
func (e *env) answer(data any) error { return e.answerWith(data, nil) }

// answerWith prints one JSON document with data, and with what failed, if err is not nil.
func (e *env) answerWith(data any, err error) error {
	doc := map[string]any{"v": 1, "ok": err == nil, "code": frame.ExitDone, "warnings": []string{}}
	if data != nil {
		doc["data"] = data
	}
	if err == nil {
		return json.NewEncoder(e.out).Encode(doc)
	}
	f := explain(err)
	doc["code"], doc["error"] = f.Code, map[string]any{"code": f.Code, "kind": f.Kind, "message": f.Message, "hints": append([]string{}, f.Hints...)}
	if err := json.NewEncoder(e.out).Encode(doc); err != nil {
		return err
	}
	return &frame.Silent{Code: f.Code}
}

// numbered is the id that the one argument is.
func numbered(u *urfave.Context) (int64, error) {
	id, err := strconv.ParseInt(u.Args().First(), 10, 64)
	if err != nil || u.Args().Len() != 1 {
		return 0, frame.Misuse("name one endpoint or delivery by its number", "git crosslink dashboard webhook list")
	}
	return id, nil
}

// onEndpoint does something with the endpoint or delivery that the argument names.
func (e *env) onEndpoint(do func(*db.DB, context.Context, int64) error, done string) func(*urfave.Context) error {
	return func(u *urfave.Context) error {
		id, err := numbered(u)
		if err != nil {
			return err
		}
		d, dir, err := e.database(u.Context)
		if err != nil {
			return err
		}
		defer d.Close()
		if err := do(d, u.Context, id); err != nil {
			return noEndpoint(err, id)
		}
		e.poke(u.Context, dir, "poke", "")
		if e.json {
			return e.answer(map[string]any{"id": id})
		}
		e.say(done, id)
		return nil
	}
}

func noEndpoint(err error, id int64) error {
	if errors.Is(err, db.ErrNotFound) {
		return frame.No("not-found", fmt.Sprintf("nothing has the number %d", id), "git crosslink dashboard webhook list", "git crosslink dashboard webhook log")
	}
	return err
}

func (e *env) webhookRotate(u *urfave.Context) error {
	id, err := numbered(u)
	if err != nil {
		return err
	}
	d, _, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	secret, err := d.RotateSecret(u.Context, id)
	if err != nil {
		return noEndpoint(err, id)
	}
	if e.json {
		return e.answer(map[string]any{"id": id, "secret": secret})
	}
	e.say("requests are signed with this secret and, for one day, also with the old one; the new secret is shown only once:")
	fmt.Fprintln(e.out, secret)
	return nil
}

// endpointShape is an endpoint in JSON.
type endpointShape struct {
	ID           int64         `json:"id"`
	Kind         notify.Kind   `json:"kind"`
	Name         string        `json:"name"`
	URL          string        `json:"url"` // scheme and host
	Filter       notify.Filter `json:"filter"`
	Local        bool          `json:"local"`
	Queued       int           `json:"queued"`
	DisabledAt   *string       `json:"disabled_at"`
	DisabledWhy  string        `json:"disabled_why"`
	FailingSince *string       `json:"failing_since"`
}

func (e *env) webhookList(u *urfave.Context) error {
	d, err := e.databaseAlone(u)
	if err != nil {
		return err
	}
	defer d.Close()
	all, err := d.Endpoints(u.Context)
	if err != nil {
		return err
	}
	if e.json {
		shapes := []endpointShape{}
		for _, x := range all {
			shapes = append(shapes, endpointShape{x.ID, x.Kind, x.Name, notify.Masked(x.URL), x.Filter, x.Local, x.Queued, timeOrNull(x.DisabledAt), x.DisabledWhy, timeOrNull(x.FailingSince)})
		}
		return e.answer(shapes)
	}
	if len(all) == 0 {
		e.say("there are no endpoints")
		e.say("hint: git crosslink dashboard webhook add <url>")
		return nil
	}
	var rows []line
	for _, x := range all {
		state := "ok"
		switch {
		case x.DisabledAt != 0:
			state = "disabled: " + x.DisabledWhy
		case x.FailingSince != 0:
			state = "failing since " + minute(x.FailingSince)
		}
		id := strconv.FormatInt(x.ID, 10)
		rows = append(rows, line{id, []string{id, string(x.Kind), notify.Masked(x.URL), frame.OneLine(x.Name), fmt.Sprintf("%d queued", x.Queued), state}})
	}
	return e.lines(rows)
}

// deliveryShape is a delivery in JSON.
type deliveryShape struct {
	ID       int64        `json:"id"`
	Endpoint int64        `json:"endpoint"`
	Message  string       `json:"message"`
	Event    notify.Event `json:"event"`
	Made     *string      `json:"made_at"`
	State    string       `json:"state"`
	Tries    int          `json:"tries"`
	Tried    *string      `json:"tried_at"`
	Next     *string      `json:"next_at"`
	Status   int          `json:"status"`
	Error    string       `json:"error"`
}

// shownDeliveries is how many deliveries are listed.
const shownDeliveries = 50

func (e *env) webhookLog(u *urfave.Context) error {
	id := int64(0)
	if u.Args().Len() > 0 {
		var err error
		if id, err = numbered(u); err != nil {
			return err
		}
	}
	d, _, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	all, err := d.Deliveries(u.Context, id, shownDeliveries)
	if err != nil {
		return err
	}
	if e.json {
		shapes := []deliveryShape{}
		for _, x := range all {
			s := deliveryShape{x.ID, x.Endpoint, x.Message, x.Event, timeOrNull(x.Made), x.State, x.Tries, timeOrNull(x.Tried), nil, x.Status, x.Error}
			if x.State == "queued" {
				s.Next = timeOrNull(x.Due)
			}
			shapes = append(shapes, s)
		}
		return e.answer(shapes)
	}
	if len(all) == 0 {
		e.say("there are no deliveries")
		return nil
	}
	var rows []line
	for _, x := range slices.Backward(all) {
		id := strconv.FormatInt(x.ID, 10)
		rows = append(rows, line{id, []string{id, fmt.Sprintf("endpoint %d", x.Endpoint), x.Made.Std().Local().Format("2006-01-02 15:04:05"), string(x.Event), x.State, fmt.Sprintf("%d tries", x.Tries), frame.OneLine(x.Error)}})
	}
	return e.lines(rows)
}
