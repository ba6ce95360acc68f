package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// source is the checkout that this test lies in.
func source(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// copied is the checkout at another path, without its repository.
func copied(t *testing.T, name string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), name)
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = source(t)
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for f := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if strings.HasPrefix(f, "docs/") || strings.Contains(f, "testdata/") || strings.HasSuffix(f, "_test.go") {
			continue
		}
		st, err := os.Stat(filepath.Join(list.Dir, f))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(list.Dir, f))
		if err = errors.Join(err, os.MkdirAll(filepath.Dir(filepath.Join(to, f)), 0o755), os.WriteFile(filepath.Join(to, f), data, st.Mode().Perm())); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

var when = time.Date(2026, 12, 1, 10, 2, 0, 0, time.UTC)

// TestTwoBuildsAreTheSame: from two directories, the same bytes. What one of
// them installs runs, and what is damaged is refused. 'make nightly' does the
// same for every platform, with an empty cache.
func TestTwoBuildsAreTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the programs twice; -short")
	}
	here := platform{runtime.GOOS, runtime.GOARCH}
	var dists []string
	for _, name := range []string{"one", "another directory"} {
		e := &edition{source: copied(t, name), version: "1.2.3", when: when}
		dist := filepath.Join(t.TempDir(), "dist")
		if err := e.build(dist, []platform{here}, false); err != nil {
			t.Fatal(err)
		}
		dists = append(dists, dist)
	}
	if err := same(dists[0], dists[1]); err != nil {
		t.Fatal(err)
	}
	if err := (&edition{}).build(dists[0], nil, false); err == nil {
		t.Error("a release is written into a directory that is not empty")
	}
	archive := filepath.Join(dists[0], "git-crosslink-1.2.3-"+here.os+"-"+here.arch+".tar.gz")
	contents(t, archive)
	bill(t, strings.TrimSuffix(archive, ".tar.gz")+".cdx.json")
	t.Run("install", func(t *testing.T) { install(t, archive) })
	t.Run("chroot", func(t *testing.T) { withoutLibc(t, archive) })
}

// contents checks times, owners and names in an archive.
func contents(t *testing.T, archive string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int64{}
	for r, top := tar.NewReader(z), strings.TrimSuffix(filepath.Base(archive), ".tar.gz")+"/"; ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name, below := strings.CutPrefix(h.Name, top)
		seen[name] = h.Mode
		if !below || !h.ModTime.Equal(when) || h.Uid != 0 || h.Gid != 0 || h.Uname != "" {
			t.Errorf("%s: below '%s' %v, %v, %d:%d '%s'", h.Name, top, below, h.ModTime, h.Uid, h.Gid, h.Uname)
		}
	}
	for name, mode := range map[string]int64{
		"bin/git-crosslink": 0o755, "bin/git-remote-crosslink": 0o755, "bin/git-crosslink-dashboard": 0o755, "bin/git-crosslink-mcp": 0o755,
		"install.sh": 0o755, "LICENSE": 0o644, "CHANGELOG.md": 0o644, "sbom.cdx.json": 0o644, "share/man/man1/git-crosslink.1": 0o644,
		"share/man/man5/gitcrosslink-format.5": 0o644, "share/bash-completion/completions/git-crosslink": 0o644,
		"share/zsh/site-functions/_git-crosslink": 0o644, "share/fish/vendor_conf.d/git-crosslink.fish": 0o644,
	} {
		if seen[name] != mode {
			t.Errorf("'%s' has mode %o, want %o", name, seen[name], mode)
		}
	}
}

// bill compares a bill of materials with Go's build information in the programs.
func bill(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc bom
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	refs := map[string]bool{}
	for _, c := range doc.Components {
		if refs[c.Ref] {
			t.Errorf("'%s' is there twice", c.Ref)
		}
		refs[c.Ref] = true
	}
	if doc.Format != "CycloneDX" || doc.Metadata.Component.Version != "1.2.3" || len(doc.Dependencies) != len(programs) || !refs["pkg:golang/std@"+strings.TrimPrefix(runtime.Version(), "go")+"?type=module"] {
		t.Errorf("%+v", doc)
	}
	for _, d := range doc.Dependencies {
		for _, on := range append(d.On, d.Ref) {
			if !refs[on] {
				t.Errorf("'%s' needs '%s', which is not listed", d.Ref, on)
			}
		}
	}
	if !strings.Contains(string(data), `"modernc.org/sqlite"`) || strings.Contains(string(data), "testscript") {
		t.Errorf("the modules are not those of the programs:\n%s", data)
	}
}

