package main

import (
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"git-crosslink": main})
}

func TestScript(t *testing.T) {
	t.Parallel()
	testkit.Scripts(t, "testdata/script")
}

func TestEveryVerbOverEachTransport(t *testing.T) {
	t.Parallel()
	testkit.ScriptOver(t, "testdata/transports/verbs.txtar", "", "hub-http", "hub-ssh")
}
