package ledger_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// The simulations make much garbage and keep little.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}

// nightly says that the long runs are wanted.
var nightly = os.Getenv("CROSSLINK_NIGHTLY") == "1"
