package ledger_test

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// The bytes of the checkpoint (rules 2), and how many there are.

func TestStateJSON(t *testing.T) {
	s := newScene(t)
	u := event.UUID{0xab}
	s.say("agent-a", created(u))
	s.say("agent-a", &event.LockClaimed{Issue: u, Branch: "flux"})
	s.claim("agent-b", u, true)
	l := s.step().Copy()
	l.IssueAliases = map[uint64]uint64{10: 1, 9: 1}
	l.Merged = strings.Repeat("c", 40)
	l.SignedBy, l.Signature = "SHA256:x", "AAAA"
	want := `{"aliases":{"issues":{"10":1,"9":1}},"hub":"6f1c1f7e-3c5a-4d0e-9d7b-1c2d3e4f5a6b","hub_version":4,` +
		`"locks":{"ab000000-0000-0000-0000-000000000000":{"agent":"agent-a","branch":"flux","claim_seq":2,` +
		`"claimed_at":"2026-02-25T06:13:22.000000000Z","token":2}},"merged":"cccccccccccccccccccccccccccccccccccccccc",` +
		`"meta":"0000000000000000000000000000000000000001","numbers":{"issues":{"hash":"` + sum([]byte("1 ab000000-0000-0000-0000-000000000000 agent-a 1")) + `","last":1},` +
		`"milestones":{"hash":"","last":0}},"positions":"` + sum(shards(l)) + `","queue":{"ab000000-0000-0000-0000-000000000000":` +
		`[{"agent":"agent-b","claim_seq":1,"claimed_at":"2026-02-25T06:13:23.000000000Z"}]},"rules":1,"sequence":2,` +
		`"signature":"AAAA","signed_by":"SHA256:x","written_at":"2026-02-25T06:13:23.000000000Z","written_by":"agent-a"}` + "\n"
	if got := string(l.Files()["state.json"]); got != want {
		t.Fatalf("\n%s\n%s", got, want)
	}
	if signed := string(l.Signed()); signed+"\n" != strings.Replace(want, `"signature":"AAAA",`, "", 1) {
		t.Fatal(signed)
	}
	d, err := ledger.Decode(l.Files())
	if err != nil || !maps.EqualFunc(d.Files(), l.Files(), bytes.Equal) {
		t.Fatal(err)
	}
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// shards are the position files' bytes joined in name order.
func shards(l *ledger.Ledger) (all []byte) {
	files := l.Files()
	for _, p := range slices.Sorted(maps.Keys(files)) {
		if strings.HasPrefix(p, "positions/") {
			all = append(all, files[p]...)
		}
	}
	return all
}

func TestNumberFilesHold64LinesCountedByLine(t *testing.T) {
	s := newScene(t)
	for range 150 {
		s.create("agent-a")
		s.step()
	}
	l := s.view().Ledger
	files := l.Files()
	var all []byte
	for k, want := range []int{64, 64, 22} {
		data := files[fmt.Sprintf("numbers/issues/%06d", k)]
		if bytes.Count(data, []byte("\n")) != want {
			t.Fatalf("file %d: %d lines", k, bytes.Count(data, []byte("\n")))
		}
		all = append(all, data...)
	}
	var h event.RunningHash
	for i, line := range strings.Split(strings.TrimSuffix(string(all), "\n"), "\n") {
		if !strings.HasPrefix(line, fmt.Sprintf("%d ", i+1)) {
			t.Fatal(line)
		}
		h.Add([]byte(line))
	}
	if !strings.Contains(string(files["state.json"]), `{"hash":"`+h.String()+`","last":150}`) {
		t.Fatal("the hash is not the running hash of the lines")
	}
}

func TestAPositionStandsInItsAgentsShard(t *testing.T) {
	s := newScene(t)
	e := s.say("agent-a", created(s.uuid()))
	h := sha256.Sum256([]byte("agent-a"))
	x := hex.EncodeToString(h[:1])
	want := "agent-a 1 " + event.Hash(e.Raw) + "\n"
	if got := s.step().Files()["positions/"+x[:1]+"/"+x[1:]]; string(got) != want {
		t.Fatalf("%q, want %q", got, want)
	}
}

func TestChangesAreWhatDiffers(t *testing.T) {
	s := newScene(t)
	for range 70 {
		s.create("agent-a")
	}
	s.create("agent-b")
	s.step()
	s.create("agent-b")
	d := s.draft()
	all, old := d.Ledger.Files(), d.On.Ledger.Files()
	var want []string
	for p, data := range all {
		if !bytes.Equal(old[p], data) {
			want = append(want, p)
		}
	}
	sort.Strings(want)
	if got := slices.Sorted(maps.Keys(d.Files())); !slices.Equal(got, want) || len(got) != 3 {
		t.Fatalf("%q, want %q", got, want)
	}
}

// TestTwoStepsOnOneBaseDoNotMeet: scratch steps share memory with what they
// were made from, and must not be seen there.
func TestTwoStepsOnOneBaseDoNotMeet(t *testing.T) {
	s := newScene(t)
	s.create("agent-a")
	base := s.step()
	u, v := s.create("agent-b"), s.create("agent-c")
	one, two := s.draft("agent-b").Ledger, s.draft("agent-c").Ledger
	if one.Issue(u) != 2 || one.Issue(v) != 0 || two.Issue(v) != 2 || two.Issue(u) != 0 || base.Issue(u)+base.Issue(v) != 0 {
		t.Fatal(words(one), words(two), words(base))
	}
	if bytes.Equal(one.Files()["numbers/issues/000000"], two.Files()["numbers/issues/000000"]) || len(base.Issues()) != 1 {
		t.Fatal("they share lines")
	}
}

// crowd is a chain with many agents, issues and held locks, and one more undecided issue
// and claim of one agent.
func crowd(t testing.TB, agents, issues, locks int) (*scene, *ledger.Draft) {
	s := newScene(t)
	ids := make([]string, agents)
	for i := range ids {
		h := sha256.Sum256(fmt.Appendf(nil, "%d", i))
		ids[i] = fmt.Sprintf("person-host-%x", h[:2+i%3])
		s.say(ids[i], &event.AgentRetired{})
	}
	for i := range issues {
		s.create(ids[i%agents])
		if i < locks {
			s.claim(ids[i], s.uuid(), false)
		}
	}
	s.step()
	u := s.create(ids[7])
	s.claim(ids[7], u, false)
	return s, s.draft()
}

// looseSize is what git writes for a step: changed blobs, the trees above them
// and the commit, each compressed by itself.
func looseSize(s *scene, d *ledger.Draft) (size int) {
	add := func(kind string, data []byte) string {
		var b bytes.Buffer
		w := zlib.NewWriter(&b)
		raw := append(fmt.Appendf(nil, "%s %d\x00", kind, len(data)), data...)
		w.Write(raw)
		w.Close()
		size += b.Len()
		h := sha256.Sum256(raw)
		return string(h[:20])
	}
	changed := d.Files()
	files := d.Ledger.Files()
	var tree func(prefix string) string
	tree = func(prefix string) string {
		var body []byte
		seen := map[string]bool{}
		for _, p := range slices.Sorted(maps.Keys(files)) {
			rest, ok := strings.CutPrefix(p, prefix)
			name, _, dir := strings.Cut(rest, "/")
			if !ok || seen[name] {
				continue
			}
			seen[name] = true
			before := size
			var id, mode string
			if dir {
				mode, id = "40000", tree(prefix+name+"/")
			} else {
				mode, id = "100644", add("blob", files[p])
			}
			touched := false
			for c := range changed {
				touched = touched || c == p || dir && strings.HasPrefix(c, prefix+name+"/")
			}
			if !touched {
				size = before // already there
			}
			body = append(append(append(body, mode+" "+name...), 0), id...)
		}
		return add("tree", body)
	}
	tree("")
	add("commit", fmt.Appendf(nil, "tree %040x\n%sauthor a <a@crosslink> 1 +0000\ncommitter a <a@crosslink> 1 +0000\n\nx\n",
		1, strings.Repeat(fmt.Sprintf("parent %040x\n", 2), len(d.Parents))))
	return size
}

func TestAStepIsSmall(t *testing.T) {
	for _, x := range []struct{ issues, locks, most int }{{1000, 2, 8 << 10}, {10_000, 50, 8 << 10}} {
		s, d := crowd(t, 1000, x.issues, x.locks)
		n := looseSize(s, d)
		t.Logf("1,000 agents, %d issues, %d locks: %d bytes loose in %d files", x.issues, x.locks, n, len(d.Files()))
		if x.most > 0 && n > x.most {
			t.Errorf("a step has %d bytes loose, at most %d are wanted", n, x.most)
		}
		if testing.Short() {
			return
		}
	}
}

// TestAStepIsSmallInAPack asks git: 200 steps of a hub with 1,000 agents.
func TestAStepIsSmallInAPack(t *testing.T) {
	if testing.Short() {
		t.Skip("starts git a few times")
	}
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git")
	}
	const steps = 200
	s, _ := crowd(t, 1000, 1000, 20)
	dir := t.TempDir()
	run := func(in []byte, args ...string) {
		cmd := exec.Command(git, append([]string{"-C", dir, "-c", "core.compression=-1"}, args...)...)
		cmd.Stdin = bytes.NewReader(in)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	packed := func() (n int64) {
		run(nil, "repack", "-q", "-a", "-d", "-f")
		files, _ := filepath.Glob(filepath.Join(dir, "objects/pack/*.pack"))
		for _, f := range files {
			st, err := os.Stat(f)
			if err != nil {
				t.Fatal(err)
			}
			n += st.Size()
		}
		return n
	}
	run(nil, "init", "-q", "--bare", ".")
	var in bytes.Buffer
	commit := func(files map[string][]byte) {
		fmt.Fprintf(&in, "commit refs/heads/x\ncommitter a <a@crosslink> 1 +0000\ndata 1\nx\n")
		for _, p := range slices.Sorted(maps.Keys(files)) {
			fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", p, len(files[p]), files[p])
		}
	}
	ids := slices.Sorted(maps.Keys(s.logs))
	commit(s.step().Files())
	run(in.Bytes(), "fast-import", "--quiet", "--force")
	before := packed()
	in.Reset()
	fmt.Fprintf(&in, "reset refs/heads/x\nfrom refs/heads/x^0\n\n")
	for i := range steps {
		id := ids[i*37%len(ids)]
		s.claim(id, s.create(id), false)
		d := s.draft()
		commit(d.Files())
		s.take2(s.write(d))
	}
	run(in.Bytes(), "fast-import", "--quiet", "--force")
	n := (packed() - before) / steps
	t.Logf("1,000 agents, 1,000 issues: %d bytes packed per step", n)
	if n > 1536 {
		t.Errorf("a step has %d bytes packed, at most 1.5 KiB are wanted", n)
	}
}

// take2 makes a commit the tip without reading the chain from its root.
func (s *scene) take2(id string) {
	s.t.Helper()
	s.tip = id
	if v := s.view(); v.Step != id {
		s.t.Fatalf("%+v", v.Bad)
	}
}
