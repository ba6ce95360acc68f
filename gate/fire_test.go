//go:build unix

package gate_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// children is the CPU time of all processes that were waited for.
func children() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measured runs f and returns the CPU time of the processes it started.
func measured(f func()) time.Duration {
	before := children()
	f()
	return children() - before
}

// TestTenThousandEvents: a large push is checked in well under 10 s of CPU,
// whether it comes in one commit or in one for each event. The bound is of CPU
// time, several times what it takes, so that a slow machine fails nothing.
func TestTenThousandEvents(t *testing.T) {
	w := settled(t, gate.Whole, trust.Warn, true)
	bare := newWorld(t, "sha1") // the same without a gate
	slow := 1000                // of one commit each; nightly as many as of the other
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		slow = 10_000
	}
	for _, c := range []struct {
		name       string
		n, commits int
	}{{"one commit", 10_000, 1}, {"a commit for each event", slow, slow}} {
		if c.commits > 1 && testing.Short() {
			continue
		}
		n := c.n
		l := w.log(fmt.Sprintf("many-%d", c.commits), w.key("many"))
		w.when = w.when.Add(-72 * time.Hour) // a second each
		lines, _ := w.next(l, n)
		tip := commits(w, l.id, lines, c.commits)
		spec := string(tip) + ":" + agents + l.id
		var says string
		var ok bool
		plain := measured(func() { w.git("push", "-q", bare.hub, spec) })
		took := measured(func() { says, ok = w.push(spec) })
		if !ok {
			t.Fatal(says)
		}
		t.Logf("%s: %d events, %v CPU, %v without the gate: %v for each event", c.name, n, took.Round(time.Millisecond), plain.Round(time.Millisecond), ((took - plain) / time.Duration(n)).Round(100*time.Nanosecond))
		if took > 10*time.Second {
			t.Errorf("%s: %v CPU", c.name, took)
		}
		one := w.put(l.id, tip, w.line(chainAfter(l, lines), w.body(l, uint64(n)+1)))
		took = measured(func() { says, ok = w.push(string(one) + ":" + agents + l.id) })
		if !ok {
			t.Fatal(says)
		}
		t.Logf("%s: one event more: %v CPU", c.name, took.Round(time.Millisecond))
	}
}

func chainAfter(l *log, lines [][]byte) *event.Chain {
	last, err := event.Decode(lines[len(lines)-1])
	if err != nil {
		panic(err)
	}
	return &event.Chain{Hub: hubID, Agent: l.id, Seq: last.Seq, Hash: event.Hash(last.Raw), Time: last.Time, Sign: l.key.signer()}
}

// commits builds a log in so many commits, by fast-import: git itself is
// quickest at that.
func commits(w *world, id string, lines [][]byte, n int) refs.OID {
	w.t.Helper()
	var b bytes.Buffer
	per := len(lines) / n
	for i := range n {
		fmt.Fprintf(&b, "commit refs/import/%s\ncommitter x <x@x> %d +0000\ndata 1\nx\n", id, 1_700_000_000+i)
		for at := i * per; at < (i+1)*per; {
			first := at / 64 * 64
			end := min(first+64, (i+1)*per)
			data := append(bytes.Join(lines[first:end], []byte("\n")), '\n')
			fmt.Fprintf(&b, "M 100644 inline %s\ndata %d\n%s\n", refs.SegmentPath(id, uint64(first+1)), len(data), data)
			at = end
		}
	}
	cmd := w.command("fast-import", "--quiet", "--done")
	b.WriteString("done\n")
	cmd.Stdin = &b
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("fast-import: %v\n%s", err, out)
	}
	return refs.OID(w.git("rev-parse", "refs/import/"+id))
}

// TestAKilledGateChangesNothing: at any moment of its work.
func TestAKilledGateChangesNothing(t *testing.T) {
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		w := settled(t, mode, trust.Warn, true)
		hook := filepath.Join(w.hub, "hooks", mode)
		text, err := os.ReadFile(hook)
		if err != nil {
			t.Fatal(err)
		}
		l := w.logs["alice"]
		lines, _ := w.next(l, 500)
		spec := string(w.put("alice", l.tip, lines...)) + ":" + agents + "alice"
		before, killed := w.refs(), 0
		for _, ms := range []int{0, 2, 5, 10, 20, 40} {
			// the program is ended from behind, as the kernel would when memory is short
			dying := regexp.MustCompile(`(?m)^program=.*$`).ReplaceAllStringFunc(string(text), func(line string) string {
				self := strings.TrimPrefix(line, "program=")
				file := filepath.Join(w.dir, "dying")
				put(t, file, "#!/bin/sh\n"+self+" \"$@\" &\nsleep 0."+fmt.Sprintf("%03d", ms)+"\nkill -9 $! && : >>"+w.dir+"/killed\nwait $!\n", 0o755)
				return "program='" + file + "'"
			})
			put(t, hook, dying, 0o755)
			says, ok := w.push(spec)
			if _, err := os.Stat(w.dir + "/killed"); err == nil {
				killed++
				os.Remove(w.dir + "/killed")
			}
			if !maps.Equal(before, w.refs()) {
				if !ok {
					t.Errorf("%s after %d ms: refused, and yet: %s", mode, ms, says)
				}
				break // it was quicker
			}
			if ok {
				t.Errorf("%s after %d ms: accepted and not there: %s", mode, ms, says)
			}
		}
		if killed == 0 {
			t.Errorf("%s: it was never killed in time", mode)
		}
		put(t, hook, string(text), 0o755)
		w.mustPush(spec)
		w.git("--git-dir="+w.hub, "fsck", "--strict")
	}
}

