package refstest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// OuterMaker makes users' repositories for the suite.
type OuterMaker struct {
	// New makes a repository without a replica. Its only remote is 'origin', which leads to
	// an empty hub.
	New func(t testing.TB) (refs.Outer, refs.Config)
	// Hub is the URL of that hub.
	Hub func(o refs.Outer) string
}

// Replica tests the parts of a user's repository and of its replica that a tracker needs.
func Replica(t *testing.T, m OuterMaker) {
	for name, test := range map[string]func(*testing.T, OuterMaker){
		"Created": created, "Whole": whole, "Locks": locks, "LocksArePatient": locksArePatient, "Addresses": addresses,
		"SetConfig": setConfig, "NothingFetched": nothingFetched,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, m)
		})
	}
}

func openReplica(t *testing.T, o refs.Outer, create bool) refs.Replica {
	t.Helper()
	r, repaired, err := o.OpenReplica(ctx, create)
	if err != nil || len(repaired) > 0 {
		t.Fatal(repaired, err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// created: there is no replica until one is requested; all handles show the same one, and
// it outlives them.
func created(t *testing.T, m OuterMaker) {
	o, _ := m.New(t)
	if _, _, err := o.OpenReplica(ctx, false); !errors.Is(err, refs.ErrNoReplica) {
		t.Fatal(err)
	}
	if _, err := o.OpenWhole(); !errors.Is(err, refs.ErrNoReplica) {
		t.Fatal(err)
	}
	one, two := openReplica(t, o, true), openReplica(t, o, true)
	a := CommitOf(t, one.Local(), "a")
	swap(t, one.Local(), refs.Update{Ref: ref, New: a})
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := o.OpenWhole()
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	for _, r := range []refs.Replica{two, whole, openReplica(t, o, false)} {
		wantRefs(t, r.Local(), "", refs.Ref{Name: ref, OID: a})
		read(t, r.Local(), 1000, a)
		if r.Local().Format() != o.Where().Format {
			t.Error("the replica has another format than the repository")
		}
	}
	if home := filepath.Join(o.Where().CommonDir, "crosslink"); filepath.Dir(two.Path()) != home {
		t.Errorf("the replica is at '%s', not in '%s'", two.Path(), home)
	}
	if err := os.WriteFile(filepath.Join(two.Path(), "beside"), nil, 0o666); err != nil {
		t.Error(err)
	}
}

// whole: a replica that was moved away is not found.
func whole(t *testing.T, m OuterMaker) {
	o, _ := m.New(t)
	r := openReplica(t, o, true)
	if !r.Whole() {
		t.Fatal("it is not whole")
	}
	if err := os.Rename(r.Path(), r.Path()+".away"); err != nil {
		t.Fatal(err)
	}
	if r.Whole() {
		t.Error("it is whole without its directory")
	}
	if _, err := o.OpenWhole(); !errors.Is(err, refs.ErrNoReplica) {
		t.Error(err)
	}
}

// take takes a free lock, and does not wait.
func take(t *testing.T, r refs.Replica, name string) (unlock func()) {
	t.Helper()
	unlock, ok, err := r.Lock(ctx, name, 0)
	if err != nil || !ok {
		t.Fatalf("lock '%s': %v, %v", name, ok, err)
	}
	return unlock
}

func taken(t *testing.T, r refs.Replica, name string, wait time.Duration) {
	t.Helper()
	if _, ok, err := r.Lock(ctx, name, wait); err != nil || ok {
		t.Fatalf("lock '%s' of somebody else: %v, %v", name, ok, err)
	}
}

func locks(t *testing.T, m OuterMaker) {
	o, _ := m.New(t)
	one, two := openReplica(t, o, true), openReplica(t, o, true)
	unlock := take(t, one, "sync")
	taken(t, one, "sync", 0)
	taken(t, two, "sync", 0)
	take(t, two, "next")()
	unlock()
	unlock = take(t, two, "sync")
	taken(t, one, "sync", 0)
	unlock()
	other, _ := m.New(t)
	defer take(t, openReplica(t, other, true), "sync")()
	defer take(t, one, "sync")() // locks are the clone's own
	for _, name := range []string{"", "swap", "packed-refs", "a/b", "..", "A", "a.lock"} {
		if _, _, err := one.Lock(ctx, name, 0); err == nil {
			t.Errorf("the name '%s' is accepted", name)
		}
	}
}

func locksArePatient(t *testing.T, m OuterMaker) {
	o, _ := m.New(t)
	r := openReplica(t, o, true)
	unlock := take(t, r, "sync")
	start := time.Now()
	taken(t, r, "sync", 50*time.Millisecond)
	if waited := time.Since(start); waited < 50*time.Millisecond {
		t.Errorf("waited for %v", waited)
	}
	c, cancel := context.WithCancelCause(ctx)
	why := errors.New("enough")
	time.AfterFunc(20*time.Millisecond, func() { cancel(why) })
	if _, ok, err := r.Lock(c, "sync", time.Minute); ok || !errors.Is(err, why) {
		t.Errorf("%v, %v", ok, err)
	}
	time.AfterFunc(50*time.Millisecond, unlock)
	again, ok, err := r.Lock(ctx, "sync", time.Minute)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	again()
}

// addresses: a remote by its name and by its URL lead to one hub.
func addresses(t *testing.T, m OuterMaker) {
	o, cfg := m.New(t)
	r := openReplica(t, o, true)
	named, direct := r.Remote(refs.Address{Name: "origin", Config: cfg}), r.Remote(refs.Address{URL: m.Hub(o), Config: cfg})
	a := CommitOf(t, r.Local(), "a")
	want(t, push(t, named, true, to(meta, a)), "*", meta)
	want(t, push(t, direct, true, to(meta, a)), "=", meta)
	fetch(t, direct)
	wantRefs(t, r.Local(), refs.IncomingPrefix, refs.Ref{Name: incoming(meta), OID: a})
	if tips, err := named.Heads(ctx); err != nil || len(tips) != 1 || tips[meta] != a {
		t.Error(tips, err)
	}
	nobody := r.Remote(refs.Address{Name: "nobody", Config: cfg})
	if err := nobody.Fetch(ctx); !errors.Is(err, refs.ErrNoRemote) {
		t.Error(err)
	}
	if _, err := nobody.Push(ctx, refs.Push{Refs: []refs.PushRef{to(meta, a)}}); !errors.Is(err, refs.ErrNoRemote) {
		t.Error(err)
	}
	nowhere := r.Remote(refs.Address{URL: m.Hub(o) + "-none", Config: cfg})
	var re *refs.RemoteError
	if err := nowhere.Fetch(ctx); !errors.As(err, &re) || !re.NoConnection {
		t.Error(err)
	}
	if res, err := nowhere.Push(ctx, refs.Push{Refs: []refs.PushRef{to(meta, a)}}); err != nil || res.Reached {
		t.Error(res, err)
	}
	if _, err := nowhere.Heads(ctx); !errors.As(err, &re) || !re.NoConnection {
		t.Error(err)
	}
}

func setConfig(t *testing.T, m OuterMaker) {
	o, _ := m.New(t)
	type configured interface {
		Config(ctx context.Context) (refs.Config, error)
	}
	c := o.(configured)
	for _, value := range []string{"one", "two"} {
		if err := o.SetConfig(ctx, "crosslink.Agent", value); err != nil {
			t.Fatal(err)
		}
		cfg, err := c.Config(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.All("crosslink.agent"); len(got) != 1 || got[0] != value {
			t.Errorf("it is set to %q, not '%s'", got, value)
		}
	}
}

// nothingFetched: the results in a repository that has never fetched.
func nothingFetched(t *testing.T, m OuterMaker) {
	o, cfg := m.New(t)
	if when := o.LastFetch(); !when.IsZero() {
		t.Error(when)
	}
	if o.HasRef(ctx, ref) {
		t.Error("it has a ref")
	}
	if all, err := o.Copies(ctx, cfg, []string{"meta"}); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
	r := openReplica(t, o, true)
	if moved, err := r.TakeOver(ctx, "origin", cfg); err != nil || moved {
		t.Error(moved, err)
	}
	if _, err := o.File(ctx, o.Where().Format.ID(blob("none")), "hub.json", 100); err == nil {
		t.Error("it has a file")
	}
}
