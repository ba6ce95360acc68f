package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/system"
)

func TestWhereTemporaryFilesAre(t *testing.T) {
	dir := t.TempDir()
	with := func(vars map[string]string) func(string) string {
		return func(k string) string { return vars[k] }
	}
	if system.FreeSpace(dir) == 0 {
		t.Skip("NOT RUN: the free room is not known on this system")
	}
	if !runsPrograms(dir) {
		t.Errorf("nothing runs in '%s'", dir)
	}
	if system.FreeSpace(dir) >= wanted {
		env, where := environment(dir, with(nil))
		if where != dir || !slices.Contains(env, "TMPDIR="+dir) || !slices.Contains(env, "GOTMPDIR="+os.TempDir()) {
			t.Errorf("%s, %q", where, env)
		}
	}
	for _, vars := range []map[string]string{{"CROSSLINK_DISK": "1"}, {"TMPDIR": "/elsewhere"}} {
		if env, where := environment(dir, with(vars)); env != nil || where == dir {
			t.Errorf("%v: %s, %q", vars, where, env)
		}
	}
	if env, where := environment(filepath.Join(dir, "missing"), with(nil)); env != nil || where != os.TempDir() {
		t.Errorf("a directory that is not there: %s, %q", where, env)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
