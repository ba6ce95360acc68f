package transfer

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/system"
)

func content(w io.Writer) (int, error) {
	_, err := io.WriteString(w, "new")
	return 1, err
}

// A file of tasks has one name, from wherever it is named.
func TestBelow(t *testing.T) {
	top := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(top, "repo", "sub"), 0o755), os.WriteFile(filepath.Join(top, "repo", "sub", "TODO.md"), nil, 0o644), os.WriteFile(filepath.Join(top, "out.md"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	repo := filepath.Join(top, "repo")
	for dir, paths := range map[string][]string{
		"repo": {"sub/TODO.md", "./sub/../sub/TODO.md", filepath.Join(repo, "sub/TODO.md")}, "repo/sub": {"TODO.md", "../sub/TODO.md"},
	} {
		t.Chdir(filepath.Join(top, dir))
		for _, p := range paths {
			if got := below(repo, p); got != "sub/TODO.md" {
				t.Errorf("%s in %s is %s", p, dir, got)
			}
		}
	}
	for path, want := range map[string]string{"../../out.md": "out.md", "-": "-", "/none/x.md": "x.md"} {
		if got := below(repo, path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if got := below("", "TODO.md"); got != "TODO.md" {
		t.Errorf("without a worktree: %s", got)
	}
}

// An export replaces only files: a link stays a link, and a pipe stays a pipe. A user who
// could not read the old file cannot read the new one either.
func TestExportReplacesFilesOnly(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.WriteFile(at("secret"), []byte("old"), 0o600), os.Symlink("secret", at("link")), os.Symlink("nowhere", at("dangling")),
		os.Mkdir(at("dir"), 0o755), system.MakeFifo(at("pipe"))); err != nil {
		t.Fatal(err)
	}
	if _, err := writeFile(at("link"), content); err != nil {
		t.Fatal(err)
	}
	link, _ := os.Lstat(at("link"))
	file, _ := os.Stat(at("secret"))
	if b, _ := os.ReadFile(at("secret")); string(b) != "new" || link.Mode().Type() != os.ModeSymlink || file.Mode().Perm() != 0o600 {
		t.Errorf("the file holds %q with mode %v, and the link is %v", b, file.Mode(), link.Mode())
	}

	read := make(chan string)
	go func() {
		b, _ := os.ReadFile(at("pipe"))
		read <- string(b)
	}()
	if _, err := writeFile(at("pipe"), content); err != nil {
		t.Fatal(err)
	}
	if st, _ := os.Lstat(at("pipe")); st.Mode().Type() != os.ModeNamedPipe || <-read != "new" {
		t.Errorf("the pipe is %v", st.Mode())
	}

	for name, want := range map[string]string{"dir": "it is a directory", "dangling": "it is a link to 'nowhere'", "none/x": "no such file"} {
		if _, err := writeFile(at(name), content); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if _, err := writeFile(at("secret"), func(io.Writer) (int, error) { return 0, errors.New("broken") }); err == nil {
		t.Error("an export that broke off is told as written")
	}
	if b, _ := os.ReadFile(at("secret")); string(b) != "new" {
		t.Errorf("an export that broke off left %q", b)
	}
	if left, _ := filepath.Glob(at(".crosslink-export-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
