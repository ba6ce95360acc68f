//go:build linux

package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
)

// A hub without a gate takes everything. Whatever it holds, the commands of
// every day take a bounded amount of memory: it is measured of the process
// itself, in shapes that cost the attacker next to nothing.

// peakLimit is the most memory that a command may take.
const peakLimit = 256 << 10 // KB

// bomb writes what no honest program writes straight into a hub.
type bomb struct {
	*bufio.Writer // git fast-import
	tb            testing.TB
	hub           string // its id
	key, signer   string // lines claim to be signed by it, where it is set
}

func (b *bomb) commit(ref, path string, data []byte) {
	fmt.Fprintf(b, "commit %s\ncommitter x <x@example.com> 1 +0000\ndata 0\n", ref)
	if path != "" {
		b.file(path, data)
	}
}

func (b *bomb) file(path string, data []byte) {
	fmt.Fprintf(b, "M 100644 inline %s\ndata %d\n%s\n", path, len(data), data)
}

// after puts n commits on top of a branch that is there.
func (b *bomb) after(ref string, n int, write func(i int)) {
	for i := range n {
		b.commit(ref, "", nil)
		if i == 0 {
			fmt.Fprintf(b, "from %s^0\n", ref)
		}
		write(i)
	}
}

// log is a log of n good lines. The first introduces its agent.
func (b *bomb) log(agent string, n int, body func(i int) event.Body) {
	b.commit("refs/heads/crosslink/agents/"+agent, "", nil)
	c := event.Chain{Hub: b.hub, Agent: agent}
	if b.signer != "" {
		c.Sign = func([]byte) (string, string, error) { return b.signer, "AAAA", nil }
	}
	var segment []byte
	for i := range n {
		what := event.Body(&event.AgentIntroduced{Kind: event.Machine, PublicKey: b.key})
		if i > 0 {
			what = body(i)
		}
		line, err := c.Stamp(&event.Envelope{Body: what}, event.TimeOf(time.Unix(1_700_000_000, 0)), 0)
		if err != nil {
			b.tb.Fatal(err)
		}
		segment = append(append(segment, line...), '\n')
		if (i+1)%refs.SegmentLines == 0 || i+1 == n {
			b.file(refs.SegmentPath(agent, uint64(i/refs.SegmentLines*refs.SegmentLines+1)), segment)
			segment = segment[:0]
		}
	}
}

func numbered(i int) event.UUID {
	return event.UUID{0: byte(i), 1: byte(i >> 8), 2: byte(i >> 16), 6: 0x40, 8: 0x80, 15: 1}
}

// longIssue packs to nearly nothing.
func longIssue(i int) event.Body {
	long := issue(i)
	long.Description = strings.Repeat("x", 60_000)
	return long
}

func issue(i int) *event.IssueCreated {
	return &event.IssueCreated{UUID: numbered(i), Title: "t", Priority: event.Low, CreatedBy: "m"}
}

