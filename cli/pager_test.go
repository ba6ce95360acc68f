package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/shell"
)

// pagedBy gives what a pager is given, and its environment.
func pagedBy(t *testing.T) (command string, seen func() string) {
	t.Helper()
	at := filepath.Join(t.TempDir(), "paged")
	return "{ echo LESS=$LESS LV=$LV IN_USE=$GIT_PAGER_IN_USE; cat; } >" + shell.Quote(at), func() string {
		b, _ := os.ReadFile(at)
		os.Remove(at)
		return string(b)
	}
}

// TestPager: the output that each process pages, and the process that reports problems.
func TestPager(t *testing.T) {
	t.Setenv("LESS", "")
	t.Setenv("LV", "")
	pager, seen := pagedBy(t)
	for _, c := range []struct {
		args   string
		tty    bool
		vars   string
		config map[string]string
		want   bool
	}{
		{"list", true, "", nil, true},
		{"show 1", true, "", nil, true},
		{"log 1", true, "", nil, true},
		{"tree", true, "", nil, true},
		{"status", true, "", nil, false},
		{"list", false, "", nil, false},
		{"list --no-pager", true, "", nil, false},
		{"list --json", true, "", nil, false},
		{"list --porcelain", true, "", nil, false},
		{"list -q", true, "", nil, false},
		{"list", true, "GIT_PAGER_IN_USE=true", nil, false},
		{"list", true, "", map[string]string{"pager.crosslink": "false"}, false},
		{"status", true, "", map[string]string{"pager.crosslink": "true"}, true},
		{"list", true, "", map[string]string{"pager.crosslink.list": "false"}, false},
		{"list", true, "", map[string]string{"pager.crosslink.show": "false"}, true},
		{"list", true, "", map[string]string{"pager.crosslink": "false", "pager.crosslink.list": "true"}, true},
		{"status", true, "", map[string]string{"pager.crosslink.status": pager}, true},
		{"list", true, "", map[string]string{"pager.crosslink.list": "cat"}, false},
	} {
		w := newWorld(t)
		w.ok("new", "a")
		w.outTTY = c.tty
		w.vars, w.hub.config = pairs(c.vars), c.config
		t.Setenv("GIT_PAGER", pager)
		r := w.ok(strings.Fields(c.args)...)
		got := seen()
		what := c.args + " " + c.vars
		for k, v := range c.config {
			what += " " + k + "=" + v
		}
		if !c.want {
			check(t, what, got, "")
			continue
		}
		check(t, what+": stdout", r.out, "")
		contains(t, what, got, "LESS=FRX LV=-c IN_USE=true\n")
		if len(got) < 40 {
			t.Errorf("%s: the pager was given %q", what, got)
		}
	}
}
