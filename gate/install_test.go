package gate_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// tree is everything below a directory but objects and logs: path → mode and
// content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if rel == "objects" {
			return fs.SkipDir
		}
		st, err := os.Lstat(path)
		if err != nil {
			return err
		}
		all[rel] = st.Mode().String()
		switch {
		case st.Mode()&fs.ModeSymlink != 0:
			to, _ := os.Readlink(path)
			all[rel] += " " + to
		case st.Mode().IsRegular():
			b, err := os.ReadFile(path)
			all[rel] += " " + string(b)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func same(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name, b := range before {
		if after[name] != b {
			t.Errorf("'%s' was %q and is %q", name, b, after[name])
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("'%s' is left: %q", name, after[name])
		}
	}
}

// What was there before, installing twice, the other way, and uninstalling.
func TestInstallAndUninstall(t *testing.T) {
	for _, c := range []struct {
		name  string
		mode  string
		setup func(t *testing.T, hub string)
	}{
		{"a plain hub", gate.Whole, nil},
		{"a plain hub, by ref", gate.PerRef, nil},
		{"no hooks directory", gate.Whole, func(t *testing.T, hub string) { os.RemoveAll(filepath.Join(hub, "hooks")) }},
		{"a hook", gate.Whole, func(t *testing.T, hub string) {
			put(t, filepath.Join(hub, "hooks", "pre-receive"), "#!/bin/sh\nexit 0\n", 0o711)
		}},
		{"a hook beside the other kind", gate.PerRef, func(t *testing.T, hub string) {
			put(t, filepath.Join(hub, "hooks", "pre-receive"), "#!/bin/sh\nexit 0\n", 0o711)
		}},
		{"a hook that is a link", gate.Whole, func(t *testing.T, hub string) {
			put(t, filepath.Join(hub, "elsewhere"), "#!/bin/sh\nexit 0\n", 0o755)
			if err := os.Symlink("../elsewhere", filepath.Join(hub, "hooks", "pre-receive")); err != nil {
				t.Fatal(err)
			}
		}},
		{"a configuration without its last line end", gate.PerRef, func(t *testing.T, hub string) {
			f := filepath.Join(hub, "config")
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			put(t, f, strings.TrimSuffix(string(b), "\n"), 0o640)
			os.Chmod(f, 0o640)
		}},
		{"a tracker of its own", gate.Whole, func(t *testing.T, hub string) { put(t, filepath.Join(hub, "crosslink", "contact.json"), "{}\n", 0o644) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "sha1")
			if c.setup != nil {
				c.setup(t, w.hub)
			}
			before := tree(t, w.hub)
			install := func(mode string, already bool) {
				t.Helper()
				r, err := gate.Install(w.ctx, w.hub, mode, "/usr/bin/git-crosslink", w.env)
				if err != nil {
					t.Fatal(err)
				}
				if r.Already != already {
					t.Errorf("%s: already %v", mode, r.Already)
				}
			}
			other := gate.PerRef
			if c.mode == gate.PerRef {
				other = gate.Whole
			}
			install(c.mode, false)
			once := tree(t, w.hub)
			install(c.mode, true)
			same(t, once, tree(t, w.hub))
			install(other, false)
			install(c.mode, false)
			same(t, once, tree(t, w.hub))
			if got := w.git("--git-dir="+w.hub, "config", "--bool", "crosslink.hub"); got != "true" {
				t.Errorf("crosslink.hub is %q", got)
			}
			meanwhile := strings.HasSuffix(before["config"], "\n")
			if meanwhile { // somebody configures something of their own
				w.git("--git-dir="+w.hub, "config", "receive.maxInputSize", "1k")
				w.git("--git-dir="+w.hub, "config", "crosslink.pushCertificate", "require")
			}
			if _, err := gate.Uninstall(w.ctx, w.hub, w.env); err != nil {
				t.Fatal(err)
			}
			if meanwhile {
				w.git("--git-dir="+w.hub, "config", "--remove-section", "crosslink")
				w.git("--git-dir="+w.hub, "config", "--unset", "receive.maxInputSize")
			}
			same(t, before, tree(t, w.hub))
			r, err := gate.Uninstall(w.ctx, w.hub, w.env)
			if err != nil || !r.Already {
				t.Errorf("again: %+v, %v", r, err)
			}
			same(t, before, tree(t, w.hub))
		})
	}
}

func put(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// What is refused, and leaves everything as it was.
func TestInstallRefuses(t *testing.T) {
	for _, c := range []struct {
		name, mode, want string
		setup            func(t *testing.T, w *world) (dir string)
	}{
		{"no repository", gate.Whole, "no-repository", func(t *testing.T, w *world) string { return t.TempDir() }},
		{"a clone", gate.Whole, "not-bare", func(t *testing.T, w *world) string {
			dir := filepath.Join(w.dir, "clone")
			w.git("clone", "-q", w.hub, dir)
			return dir
		}},
		{"hooks elsewhere", gate.Whole, "shared-hooks", func(t *testing.T, w *world) string {
			w.git("--git-dir="+w.hub, "config", "core.hooksPath", "/srv/hooks")
			return w.hub
		}},
		{"another proc-receive", gate.PerRef, "hook-taken", func(t *testing.T, w *world) string {
			put(t, filepath.Join(w.hub, "hooks", "proc-receive"), "#!/bin/sh\n", 0o755)
			return w.hub
		}},
		{"two hooks of others", gate.Whole, "hook-taken", func(t *testing.T, w *world) string {
			put(t, filepath.Join(w.hub, "hooks", "pre-receive"), "#!/bin/sh\n", 0o755)
			put(t, filepath.Join(w.hub, "hooks", "pre-receive.before-crosslink"), "#!/bin/sh\n", 0o755)
			return w.hub
		}},
		{"a locked configuration", gate.Whole, "config-locked", func(t *testing.T, w *world) string {
			put(t, filepath.Join(w.hub, "config.lock"), "", 0o644)
			return w.hub
		}},
		{"a hub of level 3", gate.Whole, "level", func(t *testing.T, w *world) string {
			id := w.files(map[string][]byte{"hub.json": []byte(`{"hub_version":3}` + "\n")}, nil)
			w.mustPush(string(id) + ":refs/heads/crosslink/meta")
			return w.hub
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "sha1")
			dir := c.setup(t, w)
			before := tree(t, w.hub)
			_, err := gate.Install(w.ctx, dir, c.mode, "/usr/bin/git-crosslink", w.env)
			var e *fail.Error
			if !errors.As(err, &e) || e.Code.Name() != c.want || len(hints.For(e.Code, e.Fields)) == 0 {
				t.Fatalf("got %v, want '%s'", err, c.want)
			}
			same(t, before, tree(t, w.hub))
		})
	}
}

