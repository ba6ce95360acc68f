package main

import (
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what this test program is when it is called by their names.
var commands = map[string]func(){}

func TestMain(m *testing.M) {
	testscript.Main(testkit.Programs{M: m, Names: []string{"git-remote-crosslink", "git-crosslink"}}, commands)
}

func TestScript(t *testing.T) {
	t.Parallel()
	testkit.Scripts(t, "testdata/script", testkit.Hints{All: 5})
}
