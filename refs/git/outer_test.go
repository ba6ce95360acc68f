package git_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

// TestDiscover: every form that a repository can have.
func TestDiscover(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) { t.Helper(); refstest.Git(t, args...) }
	repo := func(name string, args ...string) string {
		dir := filepath.Join(top, name)
		run(append(append([]string{"init", "-q"}, args...), dir)...)
		return dir
	}
	plain := repo("plain")
	run("-C", plain, "commit", "-q", "--allow-empty", "-m", "x")
	run("-C", plain, "worktree", "add", "-q", top+"/linked")
	os.MkdirAll(plain+"/sub/dir", 0o777)
	os.MkdirAll(top+"/linked/sub", 0o777)
	odd := repo("a\nfalse\n b ")
	bareRepo := repo("bare.git", "--bare")
	run("--git-dir="+bareRepo, "fetch", "-q", plain, "HEAD:main")
	run("--git-dir="+bareRepo, "worktree", "add", "-q", top+"/of\nbare", "main")
	separate := repo("separate", "--separate-git-dir="+top+"/elsewhere")
	sha256 := repo("sha256", "--object-format=sha256")
	moved := repo("moved")
	run("-C", moved, "config", "core.worktree", plain)
	gone := repo("gone")
	run("-C", gone, "commit", "-q", "--allow-empty", "-m", "x")
	run("-C", gone, "worktree", "add", "-q", top+"/left")
	super := repo("super")
	run("-C", super, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", plain, "module")

	env := os.Environ()
	for _, c := range []struct {
		name, dir           string
		env                 []string
		git, common, wt, tp string
		bare                bool
		f                   refs.Format
	}{
		{name: "plain", dir: plain, git: plain + "/.git", wt: plain},
		{name: "below", dir: plain + "/sub/dir", git: plain + "/.git", wt: plain},
		{name: "inside .git", dir: plain + "/.git/refs", git: plain + "/.git", tp: plain},
		{name: "linked worktree", dir: top + "/linked/sub", git: plain + "/.git/worktrees/linked", common: plain + "/.git", wt: top + "/linked", tp: plain},
		{name: "line breaks", dir: odd, git: odd + "/.git", wt: odd},
		{name: "bare", dir: bareRepo, git: bareRepo, tp: bareRepo, bare: true},
		{name: "worktree of bare", dir: top + "/of\nbare", git: bareRepo + "/worktrees/of-bare", common: bareRepo, wt: top + "/of\nbare", tp: bareRepo, bare: true},
		{name: "separate git dir", dir: separate, git: top + "/elsewhere", wt: separate},
		{name: "sha256", dir: sha256, git: sha256 + "/.git", wt: sha256, f: refs.SHA256},
		{name: "core.worktree", dir: moved + "/.git", git: moved + "/.git", tp: moved},
		{name: "submodule", dir: super + "/module", git: super + "/.git/modules/module", wt: super + "/module"},
		{name: "GIT_DIR", dir: top, env: []string{"GIT_DIR=plain/.git", "GIT_WORK_TREE=plain/sub"}, git: plain + "/.git", tp: plain},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := git.Discover(ctx, c.dir, append(env[:len(env):len(env)], c.env...))
			if err != nil {
				t.Fatal(err)
			}
			if c.common == "" {
				c.common = c.git
			}
			if c.tp == "" {
				c.tp = c.wt
			}
			got := fmt.Sprintf("%q %q %q %q %v %v", o.GitDir, o.CommonDir, o.Worktree, o.Top, o.Bare, o.Format)
			want := fmt.Sprintf("%q %q %q %q %v %v", c.git, c.common, c.wt, c.tp, c.bare, c.f)
			if got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
			if _, err := o.Config(ctx); err != nil {
				t.Error(err)
			}
			if _, err := openReplica(ctx, o, false); !errors.Is(err, refs.ErrNoReplica) {
				t.Error(err)
			}
		})
	}

	// One replica for all worktrees.
	for _, dir := range []string{top + "/linked", plain} {
		o, err := git.Discover(ctx, dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := openReplica(ctx, o, true)
		if err != nil || r.Path() != plain+"/.git/crosslink/replica.git" {
			t.Error(r, err)
		}
	}
	// A main worktree that is gone, its git dir left in place.
	t.Run("not a repository", func(t *testing.T) {
		none := t.TempDir()
		for _, env := range [][]string{nil, append(os.Environ(), "GIT_CEILING_DIRECTORIES="+plain+"/sub")} {
			dir := none
			if env != nil {
				dir = plain + "/sub/dir"
			}
			if _, err := git.Discover(ctx, dir, env); !errors.Is(err, git.ErrNotRepository) {
				t.Error(err)
			}
		}
	})
	t.Run("no git", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := git.Discover(ctx, plain, nil); !errors.Is(err, git.ErrNoGit) {
			t.Error(err)
		}
	})
	t.Run("somebody else's", func(t *testing.T) {
		env := append(os.Environ(), "GIT_TEST_ASSUME_DIFFERENT_OWNER=1")
		var unsafe *git.UnsafeError
		if _, err := git.Discover(ctx, plain, env); !errors.As(err, &unsafe) {
			t.Error(err)
		}
		c := top + "/gitconfig"
		run("config", "--file", c, "safe.directory", plain)
		if _, err := git.Discover(ctx, plain, append(env, "GIT_CONFIG_GLOBAL="+c)); err != nil {
			t.Error(err)
		}
		run("config", "--file", c, "safe.bareRepository", "explicit")
		if _, err := git.Discover(ctx, bareRepo, append(os.Environ(), "GIT_CONFIG_GLOBAL="+c)); !errors.As(err, &unsafe) {
			t.Error(err)
		}
		// The replica is bare; --git-dir is explicit.
		if err := roundTrip(t, clone(t)+"/w", append(os.Environ(), "GIT_CONFIG_GLOBAL="+c)); err != nil {
			t.Error(err)
		}
	})
}

