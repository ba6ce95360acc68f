package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

func (e *env) receiveCommand() *urfave.Command {
	return &urfave.Command{Name: "receive", Usage: "let a forge report changes of a hub", Subcommands: []*urfave.Command{
		{Name: "add", Usage: "add a receiver, and print its URL and secret once", ArgsUsage: "<owner/repo>", Action: e.receiveAdd},
		{Name: "list", Usage: "list the receivers", Action: e.receiveList},
		{Name: "remove", Usage: "remove a receiver", ArgsUsage: "<id>", Action: e.receiveRemove},
	}}
}

// receiverShape is a receiver in JSON, without its secret; docs/json.md describes it.
type receiverShape struct {
	ID   int64   `json:"id"`
	Slug string  `json:"slug"`
	URL  string  `json:"url"`
	Made *string `json:"made_at"`
	Used *string `json:"used_at"`
}

// receiverURL is where a forge sends to. Only a server that runs knows its name.
func (e *env) receiverURL(ctx context.Context, dir, name string) string {
	base, err := e.ask(ctx, dir, "base-url", "")
	if err != nil {
		base = "http://localhost:" + strconv.Itoa(defaultPort)
	}
	return base + "/hook/" + name
}

func (e *env) receiveAdd(u *urfave.Context) error {
	return e.withProject(u, func(u *urfave.Context, d *db.DB, p db.Project) error {
		dir, err := e.dir()
		if err != nil {
			return err
		}
		var o db.Receiver
		var secret string
		err = e.recorded(u.Context, d, p.Slug, "add receiver", p.Slug, func() (err error) {
			o, secret, err = d.AddReceiver(u.Context, p.ID)
			return err
		})
		if err != nil {
			return err
		}
		at := e.receiverURL(u.Context, dir, o.Name)
		if e.json {
			return e.answer(map[string]any{"id": o.ID, "slug": p.Slug, "url": at, "secret": secret})
		}
		e.say("added receiver %d; its secret is shown only once:", o.ID)
		fmt.Fprintf(e.out, "%s\n%s\n", at, secret)
		return nil
	})
}

func (e *env) receiveList(u *urfave.Context) error {
	d, err := e.databaseAlone(u)
	if err != nil {
		return err
	}
	defer d.Close()
	dir, err := e.dir()
	if err != nil {
		return err
	}
	all, err := d.Receivers(u.Context)
	if err != nil {
		return err
	}
	shapes, rows := []receiverShape{}, []line{}
	for _, o := range all {
		s := receiverShape{o.ID, o.Slug, e.receiverURL(u.Context, dir, o.Name), timeOrNull(o.Made), timeOrNull(o.Used)}
		used, id := "never used", strconv.FormatInt(o.ID, 10)
		if o.Used != 0 {
			used = "used " + minute(o.Used)
		}
		shapes, rows = append(shapes, s), append(rows, line{id, []string{id, o.Slug, s.URL, used}})
	}
	if e.json {
		return e.answer(shapes)
	}
	if len(all) == 0 {
		e.say("there are no receivers")
		e.say("hint: git crosslink dashboard receive add <owner/repo>")
		return nil
	}
	return e.lines(rows)
}

func (e *env) receiveRemove(u *urfave.Context) error {
	id, err := strconv.ParseInt(u.Args().First(), 10, 64)
	if err != nil || u.Args().Len() != 1 {
		return frame.Misuse("name one receiver by its number", "git crosslink dashboard receive list")
	}
	d, _, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	err = e.recorded(u.Context, d, "", "remove receiver", strconv.FormatInt(id, 10), func() error { return d.RemoveReceiver(u.Context, id) })
	if errors.Is(err, db.ErrNotFound) {
		return frame.No("not-found", fmt.Sprintf("no receiver has the number %d", id), "git crosslink dashboard receive list")
	}
	if err != nil {
		return err
	}
	if e.json {
		return e.answer(map[string]any{"id": id})
	}
	e.say("removed receiver %d", id)
	return nil
}
