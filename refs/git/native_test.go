package git_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

// TestKilledBetweenTwoMoves: of three refs that are moved in order, those that
// were moved before the kill stay so and the others do not; the next swap removes
// what is left.
func TestKilledBetweenTwoMoves(t *testing.T) {
	names := []string{refs.HubPrefix + "a/one", refs.HubPrefix + "b/two", refs.HubPrefix + "three"}
	for kind, open := range implementations {
		for nth := 1; nth <= 3; nth++ {
			t.Run(fmt.Sprint(kind, nth), func(t *testing.T) {
				dir := bare(t, refs.SHA1)
				l := open(dir)
				defer l.Close()
				a := refstest.CommitOf(t, l, "a")
				point := fmt.Sprintf("CROSSLINK_FAULT=refs.swap.move:%d", nth)
				if _, err := start([]string{point}, "move", append([]string{dir, string(a)}, names...)...); err == nil {
					t.Fatal("was not killed")
				}
				// somebody else's lock, made since, is not taken for that swap's
				other := filepath.Join(dir, names[0]+".lock")
				if nth > 1 {
					if err := os.WriteFile(other, nil, 0o666); err != nil {
						t.Fatal(err)
					}
				}
				if err := l.Swap(ctx, []refs.Update{{Ref: refs.HubPrefix + "next", New: a}}); err != nil {
					t.Fatal(err)
				}
				for i, name := range names {
					rs, err := l.Refs(ctx, name)
					if moved := len(rs) == 1 && rs[0].OID == a; err != nil || moved != (i < nth-1) {
						t.Errorf("'%s': %v, %v", name, rs, err)
					}
				}
				if _, err := os.Stat(other); nth > 1 && err != nil {
					t.Error("a lock of somebody else was removed", err)
				}
				os.Remove(other)
				noLocks(t, dir)
				if st, err := os.Stat(dir + "/swap.lock"); err != nil || st.Size() != 0 {
					t.Error("the swap lock was not released in order")
				}
			})
		}
	}
}

// TestKilledWhileGitSwaps: a swap of several refs is finished by git when the
// process that asked for it is killed, and the next process that swaps waits for that.
func TestKilledWhileGitSwaps(t *testing.T) {
	program, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *update-ref*) echo >'%s/asked'; sleep 1;; esac\nexec '%s' \"$@\"\n", bin, program)
	if err := os.WriteFile(bin+"/git", []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	names := []string{refs.HubPrefix + "a/one", refs.HubPrefix + "b/two", refs.HubPrefix + "three"}
	for kind, open := range implementations {
		t.Run(kind, func(t *testing.T) {
			os.Remove(bin + "/asked")
			dir := bare(t, refs.SHA1)
			l := open(dir)
			defer l.Close()
			a := refstest.CommitOf(t, l, "a")
			cmd := command([]string{git.BackendVariable + "=" + kind, "PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")}, "swap",
				append([]string{dir, string(a)}, names...)...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
				if _, err := os.Stat(bin + "/asked"); err == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("git was not asked")
				}
			}
			cmd.Process.Kill()
			if cmd.Wait() == nil {
				t.Fatal("was not killed")
			}
			if rs, err := l.Refs(ctx, refs.HubPrefix); err != nil || len(rs) != 0 {
				t.Fatal("killed too late", rs, err)
			}
			if err := l.Swap(ctx, []refs.Update{{Ref: refs.HubPrefix + "next", New: a}}); err != nil {
				t.Fatal(err)
			}
			if rs, err := l.Refs(ctx, refs.HubPrefix); err != nil || len(rs) != 4 {
				t.Error(rs, err)
			}
			noLocks(t, dir)
		})
	}
}

func noLocks(t *testing.T, dir string) {
	t.Helper()
	filepath.WalkDir(filepath.Join(dir, "refs"), func(p string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(p, ".lock") {
			t.Errorf("'%s' is left", p)
		}
		return err
	})
}

