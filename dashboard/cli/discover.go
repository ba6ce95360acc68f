package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/discover"
	"github.com/git-crosslink/git-crosslink/internal/shell"
)

func (e *env) discoverCommand() *urfave.Command {
	return &urfave.Command{Name: "discover", Usage: "find repositories with a tracker", UsageText: "git crosslink dashboard discover [<options>] [<directory>…]",
		Description: `Lists the repositories with a tracker in the given directories, or in your home
directory, and says which of them are watched already. With --track, the new ones
are watched, too.

Hidden directories, symbolic links, and directories such as node_modules are left
out, as is everything inside a repository that was found.

With --github, the repositories of an organization or user on GitHub are listed
instead. The token is that of GH_TOKEN, of 'gh', or of git's credential helper; the
dashboard does not store it. --track watches each through a repository that the
dashboard creates, which fetches the tracker and no code.

Examples:
  git crosslink dashboard discover
  git crosslink dashboard discover ~/src --track
  git crosslink dashboard discover --github acme`,
		Flags: []urfave.Flag{
			&urfave.IntFlag{Name: "depth", Value: discover.Depth, Usage: fmt.Sprintf("look `N` directories deep, at most %d", discover.MaxDepth)},
			&urfave.StringFlag{Name: "github", Usage: "list the repositories of `ORGANIZATION` on GitHub instead"},
			&urfave.BoolFlag{Name: "ssh", Usage: "with --github: watch them through ssh instead of https"},
			&urfave.BoolFlag{Name: "track", Usage: "watch the repositories that are new"},
		}, Action: e.discover}
}

// foundShape is a repository that was found; docs/json.md describes it.
type foundShape struct {
	Path  string  `json:"path"`
	Slug  string  `json:"slug"`
	State string  `json:"state"`
	Error *string `json:"error"`
}

// The states of a repository that was found.
const (
	foundNew     = "new"
	foundWatched = "watched"
	foundOlder   = "older-format" // migrate it first
	foundForeign = "other-owner"  // git would refuse it
	foundFailed  = "failed"       // it could not be watched
)

func (e *env) discover(u *urfave.Context) error {
	depth := u.Int("depth")
	if depth < 0 || depth > discover.MaxDepth {
		return frame.Misuse(fmt.Sprintf("%d is not a valid depth", depth), fmt.Sprintf("use a depth from 0 to %d", discover.MaxDepth))
	}
	if org := u.String("github"); org != "" {
		return e.discoverOn(u, org)
	}
	roots := u.Args().Slice()
	if len(roots) == 0 {
		home := e.getenv("HOME")
		if home == "" {
			return frame.Misuse("HOME is not set", "name a directory: git crosslink dashboard discover <directory>")
		}
		roots = []string{home}
	}
	d, dir, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	r, err := discover.Walk(u.Context, roots, depth)
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		return frame.Fatal("directory", fmt.Sprintf("cannot search '%s': %v", failed.Path, failed.Err))
	}
	if err != nil {
		return err
	}
	all := make([]foundShape, len(r.Found))
	for k := range r.Found {
		if all[k], err = e.judge(u.Context, d, &r.Found[k]); err != nil {
			return err
		}
	}
	failed := 0
	if u.Bool("track") {
		failed = e.trackFound(u.Context, d, all)
		e.poke(u.Context, dir, "poke", "")
	}
	again := "" // the command that watches what is listed
	if !u.Bool("track") {
		again = "git crosslink dashboard discover --track"
		if u.IsSet("depth") {
			again += fmt.Sprintf(" --depth %d", depth)
		}
		for _, root := range u.Args().Slice() {
			again += " " + shell.Word(root)
		}
	}
	return e.showFound(all, r, again, failed)
}

