package cli

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// escapes reports whether a page is colored.
func escapes(s string) bool { return strings.Contains(s, "\x1b[") }

// TestWhenThereIsColor: --color, NO_COLOR and TERM, color.crosslink, color.ui,
// and who reads, in this order.
func TestWhenThereIsColour(t *testing.T) {
	for _, c := range []struct {
		args   string
		person bool
		vars   string
		config string
		want   bool
	}{
		{"", false, "", "", false},
		{"", true, "", "", true},
		{"--color", false, "", "", true},
		{"--color=always", false, "NO_COLOR=1", "color.ui=false", true},
		{"--color=never", true, "", "color.ui=always", false},
		{"--no-color", true, "", "color.ui=always", false},
		{"", true, "NO_COLOR=1", "color.ui=always", false},
		{"", true, "NO_COLOR=", "", true},
		{"", true, "TERM=dumb", "", false},
		{"--color=auto", true, "TERM=xterm", "", true},
		{"", true, "", "color.ui=false", false},
		{"", true, "", "color.ui=never", false},
		{"", true, "", "color.ui=true", true},
		{"", false, "", "color.ui=true", false},
		{"", false, "", "color.ui=always", true},
		{"", false, "", "color.ui=never color.crosslink=always", true},
		{"", true, "", "color.ui=always color.crosslink=off", false},
		{"", true, "", "color.crosslink=auto", true},
		{"", true, "GIT_PAGER_IN_USE=true", "color.pager=false", false},
		{"", true, "GIT_PAGER_IN_USE=true", "color.pager=true", true},
		{"", false, "GIT_PAGER_IN_USE=true", "", true}, // git has started it on a terminal
		{"-q", true, "", "color.ui=always", false},
		{"--json", true, "", "color.ui=always", false},
		{"--porcelain", true, "", "color.ui=always", false},
		{"--format=%(title)", true, "", "color.ui=always", false},
	} {
		w := newWorld(t)
		w.ok("new", "a")
		w.person = c.person
		w.hub.config = pairs(c.config)
		w.vars = pairs(c.vars)
		check(t, strings.Join([]string{c.args, c.vars, c.config}, " | "), escapes(w.ok(append([]string{"list"}, strings.Fields(c.args)...)...).out), c.want)
	}
}

func pairs(s string) map[string]string {
	m := map[string]string{}
	for _, p := range strings.Fields(s) {
		name, value, _ := strings.Cut(p, "=")
		m[name] = value
	}
	return m
}

// TestColorSlots: color.crosslink.<slot> is read by git itself.
func TestColourSlots(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a", "-p", "high")
	t.Setenv("GIT_CONFIG_COUNT", "3")
	for k, v := range map[string]string{"KEY_0": "color.crosslink.id", "VALUE_0": "blue bold", "KEY_1": "color.crosslink.high", "VALUE_1": "",
		"KEY_2": "color.crosslink.heading", "VALUE_2": "no-such-color"} {
		t.Setenv("GIT_CONFIG_"+k, v)
	}
	w.hub.config = map[string]string{"color.crosslink.id": "blue bold", "color.crosslink.high": "", "color.crosslink.heading": "no-such-color"}
	r := w.ok("list", "--color")
	contains(t, "id", r.out, "\x1b[1;34m1\x1b[m\t", "\thigh\t")
	contains(t, "not a color", r.err, "'color.crosslink.heading' is not a color", "hint: git config color.crosslink.heading")
	check(t, "once", strings.Count(r.err, "hint"), 1)
}

// TestEverySlotIsUsed and none is used that cannot be configured.
func TestEverySlotIsDocumented(t *testing.T) {
	page := page1(t, "configuration.md")
	for s := range frame.ColorsOf {
		contains(t, "docs/configuration.md", page, "`"+string(s)+"`")
	}
}
