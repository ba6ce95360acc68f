package git_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

var ctx = context.Background()

const agent = "alice-1"

// gitHub is a bare repository that is reached by git's own transport.
type gitHub struct {
	dir  string
	form refs.Format
}

func (h gitHub) Clone(t testing.TB) (refs.Local, refs.Remote) {
	dir := t.TempDir()
	refstest.Git(t, "init", "-q", "--object-format="+h.form.String(), dir)
	refstest.Git(t, "-C", dir, "remote", "add", "origin", h.dir)
	return connect(t, dir)
}

// openReplica opens the replica as what it is.
func openReplica(ctx context.Context, o *git.Outer, create bool) (*git.Replica, error) {
	r, _, err := o.OpenReplica(ctx, create)
	if err != nil {
		return nil, err
	}
	return r.(*git.Replica), nil
}

// connect opens the replica of the repository at dir and its hub, origin.
func connect(t testing.TB, dir string) (refs.Local, refs.Remote) {
	t.Helper()
	o, err := git.Discover(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := openReplica(ctx, o, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	cfg, err := o.Config(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r.Local(), r.Remote(refs.Address{Name: "origin", Config: cfg})
}

func (h gitHub) Refs(t testing.TB) map[string]refs.OID {
	m := make(map[string]refs.OID)
	for _, line := range strings.Split(refstest.Git(t, "--git-dir="+h.dir, "for-each-ref", "--format=%(objectname) %(refname)"), "\n") {
		if id, name, ok := strings.Cut(line, " "); ok {
			m[name] = refs.OID(id)
		}
	}
	return m
}

func (h gitHub) hook(t testing.TB, name, script string) {
	if err := os.WriteFile(h.dir+"/hooks/"+name, []byte("#!/bin/sh\n"+script), 0o777); err != nil {
		t.Fatal(err)
	}
}

func (h gitHub) Decline(t testing.TB, ref string) {
	h.hook(t, "update", fmt.Sprintf("test \"$1\" != '%s'\n", ref))
}

func (h gitHub) Race(t testing.TB, ref string, id refs.OID) {
	// The quarantine forbids ref updates; somebody else's push is not in it.
	h.hook(t, "pre-receive", fmt.Sprintf(`unset GIT_QUARANTINE_PATH
rm -f "$0"
exec git update-ref '%s' '%s'
`, ref, id))
}

func (h gitHub) Break(t testing.TB) {
	if err := os.Rename(h.dir, h.dir+".away"); err != nil {
		t.Fatal(err)
	}
}

func (h gitHub) ReadOnly(t testing.TB) {
	h.hook(t, "reference-transaction", "exit 1\n")
}

func (h gitHub) NoAtomic(t testing.TB) {
	refstest.Git(t, "--git-dir="+h.dir, "config", "receive.advertiseAtomic", "false")
}

func newGitHub(t testing.TB, f refs.Format) gitHub {
	return gitHub{dir: bare(t, f), form: f}
}

func TestGitHub(t *testing.T) {
	for _, f := range []refs.Format{refs.SHA1, refs.SHA256} {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			refstest.Remote(t, func(t testing.TB) refstest.Hub { return newGitHub(t, f) })
		})
	}
}

func TestReplica(t *testing.T) {
	refstest.Replica(t, refstest.OuterMaker{
		New: func(t testing.TB) (refs.Outer, refs.Config) {
			dir := t.TempDir()
			refstest.Git(t, "init", "-q", dir)
			refstest.Git(t, "-C", dir, "remote", "add", "origin", newGitHub(t, refs.SHA1).dir)
			o, cfg, err := git.Survey(ctx, dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			return o, cfg
		},
		Hub: func(o refs.Outer) string {
			return refstest.Git(t, "--git-dir="+o.Where().GitDir, "remote", "get-url", "origin")
		},
	})
}
