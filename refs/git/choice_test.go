package git_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

// TestChoiceOfLocal: what a replica is decides who serves it; a test may
// demand otherwise, but not what cannot be.
func TestChoiceOfLocal(t *testing.T) {
	for _, c := range []struct{ format, force, want string }{
		{"sha1", "", "*native.Local"},
		{"sha1", "native", "*native.Local"},
		{"sha1", "plumbing", "*git.Plumbing"},
		{"sha256", "", "*git.Plumbing"},
		{"sha256", "native", "*git.Plumbing"},
		{"reftable", "", "*git.Plumbing"},
	} {
		w := t.TempDir()
		format := c.format
		if format == "reftable" {
			format = "sha1"
		}
		refstest.Git(t, "init", "-q", "--object-format="+format, w)
		o, err := git.Discover(ctx, w, append(os.Environ(), git.BackendVariable+"="+c.force))
		if err != nil {
			t.Fatal(err)
		}
		r, err := openReplica(ctx, o, true)
		if err != nil {
			t.Fatal(err)
		}
		if c.format == "reftable" { // as `git refs migrate` leaves it
			r.Close()
			if err := os.Mkdir(filepath.Join(r.Path(), "reftable"), 0o777); err != nil {
				t.Fatal(err)
			}
			if r, err = openReplica(ctx, o, false); err != nil {
				t.Fatal(err)
			}
		}
		if got := fmt.Sprintf("%T", r.Local()); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
		r.Close()
	}
}
