package tracker_test

import (
	"context"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// If the refs are the same as after a sync with nothing to do, the next sync reads no log.
// It still finds whatever is new in the clone or on the hub.
func TestIdleSyncReadsNoLog(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	hub := alice.init().Hub
	issue := alice.create("one")
	bob.sync()

	clock := time.Now()
	alice.now = func() time.Time { return clock }
	sync := func(what string, reads bool, received, sent int) {
		t.Helper()
		clock = clock.Add(time.Minute)
		tr := alice.open()
		defer tr.Close()
		r, err := tr.Sync(context.Background(), tracker.SyncOptions{})
		if err != nil || r.State != tracker.Confirmed || r.Hub != hub || r.Unsent != 0 || r.Received != received || r.Sent != sent {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
		if tr.HasLoaded() != reads {
			t.Errorf("%s: logs read: %v", what, tr.HasLoaded())
		}
		if st, err := tr.Status(context.Background()); err != nil || st.LastContact == nil || !st.LastContact.Equal(clock) {
			t.Errorf("%s: the contact is of %v, %v", what, st.LastContact, err)
		}
	}
	sync("after a write", true, 0, 0)
	sync("idle", false, 0, 0)

	bob.comment(issue, "from bob")
	sync("a comment of another", true, 2, 0) // and his introduction
	sync("idle", false, 0, 0)
	sync("idle again", false, 0, 0)

	alice.cut(true)
	alice.emit(func(tr *tracker.Tracker, _ tracker.Projection) []event.Body {
		return []event.Body{&event.LabelAdded{Issue: issue, Label: "x"}}
	})
	alice.cut(false)
	sync("written offline", true, 0, 1)
	sync("sent", true, 0, 0)
	sync("idle", false, 0, 0)

	// a hub that is set back
	w.move("refs/heads/crosslink/agents/bob", "")
	tr := alice.open()
	if _, err := tr.Sync(context.Background(), tracker.SyncOptions{}); err != nil || !tr.HasLoaded() {
		t.Errorf("a log that is gone was not noticed: %v", err)
	}
	tr.Close()
	if got := w.tip(branches + "agents/bob"); got == "" {
		t.Errorf("it is not back: %q", got)
	}

	// another remote may hold a fork of this tracker
	sync("put back", true, 0, 0)
	sync("and idle", false, 0, 0)
	alice.addRemote("other", w.hub)
	sync("another remote", true, 0, 0)
}