// TestSystemCallsOfAnAppendFail: an append is killed, or told that the disk is
// full or broken, at each system call of each kind. It fails and reports it, or
// succeeds and means it; refs and objects are in order, and the next one needs
// no repair.
func TestSystemCallsOfAnAppendFail(t *testing.T) {
	if exec.Command("strace", "-f", "-o", os.DevNull, "true").Run() != nil {
		t.Skip("NOT RUN: no strace on this machine")
	}
	deep := 3
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		deep = 12
	}
	if testing.Short() {
		deep = 1
	}
	for _, fault := range []string{"signal=KILL", "error=EIO", "error=ENOSPC"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			dir := bare(t, refs.SHA1)
			l := openNative(dir)
			defer l.Close()
			var acked []string
			failed, n := 0, 0
			for _, call := range []string{"fsync", "renameat,rename", "unlinkat,unlink", "mkdirat,mkdir", "openat", "pwrite64", "write"} {
				first := 1
				if call == "openat" || call == "write" {
					first = 12 // those before are the Go runtime's and the test binary's own
				}
				for when := first; when < first+deep; when++ {
					n++
					cmd := command([]string{git.BackendVariable + "=native", "GOMAXPROCS=1"}, "append", dir, agent, fmt.Sprint("x", n), "1")
					run := exec.Command("strace", append([]string{"-f", "-qq", "-o", os.DevNull, "-e", "trace=" + call,
						"-e", fmt.Sprintf("inject=%s:%s:when=%d", call, fault, when)}, cmd.Args...)...)
					run.Env = cmd.Env
					out, err := run.Output()
					ack := strings.Fields(string(out))
					if err != nil {
						failed++
					} else if len(ack) != 1 {
						t.Fatalf("%s %d: success without an acknowledgement", call, when)
					}
					line := fmt.Sprint("after", n)
					if err := refstest.AppendOne(l, agent, line); err != nil {
						t.Fatalf("after %s %d: %v", call, when, err)
					}
					acked = append(append(acked, ack...), line)
				}
			}
			if failed == 0 {
				t.Error("no append failed: nothing was injected")
			}
			have := strings.Join(logLines(t, l, agent), " ") + " "
			for _, s := range acked {
				if strings.Count(have, s+" ") != 1 {
					t.Errorf("line %s: log is %s", s, have)
				}
			}
			noLocks(t, dir)
			refstest.Git(t, "--git-dir="+dir, "fsck", "--strict", "--no-dangling")
			t.Logf("%d of %d appends failed", failed, n)
		})
	}
}

