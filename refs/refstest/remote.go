package refstest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Hub is a hub for the suite.
type Hub interface {
	// Clone makes a repository and connects it to the hub.
	Clone(t testing.TB) (refs.Local, refs.Remote)
	// Refs returns the hub's own refs.
	Refs(t testing.TB) map[string]refs.OID
	// Decline makes a rule of the hub refuse every change of the ref.
	Decline(t testing.TB, ref string)
	// Race makes the hub's ref move to id after the next push has seen the hub's refs and
	// before the hub decides. The hub has the object.
	Race(t testing.TB, ref string, id refs.OID)
	// Break makes the hub unreachable.
	Break(t testing.TB)
	// ReadOnly makes the hub refuse every push, without a reason for each ref.
	ReadOnly(t testing.TB)
	// NoAtomic removes the hub's capability to push atomically.
	NoAtomic(t testing.TB)
}

// Remote runs the suite; make makes an empty hub.
func Remote(t *testing.T, make func(t testing.TB) Hub) {
	for name, test := range map[string]func(*testing.T, Hub){
		"PushAndFetch":     pushAndFetch,
		"FetchMirrors":     fetchMirrors,
		"FetchOnlyTracker": fetchOnlyTracker,
		"NotFastForward":   notFastForward,
		"Atomic":           atomicPush,
		"LeaseLost":        leaseLost,
		"LeaseAbsent":      leaseAbsent,
		"LeaseForces":      leaseForces,
		"Presence":         presence,
		"Shown":            shown,
		"DeleteOnHub":      deleteOnHub,
		"RaceAtomic":       raceAtomic,
		"RacePlain":        racePlain,
		"Declined":         declined,
		"Broken":           broken,
		"SilentRefusal":    silentRefusal,
		"WithoutAtomic":    withoutAtomic,
		"BadPush":          badPush,
	} {
		t.Run(name, func(t *testing.T) { test(t, make(t)) })
	}
}

const (
	alice      = refs.HubPrefix + "agents/alice-1"
	bob        = refs.HubPrefix + "agents/bob-1"
	meta       = refs.HubPrefix + "meta"
	checkpoint = refs.HubPrefix + "checkpoint"
)

func push(t *testing.T, r refs.Remote, atomic bool, what ...refs.PushRef) *refs.PushResult {
	t.Helper()
	res, err := r.Push(ctx, refs.Push{Refs: what, Atomic: atomic})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func to(dst string, src refs.OID) refs.PushRef { return refs.PushRef{Src: src, Dst: dst} }

func lease(dst string, src, expect refs.OID) refs.PushRef {
	return refs.PushRef{Src: src, Dst: dst, Lease: &expect}
}

// want checks the flags of a push in the given order, e.g. "* alice-1"; 'r' is a refusal on
// this side, 'R' one of the hub.
func want(t *testing.T, res *refs.PushResult, flags string, dsts ...string) {
	t.Helper()
	if !res.Reached {
		t.Fatalf("not reached: exit %d, %s", res.Exit, res.Stderr)
	}
	got := ""
	for _, d := range dsts {
		st, ok := res.Refs[d]
		switch {
		case !ok:
			got += "?"
		case st.RemoteRejected():
			got += "R"
		case st.Rejected():
			got += "r"
		case st.Accepted():
			got += string(st.Flag)
		}
	}
	if got != flags {
		t.Fatalf("flags %q, want %q: %+v %s", got, flags, res.Refs, res.Stderr)
	}
	if (res.Exit == 0) != !strings.ContainsAny(flags, "rR?") {
		t.Fatalf("exit %d with flags %q", res.Exit, got)
	}
}

func wantHub(t *testing.T, h Hub, want map[string]refs.OID) {
	t.Helper()
	if got := h.Refs(t); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("hub has\n     %v\nwant %v", got, want)
	}
}

func fetch(t *testing.T, r refs.Remote) {
	t.Helper()
	if err := r.Fetch(ctx); err != nil {
		t.Fatal(err)
	}
}

