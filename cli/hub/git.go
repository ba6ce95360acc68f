package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
)

const gitVerb = "git"

// gitReads are the git commands that only read.
var gitReads = []string{"blame", "cat-file", "count-objects", "diff", "diff-tree", "for-each-ref", "grep", "log", "ls-tree",
	"merge-base", "name-rev", "rev-list", "rev-parse", "shortlog", "show", "show-ref"}

// gitWrites are beginnings of options with which such a command writes a file or runs a
// program.
var gitWrites = []string{"--output", "--ext-diff", "--textconv", "-O", "--open-files-in-pager", "--filters"}

func newGitCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: gitVerb, Category: frame.GroupHub,
		Usage:     "run a git command that reads the tracker's repository",
		UsageText: "git crosslink git <command> [<args>]",
		Description: `Runs git in the tracker's own repository, to show its commits and objects. Only
commands that read are allowed: blame, cat-file, count-objects, diff,
diff-tree, for-each-ref, grep, log, ls-tree, merge-base, name-rev, rev-list,
rev-parse, shortlog, show and show-ref. The output is git's, and so is the exit
status. docs/format.md explains the branches.

Examples:
  git crosslink git for-each-ref
  git crosslink git log --oneline -3 --all`,
	}, func(u *urfave.Context) error { return runGit(u.Context, e, u.Args().Slice()) })
}

// Git runs 'git crosslink git' if a command line asks for it. git parses the words after
// the verb.
func Git(ctx context.Context, e *command.Env, args []string) (ran bool, err error) {
	args, passed, err := e.PassedOn(args, gitVerb)
	if !passed || err != nil {
		return passed, err
	}
	return true, runGit(ctx, e, args[1:])
}

func runGit(ctx context.Context, e *command.Env, words []string) error {
	if len(words) == 0 {
		return frame.Misuse("which command of git?", "valid: "+strings.Join(gitReads, ", "))
	}
	if !slices.Contains(gitReads, words[0]) {
		f := frame.Misuse(fmt.Sprintf("'git %s' is not a command that only reads", frame.OneLine(words[0])), "valid: "+strings.Join(gitReads, ", "))
		if near := frame.Nearest(words[0], gitReads); near != "" {
			f.Hints = append([]string{"did you mean '" + near + "'?"}, f.Hints...)
		}
		return f
	}
	for _, w := range words[1:] {
		if w == "--" {
			break
		}
		if k := slices.IndexFunc(gitWrites, func(o string) bool { return strings.HasPrefix(w, o) }); k >= 0 {
			return frame.Misuse(fmt.Sprintf("'%s' is not allowed here: it writes a file or runs a program", gitWrites[k]))
		}
	}
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	replica := filepath.Join(repo.Home(), "replica.git")
	if _, err := os.Stat(replica); err != nil {
		return frame.No("no-replica", "there is no tracker here yet", "git crosslink init")
	}
	status, err := e.GitThrough(ctx, append([]string{"--git-dir=" + replica, "--no-replace-objects"}, words...)...)
	if err != nil || status == 0 {
		return err
	}
	return &frame.Silent{Code: status}
}
