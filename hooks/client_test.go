package hooks_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/hooks"
	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// repo is a repository with a commit, and git in it.
type repo struct {
	t   *testing.T
	dir string
	env []string
}

func environ(t *testing.T, more ...string) []string {
	t.Helper()
	who := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"GIT_CONFIG_COUNT=3", "GIT_CONFIG_KEY_2=maintenance.auto", "GIT_CONFIG_VALUE_2=false",
		"GIT_AUTHOR_NAME=alice", "GIT_AUTHOR_EMAIL=alice@example.com",
		"GIT_COMMITTER_NAME=alice", "GIT_COMMITTER_EMAIL=alice@example.com"}
	return append(append(testkit.Environment(), who...), more...)
}

func newRepo(t *testing.T, env []string, dir string) *repo {
	t.Helper()
	r := &repo{t, dir, env}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r.git("init", "-q", "-b", "main")
	r.git("commit", "-q", "--allow-empty", "-m", "start")
	return r
}

func (r *repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSuffix(string(out), "\n")
}

func (r *repo) path(name string) string { return filepath.Join(r.dir, name) }

func put(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// started is a program that notes how often, and for which repository, it ran.
func started(t *testing.T) (program string, runs func(want int) []string) {
	t.Helper()
	dir := t.TempDir()
	program = filepath.Join(dir, "program")
	put(t, program, "#!/bin/sh\necho \"$* in $(git rev-parse --absolute-git-dir)\" >\""+dir+"/run-$$.new\" && mv \""+dir+"/run-$$.new\" \""+dir+"/run-$$\"\n", 0o755)
	return program, func(want int) []string {
		t.Helper()
		var all []string
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			all, _ = filepath.Glob(filepath.Join(dir, "run-*[0-9]"))
			if len(all) >= want && want > 0 || time.Now().After(end) {
				break
			}
			if want == 0 && testkit.Settle(dir) {
				break
			}
		}
		var out []string
		for _, f := range all {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, strings.TrimSpace(string(b)))
			os.Remove(f)
		}
		if len(out) != want {
			t.Errorf("%d syncs were started, want %d: %q", len(out), want, out)
		}
		return out
	}
}

