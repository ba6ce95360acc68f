package agents

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

// FuzzIdentity: a file that is not an identity is refused as a whole.
func FuzzIdentity(f *testing.F) {
	f.Add([]byte(`{"agent":"alice-box-ab2c","host":"box","path":"/x","device":1,"inode":2}`))
	f.Add([]byte(`{"agent":"--exec","inode":-1}`))
	f.Add([]byte(`[]`))
	path := filepath.Join(f.TempDir(), "identity")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		id, err := readIdentity(path)
		if (id == nil) != (err != nil) {
			t.Fatal("neither or both")
		}
		if id != nil && event.ValidAgentID(id.Agent) != nil {
			t.Fatalf("%q writes here", id.Agent)
		}
		if id != nil && id.Path != filepath.Dir(path) && id.Inode == 0 && !id.copied(path) {
			if host, _ := os.Hostname(); id.Host != host {
				t.Fatal("a copy is not noticed")
			}
		}
	})
}

// place is the identity of a worktree, with an environment and settings.
func place(t *testing.T, environ ...string) Identity {
	t.Helper()
	return Identity{File: filepath.Join(t.TempDir(), "crosslink", "identity"), Environ: append(environ, "USER=alice")}
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*fail.Error](err); ok {
		return string(e.Code)
	}
	return ""
}

func TestWhoNamesTheAgent(t *testing.T) {
	global := refs.Config{{Scope: "global", Key: Setting, Value: "of-config"}}
	for _, c := range []struct {
		environ                     []string
		config                      refs.Config
		agent, source, scope, fails string
		job                         bool
	}{
		{},
		{config: global, agent: "of-config", source: FromConfig, scope: "global"},
		{environ: []string{Variable + "=of-env"}, config: global, agent: "of-env", source: FromEnvironment, scope: FromEnvironment},
		{environ: []string{Variable + "=a/b"}, source: FromEnvironment, scope: FromEnvironment, fails: "agent-id"},
		{environ: []string{"CI=1"}, fails: "ci-agent"},
		{environ: []string{"CI=1"}, config: global, agent: "of-config", source: FromConfig, scope: "global", job: true},
	} {
		i := place(t, c.environ...)
		i.Config = c.config
		agent, err := i.MayWrite()
		_, source, _ := i.Named()
		if agent != c.agent || codeOf(err) != c.fails || source != c.source || i.Scope() != c.scope || i.InJob() != c.job {
			t.Errorf("%v %v: '%s' from '%s' (%s), job %t: %v", c.environ, c.config, agent, source, i.Scope(), i.InJob(), err)
		}
		if _, err := os.Stat(i.File); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: asking wrote a file: %v", c.environ, err)
		}
	}
}

// Two processes that create an id at once get the same one. It stays until it is given up, and
// only its holder can do that.
func TestSettle(t *testing.T) {
	i := place(t)
	ids := make([]string, 8)
	var all sync.WaitGroup
	for n := range ids {
		all.Go(func() {
			s, err := i.Settle()
			if err != nil {
				t.Error(err)
			}
			ids[n] = s.Agent
		})
	}
	all.Wait()
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) != 1 || event.ValidAgentID(ids[0]) != nil {
		t.Fatalf("they write as %v", ids)
	}
	if s, err := i.Settle(); err != nil || s != (Settled{Agent: ids[0]}) {
		t.Errorf("%+v: %v", s, err)
	}
	if was, err := i.GiveUp("another"); was || err != nil {
		t.Errorf("another gave it up: %v", err)
	}
	if err := i.Become("bob"); err != nil {
		t.Fatal(err)
	}
	named := i
	named.Environ = []string{Variable + "=bob"}
	if was, err := named.Outlived("bob"); was || err != nil {
		t.Errorf("an id that the environment names was given up: %v", err)
	}
	if was, err := i.Outlived("bob"); !was || err != nil {
		t.Errorf("%t: %v", was, err)
	}
	if agent, err := i.Agent(); agent != "" || err != nil {
		t.Errorf("'%s': %v", agent, err)
	}
}

// A copied file is noticed, a file in a repository that was moved or restored in
// place is not taken for one.
func TestCopiedIdentity(t *testing.T) {
	copyTo := func(t *testing.T, from, to string) {
		t.Helper()
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o700)
		}
		if err == nil {
			err = os.WriteFile(to, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		does   func(t *testing.T, from, to string)
		inTo   bool // the repository is there afterward
		copied bool
	}{
		"copied": {copyTo, true, true},
		"linked": {func(t *testing.T, from, to string) {
			if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.Link(from, to)); err != nil {
				t.Fatal(err)
			}
		}, true, true},
		"linked, seen from the original": {func(t *testing.T, from, to string) {
			if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.Link(from, to)); err != nil {
				t.Fatal(err)
			}
		}, false, false},
		"moved": {func(t *testing.T, from, to string) {
			if err := os.Rename(filepath.Dir(from), filepath.Dir(to)); err != nil {
				t.Fatal(err)
			}
		}, true, false},
		"restored": {func(t *testing.T, from, to string) {
			copyTo(t, from, to)
			if err := os.Remove(from); err != nil {
				t.Fatal(err)
			}
			copyTo(t, to, from)
		}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			i := place(t)
			s, err := i.Settle()
			if err != nil || !s.Made || s.Was != "" {
				t.Fatalf("%+v: %v", s, err)
			}
			there := filepath.Join(filepath.Dir(filepath.Dir(i.File)), "there", "identity")
			if c.does(t, i.File, there); c.inTo {
				i.File = there
			}
			if i.Copied() != c.copied {
				t.Fatalf("copied: %t", i.Copied())
			}
			again, err := i.Settle()
			if err != nil || (again.Agent != s.Agent) != c.copied || (again.Was == s.Agent) != c.copied {
				t.Errorf("%+v: %v", again, err)
			}
		})
	}
}

func TestCloneID(t *testing.T) {
	file := filepath.Join(t.TempDir(), "crosslink", "clone")
	a, err := CloneID(file)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := CloneID(file); err != nil || a != b {
		t.Errorf("'%s', then '%s': %v", a, b, err)
	}
	if err := os.WriteFile(file, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := CloneID(file); err != nil || a == b {
		t.Errorf("what is no id was believed: '%s': %v", b, err)
	}
}
