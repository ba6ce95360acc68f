package checkup

import (
	"context"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs/git"
)

// oldestGit is the first version that makes refs durable (core.fsync).
const oldestGit = 36 // of git 2

// checkGit checks the installed git.
func (k *Checkup) checkGit(ctx context.Context, _ *reading.Snapshot) ([]fail.Diagnosis, error) {
	if k.Replica == nil {
		return nil, nil
	}
	says, err := git.Version(ctx, k.Environ)
	if err != nil {
		return nil, err
	}
	if old := TooOld(says); old != "" {
		d := fail.Diagnosis{Code: "old-git", Severity: fail.Warning, Text: fmt.Sprintf("git %s can lose refs in a power failure; git 2.%d does not", old, oldestGit)}
		return []fail.Diagnosis{d}, nil
	}
	return nil, nil
}

// TooOld returns the version in the output of 'git version' if it is too old.
func TooOld(says string) string {
	words := strings.Fields(says)
	if len(words) < 3 {
		return ""
	}
	var major, minor int
	if n, _ := fmt.Sscanf(words[2], "%d.%d", &major, &minor); n == 2 && (major < 2 || major == 2 && minor < oldestGit) {
		return words[2]
	}
	return ""
}
