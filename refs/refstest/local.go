// Package refstest has the tests that every implementation of refs.Local and refs.Remote
// must pass. An implementation's test fills in a LocalMaker or a HubMaker and calls Local
// or Remote.
package refstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// LocalMaker makes repositories for the suite.
type LocalMaker struct {
	// New makes an empty repository.
	New func(t testing.TB, f refs.Format) refs.Local
	// Again opens a second handle on the same repository; nil if this is impossible.
	Again func(t testing.TB, l refs.Local) refs.Local
	// GitDir is the directory in which git finds the repository; nil if git cannot read it.
	GitDir func(l refs.Local) string
	// Formats are the supported formats; nil means all.
	Formats []refs.Format
}

var ctx = context.Background()

// Local runs the suite for each object format.
func Local(t *testing.T, m LocalMaker) {
	formats := m.Formats
	if formats == nil {
		formats = []refs.Format{refs.SHA1, refs.SHA256}
	}
	for _, f := range formats {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel() // most of the time is spent waiting for the disk
			local := func(name string, test func(t *testing.T, l refs.Local)) {
				t.Run(name, func(t *testing.T) {
					l := m.New(t, f)
					t.Cleanup(func() { l.Close() })
					test(t, l)
				})
			}
			local("WriteThenRead", writeThenRead)
			local("ReadOrder", readOrder)
			local("ReadMissing", readMissing)
			local("ReadTooLarge", readTooLarge)
			local("ReadStops", readStops)
			local("WriteTwice", writeTwice)
			local("CreateOnlyIfAbsent", createOnlyIfAbsent)
			local("SwapConflict", swapConflict)
			local("SwapAllOrNothing", swapAllOrNothing)
			local("Delete", deleteRef)
			local("Verify", verify)
			local("NameTaken", nameTaken)
			local("BadNames", badNames)
			local("MissingObject", missingObject)
			for name, test := range map[string]func(t *testing.T, l refs.Local){"CreateOnlyIfAbsent": createOnlyIfAbsent, "SwapConflict": swapConflict,
				"SwapAllOrNothing": swapAllOrNothing, "Delete": deleteRef, "Verify": verify, "NameTaken": nameTaken, "BadNames": badNames,
				"MissingObject": missingObject} {
				local("InOrder"+name, func(t *testing.T, l refs.Local) { test(t, inOrder{l}) })
			}
			local("RefsPrefix", refsPrefix)
			local("Cancelled", cancelled)
			local("Closed", closed)
			local("Race", func(t *testing.T, l refs.Local) { race(t, l, m) })
			local("Log", logRoundTrip)
			if m.GitDir != nil {
				local("GitAgrees", func(t *testing.T, l refs.Local) { gitAgrees(t, l, m.GitDir(l)) })
				local("PackedRefs", func(t *testing.T, l refs.Local) { packedRefs(t, l, m.GitDir(l)) })
				local("HeldLock", func(t *testing.T, l refs.Local) { heldLock(t, l, m.GitDir(l)) })
				local("Gc", func(t *testing.T, l refs.Local) { gc(t, l, m.GitDir(l)) })
			}
		})
	}
}

// inOrder swaps in order: as long as nothing is killed, SwapInOrder must behave like Swap.
type inOrder struct{ refs.Local }

func (l inOrder) Swap(ctx context.Context, ups []refs.Update) error { return l.SwapInOrder(ctx, ups) }