// bombs are the shapes, in the size of every day and in that of a nightly run.
var bombs = []struct {
	name         string
	size, larger int
	write        func(b *bomb, n int)
}{
	{"a chain of parents", 500, 30_000, func(b *bomb, n int) {
		b.log("mallory", n, func(i int) event.Body {
			one := issue(i)
			if i > 1 {
				parent := numbered(i - 1)
				one.Parent = parent
			}
			return one
		})
	}},
	{"labels of one issue", 3_000, 100_000, func(b *bomb, n int) {
		b.log("mallory", n, func(i int) event.Body {
			if i == 1 {
				return issue(1)
			}
			return &event.LabelAdded{Issue: numbered(1), Label: fmt.Sprint("l", i)}
		})
	}},
	{"logs", 200, 10_000, func(b *bomb, n int) {
		for i := range n {
			b.log(fmt.Sprintf("agent-%d", i), 2, func(int) event.Body { return issue(i) })
		}
	}},
	{"signs of life", 500, 20_000, func(b *bomb, n int) {
		for i := range n {
			p := event.Presence{{Agent: "alice-1", LastSeen: event.TimeOf(time.Unix(1_700_000_000, int64(i))), State: "working"}}
			b.commit(fmt.Sprintf("refs/crosslink/presence/c%d", i), "presence.json", p.Encode())
		}
	}},
	{"one long line", 1, 1, func(b *bomb, n int) {
		b.commit("refs/heads/crosslink/agents/mallory", refs.SegmentPath("mallory", 1), bytes.Repeat([]byte("x"), 100<<20))
	}},
	{"files beside the log", 1_000, 60_000, func(b *bomb, n int) {
		b.commit("refs/heads/crosslink/agents/mallory", "x/0", nil)
		for i := range n {
			b.file(fmt.Sprint("events/", i), nil)
		}
	}},
	{"commits of meta", 500, 20_000, func(b *bomb, n int) {
		b.after("refs/heads/crosslink/meta", n, func(i int) { b.file("hub.json", fmt.Appendf(nil, `{"hub_version":4,"seq":%d}`, i+2)) })
	}},
	{"large commits of meta", 50, 300, func(b *bomb, n int) {
		big := bytes.Repeat([]byte(" "), 1<<20-100)
		b.after("refs/heads/crosslink/meta", n, func(i int) {
			b.file("hub.json", append(fmt.Appendf(nil, `{"hub_version":4,"seq":%d}`, i+2), big...))
		})
	}},
	{"steps of the ledger", 500, 50_000, func(b *bomb, n int) {
		b.after("refs/heads/crosslink/checkpoint", n, func(i int) { b.file("ledger.json", fmt.Appendf(nil, `{"sequence":%d}`, i+2)) })
	}},
	{"files of the ledger", 1_000, 60_000, func(b *bomb, n int) {
		b.after("refs/heads/crosslink/checkpoint", 1, func(int) {
			for i := range n {
				b.file(fmt.Sprint("locks/", i), []byte("{}"))
			}
		})
	}},
	{"comments of one issue", 3_000, 40_000, func(b *bomb, n int) {
		b.log("mallory", n, func(i int) event.Body {
			if i == 1 {
				return issue(1)
			}
			return &event.CommentAdded{Issue: numbered(1), Comment: numbered(i), Author: "m", Content: strings.Repeat("x", 100), CreatedAt: event.TimeOf(time.Unix(1_700_000_000, 0)), Kind: "note"}
		})
	}},
	{"long texts of one log", 1_000, 5_000, func(b *bomb, n int) { b.log("mallory", n, longIssue) }},
	{"long texts of many logs", 400, 5_000, func(b *bomb, n int) {
		for i := range n {
			b.log(fmt.Sprintf("agent-%d", i), 2, func(int) event.Body { return longIssue(i) })
		}
	}},
	{"long texts with signatures", 8, 40, func(b *bomb, n int) {
		blob := "\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + strings.Repeat("k", 32)
		sum := sha256.Sum256([]byte(blob))
		b.key, b.signer = "ssh-ed25519 "+base64.StdEncoding.EncodeToString([]byte(blob)), "SHA256:"+base64.RawStdEncoding.EncodeToString(sum[:])
		for i := range n { // none is good, which is only known when it is verified
			b.log(fmt.Sprintf("agent-%d", i), 64, func(k int) event.Body { return longIssue(i*64 + k) })
		}
	}},
	{"blockers of one issue", 2_000, 30_000, func(b *bomb, n int) {
		b.log("mallory", n, func(i int) event.Body {
			if i <= n/2 {
				return issue(i)
			}
			return &event.DependencyAdded{Blocked: numbered(1), Blocker: numbered(i - n/2 + 1)}
		})
	}},
	{"a tree of directories", 500, 2_000, func(b *bomb, n int) {
		b.commit("refs/heads/crosslink/agents/mallory", "events/"+strings.Repeat("x/", n)+"y", nil)
	}},
	{"commits of one log", 1_000, 100_000, func(b *bomb, n int) {
		for i := range n {
			b.commit("refs/heads/crosslink/agents/mallory", "events/000000/x", fmt.Append(nil, i))
		}
	}},
}

func TestBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("hubs full of rubbish; -short")
	}
	t.Parallel()
	often := []string{"sync", "list", "tree", "new x", "status"}
	for _, shape := range bombs {
		t.Run(strings.ReplaceAll(shape.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			n, commands := shape.size, often
			if os.Getenv("CROSSLINK_NIGHTLY") != "" {
				n, commands = shape.larger, append(slices.Clone(often), "list --json --status all", "tree --porcelain", "search t", "comment 1 y", "show 1", "doctor", "fsck")
			}
			w := newTown(t)
			_, hub, _ := strings.Cut(w.git("alice", "crosslink", "sync", "--json"), `"hub":"`)
			hub, _, _ = strings.Cut(hub, `"`)
			w.detonate(hub, func(b *bomb) { shape.write(b, n) })
			for _, c := range commands {
				w.peak(t, strings.Fields(c)...)
			}
			os.Remove(w.root + "/bob/.git/crosslink/replica.git/store.db") // and without the store
			for _, c := range []string{"list", "new z"} {
				w.peak(t, strings.Fields(c)...)
			}
		})
	}
}