// TestConcurrentPushes: each writer to its own log, all at once, and all of
// them at the ledger, of which one wins.
func TestConcurrentPushes(t *testing.T) {
	w := settled(t, gate.Whole, trust.Warn, true)
	const n = 6
	specs := make([]string, n)
	steps := make([]string, n)
	for i := range n {
		l := w.log(fmt.Sprintf("writer-%d", i), nil)
		w.grow(l, 5)
		specs[i] = string(l.tip) + ":" + agents + l.id
	}
	for i := range n {
		steps[i] = string(w.step(w.tip, w.metas[1].id, nil, w.tips(fmt.Sprintf("writer-%d", i)))) + ":refs/heads/crosslink/checkpoint"
	}
	all := func(specs []string) (taken int) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for _, s := range specs {
			wg.Go(func() {
				out, err := w.command("push", "--porcelain", w.hub, s).CombinedOutput()
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					taken++
				} else {
					t.Logf("%s", out)
				}
			})
		}
		wg.Wait()
		return taken
	}
	if taken := all(specs); taken != n {
		t.Errorf("%d of %d logs were taken", taken, n)
	}
	if taken := all(steps); taken != 1 {
		t.Errorf("%d steps were taken, not one", taken)
	}
	w.git("--git-dir="+w.hub, "fsck", "--strict")
}

// TestHostilePacks: what unfolds to any size costs the gate little memory, and
// what is over the limit never comes to it.
func TestHostilePacks(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the greatest memory of a process is read from /proc")
	}
	w := settled(t, gate.Whole, trust.Warn, true)
	l := w.logs["alice"]
	huge := bytes.Repeat([]byte("x"), 70<<20) // a few kB in a pack
	peak := filepath.Join(w.dir, "peak")
	hook := filepath.Join(w.hub, "hooks", gate.Whole)
	text, err := os.ReadFile(hook)
	if err != nil {
		t.Fatal(err)
	}
	// the hook notes how much memory its children took at most
	const start = `"$program" hook pre-receive`
	if !bytes.Contains(text, []byte(start)) {
		t.Fatalf("the hook does not start the program in the way that is altered here: %s", text)
	}
	put(t, hook, strings.Replace(string(text), start, "CROSSLINK_TEST_PEAK='"+peak+"' "+start, 1), 0o755)
	for name, tip := range map[string]refs.OID{
		"a segment": w.tree(l.tip, map[string][]byte{"100644 " + refs.SegmentPath("alice", 65): huge}, l.tip),
		"a file":    w.tree(w.metas[1].id, map[string][]byte{"100644 hub.json": huge}, w.metas[1].id),
		"a step":    w.tree(w.tip, map[string][]byte{"100644 state.json": huge}, w.tip),
	} {
		ref := agents + "alice"
		switch name {
		case "a file":
			ref = "refs/heads/crosslink/meta"
		case "a step":
			ref = "refs/heads/crosslink/checkpoint"
		}
		os.Remove(peak)
		says, ok := w.push(string(tip) + ":" + ref)
		if ok || !strings.Contains(says, "refused '"+ref+"'") {
			t.Errorf("%s: %s", name, says)
		}
		b, err := os.ReadFile(peak)
		kb, perr := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil || perr != nil {
			t.Fatalf("%s: no peak: %v, %v", name, err, perr)
		}
		t.Logf("%s of %d MB: the gate took %d MB at most", name, len(huge)>>20, kb>>10)
		bound := 64
		if name == "a step" { // a file of the ledger may be as long as what a level-3 hub left behind
			bound = 256
		}
		if kb>>10 > bound {
			t.Errorf("%s: the gate took %d MB", name, kb>>10)
		}
	}
	before := w.refs()
	w.git("--git-dir="+w.hub, "config", "receive.maxInputSize", "20k")
	noise := make([]byte, 100<<10)
	rand.NewChaCha8([32]byte{}).Read(noise) // nothing that packs
	if says, ok := w.push(string(w.tree(l.tip, map[string][]byte{"100644 " + refs.SegmentPath("alice", 65): append(noise, []byte(w.key("x").String())...)}, l.tip)) + ":" + agents + "alice"); ok || !strings.Contains(says, "exceeds maximum allowed size") {
		t.Errorf("over the limit: %s", says)
	}
	if !maps.Equal(before, w.refs()) {
		t.Error("something moved")
	}
	put(t, hook, string(text), 0o755)
}