func TestAHookStartsOneSyncWhereThereIsATracker(t *testing.T) {
	env := environ(t)
	r := newRepo(t, env, t.TempDir())
	r.git("worktree", "add", "-q", r.path("linked"))
	sub := newRepo(t, env, t.TempDir())
	sub.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", r.dir, "part")
	bare := filepath.Join(t.TempDir(), "bare.git")
	r.git("clone", "-q", "--bare", r.dir, bare)
	for _, dir := range []string{r.path(".git"), sub.path(".git/modules/part"), bare} {
		if err := os.MkdirAll(filepath.Join(dir, "crosslink", "replica.git"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program, runs := started(t)
	for _, c := range []struct {
		name, dir, hook, args string
		env                   []string
		want                  string // the repository; "" is no sync
	}{
		{"after a merge", r.dir, hooks.PostMerge, "0", nil, r.path(".git")},
		{"after a rebase", r.dir, hooks.PostRewrite, "rebase", nil, r.path(".git")},
		{"not after a commit", r.dir, hooks.PostRewrite, "amend", nil, ""},
		{"not after a configured hook's commit", r.dir, hooks.Any, "amend", nil, ""},
		{"configured, a push", r.dir, hooks.Any, "origin /hub", nil, r.path(".git")},
		{"configured, a merge", r.dir, hooks.Any, "1", nil, r.path(".git")},
		{"before a push", r.dir, hooks.PrePush, "origin /hub", nil, r.path(".git")},
		{"after a fetch through the helper", r.dir, hooks.Fetched, "", nil, r.path(".git")},
		{"not from a git of our own", r.dir, hooks.PostMerge, "0", []string{"CROSSLINK_INNER=1"}, ""},
		{"a linked worktree", r.path("linked"), hooks.PostMerge, "0", nil, r.path(".git/worktrees/linked")},
		{"a linked worktree that git names", "/", hooks.PrePush, "origin /hub", []string{"GIT_DIR=" + r.path(".git/worktrees/linked")}, r.path(".git/worktrees/linked")},
		{"a relative GIT_DIR", r.dir, hooks.PostMerge, "0", []string{"GIT_DIR=.git"}, r.path(".git")},
		{"a submodule", sub.path("part"), hooks.PostMerge, "0", nil, sub.path(".git/modules/part")},
		{"its superproject has no tracker", sub.dir, hooks.PostMerge, "0", nil, ""},
		{"a bare repository", bare, hooks.PrePush, "origin /hub", nil, bare},
		{"no repository", t.TempDir(), hooks.PostMerge, "0", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := append(env, append(c.env, testkit.Mark(filepath.Dir(program)))...)
			stop := hooks.Run(context.Background(), hooks.Call{Name: c.hook, Args: strings.Fields(c.args), Stdin: strings.NewReader(""), Dir: c.dir, Environ: env, Program: program})
			if stop != nil {
				t.Errorf("stopped: %v", stop)
			}
			if c.want == "" {
				runs(0)
			} else if got := runs(1); len(got) == 1 && got[0] != "sync --detached in "+c.want {
				t.Errorf("started %q for another repository than %s", got[0], c.want)
			}
		})
	}
}

// TestASyncThatWaitsTakesItAlong: no process is started for what another will do.
func TestASyncThatWaitsTakesItAlong(t *testing.T) {
	env := environ(t)
	r := newRepo(t, env, t.TempDir())
	replica := r.path(".git/crosslink/replica.git")
	put(t, filepath.Join(replica, "next.lock"), "", 0o644)
	program, runs := started(t)
	call := hooks.Call{Name: hooks.PostMerge, Args: []string{"0"}, Dir: r.dir, Environ: append(env, testkit.Mark(filepath.Dir(program))), Program: program}
	f, err := os.Open(filepath.Join(replica, "next.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := system.TryLock(f, false); !ok {
		t.Fatal("the lock is held", err)
	}
	hooks.Run(context.Background(), call)
	runs(0)
	f.Close()
	hooks.Run(context.Background(), call)
	runs(1)
}

func TestDangerous(t *testing.T) {
	const a, b, none = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222", "0000000000000000000000000000000000000000"
	for _, c := range []struct{ name, lines, want string }{
		{"nothing", "", ""},
		{"code", "refs/heads/main " + a + " refs/heads/main " + b, ""},
		{"a new log", "refs/heads/crosslink/agents/x " + a + " refs/heads/crosslink/agents/x " + none, ""},
		{"a deletion", "(delete) " + none + " refs/heads/crosslink/meta " + a, "refs/heads/crosslink/meta"},
		{"among others, after nonsense", "\n??\nrefs/heads/main " + a + " refs/heads/main " + b + "\n(delete) " + none + " refs/heads/crosslink/meta " + a + "\n", "refs/heads/crosslink/meta"},
		{"a move", "refs/heads/crosslink/meta " + a + " refs/heads/crosslink/meta " + b, "refs/heads/crosslink/meta"},
		{"another name that begins so", "(delete) " + none + " refs/heads/crosslinked " + a, ""},
		{"a branch of that name", "(delete) " + none + " refs/heads/crosslink " + a, ""},
		{"a tag", "(delete) " + none + " refs/tags/crosslink/meta " + a, ""},
	} {
		if got := hooks.Dangerous(strings.NewReader(c.lines)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWhatAsksForAMirror(t *testing.T) {
	for words, want := range map[string]bool{
		"push --mirror": true, "push --mirr origin": true, "push origin --mirror": true, "-C x push --m": true,
		"push": false, "push --no-mirror": false, "push --mirror --no-mirror": false, "push -- --mirror": false,
		"push --mirrored": false, "push --no-m --mirror": true, "push --": false,
	} {
		if got := hooks.AsksForMirror(strings.Fields(words)); got != want {
			t.Errorf("git %s: %v", words, got)
		}
	}
}

func TestAPushThatRewindsIsStoppedAndOneThatExtendsIsNot(t *testing.T) {
	r := newRepo(t, environ(t), t.TempDir())
	old := r.git("rev-parse", "HEAD")
	r.git("commit", "-q", "--allow-empty", "-m", "next")
	now := r.git("rev-parse", "HEAD")
	push := func(to, from string) *hooks.Stop {
		return hooks.Run(context.Background(), hooks.Call{Name: hooks.PrePush, Args: []string{"origin", "/hub"}, Dir: r.dir, Environ: r.env,
			Stdin: strings.NewReader("refs/heads/crosslink/agents/x " + to + " refs/heads/crosslink/agents/x " + from + "\n")})
	}
	if stop := push(now, old); stop != nil {
		t.Errorf("a push that goes forward is stopped: %v", stop)
	}
	stop := push(old, now)
	if stop == nil {
		t.Fatal("a push that rewinds goes on")
	}
	if want := "nothing was pushed: the push would rewind the tracker on 'origin': 'crosslink/agents/x'"; stop.Error() != want {
		t.Errorf("it says %q, want %q", stop, want)
	}
	if push(now, strings.Repeat("4", 40)) == nil {
		t.Error("a push over lines that are not even here goes on")
	}
}