// prebuilt runs install.sh of the source as a user without Go does.
func prebuilt(t *testing.T, script string, args ...string) (string, error) {
	t.Helper()
	bin := t.TempDir()
	for _, name := range []string{"git", "sh", "tar", "gzip", "sha256sum", "cut", "sed", "mktemp", "rm", "rmdir", "id", "uname", "dirname", "cp", "mv", "chmod", "mkdir", "cat", "env", "grep"} {
		if at, err := exec.LookPath(name); err == nil {
			if err := os.Symlink(at, filepath.Join(bin, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command("sh", append([]string{script}, args...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + bin, "HOME=" + t.TempDir(), "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func install(t *testing.T, archive string) {
	if _, err := exec.LookPath("sha256sum"); err != nil {
		t.Skip("no 'sha256sum' here")
	}
	script, prefix := filepath.Join(source(t), "install.sh"), filepath.Join(t.TempDir(), "a prefix")
	out, err := prebuilt(t, script, "--prefix", prefix, "--prebuilt", archive)
	if err != nil || !strings.Contains(out, "its SHA-256 is the one in SHA256SUMS") || !strings.Contains(out, "checked: git crosslink, git ls-remote crosslink::, git crosslink dashboard, git crosslink mcp") {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, f := range []string{"bin/git-crosslink-mcp", "share/man/man1/git-crosslink.1", "share/zsh/site-functions/_git-crosslink"} {
		if _, err := os.Stat(filepath.Join(prefix, f)); err != nil {
			t.Error(err)
		}
	}
	if out, err := prebuilt(t, script, "--prefix", prefix, "--uninstall"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(prefix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is left under '%s'", prefix)
	}

	// The archive's own install.sh installs what lies beside it.
	unpacked := t.TempDir()
	if out, err := exec.Command("tar", "-xzf", archive, "-C", unpacked).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	own := filepath.Join(unpacked, strings.TrimSuffix(filepath.Base(archive), ".tar.gz"), "install.sh")
	if out, err := prebuilt(t, own, "--prefix", prefix); err != nil || !strings.Contains(out, "checked: git crosslink") {
		t.Errorf("%v\n%s", err, out)
	}

	damaged := filepath.Join(t.TempDir(), filepath.Base(archive))
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(want string) {
		t.Helper()
		none := filepath.Join(t.TempDir(), "none")
		out, err := prebuilt(t, script, "--prefix", none, "--prebuilt", damaged)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%v, no %q in:\n%s", err, want, out)
		}
		if _, err := os.Stat(none); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: something was installed", want)
		}
	}
	refused("there is no file")
	if err := write(damaged, append(data, 0)); err != nil {
		t.Fatal(err)
	}
	refused("there is no '" + filepath.Dir(damaged) + "/SHA256SUMS'")
	sums, err := os.ReadFile(filepath.Join(filepath.Dir(archive), "SHA256SUMS"))
	if err = errors.Join(err, write(filepath.Join(filepath.Dir(damaged), "SHA256SUMS"), sums)); err != nil {
		t.Fatal(err)
	}
	refused("is damaged or is not the released file")
	if err := write(filepath.Join(filepath.Dir(damaged), "SHA256SUMS"), []byte("00  other.tar.gz\n")); err != nil {
		t.Fatal(err)
	}
	refused("does not list")
	if err := write(filepath.Join(filepath.Dir(damaged), "SHA256SUMS"), fmt.Appendf(nil, "%x  %s\n", sha256.Sum256([]byte("no archive")), filepath.Base(damaged))); err != nil {
		t.Fatal(err)
	}
	if err := write(damaged, []byte("no archive")); err != nil {
		t.Fatal(err)
	}
	refused("cannot unpack")
}

// withoutLibc runs the programs where there is nothing else: no C library, no
// loader, no shell. There is no git either, so 'version --check' calls none.
func withoutLibc(t *testing.T, archive string) {
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("only root on Linux may change the root directory")
	}
	root := t.TempDir()
	if out, err := exec.Command("tar", "-xzf", archive, "-C", root, "--strip-components=1").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, args := range [][]string{{"/bin/git-crosslink", "version", "--check"}, {"/bin/git-crosslink-mcp", "--version"}, {"/bin/git-crosslink-dashboard", "--help"}} {
		out, err := exec.Command("chroot", append([]string{root}, args...)...).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("crosslink")) {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	// Only git calls it: without git's arguments it prints its usage.
	out, err := exec.Command("chroot", root, "/bin/git-remote-crosslink").CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 129 {
		t.Errorf("git-remote-crosslink: %v\n%s", err, out)
	}
}
