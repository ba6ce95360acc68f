package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/enrol"
)

// onePush is the floor for commands that contact a hub: one new commit, one ref.
func (w *world) onePush() action {
	return action{
		before: func() error { w.git("commit", "-q", "--allow-empty", "-m", "x"); return w.err },
		run:    []maker{w.b.cmd(w.dir, "git", "push", "-q", "origin", "HEAD:refs/heads/other")},
	}
}

func (b *bench) newHub() (measurement, error) {
	w, err := b.world()
	if err != nil {
		return measurement{}, err
	}
	return b.against(only(w.cmd("new", "-q", usual)), w.onePush())
}

func (b *bench) newHubMany() (measurement, error) {
	large, err := b.many()
	return b.newBeside(large, err)
}

func (b *bench) commentHub() (measurement, error) {
	w, err := b.world()
	if err != nil {
		return measurement{}, err
	}
	return b.against(only(w.cmd("comment", "-q", "1", "It is the third tile from the left.")), w.onePush())
}

// pushSame pushes, with git alone, the same as a `new`: log, step and the lease on meta.
// Another clone makes the step and does not push it.
func (b *bench) pushSame() (measurement, error) {
	w, err := b.world()
	if err != nil {
		return measurement{}, err
	}
	// the refs that a `new` sent are removed from the hub, and pushed by git
	var specs []string
	prepare := func() error {
		old := w.at(w.hub, "git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/crosslink/")
		w.ours("new", "-q", usual)
		specs = nil
		for l := range strings.Lines(old) {
			oid, ref, _ := strings.Cut(strings.TrimSpace(l), " ")
			specs = append(specs, strings.Replace(ref, "refs/heads/crosslink/", "refs/hub/", 1)+":"+ref)
			w.at(w.hub, "git", "update-ref", ref, oid)
		}
		w.at(w.hub, "git", "prune")
		return w.err
	}
	push := func() maker {
		return func() *exec.Cmd {
			return b.cmd(w.dir, append([]string{"git", "--git-dir=" + w.replica(), "push", "-q", "--atomic", w.hub}, specs...)...)()
		}
	}
	return b.against(action{before: prepare, run: []maker{push()}}, w.onePush())
}

// newAtOnce compares two clones of one hub that write at the same moment, until both have
// ended, with one clone alone.
func (b *bench) newAtOnce() (measurement, error) {
	w, err := b.world()
	if err != nil {
		return measurement{}, err
	}
	other := w.beside("other")
	other.ours("new", "-q", "the second")
	w.ours("sync", "-q")
	if err := errors.Join(w.err, other.err); err != nil {
		return measurement{}, err
	}
	words := []string{"new", "-q", usual}
	atOnce := action{run: []maker{w.cmd(words...)}, beside: other.cmd(words...)}
	return b.against(atOnce, only(w.cmd(words...)))
}

// talks counts a command's processes that contact the hub, in git's own trace.
func (b *bench) talks(words ...string) (measurement, error) {
	w, err := b.world()
	if err != nil {
		return measurement{}, err
	}
	w.ours("sync", "-q")
	if w.err != nil {
		return measurement{}, w.err
	}
	trace := filepath.Join(w.top(), "trace")
	cmd := w.cmd(words...)()
	cmd.Env = append(cmd.Env, "GIT_TRACE2="+trace)
	if err := cmd.Run(); err != nil {
		return measurement{}, err
	}
	text, err := os.ReadFile(trace)
	n := 0
	for line := range strings.Lines(string(text)) {
		if _, started, ok := strings.Cut(line, " start "); ok {
			for _, verb := range []string{" push ", " fetch ", " ls-remote "} {
				if strings.Contains(started, verb) {
					n++
				}
			}
		}
	}
	return value(float64(n), err)
}

func (b *bench) pushes() (measurement, error)  { return b.talks("new", "-q", "counted") }
func (b *bench) fetches() (measurement, error) { return b.talks("sync", "-q") }

func (b *bench) syncNothing() (measurement, error) {
	w, err := b.world()
	if err != nil {
		return measurement{}, err
	}
	fetch := []string{"git", "fetch", "-q", "--refmap=", "--no-tags", "--no-auto-maintenance", "origin", "+refs/heads/crosslink/*:refs/seen/*"}
	w.at(w.dir, fetch...)
	w.ours("sync", "-q")
	if w.err != nil {
		return measurement{}, w.err
	}
	return b.against(only(w.cmd("sync", "-q")), only(b.cmd(w.dir, fetch...)))
}

