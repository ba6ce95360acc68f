package gate_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/git-crosslink/git-crosslink/cli"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// The hooks that are installed start this very test program, which is then
// the whole program.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "hook" {
		code := cli.Main(os.Args)
		if file := os.Getenv("CROSSLINK_TEST_PEAK"); file != "" {
			notePeak(file)
		}
		os.Exit(code)
	}
	os.Exit(testkit.Main(m))
}

// notePeak writes down how many KB this process took at most.
func notePeak(file string) {
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			os.WriteFile(file, []byte(strings.TrimSuffix(strings.TrimSpace(kb), " kB")), 0o644)
		}
	}
}

const hubID = "0b9ba0a4-8a9f-4f1a-9d53-3f1f3c3b7a10"

const agents = "refs/heads/crosslink/agents/"

// world is a hub behind a gate, and a repository from which anything at all
// can be pushed to it.
type world struct {
	t    testing.TB
	ctx  context.Context
	dir  string
	hub  string // a bare repository
	evil string // another one
	env  []string
	repo *git.Plumbing // evil's objects
	form refs.Format
	when time.Time

	keys  map[string]*key
	metas []*metaCommit
	logs  map[string]*log
	tip   refs.OID // of the ledger
}

type key struct {
	trust.Key
	ssh ssh.Signer
}

type metaCommit struct {
	id    refs.OID
	files map[string][]byte
	roll  *trust.State
}

// log is one agent's log on the hub.
type log struct {
	id    string
	chain event.Chain
	tip   refs.OID
	lines [][]byte
	key   *key // that signs; nil: unsigned
}

func environ(dir string) []string {
	return append(testkit.Environment(), "PATH="+os.Getenv("PATH"), "HOME="+dir,
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com")
}

// newWorld makes a hub with a branch of code, without a tracker and a gate.
func newWorld(t testing.TB, format string) *world {
	t.Helper()
	w := &world{t: t, ctx: context.Background(), dir: t.TempDir(), when: time.Now().Add(-time.Hour).Truncate(time.Second),
		keys: map[string]*key{}, logs: map[string]*log{}}
	w.hub, w.evil, w.env = filepath.Join(w.dir, "hub.git"), filepath.Join(w.dir, "evil.git"), environ(w.dir)
	w.git("init", "-q", "--bare", "-b", "main", "--object-format="+format, w.hub)
	if err := testkit.WithoutCollection(w.hub); err != nil {
		t.Fatal(err)
	}
	w.git("init", "-q", "--bare", "-b", "main", "--object-format="+format, w.evil)
	var err error
	if w.form, err = refs.ParseFormat(format); err != nil {
		t.Fatal(err)
	}
	w.repo = git.NewPlumbing(w.evil, w.evil, w.form, w.env)
	t.Cleanup(func() { w.repo.Close() })
	w.mustPush(string(w.code("start")) + ":refs/heads/main")
	return w
}

func (w *world) install(mode string) {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := gate.Install(w.ctx, w.hub, mode, self, w.env); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = w.evil, w.env
	if _, err := os.Stat(w.evil); err != nil {
		cmd.Dir = w.dir
	}
	return cmd
}

func (w *world) git(args ...string) string {
	w.t.Helper()
	var out, msg bytes.Buffer
	cmd := w.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &msg
	if err := cmd.Run(); err != nil {
		w.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, &msg)
	}
	return strings.TrimSpace(out.String())
}

// push pushes from evil and returns all that git says, and whether it says
// that all went well.
func (w *world) push(args ...string) (says string, ok bool) {
	w.t.Helper()
	out, err := w.command(append([]string{"push", "--porcelain", w.hub}, args...)...).CombinedOutput()
	return string(out), err == nil
}

func (w *world) mustPush(args ...string) {
	w.t.Helper()
	if says, ok := w.push(args...); !ok {
		w.t.Fatalf("push %q: %s", args, says)
	}
}

// refs are the hub's.
func (w *world) refs() map[string]string {
	w.t.Helper()
	m := map[string]string{}
	for line := range strings.Lines(w.git("--git-dir="+w.hub, "for-each-ref", "--format=%(refname) %(objectname)")) {
		name, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		m[name] = id
	}
	return m
}

func (w *world) now() time.Time {
	w.when = w.when.Add(time.Second)
	return w.when
}

// code is a new commit of somebody's program.
func (w *world) code(text string) refs.OID {
	w.t.Helper()
	return w.files(map[string][]byte{"main.c": []byte(text)}, nil)
}

