package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// What was written before there was a hub is published by anybody who makes it,
// and rebuilt under its id by everybody else: same uuids, times and order.
func TestWrittenBeforeTheHub(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	a, b := alice.create("alice's"), bob.create("bob's")
	bob.comment(b, "one")
	bob.comment(b, "two")
	before := bob.titles()["bob's"]
	alice.init()
	if all := fmt.Sprint(w.tips("")); strings.Contains(all, "bob") {
		t.Fatalf("bob's log was published by alice: %s", branches)
	}
	w.converge(alice, bob)
	after := alice.titles()
	if after["alice's"] == nil || after["alice's"].UUID != a {
		t.Fatal("alice's issue changed")
	}
	got := after["bob's"]
	if got == nil || got.UUID != b || got.CreatedAt != before.CreatedAt || len(got.Comments) != 2 ||
		got.Comments[0].UUID != before.Comments[0].UUID || got.Comments[1].Content != "two" {
		t.Fatalf("bob's issue did not survive the binding: %+v", got)
	}
}

// A write in a clone without a hub is kept and says how to share it, once.
func TestUnsharedIsSaidOnce(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice := w.clone("alice")
	r := alice.emit(func(tr *tracker.Tracker, _ tracker.Projection) []event.Body {
		return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "x", Priority: event.Low, CreatedBy: tr.Agent()}}
	})
	if r.Sync != tracker.Local {
		t.Errorf("sync = %s", r.Sync)
	}
	alice.create("y")
	n := 0
	for _, x := range alice.notices {
		if x.Code.Name() == "unshared" {
			n++
			if len(hints.For(x.Code, x.Fields)) != 1 || !strings.Contains(hints.For(x.Code, x.Fields)[0], "git crosslink init") {
				t.Errorf("hints %q", hints.For(x.Code, x.Fields))
			}
		}
	}
	if n != 1 {
		t.Errorf("said %d times", n)
	}
	if all := fmt.Sprint(w.tips("")); strings.Contains(all, "crosslink") {
		t.Errorf("something was published unasked: %s", all)
	}
}

// Without a remote everything is decided here.
func TestRepositoryWithoutRemote(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice := w.clone("alice")
	alice.forgetRemote()
	alice.create("private")
	if alice.titles()["private"] == nil {
		t.Fatal("not there")
	}
	tr := alice.open()
	defer tr.Close()
	st, err := tr.Status(context.Background())
	if err != nil || st.Shared || st.Unsent != 0 || st.Remote != "" {
		t.Fatalf("%+v, %v", st, err)
	}
}

// A remote without any branch would get the tracker as its default one.
func TestInitRefusesAnEmptyRemote(t *testing.T) {
	w := newWorld(t)
	alice := w.clone("alice")
	w.git(w.hub, "update-ref", "-d", "refs/heads/main")
	w.git(alice.dir, "update-ref", "-d", "refs/remotes/origin/main")
	tr := alice.open()
	defer tr.Close()
	_, err := tr.Init(context.Background(), tracker.InitOptions{})
	var e *fail.Error
	if !errors.As(err, &e) || e.Code.Name() != "empty-remote" {
		t.Fatalf("%v", err)
	}
}

// In CI a write needs a named agent, so that jobs do not add a log each.
func TestWriteInCINeedsAnAgent(t *testing.T) {
	w := newMemoryWorld(t)
	alice := w.clone("alice")
	alice.name = ""
	tr := alice.open("CI=true")
	defer tr.Close()
	_, err := tr.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) { return nil, nil })
	var e *fail.Error
	if !errors.As(err, &e) || e.Kind != fail.Denied || e.Code.Name() != "ci-agent" {
		t.Fatalf("%v", err)
	}
}