// pulled returns a copy of the large tracker and an action in which a second clone
// comments.
func (b *bench) pulled(does func(other *world)) (*world, action, error) {
	w, err := b.many()
	if err != nil {
		return nil, action{}, err
	}
	if w, err = w.copied(); err != nil {
		return nil, action{}, err
	}
	w.ours("sync", "-q")
	other := w.beside("other")
	return w, action{before: func() error {
		does(other)
		return other.err
	}}, other.err
}

func (b *bench) syncOne() (measurement, error) {
	w, a, err := b.pulled(comments)
	if err != nil {
		return measurement{}, err
	}
	a.run = []maker{w.cmd("sync", "-q")}
	return b.against(a, only(a.run...))
}

// listAfter compares the list after a new event with the list after it.
func (b *bench) listAfter(does, brings func(*world)) (measurement, error) {
	w, a, err := b.pulled(does)
	if err != nil {
		return measurement{}, err
	}
	comes := a.before
	a.before = func() error {
		if err := comes(); err != nil {
			return err
		}
		brings(w)
		return w.err
	}
	a.run = []maker{w.cmd("list", "-n", "50")}
	return b.against(a, only(a.run...))
}

func (b *bench) listAfterSync() (measurement, error) {
	return b.listAfter(comments, syncs)
}

// listAfterSession returns the cost of a read after somebody else's session.
func (b *bench) listAfterSession() (measurement, error) {
	return b.listAfter(func(other *world) { other.ours("session", "start", "-q", "--new") }, syncs)
}

func comments(other *world) { other.ours("comment", "-q", "1", "It is the third tile from the left.") }

func syncs(w *world) { w.ours("sync", "-q") }

func (b *bench) listAfterFetch() (measurement, error) {
	return b.listAfter(comments, func(w *world) { w.git("fetch", "-q", "origin") })
}

// fetchBy compares fetches of two clones of one repository, one of them
// enrolled.
func (b *bench) fetchBy(url func(w *world) (string, error), settings ...string) (measurement, error) {
	w, err := b.world()
	if err != nil {
		return measurement{}, err
	}
	w.at(w.top(), "git", "init", "-q", "--bare", "code.git")
	w.git("push", "-q", "../code.git", "HEAD:refs/heads/main")
	from, err := url(w)
	if err != nil {
		return measurement{}, err
	}
	clones := map[string]*world{}
	for _, name := range []string{"plain", "enrolled"} {
		c := &world{b: b, hub: w.hub, dir: filepath.Join(w.top(), name)}
		clones[name] = c
		w.at(w.top(), append(append([]string{"git"}, settings...), "clone", "-q", from, name)...)
		for i := 1; i < len(settings); i += 2 {
			k, v, _ := strings.Cut(settings[i], "=")
			w.at(c.dir, "git", "config", k, v)
		}
		w.at(c.dir, "git", "fetch", "-q")
	}
	if w.err != nil {
		return measurement{}, w.err
	}
	data := filepath.Join(w.top(), "data")
	r := &enrol.Repository{Programs: filepath.Dir(b.program), Data: data, Home: b.dir, Git: func(_ context.Context, args ...string) (string, error) {
		out, err := b.cmd(clones["enrolled"].dir, append([]string{"git"}, args...)...)().Output()
		return strings.TrimSuffix(string(out), "\n"), err
	}}
	if _, err := r.Enrol(context.Background(), "origin", ""); err != nil {
		return measurement{}, err
	}
	return b.against(only(b.cmd(clones["enrolled"].dir, "git", "fetch")), only(b.cmd(clones["plain"].dir, "git", "fetch")))
}

func (b *bench) fetchPath() (measurement, error) {
	return b.fetchBy(func(w *world) (string, error) { return filepath.Join(w.top(), "code.git"), nil })
}

func (b *bench) fetchSSH() (measurement, error) {
	stub := filepath.Join(b.dir, "ssh")
	text := "#!/bin/sh\nwhile :; do case $1 in -o | -p) shift 2 ;; -*) shift ;; *) break ;; esac; done\nshift\nexec sh -c \"$*\"\n"
	if err := os.WriteFile(stub, []byte(text), 0o777); err != nil {
		return measurement{}, err
	}
	return b.fetchBy(func(w *world) (string, error) { return "host:" + filepath.Join(w.top(), "code.git"), nil }, "-c", "core.sshCommand="+stub)
}

func (b *bench) fetchHTTP() (measurement, error) {
	stop := func() {}
	defer func() { stop() }()
	return b.fetchBy(func(w *world) (url string, err error) {
		url, stop, err = b.serve(w.top(), func(*http.Request) {})
		return url + "/code.git", err
	})
}
