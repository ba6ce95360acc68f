package tracker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// status also holds the doctor to finding the same.
func (c *clone) status(more ...string) *tracker.Status {
	c.w.t.Helper()
	t := c.open(more...)
	defer t.Close()
	s, err := t.Status(context.Background())
	if err != nil {
		c.w.t.Fatalf("%s: status: %v", c.name, err)
	}
	c.agrees(s, more...)
	return s
}

// badNames are refs that are no agent's, as far as a hub can hold them: git
// itself hides those that it refuses.
func badNames() (said, hidden []string) {
	said = []string{"-dash", "dash-", "a--b", "UPPER", "ALICE", "Alice", "ünï-cödé", "ab", strings.Repeat("a", 65), strings.Repeat("b", 200),
		"con", "nul", "aux", "com1", "lpt9", "dot.ted", "under_score", "sub/dir", "sub/alice", "bidi-\u202etxt"}
	return said, []string{"x.lock"}
}

// fill puts hostile logs on the hub, of all kinds in turn, until there are n.
func (h *hostile) fill(made map[string]kind, n int, all []kind) {
	for i := len(made); i < n; i++ {
		k := all[i%len(all)]
		agent := fmt.Sprintf("x%d-%s", i, k.name)
		made[agent] = k
		h.ref(agent, k.make(h, agent))
	}
	h.land()
}

// A hub with every kind of malformed log: each is reported once, with agent,
// sequence and reason; nobody else notices.
func TestHostileHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	hub := alice.init().Hub
	alice.create("alice before")
	bob.create("bob before")
	h := newHostile(w, hub)
	made := map[string]kind{}
	h.fill(made, len(kinds()), kinds())
	said, hidden := badNames()
	for i, name := range append(said, hidden...) {
		agent := fmt.Sprintf("good-%d", i)
		h.ref(name, h.file(agent, []byte(string(h.chain(agent, 1)[0])+"\n")))
	}
	h.land()

	carol := w.clone("carol")
	carol.sync()
	for _, c := range []*clone{alice, bob, carol} {
		c.sync()
		got := c.titles()
		if got["alice before"] == nil || got["bob before"] == nil {
			t.Fatalf("'%s' shows %v", c.name, got)
		}
		c.reported(made, said)
	}
	for _, name := range hidden {
		for _, p := range carol.status().Problems() {
			if strings.Contains(p, name) {
				t.Errorf("git shows '%s'", name)
			}
		}
	}
	// what happens afterward still arrives, and writing works
	alice.create("alice after")
	if r := carol.emit(func(tr *tracker.Tracker, p tracker.Projection) []event.Body {
		return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "carol after", Priority: event.Low, CreatedBy: "carol"}}
	}); r.Sync != tracker.Confirmed {
		t.Errorf("carol's line is %s: %v", r.Sync, carol.notices)
	}
	w.converge(alice, bob, carol)
	if got := bob.titles(); got["alice after"] == nil || got["carol after"] == nil {
		t.Errorf("bob shows %v", got)
	}
	// said once, not with every sync
	carol.notices = nil
	carol.sync()
	if len(carol.notices) > 0 {
		t.Errorf("said again: %v", carol.notices)
	}
}

// reported fails unless each hostile log and each bad name is reported once.
func (c *clone) reported(made map[string]kind, names []string) {
	c.w.t.Helper()
	s := c.status()
	logs := map[string]tracker.LogInfo{}
	for _, l := range s.Logs {
		logs[l.Agent] = l
	}
	for agent, k := range made {
		l, ok := logs[agent]
		if !ok || l.Events != k.events || (k.ended == "") != (l.Ended == "") || !strings.Contains(l.Ended, k.ended) {
			c.w.t.Errorf("%s: '%s': %d events, '%s', not %d, '%s'", c.name, agent, l.Events, l.Ended, k.events, k.ended)
		}
		want := 1
		if k.ended == "" {
			want = 0
		}
		if n := mentions(s.Problems(), "'"+agent+"'"); n != want {
			c.w.t.Errorf("%s: '%s' is reported %d times", c.name, agent, n)
		}
		if k.ended != "" && mentions(s.Problems(), fmt.Sprintf("'%s' stops after %d events", agent, k.events)) != 1 {
			c.w.t.Errorf("%s: '%s' is reported without its sequence", c.name, agent)
		}
	}
	for _, name := range names {
		if len(name) > 80 {
			name = name[:80] + "…"
		}
		if n := mentions(s.Problems(), "'"+name+"'"); n != 1 {
			c.w.t.Errorf("%s: '%s' is reported %d times: %s", c.name, name, n, strings.Join(s.Problems(), "\n"))
		}
	}
	for _, p := range s.Problems() {
		if len(p) > 600 {
			c.w.t.Errorf("%s: a problem of %d bytes", c.name, len(p))
		}
	}
}

func mentions(problems []string, word string) int {
	n := 0
	for _, p := range problems {
		n += strings.Count(p, word)
	}
	return n
}

