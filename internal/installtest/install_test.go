package installtest

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

func script(t *testing.T) string {
	t.Helper()
	p, err := filepath.Abs("../../install.sh")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// environment is a user with a home of its own; the caches of Go are shared,
// or every run would build the world.
func environment(t *testing.T, home string) []string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMODCACHE", "GOCACHE", "GOPATH", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	v := strings.Split(string(out), "\n")
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home,
		"GOMODCACHE=" + v[0], "GOCACHE=" + v[1], "GOPATH=" + v[2], "GOPROXY=" + v[3], "GOFLAGS=-buildvcs=false",
		"GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
	}
}

func run(t *testing.T, env []string, shell string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(shell, append([]string{script(t)}, args...)...)
	cmd.Env = env
	cmd.Dir = t.TempDir() // never the source tree: the script finds that itself
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func must(t *testing.T, env []string, shell string, args ...string) string {
	t.Helper()
	out, err := run(t, env, shell, args...)
	if err != nil {
		t.Fatalf("install.sh %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// tree describes every file below dir: name, mode, content.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(p, dir)
		if name == "/.config" { // Go's own counters of itself
			return fs.SkipDir
		}
		line := name + " " + info.Mode().String()
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
	sort.Strings(all)
	return strings.Join(all, "\n")
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func shells(t *testing.T) []string {
	var found []string
	for _, s := range []string{"sh", "dash", "bash"} {
		if _, err := exec.LookPath(s); err == nil {
			found = append(found, s)
		} else {
			t.Run(s, func(t *testing.T) { t.Skipf("no '%s' here", s) })
		}
	}
	return found
}

func TestInstallTwiceUninstall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the programs; -short")
	}
	for _, shell := range shells(t) {
		t.Run(shell, func(t *testing.T) {
			base := t.TempDir()
			home, prefix := filepath.Join(base, "home"), filepath.Join(base, "a prefix")
			write(t, filepath.Join(home, ".gitconfig"), "[user]\n\tname = alice\n", 0o644)
			write(t, filepath.Join(prefix, "bin", "other"), "#!/bin/sh\n", 0o755)
			env := environment(t, home)
			before, homeBefore := tree(t, prefix), tree(t, home)

			out := must(t, env, shell, "--prefix", prefix)
			for _, want := range []string{"installed " + prefix + "/bin/git-crosslink\n", "installed " + prefix + "/bin/git-remote-crosslink\n",
				"installed " + prefix + "/bin/git-crosslink-dashboard\n", "installed " + prefix + "/bin/git-crosslink-mcp\n", "is not on your PATH",
				"checked: git crosslink, git ls-remote crosslink::, git crosslink dashboard, git crosslink mcp"} {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in:\n%s", want, out)
				}
			}
			once := tree(t, prefix)
			onPath := append(env, "PATH="+filepath.Join(prefix, "bin")+":"+os.Getenv("PATH"))
			older(t, prefix)
			if out := must(t, onPath, shell, "--prefix", prefix+"/"); strings.Contains(out, "is not on your PATH") || !strings.Contains(out, "updated "+prefix+"/bin/git-crosslink\n") {
				t.Errorf("PATH is right, and it is an update, yet:\n%s", out)
			}
			if twice := tree(t, prefix); twice != once {
				t.Errorf("the second run changed something:\n%s\n\n%s", once, twice)
			}

			// git finds both.
			cmd := exec.Command("git", "crosslink", "version")
			cmd.Env, cmd.Dir = onPath, base
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("git crosslink version: %v\n%s", err, out)
			}
			manual(t, onPath, base, prefix)
			completions(t, prefix)
			inUse := enrolled(t, onPath, base, prefix)

			must(t, env, shell, "--prefix", prefix, "--uninstall")
			inUse()
			if after := tree(t, prefix); after != before {
				t.Errorf("uninstalling left a difference:\n%s\n\n%s", before, after)
			}
			if out := must(t, env, shell, "--prefix", prefix, "--uninstall"); !strings.Contains(out, "nothing is installed") {
				t.Errorf("second uninstall: %s", out)
			}
			if after := tree(t, home); after != homeBefore {
				t.Errorf("the home directory changed:\n%s\n\n%s", homeBefore, after)
			}
		})
	}
}

// older makes what is installed one of an older version: with a program that
// answers otherwise, a page that is no longer made, and one file that this
// script has not put there.
func older(t *testing.T, prefix string) {
	t.Helper()
	write(t, filepath.Join(prefix, "bin", "git-crosslink"), "#!/bin/sh\nexit 9\n", 0o755)
	write(t, filepath.Join(prefix, "share", "man", "man1", "git-crosslink-gone.1"), "gone\n", 0o644)
	list := filepath.Join(prefix, "share", "git-crosslink", "installed")
	b, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	write(t, list, string(b)+"share/man/man1/git-crosslink-gone.1\n", 0o644)
}

