package hooks_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/git-crosslink/git-crosslink/hooks"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// picture describes every file of a repository and its worktree but the
// tracker's own directory.
func picture(t *testing.T, dirs ...string) string {
	t.Helper()
	var all []string
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "crosslink" {
				return fs.SkipDir
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			line := p + " " + info.Mode().String()
			if d.Type().IsRegular() {
				b, err := os.ReadFile(p)
				if err != nil {
					return err
				}
				line += fmt.Sprintf(" %x", sha256.Sum256(b))
			}
			all = append(all, line)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sort.Strings(all)
	return strings.Join(all, "\n")
}

// differ tells what is in one picture and not in the other.
func differ(was, is string) string {
	var all []string
	for _, pair := range [][2]string{{was, is}, {is, was}} {
		for line := range strings.Lines(pair[0]) {
			if !strings.Contains(pair[1]+"\n", strings.TrimSuffix(line, "\n")+"\n") {
				all = append(all, map[bool]string{true: "- ", false: "+ "}[pair[0] == was]+line)
			}
		}
	}
	return strings.Join(all, "")
}

func states(r *hooks.Report) string {
	var all []string
	for _, h := range r.Hooks {
		all = append(all, string(h.State))
	}
	return strings.Join(all, ", ")
}

// kinds are the repositories hooks are put into.
var kinds = []struct {
	name  string
	make  func(t *testing.T, env []string) (dir string, all []string) // where the user stands; what belongs to it
	want  string                                                      // how they stand after installing as files
	owner string
}{
	{"plain", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		return r.dir, []string{r.dir}
	}, "in place, in place, in place", ""},
	{"without a directory for hooks", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		if err := os.RemoveAll(r.path(".git/hooks")); err != nil {
			t.Fatal(err)
		}
		return r.dir, []string{r.dir}
	}, "in place, in place, in place", ""},
	{"with a configuration whose last line has no end", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		b, err := os.ReadFile(r.path(".git/config"))
		if err != nil {
			t.Fatal(err)
		}
		put(t, r.path(".git/config"), string(b)+"# mine\n[user]\n\tname = \"a b\" ; quoted", 0o600)
		return r.dir, []string{r.dir}
	}, "in place, in place, in place", ""},
	{"linked worktree", func(t *testing.T, env []string) (string, []string) {
		r, linked := newRepo(t, env, t.TempDir()), filepath.Join(t.TempDir(), "linked")
		r.git("worktree", "add", "-q", linked)
		return linked, []string{r.dir, linked}
	}, "in place, in place, in place", ""},
	{"subdirectory", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		put(t, r.path("a/b/file"), "", 0o644)
		return r.path("a/b"), []string{r.dir}
	}, "in place, in place, in place", ""},
	{"submodule", func(t *testing.T, env []string) (string, []string) {
		part, r := newRepo(t, env, t.TempDir()), newRepo(t, env, t.TempDir())
		r.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", part.dir, "part")
		return r.path("part"), []string{r.dir}
	}, "in place, in place, in place", ""},
	{"mirror", func(t *testing.T, env []string) (string, []string) {
		r, bare := newRepo(t, env, t.TempDir()), filepath.Join(t.TempDir(), "bare.git")
		r.git("clone", "-q", "--mirror", r.dir, bare)
		return bare, []string{bare}
	}, "in place, in place, in place", ""},
	{"a hook of somebody else", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		put(t, r.path(".git/hooks/pre-push"), "#!/bin/sh\nexec git lfs pre-push \"$@\"\n", 0o755)
		return r.dir, []string{r.dir}
	}, "in place, in place, foreign", ""},
	{"a hook of somebody else that calls ours", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		put(t, r.path(".git/hooks/pre-push"), "#!/bin/sh\n"+hooks.Line("pre-push")+"\nexec git lfs pre-push \"$@\"\n", 0o755)
		return r.dir, []string{r.dir}
	}, "in place, in place, called", ""},
	{"ours, changed by the user", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		put(t, r.path(".git/hooks/post-merge"), strings.Replace(hooks.Script("post-merge"), "|| :", "; make", 1), 0o755)
		return r.dir, []string{r.dir}
	}, "called, in place, in place", ""},
	{"pre-commit's own hook", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		put(t, r.path(".git/hooks/pre-commit"), "#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\n", 0o755)
		put(t, r.path(".pre-commit-config.yaml"), "repos: []\n", 0o644)
		return r.dir, []string{r.dir}
	}, "in place, in place, in place", ""},
	{"core.hooksPath in the git directory", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		r.git("config", "core.hooksPath", r.path(".git/mine"))
		put(t, r.path(".git/mine/pre-commit"), "#!/bin/sh\n", 0o755)
		return r.dir, []string{r.dir}
	}, "in place, in place, in place", ""},
	{"core.hooksPath of many repositories", func(t *testing.T, env []string) (string, []string) {
		r, shared := newRepo(t, env, t.TempDir()), t.TempDir()
		r.git("config", "core.hooksPath", shared)
		return r.dir, []string{r.dir, shared}
	}, "missing, missing, missing", "core.hooksPath"},
	{"core.hooksPath switches hooks off", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		r.git("config", "core.hooksPath", os.DevNull)
		return r.dir, []string{r.dir}
	}, "off, off, off", "core.hooksPath"},
	{"core.hooksPath of a directory that is not there", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		r.git("config", "core.hooksPath", "build/hooks")
		return r.dir, []string{r.dir}
	}, "off, off, off", "core.hooksPath"},
	{"a hook that calls ours and cannot be run", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		put(t, r.path(".git/hooks/pre-push"), "#!/bin/sh\n"+hooks.Line("pre-push")+"\n", 0o644)
		return r.dir, []string{r.dir}
	}, "in place, in place, not executable", ""},
	{"hooks that are a link to elsewhere", func(t *testing.T, env []string) (string, []string) {
		r, shared := newRepo(t, env, t.TempDir()), t.TempDir()
		if err := os.RemoveAll(r.path(".git/hooks")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(shared, r.path(".git/hooks")); err != nil {
			t.Fatal(err)
		}
		return r.dir, []string{r.dir, shared}
	}, "missing, missing, missing", "core.hooksPath"},
	{"husky", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		r.git("config", "core.hooksPath", ".husky/_")
		for _, name := range append([]string{"pre-commit"}, hooks.Names...) {
			put(t, r.path(".husky/_/"+name), "#!/usr/bin/env sh\n. \"$(dirname \"$0\")/h\"\n", 0o755)
		}
		put(t, r.path(".husky/post-merge"), hooks.Line("post-merge")+"\n", 0o644)
		put(t, r.path(".husky/pre-push"), "npm test\n", 0o644)
		return r.dir, []string{r.dir}
	}, "called, missing, foreign", "husky"},
	{"lefthook", func(t *testing.T, env []string) (string, []string) {
		r := newRepo(t, env, t.TempDir())
		put(t, r.path("lefthook.yml"), "post-merge:\n  commands:\n    crosslink:\n      run: git-crosslink hook post-merge {0}\n", 0o644)
		put(t, r.path(".git/hooks/pre-push"), "#!/bin/sh\n# lefthook\n", 0o755)
		return r.dir, []string{r.dir}
	}, "called, missing, missing", "lefthook"},
}

