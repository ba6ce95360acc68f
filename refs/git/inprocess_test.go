package git

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
)

// These are answers that are given without git where git would say the same.

func gitIn(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return string(out)
}

// TestInnerWithoutGit: the configuration of the replica that is read without git is the one
// that git reads there, with and without includes that depend on the directory.
func TestInnerWithoutGit(t *testing.T) {
	ctx := context.Background()
	for name, more := range map[string]string{
		"plain":       "",
		"included":    "[include]\n\tpath = more\n",
		"conditional": "[includeIf \"gitdir:**/replica.git\"]\n\tpath = more\n[includeIf \"gitdir:**/w/.git\"]\n\tpath = more\n",
	} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			config := "[user]\n\tname = x\n[credential]\n\thelper = one\n\thelper = two\n" + more
			for file, text := range map[string]string{"config": config, "more": "[http]\n\textraHeader = X: y\n"} {
				if err := os.WriteFile(filepath.Join(top, file), []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			env := append(os.Environ(), "GIT_CONFIG_GLOBAL="+filepath.Join(top, "config"))
			w := filepath.Join(top, "w")
			gitIn(t, top, env, "init", "-q", w)
			gitIn(t, w, env, "remote", "add", "origin", "../hub.git")
			trace := filepath.Join(top, "trace")
			o, cfg, err := Survey(ctx, w, env)
			if err != nil {
				t.Fatal(err)
			}
			o.environ = append(o.environ, "GIT_TRACE2="+trace)
			r, _, err := o.OpenReplica(ctx, true)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			os.Remove(trace)
			g := r.Remote(refs.Address{Name: "origin", Config: cfg}).(*remote)
			got, err := g.inner(ctx)
			if err != nil {
				t.Fatal(err)
			}
			_, err = os.Stat(trace)
			if asked := err == nil; asked != (name == "conditional") {
				t.Errorf("git was asked: %v", asked)
			}
			out, err := r.(*Replica).git.run(ctx, nil, "config", "--list", "-z", "--show-scope")
			if err != nil {
				t.Fatal(err)
			}
			all, _ := refs.ParseConfig(out)
			wide := func(c refs.Config) refs.Config {
				return slices.DeleteFunc(slices.Clone(c), func(s refs.Setting) bool { return s.Scope != "global" && s.Scope != "system" })
			}
			if fmt.Sprint(wide(got)) != fmt.Sprint(wide(all)) || len(wide(got)) < 3 {
				t.Errorf("\n got %v\nwant %v", wide(got), wide(all))
			}
		})
	}
}

// TestOuterRefsWithoutGit: the user's refs are listed as git lists them; in cases that the
// program does not handle, git lists them.
func TestOuterRefsWithoutGit(t *testing.T) {
	ctx := context.Background()
	const root = "refs/remotes/origin/crosslink/"
	top := t.TempDir()
	env := os.Environ()
	gitIn(t, top, env, "init", "-q", "w")
	w := filepath.Join(top, "w")
	gitIn(t, w, env, "commit", "-q", "--allow-empty", "-m", "x")
	for _, name := range []string{root + "meta", root + "agents/a", root + "agents/b", "refs/remotes/origin/crosslinked", "refs/heads/other"} {
		gitIn(t, w, env, "update-ref", name, "HEAD")
	}
	gitIn(t, w, env, "pack-refs", "--all")
	gitIn(t, w, env, "commit", "-q", "--allow-empty", "-m", "y")
	gitIn(t, w, env, "update-ref", root+"agents/b", "HEAD")
	gitIn(t, w, env, "update-ref", root+"agents/c", "HEAD")
	trace := filepath.Join(top, "trace")
	o, cfg, err := Survey(ctx, w, append(env, "GIT_TRACE2="+trace))
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, cfg refs.Config, asked bool) {
		t.Helper()
		os.Remove(trace)
		got, err := o.refs(ctx, cfg, root)
		if err != nil {
			t.Fatal(name, err)
		}
		if _, err := os.Stat(trace); (err == nil) != asked {
			t.Errorf("%s: git was asked: %v", name, err == nil)
		}
		var lines []string
		for _, r := range got {
			lines = append(lines, string(r.OID)+" "+r.Name)
		}
		want := gitIn(t, w, env, "for-each-ref", "--format=%(objectname) %(refname)", root)
		if strings.Join(lines, "\n") != strings.TrimSpace(want) || len(lines) < 4 {
			t.Errorf("%s:\n got %v\nwant %s", name, lines, want)
		}
	}
	check("files", cfg, false)
	check("reftable", refs.Config{{Scope: "local", Key: "extensions.refstorage", Value: "reftable"}}, true)
	gitIn(t, w, env, "symbolic-ref", root+"agents/z", root+"agents/a")
	check("symbolic", cfg, true)
	gitIn(t, w, env, "symbolic-ref", "--delete", root+"agents/z")
	f, err := os.OpenFile(filepath.Join(o.CommonDir, "packed-refs"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20000 {
		fmt.Fprintf(f, "%s refs/z/%08d\n", strings.Repeat("1", 40), i)
	}
	f.Close()
	check("large", cfg, true)
}
