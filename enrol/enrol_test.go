package enrol

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// world is a home, an installation and a repository, with real git.
type world struct {
	*Repository
	t    *testing.T
	root string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	root := t.TempDir()
	w := &world{t: t, root: root}
	w.Repository = &Repository{
		Git: func(ctx context.Context, args ...string) (string, error) {
			cmd := exec.CommandContext(ctx, "git", args...)
			cmd.Dir = filepath.Join(root, "repo")
			cmd.Env = append(os.Environ(), "HOME="+filepath.Join(root, "home"), "GIT_CONFIG_NOSYSTEM=1", "XDG_CONFIG_HOME=/nowhere", "LC_ALL=C")
			out, err := cmd.Output()
			return strings.TrimSuffix(string(out), "\n"), err
		},
		Programs: filepath.Join(root, "home", "go", "bin"), Data: filepath.Join(root, "home", "data"), Home: filepath.Join(root, "home"),
	}
	for _, dir := range []string{"repo", "home", "home/go/bin"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(w.Programs, "git-remote-crosslink"), []byte("#!/bin/sh\nexit 9\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.git("init", "-q")
	w.git("remote", "add", "origin", "https://u:sesame@example.com/p.git")
	return w
}

func (w *world) git(args ...string) string {
	w.t.Helper()
	out, err := w.Git(context.Background(), args...)
	if err != nil {
		w.t.Fatalf("git %s: %v", strings.Join(args, " "), err)
	}
	return out
}

func (w *world) config() string {
	b, err := os.ReadFile(filepath.Join(w.root, "repo", ".git", "config"))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

func TestEnrolAndLeave(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	before := w.config()
	for i, want := range []bool{false, true} {
		if already, err := w.Enrol(ctx, "origin", ""); err != nil || already != want {
			t.Fatalf("time %d: already %v, %v", i, already, err)
		}
	}
	if n := strings.Count(w.config(), "sesame"); n != 1 {
		t.Errorf("the password is stored %d times:\n%s", n, w.config())
	}
	if vcs := w.git("config", "remote.origin.vcs"); vcs != "crosslink" {
		t.Errorf("vcs %q", vcs)
	}
	if !strings.Contains(w.config(), "path = logs/refs/remotes/origin/../../../../crosslink/enrolled/origin.gitconfig") {
		t.Errorf("the include does not go with the remote:\n%s", w.config())
	}
	if b, err := os.ReadFile(filepath.Join(w.root, "repo/.git/crosslink/enrolled/origin.gitconfig")); err != nil || !strings.Contains(string(b), `path = "~/data/git-crosslink/enrolled/origin.gitconfig"`) {
		t.Errorf("the include is not below the user's home: %v\n%s", err, b)
	}
	include, _ := os.ReadFile(filepath.Join(w.root, "home/data/git-crosslink/enrolled/origin.gitconfig"))
	if strings.Contains(string(include), "example.com") {
		t.Errorf("the include knows the URL:\n%s", include)
	}
	if left, err := w.Leave(ctx, "origin"); err != nil || !left || w.config() != before {
		t.Errorf("left %v, %v:\n%s\nwant\n%s", left, err, w.config(), before)
	}
	if left, err := w.Leave(ctx, "origin"); err != nil || left {
		t.Errorf("left again: %v, %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(w.root, "repo/.git/crosslink/enrolled")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left lies %v", err)
	}
}

// TestRenameLeavesNoName: once a remote has another name, or is gone, git knows
// nothing of the old one, and before any command of ours runs. git 2.39 dies of
// a remote that has a `vcs` and no URL, and `git remote add` refuses its name.
func TestRenameLeavesNoName(t *testing.T) {
	for _, remote := range []string{"origin", "a/b"} {
		for _, packed := range []bool{false, true} {
			w, ctx := newWorld(t), context.Background()
			w.git("init", "-q", "--bare", "../hub.git")
			w.git("remote", "remove", "origin")
			w.git("remote", "add", remote, "../hub.git")
			w.git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "-m", "x")
			w.git("push", "-q", remote, "HEAD:main")
			if packed {
				w.git("pack-refs", "--all", "--prune")
			}
			if _, err := w.Enrol(ctx, remote, ""); err != nil {
				t.Fatal(err)
			}
			if vcs := w.git("config", "remote."+remote+".vcs"); vcs != "crosslink" {
				t.Errorf("vcs %q", vcs)
			}
			w.git("remote", "rename", remote, "upstream")
			if got := w.git("remote"); got != "upstream" {
				t.Errorf("%s, packed %v: remotes are %q", remote, packed, got)
			}
			w.git("fetch", "-q", "--all")
			w.git("remote", "add", remote, "../hub.git")
			w.git("remote", "remove", remote)
			if from, err := w.Repair(ctx, "upstream"); err != nil || from != remote {
				t.Errorf("%q, %v", from, err)
			}
			if vcs := w.git("config", "remote.upstream.vcs"); vcs != "crosslink" {
				t.Errorf("vcs %q", vcs)
			}
		}
	}
}

// TestWithoutHome: a job without HOME, and one with another, works in an enrolled
// repository with plain git: below the home directory, beside it, and where the
// include can be reached by nobody but its owner.
func TestWithoutHome(t *testing.T) {
	for name, c := range map[string]struct {
		repo     string
		private  bool // the home directory
		bare     bool
		enrolled bool // without HOME, too
		stops    bool // what cannot be had
	}{
		"below home":                       {repo: "home/projects/repo"},
		"below home, bare":                 {repo: "home/projects/repo", bare: true},
		"below a private home":             {repo: "home/projects/repo", private: true},
		"beside home":                      {repo: "repo", enrolled: true},
		"beside home, bare":                {repo: "repo", bare: true, enrolled: true},
		"beside a home that is not public": {repo: "repo", private: true, stops: true},
	} {
		t.Run(name, func(t *testing.T) {
			w, ctx := newWorld(t), context.Background()
			for dir := w.root; dir != "/"; dir = filepath.Dir(dir) {
				if st, err := os.Stat(dir); err == nil && st.Mode()&0o001 == 0 {
					if err := os.Chmod(dir, st.Mode()|0o001); err != nil { // the test's own directories are private
						t.Skipf("NOT RUN: '%s' cannot be entered by others", dir)
					}
				}
			}
			dir := filepath.Join(w.root, c.repo)
			if c.repo != "repo" {
				if err := errors.Join(os.MkdirAll(filepath.Dir(dir), 0o755), os.Rename(filepath.Join(w.root, "repo"), dir)); err != nil {
					t.Fatal(err)
				}
			}
			run := func(home string, args ...string) (string, error) {
				cmd := exec.Command("git", args...)
				cmd.Dir = dir
				for _, kv := range os.Environ() {
					if !strings.HasPrefix(kv, "HOME=") && !strings.HasPrefix(kv, "XDG_CONFIG_HOME=") {
						cmd.Env = append(cmd.Env, kv)
					}
				}
				if cmd.Env = append(cmd.Env, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C"); home != "" {
					cmd.Env = append(cmd.Env, "HOME="+home)
				}
				out, err := cmd.CombinedOutput()
				return strings.TrimSuffix(string(out), "\n"), err
			}
			w.Git = func(_ context.Context, args ...string) (string, error) { return run(w.Home, args...) }
			w.git("config", "core.bare", fmt.Sprint(c.bare))
			if c.private {
				if err := os.Chmod(w.Home, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := w.Enrol(ctx, "origin", ""); err != nil {
				t.Fatal(err)
			}
			if vcs := w.git("config", "remote.origin.vcs"); vcs != "crosslink" {
				t.Errorf("vcs %q", vcs)
			}
			if all, err := w.Includes(ctx); err != nil || len(all) != 1 || !strings.HasSuffix(all[0].Path, "data/git-crosslink/enrolled/origin.gitconfig") {
				t.Errorf("%v, %v", all, err)
			}
			for _, home := range []string{"", filepath.Join(w.root, "another")} {
				out, err := run(home, "rev-parse", "--git-dir")
				if stopped := err != nil; stopped != (c.stops && home == "") {
					t.Errorf("HOME=%s: %v: %s", home, err, out)
				}
				vcs, _ := run(home, "config", "remote.origin.vcs")
				if enrolled := vcs == "crosslink"; enrolled != c.enrolled {
					t.Errorf("HOME=%s: vcs is %q", home, vcs)
				}
			}
		})
	}
}

// TestWhereNoReflogsAre: a bare repository is enrolled by a file in it.
func TestWhereNoReflogsAre(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.git("config", "core.bare", "true")
	before := w.config()
	if _, err := w.Enrol(ctx, "origin", ""); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(w.config(), "path = crosslink/enrolled/origin.gitconfig") {
		t.Errorf("included is\n%s", w.config())
	}
	if _, err := w.Leave(ctx, "origin"); err != nil || w.config() != before {
		t.Errorf("%v:\n%s\nwant\n%s", err, w.config(), before)
	}
}

// TestForeignLinesStay: what others have put there is neither touched nor lost.
func TestForeignLinesStay(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.git("config", "--add", includeKey, "~/mine")
	w.git("config", "--add", "include.path", "other")
	before := w.config()
	if _, err := w.Enrol(ctx, "origin", ""); err != nil {
		t.Fatal(err)
	}
	if all, err := w.Includes(ctx); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := w.Leave(ctx, "origin"); err != nil || w.config() != before {
		t.Errorf("%v:\n%s\nwant\n%s", err, w.config(), before)
	}
}

func TestTheInstallersPlace(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	share := filepath.Join(w.root, "home", "go", "share", "git-crosslink")
	if err := os.MkdirAll(share, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Enrol(ctx, "origin", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(share, "enrolled", "origin.gitconfig")); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(filepath.Join(w.root, "home", "go")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Git(ctx, "config", "remote.origin.vcs"); err == nil {
		t.Error("enrolled although program and include are gone")
	}
	if all, err := w.Includes(ctx); err != nil || len(all) != 1 || all[0].There || !all[0].Named {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestPrefixBecomesPlain(t *testing.T) {
	for _, c := range []struct{ url, base, want string }{
		{"crosslink::https://u:sesame@h/p", "/base", "https://u:sesame@h/p"},
		{"crosslink::../hub.git", "/base/x", "/base/hub.git"},
		{"crosslink::hub.git", "/base", "/base/hub.git"},
		{"crosslink::h:p", "/base", "h:p"},
		{"crosslink::./a:b", "/base", "/base/a:b"},
		{"crosslink::/abs", "/base", "/abs"},
		{"crosslink::../hub.git", "", "../hub.git"},
		{"crosslink::ssh://h/~x", "/base", "ssh://h/~x"},
	} {
		w := newWorld(t)
		w.git("config", "remote.origin.url", c.url)
		w.git("config", "remote.origin.pushurl", "crosslink::/push")
		if _, err := w.Enrol(context.Background(), "origin", c.base); err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if got := w.git("config", "remote.origin.url"); got != c.want {
			t.Errorf("%s from %s: %s, want %s", c.url, c.base, got, c.want)
		}
		if got := w.git("config", "remote.origin.pushurl"); got != "/push" {
			t.Errorf("pushurl %s", got)
		}
	}
}

func TestUnfit(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	bundle := filepath.Join(w.root, "b.bundle")
	if err := os.WriteFile(bundle, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	before := ""
	for url, want := range map[string]string{
		"[::1]:p": "git cuts its URL at '::'", "ext::sh": "names another helper, 'ext'", bundle: "is a file", "crosslink::ext::sh": "names another helper, 'ext'",
	} {
		w.git("config", "remote.origin.url", url)
		before = w.config()
		var unfit *Error
		if _, err := w.Enrol(ctx, "origin", ""); !errors.As(err, &unfit) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
		if w.config() != before {
			t.Errorf("%s: the configuration changed:\n%s", url, w.config())
		}
	}
	for _, url := range []string{"ssh://[::1]/p", "https://h/a::b", "h:a::b", "/a::b"} {
		if why := unfit(url); why != "" {
			t.Errorf("%s: %s", url, why)
		}
	}
	w.git("config", "remote.origin.vcs", "hg")
	if _, err := w.Enrol(ctx, "origin", ""); err == nil {
		t.Error("a remote of another helper is enrolled")
	}
	if _, err := w.Enrol(ctx, "none", ""); !errors.Is(err, ErrNoRemote) {
		t.Error(err)
	}
}

func TestRepairFollowsARename(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	if from, err := w.Repair(ctx, "origin"); err != nil || from != "" {
		t.Fatalf("nothing to repair: %q, %v", from, err)
	}
	if _, err := w.Enrol(ctx, "origin", ""); err != nil {
		t.Fatal(err)
	}
	w.git("remote", "rename", "origin", "new/name")
	if from, err := w.Repair(ctx, "new/name"); err != nil || from != "origin" {
		t.Fatalf("%q, %v", from, err)
	}
	if got := w.git("remote"); got != "new/name" {
		t.Errorf("remotes: %q", got)
	}
	if vcs := w.git("config", "remote.new/name.vcs"); vcs != "crosslink" {
		t.Errorf("vcs %q", vcs)
	}
	w.git("remote", "remove", "new/name")
	w.git("remote", "add", "new/name", "x") // git does not stumble
}

func TestNamesOfFiles(t *testing.T) {
	for _, name := range []string{"origin", "a/b", "..", ".x", "é ü", "a%b", "x.gitconfig"} {
		file := escape(name)
		if strings.ContainsAny(file, "/ ") || strings.HasPrefix(file, ".") || unescape(file) != name {
			t.Errorf("%q: %q, %q", name, file, unescape(file))
		}
	}
}

// A program that is gone while its include is there is found, whatever its
// path; nobody is enrolled for one that is not there.
func TestTheHelperIsGone(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	t.Setenv("PATH", "/usr/bin:/bin") // none that somebody has installed
	w.Programs = filepath.Join(w.root, "home", `it's a "bin"\n`)
	program := filepath.Join(w.Programs, "git-remote-crosslink")
	var unfit *Error
	if _, err := w.Enrol(ctx, "origin", ""); !errors.As(err, &unfit) || unfit.Why != "'"+program+"' is not there" {
		t.Fatalf("%v", err)
	}
	if err := os.MkdirAll(w.Programs, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexit 9\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Enrol(ctx, "origin", ""); err != nil {
		t.Fatal(err)
	}
	gone := func() string {
		t.Helper()
		all, err := w.Includes(ctx)
		if err != nil || len(all) != 1 || !all[0].There {
			t.Fatalf("%+v, %v", all, err)
		}
		return all[0].Gone
	}
	if got := gone(); got != "" {
		t.Errorf("gone: %q", got)
	}
	// git runs what the include says, by the path in it
	exits := func() int {
		_, err := w.Git(ctx, "remote-crosslink", "origin", "git://localhost/x")
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Fatalf("%v", err)
		}
		return exit.ExitCode()
	}
	if n := exits(); n != 9 {
		t.Errorf("status %d", n)
	}
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	if got := gone(); got != program {
		t.Errorf("gone: %q", got)
	}
	if n := exits(); n != 128 {
		t.Errorf("status %d", n)
	}
}

// The script that runs without the program is a file beside the include: it is put there
// and brought up to date whole, and nothing that others put in its place is believed.
func TestScriptBesideTheInclude(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	enrolled := filepath.Join(w.root, "home/data/git-crosslink/enrolled")
	script, include := filepath.Join(enrolled, ScriptName), filepath.Join(enrolled, "origin.gitconfig")
	read := func(file string) string {
		t.Helper()
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	enrol := func(what string, want bool) {
		t.Helper()
		if already, err := w.Enrol(ctx, "origin", ""); err != nil || already != want {
			t.Fatalf("%s: already %v, %v", what, already, err)
		}
		if read(script) != Script || read(include) != Text("origin", w.Programs, enrolled) {
			t.Errorf("%s: the files are not as they should be", what)
		}
	}
	enrol("first", false)
	enrol("again", true)
	if alias := w.git("config", "alias.remote-crosslink"); strings.Contains(alias, "\n") || len(alias) > 400 {
		t.Errorf("git config -l shows %d bytes:\n%s", len(alias), alias)
	}

	// the long form of earlier versions, and other contents
	long := "[remote \"origin\"]\n\tvcs = crosslink\n[alias]\n\tremote-crosslink = \"!f() {\\np='/gone'\\n}\\nf\"\n"
	for what, file := range map[string]string{"long form": include, "content": script} {
		if err := os.WriteFile(file, []byte(long), 0o644); err != nil {
			t.Fatal(err)
		}
		enrol(what, false)
	}
	if err := os.Remove(script); err != nil {
		t.Fatal(err)
	}
	enrol("removed", false)

	// anything but a file of ours stays, and the remote is not enrolled
	refused := func(what string) {
		t.Helper()
		if _, err := w.Enrol(ctx, "origin", ""); !errors.As(err, new(*statefile.OddError)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	other := filepath.Join(w.root, "other")
	if err := errors.Join(os.WriteFile(other, []byte("touch "+w.root+"/run\n"), 0o755), os.Remove(script), os.Symlink(other, script)); err != nil {
		t.Fatal(err)
	}
	refused("link")
	if got := read(other); !strings.HasPrefix(got, "touch ") {
		t.Errorf("the target of the link became %q", got)
	}
	if err := errors.Join(os.Remove(script), os.Mkdir(script, 0o755)); err != nil {
		t.Fatal(err)
	}
	refused("directory")
	if err := errors.Join(os.Remove(script), os.WriteFile(script, []byte("touch "+w.root+"/run\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // only root can give files away
		if err := os.Chown(script, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		refused("of another user")
	}
	if _, err := os.Stat(filepath.Join(w.root, "run")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a foreign script was run")
	}
}
