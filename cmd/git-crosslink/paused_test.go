//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// hook is the hook that runs before each step of an agent's program.
func (t *town) hook(dir string) (status int, msg string) {
	t.tb.Helper()
	cmd := t.command(dir, "git-crosslink", "agent", "flags", "--hook")
	cmd.Stdin = strings.NewReader(`{"tool_name":"Bash","tool_input":{"command":"make"}}`)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.tb.Fatal(err)
	}
	if out.Len() > 0 {
		t.tb.Errorf("the hook prints on stdout: %q", out.String())
	}
	return cmd.ProcessState.ExitCode(), errs.String()
}

// later makes the last contact of a clone with its hub longer ago.
func (t *town) later(dir string, d time.Duration) {
	t.tb.Helper()
	file := filepath.Join(t.root, dir, ".git", "crosslink", "contact.json")
	b, err := os.ReadFile(file)
	if err != nil {
		t.tb.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.tb.Fatal(err)
	}
	last, err := time.Parse(time.RFC3339Nano, v["last"].(string))
	if err != nil {
		t.tb.Fatal(err)
	}
	v["last"] = last.Add(-d).Format(time.RFC3339Nano)
	if b, err = json.Marshal(v); err != nil {
		t.tb.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.tb.Fatal(err)
	}
}

// TestAPauseBitesWithoutADaemon: an agent in another clone that runs nothing but the
// hook before its steps is stopped within 70 seconds of the request, because the hook
// starts a sync when the last contact is a minute ago. Offline, what was seen before
// holds, and nothing new comes.
func TestAPauseBitesWithoutADaemon(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.git("bob", "crosslink", "sync")
	w.git("alice", "crosslink", "sync")
	sent := time.Now()
	w.git("alice", "crosslink", "request", "send", "bob-1", "pause", "-r", "release freeze")
	if status, msg := w.hook("bob"); status != 0 || msg != "" {
		t.Fatalf("a hook that cannot know yet: %d %s", status, msg)
	}
	if os.Getenv("CROSSLINK_NIGHTLY") != "" { // as it is
		for status := 0; status == 0; time.Sleep(time.Second) {
			if status, _ = w.hook("bob"); time.Since(sent) > 75*time.Second {
				t.Fatal("the pause does not arrive")
			}
		}
		t.Logf("stopped after %s", time.Since(sent).Round(time.Second))
		if d := time.Since(sent); d > 70*time.Second {
			t.Errorf("stopped after %s", d)
		}
	} else { // the minute is over
		w.later("bob", time.Minute)
		if status, msg := w.hook("bob"); status != 0 || msg != "" {
			t.Fatalf("the hook that starts the sync: %d %s", status, msg)
		}
		if !testkit.Settle(w.root) {
			t.Fatal("the sync does not end")
		}
	}
	status, msg := w.hook("bob")
	if status != 2 || !strings.HasPrefix(msg, "paused by alice-1: release freeze; answer: git crosslink request ack ") || strings.Count(msg, "\n") != 1 {
		t.Fatalf("a paused agent's hook: %d %q", status, msg)
	}
	if status, kind := w.kind("bob", "ready", "--claim"); status != 1 || kind != "paused" {
		t.Errorf("ready --claim of a paused agent: %d %s", status, kind)
	}

	// the hub is away
	hub, away := filepath.Join(w.root, "hub.git"), filepath.Join(w.root, "away.git")
	if err := os.Rename(hub, away); err != nil {
		t.Fatal(err)
	}
	w.later("bob", time.Hour)
	cmd := w.command("alice", "git-crosslink", "request", "send", "bob-1", "resume")
	if out, err := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 0 && cmd.ProcessState.ExitCode() != 3 {
		t.Errorf("a resume that waits for the hub: %v\n%s", err, out)
	}
	for range 2 {
		if status, _ := w.hook("bob"); status != 2 {
			t.Errorf("offline the pause is over: %d", status)
		}
	}
	cmd = w.command("bob", "git-crosslink", "agent", "flags", "--json")
	out, _ := cmd.Output()
	if !strings.Contains(string(out), `"state":"paused"`) || !strings.Contains(string(out), "as of 1 h ago") {
		t.Errorf("what is known offline does not say how old it is: %s", out)
	}
	if !testkit.Settle(w.root) {
		t.Fatal("a sync without a hub does not end")
	}
	if err := os.Rename(away, hub); err != nil {
		t.Fatal(err)
	}
	w.git("alice", "crosslink", "sync")
	w.later("bob", time.Hour)
	w.hook("bob")
	if !testkit.Settle(w.root) {
		t.Fatal("the sync does not end")
	}
	if status, msg := w.hook("bob"); status != 0 {
		t.Errorf("after the resume: %d %s", status, msg)
	}
	if status, kind := w.kind("bob", "ready", "--claim"); status != 0 {
		t.Errorf("ready --claim after the resume: %d %s", status, kind)
	}
}

// kind runs a command and returns its exit status and the kind of its failure.
func (t *town) kind(dir string, args ...string) (status int, kind string) {
	t.tb.Helper()
	cmd := t.command(dir, append([]string{"git-crosslink", "--json"}, args...)...)
	out, _ := cmd.Output()
	var doc struct {
		Error *struct{ Kind string }
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		t.tb.Fatalf("%v: %v: %s", args, err, out)
	}
	if doc.Error != nil {
		kind = doc.Error.Kind
	}
	return cmd.ProcessState.ExitCode(), kind
}
