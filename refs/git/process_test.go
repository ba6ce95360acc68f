package git_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

// child is what the test binary does as a second process. It prints a line
// for each thing that was acknowledged.
func child(run string, args []string) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch run {
	case "append": // <git dir> <agent> <tag> <n>: append lines to a log
		l := implementations[os.Getenv(git.BackendVariable)](args[0])
		defer l.Close()
		n, _ := strconv.Atoi(args[3])
		for i := range n {
			line := fmt.Sprintf("%s.%d", args[2], i)
			if err := refstest.AppendOne(l, args[1], line); err != nil {
				return fail(err)
			}
			if _, err := fmt.Println(line); err != nil { // the fault has struck the answer
				return fail(err)
			}
		}
	case "swap", "move": // <git dir> <id> <ref>…: create refs, all at once or in order
		l := openNative(args[0])
		if os.Getenv(git.BackendVariable) == "plumbing" {
			l = plumbing(args[0], refs.SHA1)
		}
		defer l.Close()
		var ups []refs.Update
		for _, name := range args[2:] {
			ups = append(ups, refs.Update{Ref: name, New: refs.OID(args[1])})
		}
		do := l.Swap
		if run == "move" {
			do = l.SwapInOrder
		}
		if err := do(ctx, ups); err != nil {
			return fail(err)
		}
	case "session": // <worktree> <tag>: one whole command: create, append, push, fetch
		o, err := git.Discover(ctx, args[0], nil)
		if err != nil {
			return fail(err)
		}
		r, err := openReplica(ctx, o, true)
		if err != nil {
			return fail(err)
		}
		defer r.Close()
		for i := range 2 {
			line := fmt.Sprintf("%s.%d", args[1], i)
			if err := refstest.AppendOne(r.Local(), agent, line); err != nil {
				return fail(err)
			}
			if _, err := fmt.Println(line); err != nil { // the fault has struck the answer
				return fail(err)
			}
		}
		cfg, err := o.Config(ctx)
		if err != nil {
			return fail(err)
		}
		name := refs.HubPrefix + "agents/" + agent
		rs, err := r.Local().Refs(ctx, name)
		if err != nil || len(rs) != 1 {
			return fail(fmt.Errorf("%v %w", rs, err))
		}
		hub := r.Remote(refs.Address{Name: "origin", Config: cfg})
		res, err := hub.Push(ctx, refs.Push{Refs: []refs.PushRef{{Src: rs[0].OID, Dst: name}}, Atomic: true})
		if err != nil || !res.Refs[name].Accepted() {
			return fail(fmt.Errorf("%v %w", res, err))
		}
		if err := hub.Fetch(ctx); err != nil {
			return fail(err)
		}
	case "create": // <worktree>: open or create the replica and read it
		o, err := git.Discover(ctx, args[0], nil)
		if err != nil {
			return fail(err)
		}
		r, err := openReplica(ctx, o, true)
		if err != nil {
			return fail(err)
		}
		defer r.Close()
		if _, err := r.Local().Refs(ctx, ""); err != nil {
			return fail(err)
		}
	default:
		return 2
	}
	return 0
}

func command(env []string, run string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), "REFS_TEST_CHILD="+run), env...)
	return cmd
}

// start runs a child and returns what it acknowledged and how it ended.
func start(env []string, run string, args ...string) ([]string, error) {
	cmd := command(env, run, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, stderr.String())
	}
	return strings.Fields(string(out)), err
}

func logLines(t *testing.T, l refs.Local, agent string) []string {
	t.Helper()
	rs, err := l.Refs(ctx, refs.HubPrefix+"agents/"+agent)
	if err != nil || len(rs) > 1 {
		t.Fatal(rs, err)
	}
	if len(rs) == 0 {
		return nil
	}
	log, err := refs.ReadLog(ctx, l, agent, rs[0].OID, 0)
	if err != nil || log.Bad != "" {
		t.Fatal(err, log.Bad)
	}
	var s []string
	for _, b := range log.Lines {
		s = append(s, string(b))
	}
	return s
}

