package enrol

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// guard returns the path by which the repository's configuration includes the file of a
// remote. It leads through the directory of the remote's reflogs to a file with one line in
// the git directory:
//
//	logs/refs/remotes/origin/../../../../crosslink/enrolled/origin.gitconfig
//
// `git remote rename` and `git remote remove` remove that directory, so the include
// disappears with the name. If git keeps no such directory (a bare repository, reftable),
// the path is that of the file in the git directory.
func (r *Repository) guard(ctx context.Context, remote string) (string, error) {
	dir, err := r.Git(ctx, "rev-parse", "--path-format=absolute", "--git-common-dir")
	if err != nil {
		return "", err
	}
	file, text := link(dir, remote), r.leadOn(dir, remote)
	if b, err := statefile.Read(file, 64<<10); err != nil || string(b) != text {
		for _, d := range []string{filepath.Dir(filepath.Dir(file)), filepath.Dir(file)} {
			if err := statefile.MakeHome(d); err != nil {
				return "", err
			}
		}
		if err := statefile.Write(file, []byte(text)); err != nil {
			return "", err
		}
	}
	inside := "crosslink/enrolled/" + filepath.Base(file)
	logs := filepath.Join("logs", "refs", "remotes", remote)
	if !filepath.IsLocal(remote) || !r.keepsLogs(ctx, dir) {
		return inside, nil
	}
	// The directory does not exist yet while git clones.
	if err := os.MkdirAll(filepath.Join(dir, logs), 0o777); err != nil {
		return inside, nil
	}
	return logs + "/" + strings.Repeat("../", strings.Count(logs, "/")+1) + inside, nil
}

// leadOn writes the file in the git directory. git stops if it cannot expand `~` (a job
// without HOME), or if it may not look for the file (another user's home). So `~` has a
// condition that is false without HOME, if the repository is below it; otherwise the path
// is absolute if everybody can reach the file.
func (r *Repository) leadOn(dir, remote string) string {
	section, path := "include", r.path(remote)
	if strings.HasPrefix(path, "~/") {
		switch {
		case below(dir, r.Home):
			section = `includeIf "gitdir:~/"`
		case reachable(r.file(remote)):
			path = r.file(remote)
		}
	}
	return "# Made by git crosslink init --helper.\n[" + section + "]\n\tpath = " + quoted(path) + "\n"
}

// below reports whether a directory is below another one, after following symbolic links.
func below(dir, above string) bool {
	d, err := filepath.EvalSymlinks(dir)
	a, err2 := filepath.EvalSymlinks(above)
	return err == nil && err2 == nil && strings.HasPrefix(d, strings.TrimSuffix(a, "/")+"/")
}

// reachable reports whether everybody may read a file, and would learn that it does not
// exist.
func reachable(file string) bool {
	if st, err := os.Stat(file); err != nil || st.Mode()&0o004 == 0 {
		return false
	}
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		if st, err := os.Stat(dir); err != nil || st.Mode()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// link is the file in the git directory that includes the one outside.
func link(dir, remote string) string {
	return filepath.Join(dir, "crosslink", "enrolled", escape(remote)+".gitconfig")
}

// behind returns the path that the file in the git directory includes.
func (r *Repository) behind(ctx context.Context, remote string) (string, error) {
	dir, err := r.Git(ctx, "rev-parse", "--path-format=absolute", "--git-common-dir")
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(link(dir, remote)); err != nil {
		return r.path(remote), nil
	}
	for _, key := range []string{"include.path", "includeIf.gitdir:~/.path"} {
		all, err := r.values(ctx, "--file", link(dir, remote), key)
		if err != nil || len(all) > 0 {
			return strings.Join(all[:min(1, len(all))], ""), err
		}
	}
	return r.path(remote), nil
}

// keepsLogs reports whether git keeps reflogs of remote-tracking branches as files there.
func (r *Repository) keepsLogs(ctx context.Context, dir string) bool {
	for key, not := range map[string]string{"core.bare": "true", "core.logAllRefUpdates": "false", "extensions.refStorage": "reftable"} {
		got, err := r.Git(ctx, "config", "--get", key)
		if err == nil && got == not {
			return false
		}
	}
	return true
}
