package git_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

// grown makes a replica with many loose objects and returns it with the trace
// of the git processes it starts.
func grown(t *testing.T, lines int) (r *git.Replica, trace string) {
	t.Helper()
	w := t.TempDir()
	refstest.Git(t, "init", "-q", w)
	trace = filepath.Join(w, "trace")
	o, err := git.Discover(ctx, w, append(os.Environ(), "GIT_TRACE2="+trace))
	if err != nil {
		t.Fatal(err)
	}
	if r, err = openReplica(ctx, o, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	for i := range lines {
		if err := refstest.AppendOne(r.Local(), agent, fmt.Sprint("line.", i)); err != nil {
			t.Fatal(err)
		}
	}
	return r, trace
}

func loose(t *testing.T, r *git.Replica) int {
	t.Helper()
	all, err := filepath.Glob(r.Path() + "/objects/??/*")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func yesterday(t *testing.T, r *git.Replica) {
	t.Helper()
	old := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(r.Path()+"/maintained", old, old); err != nil {
		t.Fatal(err)
	}
}

// age makes an object, or what lies beside it, two weeks older.
func age(t *testing.T, path string) {
	t.Helper()
	old := time.Now().Add(-15 * 24 * time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

func object(r *git.Replica, id refs.OID) string {
	return filepath.Join(r.Path(), "objects", string(id[:2]), string(id[2:]))
}

// crowd makes the directory that is examined look full.
func crowd(t *testing.T, r *git.Replica) {
	t.Helper()
	for n, i := 0, 0; n < 4; i++ {
		o := refs.Object{Kind: refs.Blob, Data: fmt.Appendf(nil, "crowd %d", i)}
		if strings.HasPrefix(string(refs.SHA1.ID(o)), "17") {
			if _, err := r.Local().Write(ctx, []refs.Object{o}); err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
}

func TestMaintain(t *testing.T) {
	r, trace := grown(t, 20)
	if r.MaintenanceDue() {
		t.Error("due although there is little to do")
	}
	crowd(t, r)
	if !r.MaintenanceDue() {
		t.Fatal("not due")
	}
	young, err := r.Local().Write(ctx, []refs.Object{{Kind: refs.Blob, Data: []byte("young")}})
	if err != nil {
		t.Fatal(err)
	}
	old, err := r.Local().Write(ctx, []refs.Object{{Kind: refs.Blob, Data: []byte("old")}})
	if err != nil {
		t.Fatal(err)
	}
	age(t, object(r, old[0]))
	before := loose(t, r)
	// This process is writing: what it wrote is not pruned, however old.
	if err := r.Maintain(ctx); err != nil {
		t.Fatal(err)
	}
	if n := loose(t, r); n != 6 || before < 100 { // the crowd, young and old
		t.Errorf("%d loose objects became %d", before, n)
	}
	if b, err := os.ReadFile(r.Path() + "/packed-refs"); err != nil || !strings.Contains(string(b), agent) {
		t.Error("refs are not packed", err)
	}
	if r.MaintenanceDue() {
		t.Error("due again at once")
	}
	// A swap ends the writing; the next day the old one goes, the young one stays.
	if err := refstest.AppendOne(r.Local(), agent, "line.20"); err != nil {
		t.Fatal(err)
	}
	yesterday(t, r)
	crowd(t, r)
	if err := refstest.AppendOne(r.Local(), agent, "line.21"); err != nil {
		t.Fatal(err)
	}
	if err := r.Maintain(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(object(r, old[0])); !errors.Is(err, os.ErrNotExist) {
		t.Error("an object of two weeks ago that nothing reaches is still there", err)
	}
	if _, err := os.Stat(object(r, young[0])); err != nil {
		t.Error(err)
	}
	if got := logLines(t, r.Local(), agent); len(got) != 22 {
		t.Errorf("%d lines", len(got))
	}
	refstest.Git(t, "--git-dir="+r.Path(), "fsck", "--strict", "--no-dangling")
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	prunes := 0
	for line := range strings.Lines(string(b)) {
		_, cmd, ok := strings.Cut(line, " start ")
		if !ok || !strings.Contains(cmd, "prune") || strings.Contains(cmd, "prune-packed") {
			continue
		}
		if prunes++; !strings.Contains(cmd, "prune --expire=2.weeks.ago") {
			t.Error(cmd)
		}
	}
	if prunes != 1 {
		t.Errorf("%d prunes, want one: the first was held back by a writer", prunes)
	}
}

// TestMaintainBesideWriters: upkeep again and again, as if each round were
// another day; nothing that was acknowledged is lost.
func TestMaintainBesideWriters(t *testing.T) {
	r, _ := grown(t, 5)
	lines := 40
	if testing.Short() {
		lines = 30
	}
	type result struct {
		acked []string
		err   error
	}
	results := make(chan result, 2)
	for p := range 2 {
		go func() {
			use := git.BackendVariable + "=" + []string{"native", "plumbing"}[p]
			acked, err := start([]string{use}, "append", r.Path(), agent, fmt.Sprint("p", p), fmt.Sprint(lines))
			results <- result{acked, err}
		}()
	}
	rounds, ended := 0, 0
	var acked []string
	for ended < 2 {
		select {
		case res := <-results:
			if res.err != nil {
				t.Error(res.err)
			}
			acked = append(acked, res.acked...)
			ended++
		default:
			if rounds > 0 {
				yesterday(t, r)
			}
			crowd(t, r)
			stray, err := r.Local().Write(ctx, []refs.Object{{Kind: refs.Blob, Data: fmt.Append(nil, "stray ", rounds)}})
			if err != nil {
				t.Fatal(err)
			}
			if err := refstest.AppendOne(r.Local(), "other-1", fmt.Sprint(rounds)); err != nil { // no writer is left
				t.Fatal(err)
			}
			age(t, object(r, stray[0]))
			if err := r.Maintain(ctx); err != nil {
				t.Error(err)
			}
			rounds++
		}
	}
	have := strings.Join(logLines(t, r.Local(), agent), " ") + " "
	for _, s := range acked {
		if strings.Count(have, s+" ") != 1 {
			t.Errorf("line %s is lost", s)
		}
	}
	if len(acked) != 2*lines || rounds < 2 {
		t.Errorf("%d acknowledged, %d rounds of upkeep", len(acked), rounds)
	}
	t.Logf("%d rounds beside %d appends", rounds, len(acked))
	refstest.Git(t, "--git-dir="+r.Path(), "fsck", "--strict", "--no-dangling")
}

// Refs are packed when there are many, also on a day on which maintenance was done.
func TestManyRefsArePacked(t *testing.T) {
	t.Parallel()
	r, trace := grown(t, 1)
	if err := os.WriteFile(r.Path()+"/maintained", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	tip := refstest.CommitOf(t, r.Local(), "a")
	var ups []refs.Update
	for n := range 65 {
		ups = append(ups, refs.Update{Ref: fmt.Sprint(refs.SeenPrefix, refs.Agents, "agent-", n), New: tip})
	}
	packs := func() int {
		b, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(b), " pack-refs --all")
	}
	if err := r.Local().SwapInOrder(ctx, ups[:64]); err != nil {
		t.Fatal(err)
	}
	if err := r.Maintain(ctx); err != nil || r.MaintenanceDue() || packs() != 0 {
		t.Fatalf("packed for 64 refs: %v", err)
	}
	if err := r.Local().SwapInOrder(ctx, ups[64:]); err != nil {
		t.Fatal(err)
	}
	if !r.MaintenanceDue() {
		t.Error("nobody would pack 65 refs")
	}
	if err := r.Maintain(ctx); err != nil || r.MaintenanceDue() || packs() == 0 {
		t.Errorf("65 refs are not packed: %v", err)
	}
	if all, err := r.Local().Refs(ctx, refs.SeenPrefix); err != nil || len(all) != 65 {
		t.Errorf("%d refs, %v", len(all), err)
	}
}
