package tracker_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

const checkpointRef = "refs/heads/crosslink/checkpoint"

// nextStep drafts the step that follows from what the hub holds, and says what
// the hub's ledger is.
func (w *world) nextStep(hub string) (refs.Local, *ledger.Draft) {
	w.t.Helper()
	ctx := context.Background()
	repo := w.repo()
	r := ledger.NewReader(replay.NewSteps(ctx, repo, hub), hub)
	v, err := r.Read(string(w.tip(checkpointRef)))
	if err != nil {
		w.t.Fatal(err)
	}
	logs := map[string]string{}
	for name, tip := range w.tips(branches + "agents/") {
		logs[strings.TrimPrefix(name, branches+"agents/")] = string(tip)
	}
	d, err := r.Next(ledger.Plan{On: v, Meta: string(w.tip(branches + "meta")), By: "alice", At: event.Time(1_700_000_000e9), Logs: logs})
	if err != nil || d == nil {
		w.t.Fatalf("there is no step to forge: %v", err)
	}
	return repo, d
}

// landStep puts a step with these files on the hub.
func (w *world) landStep(repo refs.Local, d *ledger.Draft, files map[string][]byte) {
	w.t.Helper()
	var parents []refs.OID
	for _, p := range d.Parents {
		parents = append(parents, refs.OID(p))
	}
	id, err := refs.WriteChanges(context.Background(), repo, refs.OID(d.On.Step), files, parents, refs.CommitInfo{Author: "alice", When: time.Unix(1_700_000_000, 0), Message: "step"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.move(checkpointRef, id)
}

// landUndecided puts what a clone writes on the hub, without a step for it.
func (c *clone) landUndecided(title string) {
	c.w.t.Helper()
	c.cut(true)
	c.create(title)
	c.cut(false)
	c.pushLog()
}

// landBehind puts any line after those of an agent's log on the hub.
func (w *world) landBehind(hub, agent string, good [][]byte, line []byte) {
	w.t.Helper()
	h := newHostile(w, hub)
	h.ref(agent, h.file(agent, append(bytes.Join(append(slices.Clone(good), line), []byte("\n")), '\n')))
	h.land()
}

// sign lets a key sign a step.
func sign(t *testing.T, l *ledger.Ledger, k keys.Signer) {
	t.Helper()
	l.SignedBy = k.Key().Fingerprint()
	s, err := k.Sign(context.Background(), trust.LedgerNamespace, l.Signed())
	if err != nil {
		t.Fatal(err)
	}
	l.Signature = s.String()
}

// TestForgedSteps: somebody who may push puts a step of the ledger on the hub that is not what
// its inputs give, or not signed as it must be. A clone that existed before and a new one name
// the same rule and accept no part of the data, and decisions continue.
func TestForgedSteps(t *testing.T) {
	t.Parallel()
	edit := func(old, new string) func(t *testing.T, d *ledger.Draft, alice, bob keys.Signer) map[string][]byte {
		return func(t *testing.T, d *ledger.Draft, alice, _ keys.Signer) map[string][]byte {
			files := d.Files()
			state := files["state.json"]
			if !bytes.Contains(state, []byte(old)) {
				t.Fatalf("%s is not in %s", old, state)
			}
			files["state.json"] = bytes.Replace(state, []byte(old), []byte(new), 1)
			return files
		}
	}
	for _, c := range []struct {
		name, policy, rule string
		forge              func(t *testing.T, d *ledger.Draft, alice, bob keys.Signer) map[string][]byte
	}{
		{"another number", trust.Warn, ledger.BadNumbers, edit(`"last":2`, `"last":9`)},
		{"a lock for nobody's claim", trust.Warn, ledger.BadLocks, edit(`"locks":{}`, `"locks":{"00000000-0000-4000-8000-000000000001":{"agent":"bob","claim_seq":1,"claimed_at":"2026-01-01T00:00:00.000000000Z","token":3}}`)},
		{"a sequence ahead", trust.Warn, ledger.BadSequence, edit(`"sequence":3`, `"sequence":30`)},
		{"the signature of another step", trust.Warn, ledger.BadSignature, func(t *testing.T, d *ledger.Draft, alice, _ keys.Signer) map[string][]byte {
			other := *d.Ledger
			other.WrittenBy = "bob"
			sign(t, &other, alice)
			d.Ledger.SignedBy, d.Ledger.Signature = other.SignedBy, other.Signature
			return d.Files()
		}},
		{"unsigned where signatures are required", trust.Require, ledger.BadSignature, func(_ *testing.T, d *ledger.Draft, _, _ keys.Signer) map[string][]byte { return d.Files() }},
		{"signed by another agent's key", trust.Require, ledger.BadSignature, func(t *testing.T, d *ledger.Draft, _, bob keys.Signer) map[string][]byte {
			sign(t, d.Ledger, bob)
			return d.Files()
		}},
		{"as it should be", trust.Require, "", func(t *testing.T, d *ledger.Draft, alice, _ keys.Signer) map[string][]byte {
			sign(t, d.Ledger, alice)
			return d.Files()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newMemoryWorld(t)
			alice, bob, warm := w.clone("alice"), w.clone("bob"), w.clone("warm")
			hub := alice.init().Hub
			bob.comment(alice.create("one"), "x")
			alice.sync()
			alice.approve("bob")
			alice.admin(func(tr *tracker.Tracker) error {
				return tr.SetPolicy(context.Background(), tracker.Policy{Signing: c.policy})
			})
			bob.sync()
			warm.sync()
			bob.landUndecided("two")

			repo, d := w.nextStep(hub)
			files := c.forge(t, d, alice.key(), bob.key())
			w.landStep(repo, d, files)

			warm.sync()
			cold := w.clone("cold")
			cold.sync()
			want, bad := map[string]uint64{"one": 1, "two": 0}, 1
			if c.rule == "" {
				want["two"], bad = 2, 0
			}
			for _, r := range []*clone{warm, cold} {
				if got := r.numbers(); !maps.Equal(got, want) {
					t.Errorf("%s: %v", r.name, got)
				}
				s := r.status()
				if s.BadSteps != bad || mentions(s.Problems(), "("+c.rule+")") != bad {
					t.Errorf("%s: %d bad steps, %q", r.name, s.BadSteps, s.Problems())
				}
				if got := r.findings(true); bad > 0 && !strings.Contains(got, "bad-step  "+c.rule) || bad == 0 && got != "" {
					t.Errorf("%s: %s", r.name, got)
				}
				if held, err := r.read().Locked(); err != nil || len(held) != 0 {
					t.Errorf("%s: somebody holds a lock: %v %v", r.name, held, err)
				}
			}
			if warm.read().Hash() != cold.read().Hash() {
				t.Error("warm and cold differ")
			}
			// decisions continue over it, the same for all
			alice.sync()
			alice.create("three")
			w.converge(alice, bob, warm, cold)
			got := slices.Sorted(maps.Values(cold.numbers()))
			if fmt.Sprint(got) != "[1 2 3]" || !maps.Equal(cold.numbers(), warm.numbers()) || !maps.Equal(cold.numbers(), bob.numbers()) {
				t.Errorf("%v, %v", cold.numbers(), warm.numbers())
			}
		})
	}
}

// TestADroppedLine: a line is cut out of a log on the hub, in the middle or at
// its end. What the ledger covers is the log for everybody; else who saw the
// line keeps it and brings it back, and one who comes before that names the rule.
func TestADroppedLine(t *testing.T) {
	t.Parallel()
	for _, covered := range []bool{true, false} {
		for _, drop := range []int{1, 2} {
			t.Run(fmt.Sprintf("covered %v, line %d of 3", covered, drop+1), func(t *testing.T) {
				t.Parallel()
				w := newMemoryWorld(t)
				alice, bob := w.clone("alice"), w.clone("bob")
				hub := alice.init().Hub
				issue := alice.create("one")
				bob.comment(issue, "first")
				bob.comment(issue, "second")
				if covered {
					alice.sync()
					alice.create("two") // a step covers every log up to where its writer saw it
				}
				warm := w.clone("warm")
				warm.sync()
				good := w.hubLines("bob")
				if len(good) != 3 {
					t.Fatalf("%d lines", len(good))
				}
				h := newHostile(w, hub)
				left := append(slices.Clone(good[:drop]), good[drop+1:]...)
				h.ref("bob", h.file("bob", append(bytes.Join(left, []byte("\n")), '\n')))
				h.land()
				cold := w.clone("cold")
				cold.sync()
				ends, lines := "3 ", 3
				if !covered {
					if lines = drop; drop == 1 {
						ends = "1 " + event.Sequence
					} else {
						ends = "2 "
					}
				}
				if got := cold.ends("bob"); got != ends {
					t.Errorf("cold: %q, want %q (%d lines)", got, ends, lines)
				}
				warm.notices = nil
				warm.sync()
				if got := warm.ends("bob"); got != "3 " {
					t.Errorf("warm: %q", got)
				}
				if n := noticed(warm, "put-back"); (n == 1) == covered { // if so cold has done it
					t.Errorf("warm: %v", warm.notices)
				}
				w.converge(alice, bob, warm, cold)
				bob.comment(issue, "third")
				w.converge(alice, bob, warm, cold)
				for _, c := range []*clone{alice, bob, warm, cold} {
					if got := c.ends("bob"); got != "4 " || len(c.status().Problems()) != 0 {
						t.Errorf("%s: %q, %q", c.name, got, c.status().Problems())
					}
				}
				if got := w.hubLines("bob"); !slices.EqualFunc(got[:min(3, len(got))], good, bytes.Equal) {
					t.Errorf("the hub has %d lines", len(got))
				}
			})
		}
	}
}

// TestGarbageBehindALog: somebody with push access puts data that is not a line of that log
// after its last line. Its writer continues, nobody takes his lines for another clone's, and
// the log of the hub is his again.
func TestGarbageBehindALog(t *testing.T) {
	t.Parallel()
	for name, garbage := range map[string]func(good [][]byte) []byte{
		"no event":        func([][]byte) []byte { return []byte("no event") },
		"replayed line":   func(good [][]byte) []byte { return good[1] },
		"another's line":  nil,
		"an empty line":   func([][]byte) []byte { return nil },
		"half of a line":  func(good [][]byte) []byte { return good[1][:len(good[1])/2] },
		"its first again": func(good [][]byte) []byte { return good[0] },
	} {
		for _, seen := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, seen %v", name, seen), func(t *testing.T) {
				t.Parallel()
				w := newMemoryWorld(t)
				alice, bob := w.clone("alice"), w.clone("bob")
				hub := alice.init().Hub
				issue := alice.create("one")
				bob.comment(issue, "first")
				alice.sync()
				good := w.hubLines("bob")
				line := w.hubLines("alice")[1]
				if garbage != nil {
					line = garbage(good)
				}
				w.landBehind(hub, "bob", good, line)
				if seen { // else the push finds it
					bob.sync()
				}
				bob.comment(issue, "second")
				bob.sync()
				w.converge(alice, bob)
				cold := w.clone("cold")
				cold.sync()
				for _, c := range []*clone{alice, bob, cold} {
					if got := c.ends("bob"); got != fmt.Sprintf("%d ", len(good)+1) || len(c.status().Problems()) != 0 {
						t.Errorf("%s: %q, %q", c.name, got, c.status().Problems())
					}
				}
				if got := w.hubLines("bob"); len(got) != len(good)+1 || !slices.EqualFunc(got[:len(good)], good, bytes.Equal) {
					t.Errorf("the hub has %d lines", len(got))
				}
				bob.sound()
			})
		}
	}
}

// TestALineOfANewerProgram: a newer program wrote on in a log. This one cannot
// read it, keeps it, says so, and never puts what it knows in its place.
func TestALineOfANewerProgram(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	hub := alice.init().Hub
	issue := alice.create("one")
	bob.comment(issue, "first")
	alice.sync()
	good := w.hubLines("bob")
	w.landBehind(hub, "bob", good, []byte(`{"v":5,"more":"than is known"}`))
	tip := string(w.tip(branches + "agents/bob"))
	cold := w.clone("cold")
	for _, c := range []*clone{alice, cold, alice} {
		c.comment(issue, "by "+c.name)
		c.sync()
		if got, want := c.ends("bob"), fmt.Sprintf("%d %s", len(good), event.Newer); got != want {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
	}
	bob.comment(issue, "by the older program")
	_ = bob.trySync()
	alice.sync()
	if got := string(w.tip(branches + "agents/bob")); got != tip {
		t.Errorf("the hub has %s in place of the newer line", got)
	}
	if p := fmt.Sprint(bob.status().Problems()); !strings.Contains(p, "bob") {
		t.Errorf("bob is not told: %s", p)
	}
}
