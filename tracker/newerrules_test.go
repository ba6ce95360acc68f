package tracker_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/trust"
)

// admitRules lets the hub's meta admit decision rules that this program does
// not know, as a newer one would; a key of "" leaves it unsigned.
func (w *world) admitRules(by *clone, rules string) {
	w.t.Helper()
	ctx := context.Background()
	repo := w.repo()
	tip := refs.OID(string(w.tip(branches + "meta")))
	files, err := refs.ReadFiles(ctx, repo, tip, 1<<20)
	if err != nil {
		w.t.Fatal(err)
	}
	roll, err := trust.Believed(files)
	if err != nil {
		w.t.Fatal(err)
	}
	m := *roll.Meta
	m.Extra = map[string][]byte{"rules": []byte(rules)}
	next := roll.Draft(m, roll.Signers)
	sig, err := by.key().Sign(ctx, trust.MetaNamespace, trust.MetaSigned(next))
	if err != nil {
		w.t.Fatal(err)
	}
	next = trust.Signed(next, sig)
	if _, err := roll.Next(next); err != nil {
		w.t.Fatal(err)
	}
	commit, err := refs.WriteCommit(ctx, repo, next, []refs.OID{tip}, refs.CommitInfo{Author: by.name, When: by.now(), Message: "meta"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.move("refs/heads/crosslink/meta", commit)
}

// TestNewerRules: a newer program has decided by rules that the hub admits and this
// program does not know. This program shows the facts and the numbers that were given
// by rules it knows, whether the clone existed before or not. It decides and writes
// nothing, and reports which program is needed. If the hub does not admit the rules,
// such a step is bad.
func TestNewerRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, admits string
		stops        bool
	}{{"admitted", "2", true}, {"not admitted", "1", false}, {"nonsense", `"2"`, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			alice, bob, warm := w.clone("alice"), w.clone("bob"), w.clone("warm")
			hub := alice.init().Hub
			one := alice.create("one")
			if got := alice.claimLock(one); got.Outcome != tracker.Held {
				t.Fatalf("%+v", got)
			}
			bob.comment(one, "x")
			warm.sync()
			w.admitRules(alice, c.admits)
			bob.sync()
			bob.landUndecided("two")
			repo, d := w.nextStep(hub)
			files := d.Files()
			files["state.json"] = bytes.Replace(files["state.json"], []byte(`"rules":1`), []byte(`"rounds":1,"rules":2`), 1)
			w.landStep(repo, d, files)
			there := fmt.Sprint(w.tips(""))

			cold := w.clone("cold")
			for _, r := range []*clone{warm, cold} {
				r.sync()
				r.sync()
				want, bad := map[string]uint64{"one": 1, "two": 0}, 0
				if !c.stops {
					bad = 1
				}
				if got := r.numbers(); !maps.Equal(got, want) {
					t.Errorf("%s: %v", r.name, got)
				}
				held, err := r.read().Locked()
				if err != nil || (len(held) == 0) != c.stops {
					t.Errorf("%s: locks %v, %v", r.name, held, err)
				}
				s := r.status()
				if s.BadSteps != bad || mentions(s.Problems(), "rules that are newer than this program") != 1-bad {
					t.Errorf("%s: %d bad steps, %q", r.name, s.BadSteps, s.Problems())
				}
				if !c.stops {
					continue
				}
				// the first line of an agent, too, is not written
				_, err = r.tryEmit(func(tr *tracker.Tracker) []event.Body {
					return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "by " + r.name, Priority: event.Low, CreatedBy: r.name}}
				})
				if errorName(err) != "level" {
					t.Errorf("%s writes: %v", r.name, err)
				}
			}
			if !c.stops {
				warm.create("goes on") // decided over the bad step
				if got := warm.numbers(); got["two"] == 0 || got["goes on"] == 0 {
					t.Errorf("decisions do not go on: %v", got)
				}
				return
			}
			if found := diagnoses(cold.doctor(false)); !strings.Contains(found, "problem level") {
				t.Errorf("doctor: %s", found)
			}
			// nor is what had been written before sent, nor meta changed
			alice.cut(true)
			alice.comment(one, "written before it was known")
			alice.cut(false)
			if err := alice.trySync(); err != nil {
				t.Error(err)
			}
			if err := alice.tryPolicy(trust.Off); errorName(err) != "level" {
				t.Errorf("%v", err)
			}
			if now := fmt.Sprint(w.tips("")); now != there {
				t.Errorf("something was written:\n%s\n%s", there, now)
			}
			if s := alice.status(); s.Unsent != 1 {
				t.Errorf("%d unsent", s.Unsent)
			}
		})
	}
}
