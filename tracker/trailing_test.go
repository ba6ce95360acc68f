package tracker_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// landOn puts a log that holds these lines on top of an agent's on the hub, as
// anybody who may push can.
func (w *world) landOn(agent string, lines [][]byte) {
	w.t.Helper()
	ctx := context.Background()
	repo := w.repo()
	name := "refs/heads/crosslink/agents/" + agent
	old := w.tip(name)
	c := refs.CommitInfo{Author: "mallory", When: time.Unix(1_700_000_000, 0), Message: "x"}
	tip, err := refs.AppendLog(ctx, repo, agent, "", lines, c)
	if err == nil {
		tip, err = refs.Recommit(ctx, repo, tip, []refs.OID{old}, c)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.move(name, tip)
}

// after makes lines that continue others: an issue and a comment on it, signed by
// a key, nil: by none.
func after(t *testing.T, lines [][]byte, by keys.Signer, title string) (more [][]byte) {
	t.Helper()
	last, err := event.Decode(lines[len(lines)-1])
	if err != nil {
		t.Fatal(err)
	}
	chain := event.Chain{Hub: last.Hub, Agent: last.Agent, Seq: last.Seq, Hash: event.Hash(last.Raw), Time: last.Time}
	if by != nil {
		signedBy(t, &chain, by)
	}
	id := event.UUID{9: 7, 14: byte(len(title)), 15: byte(last.Seq)}
	for _, b := range []event.Body{
		&event.IssueCreated{UUID: id, Title: title, Priority: event.Low, CreatedBy: last.Agent},
		&event.CommentAdded{Issue: id, Comment: event.UUID{9: 8, 14: byte(len(title)), 15: byte(last.Seq)}, Author: last.Agent, Content: title, CreatedAt: last.Time, Kind: "note"},
	} {
		line, err := chain.Stamp(&event.Envelope{Body: b}, last.Time, 0)
		if err != nil {
			t.Fatal(err)
		}
		more = append(more, line)
	}
	return more
}

// keyOutside names a copy of a clone's key that is not in the clone.
func (c *clone) keyOutside() {
	c.w.t.Helper()
	b, err := os.ReadFile(c.key().Where())
	if err != nil {
		c.w.t.Fatal(err)
	}
	path := filepath.Join(c.w.dir, "key of "+c.name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		c.w.t.Fatal(err)
	}
	c.set("crosslink.signingKey", path)
}

// TestUnsignedLinesAfterASignedLog: somebody who may push and has not the key
// appends lines that continue the log of an agent in form. They count for nobody, warm or cold, and get no number; their agent is
// not stopped, vouches for none of them, and the hub's log is its own again.
func TestUnsignedLinesAfterASignedLog(t *testing.T) {
	t.Parallel()
	for _, x := range []appended{
		{}, {seen: true}, {signed: true}, {replaced: true}, {replaced: true, seen: true}, {signed: true, replaced: true, seen: true},
		{state: "something to send"}, {state: "something to send", seen: true}, {state: "something to send", replaced: true}, {state: "something to send", replaced: true, signed: true, seen: true},
		{state: "cold"}, {state: "cold", signed: true, seen: true}, // nothing there says what was replaced
		{require: true}, {require: true, seen: true}, {require: true, state: "something to send"}, {require: true, state: "cold", seen: true}, {require: true, replaced: true, signed: true},
	} {
		t.Run(fmt.Sprintf("%+v", x), func(t *testing.T) {
			t.Parallel()
			x.goesWell(t)
		})
	}
}

// appended is a way to append lines to the log of another.
type appended struct {
	require  bool   // the policy
	signed   bool   // by the agent that appends
	replaced bool   // they are in the place of its last line
	state    string // of the clone whose log it is
	seen     bool   // it has fetched them before it writes
}

func (x appended) goesWell(t *testing.T) {
	w := newWorld(t)
	alice, bob, mallory := w.clone("alice"), w.clone("bob"), w.clone("mallory")
	alice.init()
	issue := alice.create("one")
	bob.comment(issue, "first")
	mallory.comment(issue, "hello")
	bob.comment(issue, "second")
	alice.sync()
	if x.require {
		alice.approve("bob", "mallory")
		alice.require()
		bob.sync()
	}
	good := w.hubLines("bob")
	var by keys.Signer
	if x.signed {
		by = mallory.key()
	}
	on := good
	if x.replaced {
		on = good[:len(good)-1]
	}
	w.landOn("bob", append(slices.Clone(on), after(t, on, by, "forged")...))
	switch x.state {
	case "something to send":
		bob.cut(true)
		bob.comment(issue, "written before")
		bob.cut(false)
	case "cold":
		bob.keyOutside()
		if err := os.RemoveAll(filepath.Join(bob.dir, ".git", "crosslink")); err != nil {
			t.Fatal(err)
		}
	}
	bob.notices = nil
	if x.seen { // else the push finds it
		bob.sync()
	}
	said := bob.notices
	cold := w.clone("cold")
	alice.sync()
	cold.sync()
	for _, c := range []*clone{alice, cold} {
		if c.titles()["forged"] != nil {
			t.Errorf("%s shows what was forged", c.name)
		}
		if c == alice || !x.require {
			c.create("of " + c.name) // makes a step
		}
	}

	// his next command, and what it says
	bob.notices = nil
	id := bob.create("of bob")
	if s := fmt.Sprint(bob.notices); strings.Contains(s, "two clones") || strings.Contains(s, "agent fork") {
		t.Errorf("bob is told: %s", s)
	}
	bob.sync()
	told, want := 0, 1
	if x.replaced { // then his line is put back, by others or by his sync, which says that the log was rewritten
		want = 0
	}
	for _, n := range append(said, bob.notices...) {
		if n.Code == "appended" {
			told++
		}
	}
	if told != want {
		t.Errorf("bob is told %d times of what was appended, not %d: %v", told, want, append(said, bob.notices...))
	}
	w.converge(alice, bob)
	later := w.clone("later")
	w.converge(alice, bob, cold, later)
	for _, c := range []*clone{alice, bob, cold, later} {
		of := c.titles()["of bob"]
		if of == nil || of.UUID != id || of.Number == 0 || c.titles()["forged"] != nil {
			t.Errorf("%s shows %v", c.name, c.titles())
		}
		p := c.status().Problems()
		if x.require && (c == cold || c == later) { // the hub is closed, and nobody approved them
			if len(p) != 1 || mentions(p, "has approved the agent '"+c.name+"'") != 1 {
				t.Errorf("%s: %q", c.name, p)
			}
		} else if len(p) != 0 {
			t.Errorf("%s: %q", c.name, p)
		}
		if a := c.trusts("bob"); a.Counts != a.Events || a.Signed != a.Events {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
	got := w.hubLines("bob")
	if len(got) <= len(good) || !slices.EqualFunc(got[:len(good)], good, bytes.Equal) {
		t.Errorf("the hub has %d lines, %d were there", len(got), len(good))
	}
	if bytes.Contains(bytes.Join(got, nil), []byte("forged")) {
		t.Error("bob has vouched for them")
	}
	bob.sound()
}

// TestUnsignedLinesThatTheLedgerCovers: what was decided before the rule stays: steps that
// older programs made of unsigned lines are valid, the lines count for everybody, and the
// number stays. The writer, who has continued to write meanwhile, is notified and moves its
// own events to a new id.
func TestUnsignedLinesThatTheLedgerCovers(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	hub := alice.init().Hub
	issue := alice.create("one")
	bob.comment(issue, "first")
	alice.sync()
	good := w.hubLines("bob")
	w.landOn("bob", append(slices.Clone(good), after(t, good, nil, "decided")...))
	repo, d := w.nextStep(hub)
	w.landStep(repo, d, d.Files())
	bob.cut(true)
	bob.comment(issue, "at the same time")
	bob.cut(false)
	cold := w.clone("cold")
	for _, c := range []*clone{alice, cold} {
		c.sync()
		if i := c.titles()["decided"]; i == nil || i.Number != 2 {
			t.Errorf("%s: %v", c.name, i)
		}
		if got, want := c.ends("bob"), fmt.Sprintf("%d ", len(good)+2); got != want || mentions(c.status().Problems(), "is signed up to") != 1 {
			t.Errorf("%s: '%s', want '%s'; %q", c.name, got, want, c.status().Problems())
		}
	}
	// one more after them is not decided, and does not count
	w.landOn("bob", append(w.hubLines("bob"), after(t, w.hubLines("bob"), nil, "not decided")...))
	later := w.clone("later")
	for _, c := range []*clone{alice, cold, later} {
		c.sync()
		if c.titles()["decided"] == nil || c.titles()["not decided"] != nil || c.ends("bob") != fmt.Sprintf("%d unsigned", len(good)+2) {
			t.Errorf("%s: %s, %v", c.name, c.ends("bob"), c.titles())
		}
	}
	if name := errorName(bob.trySync()); name != "copied-clone" {
		t.Errorf("bob is told '%s'", name)
	}
	if n := bob.status().Unsent; n != 1 {
		t.Errorf("%d unsent, want the one that was kept", n)
	}
	tr := bob.open()
	f, err := tr.Fork(context.Background(), "bob-2")
	tr.Close()
	if err != nil || f.Carried != 1 {
		t.Fatalf("%+v %v", f, err)
	}
	bob.name = "bob-2"
	w.converge(alice, bob, cold, later)
	bob.comment(issue, "and on")
	w.converge(alice, bob, cold, later)
}

// TestUnsignedLinesOfOnesOwn: lines that were written unsigned while that was let
// in wait for a signed one, which sends and vouches for all; until then they are
// not sent, and nothing else is stopped.
func TestUnsignedLinesOfOnesOwn(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	issue := alice.create("one")
	bob.comment(issue, "signed")
	policy := func(p string) {
		t.Helper()
		alice.admin(func(tr *tracker.Tracker) error { return tr.SetPolicy(context.Background(), tracker.Policy{Signing: p}) })
		bob.sync()
	}
	policy(trust.Off)
	bob.set("crosslink.sign", "false")
	bob.cut(true)
	bob.create("written without a signature")
	bob.cut(false)
	alice.admin(func(tr *tracker.Tracker) error {
		return tr.SetPolicy(context.Background(), tracker.Policy{Signing: trust.Warn})
	})
	before := len(w.hubLines("bob"))
	_ = bob.trySync()
	if n := len(w.hubLines("bob")); n != before {
		t.Errorf("%d lines were sent that count for nobody", n-before)
	}
	if s := bob.status(); s.Unsent != 1 || mentions(s.Problems(), "was signed up to") == 0 {
		t.Errorf("%+v", s)
	}
	bob.unset("crosslink.sign")
	bob.comment(issue, "signed again")
	w.converge(alice, bob)
	if i := alice.titles()["written without a signature"]; i == nil || i.Number != 2 {
		t.Errorf("alice shows %v", i)
	}
	if a := alice.trusts("bob"); a.Signed != a.Events || a.Counts != a.Events {
		t.Errorf("%+v", a)
	}
}

// TestTheLedgerComesToCoverUnsignedLines: a clone has seen the lines, which did not
// count, before the step of an older program covers them. It shows then what a clone
// shows that sees both at once.
func TestTheLedgerComesToCoverUnsignedLines(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	hub := alice.init().Hub
	issue := alice.create("one")
	bob.comment(issue, "first")
	alice.sync()
	w.landOn("bob", append(w.hubLines("bob"), after(t, w.hubLines("bob"), nil, "decided")...))
	alice.sync()
	if alice.titles()["decided"] != nil || alice.status().Undecided != 0 {
		t.Fatal("lines count that nobody signed")
	}
	repo, d := w.nextStep(hub)
	w.landStep(repo, d, d.Files())
	cold := w.clone("cold")
	for _, c := range []*clone{alice, cold} {
		c.sync()
		if i := c.titles()["decided"]; i == nil || i.Number != 2 {
			t.Errorf("%s: %v", c.name, c.titles())
		}
	}
	w.converge(alice, cold)
}