// Git runs git for a test and fails it if git fails.
func Git(t testing.TB, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("git", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}

// CommitOf stores a commit of one file and returns its id.
func CommitOf(t testing.TB, l refs.Local, content string, parents ...refs.OID) refs.OID {
	t.Helper()
	id, err := refs.WriteCommit(ctx, l, map[string][]byte{"file": []byte(content)}, parents, info(content))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func info(msg string) refs.CommitInfo {
	return refs.CommitInfo{Author: "alice-1", When: time.Unix(1_800_000_000, 0), Message: msg}
}

func read(t *testing.T, l refs.Local, limit int64, ids ...refs.OID) ([]refs.Object, []error) {
	t.Helper()
	var objs []refs.Object
	var errs []error
	err := l.Read(ctx, ids, limit, func(i int, o refs.Object, err error) error {
		if i != len(objs) {
			t.Fatalf("object %d comes as number %d", i, len(objs))
		}
		objs, errs = append(objs, o), append(errs, err)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(objs) != len(ids) {
		t.Fatalf("%d of %d objects came", len(objs), len(ids))
	}
	return objs, errs
}

func swap(t *testing.T, l refs.Local, ups ...refs.Update) {
	t.Helper()
	if err := l.Swap(ctx, ups); err != nil {
		t.Fatal(err)
	}
}

func wantRefs(t *testing.T, l refs.Local, prefix string, want ...refs.Ref) {
	t.Helper()
	got, err := l.Refs(ctx, prefix)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("refs under '%s':\n got %v\nwant %v", prefix, got, want)
	}
}

func blob(s string) refs.Object { return refs.Object{Kind: refs.Blob, Data: []byte(s)} }

func writeThenRead(t *testing.T, l refs.Local) {
	b := blob("hello\n")
	tree, err := refs.EncodeTree(l.Format(), []refs.TreeEntry{{Mode: refs.ModeBlob, Name: "a", OID: l.Format().ID(b)}})
	if err != nil {
		t.Fatal(err)
	}
	objs := []refs.Object{b, {Kind: refs.Tree, Data: tree}, blob(""), blob(strings.Repeat("0123456789", 10000))}
	ids, err := l.Write(ctx, objs)
	if err != nil {
		t.Fatal(err)
	}
	got, errs := read(t, l, 1<<20, ids...)
	for i := range objs {
		if errs[i] != nil || got[i].Kind != objs[i].Kind || !bytes.Equal(got[i].Data, objs[i].Data) {
			t.Errorf("object %d: %v %v", i, got[i].Kind, errs[i])
		}
		if ids[i] != l.Format().ID(objs[i]) {
			t.Errorf("object %d has id %s", i, ids[i])
		}
	}
}

func readOrder(t *testing.T, l refs.Local) {
	var objs []refs.Object
	for i := range 80 {
		objs = append(objs, blob(fmt.Sprint("number ", i, strings.Repeat("x", i*37))))
	}
	ids, err := l.Write(ctx, objs)
	if err != nil {
		t.Fatal(err)
	}
	var ask []refs.OID
	for i := range 3000 { // more requests than a pipe holds, with repetitions
		ask = append(ask, ids[i*7%80])
	}
	got, errs := read(t, l, 1<<20, ask...)
	for i := range ask {
		if errs[i] != nil || !bytes.Equal(got[i].Data, objs[i*7%80].Data) {
			t.Fatalf("answer %d is another object's: %v", i, errs[i])
		}
	}
}

func readMissing(t *testing.T, l refs.Local) {
	ids, _ := l.Write(ctx, []refs.Object{blob("there")})
	none := l.Format().ID(blob("not there"))
	_, errs := read(t, l, 100, none, ids[0], none)
	if !errors.Is(errs[0], refs.ErrMissing) || errs[1] != nil || !errors.Is(errs[2], refs.ErrMissing) {
		t.Fatal(errs)
	}
	for _, bad := range []refs.OID{"", "-x", "HEAD", refs.OID(strings.ToUpper(string(none))), none[1:]} {
		if l.Read(ctx, []refs.OID{bad}, 1, func(int, refs.Object, error) error { return nil }) == nil {
			t.Errorf("'%s' is taken for an id", bad)
		}
	}
}

func readTooLarge(t *testing.T, l refs.Local) {
	ids, err := l.Write(ctx, []refs.Object{blob("small"), blob("larger than that"), blob("exact"), blob(strings.Repeat("x", 1<<20))})
	if err != nil {
		t.Fatal(err)
	}
	got, errs := read(t, l, 5, ids...)
	if errs[0] != nil || !errors.Is(errs[1], refs.ErrTooLarge) || errs[2] != nil || !errors.Is(errs[3], refs.ErrTooLarge) {
		t.Fatal(errs)
	}
	if got[1].Data != nil || string(got[2].Data) != "exact" {
		t.Fatal(got)
	}
}

func readStops(t *testing.T, l refs.Local) {
	ids, _ := l.Write(ctx, []refs.Object{blob("1"), blob("2"), blob("3")})
	stop := errors.New("stop")
	n := 0
	err := l.Read(ctx, ids, 10, func(i int, _ refs.Object, _ error) error {
		if n++; i == 1 {
			return stop
		}
		return nil
	})
	if err != stop || n != 2 {
		t.Fatal(err, n)
	}
	read(t, l, 10, ids...) // and the reader still works
}

func writeTwice(t *testing.T, l refs.Local) {
	o := blob("again")
	for range 2 {
		if _, err := l.Write(ctx, []refs.Object{o, o}); err != nil {
			t.Fatal(err)
		}
	}
	if ids, err := l.Write(ctx, nil); err != nil || len(ids) != 0 {
		t.Fatal(ids, err)
	}
}

const ref = refs.HubPrefix + "agents/alice-1"

func wantConflict(t *testing.T, err error, name string) {
	t.Helper()
	var c *refs.ConflictError
	if !errors.Is(err, refs.ErrConflict) || !errors.As(err, &c) || c.Ref != name {
		t.Fatalf("not a conflict on '%s': %v", name, err)
	}
}

func createOnlyIfAbsent(t *testing.T, l refs.Local) {
	a, b := CommitOf(t, l, "a"), CommitOf(t, l, "b")
	swap(t, l, refs.Update{Ref: ref, New: a})
	wantConflict(t, l.Swap(ctx, []refs.Update{{Ref: ref, New: b}}), ref)
	wantRefs(t, l, ref, refs.Ref{Name: ref, OID: a})
}

func swapConflict(t *testing.T, l refs.Local) {
	a, b, c := CommitOf(t, l, "a"), CommitOf(t, l, "b"), CommitOf(t, l, "c")
	wantConflict(t, l.Swap(ctx, []refs.Update{{Ref: ref, Old: a, New: b}}), ref) // absent
	swap(t, l, refs.Update{Ref: ref, New: a})
	wantConflict(t, l.Swap(ctx, []refs.Update{{Ref: ref, Old: b, New: c}}), ref)
	swap(t, l, refs.Update{Ref: ref, Old: a, New: b})
	wantRefs(t, l, "", refs.Ref{Name: ref, OID: b})
	if err := l.Swap(ctx, nil); err != nil {
		t.Fatal(err)
	}
}

func swapAllOrNothing(t *testing.T, l refs.Local) {
	a, b := CommitOf(t, l, "a"), CommitOf(t, l, "b")
	x, y, z := refs.HubPrefix+"x", refs.HubPrefix+"y", refs.HubPrefix+"z"
	swap(t, l, refs.Update{Ref: x, New: a}, refs.Update{Ref: y, New: a})
	err := l.Swap(ctx, []refs.Update{{Ref: x, Old: a, New: b}, {Ref: y, Old: b, New: a}, {Ref: z, New: b}})
	wantConflict(t, err, y)
	wantRefs(t, l, refs.HubPrefix, refs.Ref{Name: x, OID: a}, refs.Ref{Name: y, OID: a})
	swap(t, l, refs.Update{Ref: x, Old: a}, refs.Update{Ref: y, Old: a, New: b}, refs.Update{Ref: z, New: b})
	wantRefs(t, l, refs.HubPrefix, refs.Ref{Name: y, OID: b}, refs.Ref{Name: z, OID: b})
	if l.Swap(ctx, []refs.Update{{Ref: y, Old: b, New: a}, {Ref: y, Old: b, New: a}}) == nil {
		t.Fatal("a ref given twice is accepted")
	}
}

func deleteRef(t *testing.T, l refs.Local) {
	a, b := CommitOf(t, l, "a"), CommitOf(t, l, "b")
	swap(t, l, refs.Update{Ref: ref, New: a})
	wantConflict(t, l.Swap(ctx, []refs.Update{{Ref: ref, Old: b}}), ref)
	swap(t, l, refs.Update{Ref: ref, Old: a})
	wantRefs(t, l, "")
	wantConflict(t, l.Swap(ctx, []refs.Update{{Ref: ref, Old: a}}), ref)
	swap(t, l, refs.Update{Ref: ref, New: b})
}

func verify(t *testing.T, l refs.Local) {
	a, b := CommitOf(t, l, "a"), CommitOf(t, l, "b")
	other := refs.HubPrefix + "meta"
	swap(t, l, refs.Update{Ref: ref}, refs.Update{Ref: other, New: a})
	swap(t, l, refs.Update{Ref: ref, New: a}, refs.Update{Ref: other, Old: a, New: a})
	wantConflict(t, l.Swap(ctx, []refs.Update{{Ref: ref, Old: a, New: b}, {Ref: other, Old: b, New: b}}), other)
	wantConflict(t, l.Swap(ctx, []refs.Update{{Ref: other}}), other)
	wantRefs(t, l, refs.HubPrefix, refs.Ref{Name: ref, OID: a}, refs.Ref{Name: other, OID: a})
}

func nameTaken(t *testing.T, l refs.Local) {
	a := CommitOf(t, l, "a")
	swap(t, l, refs.Update{Ref: ref, New: a})
	for _, name := range []string{ref + "/below", refs.HubPrefix + "agents"} {
		err := l.Swap(ctx, []refs.Update{{Ref: name, New: a}})
		if !errors.Is(err, refs.ErrNameTaken) || errors.Is(err, refs.ErrConflict) {
			t.Errorf("'%s': %v", name, err)
		}
	}
	if err := l.Swap(ctx, []refs.Update{{Ref: "refs/x/a", New: a}, {Ref: "refs/x/a/b", New: a}}); !errors.Is(err, refs.ErrNameTaken) {
		t.Error(err)
	}
	wantRefs(t, l, "", refs.Ref{Name: ref, OID: a})
}

func badNames(t *testing.T, l refs.Local) {
	a := CommitOf(t, l, "a")
	for _, name := range []string{"", "HEAD", "-x", "refs/", "refs/-x", "refs/a b", "refs/a\nb", "refs/a..b", "refs/a.lock", "refs/a.lock/b",
		"refs/.a", "refs//a", "refs/a/", "refs/a@{1}", "refs/a~1", "refs/a\x00b", "refs/a:b", "refs/../config", "refs/a\\b", "refs/a*"} {
		if err := l.Swap(ctx, []refs.Update{{Ref: name, New: a}}); !errors.Is(err, refs.ErrBadName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, id := range []refs.OID{"-x", "HEAD", a[:20], l.Format().Zero(), a + "\n"} {
		if l.Swap(ctx, []refs.Update{{Ref: ref, New: id}}) == nil {
			t.Errorf("id %q is accepted", id)
		}
	}
	wantRefs(t, l, "")
}

func missingObject(t *testing.T, l refs.Local) {
	start := time.Now()
	err := l.Swap(ctx, []refs.Update{{Ref: ref, New: l.Format().ID(blob("nowhere"))}})
	if !errors.Is(err, refs.ErrMissing) {
		t.Fatal(err)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("took %v", d) // nothing to wait for
	}
}

func refsPrefix(t *testing.T, l refs.Local) {
	a := CommitOf(t, l, "a")
	var ups []refs.Update
	for _, n := range []string{"refs/x/b", "refs/x/a/c", "refs/x/a-b", "refs/xa", "refs/x/a.b"} {
		ups = append(ups, refs.Update{Ref: n, New: a})
	}
	swap(t, l, ups...)
	names := func(prefix string) string {
		rs, err := l.Refs(ctx, prefix)
		if err != nil {
			t.Fatal(err)
		}
		var s []string
		for _, r := range rs {
			s = append(s, strings.TrimPrefix(r.Name, "refs/"))
		}
		return strings.Join(s, " ")
	}
	for prefix, want := range map[string]string{
		"":            "x/a-b x/a.b x/a/c x/b xa",
		"refs/":       "x/a-b x/a.b x/a/c x/b xa",
		"refs/x/":     "x/a-b x/a.b x/a/c x/b",
		"refs/x":      "x/a-b x/a.b x/a/c x/b xa",
		"refs/x/a":    "x/a-b x/a.b x/a/c",
		"refs/x/a/":   "x/a/c",
		"refs/x/b":    "x/b",
		"refs/none/":  "",
		"refs/x/a/c/": "",
	} {
		if got := names(prefix); got != want {
			t.Errorf("'%s': got %s, want %s", prefix, got, want)
		}
	}
}

func cancelled(t *testing.T, l refs.Local) {
	a := CommitOf(t, l, "a")
	c, cancel := context.WithCancelCause(ctx)
	why := errors.New("enough")
	cancel(why)
	each := func(int, refs.Object, error) error { return nil }
	if err := l.Read(c, []refs.OID{a}, 100, each); !errors.Is(err, why) {
		t.Error("read:", err)
	}
	if err := l.Swap(c, []refs.Update{{Ref: ref, New: a}}); !errors.Is(err, why) {
		t.Error("swap:", err)
	}
	if _, err := l.Write(c, []refs.Object{blob("x")}); !errors.Is(err, why) {
		t.Error("write:", err)
	}
	if _, err := l.Refs(c, ""); !errors.Is(err, why) {
		t.Error("refs:", err)
	}
	wantRefs(t, l, "")
	read(t, l, 1000, a)
}

func closed(t *testing.T, l refs.Local) {
	a := CommitOf(t, l, "a")
	read(t, l, 1000, a)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l.Read(ctx, []refs.OID{a}, 1000, func(int, refs.Object, error) error { return nil }) == nil {
		t.Error("read works after close")
	}
	l.Close()
}
