package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
)

func TestPermute(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"close 12 --reason x 13", "close --reason=x -- 12 13"},
		{"--json close 12", "close --json=true -- 12"},
		{"-q --offline ls", "list --quiet=true --offline=true --"},
		{"close -rx 12", "close --reason=x -- 12"},
		{"close -qr x 12", "close --quiet=true --reason=x -- 12"},
		{"close --reason=a=b 12", "close --reason=a=b -- 12"},
		{"close --reason --wait 12", "close --reason=--wait -- 12"},
		{"close -- --reason", "close -- --reason"},
		{"new --end-of-options -x", "new -- -x"},
		{"-- close 12", "close -- 12"},
		{"close --no-wait 12", "close --wait=false -- 12"},
		{"list --no-color", "list --color=never --"},
		{"list --color never", "list --color=always -- never"},
		{"list --porcelain", "list --porcelain=v1 --"},
		{"list --porc=v1", "list --porcelain=v1 --"},
		{"list --no-pager", "list --pager=false --"},
		{"issue close 12", "close -- 12"},
		{"comment edit 3f9a x", "comment edit -- 3f9a x"},
		{"comment 12 edit", "comment -- 12 edit"},
		{"comment 12 -", "comment -- 12 -"},
		{"create a -l x -l y", "new --label=x --label=y -- a"},
	} {
		v, err := frame.Permute(tree(&command.Env{Terminal: &frame.Terminal{}}), strings.Fields(c.args))
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		check(t, c.args, strings.Join(v.Words()[1:], " "), c.want)
	}
}

func TestPermuteMistakes(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"list --lable x", "unknown option '--lable' / did you mean '--label'? / git crosslink list -h"},
		{"list -Y", "unknown option '-Y' / git crosslink list -h"},
		{"list --label", "option '--label' needs a value"},
		{"list -l", "option '-l' needs a value"},
		{"list --reverse=yes", "option '--reverse' takes no value"},
		{"list --s", "unknown option '--s' / git crosslink list -h"},
		{"list --pa x", "option '--pa' is ambiguous: could be --pager or --parent"},
		{"list --no-sort", "unknown option '--no-sort' / git crosslink list -h"},
		{"clsoe 12", "'clsoe' is not a git crosslink command / the most similar command is: git crosslink close / all commands: git crosslink -h"},
		{"add x", "'add' is not a git crosslink command / the most similar command is: git crosslink new / all commands: git crosslink -h"},
		{"#12", "'#12' is not a git crosslink command / the most similar command is: git crosslink show 12 / all commands: git crosslink -h"},
		{"list --state all", "unknown option '--state' / did you mean '--status'? / git crosslink list -h"},
		{"list --mine", "unknown option '--mine' / did you mean '--assignee @me'? / git crosslink list -h"},
		{"ready --closed", "unknown option '--closed' / git crosslink ready -h"},
		{"edit 3 --add-label bug", "unknown option '--add-label' / did you mean 'git crosslink label <id> +<label>'? / git crosslink edit -h"},
		{"frobnicate", "'frobnicate' is not a git crosslink command / all commands: git crosslink -h"},
		{"issue sync", "'sync' is not a command of git crosslink issue / all commands: git crosslink -h"},
		{"comment --kind x edit 3f9a y", "'edit' has no option '--kind'"},
	} {
		_, err := frame.Permute(tree(&command.Env{Terminal: &frame.Terminal{}}), strings.Fields(c.args))
		f, ok := err.(*frame.Failure)
		if !ok {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		check(t, c.args, strings.Join(append([]string{f.Message}, f.Hints...), " / "), c.want)
		check(t, c.args, f.Code, frame.ExitUsage)
	}
}

