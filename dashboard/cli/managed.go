package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// places is the subdirectory of the dashboard's directory that holds the
// repositories it creates.
const places = "places"

// schemes are the schemes of URLs that may be fetched from.
var schemes = []string{"https", "ssh", "git"}

// byHost is a host and a path, as ssh takes it.
var byHost = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:[^:\s-][^\s]*$`)

// remote returns the URL that is to be tracked; "" if at is a path here.
func remote(at string) (string, error) {
	if _, err := os.Stat(at); err == nil || at == "" {
		return "", nil
	}
	if strings.Contains(at, "://") {
		u, err := url.Parse(at)
		if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) || strings.HasPrefix(u.Host, "-") {
			return "", frame.Misuse(fmt.Sprintf("'%s' is not a URL to fetch from", at), "use https://…, ssh://…, git://… or host:path; for a repository on this machine, give its path")
		}
		if _, secret := u.User.Password(); secret {
			return "", frame.Misuse("the URL holds a password, which would be stored", "store the password in git's credential helper: git help credentials")
		}
		return at, nil
	}
	if byHost.MatchString(at) {
		return at, nil
	}
	if strings.Contains(at, "::") {
		return "", frame.Misuse(fmt.Sprintf("'%s' would start a program", at), "use https://…, ssh://…, git://… or host:path")
	}
	return "", nil
}

// trackURL makes a project of a URL: an empty repository that fetches the tracker,
// and nothing else, from there.
func (e *env) trackURL(ctx context.Context, d *db.DB, dir, at, slug string) (p db.Project, known bool, err error) {
	all, err := d.Projects(ctx)
	if err != nil {
		return p, false, err
	}
	for _, p := range all {
		if p.Place.URL == at {
			return p, true, alreadyNamed(p, slug)
		}
	}
	given := slug != ""
	if !given {
		slug = slugOf(at, at)
	}
	if !validSlug(slug) {
		return p, false, frame.Misuse(fmt.Sprintf("'%s' does not have the form owner/repo", slug), "use letters, digits, '.', '_' and '-': --slug me/project")
	}
	id := uuid.Must(uuid.NewV7()).String()
	path := filepath.Join(dir, places, id+".git")
	if err := e.makePlace(ctx, path, at); err != nil {
		return p, false, errors.Join(err, os.RemoveAll(path))
	}
	p = db.Project{ID: id, Slug: slug, Place: db.Place{Kind: db.PlaceManaged, Path: path, URL: at}}
	if err = track(ctx, d, &p, given); err != nil {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return p, false, err
}

// makePlace makes a repository that only holds a tracker.
func (e *env) makePlace(ctx context.Context, path, at string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	git := frame.System{}
	for _, args := range [][]string{
		{"init", "--quiet", "--bare", "--template="},
		{"config", "crosslink.hooks", "false"},
		{"config", "gc.auto", "0"},
		{"remote", "add", "--", "origin", at},
	} {
		if _, err := git.Git(ctx, append([]string{"--git-dir=" + path}, args...)...); err != nil {
			return fmt.Errorf("make '%s': %s", path, frame.GitMessage(err))
		}
	}
	return nil
}

// track stores a project; where its name is taken and nobody gave it, under the
// next free one.
func track(ctx context.Context, d *db.DB, p *db.Project, given bool) error {
	slug := p.Slug
	err := d.Track(ctx, *p)
	for n := 2; errors.Is(err, db.ErrTaken) && !given && n < 100; n++ {
		p.Slug = fmt.Sprintf("%s-%d", slug, n)
		err = d.Track(ctx, *p)
	}
	return err
}

// untrack stops watching. A repository that the dashboard made goes with the
// project, unless it holds what was not sent.
func (e *env) untrack(u *urfave.Context, d *db.DB, p db.Project) error {
	dir, err := e.dir()
	if err != nil {
		return err
	}
	made := p.Place.Kind == db.PlaceManaged && filepath.Dir(p.Place.Path) == filepath.Join(dir, places)
	if made && !u.Bool("discard-unsent") {
		n, err := unsent(u.Context, p.Place.Path)
		if err != nil {
			return err
		}
		if n > 0 {
			return frame.No("unsent", fmt.Sprintf("%s of %s were not sent yet", frame.Count(n, "event"), p.Slug), "git -C "+p.Place.Path+" crosslink sync")
		}
	}
	if err := d.Untrack(u.Context, p.ID); err != nil {
		return err
	}
	if made {
		if err := os.RemoveAll(p.Place.Path); err != nil {
			return err
		}
	}
	if e.json {
		return e.answer(map[string]any{"slug": p.Slug, "path": p.Place.Path, "deleted": made})
	}
	if !made {
		e.say("no longer watching %s; '%s' is unchanged", p.Slug, p.Place.Path)
		return nil
	}
	e.say("no longer watching %s", p.Slug)
	return nil
}

// unsent is how many events of a repository were not sent.
func unsent(ctx context.Context, path string) (int, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	r, err := tracker.OpenRepo(ctx, tracker.Options{Dir: path, Unwatched: true})
	if err != nil {
		return 0, err
	}
	s, err := r.Summary(ctx)
	return s.Unsent, err
}