func incoming(name string) string {
	return refs.IncomingPrefix + strings.TrimPrefix(name, refs.HubPrefix)
}

func pushAndFetch(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	lb, rb := h.Clone(t)
	fetch(t, ra) // an empty hub is no error
	a1 := CommitOf(t, la, "a1")
	a2 := CommitOf(t, la, "a2", a1)
	want(t, push(t, ra, true, to(alice, a1)), "*", alice)
	want(t, push(t, ra, true, to(alice, a1)), "=", alice)
	want(t, push(t, ra, false, to(alice, a2)), " ", alice)
	b1 := CommitOf(t, lb, "b1")
	want(t, push(t, rb, true, to(bob, b1)), "*", bob)
	fetch(t, ra)
	fetch(t, rb)
	for _, l := range []refs.Local{la, lb} {
		wantRefs(t, l, "refs/", refs.Ref{Name: incoming(alice), OID: a2}, refs.Ref{Name: incoming(bob), OID: b1})
		read(t, l, 1000, a1, a2, b1)
		files, err := refs.ReadFiles(ctx, l, a2, 100)
		if err != nil || string(files["file"]) != "a2" {
			t.Fatal(files, err)
		}
	}
}

func fetchMirrors(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	lb, rb := h.Clone(t)
	a1, x := CommitOf(t, la, "a1"), CommitOf(t, la, "x")
	a2 := CommitOf(t, la, "a2", a1)
	push(t, ra, true, to(alice, a2), to(bob, x))
	fetch(t, rb)
	// Rewound, removed, and a name that becomes a directory.
	push(t, ra, false, lease(alice, a1, a2), refs.PushRef{Dst: bob})
	fetch(t, rb)
	wantRefs(t, lb, "", refs.Ref{Name: incoming(alice), OID: a1})
	push(t, ra, false, to(bob+"/below", x))
	fetch(t, rb)
	wantRefs(t, lb, "", refs.Ref{Name: incoming(alice), OID: a1}, refs.Ref{Name: incoming(bob + "/below"), OID: x})
	fetch(t, rb)
}

// shown: a push that asks for it gets the refs that the hub had before.
func shown(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	_, rb := h.Clone(t)
	a1 := CommitOf(t, la, "a1")
	a2, m := CommitOf(t, la, "a2", a1), CommitOf(t, la, "meta")
	push(t, ra, true, to(meta, m))
	for _, c := range []struct {
		tip  refs.OID
		want map[string]refs.OID
	}{{a1, map[string]refs.OID{meta: m}}, {a2, map[string]refs.OID{meta: m, alice: a1}}} {
		res, err := ra.Push(ctx, refs.Push{Atomic: true, Show: true, Refs: []refs.PushRef{to(alice, c.tip)}})
		if err != nil || !maps.Equal(res.Shown, c.want) {
			t.Fatalf("%v, %v, want %v", res, err, c.want)
		}
	}
	if res, err := rb.Push(ctx, refs.Push{Refs: []refs.PushRef{{Dst: alice}}}); err != nil || res.Shown != nil {
		t.Fatalf("not asked for: %v, %v", res, err)
	}
}

// presence: refs without a history are forced; the same fetch brings and removes them.
func presence(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	lb, rb := h.Clone(t)
	a1, a2 := CommitOf(t, la, "a1"), CommitOf(t, la, "a2")
	ref := refs.HubPresence + "clone-1"
	want(t, push(t, ra, false, refs.PushRef{Src: a1, Dst: ref, Force: true}), "*", ref)
	fetch(t, rb)
	wantRefs(t, lb, "", refs.Ref{Name: refs.PresenceHere + "clone-1", OID: a1})
	res := push(t, ra, false, refs.PushRef{Src: a2, Dst: ref, Force: true})
	if !res.Refs[ref].Accepted() {
		t.Fatalf("%+v", res)
	}
	fetch(t, rb)
	wantRefs(t, lb, "", refs.Ref{Name: refs.PresenceHere + "clone-1", OID: a2})
	push(t, ra, false, refs.PushRef{Dst: ref})
	fetch(t, rb)
	wantRefs(t, lb, "")
	if _, err := ra.Push(ctx, refs.Push{Refs: []refs.PushRef{{Src: a1, Dst: alice, Force: true}}}); err == nil {
		t.Fatal("a log was forced")
	}
}

