package main

import (
	"os"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets this test program be both programs, by their names.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"git-crosslink-dashboard": main,
		"git-crosslink":           func() { os.Exit(cli.Main(os.Args)) },
	})
}

// TestScript runs every command of the dashboard as people do: git starts
// git-crosslink, which starts this program.
func TestScript(t *testing.T) {
	t.Parallel()
	testkit.Scripts(t, "testdata/script", testkit.Hints{Sample: 1, All: 10})
}
