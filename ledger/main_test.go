package ledger_test

import (
	"os"
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

func TestMain(m *testing.M) {
	os.Exit(testkit.Main(m))
}

// nightly says that the long runs are wanted.
var nightly = os.Getenv("CROSSLINK_NIGHTLY") == "1"