// TestBombsInSideFiles: neither does a file beside the replica, however large it is
// and whatever it holds.
func TestBombsInSideFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("files full of rubbish; -short")
	}
	t.Parallel()
	megabytes, commands := 40, []string{"list", "new x"}
	if os.Getenv("CROSSLINK_NIGHTLY") != "" { // ten times what is read of the largest
		megabytes, commands = 320, append(commands, "sync", "show 1", "status")
	}
	w := newTown(t)
	for _, name := range []string{"judged.json", "signatures.json", "ledger.files", "pace.json", "present.json", "replica.git/store.db", "replica.git/next.lock", "replica.git/swap.lock"} {
		path := w.root + "/bob/.git/crosslink/" + name
		for what, fill := range map[string][]byte{"a hole": nil, "braces": []byte("{"), "entries": []byte(`{"`)} {
			t.Run(name+"/"+strings.ReplaceAll(what, " ", "-"), func(t *testing.T) {
				sideFile(t, path, fill, megabytes)
				for _, c := range commands {
					w.peak(t, strings.Fields(c)...)
				}
			})
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// sideFile makes a file of megabytes: a hole, one byte again and again, or an
// object of JSON with many members.
func sideFile(t *testing.T, path string, fill []byte, megabytes int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := bufio.NewWriterSize(f, 1<<20)
	switch size := megabytes << 20; {
	case fill == nil:
		err = f.Truncate(int64(size))
	case len(fill) == 1:
		for range megabytes {
			b.Write(bytes.Repeat(fill, 1<<20))
		}
	default:
		b.WriteString("{")
		for i := 0; i*80 < min(size, 30<<20); i++ { // more is not read
			fmt.Fprintf(b, "\"%064x\":\"%010x\",", i, i)
		}
		b.WriteString(`"":""}`)
	}
	if err := errors.Join(err, b.Flush()); err != nil {
		t.Fatal(err)
	}
}

func init() { commands["peak-of"] = peakOf }

// peakOf runs a command and says on stderr how much memory it took at most, in
// KB. It is a process of its own because the kernel counts for a child what its
// parent held when it was started.
func peakOf() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(127)
	}
	fmt.Fprintf(os.Stderr, "\npeak %d\n", cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	os.Exit(cmd.ProcessState.ExitCode())
}

// detonate puts what write writes on the hub.
func (t *town) detonate(hub string, write func(*bomb)) {
	t.tb.Helper()
	cmd := t.command("hub.git", "git", "fast-import", "--quiet", "--done")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.tb.Fatal(err)
	}
	var says bytes.Buffer
	cmd.Stderr = &says
	if err := cmd.Start(); err != nil {
		t.tb.Fatal(err)
	}
	b := &bomb{Writer: bufio.NewWriterSize(in, 1<<20), tb: t.tb, hub: hub}
	write(b)
	io.WriteString(b, "done\n")
	if err := b.Flush(); err != nil {
		t.tb.Error(err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.tb.Fatalf("git fast-import: %v: %s", err, &says)
	}
}

// peak runs a command in bob's clone and fails if it takes too much memory or
// prints without end.
func (t *town) peak(tb *testing.T, args ...string) {
	tb.Helper()
	cmd := t.command("bob", append([]string{"peak-of", "git-crosslink"}, args...)...)
	out, says := &limitedOutput{left: 64 << 20}, &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, says
	err := cmd.Run()
	_, last, _ := strings.Cut(says.String(), "\npeak ")
	kb, perr := strconv.ParseInt(strings.TrimSpace(last), 10, 64)
	if perr != nil || kb < 1<<10 {
		tb.Fatalf("%s: no peak: %v, %s", strings.Join(args, " "), err, says)
	}
	tb.Logf("%-24s %4d MB, %d bytes, %v", strings.Join(args, " "), kb>>10, 64<<20-out.left, err)
	if kb > peakLimit {
		tb.Errorf("%s took %d MB", strings.Join(args, " "), kb>>10)
	}
	if out.left < 0 {
		tb.Errorf("%s prints more than %d MB", strings.Join(args, " "), 64)
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 1 { // 1: a finding, nothing found
		tb.Errorf("%s ended with %d", strings.Join(args, " "), code)
	}
}

type limitedOutput struct{ left int }

func (l *limitedOutput) Write(p []byte) (int, error) {
	l.left -= len(p)
	return len(p), nil
}

// What is deeper than 64 levels is counted, not shown, and can be asked for.
func TestTreeIsOnlySoDeep(t *testing.T) {
	w := newTown(t)
	_, hub, _ := strings.Cut(w.git("alice", "crosslink", "sync", "--json"), `"hub":"`)
	hub, _, _ = strings.Cut(hub, `"`)
	w.detonate(hub, func(b *bomb) { bombs[0].write(b, 101) }) // 100 issues
	w.git("bob", "crosslink", "sync")
	deepest := func(args ...string) (max int) {
		for line := range strings.Lines(w.git("bob", append([]string{"crosslink", "tree", "--porcelain"}, args...)...)) {
			var depth int
			fmt.Sscan(line, &depth)
			if depth > max {
				max = depth
			}
		}
		return max
	}
	if plain, all := deepest(), deepest("--all"); plain != 63 || all != 63 {
		t.Errorf("%d and %d levels below the root", plain, all)
	}
	says, err := w.command("bob", "git-crosslink", "tree").CombinedOutput()
	_, hint, ok := strings.Cut(string(says), "36 issues deeper than 64 levels not shown\nhint: show the issues below one: git crosslink tree ")
	if err != nil || !ok {
		t.Fatalf("%v: %s", err, says)
	}
	if got := deepest(strings.Fields(hint)[0]); got != 36 {
		t.Errorf("%d levels below what the hint names", got)
	}
	if got := w.git("bob", "crosslink", "tree", "--json"); strings.Count(got, `"hidden":36`) != 1 || strings.Count(got, `"children"`) != 64+1 {
		t.Errorf("%d nodes: %.200s", strings.Count(got, `"children"`), got)
	}
}