// Work grows with the number of hostile refs, not faster, and memory does not:
// what is ten times over a cap is never held.
func TestHostileHubIsBounded(t *testing.T) {
	t.Parallel()
	processes, took, peak := map[int]int{}, map[int]time.Duration{}, map[int]int{}
	w := newWorld(t)
	alice := w.clone("alice")
	h := newHostile(w, alice.init().Hub)
	alice.create("good")
	made := map[string]kind{}
	sizes := []int{100, 400}
	if testing.Short() {
		sizes = []int{50, 100}
	}
	for _, n := range sizes {
		h.fill(made, n, append(kinds(), heavy()...))
		carol := w.clone(fmt.Sprint("carol-", n))
		trace := filepath.Join(w.dir, "trace")
		cmd := carol.process("measure", "GIT_TRACE2_EVENT="+trace)
		start := time.Now()
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		took[n] = time.Since(start)
		f := strings.Fields(string(out)) // peak <KiB> logs <n> issues <n>
		peak[n], _ = strconv.Atoi(f[1])
		if f[3] != strconv.Itoa(n+1) || f[5] != "1" {
			t.Errorf("%s", out)
		}
		for _, k := range traced(t, trace) {
			processes[n] += k
		}
		os.Remove(trace)
		if n == sizes[1] {
			carol.reported(made, nil)
		}
	}
	few, many := sizes[0], sizes[1]
	t.Logf("%d and %d hostile refs: %d and %d git processes, %v and %v, peak %d and %d KiB", few, many,
		processes[few], processes[many], took[few].Round(time.Millisecond), took[many].Round(time.Millisecond), peak[few], peak[many])
	if processes[many] > processes[few]*many/few {
		t.Error("the number of processes grows faster than the number of refs")
	}
	if peak[many] > 256<<10 {
		t.Errorf("%d KiB of memory", peak[many])
	}
}

// measure is a worker: sync, list, and tell the peak of this process alone.
func measure(ctx context.Context) error {
	t, err := tracker.Open(ctx, tracker.Options{})
	if err != nil {
		return err
	}
	defer t.Close()
	if _, err := t.Sync(ctx, tracker.SyncOptions{}); err != nil {
		return err
	}
	s, err := t.Status(ctx)
	if err != nil {
		return err
	}
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	fmt.Printf("peak %s logs %d issues %d\n", strings.Fields(rest)[0], len(s.Logs), s.Open)
	return nil
}

// Two names of which one is a directory of the other: git stores one of them,
// all other news arrive.
func TestHostileNamesCollide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	h := newHostile(w, alice.init().Hub)
	alice.create("before")
	tip := h.file("twin", []byte(string(h.chain("twin", 1)[0])+"\n"))
	h.land()
	packed := filepath.Join(w.hub, "packed-refs")
	w.git(w.hub, "pack-refs", "--all")
	b, err := os.ReadFile(packed)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(b), "\n")
	carol := w.clone("carol")
	for _, name := range []string{"twin", "twin/sub"} {
		lines = append(lines, string(tip)+" refs/heads/crosslink/agents/"+name+"\n")
	}
	text := "# pack-refs with: peeled fully-peeled \n" // not said to be sorted
	for _, l := range lines {
		if !strings.HasPrefix(l, "#") {
			text += l
		}
	}
	if err := os.WriteFile(packed, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	carol.sync()
	if carol.titles()["before"] == nil {
		t.Error("alice's issue is not there")
	}
	if len(carol.status().Problems()) == 0 {
		t.Error("nothing is reported")
	}
	alice.create("after")
	carol.sync()
	if carol.titles()["after"] == nil {
		t.Error("alice's second issue is not there")
	}
}