// TestPrunedBeforeSwap: objects that somebody's prune took between the write
// and the swap are there after it.
func TestPrunedBeforeSwap(t *testing.T) {
	dir := bare(t, refs.SHA1)
	l := openNative(dir)
	defer l.Close()
	var parents []refs.OID
	for i := range 2 {
		id := refstest.CommitOf(t, l, fmt.Sprint(i), parents...)
		name := fmt.Sprint(refs.HubPrefix, i)
		if i == 1 {
			// the tip is found missing before anything moves
			refstest.Git(t, "--git-dir="+dir, "prune", "--expire=now")
			if err := l.Swap(ctx, []refs.Update{{Ref: name, New: id}}); !errors.Is(err, refs.ErrMissing) {
				t.Fatal(err)
			}
			id = refstest.CommitOf(t, l, fmt.Sprint(i), parents...)
			// and what it needs is put back
			tree, _ := refs.ReadHead(ctx, l, id)
			if err := os.Remove(filepath.Join(dir, "objects", string(tree.Tree[:2]), string(tree.Tree[2:]))); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Swap(ctx, []refs.Update{{Ref: name, New: id}}); err != nil {
			t.Fatal(err)
		}
		parents = []refs.OID{id}
	}
	refstest.Git(t, "--git-dir="+dir, "fsck", "--strict", "--no-dangling")
}

// TestReadsWhereverObjectsAre: loose, packed, both, damaged, missing, in one call.
func TestReadsWhereverObjectsAre(t *testing.T) {
	dir := bare(t, refs.SHA1)
	l := openNative(dir)
	defer l.Close()
	var ids []refs.OID
	write := func(s string) refs.OID {
		id, err := l.Write(ctx, []refs.Object{{Kind: refs.Blob, Data: []byte(s)}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id[0])
		return id[0]
	}
	path := func(id refs.OID) string { return filepath.Join(dir, "objects", string(id[:2]), string(id[2:])) }
	want := map[refs.OID]string{}
	for i := range 60 {
		s := fmt.Sprint("object ", i, strings.Repeat("x", 100*i))
		want[write(s)] = s
	}
	pack := exec.Command("git", "--git-dir="+dir, "pack-objects", "-q", dir+"/objects/pack/pack")
	var list strings.Builder
	for i, id := range ids {
		if i%3 != 0 {
			fmt.Fprintln(&list, id)
		}
	}
	pack.Stdin = strings.NewReader(list.String())
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
	for i, id := range ids {
		if i%3 == 1 { // packed only
			if err := os.Remove(path(id)); err != nil {
				t.Fatal(err)
			}
		}
	}
	spoil := func(id refs.OID, f func(b []byte) []byte) {
		b, err := os.ReadFile(path(id))
		if err == nil {
			os.Chmod(path(id), 0o644)
			err = os.WriteFile(path(id), f(b), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	bad := map[refs.OID]error{refs.OID(strings.Repeat("1", 40)): refs.ErrMissing}
	half := func(b []byte) []byte { return b[:len(b)/2] }
	spoil(ids[2], half) // whole in the pack
	for i, f := range []func(b []byte) []byte{half, func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		func(b []byte) []byte { return []byte("noise") }, func(b []byte) []byte { return nil }} {
		id := write(fmt.Sprint("spoilt ", i, strings.Repeat("y", 1000)))
		spoil(id, f)
		bad[id] = refs.ErrCorrupt
		delete(want, id)
	}
	one, two := write("the name of one"), write("the content of two")
	b, _ := os.ReadFile(path(two))
	spoil(one, func([]byte) []byte { return b })
	bad[one], want[two] = refs.ErrCorrupt, "the content of two"
	ids = append(ids, refs.OID(strings.Repeat("1", 40)))
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	next := 0
	err := l.Read(ctx, ids, 1<<20, func(i int, o refs.Object, err error) error {
		if i != next {
			t.Fatalf("%d comes as %d", i, next)
		}
		next++
		switch is := bad[ids[i]]; {
		// git takes a file that it cannot make out at all for none
		case is != nil && !errors.Is(err, is) && !errors.Is(err, refs.ErrMissing):
			t.Errorf("'%s': %v, want %v", ids[i], err, is)
		case is == nil && (err != nil || string(o.Data) != want[ids[i]]):
			t.Errorf("'%s': %v, %d bytes of %d", ids[i], err, len(o.Data), len(want[ids[i]]))
		}
		return nil
	})
	if err != nil || next != len(ids) {
		t.Error(next, err)
	}
	// A damaged object is replaced when it is written again.
	empty := write("written twice")
	spoil(empty, func([]byte) []byte { return nil })
	if id := write("written twice"); id != empty {
		t.Fatal(id)
	}
	if err := l.Read(ctx, []refs.OID{empty}, 1<<20, func(_ int, o refs.Object, err error) error {
		if err != nil || string(o.Data) != "written twice" {
			t.Errorf("%q %v", o.Data, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestListsWhatGitLists compares the two on refs directories of all shapes.
func TestListsWhatGitLists(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	names := []string{"refs/heads/a", "refs/heads/a-b", "refs/heads/a/b", "refs/heads/-x", "refs/heads/crosslink/agents/a", "refs/heads/crosslink/agents/b.",
		"refs/hub/agents/a.b", "refs/incoming/meta", "refs/x", "refs/incoming/p/q/r/s", "refs/tags/v1", "refs/heads/ä", "refs/heads/a..b", "refs/heads/a.lock",
		"refs/heads/.hidden", "refs/heads/with space", "refs/heads/@", "refs/heads/a@{1}"}
	for range rounds {
		dir := bare(t, refs.SHA1)
		n, p := openNative(dir), plumbing(dir, refs.SHA1)
		a := refstest.CommitOf(t, n, "a")
		lines := []string{"# pack-refs with: peeled fully-peeled sorted "}
		for _, name := range names {
			id := string(a)
			content := []string{id + "\n", id + "\n", id, id + " \n", "", "garbage\n", strings.Repeat("0", 40) + "\n", id[:39], id + "x\n", strings.ToUpper(id) + "\n",
				"ref: refs/x\n", strings.Repeat("1", 40) + "\n"}[rng.IntN(12)]
			if rng.IntN(2) == 0 {
				path := filepath.Join(dir, name)
				if os.MkdirAll(filepath.Dir(path), 0o777) == nil {
					os.WriteFile(path, []byte(content), 0o666)
				}
			}
			if rng.IntN(3) == 0 && !strings.ContainsAny(name, " ") && !strings.Contains(name, "..") && !strings.Contains(name, ".lock") &&
				!strings.Contains(name, "/.") && !strings.Contains(name, "@{") {
				lines = append(lines, strings.Repeat("2", 40)+" "+name)
			}
		}
		if len(lines) > 1 {
			slices.SortFunc(lines[1:], func(a, b string) int { return strings.Compare(a[41:], b[41:]) })
			os.WriteFile(dir+"/packed-refs", []byte(strings.Join(lines, "\n")+"\n"), 0o666)
		}
		for _, prefix := range []string{"", "refs/", "refs/heads/", "refs/heads/a", "refs/hub/agents/", "refs/none/"} {
			want, err := p.Refs(ctx, prefix)
			got, err2 := n.Refs(ctx, prefix)
			if fmt.Sprint(got) != fmt.Sprint(want) || (err == nil) != (err2 == nil) {
				t.Fatalf("'%s':\n got %v %v\nwant %v %v", prefix, got, err2, want, err)
			}
		}
		n.Close()
		p.Close()
	}
}

// TestModesAreGits: files and directories have the same modes as those that git creates, in a
// repository of one user and of a group, whatever the umask.
func TestModesAreGits(t *testing.T) {
	for _, shared := range []string{"false", "group", "all"} {
		modes := map[string]string{}
		for kind, open := range implementations {
			dir := t.TempDir() + "/r.git"
			refstest.Git(t, "init", "-q", "--bare", "--shared="+shared, dir)
			l := open(dir)
			id := refstest.CommitOf(t, l, "a")
			if err := l.Swap(ctx, []refs.Update{{Ref: "refs/heads/x/y/z", New: id}}); err != nil {
				t.Fatal(err)
			}
			l.Close()
			for _, p := range []string{"objects/" + string(id[:2]), "objects/" + string(id[:2]) + "/" + string(id[2:]), "refs/heads/x", "refs/heads/x/y/z"} {
				st, err := os.Stat(filepath.Join(dir, p))
				if err != nil {
					t.Fatal(err)
				}
				modes[kind] += fmt.Sprintln(p, st.Mode())
			}
		}
		if modes["native"] != modes["plumbing"] {
			t.Errorf("shared=%s:\n%s\ngit:\n%s", shared, modes["native"], modes["plumbing"])
		}
	}
}

// TestEmptyDirectoriesAreNoRefs: a name whose directory is left over from other
// refs is free.
func TestEmptyDirectoriesAreNoRefs(t *testing.T) {
	dir := bare(t, refs.SHA1)
	l := openNative(dir)
	defer l.Close()
	a := refstest.CommitOf(t, l, "a")
	name := refs.HubPrefix + "agents"
	if err := os.MkdirAll(filepath.Join(dir, name, "a/b/c"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := l.Swap(ctx, []refs.Update{{Ref: name, New: a}}); err != nil {
		t.Fatal(err)
	}
	if err := l.Swap(ctx, []refs.Update{{Ref: name, Old: a}}); err != nil {
		t.Fatal(err)
	}
	// Somebody who is at work there is waited for.
	lock := filepath.Join(dir, name, "a/x.lock")
	if err := errors.Join(os.MkdirAll(filepath.Dir(lock), 0o777), os.WriteFile(lock, nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	go func() { time.Sleep(100 * time.Millisecond); os.Remove(lock) }()
	if err := l.Swap(ctx, []refs.Update{{Ref: name, New: a}}); err != nil {
		t.Fatal(err)
	}
}
