package cli

import (
	"strconv"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
)

func TestComplete(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "evil \u202e $(touch x) `y`")
	w.ok("new", "paint the door")
	for n := range 9 {
		w.ok("new", "x")
		w.ok("delete", strconv.Itoa(3+n))
	}
	w.ok("new", "Fix the flux")
	w.hub.undecided = true
	w.ok("new", "no number yet")
	w.ok("close", "2")
	w.ok("label", "2", "Bug", "core", "two words", "$(touch y)")
	w.ok("milestone", "new", "v1.0")
	w.ok("milestone", "new", "a b")
	w.ok("comment", "12", "changed last")
	for _, c := range []struct{ words, want string }{
		{"show|", "12 00031a0 1 2"}, // those closed come last
		{"show|1", "12 1"},
		{"show|00001a", "1"}, // the beginning of a uuid has a letter
		{"show|00030a", "12"},
		{"show|#12", "12"},
		{"show|FLUX", "12"}, // by a word of the title
		{"show|nothing", ""},
		{"close|", "12 00031a0 1"},
		{"reopen|", "2"},
		{"close|12|", "12 00031a0 1"},
		{"issue|close|2", "2"},
		{"comment|", "edit delete 12 00031a0 1 2"},
		{"comment|12|", ""}, // a text
		{"comment|edit|", ""},
		{"block|12|pai", "2"},
		{"parent|12|fl", "12"},
		{"parent|12|2|", ""},
		{"lock|", "list check 12 00031a0 1"},
		{"lock|list|", ""},
		{"lock|check|12", "12"},
		{"new|", ""},
		{"tree|2", "2"},
		{"-q|show|12", "12"},
		{"show|--color|never|12", "12"},
		{"show|--|12", "12"},
		{"cl", "close"},
		{"issue|cl", "close"},
		{"hoo", "hooks"},
		{"hook|", ""}, // no command of people's
		{"hooks|", "install uninstall status"},
		{"list|--status|", "open closed archived all"},
		{"list|--status=|", ""},
		{"list|--status=cl", "--status=closed"},
		{"list|--status|=|cl", "closed"}, // as bash parts it
		{"list|--status|=", "open closed archived all"},
		{"new|-p|h", "high"},
		{"new|--priority=h", "--priority=high"},
		{"list|--sor", "--sort="},
		{"relate|--kind|d", "discovered-from duplicates"},
		{"list|--label|", "Bug core"}, // one with a space or a quote is not offered
		{"list|-l|c", "core"},
		{"new|x|--assign|@", "@me @this"},
		{"assign|12|ali", "alice-laptop-abcd"},
		{"assign|12|+ali", "+alice-laptop-abcd"},
		{"unassign|12|13|-@m", "-@me"},
		{"list|--author|ali", "alice-laptop-abcd"},
		{"list|--milestone|", "v1.0"},
		{"comment|12|--kind|de", "decision"},
		{"label|12|", "Bug core"},
		{"label|12|c", "core"},
		{"label|12|2|+c", "+core"},
		{"label|12|-B", "-Bug"},
		{"label|12|+c|+B", "+Bug"},
		{"unlabel|12|2|-c", "-core"},
		{"assign|12|@", "@me @this"},
		{"unassign|12|@", "@me @this"},
		{"assign|12|+@", "+@me +@this"},
		{"block|2|+12", "+12"},
		{"milestone|show|v", "v1.0"},
		{"milestone|add|v", "v1.0"},
		{"milestone|add|v1.0|12", "12"},
		{"milestone|new|v", ""}, // a new name is not one of those there
		{"list|--no-p", ""},
		{"list|--pag", "--no-pager"},
		{"nonsense|12|", ""},
		{"", "new"},
	} {
		r := w.run(append([]string{frame.CompleteVerb}, strings.Split(c.words, "|")...)...)
		var got []string
		for line := range strings.Lines(r.out) {
			word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			got = append(got, word)
		}
		if all := strings.Join(got, " "); r.code != 0 || r.err != "" || all != c.want && (c.words != "" || got[0] != c.want) {
			t.Errorf("%s: %q (status %d, stderr %q), want %q", c.words, all, r.code, r.err, c.want)
		}
	}
	contains(t, "notes", w.run(frame.CompleteVerb, "show", "").out, "12\tFix the flux\n", "2\tpaint the door (closed)\n", `1	evil \u202e $(touch x)`)
	if out := w.run(frame.CompleteVerb, "show", "").out; strings.ContainsAny(out, "\x1b\u202e") {
		t.Errorf("a terminal must not see this: %q", out)
	}
}

// TestEveryArgumentIsKnown: an id is completed wherever a usage names one.
func TestEveryArgumentIsKnown(t *testing.T) {
	n := 0
	var walk func(c *urfave.Command)
	walk = func(c *urfave.Command) {
		for _, s := range c.Subcommands {
			walk(s)
		}
		for _, line := range frame.UsageLines(c) {
			if words := strings.Fields(strings.TrimPrefix(line, frame.CommandName(c))); len(c.Subcommands) == 0 && strings.Contains(line, "<id>") {
				n++
				first := ""
				for _, w := range words {
					if !strings.HasPrefix(w, "[<options>") && !strings.HasPrefix(w, "-") && w != "<text>" {
						first = w
						break
					}
				}
				if strings.Contains(first, "<id>") && !frame.TakesIssue(c, 0) {
					t.Errorf("'%s' takes an id, and none is completed", line)
				}
			}
		}
	}
	walk(tree(&command.Env{Terminal: &frame.Terminal{}}))
	if n < 15 {
		t.Errorf("only %d usages name an id", n)
	}
}

func TestCompletionPrintsItsScript(t *testing.T) {
	w := newWorld(t)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		b, err := completions.ReadFile("completion/" + shell)
		if err != nil {
			t.Fatal(err)
		}
		check(t, shell, w.ok("completion", shell).out, string(b))
	}
	check(t, "another shell", w.run("completion", "csh").code, frame.ExitUsage)
	check(t, "none", w.run("completion").code, frame.ExitUsage)
}