// Whatever becomes of meta, the logs of a hub that is known still arrive.
func TestHostileMeta(t *testing.T) {
	good := func(h *hostile) string { return h.w.git(h.w.hub, "show", "crosslink/meta:hub.json") }
	file := func(json string) func(h *hostile) refs.OID {
		return func(h *hostile) refs.OID {
			return h.commit(h.tree("100644 hub.json", string(h.put(refs.Blob, []byte(json)))))
		}
	}
	for _, c := range []struct {
		name  string
		make  func(h *hostile) refs.OID
		says  string
		level int
	}{
		{"junk", file("junk"), "cannot be read", 4},
		{"empty", file(""), "cannot be read", 4},
		{"oversize", file(`{"hub_version":4,"x":"` + strings.Repeat("x", 20<<20) + `"}`), "cannot be read", 4},
		{"no level", file("{}"), "cannot be read", 4},
		{"downgrade", file(`{"hub_version":3}`), "lower than the level known", 4},
		{"other hub", func(h *hostile) refs.OID {
			return file(strings.Replace(good(h), h.hub, "00000000-0000-4000-8000-000000000001", 1))(h)
		}, "another tracker", 4},
		{"newer, other hub", file(`{"hub":"00000000-0000-4000-8000-000000000001","hub_version":5,"seq":9}`), "another tracker", 4},
		{"newer", func(h *hostile) refs.OID {
			return file(strings.Replace(good(h), `"hub_version":4`, `"hub_version":5,"more":[1.5]`, 1))(h)
		}, "", 5},
		{"symlink", func(h *hostile) refs.OID {
			return h.commit(h.tree("120000 hub.json", string(h.put(refs.Blob, []byte("/etc/passwd")))))
		}, "cannot be read", 4},
		{"gitlink", func(h *hostile) refs.OID { return h.commit(h.tree("160000 hub.json", strings.Repeat("7", 40))) }, "cannot be read", 4},
		{"deep", func(h *hostile) refs.OID {
			id := h.tree()
			for range 50 {
				id = h.tree("40000 x", string(id))
			}
			return h.commit(id)
		}, "cannot be read", 4},
		{"wide", func(h *hostile) refs.OID {
			var es []string
			for i := range 300 {
				es = append(es, fmt.Sprintf("100644 %04d", i), string(h.put(refs.Blob, []byte("x"))))
			}
			one := string(h.tree(es...))
			es = nil
			for i := range 300 {
				es = append(es, fmt.Sprintf("40000 %04d", i), one)
			}
			return h.commit(h.tree(es...))
		}, "cannot be read", 4},
		{"blob", func(h *hostile) refs.OID { return h.put(refs.Blob, []byte("x")) }, "cannot be read", 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			alice, bob := w.clone("alice"), w.clone("bob")
			h := newHostile(w, alice.init().Hub)
			bob.sync()
			alice.create("before")
			h.tips["refs/heads/crosslink/meta"] = c.make(h)
			h.land()
			other := strings.HasSuffix(c.name, "other hub")
			if err := bob.trySync(); (err != nil) != other || other && errorName(err) != "other-hub" {
				t.Error(err)
			}
			if bob.titles()["before"] == nil {
				t.Error("alice's issue is not there")
			}
			s := bob.status()
			if s.Level != c.level || c.says != "" && mentions(s.Problems(), c.says) != 1 {
				t.Errorf("level %d, %q", s.Level, s.Problems())
			}
			tr := bob.open()
			defer tr.Close()
			_, err := tr.Emit(context.Background(), tracker.EmitOptions{Offline: true}, func(tracker.Projection) ([]event.Body, error) {
				return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "kept", Priority: event.Low, CreatedBy: "bob"}}, nil
			})
			if (err != nil) != (c.level > 4) {
				t.Errorf("a write: %v", err)
			}
		})
	}
}

// Meta that was never good is believed by nobody, and all is well once it is
// put back.
func TestHostileMetaAtFirstContact(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice := w.clone("alice")
	h := newHostile(w, alice.init().Hub)
	alice.create("before")
	meta := refs.OID(string(w.tip(branches + "meta")))
	h.tips["refs/heads/crosslink/meta"] = h.commit(h.tree("100644 hub.json", string(h.put(refs.Blob, []byte("junk")))))
	h.land()
	bob := w.clone("bob")
	bob.sync()
	if s := bob.status(); s.Level != 0 || mentions(s.Problems(), "cannot be read") != 1 {
		t.Errorf("level %d, %q", s.Level, s.Problems())
	}
	tr := bob.open()
	_, err := tr.Init(context.Background(), tracker.InitOptions{})
	tr.Close()
	if err == nil || !strings.Contains(err.Error(), "invalid") {
		t.Errorf("init: %v", err)
	}
	h.tips["refs/heads/crosslink/meta"] = meta
	h.land()
	bob.sync()
	if bob.titles()["before"] == nil || len(bob.status().Problems()) > 0 {
		t.Errorf("%v, %q", bob.titles(), bob.status().Problems())
	}
}

// A log whose tip was bad when it was first seen is taken again when its
// writer has repaired it; one that loses lines is not.
func TestMendedLog(t *testing.T) {
	for _, k := range kinds() {
		switch k.name {
		case "gap", "cut", "symlink", "tip-blob", "dots":
		default:
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			alice := w.clone("alice")
			h := newHostile(w, alice.init().Hub)
			bad := k.make(h, "dave")
			h.ref("dave", bad)
			h.land()
			alice.sync()
			lines := func(n int) refs.OID {
				var b []byte
				for _, l := range h.chain("dave", n) {
					b = append(append(b, l...), '\n')
				}
				return h.file("dave", b)
			}
			if k.events > 0 {
				h.ref("dave", lines(int(k.events)-1))
				h.land()
				alice.sync()
				// said, or put back
				there := w.git(w.hub, "rev-parse", "crosslink/agents/dave^{tree}")
				s := alice.status()
				if mentions(s.Problems(), "'dave' was rewritten")+mentions(s.Problems(), "'dave' lacks lines") != 1 && there != w.git(w.hub, "rev-parse", string(bad)+"^{tree}") {
					t.Errorf("lost lines: %q", s.Problems())
				}
			}
			h.ref("dave", lines(int(k.events)+2))
			h.land()
			alice.sync()
			s := alice.status()
			for _, l := range s.Logs {
				if l.Agent == "dave" && (l.Events != k.events+2 || l.Ended != "") {
					t.Errorf("%+v", l)
				}
			}
			if len(s.Problems()) > 0 {
				t.Errorf("%q", s.Problems())
			}
		})
	}
}
