package frame

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	l := traceTo(path, nil)
	l.Debug().Msg("x")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "file", string(b), `"message":"x"`)
	var out strings.Builder
	l = traceTo("1", &out)
	l.Debug().Msg("y")
	contains(t, "stderr", out.String(), `"message":"y"`)
	l = traceTo("relative", &out)
	l.Debug().Msg("z")
	check(t, "a relative path is none", strings.Contains(out.String(), "z"), false)
}
