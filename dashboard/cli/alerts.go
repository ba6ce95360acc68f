package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/event"
)

// alertCommands are about alerts and silences.
func (e *env) alertCommands() []*urfave.Command {
	matchers := []urfave.Flag{
		&urfave.StringFlag{Name: "project", Usage: "only alerts of project `OWNER/REPO`"},
		&urfave.StringFlag{Name: "kind", Usage: "only alerts of this `KIND`: stale_lock, silent_agent, …"},
		&urfave.StringFlag{Name: "severity", Usage: "only alerts of this `SEVERITY`: critical, warning or info"},
	}
	return []*urfave.Command{
		{Name: "alerts", Usage: "list the open alerts", Flags: append(slices.Clone(matchers),
			&urfave.BoolFlag{Name: "resolved", Usage: "list the alerts that were resolved last instead"}), Action: e.alerts},
		{Name: "ack", Usage: "acknowledge an alert", ArgsUsage: "<alert>", Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "note", Aliases: []string{"m"}, Usage: "give `TEXT` as the reason"},
			&urfave.StringFlag{Name: "for", Usage: "acknowledge for this `TIME`: 1h, 7d"},
			&urfave.BoolFlag{Name: "undo", Usage: "withdraw the acknowledgement"},
		}, Action: e.ack},
		{Name: "silence", Usage: "list silences, or silence notifications for a while", Flags: append(slices.Clone(matchers),
			&urfave.StringFlag{Name: "subject", Usage: "only subjects that match this `PATTERN`: 'agent:*', lock:4"},
			&urfave.StringFlag{Name: "for", Usage: "silence for this `TIME`: 1h, 7d; at most 30d"},
			&urfave.StringFlag{Name: "comment", Aliases: []string{"m"}, Usage: "give `TEXT` as the reason"},
			&urfave.StringFlag{Name: "end", Usage: "end the silence with this `NUMBER` now"}), Action: e.silence},
	}
}

// alertShape is an alert in JSON, as in /alerts.json.
type alertShape struct {
	ID        int64   `json:"id"`
	Project   string  `json:"project_slug"`
	Kind      string  `json:"kind"`
	Severity  string  `json:"severity"`
	Ref       string  `json:"subject_ref"`
	Detail    string  `json:"detail"`
	Opened    *string `json:"opened_at"`
	Resolved  *string `json:"resolved_at"`
	AckAt     *string `json:"acknowledged_at"`
	State     string  `json:"state"`
	Pending   *string `json:"pending_at"`
	AckBy     string  `json:"acknowledged_by"`
	AckNote   string  `json:"ack_note"`
	AckUntil  *string `json:"ack_until"`
	Flapping  bool    `json:"flapping"`
	NowDetail string  `json:"now_detail"`
}

func shapeOfAlert(a *db.Alert) alertShape {
	return alertShape{ID: a.ID, Project: a.Slug, Kind: string(a.Kind), Severity: string(a.Severity), Ref: a.Ref, Detail: a.Detail, Opened: timeOrNull(a.Opened),
		Resolved: timeOrNull(a.Resolved), AckAt: timeOrNull(a.Ack.At), State: string(a.State), Pending: timeOrNull(a.Pending), AckBy: a.Ack.By, AckNote: a.Ack.Note,
		AckUntil: timeOrNull(a.Ack.Until), Flapping: a.Flapping, NowDetail: a.NowDetail}
}

// noArguments refuses arguments of a command that takes none.
func noArguments(u *urfave.Context) error {
	if u.Args().Len() > 0 {
		return frame.Misuse(fmt.Sprintf("unexpected argument '%s'", u.Args().First()), fmt.Sprintf("git crosslink dashboard %s --help", u.Command.Name))
	}
	return nil
}

