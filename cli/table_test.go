package cli

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// TestColorOnlyWhereAsked: without a terminal there is none, unless always.
func TestColourOnlyWhereAsked(t *testing.T) {
	w := newWorld(t)
	w.id("a")
	check(t, "auto", strings.Contains(w.ok("list").out, "\x1b"), false)
	check(t, "always", strings.Contains(w.ok("list", "--color").out, "\x1b[33m1\x1b[m"), true)
	w.vars["GIT_PAGER_IN_USE"] = "true" // git has started a pager on a terminal
	w.vars["NO_COLOR"] = "1"
	r := w.ok("list")
	check(t, "NO_COLOR", strings.Contains(r.out, "\x1b"), false)
	contains(t, "the layout of a terminal", r.out, "ID  PRIORITY  TITLE")
	check(t, "unknown", w.run("list", "--color=pink").code, frame.ExitUsage)
}