// TestProcessesAppendToOneLog: several processes of both kinds, one ref, git's
// maintenance beside them: every acknowledged line is there, once.
func TestProcessesAppendToOneLog(t *testing.T) {
	dir := bare(t, refs.SHA1)
	stop := make(chan struct{})
	var beside, wg sync.WaitGroup
	beside.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				exec.Command("git", "--git-dir="+dir, "pack-refs", "--all").Run()
			}
		}
	})
	var mu sync.Mutex
	acked := make(map[string]int)
	for p := range 4 {
		wg.Go(func() {
			use := git.BackendVariable + "=" + []string{"plumbing", "native"}[p%2]
			lines, err := start([]string{use}, "append", dir, agent, fmt.Sprint("p", p), "12")
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, s := range lines {
				acked[s]++
			}
		})
	}
	wg.Wait()
	close(stop)
	beside.Wait()
	l := plumbing(dir, refs.SHA1)
	defer l.Close()
	for _, s := range logLines(t, l, agent) {
		acked[s]--
	}
	for s, n := range acked {
		if n != 0 {
			t.Errorf("line %s: acknowledged and present differ by %d", s, n)
		}
	}
	if len(acked) != 48 {
		t.Errorf("%d lines acknowledged", len(acked))
	}
	refstest.Git(t, "--git-dir="+dir, "fsck", "--strict", "--no-dangling")
}

// TestKillAtEveryPoint kills a command at each boundary it crosses. What it
// acknowledged is there afterward, and the next command needs no repair.
func TestKillAtEveryPoint(t *testing.T) {
	for kind := range implementations {
		t.Run(kind, func(t *testing.T) { killAtEveryPoint(t, git.BackendVariable+"="+kind) })
	}
}

