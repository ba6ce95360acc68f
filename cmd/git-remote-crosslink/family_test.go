package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// The sync after a clone or push that was told which addresses to use
// connects by them, too.
func TestSyncConnectsByTheSameAddresses(t *testing.T) {
	f := newFixture(t)
	log := filepath.Join(f.root, "calls")
	stub := filepath.Join(f.root, "noting-ssh")
	must(t, os.WriteFile(stub, []byte("#!/bin/sh\ncase $1 in -[46]) echo \"$1\" ;; *) case $3 in -[46]) echo \"$3\" ;; *) echo none ;; esac ;; esac >>"+log+"\nexec "+f.root+"/ssh \"$@\"\n"), 0o755))
	env := append(slices.Clone(f.env), "GIT_SSH_COMMAND="+stub, "GIT_SSH_VARIANT=ssh", "URL="+f.urls["scp"](filepath.Join(f.root, "template", "server.git")))
	f.sh(t, f.root, env, "git clone -q $URL first && cd first && git crosslink init -q")
	for _, c := range []struct{ line, want string }{
		{"git clone -q -4 crosslink::$URL four", "-4"},
		{"git clone -q -6 crosslink::$URL six", "-6"},
		{"git clone -q crosslink::$URL any", "none"},
		{"cd any && git push -q -4 origin HEAD:refs/heads/four", "-4"},
		{"cd any && git push -q -6 origin HEAD:refs/heads/new", "-6"},
	} {
		os.Remove(log)
		f.sh(t, f.root, env, c.line)
		if !testkit.Settle(f.root) {
			t.Fatal("a process does not end")
		}
		b, _ := os.ReadFile(log)
		got := strings.Fields(string(b))
		if len(got) < 2 || slices.ContainsFunc(got, func(w string) bool { return w != c.want }) {
			t.Errorf("%s: the connections are %q", c.line, got)
		}
	}
}
