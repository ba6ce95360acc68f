package reducer_test

import (
	"os"
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

func TestMain(m *testing.M) {
	os.Exit(testkit.Main(m))
}
