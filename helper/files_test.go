package helper

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFilesAreReadAsGitReadsThem compares with `git config`, and with the cases that are left
// to git: every certain case is equal, and no uncertain case is guessed.
func TestFilesAreReadAsGitReadsThem(t *testing.T) {
	const remote = "[remote \"origin\"]\n\turl = /hub.git\n"
	const include = "[includeIf \"hasconfig:remote.*.url:**\"]\n\tpath = logs/refs/remotes/origin/../../../../crosslink/enrolled/origin.gitconfig\n"
	for _, c := range []struct {
		name, config string
		certain      bool
	}{
		{"empty", "", true},
		{"as git writes it", "[core]\n\trepositoryformatversion = 0\n\tbare = false\n" + remote + "\tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch \"a/b\"]\n\tremote = origin\n", true},
		{"case", "[CoRe]\n\tSshCommand = ssh -v  -p 3 \n[remote \"Origin\"]\nURL=x\n", true},
		{"comments", "# a\n; b\n[core]\n  # c\n\tbare = false\n", true},
		{"quoted", "[x]\n\ta = \" two; words # \"\n\tb = \"\"\n\tc = \n", true},
		{"equals", "[x]\n\ta = b=c\n\td==\n", true},
		{"enrolled", remote + include, true},
		{"enrolled twice", remote + include + include, true},
		{"the section that follows an include", include + remote, true},
		{"tail of a comment", "[x]\n\ta = b  # c\n\tb = ; c\n\td = \" e \" # f\n", true},
		{"escapes", "[x]\n\ta = b\\tc\\n\\\"\\\\ \n", true},
		{"quotes inside", "[x]\n\ta = b \"c  #\"  d\"\"e\n\tf = \"\"  g\n\th = \"i\" \n", true},
		{"a shell", "[credential \"https://h/\"]\n\thelper = \"!f() { test \\\"$1\\\" = get; }; f\"\n", true},
		{"unknown escape", "[x]\n\ta = b\\bc\n", false},
		{"continued", "[x]\n\ta = b\\\n c\n", false},
		{"open quote", "[x]\n\ta = \"b\n", false},
		{"no value", "[x]\n\ta\n", false},
		{"on one line", "[x] a = b\n", false},
		{"dotted", "[x.Y]\n\ta = b\n", false},
		{"escaped name", "[x \"a\\\"b\"]\n\ta = b\n", false},
		{"carriage return", "[x]\r\n\ta = b\r\n", false},
		{"byte order mark", "\ufeff[x]\n\ta = b\n", false},
		{"tab inside", "[x]\n\ta = b\tc\n", false},
		{"another include", "[include]\n\tpath = other\n", false},
		{"include on a condition", "[includeIf \"onbranch:main\"]\n\tpath = other\n", false},
		{"no remote", include, false},
		{"worktrees", "[extensions]\n\tworktreeConfig = true\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newFiles(t)
			w.write("repo/.git/config", c.config)
			got, ok := files(w.getenv)
			if ok != c.certain {
				t.Fatalf("certain: %v\n%v", ok, got)
			}
			if ok {
				w.equal(got)
			}
		})
	}
}

// TestFilesInRandomOrder: lines of all kinds, in all files.
func TestFilesInRandomOrder(t *testing.T) {
	rng, certain := rand.New(rand.NewPCG(1, 2)), 0
	lines := []string{"[core]", "[remote \"origin\"]", "[Remote \"Origin\"]", "\turl = /x", "\tfetch = +a:b", "vcs=crosslink", "  a-b =  c d  ", "# x", "", "\tx = \"y z\"", "\ty = z ; c", "\tz = a\\\" \"b  \" ", "\tpushUrl = ssh://a@b:2/c?d&e"}
	odd := []string{"\tz = \"", "[a.b]", "flag", "\t1 = 2", "[core", "[x] y = z"}
	rounds := 60
	for range rounds {
		w := newFiles(t)
		for _, file := range []string{"repo/.git/config", "home/.gitconfig", "home/.config/git/config"} {
			var b strings.Builder
			b.WriteString("[core]\n")
			for range rng.IntN(8) {
				from := lines
				if rng.IntN(40) == 0 {
					from = odd
				}
				b.WriteString(from[rng.IntN(len(from))] + "\n")
			}
			w.write(file, b.String())
		}
		if got, ok := files(w.getenv); ok {
			certain++
			w.equal(got)
		}
	}
	if certain < rounds/3 || certain == rounds {
		t.Errorf("%d of %d were certain", certain, rounds)
	}
}

// TestWhereGitIsAsked: settings of the environment, and a git of another build.
func TestWhereGitIsAsked(t *testing.T) {
	for _, kv := range []string{"GIT_CONFIG_PARAMETERS='a.b=c'", "GIT_CONFIG_COUNT=0", "GIT_CONFIG_NOSYSTEM=no", "GIT_COMMON_DIR=/x", "HOME=", "XDG_CONFIG_HOME=rel", "GIT_CONFIG_GLOBAL=rel", "GIT_DIR="} {
		w := newFiles(t)
		w.env = append(w.env, kv)
		if _, ok := files(w.getenv); ok {
			t.Errorf("%s: certain", kv)
		}
	}
	w := newFiles(t)
	w.env = slices.DeleteFunc(w.env, func(kv string) bool { return kv == "GIT_CONFIG_NOSYSTEM=1" })
	for path, want := range map[string]bool{"/usr/lib/git-core": true, "/usr/libexec/git-core": true, "/opt/git/libexec/git-core": false, "": false} {
		w.env = append(w.env, "GIT_EXEC_PATH="+path)
		if _, ok := places(w.getenv); ok != want {
			t.Errorf("GIT_EXEC_PATH=%s: %v", path, ok)
		}
	}
}

// fileWorld is a home and a repository that a remote is enrolled in.
type fileWorld struct {
	t    *testing.T
	root string
	env  []string
}

func newFiles(t *testing.T) *fileWorld {
	t.Helper()
	w := &fileWorld{t: t, root: t.TempDir()}
	w.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(w.root, "home"), "GIT_CONFIG_NOSYSTEM=1", "GIT_DIR=" + filepath.Join(w.root, "repo/.git")}
	for _, dir := range []string{"repo/.git/objects", "repo/.git/refs", "repo/.git/logs/refs/remotes/origin"} {
		if err := os.MkdirAll(filepath.Join(w.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.write("repo/.git/HEAD", "ref: refs/heads/main\n")
	w.write("repo/.git/config", "")
	w.write("repo/.git/crosslink/enrolled/origin.gitconfig", "# x\n[include]\n\tpath = \"~/share/git-crosslink/enrolled/origin.gitconfig\"\n")
	w.write("home/share/git-crosslink/enrolled/origin.gitconfig", "[remote \"origin\"]\n\tvcs = crosslink\n[alias]\n\tremote-crosslink = \"!'/bin/x y'\"\n")
	w.write("home/.gitconfig", "[user]\n\tname = A B\n")
	return w
}

func (w *fileWorld) write(name, text string) {
	w.t.Helper()
	file := filepath.Join(w.root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *fileWorld) getenv(name string) (string, bool) {
	return (&Session{Env: w.env}).getenv(name)
}

// equal compares with what git lists.
func (w *fileWorld) equal(got Config) {
	w.t.Helper()
	cmd := exec.Command("git", "config", "--list", "-z")
	cmd.Env = w.env
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("git cannot read what is certain: %v", err)
	}
	if want := parseConfig(out); !slices.Equal(got, want) {
		w.t.Errorf("read\n%q\ngit reads\n%q", got, want)
	}
}
