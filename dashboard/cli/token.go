package cli

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

func (e *env) tokenCommand() *urfave.Command {
	return &urfave.Command{Name: "token", Usage: "let scripts use the server", Subcommands: []*urfave.Command{
		{Name: "add", Usage: "make a token, and print it once", ArgsUsage: "<name>", Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "scope", Value: "read", Usage: "what a script may do, `SCOPE`: read or act"},
		}, Action: e.tokenAdd},
		{Name: "list", Usage: "list the tokens", Action: e.tokenList},
		{Name: "remove", Usage: "remove a token", ArgsUsage: "<id>", Action: e.tokenRemove},
	}}
}

func (e *env) tokenAdd(u *urfave.Context) error {
	name, scope := strings.TrimSpace(u.Args().First()), u.String("scope")
	switch {
	case u.Args().Len() != 1 || name == "":
		return frame.Misuse("name the script that will use the token", "git crosslink dashboard token add backup-job")
	case len(name) > 100 || frame.OneLine(name) != name:
		return frame.Misuse("the name of a token is one line of at most 100 bytes")
	case scope != "read" && scope != "act":
		return frame.Misuse(fmt.Sprintf("there is no scope '%s'", scope), "use --scope read or --scope act")
	}
	d, _, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	var secret [32]byte
	rand.Read(secret[:])
	token := hex.EncodeToString(secret[:])
	hash := sha256.Sum256([]byte(token))
	var id int64
	err = e.recorded(u.Context, d, "", "add token", name, func() (err error) {
		id, err = d.AddToken(u.Context, db.Token{Hash: hex.EncodeToString(hash[:]), Name: name, Scope: scope})
		return err
	})
	if err != nil {
		return err
	}
	if e.json {
		return e.answer(map[string]any{"id": id, "token": token, "scope": scope})
	}
	e.say("added token %d (%s); it is shown only once:", id, scope)
	fmt.Fprintln(e.out, token)
	return nil
}

// tokenShape is a token in JSON, without what it is.
type tokenShape struct {
	ID    int64   `json:"id"`
	Name  string  `json:"name"`
	Scope string  `json:"scope"`
	Made  *string `json:"made_at"`
	Seen  *string `json:"seen_at"`
}

func (e *env) tokenList(u *urfave.Context) error {
	d, err := e.databaseAlone(u)
	if err != nil {
		return err
	}
	defer d.Close()
	all, err := d.Tokens(u.Context)
	if err != nil {
		return err
	}
	if e.json {
		shapes := []tokenShape{}
		for _, t := range all {
			shapes = append(shapes, tokenShape{t.ID, t.Name, t.Scope, timeOrNull(t.Made), timeOrNull(t.Seen)})
		}
		return e.answer(shapes)
	}
	if len(all) == 0 {
		e.say("there are no tokens")
		e.say("hint: git crosslink dashboard token add <name>")
		return nil
	}
	var rows []line
	for _, t := range all {
		used := "never used"
		if t.Seen != 0 {
			used = "used " + minute(t.Seen)
		}
		id := strconv.FormatInt(t.ID, 10)
		rows = append(rows, line{id, []string{id, t.Scope, frame.OneLine(t.Name), used}})
	}
	return e.lines(rows)
}

func (e *env) tokenRemove(u *urfave.Context) error {
	id, err := strconv.ParseInt(u.Args().First(), 10, 64)
	if err != nil || u.Args().Len() != 1 {
		return frame.Misuse("name one token by its number", "git crosslink dashboard token list")
	}
	d, dir, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	defer e.poke(u.Context, dir, "poke", "") // streams that show the token end
	err = e.recorded(u.Context, d, "", "remove token", strconv.FormatInt(id, 10), func() error { return d.RemoveToken(u.Context, id) })
	if errors.Is(err, db.ErrNotFound) {
		return frame.No("not-found", fmt.Sprintf("no token has the number %d", id), "git crosslink dashboard token list")
	}
	if err != nil {
		return err
	}
	if e.json {
		return e.answer(map[string]any{"id": id})
	}
	e.say("removed token %d", id)
	return nil
}