// TestTextsThatBeginWithADash: they are taken for texts if that is certain.
func TestTextsThatBeginWithADash(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"comment", "1", "- first item"}, "comment -- 1 - first item"},
		{[]string{"comment", "1", "--- a/file.c", "-q"}, "comment --quiet=true -- 1 --- a/file.c"},
		{[]string{"comment", "1", "-1 is returned"}, "comment -- 1 -1 is returned"},
		{[]string{"comment", "1", "-q is quiet, -h is help"}, "comment -- 1 -q is quiet, -h is help"},
		{[]string{"comment", "1", "-\n-"}, "comment -- 1 -\n-"},
		{[]string{"comment", "1", "--force is ignored by push"}, "comment -- 1 --force is ignored by push"},
		{[]string{"comment", "1", "--kind of strange = odd"}, "comment -- 1 --kind of strange = odd"},
		{[]string{"comment", "edit", "3f9a1c2", "- x"}, "comment edit -- 3f9a1c2 - x"},
		{[]string{"new", "--json is not valid"}, "new -- --json is not valid"},
		{[]string{"new", "-d", "- a", "t"}, "new --description=- a -- t"},
		{[]string{"search", "--a b"}, "search -- --a b"},
		{[]string{"label", "1", "- x"}, "label -- 1 - x"},
		{[]string{"agent", "describe", "- x"}, "agent describe -- - x"},
		{[]string{"comment", "1", "--kind=a b"}, "comment --kind=a b -- 1"}, // an option
		{[]string{"comment", "1", "-kplan b"}, "comment --kind=plan b -- 1"},
	} {
		v, err := frame.Permute(tree(&command.Env{Terminal: &frame.Terminal{}}), c.args)
		if err != nil {
			t.Errorf("%q: %v", c.args, err)
			continue
		}
		check(t, fmt.Sprint(c.args), strings.Join(v.Words()[1:], " "), c.want)
		check(t, fmt.Sprint(c.args), v.Help, frame.NoHelp)
	}
	for _, c := range []struct {
		args []string
		hint string
	}{
		{[]string{"comment", "1", "--force"}, "if it is text: git crosslink comment 1 -- --force"},
		{[]string{"comment", "1", "-1", "-q"}, "if it is text: git crosslink comment 1 -q -- -1"},
		{[]string{"comment", "1", "---it's"}, `if it is text: git crosslink comment 1 -- '---it'\''s'`},
		{[]string{"--json", "new", "-l", "a b", "--fast"}, "if it is text: git crosslink --json new -l 'a b' -- --fast"},
		{[]string{"search", "-x", "flux"}, "if it is text: git crosslink search flux -- -x"},
		{[]string{"new", "-d", "a\nb", "--x"}, "if it is text, pass it last, after '--'"},
		{[]string{"new", "-d", strings.Repeat("a", 600), "--x"}, "if it is text, pass it last, after '--'"},
		{[]string{"comment", "--x", "--", "1"}, "git crosslink comment -h"}, // an id goes there
		{[]string{"comment", "-1", "hi"}, "git crosslink comment -h"},
		{[]string{"new", "--lable", "x"}, "did you mean '--label'?"},
		{[]string{"new", "x", "--fast"}, "if it is text, pass it last, after '--'"}, // two titles
		{[]string{"comment", "1", "--fast", "--slow"}, "if it is text, pass it last, after '--'"},
		{[]string{"search", "a", "--fast", "b"}, "if it is text: git crosslink search a b -- --fast"},
		{[]string{"new", "--label"}, ""},
		{[]string{"new", "x", "-l", "a\xff"}, "convert it: iconv -f <its encoding> -t UTF-8"},
		{[]string{"close", "-1"}, "git crosslink close -h"},
		{[]string{"close", "- 1"}, "git crosslink close -h"},
		{[]string{"unlock", "- 1"}, "git crosslink unlock -h"},
	} {
		_, err := frame.Permute(tree(&command.Env{Terminal: &frame.Terminal{}}), c.args)
		f, ok := err.(*frame.Failure)
		if !ok {
			t.Errorf("%q: %v", c.args, err)
			continue
		}
		check(t, fmt.Sprint(c.args), append(f.Hints, "")[0], c.hint)
		check(t, fmt.Sprint(c.args), f.Code, frame.ExitUsage)
	}
}

func TestDirectories(t *testing.T) {
	v, err := frame.Permute(tree(&command.Env{Terminal: &frame.Terminal{}}), []string{"-C", "a", "-Cb", "list"})
	if err != nil {
		t.Fatal(err)
	}
	check(t, "dirs", v.Dirs, "[a b]")
}

func FuzzPermute(f *testing.F) {
	f.Add("close 12 --reason x -- -q")
	f.Add("--json -C x comment edit -hq")
	root := tree(&command.Env{Terminal: &frame.Terminal{}})
	f.Fuzz(func(t *testing.T, line string) {
		v, err := frame.Permute(root, strings.Split(line, " "))
		if err != nil {
			_ = fmt.Sprint(err)
			return
		}
		if v == nil {
			t.Fatal("neither")
		}
		// what was put in order stays as it is
		again, err := frame.Permute(root, v.Words()[1:])
		if err != nil {
			t.Fatalf("%q becomes %q: %v", line, v.Words(), err)
		}
		if len(again.Dirs) > 0 || strings.Join(again.Words(), "\x00") != strings.Join(v.Words(), "\x00") {
			t.Errorf("%q becomes %q, then %q", line, v.Words(), again.Words())
		}
	})
}

func TestHelp(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		args string
		code int
	}{{"", frame.ExitUsage}, {"-h", frame.ExitUsage}, {"close -h", frame.ExitUsage}, {"-h close", frame.ExitUsage}, {"--help", 0}, {"close --help", 0},
		{"help", 0}, {"help close", 0}, {"help comment edit", 0}, {"issue", frame.ExitUsage}, {"issue -h", frame.ExitUsage}, {"comment edit -h", frame.ExitUsage}} {
		r := w.run(strings.Fields(c.args)...)
		check(t, c.args, r.code, c.code)
		check(t, c.args+": stderr", r.err, "")
		contains(t, c.args, r.out, "usage: git crosslink")
	}
	check(t, "unknown topic", w.run("help", "nope").code, frame.ExitUsage)
}

// TestEveryCommandIsExplained: man pages are made from these texts.
func TestEveryCommandIsExplained(t *testing.T) {
	e := &command.Env{Terminal: &frame.Terminal{}}
	for _, c := range tree(e).Subcommands {
		if c.Hidden {
			continue
		}
		if c.Usage == "" || c.UsageText == "" || c.Category == "" {
			t.Errorf("%s: usage, synopsis or group is missing", c.Name)
		}
		if c.Name != "help" && !strings.Contains(c.Description, "Examples:\n  git crosslink "+c.Name) && c.Name != "blocked" {
			t.Errorf("%s: no example", c.Name)
		}
		for _, l := range strings.Split(c.Description+"\n"+c.UsageText, "\n") {
			if frame.Width(l) > 100 {
				t.Errorf("%s: a line of %d columns: %s", c.Name, frame.Width(l), l)
			}
		}
	}
}