// match reads the flags that narrow a list or a silence.
func (e *env) match(u *urfave.Context, d *db.DB) (alerts.Silence, error) {
	s := alerts.Silence{Kind: alerts.Kind(u.String("kind")), Severity: alerts.Severity(u.String("severity")), Subject: u.String("subject")}
	if s.Kind != "" && !slices.ContainsFunc(alerts.Rules, func(r alerts.Rule) bool { return r.Kind == s.Kind }) {
		var names []string
		for _, r := range alerts.Rules {
			names = append(names, string(r.Kind))
		}
		return s, frame.Misuse(fmt.Sprintf("there is no kind of alert '%s'", s.Kind), "valid kinds: "+strings.Join(names, ", "))
	}
	if s.Severity != "" && !slices.Contains(alerts.Severities, s.Severity) {
		return s, frame.Misuse(fmt.Sprintf("there is no severity '%s'", s.Severity), "use critical, warning or info")
	}
	if slug := u.String("project"); slug != "" {
		p, err := d.Project(u.Context, slug)
		if errors.Is(err, db.ErrNotFound) {
			return s, noProject(slug)
		} else if err != nil {
			return s, err
		}
		s.Project = p.ID
	}
	return s, nil
}

// resolvedShown is how many alerts of the past are listed.
const resolvedShown = 100

func (e *env) alerts(u *urfave.Context) error {
	d, err := e.databaseAlone(u)
	if err != nil {
		return err
	}
	defer d.Close()
	match, err := e.match(u, d)
	if err != nil {
		return err
	}
	all, err := d.Alerts(u.Context, "")
	if u.Bool("resolved") {
		all, err = d.ResolvedAlerts(u.Context, 1<<63-1, resolvedShown)
	}
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(a db.Alert) bool { return !match.Matches(a.Project, &a.Alert) })
	if !u.Bool("resolved") {
		slices.SortStableFunc(all, func(a, b db.Alert) int { return alerts.Urgent(a.Alert, b.Alert) })
	}
	if e.json {
		shapes := make([]alertShape, len(all))
		for k := range all {
			shapes[k] = shapeOfAlert(&all[k])
		}
		return e.answer(shapes)
	}
	if len(all) == 0 {
		e.say("no alerts")
		return nil
	}
	var rows []line
	for _, a := range all {
		state := string(a.State)
		if a.Ack.At != 0 {
			state = "acknowledged"
		}
		id := strconv.FormatInt(a.ID, 10)
		rows = append(rows, line{id, []string{id, string(a.Severity), state, a.Slug, frame.OneLine(cmp.Or(a.NowDetail, a.Detail))}})
	}
	return e.lines(rows)
}

// until reads a length of time: 1h, 7d.
func (e *env) until(word string) (event.Time, error) {
	if word == "" {
		return 0, nil
	}
	unit := map[byte]time.Duration{'h': time.Hour, 'd': 24 * time.Hour}[word[len(word)-1]]
	n, err := strconv.Atoi(word[:len(word)-1])
	if err != nil || unit == 0 || n < 1 || n > 1000 {
		return 0, frame.Misuse(fmt.Sprintf("'%s' is not a length of time", word), "hours or days: --for 4h, --for 7d")
	}
	return event.TimeOf(e.now()) + event.Time(unit)*event.Time(n), nil
}

// operator is the name of the user who runs this.
func operator() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "operator"
}

// recorded does something and puts it into the audit log.
func (e *env) recorded(ctx context.Context, d *db.DB, project, verb, subject string, do func() error) error {
	err := do()
	a := db.Action{Session: "cli", Remote: "local", Operator: operator(), Project: project, Verb: verb, Subject: subject, Outcome: db.Succeeded}
	if err != nil {
		a.Outcome, a.Error = db.Failed, err.Error()
	}
	return errors.Join(err, d.Record(ctx, a))
}

func (e *env) ack(u *urfave.Context) error {
	if u.Args().Len() != 1 {
		return frame.Misuse("name one alert", "git crosslink dashboard alerts")
	}
	d, dir, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	word := u.Args().First()
	id, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return frame.Misuse(fmt.Sprintf("'%s' is not the number of an alert", word), "git crosslink dashboard alerts")
	}
	a, err := d.Alert(u.Context, id)
	if errors.Is(err, db.ErrNotFound) {
		return frame.No("not-found", fmt.Sprintf("no alert has the number %d", id), "git crosslink dashboard alerts")
	}
	if err != nil {
		return err
	}
	if !a.Active() {
		return frame.No("not-firing", fmt.Sprintf("alert %d is %s: only an alert that is firing can be acknowledged", id, a.State), "git crosslink dashboard alerts")
	}
	var ack alerts.Ack
	verb := "unack"
	if !u.Bool("undo") {
		verb = "ack"
		ack = alerts.Ack{At: event.TimeOf(e.now()), By: operator(), Note: strings.TrimSpace(u.String("note"))}
		if ack.Until, err = e.until(u.String("for")); err != nil {
			return err
		}
	}
	err = e.recorded(u.Context, d, a.Slug, verb, fmt.Sprintf("alert %d (%s %s)", a.ID, a.Kind, a.Ref), func() error { return d.Ack(u.Context, id, operator(), ack) })
	if err != nil {
		return err
	}
	e.poke(u.Context, dir, "poke", a.Project)
	if a, err = d.Alert(u.Context, id); err != nil {
		return err
	}
	if e.json {
		return e.answer(shapeOfAlert(&a))
	}
	e.say("%s: %s", map[string]string{"ack": "acknowledged", "unack": "no longer acknowledged"}[verb], frame.OneLine(cmp.Or(a.NowDetail, a.Detail)))
	return nil
}

