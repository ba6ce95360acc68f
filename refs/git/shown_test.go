package git

import (
	"fmt"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
)

func TestParseShown(t *testing.T) {
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	line := func(who, text string) string {
		return "10:00:00.1 pkt-line.c:80           packet: " + fmt.Sprintf("%12s", who) + " " + text + "\n"
	}
	end := line("push<", "0000")
	for _, c := range []struct {
		name, trace, want string
	}{
		{"no trace", "", "not known"},
		{"cut off", line("push<", a+` refs/heads/crosslink/meta\0report-status`), "not known"},
		{"an empty hub", line("push<", strings.Repeat("0", 40)+` capabilities^{}\0report-status`) + end, "map[]"},
		{"two refs and one of the user's", line("push<", a+` refs/heads/crosslink/meta\0report-status atomic`) + line("push<", b+" refs/heads/crosslink/agents/x") + line("push<", a+" refs/heads/main") + end,
			"map[refs/heads/crosslink/agents/x:" + b + " refs/heads/crosslink/meta:" + a + "]"},
		{"over http", line("git<", "# service=git-receive-pack") + line("git<", "0000") + line("git<", a+` refs/heads/crosslink/meta\0report-status`) + line("git<", "0000"),
			"map[refs/heads/crosslink/meta:" + a + "]"},
		{"what the hub says to itself", line("receive-pack<", a+" "+b+" refs/heads/crosslink/meta") + line("receive-pack>", a+" refs/heads/crosslink/x") + line("push<", a+` refs/heads/main\0x`) + end, "map[]"},
		{"what a hook of the hub is shown", line("push<", a+` refs/heads/main\0x`) + end + line("push<", b+" refs/heads/crosslink/meta") + end, "map[]"},
		{"nonsense", line("push<", "zz refs/heads/crosslink/meta") + line("push<", a) + end, "not known"},
	} {
		got := "not known"
		if shown := parseShown(c.trace, refs.SHA1); shown != nil {
			got = fmt.Sprint(shown)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
