package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"text/tabwriter"

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

Examples:
  git crosslink dashboard discover
  git crosslink dashboard discover ~/src --track`,
		Flags: []urfave.Flag{
			&urfave.IntFlag{Name: "depth", Value: discover.Depth, Usage: fmt.Sprintf("look `N` directories deep, at most %d", discover.MaxDepth)},
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
	if err := e.showFound(all, r, again); err != nil {
		return err
	}
	if failed > 0 && !e.json {
		return frame.No("not-tracked", fmt.Sprintf("%d of the repositories could not be watched", failed))
	}
	return nil
}

// judge says what a repository that was found is to the dashboard.
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

// trackFound watches what is new, and notes in the list what came of it.
func (e *env) trackFound(ctx context.Context, d *db.DB, all []foundShape) (failed int) {
	for k := range all {
		s := &all[k]
		if s.State != foundNew {
			continue
		}
		p, _, err := e.trackAt(ctx, d, s.Path, "")
		if err != nil {
			why := frame.OneLine(frame.Explain(err).Message)
			s.State, s.Error = foundFailed, &why
			failed++
			continue
		}
		s.Slug, s.State = p.Slug, foundWatched
	}
	return failed
}

func (e *env) showFound(all []foundShape, r discover.Result, again string) error {
	if e.json {
		return e.answer(map[string]any{"found": all, "directories": r.Dirs, "complete": r.Cut == ""})
	}
	slices.SortFunc(all, func(a, b foundShape) int { return cmp.Or(cmp.Compare(a.Slug, b.Slug), cmp.Compare(a.Path, b.Path)) })
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fresh := 0
	for _, s := range all {
		state := s.State
		if s.Error != nil {
			state += ": " + *s.Error
		}
		if s.State == foundNew {
			fresh++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Slug, frame.OneLine(filepath.ToSlash(s.Path)), state)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if r.Cut != "" {
		e.say("warning: some directories were not searched: %s", r.Cut)
		e.say("hint: name a smaller directory: git crosslink dashboard discover <directory>")
	}
	switch {
	case len(all) == 0:
		e.say("found no repository with a tracker (directories searched: %d)", r.Dirs)
	case fresh > 0 && again != "":
		e.say("hint: watch the new ones: %s", again)
	}
	if slices.ContainsFunc(all, func(s foundShape) bool { return s.State == foundOlder }) {
		e.say("hint: a tracker in an older format can be imported: git crosslink import --help")
	}
	return nil
}