// Somebody wrote between our lines: nothing is guessed.
func TestATouchedConfigurationIsLeftAlone(t *testing.T) {
	w := newWorld(t, "sha1")
	w.install(gate.Whole)
	w.git("--git-dir="+w.hub, "config", "crosslink.syncInterval", "5") // goes elsewhere
	w.git("--git-dir="+w.hub, "config", "--add", "include.path", "more.config")
	before := tree(t, w.hub)
	_, err := gate.Uninstall(w.ctx, w.hub, w.env)
	var e *fail.Error
	if !errors.As(err, &e) || e.Code.Name() != "config-touched" {
		t.Fatalf("got %v", err)
	}
	same(t, before, tree(t, w.hub))
}

// git takes a comment for a part of the section before it.
func TestABlockWithoutItsComments(t *testing.T) {
	w := newWorld(t, "sha1")
	before := tree(t, w.hub)
	w.git("--git-dir="+w.hub, "config", "crosslink.pushCertificate", "require")
	w.install(gate.Whole)
	w.git("--git-dir="+w.hub, "config", "--remove-section", "crosslink")
	w.install(gate.PerRef)
	if _, err := gate.Uninstall(w.ctx, w.hub, w.env); err != nil {
		t.Fatal(err)
	}
	same(t, before, tree(t, w.hub))
}

// A hook that was there gets what git gives it, if the gate lets it through.
func TestTheHookThatWasThereGoesOn(t *testing.T) {
	w := newWorld(t, "sha1")
	seen := filepath.Join(w.dir, "seen")
	put(t, filepath.Join(w.hub, "hooks", "pre-receive"), "#!/bin/sh\ncat >>'"+seen+"'\n[ ! -e '"+seen+".no' ]\n", 0o755)
	w.install(gate.Whole)
	for _, name := range []string{"one", "two"} { // two refs in one push, told as git tells them
		w.git("update-ref", "refs/heads/"+name, string(w.code(name)))
	}
	w.mustPush("one:refs/heads/one", "two:refs/heads/two")
	b, err := os.ReadFile(seen)
	if lines := strings.Split(string(b), "\n"); err != nil || len(lines) != 3 || !strings.HasSuffix(lines[0], " refs/heads/one") || !strings.HasSuffix(lines[1], " refs/heads/two") || lines[2] != "" {
		t.Errorf("it saw %q, %v", b, err)
	}
	if says, ok := w.push(string(w.code("x")) + ":refs/heads/crosslink/wiki"); ok {
		t.Errorf("taken: %s", says)
	}
	if again, _ := os.ReadFile(seen); string(again) != string(b) {
		t.Errorf("it was called for a push that the gate refused: %q", again)
	}
	put(t, seen+".no", "", 0o644)
	if says, ok := w.push(string(w.code("y")) + ":refs/heads/three"); ok || w.refs()["refs/heads/three"] != "" {
		t.Errorf("taken though it refused: %s", says)
	}
}

// TestSettingsAreNotWrittenThroughALink: a link in the place of a file of the gate
// would have the hub's owner overwrite what it leads to.
func TestSettingsAreNotWrittenThroughALink(t *testing.T) {
	for _, name := range []string{"server.config", "server.json", "."} {
		w := newWorld(t, "sha1")
		outside := t.TempDir()
		put(t, filepath.Join(outside, "mine"), "do not touch\n", 0o644)
		home := filepath.Join(w.hub, "crosslink")
		link := filepath.Join(home, name)
		if name == "." {
			if err := os.Symlink(outside, home); err != nil {
				t.Fatal(err)
			}
		} else {
			if err := os.MkdirAll(home, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(outside, "mine"), link); err != nil {
				t.Fatal(err)
			}
		}
		_, err := gate.Install(w.ctx, w.hub, gate.Whole, "/bin/true", w.env)
		b, rerr := os.ReadFile(filepath.Join(outside, "mine"))
		if rerr != nil || string(b) != "do not touch\n" {
			t.Errorf("%s: the file behind the link is now %q", name, b)
		}
		if left, _ := os.ReadDir(outside); len(left) != 1 {
			t.Errorf("%s: written behind the link: %v", name, left)
		}
		if !errors.As(err, new(*statefile.OddError)) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(filepath.Join(w.hub, "hooks", "pre-receive")); err == nil {
			t.Errorf("%s: half of the gate is in place", name)
		}
	}
}
