package hub

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/store"
)

// The page lists only a few of the open issues whose numbers the hub lost: a hub that lost
// a year of them must not fill the page.
func TestStatusNamesFewRenumbered(t *testing.T) {
	page := func(list ...store.Alias) []string {
		var b bytes.Buffer
		p := &frame.Page{W: bufio.NewWriter(&b)}
		statusRenumbered(p, list)
		p.W.Flush()
		return strings.SplitAfter(b.String(), "\n")
	}
	check(t, "nothing to say", len(page()), 1)
	check(t, "closed", len(page(store.Alias{Was: 3, Number: 5, Title: "x", Status: "closed"})), 1)
	check(t, "the lost number is free", page(store.Alias{Was: 3, Number: 5, Title: "x\x1b[m", Status: "open"})[0],
		"renumbered: 5 'x\\x1b[m' was issue 3 until the hub lost that number\n")
	var many []store.Alias
	for n := range uint64(200) {
		many = append(many, store.Alias{Was: n, Number: n + 200, Title: "x", Status: "open", Reused: true})
	}
	lines := page(many...)
	check(t, "lines", len(lines), shownRenumbered+2)
	check(t, "first", lines[0], "renumbered: 200 'x' was issue 0 until the hub lost that number; 0 is now another issue\n")
	check(t, "last", lines[shownRenumbered], "renumbered: 195 more (git crosslink status --json)\n")
}
