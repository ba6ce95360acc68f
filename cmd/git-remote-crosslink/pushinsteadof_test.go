package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// TestPushInsteadOfAcrossTransports: behind the prefix git does not apply
// pushInsteadOf, so the helper does, also where it leads from a transport that
// the helper connects to one that has a helper of git's, and back.
func TestPushInsteadOfAcrossTransports(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, c := range []struct{ fetch, push string }{{"http", "ssh"}, {"ssh", "http"}, {"http", "path"}, {"path", "auth"}, {"http", "auth"}} {
		t.Run(c.fetch+" to "+c.push, func(t *testing.T) {
			cell := filepath.Join(f.root, "cells", c.fetch+"-"+c.push)
			must(t, os.MkdirAll(cell, 0o755))
			for _, name := range []string{"server.git", "work"} {
				f.sh(t, f.root, nil, "cp -r template/"+name+" "+cell)
			}
			env := append(slices.Clone(f.env), "FETCH="+f.urls[c.fetch](filepath.Join(cell, "server.git")), "PUSH="+f.urls[c.push](filepath.Join(cell, "server.git")))
			work := filepath.Join(cell, "work")
			out := f.sh(t, work, env, `git config remote.origin.url "crosslink::$FETCH"
git config "url.$PUSH.pushInsteadOf" "$FETCH"
git config protocol.version 2
git fetch 2>&1
git push --porcelain origin ahead 2>&1
git push --porcelain --force-with-lease=side:$(git rev-parse origin/side) origin ahead:side 2>&1
git fetch 2>&1
git rev-parse ahead origin/side origin/ahead
git --git-dir=../server.git rev-parse ahead side`)
			lines := strings.Fields(out)
			ids := lines[len(lines)-5:]
			if slices.ContainsFunc(ids, func(id string) bool { return id != ids[0] }) {
				t.Errorf("not everything arrived:\n%s", out)
			}
		})
	}
	if !testkit.Settle(f.root) {
		t.Error("a process does not end")
	}
}
