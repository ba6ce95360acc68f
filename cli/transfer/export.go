package transfer

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/exporter"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newExportCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "export", Category: frame.GroupRest,
		Usage:     "export all issues",
		UsageText: "git crosslink export [--format <format>] [-o <file>] [<options>]",
		Description: `Writes the issues with their texts and comments to stdout, or with '-o' to a
file. The same state always gives the same bytes. Formats:
` + exportFormats() + `
Deleted issues and comments are not exported. Only the format jsonl contains
everything that 'show' prints. '--bundle' writes a complete backup instead: a git
bundle with all events and signatures, including unsent events. To restore it,
create a hub from it with 'git clone --mirror'.

Examples:
  git crosslink export -o issues.jsonl
  git crosslink export --bundle -o tracker.bundle
  git crosslink export --format csv --status open -o issues.csv`,
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "format", Usage: strings.Join(exportNames(), ", "), Value: "jsonl"},
			&urfave.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`; an existing file is replaced when the export is complete"},
			&urfave.BoolFlag{Name: "bundle", Usage: "write a backup of the whole tracker, as a git bundle"},
			&urfave.StringFlag{Name: "status", Aliases: []string{"s"}, Usage: "open, closed, archived or all", Value: "all"},
			&urfave.StringSliceFlag{Name: "label", Aliases: []string{"l"}, Usage: "only issues with `LABEL`; repeat for issues with all of the labels"},
		},
	}, func(u *urfave.Context) error {
		if u.NArg() > 0 {
			return frame.Misuse(fmt.Sprintf("unexpected argument '%s'", u.Args().First()), "git crosslink export -o <file>")
		}
		status, err := frame.OneOf(u, "status", store.Statuses)
		if err != nil {
			return err
		}
		name, err := frame.OneOf(u, "format", exportNames())
		if err != nil {
			return err
		}
		path := u.String("output")
		if path == "-" {
			path = "" // stdout
		}
		if u.Bool("bundle") {
			for _, other := range []string{"format", "status", "label"} {
				if u.IsSet(other) {
					return frame.Misuse("'--bundle' writes the whole tracker; it excludes '--"+other+"'", "git crosslink export --bundle -o <file>")
				}
			}
			if path == "" {
				return frame.Misuse("'--bundle' needs '-o'", "git crosslink export --bundle -o <file>")
			}
			return runBundle(u.Context, path, e)
		}
		if e.JSON && path == "" {
			return frame.Misuse("'--json' needs '-o': it reports on the written file", "git crosslink export --json -o <file>")
		}
		return runExport(u.Context, name, path, store.Filter{Status: status, Labels: u.StringSlice("label")}, e)
	})
}

func exportNames() (names []string) {
	for _, f := range exporter.Formats {
		names = append(names, f.Name)
	}
	return names
}

func exportFormats() string {
	var b strings.Builder
	for _, f := range exporter.Formats {
		fmt.Fprintf(&b, "  %-9s %s\n", f.Name, f.What)
	}
	return b.String()
}

// exportAnswer is the JSON shape of export.
type exportAnswer struct {
	Format string `json:"format"`
	File   string `json:"file"`
	Issues int    `json:"issues"`
}

func runExport(ctx context.Context, name, path string, filter store.Filter, e *command.Env) error {
	f := exporter.Formats[slices.IndexFunc(exporter.Formats, func(f exporter.Format) bool { return f.Name == name })]
	answer := exportAnswer{Format: name, File: path}
	err := e.Read(ctx, tracker.Here, func(repo *command.Repository, p tracker.Projection) error {
		decided, err := repo.Decisions(ctx)
		if err != nil {
			return err
		}
		src := exporter.Source{State: p, Filter: filter, Hub: repo.HubID(), Sequence: decided.Sequence()}
		switch {
		case path == "" && e.Human():
			var page strings.Builder
			if _, err = f.Write(&page, src); err != nil {
				return err
			}
			return e.Print(ctx, frame.Result{Long: true, Page: func(pg *frame.Page) { pg.Block("", page.String()) }})
		case path == "":
			w := bufio.NewWriter(e.Out)
			if answer.Issues, err = f.Write(w, src); err == nil {
				err = w.Flush()
			}
			return err
		}
		answer.Issues, err = writeFile(path, func(w io.Writer) (int, error) { return f.Write(w, src) })
		return err
	})
	if err != nil || path == "" {
		return err
	}
	e.Progress("exported %s to '%s'", frame.Count(answer.Issues, "issue"), path)
	return e.Print(ctx, frame.Result{Data: answer})
}

// runBundle writes the backup of the whole tracker.
func runBundle(ctx context.Context, path string, e *command.Env) error {
	answer := exportAnswer{Format: "bundle", File: path}
	err := e.Read(ctx, tracker.Here, func(repo *command.Repository, p tracker.Projection) error {
		outer, err := git.Discover(ctx, filepath.Join(repo.Home(), "replica.git"), git.Unlocated(os.Environ()))
		if err != nil {
			return frame.Fatal("export-file", "there is no tracker in this repository yet", "git crosslink init")
		}
		l := git.NewPlumbing(outer.GitDir, repo.Home(), outer.Format, git.Unlocated(os.Environ()))
		defer l.Close()
		answer.Issues, err = writeFile(path, func(w io.Writer) (int, error) {
			_, n, err := p.List(store.Filter{Status: "all", Limit: 1})
			if err == nil {
				err = l.Bundle(ctx, w)
			}
			return n, err
		})
		return err
	})
	if err != nil {
		return err
	}
	e.Progress("wrote a backup with %s to '%s'", frame.Count(answer.Issues, "issue"), path)
	return e.Print(ctx, frame.Result{Data: answer})
}

// writeFile replaces a file when the new one is complete. The new file has the same readers
// as the old one, and a link still leads to it. Anything other than a file, such as a pipe
// or a device, is written to directly.
func writeFile(path string, write func(io.Writer) (int, error)) (n int, err error) {
	fail := func(err error) (int, error) {
		return 0, frame.Fatal("export-file", fmt.Sprintf("cannot write '%s': %v", path, frame.UnwrapPath(err)))
	}
	at := path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		at = target
	} else if link, lerr := os.Readlink(path); lerr == nil {
		return fail(fmt.Errorf("it is a link to '%s', which does not exist", link))
	}
	old, err := os.Stat(at)
	switch {
	case err == nil && old.IsDir():
		return fail(errors.New("it is a directory"))
	case err == nil && !old.Mode().IsRegular():
		f, err := os.OpenFile(at, os.O_WRONLY, 0)
		if err != nil {
			return fail(err)
		}
		n, err := fill(f, write)
		if err != nil {
			return fail(err)
		}
		return n, nil
	}
	tmp, err := os.OpenFile(filepath.Join(filepath.Dir(at), ".crosslink-export-"+rand.Text()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fail(err)
	}
	defer os.Remove(tmp.Name())
	if old != nil {
		if err := tmp.Chmod(old.Mode().Perm()); err != nil {
			tmp.Close()
			return fail(err)
		}
	}
	if n, err = fill(tmp, write); err == nil {
		err = os.Rename(tmp.Name(), at)
	}
	if err != nil {
		return fail(err)
	}
	return n, nil
}

// fill writes to a file, and closes it.
func fill(f *os.File, write func(io.Writer) (int, error)) (int, error) {
	w := bufio.NewWriter(f)
	n, err := write(w)
	if err == nil {
		err = w.Flush()
	}
	if st, serr := f.Stat(); err == nil && serr == nil && st.Mode().IsRegular() {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return n, err
}
