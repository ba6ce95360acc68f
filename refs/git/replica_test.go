package git_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

// clone makes a hub and a clone of it that has one commit.
func clone(t testing.TB) (top string) {
	top = t.TempDir()
	refstest.Git(t, "init", "-q", "--bare", top+"/hub.git")
	refstest.Git(t, "init", "-q", top+"/w")
	refstest.Git(t, "-C", top+"/w", "commit", "-q", "--allow-empty", "-m", "first")
	refstest.Git(t, "-C", top+"/w", "remote", "add", "origin", "../hub.git")
	return top
}

// roundTrip writes, pushes and fetches through the replica of the repository
// at dir, and reports what went wrong.
func roundTrip(t testing.TB, dir string, environ []string) error {
	o, err := git.Discover(ctx, dir, environ)
	if err != nil {
		return err
	}
	r, err := openReplica(ctx, o, true)
	if err != nil {
		return err
	}
	defer r.Close()
	cfg, err := o.Config(ctx)
	if err != nil {
		return err
	}
	l, hub := r.Local(), r.Remote(refs.Address{Name: "origin", Config: cfg})
	if err := refstest.AppendOne(l, agent, "line"); err != nil {
		return err
	}
	name := refs.HubPrefix + "agents/" + agent
	rs, err := l.Refs(ctx, name)
	if err != nil {
		return err
	}
	none := refs.OID("")
	res, err := hub.Push(ctx, refs.Push{Refs: []refs.PushRef{{Src: rs[0].OID, Dst: name, Lease: &none}}, Atomic: true})
	if err != nil {
		return err
	}
	if !res.Refs[name].Accepted() {
		return fmt.Errorf("push: %+v", res)
	}
	if err := hub.Fetch(ctx); err != nil {
		return err
	}
	all, err := l.Refs(ctx, "")
	if err != nil {
		return err
	}
	want := []refs.Ref{{Name: name, OID: rs[0].OID}, {Name: refs.IncomingPrefix + "agents/" + agent, OID: rs[0].OID}}
	if fmt.Sprint(all) != fmt.Sprint(want) {
		return fmt.Errorf("refs in the replica: %v", all)
	}
	if left, _ := filepath.Glob(r.Path() + "/objects/pack/*.promisor"); len(left) > 0 {
		return fmt.Errorf("a promisor pack")
	}
	if _, err := os.Stat(r.Path() + "/logs"); err == nil {
		return errors.New("a reflog")
	}
	if _, err := os.Stat(r.Path() + "/FETCH_HEAD"); err == nil {
		return errors.New("a FETCH_HEAD")
	}
	refstest.Git(t, "--git-dir="+r.Path(), "fsck", "--strict", "--no-dangling")
	return nil
}

// hostile are settings of the user's repository, of ~/.gitconfig or of `git
// -c` that would break an ordinary repository's push or fetch.
var hostile = []struct {
	name     string
	settings []string // key=value
}{
	{"mirror", []string{"remote.origin.mirror=true", "remote.origin.fetch=+refs/*:refs/*"}},
	{"promisor", []string{"remote.origin.promisor=true", "remote.origin.partialclonefilter=blob:none", "extensions.partialClone=origin"}},
	{"prune", []string{"fetch.prune=true", "fetch.pruneTags=true", "remote.origin.prune=true", "remote.origin.pruneTags=true"}},
	{"push options", []string{"push.pushOption=ci.skip"}},
	{"signed pushes", []string{"push.gpgSign=true", "commit.gpgSign=true", "gpg.program=false"}},
	{"core", []string{"core.bare=false", "core.logAllRefUpdates=always", "core.fsmonitor=/bin/false", "core.alternateRefsCommand=/bin/false"}},
	{"fsck", []string{"transfer.fsckObjects=true", "fetch.fsckObjects=true"}},
	{"hidden refs", []string{"transfer.hideRefs=refs/heads/crosslink"}},
	{"submodules and tags", []string{"push.followTags=true", "push.recurseSubmodules=only", "fetch.recurseSubmodules=true", "submodule.recurse=true"}},
	{"defaults", []string{"push.default=nothing", "remote.pushDefault=elsewhere", "push.autoSetupRemote=true", "branch.master.pushRemote=elsewhere"}},
	{"protocol", []string{"protocol.version=0"}},
	{"color and pager", []string{"color.ui=always", "core.pager=/bin/false", "pager.push=true", "core.quotePath=true"}},
	{"formats", []string{"init.defaultObjectFormat=sha256", "init.defaultRefFormat=reftable", "init.defaultBranch=crosslink/x"}},
	{"lists of URLs", []string{"remote.origin.pushurl=../hub.git", "remote.origin.pushurl=../nowhere.git"}},
	{"force if includes", []string{"push.useForceIfIncludes=true"}},
}

