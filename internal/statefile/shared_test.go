package statefile

import (
	"os"
	"path/filepath"
	"testing"
)

// A directory that another process, or another goroutine, has just made and not
// shared yet: what is written into it next would be its owner's alone.
func TestMakeDirSharesWhatWasJustMade(t *testing.T) {
	for _, c := range []struct {
		name         string
		parent, mode os.FileMode
		holds        string
		want         os.FileMode
	}{
		{"just made", 0o770, 0o700, "", 0o770},
		{"narrowed on purpose", 0o770, 0o700, "file", 0o700},
		{"in a private repository", 0o700, 0o750, "", 0o750},
		{"shared", 0o770, 0o770, "", 0o770},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := filepath.Join(t.TempDir(), "objects")
			dir := filepath.Join(parent, "ab")
			for path, mode := range map[string]os.FileMode{parent: c.parent, dir: c.mode} {
				if err := os.MkdirAll(path, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			if c.holds != "" {
				if err := os.WriteFile(filepath.Join(dir, c.holds), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := MakeDir(dir); err != nil {
				t.Fatal(err)
			}
			st, err := os.Stat(dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := st.Mode().Perm(); got != c.want {
				t.Errorf("mode %o, want %o", got, c.want)
			}
		})
	}
}
