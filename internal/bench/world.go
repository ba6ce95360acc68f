package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// world is a hub and a clone with a tracker.
type world struct {
	b        *bench
	hub, dir string
	err      error
}

// world makes a new world, with one issue.
func (b *bench) world() (*world, error) {
	top, err := os.MkdirTemp(b.dir, "world-")
	if err != nil {
		return nil, err
	}
	return b.worldAt(top)
}

func (b *bench) worldAt(top string) (*world, error) {
	w := &world{b: b, hub: filepath.Join(top, "hub.git"), dir: filepath.Join(top, "clone")}
	w.at(top, "git", "init", "-q", "--bare", "hub.git")
	w.at(top, "git", "init", "-q", "clone")
	w.git("commit", "-q", "--allow-empty", "-m", "x")
	w.git("remote", "add", "origin", "../hub.git")
	w.git("push", "-q", "origin", "HEAD:refs/heads/main")
	w.ours("init", "-q")
	w.ours("new", "-q", "the first")
	return w, w.err
}

// at runs a command; the first error stays in err.
func (w *world) at(dir string, words ...string) string {
	if w.err != nil {
		return ""
	}
	cmd := w.b.cmd(dir, words...)()
	var msg bytes.Buffer
	cmd.Stderr = &msg
	out, err := cmd.Output()
	if err != nil {
		w.err = fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, msg.String())
	}
	return strings.TrimSpace(string(out))
}

func (w *world) git(words ...string) string { return w.at(w.dir, append([]string{"git"}, words...)...) }
func (w *world) ours(words ...string) string {
	return w.at(w.dir, append([]string{w.b.program}, words...)...)
}

// cmd makes commands of the program in the clone.
func (w *world) cmd(words ...string) maker {
	return w.b.cmd(w.dir, append([]string{w.b.program}, words...)...)
}

// top is the directory that holds hub and clone.
func (w *world) top() string { return filepath.Dir(w.dir) }

// replica is the tracker's own repository in the clone.
func (w *world) replica() string { return filepath.Join(w.dir, ".git", "crosslink", "replica.git") }

// cold removes everything that the clone can make again from its replica: the store and
// caches of verdicts.
func (w *world) cold() error {
	stores, err := filepath.Glob(filepath.Join(w.replica(), "store.*"))
	if err != nil {
		return err
	}
	for _, path := range stores {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	home := filepath.Dir(w.replica())
	all, err := os.ReadDir(home)
	if err != nil {
		return err
	}
	for _, d := range all {
		switch d.Name() {
		case "replica.git", "contact.json", "identity", "keys", "hooks.json":
			continue
		}
		if err := os.RemoveAll(filepath.Join(home, d.Name())); err != nil {
			return err
		}
	}
	return nil
}

// copied returns a copy of the world that may be changed. Its data is already in the cache
// of the file system, on the first run too.
func (w *world) copied() (*world, error) {
	top, err := os.MkdirTemp(w.b.dir, "world-")
	if err != nil {
		return nil, err
	}
	c := &world{b: w.b, hub: filepath.Join(top, "hub.git"), dir: filepath.Join(top, "clone")}
	return c, os.CopyFS(top, os.DirFS(w.top()))
}

// beside returns another clone of the world's hub.
func (w *world) beside(name string) *world {
	w.at(w.top(), "git", "clone", "-q", "hub.git", name)
	other := &world{b: w.b, hub: w.hub, dir: filepath.Join(w.top(), name), err: w.err}
	other.ours("sync", "-q")
	return other
}

// kept returns a world that took long to make and is the same in every run. Only copies of
// it are changed, except for its stores.
func (b *bench) kept(name string, fill func(*world) error) (*world, error) {
	top := filepath.Join(b.cache, fmt.Sprintf("%s-%d", name, dataVersion))
	w := &world{b: b, hub: filepath.Join(top, "hub.git"), dir: filepath.Join(top, "clone")}
	if _, err := os.Stat(top); err == nil {
		return w, nil
	}
	if err := os.MkdirAll(b.cache, 0o777); err != nil {
		return nil, err
	}
	half, err := os.MkdirTemp(b.cache, "making-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(half)
	fmt.Fprintf(os.Stderr, "bench: making '%s', once\n", name)
	n, err := b.worldAt(half)
	if err == nil {
		err = fill(n)
	}
	if err == nil {
		err = n.err
	}
	if err != nil {
		return nil, fmt.Errorf("make '%s': %w", name, err)
	}
	return w, os.Rename(half, top)
}

// size returns the size of the files below a directory, in bytes.
func size(dir string) (n float64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		st, err := d.Info()
		if err == nil {
			n += float64(st.Size())
		}
		return err
	})
	return n, err
}