func fetchOnlyTracker(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	lb, rb := h.Clone(t)
	a, own := CommitOf(t, la, "a"), CommitOf(t, lb, "own")
	push(t, ra, true, to("refs/heads/main", a), to("refs/tags/v1", a), to(meta, a), to("refs/heads/crosslinked", a))
	swap(t, lb, refs.Update{Ref: alice, New: own}, refs.Update{Ref: "refs/hub/meta", New: own})
	fetch(t, rb)
	wantRefs(t, lb, "", refs.Ref{Name: alice, OID: own}, refs.Ref{Name: "refs/hub/meta", OID: own}, refs.Ref{Name: incoming(meta), OID: a})
}

func notFastForward(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	lb, rb := h.Clone(t)
	a1 := CommitOf(t, la, "a1")
	a2 := CommitOf(t, la, "a2", a1)
	push(t, ra, true, to(alice, a2))
	want(t, push(t, ra, true, to(alice, a1)), "r", alice) // the object is known here
	b := CommitOf(t, lb, "b")
	want(t, push(t, rb, true, to(alice, b)), "r", alice) // the object is not known here
	wantHub(t, h, map[string]refs.OID{alice: a2})
}

func atomicPush(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	lb, rb := h.Clone(t)
	c1, b := CommitOf(t, la, "c1"), CommitOf(t, lb, "b")
	c2 := CommitOf(t, lb, "c2")
	push(t, ra, true, to(checkpoint, c1))
	res := push(t, rb, true, to(bob, b), to(checkpoint, c2))
	want(t, res, "rr", bob, checkpoint)
	if !res.Refs[bob].Collateral() || res.Refs[checkpoint].Collateral() {
		t.Error(res.Refs)
	}
	wantHub(t, h, map[string]refs.OID{checkpoint: c1})
	// Without atomicity one ref moves and the other does not.
	want(t, push(t, rb, false, to(bob, b), to(checkpoint, c2)), "*r", bob, checkpoint)
	wantHub(t, h, map[string]refs.OID{bob: b, checkpoint: c1})
}

func leaseLost(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	m1, a := CommitOf(t, la, "m1"), CommitOf(t, la, "a")
	m2 := CommitOf(t, la, "m2", m1)
	push(t, ra, true, to(meta, m1))
	// As in every push: an unchanged ref as long as meta has not moved.
	want(t, push(t, ra, true, to(alice, a), lease(meta, m1, m1)), "*=", alice, meta)
	push(t, ra, true, to(meta, m2))
	a2 := CommitOf(t, la, "a2", a)
	want(t, push(t, ra, true, to(alice, a2), lease(meta, m1, m1)), "rr", alice, meta)
	wantHub(t, h, map[string]refs.OID{alice: a, meta: m2})
}

func leaseAbsent(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	m1, m2 := CommitOf(t, la, "m1"), CommitOf(t, la, "m2")
	want(t, push(t, ra, true, lease(meta, m1, "")), "*", meta)
	want(t, push(t, ra, true, lease(meta, m2, "")), "r", meta)
	wantHub(t, h, map[string]refs.OID{meta: m1})
}

func leaseForces(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	p1, p2 := CommitOf(t, la, "p1"), CommitOf(t, la, "p2")
	push(t, ra, false, to(alice, p1))
	want(t, push(t, ra, false, lease(alice, p2, p1)), "+", alice)
	wantHub(t, h, map[string]refs.OID{alice: p2})
}

