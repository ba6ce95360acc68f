package enrol

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestTidy(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "one")
	w.git("init", "-q", "--bare", "../hub.git")
	w.git("remote", "set-url", "origin", "../hub.git")
	for _, ref := range []string{"main", "crosslink-notes", "crosslink/meta", "crosslink/agents/alice", "crosslink/agents/bob"} {
		w.git("push", "-q", "origin", "HEAD:refs/heads/"+ref)
	}
	branches := func() string { return w.git("for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin") }
	all := branches()
	before := w.config()
	const plain = "crosslink-notes\nmain"
	for n, want := range []bool{false, true} {
		if already, err := w.Tidy(ctx, "origin"); err != nil || already != want {
			t.Fatalf("time %d: already %v, %v", n, already, err)
		}
		w.git("fetch", "-q", "--prune")
		if got := branches(); got != plain || strings.Count(w.config(), "^refs/heads/crosslink/*") != 1 {
			t.Errorf("time %d: %q\n%s", n, got, w.config())
		}
	}
	if got, err := w.Tidied(ctx); err != nil || len(got) != 1 || got[0] != "origin" {
		t.Errorf("tidied are %q, %v", got, err)
	}
	for n, want := range []bool{true, false} {
		if was, err := w.Untidy(ctx, "origin"); err != nil || was != want {
			t.Fatalf("time %d: was tidy %v, %v", n, was, err)
		}
	}
	if got, err := w.Tidied(ctx); err != nil || len(got) != 0 {
		t.Errorf("tidied are still %q, %v", got, err)
	}
	if w.config() != before {
		t.Errorf("the configuration was\n%s\nand is\n%s", before, w.config())
	}
	w.git("fetch", "-q")
	if got := branches(); got != all || !strings.Contains(all, "crosslink/agents/bob") {
		t.Errorf("fetched again: %q, was %q", got, all)
	}
	if _, err := w.Tidy(ctx, "nowhere"); !errors.Is(err, ErrNoRemote) {
		t.Errorf("a remote that does not exist: %v", err)
	}
}