func TestConfig(t *testing.T) {
	top := clone(t)
	w := top + "/w"
	run := func(args ...string) { refstest.Git(t, append([]string{"-C", w}, args...)...) }
	run("config", "--add", "crosslink.Remote", "one")
	run("config", "--add", "crosslink.remote", "two\nlines")
	run("config", "url.https://X.y/Z.insteadOf", "q")
	run("config", "crosslink.n", "0")
	f, _ := os.OpenFile(w+"/.git/config", os.O_APPEND|os.O_WRONLY, 0)
	f.WriteString("[crosslink]\n\tflag\n")
	f.Close()
	env := append(os.Environ(), "GIT_CONFIG_PARAMETERS='crosslink.agent'='x'")
	o, err := git.Discover(ctx, w, env)
	if err != nil {
		t.Fatal(err)
	}
	c, err := o.Config(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := c.Get("CrossLink.REMOTE"); !ok || v != "two\nlines" {
		t.Errorf("%q", v)
	}
	if v := c.All("crosslink.remote"); len(v) != 2 || v[0] != "one" {
		t.Errorf("%q", v)
	}
	if v, ok := c.Get("URL.https://X.y/Z.INSTEADOF"); !ok || v != "q" {
		t.Errorf("%q", v)
	}
	if v, ok := c.Get("crosslink.agent"); !ok || v != "x" {
		t.Errorf("%q", v)
	}
	if !c.Bool("crosslink.flag", false) || c.Bool("crosslink.n", true) || !c.Bool("crosslink.none", true) || c.Bool("crosslink.agent", false) {
		t.Error("booleans")
	}
	if _, ok := c.Get("crosslink.none"); ok {
		t.Error("a value from nowhere")
	}
	if r := c.Remotes(); len(r) != 1 || r[0] != "origin" {
		t.Error(r)
	}
}
