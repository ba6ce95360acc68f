package git_test

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/refs/native"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

// TestMain keeps the tests away from the configuration of the user who runs them,
// and turns the test binary into a second process where a test asks for one.
func TestMain(m *testing.M) {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "GIT_") || name == "CI" || name == git.InnerVariable {
			os.Unsetenv(name)
		}
	}
	for k, v := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1",
		"GIT_AUTHOR_NAME": "Test", "GIT_AUTHOR_EMAIL": "test@example.org",
		"GIT_COMMITTER_NAME": "Test", "GIT_COMMITTER_EMAIL": "test@example.org",
	} {
		os.Setenv(k, v)
	}
	if run := os.Getenv("REFS_TEST_CHILD"); run != "" {
		os.Exit(child(run, os.Args[1:]))
	}
	os.Exit(m.Run())
}

func bare(t testing.TB, f refs.Format) string {
	t.Helper()
	dir := t.TempDir() + "/repo.git"
	refstest.Git(t, "init", "-q", "--bare", "--object-format="+f.String(), dir)
	return dir
}

func plumbing(dir string, f refs.Format) *git.Plumbing {
	return git.NewPlumbing(dir, dir, f, os.Environ())
}

// implementations are the ones that work on a repository of SHA-1 format.
var implementations = map[string]func(dir string) refs.Local{
	"plumbing": func(dir string) refs.Local { return plumbing(dir, refs.SHA1) },
	"native":   openNative,
}

func openNative(dir string) refs.Local { return native.New(dir, plumbing(dir, refs.SHA1)) }

func TestPlumbingLocal(t *testing.T) {
	onDisk(t, func(dir string, f refs.Format) refs.Local { return plumbing(dir, f) })
}

func TestNativeLocal(t *testing.T) {
	onDisk(t, func(dir string, _ refs.Format) refs.Local { return openNative(dir) }, refs.SHA1)
}

// TestNativeBesidePlumbing: two handles on one repository are of two kinds.
func TestNativeBesidePlumbing(t *testing.T) {
	n := 0
	onDisk(t, func(dir string, f refs.Format) refs.Local {
		if n++; n%2 == 0 {
			return plumbing(dir, f)
		}
		return openNative(dir)
	}, refs.SHA1)
}

func onDisk(t *testing.T, newLocal func(dir string, f refs.Format) refs.Local, formats ...refs.Format) {
	var mu sync.Mutex
	dirs := make(map[refs.Local]string)
	open := func(dir string, f refs.Format) refs.Local {
		mu.Lock()
		defer mu.Unlock()
		l := newLocal(dir, f)
		dirs[l] = dir
		return l
	}
	gitDir := func(l refs.Local) string {
		mu.Lock()
		defer mu.Unlock()
		return dirs[l]
	}
	refstest.Local(t, refstest.LocalMaker{
		New:     func(t testing.TB, f refs.Format) refs.Local { return open(bare(t, f), f) },
		Again:   func(_ testing.TB, l refs.Local) refs.Local { return open(gitDir(l), l.Format()) },
		GitDir:  gitDir,
		Formats: formats,
	})
}