// completions are where the shells look, and say what the program says.
func completions(t *testing.T, prefix string) {
	t.Helper()
	for shell, file := range map[string]string{"bash": "bash-completion/completions/git-crosslink", "zsh": "zsh/site-functions/_git-crosslink", "fish": "fish/vendor_conf.d/git-crosslink.fish"} {
		got, err := os.ReadFile(filepath.Join(prefix, "share", file))
		if err != nil {
			t.Error(err)
			continue
		}
		want, err := exec.Command(filepath.Join(prefix, "bin", "git-crosslink"), "completion", shell).Output()
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %v, or another text than the program's", file, err)
		}
	}
}

// enrolled makes a clone go through the remote helper. What it returns looks,
// when program and include are gone, whether the clone continues with plain git.
func enrolled(t *testing.T, env []string, base, prefix string) func() {
	t.Helper()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Env, cmd.Dir = append(env, "XDG_DATA_HOME="+filepath.Join(base, "data"), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com"), base
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	git("init", "-q", "-b", "main", "origin")
	git("-C", "origin", "commit", "-q", "--allow-empty", "-m", "start")
	git("clone", "-q", "crosslink::"+filepath.Join(base, "origin"), "clone")
	if git("-C", "clone", "config", "remote.origin.vcs") != "crosslink\n" {
		t.Error("the clone does not go through the helper")
	}
	files, err := filepath.Glob(filepath.Join(prefix, "share", "git-crosslink", "enrolled", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: the include is not with the program: %v", err, files)
	}
	config, err := os.ReadFile(filepath.Join(base, "clone", ".git", "config"))
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		git("-C", "clone", "fetch", "-q")
		if after, err := os.ReadFile(filepath.Join(base, "clone", ".git", "config")); err != nil || string(after) != string(config) {
			t.Errorf("%v: uninstalling changed the clone's configuration", err)
		}
		for _, dir := range []string{"origin", "clone"} {
			os.RemoveAll(filepath.Join(base, dir))
		}
	}
}

// TestUninstallTakesIncludesOfItsProgramAlone: where the user keeps data, those
// of another installation stay.
func TestUninstallTakesIncludesOfItsProgramAlone(t *testing.T) {
	base := t.TempDir()
	prefix, data := filepath.Join(base, "prefix"), filepath.Join(base, "data", "git-crosslink", "enrolled")
	write(t, filepath.Join(prefix, "share", "git-crosslink", "installed"), "share/git-crosslink\n", 0o644)
	write(t, filepath.Join(data, "origin.gitconfig"), "[alias]\n\tremote-crosslink = \"!'"+prefix+"/bin/git-remote-crosslink'\"\n", 0o644)
	write(t, filepath.Join(data, "other.gitconfig"), "[alias]\n\tremote-crosslink = \"!'/elsewhere/bin/git-remote-crosslink'\"\n", 0o644)
	must(t, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + base, "XDG_DATA_HOME=" + filepath.Join(base, "data")}, "sh", "--prefix", prefix, "--uninstall")
	if left, _ := filepath.Glob(filepath.Join(data, "*")); len(left) != 1 || filepath.Base(left[0]) != "other.gitconfig" {
		t.Errorf("left are %v", left)
	}
}

// TestChecksCanFail: an installation that git does not find, or finds broken, is
// reported as such.
func TestChecksCanFail(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the programs; -short")
	}
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ words, want string }{
		{"'crosslink version'*", "error: 'git crosslink' does not answer: broken"},
		{"'ls-remote crosslink::'*", "error: the remote helper does not answer: broken"},
		{"'crosslink dashboard'*", "error: 'git crosslink dashboard' does not answer: broken"},
		{"'crosslink mcp'*", "error: 'git crosslink mcp' does not answer: broken"},
		{"'help crosslink'", "error: 'git help crosslink' does not answer: broken"},
	} {
		if strings.Contains(c.words, "help") {
			if out, err := exec.Command("man", "--version").Output(); err != nil || !strings.Contains(string(out), "man 2") {
				t.Log("not run: the manual, there is no man-db here")
				continue
			}
		}
		base := t.TempDir()
		write(t, filepath.Join(base, "bin", "git"), "#!/bin/sh\ncase \"$*\" in "+c.words+") echo broken; exit 1 ;; esac\nexec "+git+" \"$@\"\n", 0o755)
		env := append(environment(t, base), "PATH="+filepath.Join(base, "bin")+":"+os.Getenv("PATH"))
		if out, err := run(t, env, "sh", "--prefix", filepath.Join(base, "prefix")); err == nil || !strings.Contains(out, c.want) {
			t.Errorf("%v: no %q in:\n%s", err, c.want, out)
		}
	}
}

func TestInstallMakesAndRemovesItsPrefix(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the programs; -short")
	}
	base := t.TempDir()
	prefix := filepath.Join(base, "new")
	env := environment(t, base)
	must(t, env, "sh", "--prefix="+prefix)
	must(t, env, "sh", "--prefix="+prefix, "--uninstall")
	if _, err := os.Stat(prefix); !os.IsNotExist(err) {
		t.Errorf("the prefix it made is still there: %s", tree(t, prefix))
	}
}

