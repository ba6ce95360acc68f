package doctest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// block is a fenced block marked as runnable: ```sh run. A block ```sh then
// continues the block before it, in the same shell. A block ```console then
// does, too: it shows commands after "$ " and what they print on a terminal of
// 80 columns, which is compared.
type block struct {
	line     int
	text     string
	consoles []string
}

func blocks(text string) (all []block, err error) {
	var lines []string
	kind, start := "", 0
	for i, l := range strings.Split(text, "\n") {
		switch {
		case kind == "":
			if l == "```sh run" || l == "```sh then" || l == "```console then" {
				kind, start, lines = l, i+1, nil
			}
		case l != "```":
			lines = append(lines, l)
		case kind == "```sh run":
			all = append(all, block{line: start, text: strings.Join(lines, "\n") + "\n"})
			kind = ""
		case len(all) == 0:
			return nil, fmt.Errorf("line %d: there is no block to continue", start)
		default:
			last := &all[len(all)-1]
			if kind == "```console then" {
				last.text += typed(lines, len(last.consoles))
				last.consoles = append(last.consoles, strings.Join(lines, "\n")+"\n")
			} else {
				last.text += strings.Join(lines, "\n") + "\n"
			}
			kind = ""
		}
	}
	if kind != "" {
		return nil, fmt.Errorf("line %d: the block has no end", start)
	}
	return all, nil
}

// typed is a script that runs the commands of a console and leaves what the
// console shows in the file ~/console<n>.
func typed(lines []string, n int) string {
	script := "export GIT_PAGER_IN_USE=1 COLUMNS=80 NO_COLOR=1 LC_ALL=C.UTF-8\n{\n"
	for _, l := range lines {
		if command, ok := strings.CutPrefix(l, "$ "); ok {
			script += "cat <<'END'\n" + l + "\nEND\n" + command + "\n"
		}
	}
	return script + fmt.Sprintf("} >~/console%d 2>&1\nunset GIT_PAGER_IN_USE COLUMNS NO_COLOR\nexport LC_ALL=C\ncat ~/console%d\n", n, n)
}

// varies is what differs from one run of a console to the next: times, ages,
// uuids and their first digits.
var varies = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d|just now|\d+ (s|min|h|days?|weeks?|months?) ago|[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{7}\b`)

// compareConsoles compares what the consoles of a block show with what was
// printed: they differ only in what varies.
func compareConsoles(t *testing.T, home string, b block) {
	t.Helper()
	for n, want := range b.consoles {
		got, err := os.ReadFile(filepath.Join(home, fmt.Sprintf("console%d", n)))
		if err != nil {
			t.Fatal(err)
		}
		if varies.ReplaceAllString(string(got), "…") != varies.ReplaceAllString(want, "…") {
			t.Errorf("a console shows\n%s\nbut the commands print\n%s", want, got)
		}
	}
}

// TestRunnableBlocks runs every such block of every document in an empty
// directory, as somebody would who pastes it. The programs are built for it.
func TestRunnableBlocks(t *testing.T) {
	dir := root(t)
	var bin string
	ran := map[string]int{}
	for _, name := range documents(t) {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue // TestLinksResolve reads them all
		}
		all, err := blocks(string(b))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, bl := range all {
			if bin == "" {
				bin = build(t)
			}
			ran[name]++
			t.Run(fmt.Sprintf("%s:%d", name, bl.line), func(t *testing.T) { paste(t, bin, bl) })
		}
	}
	if ran["README.md"] == 0 {
		t.Error("README.md has no runnable block")
	}
}

func build(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	if err := testkit.Build(bin, "git-crosslink", "git-remote-crosslink", "git-crosslink-dashboard"); err != nil {
		t.Fatal(err)
	}
	return bin
}

func paste(t *testing.T, bin string, b block) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	home := t.TempDir()
	work := filepath.Join(home, "empty")
	if err := os.Mkdir(work, 0o755); err != nil {
		t.Fatal(err)
	}
	// -e: every line has to succeed.
	cmd := exec.CommandContext(ctx, "sh", "-e", "-c", b.text)
	cmd.Dir = work
	cmd.Env = append(testkit.Environment(),
		"PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"), "HOME="+home, "USER=alice", "GIT_CONFIG_GLOBAL="+filepath.Join(home, ".gitconfig"),
		"GIT_AUTHOR_NAME=alice", "GIT_AUTHOR_EMAIL=alice@example.com",
		"GIT_COMMITTER_NAME=alice", "GIT_COMMITTER_EMAIL=alice@example.com",
		testkit.Mark(home))
	out, err := cmd.CombinedOutput()
	if !testkit.Settle(home) {
		t.Error("it left a process behind that does not end")
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if len(out) == 0 {
		t.Error("it prints nothing")
	}
	compareConsoles(t, home, b)
	t.Logf("%s", out)
}

func TestBlocks(t *testing.T) {
	all, err := blocks("x\n```sh run\na\nb\n```\n```sh\nnot this\n```\n```sh run\nc\n```\n")
	if err != nil || len(all) != 2 || all[0].text != "a\nb\n" || all[0].line != 2 || all[1].text != "c\n" {
		t.Errorf("%+v, %v", all, err)
	}
	all, err = blocks("```sh run\na\n```\n```sh then\nb\n```\n```console then\n$ c\nd\n```\n")
	if err != nil || len(all) != 1 || !strings.HasPrefix(all[0].text, "a\nb\n") || len(all[0].consoles) != 1 || all[0].consoles[0] != "$ c\nd\n" {
		t.Errorf("%+v, %v", all, err)
	}
	for _, bad := range []string{"```sh run\na\n", "```sh then\na\n```\n"} {
		if _, err := blocks(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
