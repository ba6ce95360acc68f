package git_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs/git"
)

// Maintenance closes the packs that this process has read. Otherwise git could not replace
// them on systems that do not remove open files.
func TestMaintainClosesPacks(t *testing.T) {
	first, trace := grown(t, 20)
	crowd(t, first)
	if err := first.Maintain(ctx); err != nil {
		t.Fatal(err)
	}
	o, err := git.Discover(ctx, filepath.Dir(trace), os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	r, err := openReplica(ctx, o, false) // which has read nothing yet
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	open := func() (packs []string) {
		t.Helper()
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range all {
			if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(to, r.Path()+"/objects/pack/") {
				packs = append(packs, to)
			}
		}
		return packs
	}
	if n := len(logLines(t, r.Local(), agent)); n != 20 {
		t.Fatalf("%d lines", n)
	}
	if len(open()) == 0 {
		t.Fatal("nothing was read from packs")
	}
	yesterday(t, r)
	crowd(t, r)
	if err := r.Maintain(ctx); err != nil {
		t.Fatal(err)
	}
	if p := open(); len(p) > 0 {
		t.Errorf("still open: %s", p)
	}
	if n := len(logLines(t, r.Local(), agent)); n != 20 {
		t.Errorf("%d lines", n)
	}
}
