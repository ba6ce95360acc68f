package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// NewerGit is the directory of a second, newer git: CROSSLINK_NEWER_GIT, or the one that
// newer-git.sh has installed. "" if there is none.
func NewerGit() string {
	program := os.Getenv("CROSSLINK_NEWER_GIT")
	if program == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		program = filepath.Join(cache, "git-crosslink", "newer-git", "bin", "git")
	}
	if _, err := os.Stat(program); err != nil {
		return ""
	}
	return filepath.Dir(program)
}

func condition(cond string) (bool, error) {
	switch cond {
	case "newer-git":
		return NewerGit() != "", nil
	case "tmpfs": // in a mount namespace of its own
		return exec.Command("unshare", "-m", "mount", "-t", "tmpfs", "none", os.TempDir()).Run() == nil, nil
	case "hook-files": // git 2.54 and newer read hooks from the configuration
		cmd := exec.Command("git", "hook", "list", "pre-push")
		return cmd.Run() != nil && cmd.ProcessState.ExitCode() != 1, nil
	case "root":
		return os.Geteuid() == 0, nil
	}
	return false, fmt.Errorf("unknown condition '%s'", cond)
}

func cmdNewerGit(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "newer-git")
	dir := NewerGit()
	if dir == "" {
		ts.Fatalf("there is no newer git: internal/testkit/newer-git.sh gets one")
	}
	ts.Setenv("PATH", dir+string(os.PathListSeparator)+ts.Getenv("PATH"))
}