func killAtEveryPoint(t *testing.T, use string) {
	base := t.TempDir()
	n := 0
	setup := func() string {
		n++
		top := filepath.Join(base, fmt.Sprint(n))
		refstest.Git(t, "init", "-q", "--bare", top+"/hub.git")
		refstest.Git(t, "init", "-q", top+"/w")
		refstest.Git(t, "-C", top+"/w", "remote", "add", "origin", "../hub.git")
		return top
	}
	top := setup()
	points := filepath.Join(top, "points")
	if _, err := start([]string{use, "CROSSLINK_FAULT_LOG=" + points}, "session", top+"/w", "x"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(points)
	if err != nil {
		t.Fatal(err)
	}
	visited := strings.Fields(string(b))
	if len(visited) < 15 {
		t.Fatalf("only %d boundaries: %v", len(visited), visited)
	}
	t.Log(len(visited), "boundaries:", visited)
	for k, point := range visited {
		for _, mode := range []string{"", "=error"} {
			if mode != "" && !strings.HasSuffix(point, ".before") || testing.Short() && k%4 != 0 {
				continue
			}
			top := setup()
			t.Run(fmt.Sprint(k+1, ".", point, mode), func(t *testing.T) {
				t.Parallel()
				killAt(t, top, use, fmt.Sprintf("CROSSLINK_FAULT=*:%d%s", k+1, mode))
			})
		}
	}
}

func killAt(t *testing.T, top, use, fault string) {
	acked, err := start([]string{use, fault}, "session", top+"/w", "a")
	if !strings.HasSuffix(fault, "=error") && err == nil {
		t.Fatal("was not killed")
	}
	more, err := start([]string{use}, "session", top+"/w", "b")
	if err != nil {
		t.Fatal("the next command:", err)
	}
	o, err := git.Discover(ctx, top+"/w", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := openReplica(ctx, o, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	have := strings.Join(logLines(t, r.Local(), agent), " ") + " "
	for _, s := range append(acked, more...) {
		if strings.Count(have, s+" ") != 1 {
			t.Errorf("line %s: log is %s", s, have)
		}
	}
	refstest.Git(t, "--git-dir="+r.Path(), "fsck", "--strict", "--no-dangling")
	if left, _ := filepath.Glob(filepath.Dir(r.Path()) + "/*.tmp-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestProcessesCreateOneReplica: all end with a good one, also where a killed
// creation left its directory.
func TestProcessesCreateOneReplica(t *testing.T) {
	w := t.TempDir()
	refstest.Git(t, "init", "-q", w)
	left := filepath.Join(w, ".git/crosslink/replica.git.tmp-OLD")
	if err := os.MkdirAll(filepath.Join(left, "objects"), 0o777); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := start(nil, "create", w); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	entries, _ := os.ReadDir(filepath.Join(w, ".git/crosslink"))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "replica.git replica.lock" {
		t.Error(got)
	}
}

// TestSwapAfterKilledGit: a git that was killed in the middle of a swap leaves
// its lock file; the next swap removes it and continues at once.
func TestSwapAfterKilledGit(t *testing.T) {
	for kind, open := range implementations {
		t.Run(kind, func(t *testing.T) { swapAfterKilledGit(t, open) })
	}
}

func swapAfterKilledGit(t *testing.T, open func(string) refs.Local) {
	dir := bare(t, refs.SHA1)
	l := open(dir)
	defer l.Close()
	a, b := refstest.CommitOf(t, l, "a"), refstest.CommitOf(t, l, "b")
	name := refs.HubPrefix + "agents/a"
	if err := l.Swap(ctx, []refs.Update{{Ref: name, New: a}}); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(dir, name+".lock")
	leave := func(names string) {
		if err := errors.Join(os.WriteFile(lock, nil, 0o666), os.WriteFile(dir+"/swap.lock", []byte(names), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	leave(name + "\n../../config\nrefs/cut")
	begin := time.Now()
	if err := l.Swap(ctx, []refs.Update{{Ref: name, Old: a, New: b}}); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begin); d > time.Second {
		t.Errorf("took %v", d)
	}
	// Power loss: the lock is there, the names are not.
	leave("")
	old := time.Now().Add(-2 * time.Minute)
	if err := os.Chtimes(lock, old, old); err != nil {
		t.Fatal(err)
	}
	if err := l.Swap(ctx, []refs.Update{{Ref: name, Old: b, New: a}}); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(dir + "/swap.lock"); err != nil || st.Size() != 0 {
		t.Error("the swap lock was not released in order")
	}
}

// TestHalfATransaction: update-ref that loses its parent in the middle of the
// script changes nothing.
func TestHalfATransaction(t *testing.T) {
	dir := bare(t, refs.SHA1)
	l := plumbing(dir, refs.SHA1)
	defer l.Close()
	a := refstest.CommitOf(t, l, "a")
	cmd := exec.Command("git", "--git-dir="+dir, "update-ref", "--no-deref", "--stdin")
	cmd.Stdin = strings.NewReader(fmt.Sprintf("start\ncreate refs/heads/x %s\nprepare\n", a))
	cmd.Run()
	if rs, err := l.Refs(ctx, ""); err != nil || len(rs) != 0 {
		t.Error(rs, err)
	}
}

// TestDurable counts what one append syncs.
func TestDurable(t *testing.T) {
	if exec.Command("strace", "-f", "-o", os.DevNull, "true").Run() != nil {
		t.Skip("no strace")
	}
	for kind := range implementations {
		t.Run(kind, func(t *testing.T) { durable(t, git.BackendVariable+"="+kind) })
	}
}

func durable(t *testing.T, use string) {
	dir := bare(t, refs.SHA1)
	trace := filepath.Join(t.TempDir(), "trace")
	inner := command([]string{use}, "append", dir, agent, "x", "1")
	cmd := exec.Command("strace", append([]string{"-f", "-y", "-qq", "-e", "trace=fsync,fdatasync,rename,renameat,link", "-o", trace}, inner.Args...)...)
	cmd.Env = inner.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	var objects, lock, fanouts int
	refDirs := make(map[string]bool)
	moved := false
	for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
		s := sc.Text()
		if strings.Contains(s, "rename") && strings.Contains(s, "agents/"+agent+".lock") {
			moved = true
		}
		if !strings.Contains(s, "sync(") {
			continue
		}
		_, path, _ := strings.Cut(s, "<")
		path, _, _ = strings.Cut(path, ">")
		rel := strings.TrimPrefix(path, dir+"/")
		switch {
		case strings.Contains(rel, "/tmp_obj"):
			objects++
		case rel == "refs/heads/crosslink/agents/"+agent+".lock":
			lock++
		case strings.HasPrefix(rel, "objects"):
			fanouts++
		case strings.HasPrefix(rel, "refs") && moved:
			refDirs[rel] = true
		}
	}
	if objects != 5 || lock != 1 || fanouts < 2 || !refDirs["refs/heads/crosslink/agents"] || !refDirs["refs"] {
		t.Errorf("synced: %d objects, %d ref locks, %d object directories, then %v\n%s", objects, lock, fanouts, refDirs, b)
	}
}

// TestProcessesOfOneFetch: a fetch is one `git fetch`, and starts no
// maintenance.
func TestProcessesOfOneFetch(t *testing.T) {
	top := clone(t)
	if err := roundTrip(t, top+"/w", nil); err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(top, "trace")
	o, err := git.Discover(ctx, top+"/w", nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := o.Config(ctx)
	if err != nil {
		t.Fatal(err)
	}
	o, err = git.Discover(ctx, top+"/w", append(os.Environ(), "GIT_TRACE2="+trace))
	if err != nil {
		t.Fatal(err)
	}
	r, err := openReplica(ctx, o, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	hub := r.Remote(refs.Address{Name: "origin", Config: cfg})
	for range 2 {
		os.Remove(trace)
		if err := hub.Fetch(ctx); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	fetches, others := 0, 0
	for line := range strings.Lines(string(b)) {
		_, cmd, ok := strings.Cut(line, " start ")
		switch {
		case !ok, strings.Contains(cmd, "upload-pack"):
		case strings.Contains(cmd, " fetch "):
			fetches++
		case strings.Contains(cmd, "rev-list"): // git's own connectivity check
		default:
			others++
			t.Log(cmd)
		}
	}
	if fetches != 1 || others != 0 {
		t.Errorf("%d fetches, %d others:\n%s", fetches, others, b)
	}
}

// TestBrokenRef: a ref file that power loss emptied is not taken for a free
// name.
func TestBrokenRef(t *testing.T) {
	for kind, open := range implementations {
		t.Run(kind, func(t *testing.T) { brokenRef(t, open) })
	}
}

func brokenRef(t *testing.T, open func(string) refs.Local) {
	dir := bare(t, refs.SHA1)
	l := open(dir)
	defer l.Close()
	a, b := refstest.CommitOf(t, l, "a"), refstest.CommitOf(t, l, "b")
	name := refs.HubPrefix + "agents/a"
	if err := l.Swap(ctx, []refs.Update{{Ref: name, New: a}}); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"", "\x00\x00\x00", "garbage\n", string(a)[:20]} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := l.Swap(ctx, []refs.Update{{Ref: name, New: b}}); err == nil || errors.Is(err, refs.ErrLocked) {
			t.Errorf("%q: %v", content, err)
		}
	}
	// A ref whose object is missing is listed: it is not a free name either.
	gone := refs.OID(strings.Repeat("1", 40))
	if err := os.WriteFile(filepath.Join(dir, name), []byte(gone+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if rs, err := l.Refs(ctx, name); err != nil || len(rs) != 1 || rs[0].OID != gone {
		t.Error(rs, err)
	}
	log, err := refs.ReadLog(ctx, l, "a", gone, 0)
	if err != nil || !log.Missing {
		t.Error(log, err)
	}
	if err := l.Swap(ctx, []refs.Update{{Ref: name, Old: gone, New: a}}); err != nil {
		t.Error(err)
	}
}
