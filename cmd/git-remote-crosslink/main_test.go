package main

import (
	"os"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what this test program is when it is called by their names.
var commands = map[string]func(){
	"git-remote-crosslink": main,
	"git-crosslink":        func() { os.Exit(cli.Main(os.Args)) },
}

func TestMain(m *testing.M) { testscript.Main(m, commands) }

func TestScript(t *testing.T) {
	t.Parallel()
	testkit.Scripts(t, "testdata/script", testkit.Hints{All: 5})
}
