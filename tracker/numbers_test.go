package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// numbers maps titles to decided numbers as the clone shows them.
func (c *clone) numbers() map[string]uint64 {
	c.w.t.Helper()
	n := map[string]uint64{}
	for title, i := range c.titles() {
		n[title] = i.Number
	}
	return n
}

// A new issue has its number when the command ends, in one push.
func TestNumberedAtOnce(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.create("before the hub")
	if n := alice.numbers()["before the hub"]; n != 0 {
		t.Errorf("without a hub it has number %d", n)
	}
	alice.init()
	bob.sync()
	r := bob.emit(func(tr *tracker.Tracker, _ tracker.Projection) []event.Body {
		return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "second", Priority: event.Low, CreatedBy: "bob"}}
	})
	if r.Undecided || r.Sync != tracker.Confirmed {
		t.Errorf("%+v", r)
	}
	w.converge(alice, bob)
	for _, c := range []*clone{alice, bob} {
		if got := c.numbers(); got["before the hub"] != 1 || got["second"] != 2 {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// An event that arrives a year late, however stamped, changes no number.
func TestLateEventsChangeNoNumber(t *testing.T) {
	t.Parallel()
	for name, years := range map[string]int{"stamped early": -10, "stamped late": 10} {
		t.Run(name, func(t *testing.T) {
			w := newMemoryWorld(t)
			alice, bob := w.clone("alice"), w.clone("bob")
			alice.init()
			bob.sync()
			bob.cut(true)
			bob.now = func() time.Time { return time.Now().AddDate(years, 0, 0) }
			bob.create("offline 1")
			bob.create("offline 2")
			for i := range 3 {
				alice.create(fmt.Sprintf("online %d", i+1))
			}
			before := alice.numbers()
			bob.cut(false)
			w.converge(alice, bob)
			after := alice.numbers()
			for title, n := range before {
				if after[title] != n || n == 0 {
					t.Errorf("'%s' was %d and is %d", title, n, after[title])
				}
			}
			if after["offline 1"] != 4 || after["offline 2"] != 5 {
				t.Errorf("the late ones: %v", after)
			}
			if fmt.Sprint(bob.numbers()) != fmt.Sprint(after) {
				t.Errorf("bob shows %v, alice %v", bob.numbers(), after)
			}
		})
	}
}

// A hub that cannot push atomically gets the log first, then the step.
func TestHubWithoutAtomicPush(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	w.noAtomic()
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	bob.create("two")
	w.converge(alice, bob)
	if got := alice.numbers(); got["one"] != 1 || got["two"] != 2 {
		t.Errorf("%v", got)
	}
}

// What has lain undecided on the hub for a while is decided by anybody's sync.
func TestAnybodyDecidesWhatLiesUndecided(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	bob.sync()
	// alice's log reaches the hub without a step, as after a lost race and a kill
	alice.cut(true)
	alice.create("undecided")
	alice.cut(false)
	alice.pushLog()
	bob.sync()
	if n := bob.numbers()["undecided"]; n != 0 {
		t.Fatalf("decided at once: %d", n)
	}
	later := time.Now().Add(time.Minute)
	bob.now = func() time.Time { return later }
	bob.sync()
	if n := bob.numbers()["undecided"]; n != 1 {
		t.Fatalf("after a minute its number is %d", n)
	}
	w.converge(alice, bob)
}

// A private tracker that is published keeps its numbers; one that meets a hub
// keeps them until somebody says that they may end.
func TestPrivateNumbers(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	private := func(name string) *clone {
		c := w.clone(name)
		c.forgetRemote()
		c.create(name + " 1")
		c.create(name + " 2")
		if n := c.numbers()[name+" 2"]; n != 2 {
			t.Fatalf("%s: private number %d", name, n)
		}
		c.addRemote("origin", w.hub)
		return c
	}
	alice, bob := private("alice"), private("bob")
	alice.init()
	if got := alice.numbers(); got["alice 1"] != 1 || got["alice 2"] != 2 {
		t.Fatalf("published, alice's are %v", got)
	}
	tr := bob.open()
	_, err := tr.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
		return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "x", Priority: event.Low, CreatedBy: "bob"}}, nil
	})
	tr.Close()
	var e *fail.Error
	if !errors.As(err, &e) || e.Code.Name() != "private-numbers" {
		t.Fatalf("a write beside another hub's numbers: %v", err)
	}
	tr = bob.open()
	defer tr.Close()
	r, err := tr.Init(context.Background(), tracker.InitOptions{Join: true})
	if err != nil || len(r.Renumbered) != 2 || r.Renumbered[0].Was != 1 || r.Created {
		t.Fatalf("%+v, %v", r, err)
	}
	w.converge(alice, bob)
	if got := alice.numbers(); got["alice 1"] != 1 || got["alice 2"] != 2 || got["bob 1"] != 3 || got["bob 2"] != 4 {
		t.Errorf("%v", got)
	}
}

// A hub restored from an old backup, on which others continued: what was decided
// and lost comes back by a merge step; a number given twice becomes an alias.
func TestHubRestoredFromBackup(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	bob.sync()
	alice.create("kept")
	w.converge(alice, bob)
	backup := w.tips(branches)
	alice.create("lost 2")
	alice.create("lost 3")
	w.restore(backup)
	bob.create("given 2 again")
	if n := bob.numbers()["given 2 again"]; n != 2 {
		t.Fatalf("on the restored hub the next number is %d", n)
	}
	alice.sync()
	w.converge(alice, bob)
	for _, c := range []*clone{alice, bob} {
		got := c.numbers()
		if got["kept"] != 1 || got["given 2 again"] != 2 || got["lost 3"] != 3 || got["lost 2"] != 4 {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	told := false
	for _, n := range alice.notices {
		told = told || containsWord(n.Text, "lost")
	}
	if !told {
		t.Errorf("alice was not told: %v", alice.notices)
	}
}

// A hub set back to an old backup that nobody wrote to since gets everything
// back by fast-forward: no number changes.
func TestHubSetBack(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	bob.sync()
	alice.create("one")
	backup := w.tips(branches)
	alice.create("two")
	before := alice.numbers()
	w.restore(backup)
	alice.sync()
	alice.create("three")
	w.converge(alice, bob)
	got := bob.numbers()
	for title, n := range before {
		if got[title] != n {
			t.Errorf("'%s' was %d and is %d", title, n, got[title])
		}
	}
	if got["three"] != 3 {
		t.Errorf("%v", got)
	}
}