// installTwice installs, installs again, uninstalls, uninstalls again, and
// holds the repository to being what it was.
func installTwice(t *testing.T, env []string, dir string, all []string, want, owner string) {
	t.Helper()
	ctx := context.Background()
	before := picture(t, all...)
	open := func() *hooks.Clone {
		c, err := hooks.Open(ctx, dir, env)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	was := states(open().Status())
	r, err := open().Install(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := states(r); got != want || r.Manager != owner || r.Changed != (was != want) {
		t.Errorf("installed: %s (manager '%s', changed %v), want %s ('%s', was %s)", got, r.Manager, r.Changed, want, owner, was)
	}
	once := picture(t, all...)
	if r, err = open().Install(ctx); err != nil || r.Changed || states(r) != want {
		t.Errorf("installed again: %v, %+v", err, r)
	}
	if twice := picture(t, all...); twice != once {
		t.Errorf("installing again changed something:\n%s", differ(once, twice))
	}
	for _, want := range []bool{was != want, false} {
		if r, err = open().Uninstall(ctx); err != nil || r.Changed != want || !r.Removed || states(r) != was {
			t.Errorf("uninstalled: %v, %+v", err, r)
		}
		if after := picture(t, all...); after != before {
			t.Errorf("uninstalling left a difference:\n%s", differ(before, after))
		}
	}
}

func TestInstallTwiceKeepWhatIsThereUninstall(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			env := environ(t)
			dir, all := k.make(t, env)
			if configures(t, env, dir) {
				k.want, k.owner = "in place, in place, in place", ""
			}
			installTwice(t, env, dir, all, k.want, k.owner)
		})
	}
}

