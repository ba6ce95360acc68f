// Package discover finds the repositories below some directories that have a
// tracker. It only looks: it starts no process, follows no symbolic link, and
// reads of a repository two short files and the names of its refs.
//
// What it finds there was written by others. A walk therefore ends: at a depth, at
// a number of directories, and at a number of repositories.
package discover

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/internal/system"
)

// The bounds of a walk.
const (
	Depth     = 4 // unless another one is asked for
	MaxDepth  = 16
	maxDirs   = 200_000
	maxFound  = 1000
	maxLine   = 4 << 10  // of a file that names a directory
	maxPacked = 64 << 20 // of packed refs
)

// Kind says what a repository holds.
type Kind string

// The kinds.
const (
	Tracker Kind = "tracker"
	Older   Kind = "older-format" // a tracker of crosslink 0.9 or before
)

// Found is one repository.
type Found struct {
	Path    string // where its files are, without symbolic links
	GitDir  string // that all its worktrees share
	Kind    Kind
	Foreign bool // it belongs to another user
}

// Result is what a walk found.
type Result struct {
	Found []Found // by path
	Dirs  int     // that were looked at
	Cut   string  // why directories were left out; "" if none was
}

// walk is a walk on its way.
type walk struct {
	Result
	depth, maxDirs, maxFound int
	seen                     map[string]bool // git directories
}

var errFull = errors.New("the walk has reached a bound")

// Walk looks at the directories below the roots, no deeper than depth. A root may be a
// symbolic link, and is an error if it cannot be read; what cannot be read below
// is left out.
func Walk(ctx context.Context, roots []string, depth int) (Result, error) {
	return (&walk{depth: depth, maxDirs: maxDirs, maxFound: maxFound, seen: map[string]bool{}}).run(ctx, roots)
}

func (w *walk) run(ctx context.Context, roots []string) (Result, error) {
	for _, root := range roots {
		at, err := filepath.Abs(root)
		if err == nil {
			at, err = filepath.EvalSymlinks(at)
		}
		if err == nil {
			_, err = os.ReadDir(at)
		}
		if err != nil {
			return w.Result, err
		}
		switch err = w.look(ctx, at, 0); {
		case errors.Is(err, errFull):
		case err != nil:
			return w.Result, err
		}
	}
	slices.SortFunc(w.Found, func(a, b Found) int { return strings.Compare(a.Path, b.Path) })
	return w.Result, nil
}

// look looks at one directory and at those in it.
func (w *walk) look(ctx context.Context, dir string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.Dirs++; w.Dirs > w.maxDirs {
		w.Dirs--
		w.Cut = fmt.Sprintf("there are more than %d directories", w.maxDirs)
		return errFull
	}
	hit, err := w.repository(dir)
	if err != nil || hit {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil || bare(entries) {
		return nil // what cannot be read is not ours
	}
	for _, e := range entries {
		if !e.IsDir() || skipped(e.Name()) {
			continue // a symbolic link is not a directory here
		}
		if depth == w.depth {
			break
		}
		if err := w.look(ctx, filepath.Join(dir, e.Name()), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// repository notes the repository at dir, and reports whether it has a tracker. Two
// worktrees of one repository are one.
func (w *walk) repository(dir string) (hit bool, err error) {
	git := gitDir(dir)
	if git == "" {
		return false, nil
	}
	f := Found{Path: dir, GitDir: git}
	switch {
	case hasTracker(git):
		f.Kind = Tracker
	case isDir(filepath.Join(dir, ".crosslink")):
		f.Kind = Older
	default:
		return false, nil
	}
	if w.seen[git] {
		return true, nil
	}
	w.seen[git] = true
	if len(w.Found) == w.maxFound {
		w.Cut = fmt.Sprintf("there are more than %d repositories", w.maxFound)
		return true, errFull
	}
	if filepath.Base(git) == ".git" {
		f.Path = filepath.Dir(git) // this may be a linked worktree
	}
	f.Foreign = !owned(f.Path) || !owned(git)
	w.Found = append(w.Found, f)
	return true, nil
}

// gitDir is the directory that a repository's worktrees share; "" if there is no
// repository at dir.
func gitDir(dir string) string {
	at := filepath.Join(dir, ".git")
	st, err := os.Lstat(at)
	switch {
	case err != nil:
		return ""
	case st.Mode().IsRegular():
		to, ok := strings.CutPrefix(firstLine(at), "gitdir: ")
		if !ok {
			return ""
		}
		at = below(dir, to)
	case !st.IsDir():
		return ""
	}
	if common := firstLine(filepath.Join(at, "commondir")); common != "" {
		at = below(at, common)
	}
	at, err = filepath.EvalSymlinks(at)
	if _, herr := os.Stat(filepath.Join(at, "HEAD")); err != nil || herr != nil {
		return ""
	}
	return at
}

func below(dir, to string) string {
	if filepath.IsAbs(to) {
		return filepath.Clean(to)
	}
	return filepath.Join(dir, to)
}

// firstLine is the first line of a short file; "" if it cannot be read.
func firstLine(path string) string {
	st, err := os.Lstat(path)
	if err != nil || !st.Mode().IsRegular() || st.Size() > maxLine {
		return ""
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSuffix(line, "\r")
}

// hasTracker reports whether this clone has used the tracker, or has fetched the
// branches of one.
func hasTracker(git string) bool {
	if isDir(filepath.Join(git, "crosslink")) {
		return true
	}
	remotes := filepath.Join(git, "refs", "remotes")
	names, err := os.ReadDir(remotes)
	if err == nil && slices.ContainsFunc(names, func(e fs.DirEntry) bool {
		st, err := os.Lstat(filepath.Join(remotes, e.Name(), "crosslink", "meta"))
		return err == nil && st.Mode().IsRegular()
	}) {
		return true
	}
	return packed(filepath.Join(git, "packed-refs"))
}

// packed reports whether a remote's refs in a file hold the tracker's.
func packed(path string) bool {
	st, err := os.Lstat(path)
	if err != nil || !st.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxPacked))
	for lines.Scan() {
		_, ref, _ := strings.Cut(lines.Text(), " ")
		if strings.HasPrefix(ref, "refs/remotes/") && strings.HasSuffix(ref, "/crosslink/meta") && strings.Count(ref, "/") == 4 {
			return true
		}
	}
	return false
}

// bare reports a repository without files: nothing in it is of interest.
func bare(entries []fs.DirEntry) bool {
	found := 0
	for _, e := range entries {
		switch e.Name() {
		case "HEAD", "objects", "refs":
			found++
		}
	}
	return found == 3
}

func isDir(path string) bool {
	st, err := os.Lstat(path)
	return err == nil && st.IsDir()
}

// noise are directories that may be large and hold no clones.
var noise = map[string]bool{
	"node_modules": true, "bower_components": true, "target": true, "build": true, "dist": true, "out": true, "vendor": true,
	"venv": true, "env": true, "site-packages": true, "__pycache__": true, "Library": true, "AppData": true, "snap": true,
	"Downloads": true, "Desktop": true, "Movies": true, "Music": true, "Pictures": true, "Videos": true, "lost+found": true,
}

// skipped reports names of directories that are not entered. Hidden ones are caches
// and settings.
func skipped(name string) bool { return noise[name] || strings.HasPrefix(name, ".") }

// owned reports whether a directory belongs to anybody who runs this program. Where
// that cannot be known it is left to git.
func owned(path string) bool {
	st, err := os.Stat(path)
	return err == nil && system.Owned(st, true)
}
