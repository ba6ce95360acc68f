package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/github"
)

// tokenWait is how long a program may take that knows a token.
const tokenWait = 10 * time.Second

// githubToken is a token for the API, and its source; "" if there is none. It is kept
// nowhere: the environment, gh and git's credential helpers have places for it.
func (e *env) githubToken(ctx context.Context, base string) (token, source string) {
	for _, name := range []string{"GH_TOKEN", "GITHUB_TOKEN"} {
		if v := e.getenv(name); v != "" {
			return v, name
		}
	}
	if base != github.Public {
		return "", ""
	}
	ctx, cancel := context.WithTimeout(ctx, tokenWait)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "gh", "auth", "token", "--hostname", "github.com").Output(); err == nil {
		if token := strings.TrimSpace(string(out)); token != "" {
			return token, "gh"
		}
	}
	fill := exec.CommandContext(ctx, "git", "credential", "fill")
	fill.Stdin = strings.NewReader("protocol=https\nhost=github.com\n\n")
	fill.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=")
	out, err := fill.Output()
	if err != nil {
		return "", ""
	}
	for line := range strings.Lines(string(out)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "password="); ok && v != "" {
			return v, "git credential"
		}
	}
	return "", ""
}

// githubCache keeps answers, so that the same question need not count again.
const githubCache = "github.json"

// organization asks GitHub for the repositories of an organization that have a tracker. In
// dir answers are kept; "" keeps none.
func (e *env) organization(ctx context.Context, dir, org string) ([]github.Repository, error) {
	if !github.ValidOrg(org) {
		return nil, frame.Misuse(fmt.Sprintf("'%s' is not the name of an organization", org), "git crosslink dashboard discover --github <organization>")
	}
	base := cmp.Or(e.getenv("GITHUB_API_URL"), github.Public)
	token, _ := e.githubToken(ctx, base)
	c, err := github.New(base, token, e.now)
	if err != nil {
		return nil, frame.Misuse(err.Error(), "check GITHUB_API_URL")
	}
	at := filepath.Join(dir, githubCache)
	if dir == "" {
		at = os.DevNull
	}
	if b, err := os.ReadFile(at); err == nil && len(b) > 0 && json.Unmarshal(b, &c.Cache) != nil {
		c.Cache = nil // it is only a cache
	}
	if c.Cache == nil {
		c.Cache = map[string]github.Cached{}
	}
	all, err := c.Organization(ctx, org)
	if b, merr := json.Marshal(c.Trimmed()); merr == nil && dir != "" {
		_ = os.WriteFile(at, b, 0o600) // likewise
	}
	var limit *github.LimitError
	var status *github.StatusError
	switch {
	case errors.As(err, &limit):
		return nil, frame.Fatal("github", err.Error(), "try again then: git crosslink dashboard discover --github "+org)
	case errors.As(err, &status) && token == "":
		return nil, frame.Fatal("github", err.Error(), "log in, if it is private: gh auth login")
	case err != nil:
		return nil, frame.Fatal("github", err.Error(), "git crosslink dashboard discover --github "+org)
	}
	return all, nil
}

// judgeRemote decides which repositories on GitHub can be watched.
func (e *env) judgeRemote(ctx context.Context, d *db.DB, all []github.Repository, ssh bool) ([]foundShape, error) {
	projects, err := d.Projects(ctx)
	if err != nil {
		return nil, err
	}
	shapes := []foundShape{}
	for _, r := range all {
		s := foundShape{Path: r.HTTPS, Slug: r.FullName, State: foundNew}
		if ssh {
			s.Path = r.SSH
		}
		if r.State == github.Older {
			s.State = foundOlder
		}
		for _, p := range projects {
			if same(p.Place.URL, r.HTTPS) || same(p.Place.URL, r.SSH) {
				s.Slug, s.State = p.Slug, foundWatched
			}
		}
		shapes = append(shapes, s)
	}
	return shapes, nil
}

// same reports whether two URLs name one repository.
func same(a, b string) bool {
	return a != "" && strings.TrimSuffix(strings.TrimSuffix(a, "/"), ".git") == strings.TrimSuffix(b, ".git")
}

// trackRemote watches a URL that a server named, which must be one to fetch from.
func (e *env) trackRemote(ctx context.Context, d *db.DB, dir, at, slug string) (db.Project, bool, error) {
	url, err := remote(at)
	if err == nil && url == "" {
		err = frame.Misuse(fmt.Sprintf("'%s' is not a URL to fetch from", at))
	}
	if err != nil {
		return db.Project{}, false, err
	}
	return e.trackURL(ctx, d, dir, url, slug)
}