// TestHostileSettings: nothing of the user's configuration acts in the
// replica but what says how to connect.
func TestHostileSettings(t *testing.T) {
	mark := "ran"
	hooks := func(top string) string {
		dir := top + "/hooks"
		os.Mkdir(dir, 0o777)
		for _, h := range []string{"pre-push", "reference-transaction", "post-checkout", "pre-auto-gc"} {
			os.WriteFile(dir+"/"+h, []byte("#!/bin/sh\ncase \"$GIT_DIR $PWD\" in *replica.git*) touch '"+top+"/"+mark+"'; exit 1;; esac\n"), 0o777)
		}
		return dir
	}
	var all []string
	for _, c := range hostile {
		if c.name != "hidden refs" { // said for all, it means the hub's own git
			all = append(all, c.settings...)
		}
	}
	for _, where := range []string{"local", "global", "command"} {
		cases := hostile
		if where != "local" {
			cases = append(cases[:0:0], cases[0])
			cases[0].name, cases[0].settings = "all together", all
		}
		for _, c := range cases {
			t.Run(where+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				top := clone(t)
				settings := append([]string{"core.hooksPath=" + hooks(top)}, c.settings...)
				env := os.Environ()
				switch where {
				case "local", "global":
					file := top + "/w/.git/config"
					if where == "global" {
						file = top + "/gitconfig"
						env = append(env, "GIT_CONFIG_GLOBAL="+file)
					}
					for _, s := range settings {
						k, v, _ := strings.Cut(s, "=")
						if where == "global" && strings.HasPrefix(k, "remote.origin.pushurl") {
							continue // cannot be first
						}
						refstest.Git(t, "config", "--file", file, "--add", k, v)
					}
				case "command":
					var p []string
					for _, s := range settings {
						k, v, _ := strings.Cut(s, "=")
						p = append(p, fmt.Sprintf("'%s'='%s'", k, v))
					}
					env = append(env, "GIT_CONFIG_PARAMETERS="+strings.Join(p, " "))
				}
				if err := roundTrip(t, top+"/w", env); err != nil {
					t.Fatal(err)
				}
				if _, err := os.Stat(top + "/" + mark); err == nil {
					t.Error("a hook of the user's ran")
				}
			})
		}
	}
}

// TestLeakedEnvironment: variables of a hook or a wrapper do not reach the
// replica.
func TestLeakedEnvironment(t *testing.T) {
	top := clone(t)
	env := append(os.Environ(),
		"GIT_DIR="+top+"/w/.git", "GIT_WORK_TREE="+top+"/w", "GIT_INDEX_FILE="+top+"/w/.git/index", "GIT_PREFIX=sub/",
		"GIT_OBJECT_DIRECTORY="+top+"/w/.git/objects", "GIT_NAMESPACE=ns", "GIT_DEFAULT_HASH=sha256",
		"GIT_REFLOG_ACTION=x", "GIT_SHALLOW_FILE=/dev/null", "LC_ALL=de_DE.UTF-8", "LANGUAGE=de", "GIT_CONFIG=/dev/null")
	if err := roundTrip(t, top, env); err != nil {
		t.Fatal(err)
	}
}

