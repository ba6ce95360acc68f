package tracker_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func (c *clone) look(full bool) *tracker.FsckReport {
	c.w.t.Helper()
	t := c.open()
	defer t.Close()
	r, err := t.Fsck(context.Background(), full)
	if err != nil {
		c.w.t.Fatal(err)
	}
	return r
}

func (c *clone) findings(full bool) string {
	var all []string
	for _, f := range c.look(full).Findings {
		all = append(all, f.Kind+" "+f.Agent+" "+f.Text)
	}
	return strings.Join(all, "\n")
}

// What is wrong is found, and what is sound is not; only a full look doubts
// the note of what was judged before.
func TestFsck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	if r := alice.look(true); r.Logs != 0 || len(r.Findings) != 0 {
		t.Errorf("nothing there: %+v", r)
	}
	alice.init()
	alice.create("one")
	bob.create("two")
	w.converge(alice, bob)
	for _, full := range []bool{false, true} {
		if r := alice.look(full); r.Logs != 2 || r.Events != 4 || r.Sequence != 3 || len(r.Findings) != 0 {
			t.Errorf("sound: %+v", r)
		}
	}

	// a step that claims what does not follow from the events
	tip := w.tip(checkpointRef)
	forged, err := refs.Recommit(context.Background(), w.repo(), tip, []refs.OID{tip}, refs.CommitInfo{Author: "alice", When: time.Unix(1_700_000_000, 0), Message: "forged"})
	if err != nil {
		t.Fatal(err)
	}
	w.move(checkpointRef, forged)
	alice.create("three") // decides over it
	for _, full := range []bool{false, true} {
		got := alice.findings(full)
		if strings.Count(got, "bad-step") != 1 || strings.Count(got, "\n") != 0 {
			t.Errorf("full %v: %s", full, got)
		}
	}
	if n := alice.numbers()["three"]; n != 3 {
		t.Errorf("the issue decided over the bad step has number %d", n)
	}
	st := alice.open()
	defer st.Close()
	s, err := st.Status(context.Background())
	if err != nil || s.BadSteps != 1 || s.Sequence != 5 || s.Undecided != 0 || len(s.Problems()) != 1 {
		t.Errorf("%+v, %v", s, err)
	}

	// a note that was tampered with
	note := filepath.Join(alice.dir, ".git/crosslink/judged.json")
	b, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(b), `"since":0`, `"since":7`, 1)
	if wrong == string(b) {
		t.Fatalf("nothing to change in %s", b)
	}
	if err := os.WriteFile(note, []byte(wrong), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := alice.findings(false); strings.Contains(got, "note") {
		t.Errorf("a quick look doubts the note: %s", got)
	}
	if got := alice.findings(true); !strings.Contains(got, "the saved results of earlier checks were wrong") {
		t.Errorf("a full look does not: %s", got)
	}
	if got := alice.findings(true); strings.Contains(got, "note") {
		t.Errorf("it was not replaced: %s", got)
	}
}