// silenceShape is a silence in JSON, as in /silences.json.
type silenceShape struct {
	ID       int64   `json:"id"`
	Project  string  `json:"project"`
	Kind     string  `json:"kind"`
	Subject  string  `json:"subject"`
	Severity string  `json:"severity"`
	Starts   *string `json:"starts_at"`
	Ends     *string `json:"ends_at"`
	Comment  string  `json:"comment"`
	By       string  `json:"created_by"`
}

func (e *env) silence(u *urfave.Context) error {
	if err := noArguments(u); err != nil {
		return err
	}
	d, dir, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	if word := u.String("end"); word != "" {
		id, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return frame.Misuse(fmt.Sprintf("'%s' is not the number of a silence", word), "git crosslink dashboard silence")
		}
		err = e.recorded(u.Context, d, "", "end silence", fmt.Sprintf("silence %d", id), func() error { return d.EndSilence(u.Context, id) })
		if errors.Is(err, db.ErrNotFound) {
			return frame.No("not-found", fmt.Sprintf("no silence has the number %d, or it has ended", id), "git crosslink dashboard silence")
		}
		if err != nil {
			return err
		}
		e.poke(u.Context, dir, "poke", "")
		return e.silences(u.Context, d)
	}
	s, err := e.match(u, d)
	if err != nil {
		return err
	}
	if s == (alerts.Silence{}) && !u.IsSet("for") && !u.IsSet("comment") {
		return e.silences(u.Context, d)
	}
	s.Starts, s.Comment, s.By = event.TimeOf(e.now()), strings.TrimSpace(u.String("comment")), operator()
	if s.Ends, err = e.until(u.String("for")); err != nil {
		return err
	}
	if err := s.Check(s.Starts); err != nil {
		return frame.Misuse(err.Error(), "git crosslink dashboard silence --kind stale_lock --for 4h --comment 'we move the hub'")
	}
	err = e.recorded(u.Context, d, u.String("project"), "silence", "alerts", func() error { _, err := d.AddSilence(u.Context, s); return err })
	if err != nil {
		return err
	}
	e.poke(u.Context, dir, "poke", "")
	return e.silences(u.Context, d)
}

// silences lists the silences that have not ended.
func (e *env) silences(ctx context.Context, d *db.DB) error {
	all, err := d.Silences(ctx)
	if err != nil {
		return err
	}
	projects, err := d.Projects(ctx)
	if err != nil {
		return err
	}
	slugs := map[string]string{}
	for _, p := range projects {
		slugs[p.ID] = p.Slug
	}
	if e.json {
		shapes := make([]silenceShape, len(all))
		for k, s := range all {
			shapes[k] = silenceShape{s.ID, slugs[s.Project], string(s.Kind), s.Subject, string(s.Severity), timeOrNull(s.Starts), timeOrNull(s.Ends), s.Comment, s.By}
		}
		return e.answer(shapes)
	}
	if len(all) == 0 {
		e.say("no silences")
		return nil
	}
	var rows []line
	for _, s := range all {
		id := strconv.FormatInt(s.ID, 10)
		rows = append(rows, line{id, []string{id, "until " + minute(s.Ends), cmp.Or(slugs[s.Project], "every project"),
			cmp.Or(string(s.Kind), "every kind"), cmp.Or(string(s.Severity), "every severity"), frame.OneLine(cmp.Or(s.Subject, "*")), frame.OneLine(s.Comment)}})
	}
	return e.lines(rows)
}
