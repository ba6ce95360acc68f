package place

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// may is the capability of the place at dir, and whether a hint is named.
func (w *world) may(dir, want string) {
	w.Helper()
	_, is, err := w.open(dir).Facts(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	if is.Capability != want || (is.Cure == "") != (want == Ready) {
		w.Errorf("%s is %s (%s), want %s", dir, is.Capability, is.Cure, want)
	}
}

// TestJoin: a clone that has not written takes the id that it is given, and writes
// under it; nothing that is there is taken away.
func TestJoin(t *testing.T) {
	w := newWorld(t)
	a := w.Clone("a")
	w.Create(w.Clone("b"), "one", nil)
	w.may(a, NotJoined)
	l := NewLibrary(w.options())
	defer l.Close()
	if _, err := l.Join(t.Context(), a, "agent-b"); !errors.Is(err, ErrAgentTaken) {
		t.Errorf("an id that writes already: %v", err)
	}
	for _, id := range []string{"", "Not An Id", "-x", "a/b"} {
		if _, err := l.Join(t.Context(), a, id); err == nil || !strings.Contains(err.Error(), "is not an agent id") {
			t.Errorf("'%s' is joined as an agent: %v", id, err)
		}
	}
	w.may(a, NotJoined)
	if _, err := l.Join(t.Context(), a, "agent-new"); err != nil {
		t.Fatal(err)
	}
	w.may(a, Ready)
	r, err := l.Write(t.Context(), a, func(v View, t *tracker.Tracker) ([]event.Body, error) {
		return []event.Body{&event.IssueCreated{UUID: t.MintUUID(), Title: "two", Priority: event.Low, CreatedBy: v.Agent}}, nil
	})
	if err != nil || r.Agent != "agent-new" || len(r.Lines) != 2 {
		t.Errorf("wrote as %+v, %v", r, err)
	}
	said, err := l.Join(t.Context(), a, "agent-other")
	if err != nil || len(said) == 0 || said[0] != "already writes as 'agent-new'" {
		t.Errorf("a second time: %q, %v", said, err)
	}
	if _, err := l.Join(t.Context(), filepath.Join(w.Dir, "nowhere"), "agent-x"); err == nil {
		t.Error("nothing can be joined where nothing is")
	}
}

// TestCapabilities: what keeps a place from being written has a name and a hint.
func TestCapabilities(t *testing.T) {
	w := newWorld(t)
	as := func(dir string) *world { // the agent of a clone, for the one who opens it
		other := *w.World
		other.Environ = append(slices.Clone(w.Environ), "GIT_CROSSLINK_AGENT=agent-"+filepath.Base(dir))
		return &world{&other}
	}
	a, b := w.Clone("a"), w.Clone("b")
	w.Create(a, "one", nil)
	w.Create(b, "two", nil)
	as(a).may(a, Ready)

	w.Git("init", "-q", "alone")
	alone := filepath.Join(w.Dir, "alone")
	w.Create(alone, "here", nil)
	as(alone).may(alone, NotShared)

	if os.Geteuid() != 0 {
		if err := os.Chmod(filepath.Join(b, ".git"), 0o500); err != nil {
			t.Fatal(err)
		}
		as(b).may(b, ReadOnly)
		if err := os.Chmod(filepath.Join(b, ".git"), 0o700); err != nil {
			t.Fatal(err)
		}
	}

	seed := filepath.Join(w.Dir, "seed")
	w.as(seed, func(t *tracker.Tracker) error {
		if _, err := t.Approve(w.Context(), tracker.Approve{Agents: []string{"agent-seed", "agent-a"}, Admin: true}); err != nil {
			return err
		}
		return t.SetPolicy(w.Context(), tracker.Policy{Signing: "require"})
	})
	sync := func(dir string) {
		w.as(dir, func(t *tracker.Tracker) error {
			_, err := t.Sync(w.Context(), tracker.SyncOptions{})
			return err
		})
	}
	sync(a)
	sync(b)
	as(a).may(a, Ready)
	as(b).may(b, NotApproved)
	if MayWrite(NotApproved) || !MayWrite(NotJoined) || !MayWrite(Ready) {
		t.Error("what may be written is not what has no reason against it")
	}

	w.as(seed, func(t *tracker.Tracker) error {
		_, err := t.Revoke(w.Context(), "agent-a", nil, "gone")
		return err
	})
	sync(b)
	as(a).may(b, AgentTrouble)
	w.Git("-C", w.Hub, "update-ref", "-d", "refs/heads/crosslink/agents/agent-b")
	if err := as(a).open(a).Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	as(a).may(a, HubMoved)
}