// TestRefusals: every refusal comes before anything is built or written.
func TestRefusals(t *testing.T) {
	base := t.TempDir()
	bin := func(name string, tools map[string]string) string {
		dir := filepath.Join(base, name)
		for _, real := range []string{"sed", "id", "dirname", "grep", "cat", "mktemp", "rm"} {
			p, err := exec.LookPath(real)
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, real), "#!/bin/sh\nexec "+p+" \"$@\"\n", 0o755)
		}
		for tool, text := range tools {
			write(t, filepath.Join(dir, tool), "#!/bin/sh\n"+text+"\n", 0o755)
		}
		return dir
	}
	git, oldGit := "echo git version 2.50.1", "echo 'git version 2.9.5 (Apple Git-1)'"
	goVersion := func(v, chain string) string {
		return `case $2 in GOVERSION) echo ` + v + ` ;; GOTOOLCHAIN) echo ` + chain + ` ;; *) exit 9 ;; esac`
	}
	prefix := filepath.Join(base, "prefix")
	taken := filepath.Join(base, "taken")
	write(t, filepath.Join(taken, "bin", "git-crosslink"), "somebody else's\n", 0o755)
	page := filepath.Join(base, "page")
	write(t, filepath.Join(page, "share", "man", "man1", "git-crosslink.1"), "somebody else's\n", 0o644)
	for _, c := range []struct {
		name  string
		tools map[string]string
		args  []string
		want  string
		code  int
	}{
		{"no git", map[string]string{"go": goVersion("go1.99.0", "auto")}, nil, "error: git is not installed\nhint: ", 1},
		{"old git", map[string]string{"git": oldGit}, nil, "error: git 2.9 is too old: 2.36 or newer is needed", 1},
		{"no go", map[string]string{"git": git}, nil, "error: go is not installed\nhint: install Go 1.", 1},
		{"old go", map[string]string{"git": git, "go": goVersion("go1.20.4", "auto")}, nil, "error: go 1.20.4 is too old", 1},
		{"go may not fetch another", map[string]string{"git": git, "go": goVersion("go1.22.1", "local")}, nil, "error: go 1.22.1 is too old", 1},
		{"go fetches another", map[string]string{"git": git, "go": goVersion("go1.22.1", "auto")}, nil, "it fetches go 1.", 1}, // and cannot build
		{"foreign file", map[string]string{"git": git, "go": goVersion("go1.99.0", "auto")}, []string{"--prefix", taken}, "was not put there by this script", 1},
		{"foreign page", map[string]string{"git": git, "go": goVersion("go1.99.0", "auto")}, []string{"--prefix", page}, "was not put there by this script", 1},
		{"unknown option", nil, []string{"--frobnicate"}, "error: unknown option '--frobnicate'\nusage: ", 129},
		{"option without value", nil, []string{"--prefix"}, "usage: ", 129},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := []string{"PATH=" + bin(c.name, c.tools), "HOME=" + base}
			sh, err := exec.LookPath("sh")
			if err != nil {
				t.Fatal(err)
			}
			args := c.args
			if args == nil {
				args = []string{"--prefix", prefix}
			}
			out, err := run(t, env, sh, args...)
			exit, ok := err.(*exec.ExitError)
			if !ok || exit.ExitCode() != c.code {
				t.Errorf("%v, want exit status %d", err, c.code)
			}
			if !strings.Contains(out, c.want) {
				t.Errorf("no %q in:\n%s", c.want, out)
			}
			if _, err := os.Stat(prefix); !os.IsNotExist(err) {
				t.Error("something was written")
			}
		})
	}
	if b, err := os.ReadFile(filepath.Join(taken, "bin", "git-crosslink")); err != nil || string(b) != "somebody else's\n" {
		t.Errorf("the foreign file is now %q (%v)", b, err)
	}
}

func TestHelp(t *testing.T) {
	out := must(t, []string{"PATH=" + os.Getenv("PATH")}, "sh", "--help")
	if !strings.HasPrefix(out, "usage: ./install.sh") {
		t.Errorf("help is %q", out)
	}
}

func TestShellcheck(t *testing.T) {
	p, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("no 'shellcheck' here")
	}
	if out, err := exec.Command(p, "-s", "sh", script(t)).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestEverythingInMain: half a file does nothing.
func TestEverythingInMain(t *testing.T) {
	b, err := os.ReadFile(script(t))
	if err != nil {
		t.Fatal(err)
	}
	whole := strings.TrimSuffix(string(b), "\n")
	i := strings.LastIndexByte(whole, '\n')
	if whole[i+1:] != `main "$@"` {
		t.Fatalf("the last line is %q", whole[i+1:])
	}
	cmd := exec.Command("sh", "-s", "--", "--help")
	cmd.Stdin = strings.NewReader(whole[:i+1])
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("without its last line it does something: %v\n%s", err, out)
	}
}
