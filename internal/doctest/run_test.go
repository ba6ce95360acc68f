package doctest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// block is a fenced block marked as runnable: ```sh run
type block struct {
	line int
	text string
}

func blocks(text string) (all []block, err error) {
	var cur *block
	for i, l := range strings.Split(text, "\n") {
		switch {
		case cur == nil && l == "```sh run":
			cur = &block{line: i + 1}
		case cur != nil && l == "```":
			all = append(all, *cur)
			cur = nil
		case cur != nil:
			cur.text += l + "\n"
		}
	}
	if cur != nil {
		return nil, fmt.Errorf("line %d: the block has no end", cur.line)
	}
	return all, nil
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
				bin = build(t, dir)
			}
			ran[name]++
			t.Run(fmt.Sprintf("%s:%d", name, bl.line), func(t *testing.T) { paste(t, bin, bl.text) })
		}
	}
	if ran["README.md"] == 0 {
		t.Error("README.md has no runnable block")
	}
}

func build(t *testing.T, dir string) string {
	t.Helper()
	bin := t.TempDir()
	cmd := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", bin, "./cmd/git-crosslink", "./cmd/git-remote-crosslink", "./cmd/git-crosslink-dashboard")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func paste(t *testing.T, bin, text string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	home := t.TempDir()
	work := filepath.Join(home, "empty")
	if err := os.Mkdir(work, 0o755); err != nil {
		t.Fatal(err)
	}
	// -e: every line has to succeed.
	cmd := exec.CommandContext(ctx, "sh", "-e", "-c", text)
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
	t.Logf("%s", out)
}

func TestBlocks(t *testing.T) {
	all, err := blocks("x\n```sh run\na\nb\n```\n```sh\nnot this\n```\n```sh run\nc\n```\n")
	if err != nil || len(all) != 2 || all[0].text != "a\nb\n" || all[0].line != 2 || all[1].text != "c\n" {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := blocks("```sh run\na\n"); err == nil {
		t.Error("a block without an end is accepted")
	}
}
