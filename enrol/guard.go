package enrol

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// guard makes the path by which the repository's configuration includes the
// file of a remote. It leads through the directory of the remote's reflogs, and
// on to a file of one line in the git directory:
//
//	logs/refs/remotes/origin/../../../../crosslink/enrolled/origin.gitconfig
//
// `git remote rename` and `git remote remove` take that directory away, so the
// include is gone with the name. Where git keeps no such directory (a bare
// repository, reftable) it is the file itself.
func (r *Repository) guard(ctx context.Context, remote string) (string, error) {
	dir, err := r.Git(ctx, "rev-parse", "--path-format=absolute", "--git-common-dir")
	if err != nil {
		return "", err
	}
	logs := filepath.Join("logs", "refs", "remotes", remote)
	if !filepath.IsLocal(remote) || !r.keepsLogs(ctx, dir) {
		return r.path(remote), nil
	}
	// It is not there yet while git clones.
	if err := os.MkdirAll(filepath.Join(dir, logs), 0o777); err != nil {
		return r.path(remote), nil
	}
	file := link(dir, remote)
	text := "# Made by git crosslink init --helper.\n[include]\n\tpath = " + quoted(r.path(remote)) + "\n"
	if b, err := os.ReadFile(file); err != nil || string(b) != text {
		if err := replace(file, text); err != nil {
			return "", err
		}
	}
	up := strings.Repeat("../", strings.Count(logs, "/")+1)
	return logs + "/" + up + "crosslink/enrolled/" + filepath.Base(file), nil
}

// link is the file in the git directory that includes the one outside.
func link(dir, remote string) string {
	return filepath.Join(dir, "crosslink", "enrolled", escape(remote)+".gitconfig")
}

// behind is the path that the file in the git directory includes.
func (r *Repository) behind(ctx context.Context, remote string) (string, error) {
	dir, err := r.Git(ctx, "rev-parse", "--path-format=absolute", "--git-common-dir")
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(link(dir, remote)); err != nil {
		return r.path(remote), nil
	}
	all, err := r.values(ctx, "--file", link(dir, remote), "include.path")
	if err != nil || len(all) == 0 {
		return r.path(remote), err
	}
	return all[0], nil
}

// keepsLogs reports whether git keeps reflogs of remote-tracking branches there,
// in files.
func (r *Repository) keepsLogs(ctx context.Context, dir string) bool {
	for key, not := range map[string]string{"core.bare": "true", "core.logAllRefUpdates": "false", "extensions.refStorage": "reftable"} {
		got, err := r.Git(ctx, "config", "--get", key)
		if err == nil && got == not {
			return false
		}
	}
	return true
}