// discoverOn lists what an organization has on GitHub, or watches it.
func (e *env) discoverOn(u *urfave.Context, org string) error {
	if u.Args().Len() > 0 || u.IsSet("depth") {
		return frame.Misuse("'--github' searches no directories", "git crosslink dashboard discover --github <organization>")
	}
	d, dir, err := e.database(u.Context)
	if err != nil {
		return err
	}
	defer d.Close()
	repositories, err := e.organization(u.Context, dir, org)
	if err != nil {
		return err
	}
	all, err := e.judgeRemote(u.Context, d, repositories, u.Bool("ssh"))
	if err != nil {
		return err
	}
	failed, again := 0, "git crosslink dashboard discover --track --github "+org
	if u.Bool("track") {
		again = ""
		for k := range all {
			if all[k].State != foundNew {
				continue
			}
			p, _, err := e.trackRemote(u.Context, d, dir, all[k].Path, all[k].Slug)
			failed += all[k].tracked(p, err)
		}
		e.poke(u.Context, dir, "poke", "")
	} else if u.Bool("ssh") {
		again += " --ssh"
	}
	return e.showFound(all, discover.Result{Dirs: len(repositories)}, again, failed)
}

// tracked records the result of watching it, and counts a failure.
func (s *foundShape) tracked(p db.Project, err error) (failed int) {
	if err != nil {
		why := frame.OneLine(frame.Explain(err).Message)
		s.State, s.Error = foundFailed, &why
		return 1
	}
	s.Slug, s.State = p.Slug, foundWatched
	return 0
}

// judge decides whether a repository that was found can be watched.
func (e *env) judge(ctx context.Context, d *db.DB, f *discover.Found) (foundShape, error) {
	s := foundShape{Path: f.Path, State: foundNew}
	p, err := d.ProjectAt(ctx, f.Path)
	switch {
	case err == nil:
		s.Slug, s.State = p.Slug, foundWatched
		return s, nil
	case !errors.Is(err, db.ErrNotFound):
		return s, err
	}
	hub := ""
	switch {
	case f.Foreign:
		s.State = foundForeign
	case f.Kind == discover.Older:
		s.State = foundOlder
		fallthrough
	default: // only its owner's configuration is read: git runs what that names
		hub, err = (&frame.System{}).Git(ctx, "--git-dir="+f.GitDir, "config", "--get", "remote.origin.url")
		if err != nil {
			hub = ""
		}
	}
	s.Slug = slugOf(hub, f.Path)
	return s, nil
}

// trackFound watches the new repositories, and records the results in the list.
func (e *env) trackFound(ctx context.Context, d *db.DB, all []foundShape) (failed int) {
	for k := range all {
		s := &all[k]
		if s.State != foundNew {
			continue
		}
		p, _, err := e.trackAt(ctx, d, s.Path, "")
		failed += s.tracked(p, err)
	}
	return failed
}

// showFound lists what was found. Some of it may have failed to be watched: the list says
// why, and the command fails.
func (e *env) showFound(all []foundShape, r discover.Result, again string, failed int) error {
	var err error
	if failed > 0 {
		err = frame.No("not-tracked", fmt.Sprintf("could not watch %d of the repositories", failed))
	}
	if e.json {
		return e.answerWith(map[string]any{"found": all, "directories": r.Dirs, "complete": r.Cut == ""}, err)
	}
	slices.SortFunc(all, func(a, b foundShape) int { return cmp.Or(cmp.Compare(a.Slug, b.Slug), cmp.Compare(a.Path, b.Path)) })
	var rows []line
	fresh := 0
	for _, s := range all {
		state := s.State
		if s.Error != nil {
			state += ": " + *s.Error
		}
		if s.State == foundNew {
			fresh++
		}
		rows = append(rows, line{s.Slug, []string{s.Slug, frame.OneLine(filepath.ToSlash(s.Path)), state}})
	}
	if err := e.lines(rows); err != nil {
		return err
	}
	if r.Cut != "" {
		e.say("warning: some directories were not searched: %s", r.Cut)
		e.say("hint: name a smaller directory: git crosslink dashboard discover <directory>")
	}
	switch {
	case len(all) == 0:
		e.say("found no repository with a tracker")
	case fresh > 0 && again != "":
		e.say("hint: watch the new ones: %s", again)
	}
	if slices.ContainsFunc(all, func(s foundShape) bool { return s.State == foundOlder }) {
		e.say("hint: bring a tracker in an older format over, in its repository: git crosslink migrate --dry-run")
	}
	return err
}
