package shell_test

import (
	"os/exec"
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/shell"
)

// TestWords: a shell reads each word as it was.
func TestWords(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	for _, s := range []string{"", "plain", "/a/b.c", "a b", "it's", "''", `\`, "$(id)", "`id`", "a\nb", "-x", "*", "~", "!!", "#", "a=b", "é", "\x1b[2J"} {
		for name, quote := range map[string]func(string) string{"Quote": shell.Quote, "Word": shell.Word} {
			out, err := exec.Command(sh, "-c", "printf '%s' "+quote(s)).Output()
			if err != nil || string(out) != s {
				t.Errorf("%s(%q) is %s, which is read as %q, %v", name, s, quote(s), out, err)
			}
		}
	}
	for _, s := range []string{"origin", "git@host:a/b", "3.5", "a=b"} {
		if got := shell.Word(s); got != s {
			t.Errorf("%s is written as %s", s, got)
		}
	}
}
