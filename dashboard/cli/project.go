package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/google/uuid"
	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// onProject does something with the project that the one argument names, and answers
// with what the project is then.
func (e *env) onProject(u *urfave.Context, do func(*urfave.Context, *db.DB, db.Project) error) error {
	return e.withProject(u, func(u *urfave.Context, d *db.DB, p db.Project) error {
		if err := do(u, d, p); err != nil || !e.json {
			return err
		}
		return e.answerProject(u.Context, d, p.ID)
	})
}

// answerProject answers with one project.
func (e *env) answerProject(ctx context.Context, d *db.DB, id string) error {
	p, err := d.Project(ctx, id)
	if err != nil {
		return err
	}
	open, err := d.Alerts(ctx, p.ID)
	if err != nil {
		return err
	}
	all, err := d.Projects(ctx)
	if err != nil {
		return err
	}
	return e.answer(shapeOf(p, open, place.ClonesOf(all)))
}

// withProject does something with the project that the one argument names.
func (e *env) withProject(u *urfave.Context, do func(*urfave.Context, *db.DB, db.Project) error) error {
	if u.Args().Len() != 1 {
		return frame.Misuse("name one project", "git crosslink dashboard list")
	}
	d, dir, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	p, err := d.Project(u.Context, u.Args().First())
	if errors.Is(err, db.ErrNotFound) {
		return noProject(u.Args().First())
	}
	if err != nil {
		return err
	}
	if err := do(u, d, p); err != nil {
		return err
	}
	e.poke(u.Context, dir, "poke", p.ID)
	return nil
}

// poll asks the server to look at a project now.
func (e *env) poll(u *urfave.Context, d *db.DB, p db.Project) error {
	dir, err := e.dir()
	if err != nil {
		return err
	}
	if _, err := e.ask(u.Context, dir, "poll", p.ID); err != nil {
		return notRunning(err)
	}
	return nil
}

func (e *env) track(u *urfave.Context) error {
	if u.Args().Len() > 1 {
		return frame.Misuse("'track' takes one repository", "git crosslink dashboard track <path>")
	}
	if id := u.String("agent-id"); u.Bool("init") && id == "" {
		return frame.Misuse("'--init' needs the id of the agent that will write there", "git crosslink dashboard track --init --agent-id <id>")
	} else if u.IsSet("agent-id") {
		if err := place.CheckAgentID(id); err != nil {
			return frame.Misuse(err.Error())
		}
	}
	d, dir, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	p, known, err := e.trackAny(u.Context, d, dir, u.Args().First(), u.String("slug"))
	if err != nil {
		return err
	}
	if u.Bool("init") {
		library := place.NewLibrary(place.Options{Now: e.now, Program: e.sibling("git-crosslink")})
		defer library.Close()
		said, err := library.Join(u.Context, p.Place.Path, u.String("agent-id"))
		if err != nil {
			return err
		}
		for _, text := range said {
			e.say("%s", frame.OneLine(text))
		}
	}
	if u.Bool("pin") {
		if err := d.Pin(u.Context, p.ID, true); err != nil {
			return err
		}
	}
	e.poke(u.Context, dir, "poke", p.ID)
	if e.json {
		return e.answerProject(u.Context, d, p.ID)
	}
	if known {
		e.say("already watching %s", p.Slug)
	} else {
		e.say("watching %s", p.Slug)
	}
	fmt.Fprintln(e.out, p.Slug)
	return nil
}

// trackAny makes a project of a path or a URL, unless it is one.
func (e *env) trackAny(ctx context.Context, d *db.DB, dir, at, slug string) (db.Project, bool, error) {
	url, err := remote(at)
	switch {
	case err != nil:
		return db.Project{}, false, err
	case url != "":
		return e.trackURL(ctx, d, dir, url, slug)
	}
	return e.trackAt(ctx, d, at, slug)
}

// noDirectory is the failure if there is no directory at a path.
func noDirectory(at string, err error) error {
	why := frame.UnwrapPath(err)
	if errors.Is(err, fs.ErrNotExist) {
		return frame.Fatal("directory", fmt.Sprintf("there is no directory '%s'", at), "watch a repository on this machine: git crosslink dashboard track <path>",
			"watch one by its URL: git crosslink dashboard track https://…")
	}
	return frame.Fatal("directory", fmt.Sprintf("cannot read '%s': %v", at, why), "git crosslink dashboard track <path>")
}

// trackAt makes a project of the repository at a path, unless it is one.
func (e *env) trackAt(ctx context.Context, d *db.DB, at, slug string) (p db.Project, known bool, err error) {
	if st, err := os.Stat(cmp.Or(at, ".")); err != nil {
		return p, false, noDirectory(at, err)
	} else if !st.IsDir() {
		return p, false, noDirectory(at, syscall.ENOTDIR)
	}
	t, err := tracker.Open(ctx, tracker.Options{Dir: at, Now: e.now, Unwatched: true})
	if err != nil {
		return p, false, err
	}
	defer t.Close()
	root, err := filepath.EvalSymlinks(filepath.Dir(t.Home()))
	if err != nil {
		return p, false, err
	}
	if filepath.Base(root) == ".git" {
		root = filepath.Dir(root)
	}
	if p, err = d.ProjectAt(ctx, root); err == nil {
		return p, true, alreadyNamed(p, slug)
	}
	if !errors.Is(err, db.ErrNotFound) {
		return p, false, err
	}
	_, hub := t.Hub()
	given := slug != ""
	if !given {
		slug = slugOf(hub, root)
	}
	if !validSlug(slug) {
		return p, false, frame.Misuse(fmt.Sprintf("'%s' does not have the form owner/repo", slug), "use letters, digits, '.', '_' and '-': --slug me/project")
	}
	p = db.Project{ID: uuid.Must(uuid.NewV7()).String(), Slug: slug, Place: db.Place{Kind: db.PlacePath, Path: root}}
	err = track(ctx, d, &p, given)
	return p, false, err
}