// TestInstallIntoTheConfiguration: with a git that runs configured hooks they
// are all in place, whatever else decides about files.
func TestInstallIntoTheConfiguration(t *testing.T) {
	path := testkit.NewerGit()
	if path == "" {
		t.Skip("no newer git here: internal/testkit/newer-git.sh gets one")
	}
	t.Setenv("PATH", path+":"+os.Getenv("PATH"))
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			env := environ(t)
			dir, all := k.make(t, env)
			if !configures(t, env, dir) {
				t.Fatal("the newer git knows no hooks of its configuration")
			}
			installTwice(t, env, dir, all, "in place, in place, in place", "")
		})
	}
	t.Run("git writes what we expect", func(t *testing.T) {
		env := environ(t)
		r := newRepo(t, env, t.TempDir())
		if _, err := open(t, r).Install(context.Background()); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(r.path(".git/config"))
		if err != nil || !strings.HasSuffix(string(b), hooks.Configuration) {
			t.Errorf("%v: no %q at the end of %q", err, hooks.Configuration, b)
		}
	})
	t.Run("files of an older git go", func(t *testing.T) {
		env := environ(t)
		r := newRepo(t, env, t.TempDir())
		for _, name := range hooks.Names {
			put(t, r.path(".git/hooks/"+name), hooks.Script(name), 0o755)
		}
		if got := states(open(t, r).Status()); got != "in place, in place, in place" {
			t.Errorf("the files of an older git: %s", got)
		}
		if rep, err := open(t, r).Install(context.Background()); err != nil || rep.Hooks[0].Where != "configuration" {
			t.Errorf("%v: %+v", err, rep)
		}
		if _, err := os.Stat(r.path(".git/hooks/pre-push")); !os.IsNotExist(err) {
			t.Errorf("a hook runs twice: %v", err)
		}
	})
	t.Run("what the user added stays", func(t *testing.T) {
		env := environ(t)
		r := newRepo(t, env, t.TempDir())
		if _, err := open(t, r).Install(context.Background()); err != nil {
			t.Fatal(err)
		}
		r.git("config", "hook.crosslink.enabled", "false")
		if got := states(open(t, r).Status()); got != "disabled, disabled, disabled" {
			t.Errorf("switched off: %s", got)
		}
		if _, err := open(t, r).Uninstall(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := r.git("config", "--get-regexp", "^hook"); got != "hook.crosslink.enabled false" {
			t.Errorf("left is %q", got)
		}
		r.git("commit", "-q", "--amend", "--allow-empty", "-m", "git still runs")
	})
}