func TestBrokenOuterConfig(t *testing.T) {
	top := clone(t)
	if err := roundTrip(t, top+"/w", nil); err != nil {
		t.Fatal(err)
	}
	o, err := git.Discover(ctx, top+"/w", nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := o.Config(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// The include breaks after the configuration was read: the replica, which
	// includes nothing, continues.
	refstest.Git(t, "-C", top+"/w", "config", "include.path", top+"/broken")
	if err := os.WriteFile(top+"/broken", []byte("[x\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	r, err := openReplica(ctx, o, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Remote(refs.Address{Name: "origin", Config: cfg}).Fetch(ctx); err != nil {
		t.Error(err)
	}
	// Discovery also gives the same answer as git.
	if _, err := git.Discover(ctx, top+"/w", nil); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Error(err)
	}
}

// TestConnectionSettings: what says how to connect does get through.
func TestConnectionSettings(t *testing.T) {
	top := clone(t)
	refstest.Git(t, "-C", top+"/w", "config", "url."+top+"/.insteadOf", "short:")
	refstest.Git(t, "-C", top+"/w", "config", "remote.origin.url", "short:hub.git")
	if err := roundTrip(t, top+"/w", nil); err != nil {
		t.Fatal("insteadOf:", err)
	}

	top = clone(t)
	script := "#!/bin/sh\necho \"$@\" >> '" + top + "/ssh.log'\nshift $(($# - 1))\nexec sh -c \"$1\"\n"
	if err := os.WriteFile(top+"/ssh", []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	refstest.Git(t, "-C", top+"/w", "config", "core.sshCommand", top+"/ssh")
	refstest.Git(t, "-C", top+"/w", "config", "ssh.variant", "simple")
	refstest.Git(t, "-C", top+"/w", "config", "remote.origin.url", "host:"+top+"/hub.git")
	if err := roundTrip(t, top+"/w", nil); err != nil {
		t.Fatal("core.sshCommand:", err)
	}
	b, _ := os.ReadFile(top + "/ssh.log")
	if n := strings.Count(string(b), "\n"); n != 2 {
		t.Errorf("%d connections for a push and a fetch:\n%s", n, b)
	}
}

func TestRemoteWithoutURL(t *testing.T) {
	top := clone(t)
	o, _ := git.Discover(ctx, top+"/w", nil)
	r, err := openReplica(ctx, o, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Remote(refs.Address{Name: "none"}).Fetch(ctx); !errors.Is(err, refs.ErrNoRemote) {
		t.Error(err)
	}
	if _, err := r.Remote(refs.Address{Name: "none"}).Push(ctx, refs.Push{Refs: []refs.PushRef{{Dst: "refs/x"}}}); !errors.Is(err, refs.ErrNoRemote) {
		t.Error(err)
	}
	if err := r.Remote(refs.Address{URL: "../hub.git"}).Fetch(ctx); err != nil {
		t.Error(err)
	}
	if err := r.Remote(refs.Address{URL: "-x"}).Fetch(ctx); err == nil {
		t.Error("a URL like an option is accepted")
	}
	if err := r.Remote(refs.Address{URL: "ext::sh -c 'touch " + top + "/ran'"}).Fetch(ctx); err == nil {
		t.Error("a URL that is a command is accepted")
	}
	if _, err := os.Stat(top + "/ran"); err == nil {
		t.Error("and it ran")
	}
}

// TestHubIsOuter: the repository itself can be the hub.
func TestHubIsOuter(t *testing.T) {
	top := clone(t)
	o, _ := git.Discover(ctx, top+"/w", nil)
	r, err := openReplica(ctx, o, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	hub := r.Remote(refs.Address{URL: o.CommonDir})
	id := refstest.CommitOf(t, r.Local(), "x")
	res, err := hub.Push(ctx, refs.Push{Refs: []refs.PushRef{{Src: id, Dst: refs.HubPrefix + "meta"}}, Atomic: true})
	if err != nil || !res.Refs[refs.HubPrefix+"meta"].Accepted() {
		t.Fatal(res, err)
	}
	if err := hub.Fetch(ctx); err != nil {
		t.Fatal(err)
	}
	if got := refstest.Git(t, "-C", top+"/w", "rev-parse", refs.HubPrefix+"meta"); got != string(id) {
		t.Error(got)
	}
}

// TestCancelEndsTheWholeGroup: no ssh is left behind.
func TestCancelEndsTheWholeGroup(t *testing.T) {
	top := clone(t)
	pid := top + "/pid"
	script := "#!/bin/sh\ntrap '' TERM\nsleep 60 &\necho $! > '" + pid + ".tmp'\nmv '" + pid + ".tmp' '" + pid + "'\nwait\nwait\n"
	if err := os.WriteFile(top+"/ssh", []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	o, _ := git.Discover(ctx, top+"/w", append(os.Environ(), "GIT_SSH_COMMAND="+top+"/ssh", "GIT_SSH_VARIANT=simple"))
	r, err := openReplica(ctx, o, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c, cancel := context.WithCancel(ctx)
	go func() {
		for range 200 {
			if _, err := os.Stat(pid); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	begin := time.Now()
	err = r.Remote(refs.Address{URL: "host:x"}).Fetch(c)
	var re *refs.RemoteError
	if !errors.As(err, &re) || !re.NoConnection || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	b, err := os.ReadFile(pid)
	if err != nil {
		t.Fatal(err)
	}
	// A zombie that nobody waits for is as good as gone.
	state := func() string {
		out, _ := exec.Command("ps", "-o", "stat=", "-p", strings.TrimSpace(string(b))).Output()
		return strings.TrimSpace(string(out))
	}
	for range 100 {
		if s := state(); s == "" || s[0] == 'Z' {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a grandchild is still running:", state())
}

// TestReadOnly: an existing replica can be read where nothing can be written.
func TestReadOnly(t *testing.T) {
	top := clone(t)
	if err := roundTrip(t, top+"/w", nil); err != nil {
		t.Fatal(err)
	}
	replica := top + "/w/.git/crosslink/replica.git"
	before := listing(t, replica)
	refstest.Git(t, "-C", top+"/w", "config", "core.sharedRepository", "false")
	chmod := func(mode string) {
		if out, err := exec.Command("chmod", "-R", mode, top+"/w/.git").CombinedOutput(); err != nil {
			t.Fatal(string(out))
		}
	}
	chmod("a-w") // root is not stopped by it, hence the listing
	defer chmod("u+w")
	o, err := git.Discover(ctx, top+"/w", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := openReplica(ctx, o, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := logLines(t, r.Local(), agent); len(got) != 1 {
		t.Error(got)
	}
	if _, err := o.Config(ctx); err != nil {
		t.Error(err)
	}
	if after := listing(t, replica); after != before {
		t.Errorf("reading wrote:\n%s\n%s", before, after)
	}
}

func listing(t *testing.T, dir string) string {
	var b strings.Builder
	filepath.Walk(dir, func(p string, st os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&b, p, st.Size(), st.ModTime())
		}
		return err
	})
	return b.String()
}

func TestDamagedReplica(t *testing.T) {
	top := clone(t)
	if err := os.MkdirAll(top+"/w/.git/crosslink/replica.git/objects", 0o777); err != nil {
		t.Fatal(err)
	}
	o, _ := git.Discover(ctx, top+"/w", nil)
	if _, err := openReplica(ctx, o, true); err == nil || errors.Is(err, refs.ErrNoReplica) {
		t.Error(err)
	}
}

func TestSharedRepository(t *testing.T) {
	top := clone(t)
	refstest.Git(t, "-C", top+"/w", "config", "core.sharedRepository", "group")
	if err := os.Chmod(top+"/w/.git", 0o2775|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	if err := roundTrip(t, top+"/w", nil); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"crosslink", "crosslink/replica.lock", "crosslink/replica.git", "crosslink/replica.git/swap.lock", "crosslink/replica.git/refs/heads/crosslink/agents"} {
		st, err := os.Stat(filepath.Join(top, "w/.git", p))
		if err != nil || st.Mode().Perm()&0o020 == 0 {
			t.Errorf("'%s' is not the group's: %v %v", p, st.Mode(), err)
		}
	}
}

func TestLock(t *testing.T) {
	top := clone(t)
	o, _ := git.Discover(ctx, top+"/w", nil)
	r, err := openReplica(ctx, o, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	unlock, ok, err := r.Lock(ctx, "sync", 0)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, ok, err := r.Lock(ctx, "sync", 30*time.Millisecond); ok || err != nil {
		t.Fatal("taken twice", err)
	}
	if u, ok, err := r.Lock(ctx, "store", 0); !ok || err != nil {
		t.Error("another name is another lock", err)
	} else {
		u()
	}
	// A git that is started meanwhile does not keep it.
	if _, err := r.Local().Refs(ctx, ""); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, unlock)
	unlock, ok, err = r.Lock(ctx, "sync", 5*time.Second)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	unlock()
	for _, bad := range []string{"", "../x", "HEAD", "swap", "packed-refs", "a/b"} {
		if _, _, err := r.Lock(ctx, bad, 0); err == nil {
			t.Errorf("'%s' is accepted", bad)
		}
	}
}
