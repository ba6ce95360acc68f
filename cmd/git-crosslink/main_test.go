package main

import (
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what this test program is when it is called by their names.
var commands = map[string]func(){"git-crosslink": main}

func TestMain(m *testing.M) { testscript.Main(m, commands) }

func TestScript(t *testing.T) {
	t.Parallel()
	testkit.Scripts(t, "testdata/script")
}

func TestEveryVerbOverEachTransport(t *testing.T) {
	t.Parallel()
	testkit.ScriptOver(t, "testdata/transports/verbs.txtar", "", "hub-http", "hub-ssh")
}