func deleteOnHub(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	a := CommitOf(t, la, "a")
	push(t, ra, false, to(alice, a), to(bob, a))
	want(t, push(t, ra, false, lease(alice, "", a)), "-", alice)
	wantHub(t, h, map[string]refs.OID{bob: a})
}

func raceAtomic(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	c1, a := CommitOf(t, la, "c1"), CommitOf(t, la, "a")
	mine, theirs := CommitOf(t, la, "mine", c1), CommitOf(t, la, "theirs", c1)
	push(t, ra, true, to(checkpoint, c1), to("refs/heads/keep", theirs))
	h.Race(t, checkpoint, theirs)
	want(t, push(t, ra, true, to(alice, a), to(checkpoint, mine)), "RR", alice, checkpoint)
	wantHub(t, h, map[string]refs.OID{checkpoint: theirs, "refs/heads/keep": theirs})
}

func racePlain(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	c1, a := CommitOf(t, la, "c1"), CommitOf(t, la, "a")
	mine, theirs := CommitOf(t, la, "mine", c1), CommitOf(t, la, "theirs", c1)
	push(t, ra, true, to(checkpoint, c1), to("refs/heads/keep", theirs))
	h.Race(t, checkpoint, theirs)
	want(t, push(t, ra, false, to(alice, a), to(checkpoint, mine)), "*R", alice, checkpoint)
}

func declined(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	a, c := CommitOf(t, la, "a"), CommitOf(t, la, "c")
	h.Decline(t, checkpoint)
	res := push(t, ra, true, to(alice, a), to(checkpoint, c))
	want(t, res, "RR", alice, checkpoint)
	if !res.Refs[alice].Collateral() || res.Refs[checkpoint].Collateral() {
		t.Error(res.Refs)
	}
	want(t, push(t, ra, false, to(alice, a), to(checkpoint, c)), "*R", alice, checkpoint)
	wantHub(t, h, map[string]refs.OID{alice: a})
}

func broken(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	a := CommitOf(t, la, "a")
	h.Break(t)
	var re *refs.RemoteError
	if err := ra.Fetch(ctx); !errors.As(err, &re) || !re.NoConnection {
		t.Error(err)
	}
	res, err := ra.Push(ctx, refs.Push{Refs: []refs.PushRef{to(alice, a)}})
	if err != nil || res.Reached || len(res.Refs) != 0 || res.Exit == 0 {
		t.Error(res, err)
	}
}

func silentRefusal(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	a := CommitOf(t, la, "a")
	push(t, ra, false, to(alice, a))
	h.ReadOnly(t)
	fetch(t, ra)
	b := CommitOf(t, la, "b")
	res := push(t, ra, false, to(bob, b))
	if res.Refs[bob].Accepted() || res.Exit == 0 {
		t.Error(res)
	}
	wantHub(t, h, map[string]refs.OID{alice: a})
}

func withoutAtomic(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	a := CommitOf(t, la, "a")
	h.NoAtomic(t)
	res := push(t, ra, true, to(alice, a))
	if res.Reached || len(res.Refs) != 0 || res.Exit == 0 {
		t.Error(res)
	}
	want(t, push(t, ra, false, to(alice, a)), "*", alice)
}

func badPush(t *testing.T, h Hub) {
	la, ra := h.Clone(t)
	a := CommitOf(t, la, "a")
	start := time.Now()
	for _, p := range []refs.Push{
		{},
		{Refs: []refs.PushRef{to("-x", a)}},
		{Refs: []refs.PushRef{to("refs/heads/a b", a)}},
		{Refs: []refs.PushRef{to(alice, "--all")}},
		{Refs: []refs.PushRef{to(alice, "HEAD")}},
		{Refs: []refs.PushRef{lease(alice, a, "x")}},
	} {
		if res, err := ra.Push(ctx, p); err == nil {
			t.Errorf("%v: %v", p, res)
		}
	}
	if time.Since(start) > time.Second {
		t.Error("git was asked")
	}
	wantHub(t, h, map[string]refs.OID{})
}
