package discover

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// repo creates a repository at a path, with or without a tracker, that has only the files that
// are examined.
func repo(t *testing.T, root, path string, with ...string) string {
	t.Helper()
	dir := filepath.Join(root, path)
	for _, d := range append([]string{".git/objects", ".git/refs/remotes"}, with...) {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, ".git", "HEAD"), "ref: refs/heads/main\n")
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func temp(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// names are what was found, from the root on.
func names(t *testing.T, root string, depth int) (all []string) {
	t.Helper()
	r, err := Walk(t.Context(), []string{root}, depth)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Found {
		name := strings.TrimPrefix(f.Path, root+"/")
		if f.Kind == Older {
			name += " (older)"
		}
		if f.Foreign {
			name += " (foreign)"
		}
		all = append(all, name)
	}
	return all
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

const used = ".git/crosslink"

func TestFindsTrackersOnly(t *testing.T) {
	root := temp(t)
	repo(t, root, "code/alpha", used)
	repo(t, root, "code/plain")
	repo(t, root, "code/old", ".crosslink")
	repo(t, root, "code/both", ".crosslink", used)
	repo(t, root, "other/delta", used)
	write(t, filepath.Join(repo(t, root, "code/fetched"), ".git/refs/remotes/up/crosslink/meta"), "0\n")
	write(t, filepath.Join(repo(t, root, "code/packed"), ".git/packed-refs"), "# pack-refs\n"+strings.Repeat("0", 40)+" refs/remotes/origin/crosslink/meta\n")
	write(t, filepath.Join(repo(t, root, "code/branch"), ".git/packed-refs"), strings.Repeat("0", 40)+" refs/heads/crosslink/meta\n")
	repo(t, root, "code/node_modules/package", used)
	repo(t, root, ".hidden/repo", used)
	write(t, filepath.Join(root, "broken/.git"), "gitdir: nowhere\n")
	write(t, filepath.Join(root, "large/.git"), "gitdir: "+strings.Repeat("x", maxLine))
	write(t, filepath.Join(root, "headless/.git/crosslink/x"), "")
	expect(t, names(t, root, 6), "code/alpha", "code/both", "code/fetched", "code/old (older)", "code/packed", "other/delta")
}

func TestDepth(t *testing.T) {
	root := temp(t)
	repo(t, root, "one", used)
	repo(t, root, "a/b/c/four", used)
	expect(t, names(t, root, 0))
	expect(t, names(t, root, 1), "one")
	expect(t, names(t, root, 3), "one")
	expect(t, names(t, root, 4), "a/b/c/four", "one")
	expect(t, names(t, filepath.Join(root, "one"), 0), filepath.Join(root, "one"))
}

func TestNotBelowAHit(t *testing.T) {
	root := temp(t)
	repo(t, root, "outer", used)
	repo(t, root, "outer/nested", used)
	repo(t, root, "plain")
	repo(t, root, "plain/nested", used)
	repo(t, root, "hub.git/objects/nested", used)
	write(t, filepath.Join(root, "hub.git/HEAD"), "ref: refs/heads/main\n")
	write(t, filepath.Join(root, "hub.git/refs/x"), "")
	expect(t, names(t, root, 5), "outer", "plain/nested")
}

// TestLinks: a loop of symbolic links ends, and what lies elsewhere is not found.
func TestLinks(t *testing.T) {
	root, elsewhere := temp(t), temp(t)
	repo(t, elsewhere, "repo", used)
	repo(t, root, "here", used)
	for from, to := range map[string]string{"loop": root, "out": elsewhere, "x": "x"} {
		if err := os.Symlink(to, filepath.Join(root, from)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "linked"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(elsewhere, "repo", ".git"), filepath.Join(root, "linked", ".git")); err != nil {
		t.Fatal(err)
	}
	expect(t, names(t, root, MaxDepth), "here")
	at := filepath.Join(temp(t), "root")
	if err := os.Symlink(root, at); err != nil {
		t.Fatal(err)
	}
	r, err := Walk(t.Context(), []string{at, root}, 3)
	if err != nil || len(r.Found) != 1 || r.Found[0].Path != filepath.Join(root, "here") {
		t.Errorf("a root that is a link, and the same again: %v %v", r, err)
	}
}

// TestWorktrees: a repository is found once, wherever its worktrees are.
func TestWorktrees(t *testing.T) {
	root := temp(t)
	main := repo(t, root, "main", used, ".git/worktrees/side")
	write(t, filepath.Join(main, ".git/worktrees/side/commondir"), "../..\n")
	write(t, filepath.Join(main, ".git/worktrees/side/HEAD"), "ref: refs/heads/side\n")
	write(t, filepath.Join(root, "a-side/.git"), "gitdir: "+main+"/.git/worktrees/side\n")
	expect(t, names(t, root, 3), "main")
	expect(t, names(t, filepath.Join(root, "a-side"), 3), filepath.Join(root, "main"))
}

func TestBounds(t *testing.T) {
	root := temp(t)
	for k := range 5 {
		repo(t, root, fmt.Sprint(k), used)
	}
	for _, c := range []struct {
		dirs, found, want int
		cut               string
	}{{6, 5, 5, ""}, {5, 5, 4, "there are more than 5 directories"}, {6, 4, 4, "there are more than 4 repositories"}} {
		w := &walk{depth: 3, maxDirs: c.dirs, maxFound: c.found, seen: map[string]bool{}}
		r, err := w.run(t.Context(), []string{root})
		if err != nil || len(r.Found) != c.want || r.Cut != c.cut {
			t.Errorf("at most %d directories and %d repositories: %d, %q, %v", c.dirs, c.found, len(r.Found), r.Cut, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Walk(ctx, []string{root}, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("a walk that was canceled: %v", err)
	}
	if _, err := Walk(t.Context(), []string{filepath.Join(root, "nowhere")}, 3); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a root that is not there: %v", err)
	}
}

func TestForeign(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	root := temp(t)
	for name, what := range map[string]string{"files": "", "git": ".git"} {
		if err := os.Chown(filepath.Join(repo(t, root, name, used), what), 4242, -1); err != nil {
			t.Fatal(err)
		}
	}
	repo(t, root, "mine", used)
	expect(t, names(t, root, 2), "files (foreign)", "git (foreign)", "mine")
}

func TestSkipped(t *testing.T) {
	for name, want := range map[string]bool{"node_modules": true, "target": true, ".venv": true, ".local": true, "code": false, "work": false} {
		if skipped(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