// alreadyNamed refuses another name for a project that is watched already.
func alreadyNamed(p db.Project, slug string) error {
	if slug == "" || strings.EqualFold(slug, p.Slug) {
		return nil
	}
	return frame.Fatal("taken", fmt.Sprintf("this repository is already watched as %s", p.Slug), "git crosslink dashboard list")
}

var (
	slugForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}/[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$`)
	odd      = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
)

// validSlug: a slug is two segments of a path. A name cannot have a suffix that requests a
// page in another format.
func validSlug(s string) bool {
	return slugForm.MatchString(s) && !strings.HasSuffix(s, ".json") && !strings.HasSuffix(s, ".csv")
}

// slugOf names a project after the last two segments of its remote's URL, else
// after its directory.
func slugOf(hub, root string) string {
	at := hub
	if u, err := url.Parse(hub); err == nil && u.Host != "" {
		at = u.Path
	} else if k := strings.IndexByte(hub, ':'); k >= 0 && !strings.Contains(hub[:k], "/") {
		at = hub[k+1:]
	} else {
		at = "" // a path says nothing about an owner
	}
	at = strings.TrimSuffix(strings.Trim(path.Clean("/"+at), "/"), ".git")
	owner, repo := path.Base(path.Dir(at)), path.Base(at)
	if at == "" || owner == "." {
		owner, repo = "local", filepath.Base(root)
	}
	part := func(s, otherwise string) string {
		s = strings.Trim(odd.ReplaceAllString(s, "-"), ".-_")
		if s = s[:min(len(s), 60)]; s == "" {
			return otherwise
		}
		return s
	}
	slug := part(owner, "local") + "/" + part(strings.TrimSuffix(strings.TrimSuffix(repo, ".json"), ".csv"), "project")
	return slug
}

// projectShape is a project in JSON; docs/json.md describes it.
type projectShape struct {
	Slug         string  `json:"slug"`
	Status       string  `json:"status"`
	Pinned       bool    `json:"pinned"`
	Path         string  `json:"path"`
	Agent        string  `json:"agent"`
	Open         int     `json:"open_issues"`
	NeedsYou     int     `json:"needs_you"`
	LastActivity *string `json:"last_activity_at"`
	FetchedAt    *string `json:"fetched_at"`
	PolledAt     *string `json:"polled_at"`
	Error        *string `json:"error"`
	SameHub      *string `json:"same_hub_as"` // the project that pages list instead
}

func shapeOf(p db.Project, open []db.Alert, clones place.Clones) projectShape {
	s := projectShape{Slug: p.Slug, Status: p.Status, Pinned: p.Pinned, Path: p.Place.Path, Agent: p.Place.Agent, Open: p.State.Counters.Open,
		LastActivity: timeOrNull(p.LastActivity), FetchedAt: timeOrNull(p.FetchedAt), PolledAt: timeOrNull(p.PolledAt)}
	for k := range open {
		if a := &open[k]; a.Project == p.ID && a.Active() && a.Ack.At == 0 {
			s.NeedsYou++
		}
	}
	if listed := clones.ListedAs(p); listed != "" {
		s.SameHub = &listed
	}
	if why := cmp.Or(p.PollError, p.FetchError); why != "" {
		s.Error = &why
	}
	return s
}

func timeOrNull(t event.Time) *string {
	if t == 0 {
		return nil
	}
	s := t.String()
	return &s
}

func (e *env) list(u *urfave.Context) error {
	d, err := e.databaseAlone(u)
	if err != nil {
		return err
	}
	defer d.Close()
	all, err := d.Projects(u.Context)
	if err != nil {
		return err
	}
	clones := place.ClonesOf(all)
	if e.json {
		open, err := d.Alerts(u.Context, "")
		if err != nil {
			return err
		}
		shapes := make([]projectShape, len(all))
		for k := range all {
			shapes[k] = shapeOf(all[k], open, clones)
		}
		return e.answer(shapes)
	}
	if len(all) == 0 {
		e.say("no project is watched yet")
		e.say("hint: git crosslink dashboard track <path>")
		return nil
	}
	var rows []line
	for _, p := range all {
		pin := " "
		if p.Pinned {
			pin = "*"
		}
		open, fetched := fmt.Sprintf("%d open", p.State.Counters.Open), "not fetched"
		if p.State.Rev == 0 {
			open = "not read yet"
		} else if listed := clones.ListedAs(p); listed != "" {
			open = "same hub as " + listed
		}
		if p.FetchedAt != 0 {
			fetched = minute(p.FetchedAt)
		}
		rows = append(rows, line{p.Slug, []string{pin + " " + p.Slug, p.Status, open, fetched, frame.OneLine(p.Place.Path)}})
	}
	return e.lines(rows)
}