func open(t *testing.T, r *repo) *hooks.Clone {
	t.Helper()
	c, err := hooks.Open(context.Background(), r.dir, r.env)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// configures asks git itself.
func configures(t *testing.T, env []string, dir string) bool {
	t.Helper()
	cmd := exec.Command("git", "hook", "list", "pre-push")
	cmd.Dir, cmd.Env = dir, env
	err := cmd.Run()
	return err == nil || cmd.ProcessState.ExitCode() == 1
}

func TestAnOlderVersionIsReplacedAndOneThatWasChangedIsNot(t *testing.T) {
	r := newRepo(t, environ(t), t.TempDir())
	if configures(t, r.env, r.dir) {
		t.Skip("this git takes hooks from its configuration")
	}
	body := "git crosslink sync\n"
	sum := sha256.Sum256([]byte(body))
	older := fmt.Sprintf("#!/bin/sh\n# git crosslink 0007 %x: as it was once\n%s", sum[:8], body)
	put(t, r.path(".git/hooks/post-merge"), older, 0o755)
	put(t, r.path(".git/hooks/post-rewrite"), older+"make\n", 0o755)
	if got := states(open(t, r).Status()); got != "outdated, foreign, missing" {
		t.Errorf("before: %s", got)
	}
	rep, err := open(t, r).Install(context.Background())
	if err != nil || states(rep) != "in place, foreign, in place" {
		t.Errorf("after: %v, %s", err, states(rep))
	}
	if b, _ := os.ReadFile(r.path(".git/hooks/post-rewrite")); string(b) != older+"make\n" {
		t.Errorf("the changed one is now %q", b)
	}
}

// TestManyAtOnce: first writes of several processes put each hook in place once.
func TestManyAtOnce(t *testing.T) {
	if path := testkit.NewerGit(); path != "" {
		t.Setenv("PATH", path+":"+os.Getenv("PATH"))
	}
	r := newRepo(t, environ(t), t.TempDir())
	var wait sync.WaitGroup
	changed := make([]bool, 6)
	for i := range changed {
		wait.Add(1)
		go func() {
			defer wait.Done()
			c, err := hooks.Open(context.Background(), r.dir, r.env)
			if err != nil {
				t.Error(err)
				return
			}
			rep, err := c.Install(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			changed[i] = rep.Changed
		}()
	}
	wait.Wait()
	n := 0
	for _, c := range changed {
		if c {
			n++
		}
	}
	if got := states(open(t, r).Status()); n != 1 || got != "in place, in place, in place" {
		t.Errorf("%d of %d put them in place: %s", n, len(changed), got)
	}
	if configures(t, r.env, r.dir) {
		if events := r.git("config", "--get-all", "hook.crosslink.event"); strings.Count(events, "\n") != 2 {
			t.Errorf("configured: %q", events)
		}
	}
}

// TestScriptsInEveryShell: whatever program they find or do not find, the hooks
// are silent and succeed; only a push that is stopped is stopped, in words.
func TestScriptsInEveryShell(t *testing.T) {
	found := 0
	for _, shell := range []string{"sh", "dash", "bash", "busybox", "zsh"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Run(shell, func(t *testing.T) { t.Skipf("no '%s' here", shell) })
			continue
		}
		found++
		args := []string{path}
		if shell == "busybox" {
			args = append(args, "sh")
		}
		t.Run(shell, func(t *testing.T) { scriptsIn(t, args) })
	}
	if found == 0 {
		t.Error("no shell was tried")
	}
}

func scriptsIn(t *testing.T, shell []string) {
	for _, p := range []struct{ name, text, calls, want string }{
		{"there is no program", "", "", ""},
		{"it succeeds", "#!/bin/sh\necho \"$@\" >>\"$0.log\"; echo out; echo err >&2", "yes", ""},
		{"it dies", "#!/bin/sh\necho \"$@\" >>\"$0.log\"; echo err >&2; kill -9 $$", "yes", ""},
		{"it fails", "#!/bin/sh\necho \"$@\" >>\"$0.log\"; echo err >&2; exit 2", "yes", ""},
		{"it is damaged", "\x7fELF\x00\x00\x00", "", ""},
		{"its interpreter is gone", "#!/nowhere/sh\n", "", ""},
		{"it stops", "#!/bin/sh\necho \"$@\" >>\"$0.log\"; echo 'error: no'; echo trace >&2; exit 1", "yes", "error: no\n"},
	} {
		t.Run(p.name, func(t *testing.T) {
			bin := t.TempDir()
			program := filepath.Join(bin, "git-crosslink")
			if p.text != "" {
				put(t, program, p.text+"\n", 0o755)
			}
			for _, name := range hooks.Names {
				file := filepath.Join(bin, name)
				put(t, file, hooks.Script(name), 0o755)
				line := filepath.Join(bin, name+"-line")
				put(t, line, "#!/bin/sh\n"+hooks.Line(name)+"\n", 0o755)
				given := map[string][]string{"post-merge": {"0"}, "post-rewrite": {"rebase"}, "pre-push": {"origin", "a b"}}[name]
				for _, file := range []string{file, line} {
					os.Remove(program + ".log")
					cmd := exec.Command(shell[0], append(append(shell[1:len(shell):len(shell)], file), given...)...)
					cmd.Env = []string{"PATH=" + bin}
					cmd.Stdin = strings.NewReader("")
					var stdout, stderr bytes.Buffer
					cmd.Stdout, cmd.Stderr = &stdout, &stderr
					err := cmd.Run()
					stops := p.want != "" && file == filepath.Join(bin, "pre-push")
					if code := cmd.ProcessState.ExitCode(); code != map[bool]int{true: 1}[stops] {
						t.Errorf("%s: %v", filepath.Base(file), err)
					}
					says := ""
					if stops {
						says = p.want
					}
					if stdout.String() != "" || stderr.String() != says {
						t.Errorf("%s says %q and %q, want %q on stderr alone", filepath.Base(file), &stdout, &stderr, says)
					}
					log, _ := os.ReadFile(program + ".log")
					if want := "hook " + name + " " + strings.Join(given, " ") + "\n"; p.calls != "" && string(log) != want {
						t.Errorf("%s called it with %q, want %q", filepath.Base(file), log, want)
					}
				}
			}
		})
	}
}

// TestScriptsSayWhatTheyAre: the version and the hash in each are right.
func TestScriptsSayWhatTheyAre(t *testing.T) {
	for _, name := range hooks.Names {
		if hooks.Version(hooks.Script(name)) != 1 {
			t.Errorf("'%s' is not known as one of ours", name)
		}
		if hooks.Version(strings.Replace(hooks.Script(name), `"$@"`, `"$*"`, 1)) != 0 {
			t.Errorf("'%s' is known as ours after a change", name)
		}
	}
}
