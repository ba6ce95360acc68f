package arrows

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func root(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// files are the files of the project: those git tracks or would track.
func files(t *testing.T) (dir string, names []string) {
	t.Helper()
	dir = root(t)
	out, err := exec.Command("git", "-C", dir, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err == nil {
		return dir, strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	}
	err = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir, names
}

// machine are paths that say where somebody worked. They are put together
// here so that this file does not hold them.
var machine = []string{"/wo" + "rk/", "/ro" + "ot/", "/tmp/ba" + "sh_jobs", "/ho" + "me/runner"}

func TestNoPathOfAMachine(t *testing.T) {
	dir, names := files(t)
	if len(names) < 10 {
		t.Fatalf("%d files", len(names))
	}
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if os.IsNotExist(err) {
			continue // deleted and not yet committed
		}
		if err != nil {
			t.Error(err)
			continue
		}
		for _, m := range machine {
			if i := bytes.Index(b, []byte(m)); i >= 0 {
				t.Errorf("%s:%d holds '%s'", name, 1+bytes.Count(b[:i], []byte("\n")), m)
			}
		}
	}
}
