package testkit

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/hooks"
	"github.com/rogpeppe/go-internal/testscript"
)

// This file tests that the user's repository is left alone, except for the hooks that the
// first write installs: exactly these hooks, and nothing else. It compares, byte for byte,
// more than a user would see: every file of the git directory except <git dir>/crosslink
// (so configuration, refs, reflogs, hooks, index, objects), every file of the worktree, and
// the output of git status, branch and log --all.

// cmdBefore remembers the state of an actor's repository.
func cmdBefore(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "before NAME")
	s := get(ts)
	a := s.actor(ts, args[0])
	a.before = s.picture(ts, a)
}

// cmdUntouched fails if anything but the tracker has changed since 'before'.
func cmdUntouched(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "untouched NAME")
	s := get(ts)
	s.untouched(ts, s.actor(ts, args[0]))
}

func (s *script) untouched(ts *testscript.TestScript, a *actor) {
	if a.before == nil {
		ts.Fatalf("no 'before %s' ran yet", a.name)
	}
	after := s.picture(ts, a)
	var changed []string
	for _, line := range a.before {
		if !slices.Contains(after, line) {
			changed = append(changed, "- "+line)
		}
	}
	for _, line := range after {
		if !slices.Contains(a.before, line) {
			changed = append(changed, "+ "+line)
		}
	}
	if len(changed) > 0 {
		ts.Fatalf("the repository of '%s' was touched:\n%s", a.name, strings.Join(changed, "\n"))
	}
}

// cmdWorks uses all of the tracker in one clone and checks that the clone is left alone;
// the others then see the changes. Afterward the user's own gc (the first time), fsck and
// fetch work as before.
func cmdWorks(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 0, "works NAME [OTHER…]")
	s := get(ts)
	a := s.actor(ts, args[0])
	a.walks++
	title := fmt.Sprintf("walk %d of %s", a.walks, a.name)
	crosslink := func(args ...string) string {
		s.git(ts, a, append([]string{"crosslink"}, args...)...)
		return ts.ReadFile("stdout")
	}

	a.before = s.picture(ts, a)
	id := strings.TrimSpace(crosslink("new", title))
	crosslink("comment", id, "said in the "+title)
	crosslink("sync")
	if !strings.Contains(crosslink("list"), title) {
		ts.Fatalf("'%s' does not list what it wrote", a.name)
	}
	s.untouched(ts, a)

	if len(args) > 1 {
		for _, other := range args[1:] {
			s.git(ts, s.actor(ts, other), "crosslink", "sync")
		}
		cmdSame(ts, false, args)
	}
	if a.walks == 1 {
		s.git(ts, a, "gc", "-q", "--prune=now")
	}
	s.git(ts, a, "fsck", "--no-progress")
	if s.git(ts, a, "remote"); ts.ReadFile("stdout") != "" {
		s.git(ts, a, "fetch", "-q")
	}
	if !strings.Contains(crosslink("--offline", "show", id), "said in the "+title) {
		ts.Fatalf("'%s' lost what it wrote to its own gc or fetch", a.name)
	}
	s.last.ran = false
}

// picture describes an actor's repository, one line for each part.
func (s *script) picture(ts *testscript.TestScript, a *actor) []string {
	var all []string
	git := func(args ...string) string {
		s.git(ts, a, append([]string{"--no-optional-locks"}, args...)...)
		return ts.ReadFile("stdout")
	}
	common := strings.TrimSuffix(git("rev-parse", "--path-format=absolute", "--git-common-dir"), "\n")
	for _, args := range [][]string{{"branch", "--all", "-vv"}, {"log", "--all", "--oneline"}} {
		all = append(all, strings.Join(args, " ")+": "+git(args...))
	}
	if git("rev-parse", "--is-bare-repository") == "false\n" {
		all = append(all, "status: "+git("status", "--porcelain=v2", "--branch"))
	}
	roots := []string{common}
	if a.dir != common {
		roots = append(roots, a.dir)
	}
	for i, root := range roots {
		ts.Check(filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && (ours(p) || i == 1 && p == common) {
				return fs.SkipDir
			}
			if hook(p) {
				return nil
			}
			line, err := describe(p, d)
			all = append(all, line)
			return err
		}))
	}
	return all
}

// ours reports whether a path is in <git dir>/crosslink, also of a worktree or submodule.
func ours(p string) bool {
	if filepath.Base(p) != "crosslink" {
		return false
	}
	for _, name := range []string{"config", "commondir"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(p), name)); err == nil {
			return true
		}
	}
	return false
}

// hook reports whether a file is exactly one of our hooks.
func hook(p string) bool {
	if !slices.Contains(hooks.Names, filepath.Base(p)) || filepath.Base(filepath.Dir(p)) != "hooks" {
		return false
	}
	b, err := os.ReadFile(p)
	return err == nil && string(b) == hooks.Script(filepath.Base(p))
}

func describe(p string, d fs.DirEntry) (string, error) {
	info, err := d.Info()
	if err != nil {
		return "", err
	}
	line := fmt.Sprintf("%s %s", p, info.Mode())
	switch {
	case d.Type()&fs.ModeSymlink != 0:
		to, err := os.Readlink(p)
		return line + " " + to, err
	case d.Type().IsRegular():
		b, err := os.ReadFile(p)
		if d.Name() == "config" { // hooks of git 2.54 and newer
			b = bytes.Replace(b, []byte(hooks.Configuration), nil, 1)
		}
		return line + fmt.Sprintf(" %x", sha256.Sum256(b)), err
	}
	return line, nil
}
