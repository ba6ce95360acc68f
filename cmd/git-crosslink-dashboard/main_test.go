package main

import (
	"os"
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

func TestMain(m *testing.M) {
	os.Exit(testkit.Programs{M: m, Names: []string{"git-crosslink-dashboard", "git-crosslink"}}.Run())
}

// TestScript runs every command of the dashboard as people do: git starts
// git-crosslink, which starts this program.
func TestScript(t *testing.T) {
	t.Parallel()
	testkit.Scripts(t, "testdata/script", testkit.Hints{Sample: 1, All: 10})
}
