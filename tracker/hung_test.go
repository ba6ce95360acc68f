package tracker_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// A push that hangs on the server holds up nobody for longer than the bounds:
// a write meanwhile is queued, the hung sync ends, and the next one sends all.
func TestHungSync(t *testing.T) {
	tracker.ShortBounds(t, 400*time.Millisecond, 4*time.Second)
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	hung, hangs := filepath.Join(w.dir, "hung"), filepath.Join(w.dir, "hangs")
	wrapper := filepath.Join(w.dir, "receive-pack")
	script := "#!/bin/sh\nif test -e " + hangs + "; then touch " + hung + "; sleep 61; fi\nexec git-receive-pack \"$@\"\n"
	for path, text := range map[string]string{wrapper: script, hangs: ""} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.git(alice.dir, "config", "remote.origin.receivepack", wrapper)
	write := func(title string, o tracker.EmitOptions) *tracker.Receipt {
		t.Helper()
		tr := alice.open()
		defer tr.Close()
		r, err := tr.Emit(context.Background(), o, func(tracker.Projection) ([]event.Body, error) {
			return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: title, Priority: event.Low, CreatedBy: tr.Agent()}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	write("before", tracker.EmitOptions{Offline: true})

	ended := make(chan error, 1)
	go func() {
		tr := alice.open()
		defer tr.Close()
		_, err := tr.Sync(context.Background(), tracker.SyncOptions{Detached: true})
		ended <- err
	}()
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(hung); err == nil {
			break
		}
		if time.Since(start) > 20*time.Second {
			t.Fatal("the push was never started")
		}
	}
	start := time.Now()
	r := write("meanwhile", tracker.EmitOptions{})
	if r.Sync != tracker.Queued || time.Since(start) > 3500*time.Millisecond {
		t.Errorf("%s after %v", r.Sync, time.Since(start))
	}
	select {
	case <-ended:
	case <-time.After(15 * time.Second):
		t.Fatal("the hung sync goes on")
	}
	if out, err := exec.Command("pgrep", "-f", wrapper).Output(); err == nil {
		t.Errorf("the push left processes behind: %s", out)
	}
	if err := os.Remove(hangs); err != nil {
		t.Fatal(err)
	}
	if s := alice.sync(); s.State != tracker.Confirmed || s.Unsent != 0 {
		t.Errorf("%+v", s)
	}
	w.converge(alice, bob)
	if got := bob.numbers(); len(got) != 2 {
		t.Errorf("%v", got)
	}
}