func (w *world) files(files map[string][]byte, parents []refs.OID) refs.OID {
	w.t.Helper()
	id, err := refs.WriteCommit(w.ctx, w.repo, files, parents, refs.CommitInfo{Author: "somebody", When: w.now(), Message: "x"})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// key returns the key of a name, the same in every run.
func (w *world) key(name string) *key {
	if w.keys[name] == nil {
		s, err := ssh.NewSignerFromSigner(ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%-32.32s", name))))
		if err != nil {
			w.t.Fatal(err)
		}
		k, err := trust.KeyOf(s.PublicKey())
		if err != nil {
			w.t.Fatal(err)
		}
		w.keys[name] = &key{k, s}
	}
	return w.keys[name]
}

func (k *key) sign(namespace string, message []byte) (*trust.Signature, error) {
	sig, err := k.ssh.Sign(rand.Reader, trust.SignedData(namespace, message))
	if err != nil {
		return nil, err
	}
	return trust.NewSignature(k.Key, namespace, sig), nil
}

// signer signs lines.
func (k *key) signer() func([]byte) (string, string, error) {
	if k == nil {
		return nil
	}
	return func(signed []byte) (string, string, error) {
		if signed == nil {
			return k.Fingerprint(), "", nil
		}
		s, err := k.sign(trust.EventNamespace, signed)
		if err != nil {
			return "", "", err
		}
		return k.Fingerprint(), s.String(), nil
	}
}

// meta makes a meta commit on the newest one, signed by a key unless it is nil.
func (w *world) meta(by *key, change func(m *trust.Meta, s *trust.Signers) *trust.Signers) *metaCommit {
	w.t.Helper()
	m := trust.Meta{Version: 4, Hub: hubID, Seq: 1, CreatedAt: event.TimeOf(w.now()), Signing: trust.Warn, Open: true,
		Admins: []string{}, Revoked: map[string]trust.Revocation{}}
	s := &trust.Signers{}
	var parents []refs.OID
	var last *metaCommit
	if n := len(w.metas); n > 0 {
		last = w.metas[n-1]
		m, s, parents = *last.roll.Meta, last.roll.Signers, []refs.OID{last.id}
		m.Revoked = maps.Clone(m.Revoked)
	}
	s = change(&m, s)
	files := trust.MetaFiles(&m, s)
	if last != nil {
		files = last.roll.Draft(m, s)
	}
	if by != nil {
		sig, err := by.sign(trust.MetaNamespace, trust.MetaSigned(files))
		if err != nil {
			w.t.Fatal(err)
		}
		files = trust.Signed(files, sig)
	}
	return w.metaOf(files, parents)
}

func (w *world) metaOf(files map[string][]byte, parents []refs.OID) *metaCommit {
	w.t.Helper()
	return &metaCommit{id: w.files(files, parents), files: files}
}

// accept makes a meta commit the newest one.
func (w *world) accept(c *metaCommit) {
	w.t.Helper()
	var err error
	if len(w.metas) == 0 {
		c.roll, err = trust.FirstMeta(c.files)
	} else {
		c.roll, err = w.metas[len(w.metas)-1].roll.Next(c.files)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.metas = append(w.metas, c)
}

// list lists an agent's key.
func (w *world) list(s *trust.Signers, agent, key string) *trust.Signers {
	return s.With(trust.Signer{Principal: trust.Principal(agent), Key: w.key(key).Key})
}

// uuid is the nth of a kind.
func uuid(n int) event.UUID {
	u, _ := event.ParseUUID(fmt.Sprintf("%08x-aaaa-4aaa-8aaa-%012x", n, n))
	return u
}

// bodies are things to say: an introduction first, an issue, comments.
func (w *world) body(l *log, seq uint64) event.Body {
	n := 1000*len(l.id) + int(l.id[0])
	switch seq {
	case 1:
		b := &event.AgentIntroduced{Kind: event.Machine}
		if l.key != nil {
			b.PublicKey = l.key.String()
		}
		return b
	case 2:
		return &event.IssueCreated{UUID: uuid(n), Title: "of " + l.id, Priority: event.Medium, CreatedBy: l.id}
	}
	return &event.CommentAdded{Issue: uuid(n), Comment: uuid(n<<12 + int(seq)), Author: l.id, Content: fmt.Sprint("comment ", seq), CreatedAt: event.TimeOf(w.when), Kind: "note"}
}

func (w *world) log(id string, k *key) *log {
	if w.logs[id] == nil {
		w.logs[id] = &log{id: id, chain: event.Chain{Hub: hubID, Agent: id}, key: k}
	}
	return w.logs[id]
}

// next makes the log's next n lines without adding them; change may alter an
// envelope before it is stamped.
func (w *world) next(l *log, n int) (lines [][]byte, chain event.Chain) {
	w.t.Helper()
	chain = l.chain
	chain.Sign = l.key.signer()
	for range n {
		lines = append(lines, w.line(&chain, w.body(l, chain.Seq+1)))
	}
	return lines, chain
}

// line stamps one line onto a chain.
func (w *world) line(chain *event.Chain, b event.Body) []byte {
	w.t.Helper()
	line, err := chain.Stamp(&event.Envelope{Body: b}, event.TimeOf(w.now()), 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return line
}

// put appends lines to a tip, whatever they are.
func (w *world) put(id string, tip refs.OID, lines ...[]byte) refs.OID {
	w.t.Helper()
	oid, err := refs.AppendLog(w.ctx, w.repo, id, tip, lines, refs.CommitInfo{Author: "somebody", When: w.now(), Message: "x"})
	if err != nil {
		w.t.Fatal(err)
	}
	return oid
}

// grow appends n lines to a log for good.
func (w *world) grow(l *log, n int) refs.OID {
	w.t.Helper()
	lines, chain := w.next(l, n)
	l.tip, l.chain, l.lines = w.put(l.id, l.tip, lines...), chain, append(l.lines, lines...)
	l.chain.Sign = nil
	return l.tip
}

// step makes the next step over the logs, on a tip and under a meta commit.
func (w *world) step(on, meta refs.OID, by *key, logs map[string]string) refs.OID {
	w.t.Helper()
	r := ledger.NewReader(replay.NewSteps(w.ctx, w.repo, hubID), hubID)
	if on == "" {
		root, err := ledger.Root(hubID, nil, "alice", event.TimeOf(w.now()))
		if err != nil {
			w.t.Fatal(err)
		}
		on = w.files(root.Changes(nil), nil)
	}
	v, err := r.Read(string(on))
	if err != nil {
		w.t.Fatal(err)
	}
	d, err := r.Next(ledger.Plan{On: v, Meta: string(meta), By: "alice", At: event.TimeOf(w.now()), Logs: logs})
	if err != nil || d == nil {
		w.t.Fatalf("no step: %v", err)
	}
	if by != nil {
		d.Ledger.SignedBy = by.Fingerprint()
		s, err := by.sign(trust.LedgerNamespace, d.Ledger.Signed())
		if err != nil {
			w.t.Fatal(err)
		}
		d.Ledger.Signature = s.String()
	}
	return w.stepOf(d, d.Files())
}

func (w *world) stepOf(d *ledger.Draft, files map[string][]byte) refs.OID {
	w.t.Helper()
	var parents []refs.OID
	for _, p := range d.Parents {
		parents = append(parents, refs.OID(p))
	}
	id, err := refs.WriteChanges(w.ctx, w.repo, refs.OID(d.On.Step), files, parents, refs.CommitInfo{Author: "alice", When: w.now(), Message: "step"})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// tips are the tips of logs, as a plan wants them.
func (w *world) tips(ids ...string) map[string]string {
	m := map[string]string{}
	for _, id := range ids {
		m[id] = string(w.logs[id].tip)
	}
	return m
}

// tree is one made by hand: mode SP path → content ("" with mode 160000).
func (w *world) tree(base refs.OID, entries map[string][]byte, parents ...refs.OID) refs.OID {
	w.t.Helper()
	index := filepath.Join(w.dir, "index")
	os.Remove(index)
	run := func(in []byte, args ...string) string {
		cmd := w.command(args...)
		cmd.Env = append(slices.Clone(w.env), "GIT_INDEX_FILE="+index)
		cmd.Stdin = bytes.NewReader(in)
		out, err := cmd.Output()
		if err != nil {
			w.t.Fatalf("git %q: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	if base != "" {
		run(nil, "read-tree", string(base))
	}
	for name, data := range entries {
		mode, path, _ := strings.Cut(name, " ")
		id := string(parents[0])
		if mode != "160000" {
			id = run(data, "hash-object", "-w", "--stdin")
		}
		run(nil, "update-index", "--add", "--cacheinfo", mode+","+id+","+path)
	}
	args := []string{"commit-tree", "-m", "x", run(nil, "write-tree")}
	for _, p := range parents {
		args = append(args, "-p", string(p))
	}
	return refs.OID(run(nil, args...))
}

// refusedInWords pushes what must not be taken, for a reason of no rule.
func (w *world) refusedInWords(spec, words string) {
	w.t.Helper()
	before := w.refs()
	if says, ok := w.push(spec); ok || !strings.Contains(says, words) {
		w.t.Errorf("want %q, git says\n%s", words, says)
	}
	if !maps.Equal(before, w.refs()) {
		w.t.Errorf("something moved: %v", w.refs())
	}
}
