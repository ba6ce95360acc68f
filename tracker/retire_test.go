package tracker_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func (c *clone) describe(text string, kind event.AgentKind) *tracker.Receipt {
	c.w.t.Helper()
	t := c.open()
	defer t.Close()
	r, err := t.Describe(context.Background(), tracker.EmitOptions{}, text, kind)
	if err != nil {
		c.w.t.Fatal(err)
	}
	return r
}

func (c *clone) agent(id string) reducer.Agent {
	c.w.t.Helper()
	for _, a := range c.read().Agents() {
		if a.ID == id {
			return *a
		}
	}
	return reducer.Agent{}
}

// A description survives the binding to a hub that was not known when it was
// given, and agent fork.
func TestDescribe(t *testing.T) {
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	bob.cut(true)
	bob.describe("the reviewer", "")
	if r := bob.describe("the reviewer", ""); len(r.Lines) != 0 {
		t.Errorf("the same again wrote %d lines", len(r.Lines))
	}
	alice.init()
	bob.cut(false)
	w.converge(alice, bob)
	if a := alice.agent("bob"); a.Description != "the reviewer" || a.Kind != event.Machine {
		t.Errorf("%+v", a)
	}
	bob.describe("the reviewer", event.Person)
	bob.describe("", "")
	w.converge(alice, bob)
	if a := alice.agent("bob"); a.Description != "" || a.Kind != event.Person {
		t.Errorf("%+v", a)
	}

	// a twin with the same key describes itself and forks
	twin := w.clone("twin")
	twin.name = "bob"
	twin.sync()
	twin.takeKeys(bob)
	bob.describe("here", "")
	twin.cut(true)
	twin.describe("there", "")
	twin.cut(false)
	tr := twin.open()
	if _, err := tr.Sync(context.Background(), tracker.SyncOptions{}); err == nil {
		t.Error("two clones under one id were not noticed")
	}
	f, err := tr.Fork(context.Background(), "bob-2")
	if err != nil || f.Carried != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	tr.Close()
	twin.name = "bob-2"
	w.converge(alice, bob, twin)
	if a, b := alice.agent("bob"), alice.agent("bob-2"); a.Description != "here" || b.Description != "there" {
		t.Errorf("%+v %+v", a, b)
	}
}

// Who retires gives back what it held, and is not heard of again.
func TestRetire(t *testing.T) {
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	held, queued := alice.create("held"), alice.create("queued")
	w.converge(alice, bob)
	if bob.claimLock(queued).Outcome != tracker.Held || alice.claimLock(held).Outcome != tracker.Held {
		t.Fatal("not locked")
	}
	tr := alice.open()
	if c, err := tr.Claim(context.Background(), queued, tracker.ClaimOptions{Queue: true}); err != nil || c.Outcome != tracker.Waiting {
		t.Fatalf("%+v %v", c, err)
	}
	r, err := tr.Retire(context.Background(), tracker.EmitOptions{}, "done", nil)
	tr.Close()
	if err != nil || len(r.Lines) != 3 {
		t.Fatalf("%+v %v", r, err)
	}
	w.converge(alice, bob)
	if a := bob.agent("alice"); !a.Retired || a.Reason != "done" {
		t.Errorf("%+v", a)
	}
	rows := bob.titles()
	if rows["held"].Lock != nil || len(rows["queued"].Queue) != 0 || rows["queued"].Lock == nil {
		t.Errorf("%+v %+v", rows["held"].Lock, rows["queued"])
	}
	tr = alice.open()
	defer tr.Close()
	_, err = tr.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
		return []event.Body{&event.IssueDeleted{UUID: held}}, nil
	})
	if e, ok := errors.AsType[*fail.Error](err); !ok || e.Code.Name() != "retired" || e.Kind != fail.Denied {
		t.Errorf("%v", err)
	}
	if got := diagnoses(alice.doctor(true)); got != "note retired" {
		t.Errorf("the doctor says %q", got)
	}
	if p := alice.status().Problems(); len(p) != 0 {
		t.Errorf("status says %q", p)
	}
}

// An id from the identity file is given up with it: the next write is somebody
// else's.
func TestRetireIdentity(t *testing.T) {
	w := newMemoryWorld(t)
	c := w.clone("carol")
	open := func() *tracker.Tracker {
		tr, err := tracker.Open(context.Background(), tracker.Options{Survey: c.survey(), Dir: c.dir, Environ: w.env})
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	retire := func() error {
		tr := open()
		defer tr.Close()
		_, err := tr.Retire(context.Background(), tracker.EmitOptions{}, "", nil)
		return err
	}
	if e, ok := errors.AsType[*fail.Error](retire()); !ok || e.Code.Name() != "no-agent" {
		t.Errorf("%v", e)
	}
	describe := func(text string) string {
		tr := open()
		defer tr.Close()
		r, err := tr.Describe(context.Background(), tracker.EmitOptions{}, text, "")
		if err != nil {
			t.Fatal(err)
		}
		return r.Agent
	}
	first := describe("the first")
	if err := retire(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(c.dir, ".git", "crosslink", "identity")); !os.IsNotExist(err) {
		t.Errorf("the identity is still there: %v", err)
	}
	if second := describe("the second"); second == first {
		t.Errorf("'%s' writes on", second)
	}
	if a := c.agent(first); !a.Retired || a.Description != "the first" {
		t.Errorf("%+v", a)
	}
	// a kill after the last line, before the identity is given up
	path := filepath.Join(c.dir, ".git", "crosslink", "identity")
	left, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second := describe("the second")
	if err := retire(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, left, 0o666); err != nil {
		t.Fatal(err)
	}
	if third := describe("the third"); third == second || third == first {
		t.Errorf("'%s' is retired and writes on", third)
	}
	if a := c.agent(second); !a.Retired || a.Description != "the second" {
		t.Errorf("%+v", a)
	}
}
