package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/export"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
)

// keepCommands are about the dashboard's own data.
func (e *env) keepCommands() []*urfave.Command {
	return []*urfave.Command{
		{Name: "export", Usage: "write projects, alerts or the audit log as a table", ArgsUsage: "projects|alerts|audit", Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "format", Value: "csv", Usage: "`FORMAT`: csv or json"},
			&urfave.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE` instead of standard output"},
		}, Action: e.export},
		{Name: "backup", Usage: "write a copy of the database", Action: e.backup},
		{Name: "doctor", Usage: "check the database and whether each project can be read", Action: e.doctor},
	}
}

// noProject refuses a name that no project has.
func noProject(slug string) error {
	return frame.No("not-found", fmt.Sprintf("there is no project '%s'", slug), "git crosslink dashboard list")
}

// table is the table of a name.
func table(ctx context.Context, d *db.DB, name string) (t export.Table, err error) {
	switch name {
	case "projects":
		all, err := d.Projects(ctx)
		return export.Projects(all), err
	case "alerts":
		open, err := d.Alerts(ctx, "")
		if err != nil {
			return t, err
		}
		past, err := d.ResolvedAlerts(ctx, 1<<63-1, 1<<30)
		return export.Alerts(append(open, past...)), err
	case "audit":
		all, err := d.Actions(ctx, 0, 1<<30)
		return export.Actions(all), err
	}
	return t, frame.Misuse(fmt.Sprintf("there is no table '%s'", name), "valid tables: projects, alerts, audit")
}

func (e *env) export(u *urfave.Context) error {
	if u.Args().Len() != 1 {
		return frame.Misuse("name one table", "git crosslink dashboard export alerts")
	}
	format := u.String("format")
	if e.json {
		format = "json"
	}
	if format != "csv" && format != "json" {
		return frame.Misuse(fmt.Sprintf("'%s' is not a format", format), "use csv or json")
	}
	d, _, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	t, err := table(u.Context, d, u.Args().First())
	if err != nil {
		return err
	}
	write := func(w io.Writer) error {
		if format == "csv" {
			return t.CSV(w)
		}
		return (&env{out: w}).answer(t.Records())
	}
	name := u.String("output")
	if name == "" {
		return write(e.out)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

func (e *env) backup(u *urfave.Context) error {
	d, err := e.databaseAlone(u)
	if err != nil {
		return err
	}
	defer d.Close()
	at, err := d.Backup(u.Context)
	if err != nil {
		return err
	}
	if e.json {
		return e.answer(map[string]any{"path": at})
	}
	fmt.Fprintln(e.out, at)
	return nil
}

// check is one thing that the doctor looked at.
type check struct {
	Name    string   `json:"name"`
	OK      bool     `json:"ok"`
	Text    string   `json:"text"`
	Hints   []string `json:"hints"`
	Project string   `json:"project,omitempty"`
}

func (e *env) doctor(u *urfave.Context) error {
	if err := noArguments(u); err != nil {
		return err
	}
	d, dir, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	checks, err := e.examine(u.Context, d, dir)
	if err != nil {
		return err
	}
	wrong := 0
	for _, c := range checks {
		if !c.OK {
			wrong++
		}
	}
	if e.json {
		if err := e.answer(map[string]any{"checks": checks, "problems": wrong}); err != nil {
			return err
		}
		return nil
	}
	for _, c := range checks {
		if !c.OK {
			fmt.Fprintln(e.out, "problem:", frame.OneLine(strings.TrimSpace(c.Project+" "+c.Text)))
			for _, h := range c.Hints {
				fmt.Fprintln(e.out, "hint:", frame.OneLine(h))
			}
		}
	}
	if wrong > 0 {
		return frame.No("problems", fmt.Sprintf("found %d problem%s", wrong, map[bool]string{true: "", false: "s"}[wrong == 1]))
	}
	e.say("no problems found: %d checks", len(checks))
	return nil
}

// examine looks at everything.
func (e *env) examine(ctx context.Context, d *db.DB, dir string) (all []check, err error) {
	add := func(name, project string, why error, fine string, hints ...string) {
		c := check{Name: name, OK: why == nil, Text: fine, Hints: []string{}, Project: project}
		if why != nil {
			c.Text, c.Hints = why.Error(), append(c.Hints, hints...)
		}
		all = append(all, c)
	}
	add("database", "", d.CheckFile(ctx), "the database is intact", "stop the dashboard, and replace the database with the newest copy: "+dir)
	rows, err := d.VerifyActions(ctx)
	add("audit", "", err, fmt.Sprintf("the audit log is complete: %d rows", rows), "somebody changed the database: compare it with a copy in "+dir)
	if st, err := os.Stat(dir); err != nil {
		return nil, err
	} else if st.Mode().Perm()&0o077 != 0 {
		add("permissions", "", fmt.Errorf("other users can read '%s'", dir), "", "chmod 700 "+dir)
	} else {
		add("permissions", "", nil, "other users cannot read the directory")
	}
	endpoints, err := d.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range endpoints {
		var why error
		if x.DisabledAt != 0 {
			why = fmt.Errorf("webhook %d (%s) is disabled: %s", x.ID, notify.Masked(x.URL), x.DisabledWhy)
		}
		add("webhook", "", why, fmt.Sprintf("webhook %d is enabled", x.ID), fmt.Sprintf("git crosslink dashboard webhook enable %d", x.ID))
	}
	if _, err := allowed(filepath.Join(dir, allowFile)); err != nil {
		add("webhook-allow", "", err, "")
	}
	projects, err := d.Projects(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range projects {
		var why error
		hint := fmt.Sprintf("git -C '%s' crosslink doctor", p.Place.Path)
		switch {
		case p.Status == db.Paused:
			continue
		case p.PollError != "":
			why = fmt.Errorf("cannot be read: %s", p.PollError)
		case p.Failures > 0:
			why = fmt.Errorf("%d fetches in a row failed: %s", p.Failures, p.FetchError)
		}
		add("project", p.Slug, why, "can be read", hint)
	}
	return all, nil
}
